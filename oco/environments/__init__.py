"""Environments: what a learner plays against. A data set and a loss, a synthetic stream, an adversary."""

from __future__ import annotations

from oco.environments.base import Environment
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
from oco.environments.hindsight import comparator_curve
from oco.environments.lower_bounds import AdaptiveBallLowerBound, BallLowerBound, SimplexLowerBound
from oco.environments.matrix_games import MatrixCompletion, MatrixRegression, SubspaceReconstruction
from oco.environments.multinomial import MultinomialRegression, one_vs_rest
from oco.environments.preconditioning_games import AgainstRank, CoordinateGame, OrthonormalLosses
from oco.environments.regression import IllConditionedRegression, NoisyRegression
from oco.environments.row_data import RowSource
from oco.environments.row_stream import RowStream
from oco.environments.simplex_games import DrawnPortfolio, ExpertAdvice, PortfolioSelection
from oco.environments.spectrum_games import SpectrumLinear, SpectrumQuadratic
from oco.environments.traps import FollowTheLeaderTrap, UnprojectedTrap, WrongProjectionTrap
from oco.plugins import Registry

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
            BallLowerBound,
            AdaptiveBallLowerBound,
            SimplexLowerBound,
            CoordinateGame,
            AgainstRank,
            OrthonormalLosses,
            FollowTheLeaderTrap,
            UnprojectedTrap,
            WrongProjectionTrap,
        )
    },
)
"""Every environment by the name that configs use, those of other packages too; ``from_config`` takes plain values."""


__all__ = [
    "ENVIRONMENTS",
    "AbsoluteRegression",
    "AdaptiveBallLowerBound",
    "AgainstRank",
    "BallLowerBound",
    "CoordinateGame",
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
    "IllConditionedRegression",
    "LeastSquares",
    "LinearLosses",
    "LogisticRegression",
    "MatrixCompletion",
    "MatrixRegression",
    "MultinomialRegression",
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
    "WrongProjectionTrap",
    "comparator_curve",
    "one_vs_rest",
]
