"""Parameters that take a step together: equal shapes stacked, unequal ones in lists for torch's foreach operations."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

# Elementwise work on a large tensor is done in pieces of this many entries. On a CPU they stay in a core's cache and
# are too small for the allocator to return them to the system at every step, which costs more than the arithmetic.
PIECE_ENTRIES = {"cpu": 1 << 17}
OTHER_PIECE_ENTRIES = 1 << 22
# A refresh holds several copies of the gradients that it decomposes together. A CPU decomposes a stack one by one, so
# large tensors gain little from being together.
DECOMPOSED_ENTRIES = {"cpu": 1 << 16}
OTHER_DECOMPOSED_ENTRIES = 1 << 20


class Bucket(NamedTuple):
    """Parameters that can be stacked: equal shape, equal merged shape, equal axis states."""

    shape: tuple[int, ...]
    params: list[Tensor]

    @property
    def entries(self) -> int:
        """Entries of all its parameters."""
        return len(self.params) * self.params[0].numel()


@dataclass
class Batch:
    """Buckets that take a step together: equal number of axes, step count, precision and device.

    ``roots`` holds what :meth:`oco.torch.kronecker.KroneckerOptimizer` computes from the axis states between refreshes.
    """

    preconditioned: bool
    step: float
    buckets: list[Bucket]
    roots: dict[int, tuple[Any, Any, Any]] = field(default_factory=dict)

    @cached_property
    def params(self) -> list[Tensor]:
        """All parameters, bucket by bucket; read once the batch is complete."""
        return [param for bucket in self.buckets for param in bucket.params]

    @cached_property
    def rows(self) -> list[int]:
        """Numbers of parameters in the buckets; read once the batch is complete."""
        return [len(bucket.params) for bucket in self.buckets]


class Placed(NamedTuple):
    """One parameter that takes a step: its merged shape, the shapes of its axis states (None: no preconditioner)."""

    param: Tensor
    shape: tuple[int, ...]
    sizes: tuple[torch.Size, ...] | None
    step: float


class Batches(NamedTuple):
    """The batches of a group at its last step, with the parameters that moved and what decided on their places."""

    moving: list[Tensor]
    key: list[Any]
    batches: list[Batch]

    def holds(self, moving: Sequence[Tensor], key: Sequence[Any], steps: Sequence[float]) -> bool:
        """Whether the same parameters take one more step in the same batches; ``steps`` are their new counts."""
        if len(moving) != len(self.moving) or any(p is not q for p, q in zip(moving, self.moving, strict=True)):
            return False
        if key != self.key:
            return False
        counts = dict(zip(map(id, moving), steps, strict=True))
        return all(counts[id(param)] == batch.step + 1.0 for batch in self.batches for param in batch.params)


def batches(placed: Iterable[Placed], most_entries: int) -> list[Batch]:
    """Put parameters into buckets and buckets into batches, of at most ``most_entries`` unless one tensor has more."""
    buckets: dict[Hashable, list[Bucket]] = {}
    open_batch: dict[Hashable, int] = {}
    for param, shape, sizes, step in placed:
        kind = (len(shape), sizes is not None, step, param.dtype, param.device)
        queue = buckets.setdefault((kind, shape, sizes, param.shape), [])
        if not queue or queue[-1].entries + param.numel() > most_entries:
            queue.append(Bucket(shape, []))
        queue[-1].params.append(param)
    found: list[Batch] = []
    entries: list[int] = []
    for (kind, *_), queue in buckets.items():  # type: ignore[misc]
        for bucket in queue:
            at = open_batch.get(kind)
            if at is None or entries[at] + bucket.entries > most_entries:
                at = open_batch[kind] = len(found)
                found.append(Batch(kind[1], kind[2], []))
                entries.append(0)
            found[at].buckets.append(bucket)
            entries[at] += bucket.entries
    return found


def decomposed_together(bucket: Bucket) -> Iterator[tuple[slice, Bucket]]:
    """Divide a bucket into parts that are refreshed one after the other, with their slices."""
    first = bucket.params[0]
    most = DECOMPOSED_ENTRIES.get(first.device.type, OTHER_DECOMPOSED_ENTRIES)
    size = max(1, most // max(1, first.numel()))
    for at in range(0, len(bucket.params), size):
        part = slice(at, at + size)
        yield part, Bucket(bucket.shape, bucket.params[part])


def stacked(tensors: Sequence[Tensor]) -> Tensor:
    """Stack without a copy where there is one tensor."""
    return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(list(tensors))


def joined(vectors: Sequence[Tensor]) -> Tensor:
    """Join vectors without a copy where there is one."""
    return vectors[0] if len(vectors) == 1 else torch.cat(list(vectors))


def columns(values: Tensor, rows: Sequence[int], ndim: int = 2) -> tuple[Tensor, ...]:
    """Divide a vector into columns (B, 1, ...) of ``ndim`` dimensions, which multiply stacks row by row."""
    return torch.split(values.view(-1, *[1] * (ndim - 1)), list(rows))


def unstacked(stacks: Iterable[Tensor]) -> list[Tensor]:
    """All rows of all stacks."""
    return [row for stack in stacks for row in stack.unbind()]


def pieces(stack: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Divide a stack (B, d_1, ...) along its first axis into views of some PIECE_ENTRIES entries, with their slices."""
    length = stack.shape[1]
    most = PIECE_ENTRIES.get(stack.device.type, OTHER_PIECE_ENTRIES)
    rows = max(1, most * length // max(1, stack.numel()))
    if rows >= length:
        yield slice(0, length), stack
        return
    for start in range(0, length, rows):
        part = slice(start, min(start + rows, length))
        yield part, stack[:, part]
