"""Losses: of a margin (generalized linear), and any convex function with a value and a gradient."""

from oco.losses.base import Loss
from oco.losses.multinomial import MultinomialBlock, MultinomialLogistic
from oco.losses.quadratic import QuadraticForm
from oco.losses.rows import BlockOutcome, RowBlock, RowLoss
from oco.losses.scalar import (
    SCALAR_LOSSES,
    Absolute,
    Hinge,
    Huber,
    Linear,
    Logarithmic,
    Logistic,
    Quantile,
    ScalarLoss,
    Squared,
    SquaredHinge,
    scalar_loss,
)

__all__ = [
    "SCALAR_LOSSES",
    "Absolute",
    "BlockOutcome",
    "Hinge",
    "Huber",
    "Linear",
    "Logarithmic",
    "Logistic",
    "Loss",
    "MultinomialBlock",
    "MultinomialLogistic",
    "QuadraticForm",
    "Quantile",
    "RowBlock",
    "RowLoss",
    "ScalarLoss",
    "Squared",
    "SquaredHinge",
    "scalar_loss",
]
