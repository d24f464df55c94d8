"""Environments, the learner's opponents: a data set with a loss, a synthetic stream, or an adversary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oco.environments.attack_found import AttackFound
from oco.environments.bandit import Bandit
from oco.environments.base import Environment
from oco.environments.delayed import Delayed
from oco.environments.drawn import DrawnLosses, DrawnRows, RotatedRows
from oco.environments.drift import Drifting, DriftingQuadratic, DriftingRegression
from oco.environments.given_rows import (
    AbsoluteRegression,
    GeneralizedLinear,
    LeastSquares,
    LinearLosses,
    LogisticRegression,
    SupportVector,
)
from oco.environments.hinted import Hinted
from oco.environments.image_games import ImagePan, NaturalImages
from oco.environments.lower_bounds import AdaptiveBallLowerBound, BallLowerBound, SimplexLowerBound
from oco.environments.matrix_games import MatrixCompletion, MatrixRegression, SubspaceReconstruction
from oco.environments.multinomial import MultinomialRegression, one_vs_rest
from oco.environments.preconditioning_games import AgainstRank, CoordinateGame, OrthonormalLosses
from oco.environments.regression import IllConditionedRegression, NoisyRegression
from oco.environments.row_data import RowSource
from oco.environments.row_stream import RowStream
from oco.environments.simplex_games import DrawnPortfolio, ExpertAdvice, PortfolioSelection
from oco.environments.spectrum_games import SpectrumLinear, SpectrumQuadratic
from oco.environments.streamed import from_river
from oco.environments.traps import FollowTheLeaderTrap, UnprojectedTrap, WrongProjectionTrap
from oco.environments.with_constraint import WithConstraint
from oco.plugins import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oco.comparators import ComparatorCurve

ENVIRONMENTS: Registry[Environment] = Registry(
    "environment",
    "oco.environments",
    Environment,
    {
        environment.name: environment
        for environment in (
            LogisticRegression,
            LeastSquares,
            AbsoluteRegression,
            SupportVector,
            LinearLosses,
            GeneralizedLinear,
            MultinomialRegression,
            PortfolioSelection,
            SpectrumLinear,
            SpectrumQuadratic,
            IllConditionedRegression,
            NoisyRegression,
            DrawnPortfolio,
            ExpertAdvice,
            MatrixCompletion,
            MatrixRegression,
            SubspaceReconstruction,
            DriftingRegression,
            DriftingQuadratic,
            NaturalImages,
            ImagePan,
            BallLowerBound,
            AdaptiveBallLowerBound,
            SimplexLowerBound,
            CoordinateGame,
            AgainstRank,
            OrthonormalLosses,
            FollowTheLeaderTrap,
            UnprojectedTrap,
            WrongProjectionTrap,
            Delayed,
            Bandit,
            Hinted,
            WithConstraint,
            AttackFound,
        )
    },
)
"""All environments, plugins' included, by their names in configs; ``from_config`` takes plain values."""


def comparator_curve(
    environment: Environment, seed: int = 0, checkpoints: int | Sequence[int] = 30
) -> ComparatorCurve | None:
    """The best fixed points in hindsight of one stream of ``environment``, which are the same for every learner.

    Pass the result to `oco.play` as ``comparator`` to solve for it once rather than in every game.
    """
    from oco.regret.checkpoints import checkpoint_rounds

    return environment.fresh(seed).comparator_curve(checkpoint_rounds(checkpoints, environment.horizon))


__all__ = [
    "ENVIRONMENTS",
    "AbsoluteRegression",
    "AdaptiveBallLowerBound",
    "AgainstRank",
    "AttackFound",
    "BallLowerBound",
    "Bandit",
    "CoordinateGame",
    "Delayed",
    "Drifting",
    "DriftingQuadratic",
    "DriftingRegression",
    "DrawnLosses",
    "DrawnPortfolio",
    "DrawnRows",
    "Environment",
    "ExpertAdvice",
    "FollowTheLeaderTrap",
    "GeneralizedLinear",
    "Hinted",
    "IllConditionedRegression",
    "ImagePan",
    "LeastSquares",
    "LinearLosses",
    "LogisticRegression",
    "MatrixCompletion",
    "MatrixRegression",
    "MultinomialRegression",
    "NaturalImages",
    "NoisyRegression",
    "OrthonormalLosses",
    "PortfolioSelection",
    "RotatedRows",
    "RowSource",
    "RowStream",
    "SimplexLowerBound",
    "SpectrumLinear",
    "SpectrumQuadratic",
    "SubspaceReconstruction",
    "SupportVector",
    "UnprojectedTrap",
    "WithConstraint",
    "WrongProjectionTrap",
    "comparator_curve",
    "from_river",
    "one_vs_rest",
]
