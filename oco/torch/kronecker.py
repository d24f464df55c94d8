"""The step of every Kronecker-factored optimizer here; a subclass defines the state of one axis."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from oco.torch.grafting import Graft, graft_lengths, graft_steps
from oco.torch.groups import Plan, Settings, default_options, flattened, warn_of_earlier
from oco.torch.limits import Scaled, limited
from oco.torch.member_step import held_bases, move
from oco.torch.options import Compatibility, Preconditioner
from oco.torch.parameter_state import wide
from oco.torch.refreshing import RefreshingOptimizer
from oco.torch.stacks import Batch, Batches, Placed, batches, columns, joined, stacked

# Equal shapes are stacked up to this many entries, which bounds the transient memory of one step.
STACKED_ENTRIES = 1 << 20
InverseRoot = Callable[[Tensor, int], Tensor]


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
        Number of first steps in which all tensors take the grafted method's own step (for ``none`` and ``sgd`` the
        gradient); ``max(10, update_freq)`` by default.
    graft : str or Graft
        Method whose step length is used, by name or as a record with its ``eps``.
    momentum : {"ema", "trace"}
        Average or sum of steps; ``trace`` multiplies the effective learning rate by 1 / (1 - beta1).
    nesterov : bool
        Whether a step looks one step of momentum ahead, as in torch's NAdam; on by default.
    maximize : bool
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
        For an option out of range, a complex parameter, or a checkpoint that does not fit.
    NotImplementedError
        For a DTensor or a flat shard of FullyShardedDataParallel; the message names the parameter.
    RuntimeError
        After ``max_failures``; as a ProtocolError for a sparse gradient.

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
        nesterov: bool = True,
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
        self._batched: dict[int, Batches] = {}
        super().__init__(params, defaults | flattened(given, defaults))
        warn_of_earlier(others)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickle or a checkpoint; parameters are put into batches anew."""
        super().__setstate__(state)
        self._batched = {}

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
        """Return for each bucket a function that multiplies a stack by P_i / c along an axis, and all c (float64).

        The function may overwrite the stack. The c, one for each parameter of all buckets, keep P_i / c in range. What
        is returned is kept until the state of an axis changes.
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
        moving = self._moving(group, plan)
        if not moving:
            return []
        counts = [self.state[param]["step"] for param in moving]
        torch._foreach_add_(counts, 1.0)
        # What decides who is stacked with whom, but for the number of the step.
        key = [(plan.shapes[param], self._sizes(param, plan), param.dtype, param.device) for param in moving]
        steps = torch.stack(counts).tolist()
        known = self._batched.get(id(group))
        if known is not None and known.holds(moving, key, steps):
            for batch in known.batches:
                batch.step += 1.0
            return known.batches
        placed = [Placed(p, shape, sizes, t) for p, (shape, sizes, *_), t in zip(moving, key, steps, strict=True)]
        found = batches(placed, STACKED_ENTRIES)
        self._batched[id(group)] = Batches(moving, key, found)
        return found

    def _states(self, batch: Batch) -> list[list[dict[str, Tensor]]]:
        return [[self.state[param] for param in bucket.params] for bucket in batch.buckets]

    def _step_batch(self, batch: Batch, group: dict[str, Any], settings: Settings) -> None:
        step, states, graft, beta2 = batch.step, self._states(batch), settings.graft, settings.betas[1]
        bias_correction = settings.compatibility.bias_correction
        scaled = self._scaled(batch, settings)
        held = None if settings.member is None else held_bases(batch, states, settings)
        self._refresh(batch, group, settings, scaled)
        if settings.member is not None:
            torch._foreach_mul_(scaled.directions, scaled.factors())
            move(batch, states, scaled.directions, settings, float(group["lr"]), held)
            return
        if batch.preconditioned and step > settings.start_step:
            lengths = graft_lengths(scaled, states, graft, beta2, step, bias_correction)
            steps = self._precondition(batch, settings, scaled, lengths)
        else:
            gradients = scaled.directions
            torch._foreach_mul_(gradients, scaled.factors())
            steps = graft_steps(gradients, states, graft, beta2, step, bias_correction)
        self._move(batch, steps, settings, float(group["lr"]))

    def _scaled(self, batch: Batch, settings: Settings) -> Scaled:
        """Gradients of a batch in stacks, limited, as directions and factors."""
        dtype, gradients = wide(batch.params[0].dtype), []
        for bucket in batch.buckets:
            stack = stacked([param.grad for param in bucket.params])  # type: ignore[misc]
            gradients.append(stack.to(dtype).reshape(-1, *bucket.shape))
        norms = torch.stack([self.state[param]["norm"] for param in batch.params])
        # A stack of one gradient is the gradient itself, or its copy in another precision.
        owned = [len(bucket.params) > 1 for bucket in batch.buckets]
        sign = -1.0 if settings.maximize else 1.0
        return limited(gradients, norms, batch.step, settings.betas[1], settings.summed, owned=owned, sign=sign)

    def _precondition(self, batch: Batch, settings: Settings, scaled: Scaled, lengths: Tensor | None) -> list[Tensor]:
        """Overwrite directions by preconditioned ones, with the lengths given if any."""
        directions, order, scale = scaled.directions, len(batch.buckets[0].shape), scaled.scale
        for axis in range(order):
            roots, gains = self._roots(batch, axis, settings)
            directions = [root(direction, axis) for root, direction in zip(roots, directions, strict=True)]
            scale = scale * gains
        directions = [direction.flatten(1) for direction in directions]
        if lengths is None:
            if settings.compatibility.bias_correction and not settings.summed:
                absorbed = ((batch.step - 1) // settings.update_freq + 1) * settings.update_freq
                past = 1.0 - settings.betas[1] ** absorbed
                torch._foreach_mul_(directions, past ** (-settings.exponent(order) * order))
            ratio = scale
        else:
            own = joined([torch.linalg.vector_norm(stack, dim=1) for stack in directions])
            ratio = torch.where(own > 0, lengths / torch.where(own > 0, own, 1.0), 0.0)
        torch._foreach_mul_(directions, columns(ratio.to(directions[0].dtype), batch.rows))
        return directions

    def _roots(self, batch: Batch, axis: int, settings: Settings) -> tuple[list[InverseRoot], Tensor]:
        """Return :meth:`_inverse_roots`, computed again only if the settings or the state of the axis have changed."""
        states = self._states(batch)
        held = [state[f"{name}_{axis}"] for bucket in states for state in bucket for name in self.axis_names]
        key = settings, [(id(value), value._version) for value in held]
        known = batch.roots.get(axis)
        if known is None or known[0] != key:
            roots = self._inverse_roots(states, axis, settings.exponent(len(batch.buckets[0].shape)), settings)
            known = batch.roots[axis] = key, roots, held  # what is held keeps its id
        found: tuple[list[InverseRoot], Tensor] = known[1]
        return found

    def _move(self, batch: Batch, steps: list[Tensor], settings: Settings, lr: float) -> None:
        """Move the parameters by their momentum after ``steps``, stacks that may be overwritten."""
        params, beta1, averaged = batch.params, settings.betas[0], settings.momentum == "ema"
        updates = [
            row
            for stack, bucket in zip(steps, batch.buckets, strict=True)
            for row in stack.view(-1, *bucket.params[0].shape).unbind()
        ]
        if settings.weight_decay:
            torch._foreach_mul_(params, 1.0 - lr * settings.weight_decay)
        if beta1 > 0.0:
            for param, update in zip(params, updates, strict=True):
                if "exp_avg" not in self.state[param]:  # momentum that was switched on later begins at zero
                    self.state[param]["exp_avg"] = torch.zeros_like(param, dtype=update.dtype)
            averages = [self.state[param]["exp_avg"] for param in params]
            if averaged:
                torch._foreach_lerp_(averages, updates, 1.0 - beta1)
            else:
                torch._foreach_mul_(averages, beta1)
                torch._foreach_add_(averages, updates)
            if settings.nesterov and averaged:
                torch._foreach_lerp_(updates, averages, beta1)
            elif settings.nesterov:
                torch._foreach_add_(updates, averages, alpha=beta1)
            else:
                updates = averages
            if settings.compatibility.bias_correction and averaged:
                lr /= 1.0 - beta1 ** (batch.step + 1 if settings.nesterov else batch.step)
        torch._foreach_add_(params, updates, alpha=-lr)
