"""Predictions in the kind of array that the rows were."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def in_kind_of(given: Any, predicted: Any) -> Any:
    """``predicted`` as an array of the library that ``given`` is an array of; words stay in NumPy's."""
    if isinstance(given, np.ndarray) or not hasattr(given, "__dlpack__") or predicted.dtype.kind not in "biuf":
        return predicted
    if hasattr(given, "__array_namespace__"):
        return given.__array_namespace__().from_dlpack(predicted)
    library = sys.modules.get(type(given).__module__.partition(".")[0])  # PyTorch has no __array_namespace__
    taking = getattr(library, "from_dlpack", None)
    return predicted if taking is None else taking(predicted)
