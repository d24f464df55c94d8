"""One step of :class:`oco.torch.SketchySOAP` for a batch: split, divide each part, balance, join."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from oco.torch.averages import average_state, averaged, moved_to, sketched_average
from oco.torch.balance import Evidence, balanced
from oco.torch.grafting import graft_state, graft_steps
from oco.torch.groups import Settings
from oco.torch.members import Member
from oco.torch.orthogonal import orthogonalized
from oco.torch.parts import Parts, joined, norm, split
from oco.torch.second_moments import Bases, States, blended, carry_over, elementwise_root, factored_root
from oco.torch.sketch import Sketch, inverse_root_coefficients
from oco.torch.stacks import Batch, stacked, unstacked


def member_state(
    settings: Settings, shape: Sequence[int], ranks: Sequence[int] | None, dtype: torch.dtype, device: torch.device
) -> dict[str, Tensor]:
    """Return what a member keeps for a tensor besides its sketches; ``ranks`` is None for one without sketches."""
    member: Member = settings.member  # type: ignore[assignment]
    momentum, sizes = member.momentum, {}
    beta1 = settings.betas[0]
    if ranks is None:
        beta1 = beta1 if member.unsketched.beta1 is None else member.unsketched.beta1
        if member.unsketched.method == "factored" and len(shape) == 2:
            sizes = {"own_rows": shape[:1], "own_columns": shape[1:]}
        else:
            sizes = {"own_square": shape}
    else:
        extents = {"left": (ranks[0], shape[1]), "right": (shape[0], ranks[1]), "rest": tuple(shape)}
        for part, (rows, columns) in extents.items():
            if member.method_of(part) == "factored" and (part == "rest" or member.crosses):
                sizes |= {f"{part}_rows": (rows,), f"{part}_columns": (columns,)}
        if member.core == "adam":
            sizes["core_square"] = tuple(ranks)
        sizes["rest_square"] = ()
    state = {name: torch.zeros(tuple(size), dtype=dtype, device=device) for name, size in sizes.items()}
    if ranks is not None and settings.graft.method != "none":
        state |= graft_state(settings.graft.method, shape, dtype=dtype, device=device)
    return state | (average_state(momentum.storage, shape, ranks, dtype, device) if beta1 else {})


def held_bases(batch: Batch, states: Sequence[States], settings: Settings) -> list[Bases] | None:
    """Copy the bases that a refresh is about to replace; None where none is due or none was made yet."""
    due = (int(batch.step) - 1) % settings.update_freq == 0 and batch.step > 1
    if not (due and batch.preconditioned):
        return None
    return [Bases(*(basis.clone() for basis in Bases.of(own))) for own in states]


def move(
    batch: Batch,
    states: Sequence[States],
    gradients: list[Tensor],
    settings: Settings,
    lr: float,
    held: list[Bases] | None,
) -> None:
    """Move the parameters of a batch whose sketches have taken the gradients in; their list is overwritten."""
    member: Member = settings.member  # type: ignore[assignment]
    if batch.preconditioned:
        before: Sequence[Bases | None] = held or [None] * len(gradients)
        grafted = [] if settings.graft.method == "none" else list(gradients)
        for index, (own, bucket, last) in enumerate(zip(states, batch.buckets, before, strict=True)):
            # A gradient that no graft needs is let go of here.
            gradients[index] = sketched_step(own, gradients[index], bucket.params, settings, batch.step, last)
        steps = _grafted(gradients, grafted, states, settings, batch.step) if grafted else gradients
        if settings.betas[0] and member.momentum.of == "update":
            steps = [_averaged(own, stack, settings, batch.step) for own, stack in zip(states, steps, strict=True)]
    else:
        lr *= member.unsketched.rate
        steps = [
            unsketched_step(own, stack, settings, batch.step) for own, stack in zip(states, gradients, strict=True)
        ]
    params = batch.params
    if settings.weight_decay:
        torch._foreach_mul_(params, 1.0 - lr * settings.weight_decay)
    updates = [row.reshape(param.shape) for row, param in zip(unstacked(steps), params, strict=True)]
    torch._foreach_add_(params, updates, alpha=-lr)


def sketched_step(
    states: States, gradients: Tensor, params: Sequence[Tensor], settings: Settings, step: float, held: Bases | None
) -> Tensor:
    """Return the steps (B, m, n) of matrices; zero in the first ``start_step``, which only fill sketch and momentum."""
    member: Member = settings.member  # type: ignore[assignment]
    bases, (beta1, beta2) = Bases.of(states), settings.betas
    lost = None
    if held is not None:
        carry_over(states, held, bases)
        if "average_left" in states[0]:
            lost = moved_to(states, held, bases)
    source = gradients
    if beta1 and member.momentum.storage == "sketch":
        _add_missing(states, settings, gradients, bases)
        source = sketched_average(states, gradients, bases, beta1, step, nesterov=settings.nesterov, lost=lost)
    elif beta1 and member.momentum.of == "gradient":
        source = _averaged(states, gradients, settings, step)
    seen = step - settings.start_step
    if seen <= 0:
        return torch.zeros_like(gradients)
    correction = 1.0 - beta2**seen
    whole_needed = source is gradients or member.method_of("rest") == "factored"
    fresh = split(gradients, *bases, member.crosses, rest=whole_needed)
    sources = fresh if source is gradients else split(source, *bases, member.crosses)
    rest_square = blended(states, "rest_square", _mean_square_of_rest(fresh, gradients), beta2) / correction
    scales = _model(states, settings, step) if member.core == "inverse_root" or member.modelled else {}
    steps: Parts = {}
    for name, smooth in sources.items():
        method = member.method_of(name)
        if method == "adam":
            root = elementwise_root(states, "core_square", fresh[name], beta2, correction)
            steps[name] = _over(smooth, root, settings.eps)
        elif method == "factored":
            root = factored_root(states, name, fresh[name], beta2, correction)
            steps[name] = _over(smooth, root, settings.eps)
        elif method == "orthogonal":
            steps[name] = orthogonalized(smooth, member.tail.iterations, member.tail.coefficients)
            steps[name] *= tail_length(gradients.shape, bases)
        elif method == "dropped":
            steps[name] = torch.zeros_like(smooth)
        else:
            steps[name] = (smooth.double() * scales[name]).to(smooth.dtype)
        if member.clip is not None and method != "orthogonal":
            longest = member.clip * (smooth.shape[-2] * smooth.shape[-1]) ** 0.5
            steps[name] *= (longest / norm(steps[name])).clamp(max=1.0)
    if member.balance != "none":
        ranks = bases.rows.shape[-1], bases.columns.shape[-1]
        root = (rest_square * (gradients.shape[-2] * gradients.shape[-1])).sqrt()[:, None, None]
        weights = None
        if member.balance == "trust_ratio":
            whole = stacked([p.to(gradients.dtype).reshape(gradients.shape[1:]) for p in params])
            weights = split(whole, *bases, member.crosses)
        damping = norm(sources["rest"]) / torch.where(root > 0, root, 1.0)
        evidence = Evidence(sources, damping, weights, tail_length(gradients.shape, bases))
        steps = balanced(steps, member.balance, evidence, ranks)
    return joined(steps, *bases, overwrite=True)


def _mean_square_of_rest(parts: Parts, gradients: Tensor) -> Tensor:
    """Mean squares (B,) of the rest's entries, by what the other parts leave if it is not there."""
    if "rest" in parts:
        lines: Tensor = torch.linalg.vector_norm(parts["rest"], dim=-1)
        return lines.square().mean(-1) / gradients.shape[-1]
    others = torch.stack([norm(part).square() for part in parts.values()]).sum(0)
    left = (norm(gradients).square() - others).clamp(min=0.0)
    return left.flatten() / (gradients.shape[-2] * gradients.shape[-1])


def tail_length(shape: Sequence[int], bases: Bases) -> float:
    """Return the factor that gives a tail with equal singular values 1 the root mean square 1 over its coordinates."""
    left = [dim - basis.shape[-1] for dim, basis in zip(shape[-2:], bases, strict=True)]
    return float(max(*left, 1) ** 0.5)


def unsketched_step(states: States, gradients: Tensor, settings: Settings, step: float) -> Tensor:
    """Return the steps of tensors without sketches: AdamW's, or those with a factored second moment."""
    member: Member = settings.member  # type: ignore[assignment]
    own, beta2 = member.unsketched, settings.betas[1]
    beta1 = settings.betas[0] if own.beta1 is None else own.beta1
    correction = 1.0 - beta2**step
    if own.method == "factored" and gradients.ndim == 3:
        root = factored_root(states, "own", gradients, beta2, correction)
    else:
        root = elementwise_root(states, "own_square", gradients, beta2, correction)
    source = _averaged(states, gradients, settings, step, beta1) if beta1 else gradients
    return _over(source, root, settings.eps)


def _over(values: Tensor, root: Tensor, eps: float) -> Tensor:
    """Overwrite ``root`` by ``values / (root + eps)``; without eps, entries whose second moment is zero do not move."""
    divisor = root.add_(eps) if eps else root.masked_fill_(root == 0.0, torch.inf)
    return torch.div(values, divisor, out=divisor)


def _averaged(states: States, stack: Tensor, settings: Settings, step: float, beta1: float | None = None) -> Tensor:
    member: Member = settings.member  # type: ignore[assignment]
    beta = settings.betas[0] if beta1 is None else beta1
    return averaged(states, stack, beta, step, nesterov=settings.nesterov, storage=member.momentum.storage)


def _add_missing(states: States, settings: Settings, gradients: Tensor, bases: Bases) -> None:
    ranks = [basis.shape[-1] for basis in bases]
    for state in states:
        if "average_left" not in state:  # momentum that was switched on later begins at zero
            state.update(average_state("sketch", gradients.shape[1:], ranks, gradients.dtype, gradients.device))


def _grafted(
    steps: list[Tensor], gradients: list[Tensor], states: Sequence[States], settings: Settings, step: float
) -> list[Tensor]:
    """Give steps the lengths of the grafted method's, and take those themselves in the first ``start_step``."""
    theirs = graft_steps(gradients, states, settings.graft, settings.betas[1], step)
    if step <= settings.start_step:
        return theirs
    lengths = [(norm(own), norm(other)) for own, other in zip(steps, theirs, strict=True)]
    ratios = [torch.where(own > 0, other / torch.where(own > 0, own, 1.0), 0.0) for own, other in lengths]
    return [own * ratio for own, ratio in zip(steps, ratios, strict=True)]


def _model(states: States, settings: Settings, step: float) -> Parts:
    """Return the factors (float64) of all parts that follow from the sketches alone.

    With eigenvalues l_i + rho inside, and rho or the mean of the tail outside, on each axis, an ``inverse_root`` core
    uses their powers -1/4, as Shampoo does. An ``adam`` core uses powers -1/2 times the root of the trace: the second
    moments of the Kronecker model ``E G_ij^2 = l_i r_j / tr``.
    """
    member: Member = settings.member  # type: ignore[assignment]
    exponent = -0.25 if member.core == "inverse_root" else -0.5
    absorbed = ((step - 1) // settings.update_freq + 1) * settings.update_freq
    past = (1.0 - member.basis_beta2**absorbed) ** (-2.0 * exponent)
    relative = settings.preconditioner.relative_eps
    sides: list[tuple[Tensor, Tensor]] = []
    for axis in (0, 1):
        sketch = Sketch(*(stacked([state[f"{name}_{axis}"] for state in states]) for name in Sketch._fields))
        inside, outside = inverse_root_coefficients(sketch, exponent, eps=settings.eps, relative_eps=relative)
        if member.tail.method == "mean":
            trace = stacked([state[f"root_trace_{axis}"] for state in states]).double().square()
            mean = sketch._replace(root_escaped=_mean_of_tail(sketch, trace).sqrt())
            _, outside = inverse_root_coefficients(mean, exponent, eps=settings.eps, relative_eps=relative)
        sides.append((inside, outside[:, None]))
    if member.core == "adam":
        root_trace = stacked([state["root_trace_0"] for state in states]).double()
        past = past * (root_trace / (1.0 - member.basis_beta2**absorbed) ** 0.5)[:, None, None]
    (rows, above), (columns, beyond) = sides
    factors = {"core": (rows, columns), "left": (rows, beyond), "right": (above, columns), "rest": (above, beyond)}
    return {name: past * first[:, :, None] * second[:, None, :] for name, (first, second) in factors.items()}


def _mean_of_tail(sketch: Sketch, trace: Tensor) -> Tensor:
    """Return ``(tr C - tr S) / (d - k)``, zero for a sketch of full rank."""
    dim, rank = sketch.basis.shape[-2:]
    left = trace - sketch.singular_values.double().square().sum(-1)
    return left.clamp(min=0.0) / max(1, dim - rank) * (rank < dim)


# The entries of a member's state with one dimension for each direction of an axis, and that dimension.
OF_DIRECTIONS = (
    {"core_square": -2, "left_rows": -1, "average_left": -2},
    {"core_square": -1, "right_columns": -1, "average_right": -1},
)


def resize_member(state: dict[str, Tensor], axis: int, rank: int) -> None:
    """Cut or pad what a state holds for each direction of an axis."""
    for name, dim in OF_DIRECTIONS[axis].items() if axis < len(OF_DIRECTIONS) else ():
        if name in state:
            value = state[name].movedim(dim, -1)
            more = max(0, rank - value.shape[-1])
            state[name] = torch.nn.functional.pad(value[..., :rank], (0, more)).movedim(-1, dim).contiguous()
