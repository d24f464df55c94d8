"""What learners with compiled rounds share: gradients as kernels take them, and the error where they cannot."""

from __future__ import annotations

from typing import Any

import numpy as np

from oco.errors import NumericsError, ProtocolError
from oco.learners.base import Learner
from oco.types import Array, Shape

_FLOAT64 = np.dtype(np.float64)


def flat_gradient(gradient: Any, shape: Shape) -> Array:
    """The gradient as a contiguous float64 vector; `ProtocolError` where it has another shape than the decision."""
    if (
        type(gradient) is not np.ndarray
        or gradient.dtype is not _FLOAT64  # there is one object for it; to compare with a type takes ten times as long
        or gradient.shape != shape
        or not gradient.flags.carray
    ):
        try:
            gradient = writable(np.ascontiguousarray(gradient, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise ProtocolError(f"the gradient must be an array of numbers of shape {shape}: {error}") from None
        if gradient.shape != shape:
            raise ProtocolError(f"the gradient must have shape {shape} like the decision, got {gradient.shape}")
    flat: Array = gradient if len(shape) == 1 else gradient.ravel()
    return flat


class _Memory:
    """A buffer that reports itself as writable."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.__array_interface__["data"][0], False)}


def writable(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A view of ``array`` that is marked writable, for kernels that only read it.

    Numba compiles a kernel again for read-only arrays, such as rows that are mapped from a file.
    """
    return array if array.flags.writeable or array.size == 0 else np.asarray(_Memory(array))


def refuse(learner: Learner, round_index: int, gradient: Array) -> NumericsError:
    """The error for a gradient that kernels cannot take."""
    place = int(np.flatnonzero(~np.isfinite(gradient))[0]) if not np.all(np.isfinite(gradient)) else -1
    where = f"entry {place} is {gradient[place]}" if place >= 0 else "its length or its weight overflows"
    return NumericsError(
        f"round {round_index}: {learner!r} was shown a gradient that is not finite ({where}); its state is unchanged"
    )
