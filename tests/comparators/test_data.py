"""Certified gaps on real data, on a ball and on a box: 1e-6 for smooth losses, 1e-4 for kinked ones."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_svmlight_file

from oco.comparators import anytime, best_fixed_point
from oco.domains import Ball, Box, Domain, Unbounded
from oco.losses import RowBlock, scalar_loss

SMOOTH = ["logistic", "squared", "squared_hinge"]
KINKED = ["absolute", "hinge", "quantile"]


def svmlight(directory: Path, name: str) -> tuple[sparse.csr_array, np.ndarray]:
    rows, labels = load_svmlight_file(str(directory / f"{name}.bz2"))
    order = np.random.default_rng(0).permutation(labels.size)
    rows = sparse.csr_array(rows[order])
    rows.sort_indices()
    return rows, np.where(labels[order] == labels.max(), 1.0, -1.0)


def digits() -> tuple[np.ndarray, np.ndarray]:
    rows, labels = load_digits(return_X_y=True)
    return np.ascontiguousarray(rows / 16.0), np.where(labels == 0, 1.0, -1.0)


def mnist(directory: Path) -> tuple[np.ndarray, np.ndarray]:
    images = gzip.decompress((directory / "train-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((directory / "train-labels-idx1-ubyte.gz").read_bytes())
    rows = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784) / 255.0
    return rows, np.where(np.frombuffer(labels, np.uint8, offset=8) == 0, 1.0, -1.0)


def domain(kind: str, dimension: int) -> Domain:
    return Ball(5.0, dimension=dimension) if kind == "ball" else Box(-0.5, 0.5, dimension=dimension)


def check(rows: np.ndarray | sparse.csr_array, targets: np.ndarray, name: str, kind: str) -> None:
    block = RowBlock(scalar_loss(name), rows, targets)
    where = domain(kind, rows.shape[1])
    best = best_fixed_point(block, where)
    assert where.contains(best.point, 1e-12)
    attained = block.scalar.values_and_derivatives(rows @ best.point, targets)[0].sum()
    assert attained <= best.value.upper
    goal = 1e-6 if name in SMOOTH else 1e-4
    # Losses that can be driven to zero are measured against the loss at the origin.
    at_start = block.scalar.values_and_derivatives(np.zeros(targets.size), targets)[0].sum()
    assert best.gap <= goal * max(best.value.upper, 1e-3 * at_start)
    assert best.tight


@pytest.mark.parametrize("kind", ["ball", "box"])
@pytest.mark.parametrize("name", SMOOTH + KINKED)
def test_digits(name: str, kind: str) -> None:
    check(*digits(), name, kind)


@pytest.mark.data
@pytest.mark.parametrize("kind", ["ball", "box"])
@pytest.mark.parametrize("name", SMOOTH + KINKED)
@pytest.mark.parametrize("data", ["a9a", "mushrooms"])
def test_sparse_data(data: str, name: str, kind: str, data_directory: Path) -> None:
    check(*svmlight(data_directory, data), name, kind)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ball", "box"])
@pytest.mark.parametrize("name", SMOOTH + KINKED)
def test_mnist_zero_against_the_rest(name: str, kind: str, data_directory: Path) -> None:
    check(*mnist(data_directory), name, kind)


@pytest.mark.data
def test_curve_of_thirty_checkpoints_on_a9a(data_directory: Path) -> None:
    rows, targets = svmlight(data_directory, "a9a")
    checkpoints = np.unique(np.geomspace(1, targets.size, 30).astype(int))
    began = time.process_time()
    curve = anytime(RowBlock(scalar_loss("logistic"), rows, targets), Ball(10.0, dimension=123), checkpoints)
    assert time.process_time() - began < 10.0
    assert curve.tight
    assert np.all(np.diff(curve.lower) >= 0.0)
    assert np.all(curve.final >= curve.lower)


@pytest.mark.data
def test_logistic_loss_of_a9a_has_no_minimizer_on_the_whole_space(data_directory: Path) -> None:
    rows, targets = svmlight(data_directory, "a9a")
    best = best_fixed_point(RowBlock(scalar_loss("logistic"), rows, targets), Unbounded(123))
    assert best.tight
    assert best.gap <= 1e-6 * best.value.upper
    assert "no minimizer" in best.note


@pytest.mark.data
@pytest.mark.slow
def test_wide_sparse_data_is_never_made_dense(data_directory: Path) -> None:
    rows, labels = load_svmlight_file(str(data_directory / "news20.bz2"))
    rows = sparse.csr_array(rows)
    rows.sort_indices()
    block = RowBlock(scalar_loss("logistic"), rows, np.where(labels <= 10, 1.0, -1.0))
    assert best_fixed_point(block, Ball(1.0, dimension=rows.shape[1])).tight
