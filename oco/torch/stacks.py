"""Parameters that take a step together: equal shapes stacked, unequal ones in lists for torch's foreach operations."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Bucket(NamedTuple):
    """Parameters that can be stacked: equal merged shape, equal axis states."""

    shape: tuple[int, ...]
    params: list[Tensor]

    @property
    def entries(self) -> int:
        """Entries of all its parameters."""
        return len(self.params) * self.params[0].numel()


class Batch(NamedTuple):
    """Buckets that take a step together: equal number of axes, step count, precision and device."""

    preconditioned: bool
    step: float
    buckets: list[Bucket]

    @property
    def params(self) -> list[Tensor]:
        """All parameters, bucket by bucket."""
        return [param for bucket in self.buckets for param in bucket.params]

    @property
    def rows(self) -> list[int]:
        """Numbers of parameters in the buckets."""
        return [len(bucket.params) for bucket in self.buckets]


class Placed(NamedTuple):
    """One parameter that takes a step: its merged shape, the shapes of its axis states (None: no preconditioner)."""

    param: Tensor
    shape: tuple[int, ...]
    sizes: tuple[torch.Size, ...] | None
    step: float


def batches(placed: Iterable[Placed], most_entries: int) -> list[Batch]:
    """Put parameters into buckets and buckets into batches, of at most ``most_entries`` unless one tensor has more."""
    buckets: dict[Hashable, list[Bucket]] = {}
    open_batch: dict[Hashable, int] = {}
    for param, shape, sizes, step in placed:
        kind = (len(shape), sizes is not None, step, param.dtype, param.device)
        queue = buckets.setdefault((kind, shape, sizes), [])
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


def stacked(tensors: Sequence[Tensor]) -> Tensor:
    """Stack without a copy where there is one tensor."""
    return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(list(tensors))


def joined(vectors: Sequence[Tensor]) -> Tensor:
    """Join vectors without a copy where there is one."""
    return vectors[0] if len(vectors) == 1 else torch.cat(list(vectors))


def columns(values: Tensor, rows: Sequence[int]) -> tuple[Tensor, ...]:
    """Divide a vector into columns (B, 1), which multiply stacks (B, n) row by row."""
    return tuple(torch.split(values.unsqueeze(1), list(rows)))


def unstacked(stacks: Iterable[Tensor]) -> list[Tensor]:
    """All rows of all stacks."""
    return [row for stack in stacks for row in stack.unbind()]
