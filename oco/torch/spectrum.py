"""The spectra of Kronecker-factored gradient covariances of any model, measured while it is trained."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.checks import (
    check_choice,
    check_decay,
    check_integer,
    check_integers,
    check_names,
    check_switch,
    gradient_of,
    named_parameters,
)
from oco.torch.directions import cosine, exact_direction, sketched_direction
from oco.torch.shapes import merged_shape, unfold
from oco.torch.sketch import Sketch, empty_sketch, update_sketch

MODES = ("auto", "exact", "sketch")
_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "beta2": check_decay,
    "mode": partial(check_choice, allowed=MODES),
    "ranks": partial(check_integers, least=1),
    "control": check_switch,
    **dict.fromkeys(("rank", "max_dim", "min_dim", "leading", "merge_dims"), partial(check_integer, least=1)),
    "seed": partial(check_integer, least=0),
}


def check_probe_options(options: Mapping[str, Any]) -> None:
    """Raise ConfigError for a keyword that :class:`SpectrumProbe` does not take, or a value out of range."""
    check_names("SpectrumProbe", options, _CHECKS)
    for name, value in options.items():
        _CHECKS[name](name, value)


class _Axis:
    """The record of one axis: the covariance itself or its sketch, and the exact trace."""

    def __init__(self, dim: int, rank: int | None, device: torch.device) -> None:
        self.dim, self.trace, self.leading = dim, 0.0, torch.zeros(dim, 0)
        self.matrix = torch.zeros(dim, dim, device=device) if rank is None else None
        self.sketch = None if rank is None else empty_sketch(dim, min(dim, rank), device=device)

    def update(self, block: Tensor, beta2: float) -> None:
        self.trace = (
            beta2 * self.trace + (1.0 - beta2) * float(torch.linalg.vector_norm(block, dtype=torch.float64)) ** 2
        )
        if self.matrix is not None:
            self.matrix.mul_(beta2).addmm_(block, block.mT, alpha=1.0 - beta2)
        if self.sketch is not None:
            self.sketch = update_sketch(self.sketch, block, decay=beta2, weight=1.0 - beta2)

    def eigenpairs(self) -> tuple[Tensor, Tensor, float]:
        """Descending eigenvalues (float64, CPU), their vectors, and a bound on how much each may be too small."""
        if self.matrix is not None:
            values, vectors = torch.linalg.eigh(self.matrix.double())
            return values.flip(0).clamp(min=0.0).cpu(), vectors.flip(1).float().cpu(), 0.0
        sketch: Sketch = self.sketch  # type: ignore[assignment]
        return (
            sketch.singular_values.double().square().cpu(),
            sketch.basis.cpu(),
            float(sketch.root_escaped.double() ** 2),
        )


class _Followed(NamedTuple):
    name: str
    param: Tensor
    shape: tuple[int, ...]
    axes: list[_Axis]
    control: list[_Axis]
    sketches: dict[int, list[Sketch]]


class SpectrumProbe:
    r"""Follow ``C_i = sum_t beta2^{T-t} (1 - beta2) X_t X_t'`` for every axis i of every matrix-like parameter.

    Call :meth:`update` after each backward pass and :meth:`snapshot` for the numbers; training is not affected.

    Parameters
    ----------
    model : torch.nn.Module or iterable of (name, parameter)
        Parameters of fewer than two axes are left out.
    beta2 : float
        Decay per update. Choose a window 1 / (1 - beta2) well below the run's length, because a longer one is dominated
        by the large gradients of the start, so that the leading space looks stable when it is not.
    mode : {"auto", "exact", "sketch"}
        ``exact`` holds C_i (d^2 floats), ``sketch`` a Frequent-Directions sketch (d (rank + 1) floats) whose numbers
        are certified brackets, ``auto`` is exact up to ``max_dim``.
    rank, max_dim, min_dim : int
        Sketch rank; largest dimension held exactly by ``auto``; axes below ``min_dim`` are left out.
    ranks : sequence of int
        Ranks k of sketches that are kept beside the exact covariances, of parameters whose axes are all held exactly.
        :meth:`snapshot` then reports how close the direction that they give is to the exact one.
    control : bool
        Also follow Gaussian matrices of the same Frobenius norm at the same updates, to show the average of matrices
        without structure. Gradients of an untrained network are concentrated too, so this control does not isolate the
        effect of training; those of :func:`oco.torch.controlled_spectra` do.
    leading : int
        Dimension of the leading space whose overlap with that of the last snapshot is reported.
    merge_dims, seed : int
        Merging as in :func:`oco.torch.shapes.merged_shape`; seed of the control.

    Raises
    ------
    ConfigError
        For an option out of range, and for a model of which nothing would be followed, such as a frozen one: freeze
        it by leaving out the optimizer's steps, not by ``requires_grad_(False)``.
    ProtocolError
        For a sparse gradient, from :meth:`update`.

    Notes
    -----
    With sketched eigenvalues e_j and escaped mass rho, ``lambda_j`` lies in ``[e_j, e_j + rho]``, so the intrinsic
    dimension ``tr C / lambda_1`` is in ``[tr / (e_1 + rho), tr / e_1]`` and the top-m mass in ``[sum e / tr, (sum e + m
    rho) / tr]``; the trace is kept exactly. Each of ``ranks`` costs d (k + 1) floats and one update of a sketch per
    axis. Source: section 5 of Feinberg et al., "Sketchy", NeurIPS 2023 (spectral analysis); the Gaussian control with
    matched norms is ours.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Linear(12, 8)
    >>> probe = SpectrumProbe(model)
    >>> model(torch.randn(1, 12)).sum().backward()
    >>> probe.update()
    >>> rows = probe.snapshot(step=1)
    >>> rows[0]["parameter"], rows[0]["source"], round(rows[0]["intrinsic_dimension"][1], 3)  # one gradient of rank one
    ('weight', 'gradient', 1.0)
    """

    def __init__(
        self,
        model: torch.nn.Module | Iterable[tuple[str, Tensor]],
        *,
        beta2: float = 0.99,
        mode: str = "auto",
        rank: int = 64,
        max_dim: int = 2048,
        min_dim: int = 2,
        ranks: Sequence[int] = (),
        control: bool = True,
        leading: int = 8,
        merge_dims: int = 1024,
        seed: int = 0,
    ) -> None:
        own = {"beta2": beta2, "mode": mode, "rank": rank, "max_dim": max_dim, "min_dim": min_dim, "ranks": ranks}
        own |= {"control": control, "leading": leading, "merge_dims": merge_dims, "seed": seed}
        check_probe_options(own)
        named = named_parameters("SpectrumProbe", model)
        self.beta2, self.leading, self.min_dim = beta2, leading, min_dim
        self.rows: list[dict[str, Any]] = []
        self._generator = torch.Generator().manual_seed(seed)
        self._followed: list[_Followed] = []
        for name, param in named:
            shape = merged_shape(param.shape, merge_dims)
            if len(shape) < 2 or not param.requires_grad:
                continue

            def make(dim: int, device: torch.device = param.device) -> _Axis:
                exact = mode == "exact" or (mode == "auto" and dim <= max_dim)
                return _Axis(dim, None if exact else rank, device)

            axes = [make(d) for d in shape]
            exact = all(axis.matrix is not None and axis.dim >= min_dim for axis in axes)
            sketches = {
                k: [empty_sketch(d, min(d, k), device=param.device) for d in shape] for k in (ranks if exact else ())
            }
            others = [make(d) for d in shape] if control else []
            self._followed.append(_Followed(name, param, shape, axes, others, sketches))
        if not any(axis.dim >= min_dim for followed in self._followed for axis in followed.axes):
            raise ConfigError(
                "SpectrumProbe was given no parameter of at least two axes that requires a gradient and has an axis of "
                f"at least min_dim={min_dim}"
            )

    @torch.no_grad()
    def update(self) -> None:
        """Absorb the current gradients; a parameter without one, or with one that is not finite, is passed over."""
        for followed in self._followed:
            present = gradient_of("SpectrumProbe", followed.name, followed.param)
            if present is None:
                continue
            gradient = present.float().reshape(1, *followed.shape)
            length = torch.linalg.vector_norm(gradient)
            if not torch.isfinite(length):
                continue
            noise = (
                torch.randn(gradient.shape, generator=self._generator).to(gradient.device) if followed.control else None
            )
            for index, axis in enumerate(followed.axes):
                if axis.dim >= self.min_dim:
                    axis.update(unfold(gradient, index)[0], self.beta2)
                    if noise is not None:
                        control = noise * (length / torch.linalg.vector_norm(noise))
                        followed.control[index].update(unfold(control, index)[0], self.beta2)
            for sketches in followed.sketches.values():
                for index, sketch in enumerate(sketches):
                    block = unfold(gradient, index)[0]
                    sketches[index] = update_sketch(sketch, block, decay=self.beta2, weight=1.0 - self.beta2)

    @torch.no_grad()
    def snapshot(self, step: int) -> list[dict[str, Any]]:
        """Return (and remember) one row per axis and source, and one per parameter and rank of ``ranks``.

        Keys of the first: ``step``, ``parameter``, ``axis``, ``dim``, ``source`` (gradient or control), ``mode``,
        ``trace``, the pairs (lower, upper) ``intrinsic_dimension``, ``top_eighth`` and ``top_quarter`` (share of the
        trace in the leading d/8 and d/4 directions), and ``overlap`` of the leading spaces of this and the last
        snapshot: ``|V' W|_F^2 / leading``, None at the first.

        Keys of the second, whose ``source`` is ``direction``: ``step``, ``parameter``, ``rank``, ``kept`` (for each
        axis the share of the trace in the sketch), ``cosine`` between ``(S_L + rho_L I)^(-1/4) G (S_R + rho_R
        I)^(-1/4)`` and ``L^(-1/4) G R^(-1/4)`` (two axes), and ``raw_cosine`` between G and the latter. G is the
        present gradient, so take a snapshot after :meth:`update` and before the gradients are cleared.
        """
        rows = []
        for followed, index, source, axis in self._axes():
            if axis.trace > 0.0:
                where = {"step": step, "parameter": followed.name, "axis": index, "dim": axis.dim, "source": source}
                rows.append({**where, **_summary(axis, min(self.leading, axis.dim))})
        rows += [row for followed in self._followed for row in _directions(step, followed)]
        self.rows += rows
        return rows

    def to_jsonl(self, path: str | os.PathLike[str]) -> None:
        """Write all remembered rows, one JSON object a line, replacing the file in one move."""
        target = Path(path)
        partial = target.with_name(target.name + ".partial")
        partial.write_text("".join(json.dumps(row) + "\n" for row in self.rows))
        partial.replace(target)

    def _axes(self) -> Iterator[tuple[_Followed, int, str, _Axis]]:
        for followed in self._followed:
            for source, axes in (("gradient", followed.axes), ("control", followed.control)):
                for index, axis in enumerate(axes):
                    yield followed, index, source, axis


def _directions(step: int, followed: _Followed) -> Iterator[dict[str, Any]]:
    gradient, traces = followed.param.grad, [axis.trace for axis in followed.axes]
    if not followed.sketches or gradient is None or not torch.isfinite(gradient).all() or 0.0 in traces:
        return
    shaped = gradient.reshape(followed.shape)
    exact = exact_direction(shaped, [axis.matrix for axis in followed.axes if axis.matrix is not None])
    for rank, sketches in followed.sketches.items():
        masses = [float(sketch.singular_values.double().square().sum()) for sketch in sketches]
        yield {
            "step": step,
            "parameter": followed.name,
            "source": "direction",
            "rank": rank,
            "kept": [mass / trace for mass, trace in zip(masses, traces, strict=True)],
            "cosine": cosine(sketched_direction(shaped, sketches), exact),
            "raw_cosine": cosine(shaped, exact),
        }


def _summary(axis: _Axis, leading: int) -> dict[str, Any]:
    values, vectors, escaped = axis.eigenpairs()
    top = float(values[0])
    largest = max(top, axis.trace / axis.dim), min(top + escaped, axis.trace)

    def mass(count: int) -> tuple[float, float]:
        kept = float(values[:count].sum())
        return min(1.0, kept / axis.trace), min(1.0, (kept + count * escaped) / axis.trace)

    now, before = vectors[:, :leading], axis.leading
    overlap = float((now.mT @ before).square().sum()) / leading if before.shape[1] else None
    axis.leading = now
    return {
        "mode": "sketch" if axis.matrix is None else "exact",
        "trace": axis.trace,
        "intrinsic_dimension": (axis.trace / largest[1], axis.trace / largest[0]),
        "top_eighth": mass(max(1, axis.dim // 8)),
        "top_quarter": mass(max(1, axis.dim // 4)),
        "overlap": overlap,
    }
