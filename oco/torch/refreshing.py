"""When and how gradients enter the preconditioner, and how failures are handled and reported."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oco.torch.checkpointed import CheckpointedOptimizer
from oco.torch.groups import Settings, outside
from oco.torch.limits import Scaled
from oco.torch.parameter_state import AxisState
from oco.torch.shapes import unfold
from oco.torch.stacks import Batch, Bucket, decomposed_together, joined, stacked

LinAlgError: type[Exception] = torch.linalg.LinAlgError  # type: ignore[attr-defined]


class Refresh(NamedTuple):
    """How a stack of gradients is absorbed.

    Factors of the past and of the new covariance, exponent of the inverse root; for each gradient the factor (float64)
    that its direction, which is given, is multiplied by, and its norm (float64).
    """

    decay: float
    weight: float
    exponent: float
    scale: Tensor
    lengths: Tensor


class Refreshed(NamedTuple):
    """Report of a refresh of a batch: failures since the last good refresh, and whether this one is good."""

    params: list[Tensor]
    group: dict[str, Any]
    failures: Tensor
    good: Tensor


class RefreshingOptimizer(CheckpointedOptimizer):
    """Refreshes of Kronecker-factored preconditioners and their failures (base class, not for direct use)."""

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self._reported: dict[Tensor, float] = {}
        self._refreshed: list[Refreshed] = []
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickle or a checkpoint; earlier reports are dropped."""
        super().__setstate__(state)
        self._reported, self._refreshed = {}, []

    @abstractmethod
    def _update_axis(
        self, state: AxisState, block: Tensor, due: Refresh, settings: Settings, *, retry: bool
    ) -> AxisState:
        """Return the states of a stack of axes after gradients ``due.scale`` times unfolded directions (B, d, m)."""

    def _refresh(self, batch: Batch, group: dict[str, Any], settings: Settings, scaled: Scaled) -> None:
        """Absorb the gradients, keep the counts, and add a report if one is due."""
        params = batch.params
        due = (int(batch.step) - 1) % settings.update_freq == 0
        good = scaled.finite
        if due and batch.preconditioned:
            rows = (torch.split(value, batch.rows) for value in (good, scaled.scale, scaled.lengths))
            parts = [
                self._absorb(own, settings, stack[at], fine[at], scale[at], lengths[at])
                for bucket, stack, fine, scale, lengths in zip(batch.buckets, scaled.directions, *rows, strict=True)
                for at, own in decomposed_together(bucket)
            ]
            good = joined(parts)
        states = [self.state[p] for p in params]
        bad = list((~good).to(scaled.norms.dtype).unbind())
        counters = [state[name] for name in ("failures", "skipped") for state in states]
        torch._foreach_add_(counters, bad * 2)
        torch._foreach_copy_([state["norm"] for state in states], list(scaled.norms.unbind()))
        if due:
            failures = torch.stack(counters[: len(params)])
            self._refreshed.append(Refreshed(params, group, failures, good))
            torch._foreach_copy_(counters[: len(params)], list(torch.where(good, 0.0, failures).unbind()))

    def _absorb(
        self, bucket: Bucket, settings: Settings, directions: Tensor, good: Tensor, scale: Tensor, lengths: Tensor
    ) -> Tensor:
        """Update the axis states of a bucket that can be updated; return which could."""
        decay = settings.statistics_beta2**settings.update_freq
        weight = 1.0 if settings.summed else 1.0 - decay
        due = Refresh(decay, weight, settings.exponent(len(bucket.shape)), scale, lengths)
        states = [self.state[param] for param in bucket.params]
        fresh: AxisState = {}
        for axis in range(len(bucket.shape)):
            old = {name: stacked([state[f"{name}_{axis}"] for state in states]) for name in self.axis_names}
            new, success = self._try_update(old, unfold(directions, axis), due, settings)
            good = good & success
            fresh |= {f"{name}_{axis}": value for name, value in new.items()}
        for name, value in fresh.items():
            own = [state[name] for state in states]
            kept = torch.where(good.view(-1, *[1] * (value.ndim - 1)), value, stacked(own))
            torch._foreach_copy_(own, list(kept.unbind()))
        return good

    def _try_update(self, old: AxisState, blocks: Tensor, due: Refresh, settings: Settings) -> tuple[AxisState, Tensor]:
        """Update a stack of axis states; if that fails, update each alone in float64 and report what fails again."""
        try:
            new = self._update_axis(old, blocks, due, settings, retry=False)
        except LinAlgError:
            rows = []
            for index in range(len(blocks)):
                own = {name: value[index : index + 1] for name, value in old.items()}
                try:
                    block, part = blocks[index : index + 1], slice(index, index + 1)
                    alone = due._replace(scale=due.scale[part], lengths=due.lengths[part])
                    rows.append(self._update_axis(own, block, alone, settings, retry=True))
                except LinAlgError:
                    rows.append({name: torch.full_like(value, torch.nan) for name, value in own.items()})
            new = {name: torch.cat([row[name] for row in rows]) for name in old}
        peaks = [value.abs().flatten(1).amax(1) if value.ndim > 1 else value for value in new.values() if value.numel()]
        success = torch.isfinite(torch.stack(peaks)).all(0)
        return new, success

    def _report_failures(self) -> None:
        """Warn of failures since the last refresh, good or not; raise if there are too many."""
        errors = []
        for params, group, failures, good in self._refreshed:
            for param, count, cleared in zip(params, failures.tolist(), good.tolist(), strict=True):
                before = self._reported.pop(param, 0.0)
                if count and not cleared:
                    self._reported[param] = count
                if count <= before:
                    continue
                name = f"{type(self).__name__}: {self._name(param, group)}"
                if count > group["max_failures"]:
                    errors.append(
                        f"{name} had {int(count)} non-finite gradients or failed decompositions since its last good "
                        f"refresh (max_failures={group['max_failures']}); lower the learning rate, raise eps or look "
                        "for NaN in the loss."
                    )
                    continue
                warnings.warn(
                    f"{name} has a non-finite gradient or a failed decomposition ({int(count)} so far); it keeps its "
                    "old preconditioner.",
                    RuntimeWarning,
                    stacklevel=outside(),
                )
        if errors:
            raise RuntimeError(errors[0])
