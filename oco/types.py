"""The array types that signatures in this package use."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
"""A float64 NumPy array: a point, a gradient, a matrix of rows."""

Shape: TypeAlias = tuple[int, ...]
"""Shape of a decision: ``(d,)`` for a vector, ``(m, n)`` for a matrix."""
