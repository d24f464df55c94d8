"""Losses: of a margin (generalized linear), and any convex function with a value and a gradient."""

from oco.losses import classification, regression
from oco.losses.base import Loss
from oco.losses.classification import *  # noqa: F403
from oco.losses.margin import ScalarLoss
from oco.losses.multinomial import MultinomialBlock, MultinomialLogistic
from oco.losses.quadratic import QuadraticForm
from oco.losses.regression import *  # noqa: F403
from oco.losses.rows import BlockOutcome, RowBlock, RowLoss
from oco.losses.scalar import SCALAR_LOSSES, scalar_loss

__all__ = [
    "SCALAR_LOSSES",
    "BlockOutcome",
    "Loss",
    "MultinomialBlock",
    "MultinomialLogistic",
    "QuadraticForm",
    "RowBlock",
    "RowLoss",
    "ScalarLoss",
    "scalar_loss",
]
__all__ += classification.__all__
__all__ += regression.__all__
