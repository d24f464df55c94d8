"""Learners, the players of the game. `LEARNERS` has them all by name.

The imports below are the only list of learners. Names, configs, figures, tests and docs follow from it and from
attributes of the classes. To add a learner, add its file and a line here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oco.learners import plain as plain
from oco.learners.ada_fd import AdaFD as AdaFD
from oco.learners.ada_ffd import AdaFFD as AdaFFD
from oco.learners.adagrad_norm import AdaGradNorm as AdaGradNorm
from oco.learners.adam import Adam as Adam
from oco.learners.adam import AMSGrad as AMSGrad
from oco.learners.adaptive_fd_adagrad import AdaptiveFDAdaGrad as AdaptiveFDAdaGrad
from oco.learners.ader import Ader as Ader
from oco.learners.aprox import AProx as AProx
from oco.learners.barrier_bandit import BarrierBandit as BarrierBandit
from oco.learners.base import Learner, Look, Memory, Problem, state_arrays, state_bytes, state_floats
from oco.learners.blocked_frank_wolfe import BlockedFrankWolfe as BlockedFrankWolfe
from oco.learners.coin_betting import CoinBetting as CoinBetting
from oco.learners.coordinate_metagrad import CoordinateMetaGrad as CoordinateMetaGrad
from oco.learners.delayed_adagrad import DelayedAdaGrad as DelayedAdaGrad
from oco.learners.delayed_ogd import DelayedOGD as DelayedOGD
from oco.learners.diagonal_adagrad import DiagonalAdaGrad as DiagonalAdaGrad
from oco.learners.diagonal_fd_adagrad import DiagonalFDAdaGrad as DiagonalFDAdaGrad
from oco.learners.dyadic_fd_adagrad import DyadicFDAdaGrad as DyadicFDAdaGrad
from oco.learners.exp3 import Exp3 as Exp3
from oco.learners.faml import FAML as FAML
from oco.learners.fd_adagrad import FDAdaGrad as FDAdaGrad
from oco.learners.fd_son import FDSON as FDSON
from oco.learners.fixed_share import FixedShare as FixedShare
from oco.learners.ftfsl import FTFSL as FTFSL
from oco.learners.ftsl import FTSL as FTSL
from oco.learners.ftsl_shampoo import FTSLShampoo as FTSLShampoo
from oco.learners.full_matrix_adagrad import FullMatrixAdaGrad as FullMatrixAdaGrad
from oco.learners.hedge import Hedge as Hedge
from oco.learners.implicit_ogd import ImplicitOGD as ImplicitOGD
from oco.learners.lipschitz_adaptive_metagrad import LipschitzAdaptiveMetaGrad as LipschitzAdaptiveMetaGrad
from oco.learners.matrix_free import MatrixFree as MatrixFree
from oco.learners.metagrad import MetaGrad as MetaGrad
from oco.learners.ogd import OGD as OGD
from oco.learners.oja_son import OjaSON as OjaSON
from oco.learners.one_point_bandit import OnePointBandit as OnePointBandit
from oco.learners.online_frank_wolfe import OnlineFrankWolfe as OnlineFrankWolfe
from oco.learners.online_newton_step import OnlineNewtonStep as OnlineNewtonStep
from oco.learners.online_ridge import OnlineRidge as OnlineRidge
from oco.learners.optimistic_fd_adagrad import OptimisticFDAdaGrad as OptimisticFDAdaGrad
from oco.learners.optimistic_ftrl import OptimisticFTRL as OptimisticFTRL
from oco.learners.optimistic_hedge import OptimisticHedge as OptimisticHedge
from oco.learners.optimistic_ogd import OptimisticOGD as OptimisticOGD
from oco.learners.parameter_free_fd import ParameterFreeFD as ParameterFreeFD
from oco.learners.parameter_free_full_matrix import ParameterFreeFullMatrix as ParameterFreeFullMatrix
from oco.learners.polyak_ogd import PolyakOGD as PolyakOGD
from oco.learners.primal_dual_ada_fd import PrimalDualAdaFD as PrimalDualAdaFD
from oco.learners.primal_dual_diagonal_adagrad import PrimalDualDiagonalAdaGrad as PrimalDualDiagonalAdaGrad
from oco.learners.primal_dual_full_matrix_adagrad import PrimalDualFullMatrixAdaGrad as PrimalDualFullMatrixAdaGrad
from oco.learners.primal_dual_ogd import PrimalDualOGD as PrimalDualOGD
from oco.learners.random_projection import AdaLR as AdaLR
from oco.learners.random_projection import RadaGrad as RadaGrad
from oco.learners.regret_matching import RegretMatching as RegretMatching
from oco.learners.rfd_son import RFDSON as RFDSON
from oco.learners.saol import SAOL as SAOL
from oco.learners.shampoo import OneSidedShampoo as OneSidedShampoo
from oco.learners.shampoo import Shampoo as Shampoo
from oco.learners.sketched_one_sided_shampoo import SketchedOneSidedShampoo as SketchedOneSidedShampoo
from oco.learners.sketched_shampoo import SketchedShampoo as SketchedShampoo
from oco.learners.slab_fd_son import SlabFDSON as SlabFDSON
from oco.learners.slab_son import SlabSON as SlabSON
from oco.learners.son import SON as SON
from oco.learners.two_point_bandit import TwoPointBandit as TwoPointBandit
from oco.learners.vovk_azoury_warmuth import VovkAzouryWarmuth as VovkAzouryWarmuth
from oco.learners.windowed_fd_adagrad import WindowedFDAdaGrad as WindowedFDAdaGrad
from oco.plugins import Registry


def _imported() -> list[type[Learner]]:
    """The learners imported by this module, in order."""
    found = [value for value in globals().values() if isinstance(value, type) and issubclass(value, Learner)]
    return [learner for learner in found if learner is not Learner]


LEARNERS: Registry[Learner] = Registry(
    "learner", "oco.learners", Learner, {learner.name: learner for learner in _imported()}
)
"""All learners, plugins' included, by name."""

__all__ = ["LEARNERS", "Learner", "Look", "Memory", "Problem", "state_arrays", "state_bytes", "state_floats"]
__all__ += [learner.__name__ for learner in _imported()]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "ENTRIES":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import types
        import warnings

        warnings.warn(
            "oco.learners.ENTRIES goes away: decision, needs and examples are attributes of the classes in "
            "oco.learners.LEARNERS.built_in",
            DeprecationWarning,
            stacklevel=2,
        )
        return {
            name: types.SimpleNamespace(learner=kind, decision=kind.decision, needs=kind.needs, examples=kind.examples)
            for name, kind in LEARNERS.built_in.items()
        }
