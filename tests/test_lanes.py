"""Arithmetic on several numbers at once: a kernel does what the functions' own bodies say."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from numba.core.errors import TypingError

from oco.compile import kernel
from oco.lanes import (
    WIDTH,
    add_products,
    anywhere,
    first,
    inverse_sqrt,
    load,
    multiply_add,
    spread,
    sqrt,
    store,
    total,
    where,
)


@kernel
def copy_from(vector, start, out, begin):
    store(out, begin, load(vector, start))


@pytest.mark.parametrize("size", [1, WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH + 3])
@pytest.mark.parametrize("start", [0, 1, WIDTH])
def test_nothing_is_read_or_written_beyond_the_end(size, start):
    memory = np.arange(1.0, 8.0 * WIDTH)
    target = np.full(memory.size, -1.0)
    copy_from(memory[: start + size], start, target[:size], 0)
    few = min(size, WIDTH)
    np.testing.assert_array_equal(target[:few], memory[start : start + few])
    assert np.all(target[few:] == -1.0)
    copy_from(memory[:size], size - 1, target, WIDTH)
    assert target[WIDTH] == memory[size - 1]
    assert np.all(target[WIDTH + 1 : 2 * WIDTH] == 0.0)
    assert np.all(target[2 * WIDTH :] == -1.0)


@kernel
def invert_roots(numbers, out):
    for j in range(0, numbers.size, WIDTH):
        store(out, j, inverse_sqrt(load(numbers, j)))


@pytest.mark.parametrize("exponents", [(0, 2), (-300, 300), (-1022, 1023), (-1074, -1030)])
def test_inverse_roots_are_within_two_units_in_the_last_place(exponents):
    numbers = np.maximum(np.exp2(np.random.default_rng(0).uniform(*exponents, 20_003)), 5e-324)
    found = np.empty_like(numbers)
    invert_roots(numbers, found)
    exact = 1.0 / np.sqrt(numbers.astype(np.longdouble))
    assert np.max(np.abs(found - exact) / np.spacing(found)) <= 2.0


@kernel
def products_added(start, left, right):
    return add_products(start, load(left, 0), load(right, 0))


def test_products_are_added_in_order():
    left = np.ones(WIDTH)
    left[[0, -1]] = 2.0**53, -(2.0**53)  # a one is lost in the sum while it is so large
    assert products_added(1.0, left, np.ones(WIDTH)) == 0.0
    assert products_added(1.0, left[::-1].copy(), np.ones(WIDTH)) == WIDTH - 1.0
    assert products_added(0.25, np.arange(3.0), np.full(3, 0.5)) == 1.75  # zeros beyond the end


@kernel
def multiply_and_add(x, y, z, out):
    store(out, 0, multiply_add(load(x, 0), load(y, 0), load(z, 0)))


def test_a_product_and_a_sum_in_one():
    x, y, z = np.random.default_rng(0).standard_normal((3, WIDTH))
    out = np.empty(WIDTH)
    multiply_and_add(x, y, z, out)
    np.testing.assert_allclose(out, x * y + z, rtol=1e-15, atol=1e-15)


@kernel
def arithmetic(x, y, out):
    a, b = load(x, 0), load(y, 0)
    store(out[0], 0, a + b - 2.0 * a / b)
    store(out[1], 0, where((a < b) & ~(a <= -1.0), sqrt(abs(a)), -b))
    store(out[2], 0, where((a > 1.0) | (b >= 0.5) | (a == 0.25), 1.0, 0.0))
    store(out[3], 0, where(first(3), a, 0.5))
    c = spread(1.0)
    c += a
    c -= 3.0
    c *= b
    c /= 7.0
    store(out[4], 0, c)


def test_arithmetic_is_that_of_each_lane():
    a, b = np.random.default_rng(0).standard_normal((2, WIDTH))
    a[0] = 0.25
    out = np.zeros((5, WIDTH))
    arithmetic(a, b, out)
    np.testing.assert_allclose(out[0], a + b - 2.0 * a / b, rtol=1e-15, atol=1e-15)
    np.testing.assert_array_equal(out[1], np.where((a < b) & ~(a <= -1.0), np.sqrt(np.abs(a)), -b))
    np.testing.assert_array_equal(out[2], ((a > 1.0) | (b >= 0.5) | (a == 0.25)).astype(float))
    np.testing.assert_array_equal(out[3], np.where(np.arange(WIDTH) < 3, a, 0.5))
    np.testing.assert_allclose(out[4], (1.0 + a - 3.0) * b / 7.0, rtol=1e-15, atol=1e-15)


@kernel
def reductions(x, bound):
    return total(load(x, 0)), anywhere(load(x, 0) > bound), anywhere((load(x, 0) > bound) & first(-1))


def test_reductions():
    x = np.random.default_rng(1).standard_normal(WIDTH)
    found, above, nowhere = reductions(x, x.max() - 1e-9)
    assert found == pytest.approx(x.sum(), abs=1e-14)
    assert above
    assert not nowhere
    assert not reductions(x, x.max())[1]


def test_a_vector_with_gaps_is_refused():
    with pytest.raises(TypingError):
        copy_from(np.zeros((WIDTH, 2))[:, 0], 0, np.zeros(WIDTH), 0)


PROGRAM = """
import numpy as np
from oco.sketching.secular import FOURS, ROWS, rank_one_eigen
count = 7
roots, weights, vectors = np.zeros(count), np.zeros(count), np.zeros((count, count))
poles, z = np.array([5.0, 3.0, 2.5, 2.4, 1.0, 0.5, 0.0]), np.linspace(-1.0, 1.0, count) ** 3 + 0.1
rank_one_eigen(count, poles, z, roots, vectors, weights, np.zeros((ROWS, count + FOURS)))
print(*roots, *np.abs(vectors * weights).ravel())
"""


def test_the_bodies_do_the_same_where_numba_is_disabled():
    outcomes = []
    for disabled in ("0", "1"):
        environment = os.environ | {"NUMBA_DISABLE_JIT": disabled, "PYTHONWARNINGS": "ignore"}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        outcomes.append(np.array(run.stdout.split(), dtype=float))
    np.testing.assert_allclose(outcomes[0], outcomes[1], rtol=1e-13, atol=1e-16)
