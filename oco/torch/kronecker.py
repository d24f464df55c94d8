"""The step of every Kronecker-factored optimizer here; a subclass defines the state of one axis."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from oco.torch.checkpoint import cast_state
from oco.torch.grafting import Graft, graft_steps
from oco.torch.groups import Plan, Settings, default_options, flattened, warn_of_earlier
from oco.torch.limits import limited
from oco.torch.member_step import held_bases, move
from oco.torch.options import Compatibility, Preconditioner
from oco.torch.parameter_state import wide
from oco.torch.refreshing import RefreshingOptimizer
from oco.torch.shapes import fold, unfold
from oco.torch.stacks import Batch, Placed, batches, columns, joined, stacked, unstacked

# Equal shapes are stacked up to this many entries, which bounds the transient memory of one step.
STACKED_ENTRIES = 1 << 22
InverseRoot = Callable[[Tensor], Tensor]


class KroneckerOptimizer(RefreshingOptimizer):
    """Grafted, Kronecker-factored preconditioning with momentum and decoupled weight decay (base class).

    For a gradient G of merged shape (d_1, ..., d_w), scaled down by :func:`oco.torch.limits.limited` if it is too long,
    and preconditioners P_i from the subclass::

        every update_freq steps: absorb the unfoldings of G into the state of each axis (before G is preconditioned)
        D = G times P_i along every axis i
        u = D ||N|| / ||D||      N the step of the grafted method; u = N for the first start_step steps, and for
                                 tensors of one axis or with an axis above max_dim
        m = beta1 m + (1 - beta1) u          divided by 1 - beta1^t
        W = (1 - lr weight_decay) W - lr m

    Parameters
    ----------
    params : iterable
        Parameters, named parameters or groups; every option below may differ between groups.
    lr : float or Tensor
        Learning rate. With ``factored`` or ``adam`` grafting and the default momentum, one tuned for Adam can be
        used.
    betas : (float, float)
        Decay per step of the momentum (0 keeps none) and of the statistics (1 sums them). The preconditioner sees one
        gradient in ``update_freq`` and decays by ``beta2 ** update_freq`` then, so the window is in steps.
    eps : float
        Added to eigenvalues in the inverse root only; relative to the largest one unless ``preconditioner`` sets
        ``relative_eps=False``.
    update_freq : int
        Steps between refreshes of the preconditioner, which use the current gradient only.
    start_step : int, optional
        Number of first steps that use only the grafted method; ``max(10, update_freq)`` by default.
    graft : str or Graft
        Method whose step length is used, by name or as a record with its ``eps``.
    momentum : {"ema", "trace"}
        Average or sum of steps; ``trace`` multiplies the effective learning rate by 1 / (1 - beta1).
    nesterov, maximize : bool
        As in torch.
    weight_decay : float
        Decoupled: ``W <- (1 - lr * weight_decay) W``.
    preconditioner : Preconditioner, optional
        Which tensors are preconditioned, along which axes, and what ``eps`` is relative to.
    compatibility : Compatibility, optional
        Departures that reproduce other code, including its faults.
    max_failures : int
        Non-finite gradients or failed decompositions that one tensor may have between two good refreshes. Those since
        the first step are counted by :meth:`skipped_steps`.
    **others
        Options of the subclass, and flat options of earlier versions, each with a DeprecationWarning that gives the
        present spelling.

    Raises
    ------
    ConfigError
        For an option out of range, or a checkpoint that does not fit.
    ValueError
        For a complex parameter.
    NotImplementedError
        For a DTensor or a flat shard of FullyShardedDataParallel; the message names the parameter.
    RuntimeError
        For a sparse gradient, or after ``max_failures``.

    Notes
    -----
    Records may also be given as mappings of their fields, as in a YAML file. A subclass provides :meth:`_axis_state`,
    :meth:`_update_axis`, :meth:`_inverse_roots` and :meth:`report`.
    """

    sketched: ClassVar[bool] = False
    member: ClassVar[bool] = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        *,
        eps: float = 1e-7,
        update_freq: int = 10,
        start_step: int | None = None,
        graft: str | Graft | Mapping[str, Any] = "factored",
        momentum: str = "ema",
        nesterov: bool = False,
        weight_decay: float = 0.0,
        preconditioner: Preconditioner | Mapping[str, Any] | None = None,
        compatibility: Compatibility | Mapping[str, Any] | None = None,
        max_failures: int = 3,
        maximize: bool = False,
        **others: Any,
    ) -> None:
        defaults = self.option_defaults()
        if unknown := sorted(others.keys() - defaults.keys()):
            raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument {unknown[0]!r}")
        given: dict[str, Any] = {"lr": lr, "betas": betas, "eps": eps, "update_freq": update_freq, "graft": graft}
        given |= {"start_step": start_step, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
        given |= {"max_failures": max_failures, "maximize": maximize, **others}
        records = {"preconditioner": preconditioner, "compatibility": compatibility}
        given |= {name: record for name, record in records.items() if record is not None}
        super().__init__(params, defaults | flattened(given, defaults))
        warn_of_earlier(others)

    @classmethod
    def option_defaults(cls) -> dict[str, Any]:
        """Return the flat options of a group with their defaults."""
        options = default_options(cls.sketched, cls.member)
        for kind in (KroneckerOptimizer, cls):
            for name, parameter in inspect.signature(kind).parameters.items():
                if parameter.default is not inspect.Parameter.empty:
                    options[name] = parameter.default
        return {name: value for name, value in options.items() if name not in ("preconditioner", "compatibility")}

    @abstractmethod
    def _inverse_roots(
        self, states: list[list[dict[str, Tensor]]], axis: int, exponent: float, settings: Settings
    ) -> tuple[list[InverseRoot], Tensor]:
        """Return for the parameters of each bucket a function from a stack of blocks to P_i / c times it, and all c.

        The c, one for each parameter of all buckets, are powers of two that keep P_i / c in range (float64).
        """

    @abstractmethod
    def report(self) -> list[dict[str, Any]]:
        """Return one row per preconditioned axis."""

    # Every read of a counter would break a compiled graph, so torch.compile leaves the step alone.
    @torch.compiler.disable
    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; parameters without gradient are left alone, and so is their step count.

        A tensor whose gradient is not finite, or whose decomposition fails twice, is treated as having a zero gradient
        and keeps its preconditioner. Every refresh warns of such events since the one before (RuntimeWarning). More
        than ``max_failures`` since the last good refresh raise RuntimeError after all parameters have moved.
        :meth:`skipped_steps` has the count since the first step.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._refreshed.clear()
        for group in self.param_groups:
            plan = self._settled(group)
            for batch in self._batches(group, plan):
                self._step_batch(batch, group, plan.settings)
            self._after_step(group, plan)
        self._report_failures()
        return loss

    @abstractmethod
    def _after_step(self, group: dict[str, Any], plan: Plan) -> None:
        """Do what is due once all parameters of a group have moved."""

    def _batches(self, group: dict[str, Any], plan: Plan) -> list[Batch]:
        """Batches of the parameters with gradients, their state created and their step counted."""
        ranks: dict[Tensor, list[int]] | None = None
        moving = []
        for param in group["params"]:
            if param.grad is None or not param.numel():
                continue
            if param.grad.is_sparse:
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
            state = self.state[param]
            if not state:
                if ranks is None:
                    ranks = self._axis_ranks(plan)
                state.update(self._new_state(param, ranks.get(param), plan, param.device))
            elif (state["norm"].dtype, state["norm"].device) != (wide(param.dtype), param.device):
                state.update(cast_state(state, param))
            moving.append(param)
        if not moving:
            return []
        counts = [self.state[param]["step"] for param in moving]
        torch._foreach_add_(counts, 1.0)
        placed = []
        for param, step in zip(moving, torch.stack(counts).tolist(), strict=True):
            shape, sizes = plan.shapes[param], None
            if param in plan.preconditioned:
                state = self.state[param]
                sizes = tuple(state[f"{self.axis_names[0]}_{axis}"].shape for axis in range(len(shape)))
            placed.append(Placed(param, shape, sizes, step))
        return batches(placed, STACKED_ENTRIES)

    def _states(self, batch: Batch) -> list[list[dict[str, Tensor]]]:
        return [[self.state[param] for param in bucket.params] for bucket in batch.buckets]

    def _step_batch(self, batch: Batch, group: dict[str, Any], settings: Settings) -> None:
        params, step, states = batch.params, batch.step, self._states(batch)
        dtype = wide(params[0].dtype)
        flat = [
            stacked([p.grad.to(dtype).reshape(-1) for p in bucket.params])  # type: ignore[union-attr]
            for bucket in batch.buckets
        ]
        if settings.maximize:
            flat = list(torch._foreach_neg(flat))
        norms = torch.stack([self.state[param]["norm"] for param in params])
        scaled = limited(flat, norms, step, settings.betas[1], settings.summed)
        gradients = self._shaped(scaled.gradients, batch)
        held = None if settings.member is None else held_bases(batch, states, settings)
        self._refresh(batch, group, settings, gradients, scaled)
        if settings.member is not None:
            move(batch, states, gradients, settings, float(group["lr"]), held)
            return
        bias_correction = settings.compatibility.bias_correction
        steps = graft_steps(gradients, states, settings.graft, settings.betas[1], step, bias_correction)
        if batch.preconditioned and step > settings.start_step:
            steps = self._precondition(batch, settings, self._shaped(scaled.directions, batch), scaled.scale, steps)
        self._move(params, unstacked(steps), step, settings, float(group["lr"]))

    def _shaped(self, flat: list[Tensor], batch: Batch) -> list[Tensor]:
        return [stack.view(-1, *bucket.shape) for stack, bucket in zip(flat, batch.buckets, strict=True)]

    def _precondition(
        self, batch: Batch, settings: Settings, directions: list[Tensor], scale: Tensor, steps: list[Tensor]
    ) -> list[Tensor]:
        """Precondition directions with entries of at most 1, and give them the lengths of the grafted steps."""
        states, order, scale = self._states(batch), len(batch.buckets[0].shape), scale.double()
        for axis in range(order):
            roots, gains = self._inverse_roots(states, axis, settings.exponent(order), settings)
            scale = scale * gains
            directions = [
                fold(root(unfold(direction, axis)), bucket.shape, axis)
                for root, direction, bucket in zip(roots, directions, batch.buckets, strict=True)
            ]
        flat = [direction.flatten(1) for direction in directions]
        if settings.graft.method == "none":
            if settings.compatibility.bias_correction and not settings.summed:
                absorbed = ((batch.step - 1) // settings.update_freq + 1) * settings.update_freq
                past = 1.0 - settings.betas[1] ** absorbed
                torch._foreach_mul_(flat, past ** (-settings.exponent(order) * order))
            ratio = scale
        else:
            length = joined([torch.linalg.vector_norm(stack.flatten(1), dim=1) for stack in steps])
            own = joined([torch.linalg.vector_norm(stack, dim=1) for stack in flat])
            ratio = torch.where(own > 0, length / torch.where(own > 0, own, 1.0), 0.0)
        return list(torch._foreach_mul(flat, columns(ratio.to(flat[0].dtype), batch.rows)))

    def _move(self, params: list[Tensor], rows: list[Tensor], step: float, settings: Settings, lr: float) -> None:
        beta1, nesterov, averaged = settings.betas[0], settings.nesterov, settings.momentum == "ema"
        updates = [row.reshape(param.shape) for row, param in zip(rows, params, strict=True)]
        if settings.weight_decay:
            torch._foreach_mul_(params, 1.0 - lr * settings.weight_decay)
        if beta1 > 0.0:
            new = 1.0 - beta1 if averaged else 1.0
            for param, update in zip(params, updates, strict=True):
                if "exp_avg" not in self.state[param]:  # momentum that was switched on later begins at zero
                    self.state[param]["exp_avg"] = torch.zeros_like(param, dtype=update.dtype)
            averages = [self.state[param]["exp_avg"] for param in params]
            torch._foreach_mul_(averages, beta1)
            torch._foreach_add_(averages, updates, alpha=new)
            if nesterov:
                ahead = torch._foreach_mul(averages, beta1)
                torch._foreach_add_(ahead, updates, alpha=new)
            updates = list(ahead) if nesterov else averages
            if settings.compatibility.bias_correction and averaged:
                lr /= 1.0 - beta1 ** (step + 1 if nesterov else step)
        torch._foreach_add_(params, updates, alpha=-lr)
