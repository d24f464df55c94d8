"""Learners: what plays x_t and is shown the gradient."""

from oco.learners.adagrad_norm import AdaGradNorm
from oco.learners.base import Learner, Memory, Problem, state_arrays, state_bytes, state_floats
from oco.learners.diagonal_adagrad import DiagonalAdaGrad
from oco.learners.fd_adagrad import FDAdaGrad
from oco.learners.full_matrix_adagrad import FullMatrixAdaGrad
from oco.learners.ogd import OGD

LEARNERS: dict[str, type[Learner]] = {
    learner.name: learner for learner in (OGD, AdaGradNorm, DiagonalAdaGrad, FullMatrixAdaGrad, FDAdaGrad)
}
"""Every learner by the name that configs use; its hyper-parameters are the constructor's keywords."""

__all__ = [
    "LEARNERS",
    "OGD",
    "AdaGradNorm",
    "DiagonalAdaGrad",
    "FDAdaGrad",
    "FullMatrixAdaGrad",
    "Learner",
    "Memory",
    "Problem",
    "state_arrays",
    "state_bytes",
    "state_floats",
]
