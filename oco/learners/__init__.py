"""Learners: what plays the game. `LEARNERS` has them all by name."""

from oco.learners.ada_fd import AdaFD, AdaFFD, PrimalDualAdaFD
from oco.learners.adagrad_norm import AdaGradNorm
from oco.learners.adam import Adam, AMSGrad
from oco.learners.base import Learner, Memory, Problem, state_arrays, state_bytes, state_floats
from oco.learners.coin_betting import CoinBetting
from oco.learners.diagonal_adagrad import DiagonalAdaGrad
from oco.learners.fd_adagrad import FDAdaGrad
from oco.learners.ftsl import FTFSL, FTSL
from oco.learners.full_matrix_adagrad import FullMatrixAdaGrad
from oco.learners.hedge import Hedge
from oco.learners.ogd import OGD
from oco.learners.oja_son import OjaSON
from oco.learners.online_newton_step import SON, OnlineNewtonStep
from oco.learners.primal_dual_adagrad import PrimalDualDiagonalAdaGrad, PrimalDualFullMatrixAdaGrad
from oco.learners.random_projection import AdaLR, RadaGrad
from oco.learners.registry import ENTRIES, LEARNERS, Entry
from oco.learners.shampoo import OneSidedShampoo, Shampoo
from oco.learners.sketched_shampoo import SketchedOneSidedShampoo, SketchedShampoo
from oco.learners.sketched_son import FDSON, RFDSON

__all__ = [
    "FDSON",
    "FTFSL",
    "FTSL",
    "RFDSON",
    "AdaFD",
    "AdaFFD",
    "PrimalDualAdaFD",
    "ENTRIES",
    "LEARNERS",
    "OGD",
    "SON",
    "AMSGrad",
    "AdaGradNorm",
    "AdaLR",
    "Adam",
    "CoinBetting",
    "DiagonalAdaGrad",
    "Entry",
    "FDAdaGrad",
    "FullMatrixAdaGrad",
    "Hedge",
    "Learner",
    "Memory",
    "OjaSON",
    "OneSidedShampoo",
    "OnlineNewtonStep",
    "PrimalDualDiagonalAdaGrad",
    "PrimalDualFullMatrixAdaGrad",
    "Problem",
    "RadaGrad",
    "Shampoo",
    "SketchedOneSidedShampoo",
    "SketchedShampoo",
    "state_arrays",
    "state_bytes",
    "state_floats",
]
