"""Learners: what plays x_t and is shown the gradient."""

from oco.learners.adagrad_norm import AdaGradNorm
from oco.learners.base import Learner, Memory, Problem, state_arrays, state_bytes, state_floats
from oco.learners.diagonal_adagrad import DiagonalAdaGrad
from oco.learners.fd_adagrad import FDAdaGrad
from oco.learners.full_matrix_adagrad import FullMatrixAdaGrad
from oco.learners.ogd import OGD

__all__ = [
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
