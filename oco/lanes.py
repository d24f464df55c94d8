"""Several float64 as one value of a compiled kernel: arithmetic on `WIDTH` of them at once, in registers.

LLVM vectorizes a loop only where it can prove that it may, and leaves the remainder to a scalar loop: three of eleven
numbers, or all of them. Lanes state the vectors explicitly: `load` takes `WIDTH` numbers of a contiguous vector
(zeros beyond its end); ``+ - * /``, comparisons, `sqrt`, ``abs`` and `where` work lane by lane, with floats too, which
are the same in every lane; `store` writes what lies inside the vector. LLVM maps it to the processor's registers.

The body of each function says what it does, and does it where Numba is disabled.
"""

from __future__ import annotations

import os
from typing import Any

import llvmlite.binding
import numpy as np

from oco.types import Array

_HAS_WIDE = bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))
WIDTH = 16 if _HAS_WIDE and os.environ.get("NUMBA_CPU_NAME") != "x86-64-v3" else 4
"""Numbers in a value: two registers of a processor with 32 of 512 bits, one of those with 16 of 256 or 32 of 128."""


def load(vector: Array, start: int) -> Any:
    """``vector[start : start + WIDTH]``, and zeros beyond the vector's end."""
    lanes = np.zeros(WIDTH)
    part = vector[start : start + WIDTH]
    lanes[: part.size] = part
    return lanes


def store(vector: Array, start: int, lanes: Any) -> None:
    """``vector[start : start + WIDTH] = lanes``, as far as the vector goes."""
    part = vector[start : start + WIDTH]
    part[:] = lanes[: part.size]


def spread(value: float) -> Any:
    """``value`` in every lane."""
    return np.full(WIDTH, value)


def sqrt(lanes: Any) -> Any:
    """The square root of each."""
    return np.sqrt(lanes)


def multiply_add(left: Any, right: Any, summand: Any) -> Any:
    """``left * right + summand``, rounded once where the processor can."""
    return left * right + summand


def where(condition: Any, chosen: Any, otherwise: Any) -> Any:
    """``chosen`` in the lanes where the condition holds, ``otherwise`` in the others."""
    return np.where(condition, chosen, otherwise)


def first(count: int) -> Any:
    """The condition that holds in the first ``count`` lanes."""
    return np.arange(WIDTH) < count


def anywhere(condition: Any) -> bool:
    """Whether the condition holds in a lane."""
    return bool(np.any(condition))


def total(lanes: Any) -> float:
    """The sum of all lanes, in an order of the compiler's."""
    return float(np.sum(lanes))


def inverse_sqrt(lanes: Any) -> Any:
    """``1 / sqrt`` of each positive and finite number, within two units in the last place."""
    return 1.0 / np.sqrt(lanes)


def add_products(start: float, left: Any, right: Any) -> float:
    """``start`` plus the products of the first lanes, of the second, and so on: in order, each sum rounded once."""
    for product in left * right:
        start += product
    return start
