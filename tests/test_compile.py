"""Kernels that are compiled apart: found by their callers, also from the cache and from several threads at once."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import oco
from oco.compile import MATRIX, REAL, VECTOR, _separate_kernels_of, entry_point, kernel, separate_kernel
from oco.sketching import kernels


@separate_kernel(REAL(VECTOR, REAL))
def scaled_sum(vector, factor):
    total = 0.0
    for value in vector:
        total += factor * value
    return total


@separate_kernel(REAL(MATRIX))
def sum_of_rows(matrix):
    total = 0.0
    for i in range(matrix.shape[0]):
        total += scaled_sum(matrix[i], 2)  # an integer, where the signature has a real number
    return total


@kernel
def through_another(matrix):
    return 1.0 + sum_of_rows(matrix)


def test_separate_kernels_are_called_and_numbers_converted():
    assert through_another(np.arange(6.0).reshape(2, 3)) == 31.0


@kernel
def half(number):
    return 0.5 * number


@kernel
def quarter(number):
    return half(half(number))


def test_a_kernel_that_kernels_call_is_for_python_too():
    assert quarter(8.0) == 2.0
    assert half.compiled.signatures == []  # only the part without a wrapper was compiled
    assert half(8.0) == 4.0
    assert quarter(6) == 1.5


def test_kernels_are_pickled_by_name_and_those_of_a_notebook_by_their_code():
    cloudpickle = pytest.importorskip("cloudpickle")
    assert pickle.loads(pickle.dumps(scaled_sum)) is scaled_sum
    assert copy.deepcopy(half) is half

    def twice(number):
        return half(4.0 * number)

    twice.__module__ = "__main__"
    assert pickle.loads(cloudpickle.dumps(kernel(twice)))(3.0) == 6.0


def test_other_arrays_are_refused_when_compiling():
    @kernel
    def with_integers(vector):
        return scaled_sum(vector, 1.0)

    with pytest.raises(Exception, match="scaled_sum"):
        with_integers(np.arange(3))


@separate_kernel(REAL(VECTOR, REAL), from_python=True)
def scaled_first(vector, factor):
    return factor * vector[0]


def test_an_entry_point_is_the_kernel_itself():
    vector = np.array([3.0, 1.0])
    direct = entry_point(scaled_first, vector, 2.0)
    assert direct is not scaled_first
    assert direct(vector, 2.0) == scaled_first(vector, 2.0) == 6.0


@pytest.mark.parametrize("vector", [np.zeros(4)[::2], np.zeros(2, dtype=np.float32), np.zeros((1, 2)), [1.0]])
def test_arguments_of_other_types_have_no_entry_point(vector):
    assert entry_point(scaled_first, vector, 2.0) is scaled_first


def test_a_state_of_another_type_is_refused_not_misread():
    learner = oco.FDAdaGrad(rank=2, learning_rate=0.1)
    learner.start(oco.Problem(domain=oco.Unbounded(5), horizon=10))
    learner.state.point = np.zeros(5, dtype=np.float32)
    with pytest.raises(TypeError, match="No matching definition"):
        learner.update(np.ones(5))


def test_separate_kernels_are_found_behind_the_name_of_a_module():
    def caller(vector):
        return kernels.absorb(vector)

    assert kernels.absorb in set(_separate_kernels_of(caller, set()))


PROGRAM = """
import numpy as np, oco
from oco.learners._sketched_rounds import play_round
from oco.losses import Logistic, RowBlock
learner = oco.FDAdaGrad(rank=3, learning_rate=0.1)
learner.start(oco.Problem(domain=oco.Ball(1.0, dimension=20), horizon=100))
rows = np.random.default_rng(0).standard_normal((60, 20))
learner.play_block(RowBlock(Logistic(), rows, np.ones(60)))
learner.update(rows[0])
print(sum(play_round.compiled.stats.cache_misses.values()), learner.prediction.tobytes().hex())
"""


@pytest.mark.slow
def test_a_second_process_loads_what_the_first_compiled(tmp_path):
    """Nothing is compiled again, symbols are found, and the point is the same to the bit; so from two threads."""

    def run(program):
        environment = os.environ | {"OCO_CACHE_DIR": str(tmp_path)}
        environment.pop("NUMBA_CACHE_DIR", None)
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
        ).stdout.split()

    misses, point = run(PROGRAM)
    assert int(misses) == 1
    assert run(PROGRAM) == ["0", point]
    start = "from concurrent.futures import ThreadPoolExecutor as Pool"
    both = f"{start}\nwith Pool(2) as pool: list(pool.map(exec, {[PROGRAM, PROGRAM]!r}, [{{}}, {{}}]))"
    assert "".join(run(both)).count(point) == 2


def test_two_threads_at_once():
    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(through_another, [np.ones((2, 2))] * 8)) == {9.0}
