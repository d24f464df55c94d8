"""The rank that each matrix of a model needs, from a tape of its gradients."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.allocation import axis_cost
from oco.torch.checks import (
    check_betas,
    check_choice,
    check_integer,
    check_integers,
    check_nonnegative,
    named_parameters,
)
from oco.torch.gradient_tape import GradientTape
from oco.torch.shapes import unfold
from oco.torch.sketch import METHODS, Sketch, apply_inverse_root, empty_sketch, update_sketch

_Options = tuple[float, str]


class RankRow(NamedTuple):
    """One parameter at one rank: its merged shape, the excess of each axis, the cost of its sketches."""

    parameter: str
    shape: tuple[int, ...]
    rank: int
    excess: tuple[float, ...]
    floats: int
    milliseconds: float


@dataclass(frozen=True)
class RankAdvice:
    """What :func:`advise_rank` found; printed, a table of the advised ranks.

    Attributes
    ----------
    rows : tuple of RankRow
        Every parameter at every rank that was replayed.
    limit : float
        The excess that is allowed.
    """

    rows: tuple[RankRow, ...]
    limit: float

    @property
    def advised(self) -> dict[str, RankRow]:
        """By parameter, the row of the smallest rank at which no axis has more than the allowed excess."""
        found: dict[str, RankRow] = {}
        for row in self.rows:
            # Rounding may leave the full rank a little above a limit of zero.
            good = max(row.excess) <= self.limit or row.rank == max(row.shape)
            if good and (row.parameter not in found or row.rank < found[row.parameter].rank):
                found[row.parameter] = row
        return found

    @property
    def ranks(self) -> dict[str, int]:
        """By parameter, the advised rank."""
        return {name: row.rank for name, row in self.advised.items()}

    def groups(self, model: torch.nn.Module | Iterable[tuple[str, Tensor]]) -> list[dict[str, Any]]:
        """Divide a model's named parameters into groups of equal advised rank, for the constructor of SketchyShampoo.

        Parameters without advice (vectors, axes that are too long, gradients that were zero) form a group that is left
        to the graft.
        """
        advised = self.ranks
        groups: dict[int | None, list[tuple[str, Tensor]]] = {}
        for name, param in named_parameters("RankAdvice.groups", model):
            groups.setdefault(advised.get(name), []).append((name, param))
        graft_only = {"preconditioner": {"max_dim": 1}}
        return [{"params": own, **({"rank": rank} if rank else graft_only)} for rank, own in groups.items()]

    def __str__(self) -> str:
        advised = list(self.advised.values())
        width = max(len("parameter"), *(len(row.parameter) for row in advised))
        lines = [f"{'parameter':{width}s} {'shape':>14s} {'rank':>5s} {'excess':>7s} {'floats':>9s} {'ms a step':>10s}"]
        for row in advised:
            shape = " x ".join(str(dim) for dim in row.shape)
            lines.append(
                f"{row.parameter:{width}s} {shape:>14s} {row.rank:5d} {round(100 * max(row.excess), 1) + 0.0:6.1f}% "
                f"{row.floats:9d} {row.milliseconds:10.3f}"
            )
        floats, ms = sum(row.floats for row in advised), sum(row.milliseconds for row in advised)
        return "\n".join([*lines, f"{'all':{width}s} {'':14s} {'':5s} {'':7s} {floats:9d} {ms:10.3f}"])


def advise_rank(
    tape: GradientTape,
    ranks: Sequence[int] = (),
    *,
    excess: float = 0.05,
    beta2: float = 0.999,
    max_dim: int = 8192,
    method: str = METHODS[0],
) -> RankAdvice:
    r"""Replay the gradients of a tape through sketches of every rank, and find the smallest that is good enough.

    For every axis, with C the covariance of the recorded gradients (exponential with beta2) and S, rho the sketch of
    rank k after the same gradients, the excess is

    .. math:: \frac{\operatorname{tr} (S + \rho I)^{1/2}}{\operatorname{tr} C^{1/2}} - 1,

    the share by which the trace in the regret bounds of full-matrix AdaGrad grows when C is replaced by its sketch. It
    is at least 0, since ``S + rho I >= C``, and 0 at the full rank, to rounding.

    Parameters
    ----------
    tape : GradientTape
        Recorded now, or loaded.
    ranks : sequence of int
        The ranks to replay; by default the powers of two. The full rank is added, so that there is always an answer.
    excess : float
        How much is allowed on every axis of a parameter.
    beta2 : float
        Decay per step, as the optimizer's; 1 sums.
    max_dim : int
        Parameters with a larger axis are left out, as the optimizer leaves them to the graft.
    method : {"gram64", "svd", "subspace"}
        As the optimizer's; with ``subspace`` the excess is an estimate.

    Returns
    -------
    RankAdvice
        ``print`` it for a table, ``ranks`` for numbers, ``groups(model.named_parameters())`` for an optimizer.

    Raises
    ------
    ConfigError
        For an empty tape or an option out of range.

    Notes
    -----
    Milliseconds are measured here, on the CPU, in the precision of the tape: preconditioning a gradient, and a
    ``stride``-th of an update of the sketches. A covariance takes d^2 floats in float64 at a time, and a replay of T
    gradients costs T updates an axis and rank. The tape sees the first steps only; if later gradients fill more
    directions, the rank is too small. docs/spectra.md says how well the excess predicts losses.

    Source of the criterion: tr G^(1/2) is the data-dependent factor of the bounds of Duchi, Hazan and Singer (2011,
    Theorem 7) and, with the sketch in place of G, of Feinberg et al., "Sketchy", NeurIPS 2023, Theorem 3; the advice is
    ours.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> weight, left, right = torch.nn.Parameter(torch.zeros(12, 8)), torch.randn(12, 3), torch.randn(3, 8)
    >>> tape = GradientTape([("weight", weight)], steps=10, every=1)
    >>> for _ in range(10):
    ...     weight.grad = left @ torch.randn(3, 3) @ right  # rows and columns in spaces of three dimensions
    ...     tape.update()
    >>> advise_rank(tape, range(1, 13)).ranks
    {'weight': 3}
    """
    check_nonnegative("excess", excess)
    check_betas((0.0, beta2))
    check_integer("max_dim", max_dim, 1)
    check_choice("method", method, METHODS)
    check_integers("ranks", ranks, 1)
    if not tape.updates:
        raise ConfigError("advise_rank was given a tape without gradients")
    rows = []
    for name, gradients in tape.gradients.items():
        shape = tuple(gradients[0].shape)
        if max(shape) > max_dim or not any(bool(gradient.any()) for gradient in gradients):
            continue
        wide = [gradient.to(torch.promote_types(gradient.dtype, torch.float32)) for gradient in gradients]
        roots = [_root_trace(_blocks(wide, axis), tape, beta2) for axis in range(len(shape))]
        rows += [_replay(name, wide, roots, rank, tape, (beta2, method)) for rank in _grid(ranks, max(shape))]
    if not rows:
        raise ConfigError(f"no parameter of the tape has axes of at most {max_dim} and a gradient other than zero")
    return RankAdvice(tuple(rows), excess)


def _grid(ranks: Sequence[int], dim: int) -> list[int]:
    chosen = set(ranks) or {1 << power for power in range(dim.bit_length())}
    return sorted({rank for rank in chosen if rank < dim} | {dim})


def _blocks(gradients: Sequence[Tensor], axis: int) -> list[Tensor]:
    return [unfold(gradient.unsqueeze(0), axis)[0] for gradient in gradients]


def _weights(tape: GradientTape, beta2: float) -> Iterator[tuple[float, float]]:
    """Yield decay of the past and weight of the new gradient, for each recorded one."""
    weight = 1.0 if beta2 == 1.0 else 1.0 - beta2**tape.stride
    for now, before in zip(tape.updates, [0, *tape.updates], strict=False):
        yield beta2 ** (now - before), weight


def _root_trace(blocks: Sequence[Tensor], tape: GradientTape, beta2: float) -> float:
    """Return ``tr C^(1/2)`` of the covariance of the blocks."""
    covariance = torch.zeros(len(blocks[0]), len(blocks[0]), dtype=torch.float64)
    for block, (decay, weight) in zip(blocks, _weights(tape, beta2), strict=True):
        covariance.mul_(decay).addmm_(block.double(), block.double().mT, alpha=weight)
    return float(torch.linalg.eigvalsh(covariance).clamp(min=0.0).sqrt().sum())


def _replay(
    name: str, gradients: Sequence[Tensor], roots: Sequence[float], rank: int, tape: GradientTape, options: _Options
) -> RankRow:
    beta2, method = options
    shape, excess, spent = tuple(gradients[0].shape), [], 0.0
    for axis, (dim, root) in enumerate(zip(shape, roots, strict=True)):
        sketch = empty_sketch(dim, min(dim, rank), dtype=gradients[0].dtype)
        blocks, times = _blocks(gradients, axis), []
        for block, (decay, weight) in zip(blocks, _weights(tape, beta2), strict=True):
            started = time.perf_counter()
            sketch = update_sketch(sketch, block, decay=decay, weight=weight, method=method)
            times.append(time.perf_counter() - started)
        spent += statistics.median(times) / tape.stride
        spent += _median_time(partial(apply_inverse_root, sketch, blocks[-1], -0.5 / len(shape)))
        excess.append(_root_trace_of(sketch) / root - 1.0)
    floats = sum(axis_cost(dim, min(dim, rank)) for dim in shape)
    return RankRow(name, shape, rank, tuple(excess), floats, 1e3 * spent)


def _root_trace_of(sketch: Sketch) -> float:
    """Return ``tr (S + rho I)^(1/2)``."""
    escaped = float(sketch.root_escaped.double().square())
    values = sketch.singular_values.double().square() + escaped
    outside = sketch.basis.shape[0] - len(values)
    return float(values.sqrt().sum()) + outside * math.sqrt(escaped)


def _median_time(work: Callable[[], object], repetitions: int = 5) -> float:
    times = []
    for _ in range(repetitions):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return float(statistics.median(times))
