"""Checks that a stream of rows gives the same rounds in blocks, one by one, and in any order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from oco.checks.failure import require
from oco.checks.streams import ROUNDS, numbers_of, points_inside, same, stream_of
from oco.environments.row_stream import RowStream
from oco.losses.rows import RowBlock, dense_row
from oco.types import Array


def check_block_form(environment: Any) -> None:
    """`block` returns rows and targets in the form that kernels expect, throughout the stream."""
    if isinstance(environment, RowStream):
        for start, stop in _ranges(environment.horizon):
            _require_form(environment, stream_of(environment, 5).block(start, stop), start, stop)


def check_blocks(environment: Any) -> None:
    """`block` returns the same rounds as `reveal`, starting at any round."""
    if not isinstance(environment, RowStream):
        return
    horizon = environment.horizon
    stream = stream_of(environment, 5)
    for start, stop in _ranges(horizon):
        whole = stream.block(start, stop)
        middle = (start + stop) // 2
        if middle > start:
            parts = [stream_of(environment, 5).block(*part) for part in ((middle, stop), (start, middle))][::-1]
            require(
                np.array_equal(_dense(whole), np.vstack([_dense(part) for part in parts]))
                and np.array_equal(whole.targets, np.concatenate([part.targets for part in parts])),
                f"block({start}, {stop}) differs from its two halves asked for on their own: a block must depend on "
                "the seed and the rounds alone, not on what was asked for before",
            )
    stop = min(ROUNDS, horizon)
    block = stream.block(0, stop)
    generator = np.random.default_rng(2)
    for i in range(stop):
        point = points_inside(environment.domain, generator, 1)[0]
        loss = stream.reveal(point)
        values, slopes = block.scalar.values_and_derivatives(
            np.array([dense_row(block.rows, i) @ point]), block.targets[i : i + 1]
        )
        gradient = slopes[0] * dense_row(block.rows, i)
        require(
            np.isclose(loss.value(point), values[0], rtol=1e-12, atol=1e-12)
            and np.allclose(loss.gradient(point), gradient, rtol=1e-12, atol=1e-12),
            f"round {i + 1}: reveal and block disagree on the loss: they read different rows, or block moves the round "
            "that reveal is at",
        )


def check_any_round(environment: Any) -> None:
    """`loss_at`, if there is one, returns the same losses as `reveal`."""
    if not hasattr(environment, "loss_at"):
        return
    stream, other = stream_of(environment, 5), stream_of(environment, 5)
    points = points_inside(environment.domain, np.random.default_rng(2), min(8, environment.horizon))
    revealed = [numbers_of(stream.reveal(point), point) for point in points]
    for i in range(len(points) - 1, -1, -1):
        require(
            same(revealed[i], numbers_of(other.loss_at(i), points[i])),
            f"loss_at({i}) is not the loss that round {i + 1} reveals: it depends on the rounds asked for before",
        )


def _ranges(horizon: int) -> Iterator[tuple[int, int]]:
    yield 0, min(40, horizon)
    yield max(0, horizon - 30), horizon
    yield max(0, horizon // 2 - 5), min(horizon, horizon // 2 + 300)


def _require_form(environment: Any, block: RowBlock, start: int, stop: int) -> None:
    where = f"block({start}, {stop})"
    shape = (stop - start, environment.domain.dimension)
    require(block.rows.shape == shape, f"{where} has rows of shape {block.rows.shape}, not {shape}")
    require(block.targets.shape == shape[:1], f"{where} has targets of shape {block.targets.shape}, not {shape[:1]}")
    rows: Any = block.rows
    if isinstance(rows, np.ndarray):
        good = rows.dtype == np.float64 and rows.flags.c_contiguous
    else:
        good = rows.dtype == np.float64 and rows.format == "csr" and rows.has_sorted_indices
    require(good, f"{where} has rows that are neither C-contiguous float64 nor float64 CSR with sorted indices")
    require(block.targets.dtype == np.float64, f"{where} has targets of type {block.targets.dtype}, not float64")
    if block.scalar.binary:
        require(np.isin(block.targets, (-1.0, 1.0)).all(), f"{where} has targets of a class that are not -1 or +1")


def _dense(block: RowBlock) -> Array:
    rows: Any = block.rows
    dense: Array = rows if isinstance(rows, np.ndarray) else rows.toarray()
    return dense
