"""The regret of a training run: its updates as plays of linear losses, against the best fixed update of any length."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.checks import (
    check_choice,
    check_decay,
    check_integer,
    check_optimizer,
    gradient_of,
    named_parameters,
    refuse,
)

NORMS = ("l2", "spectral", "max")
_UNIT = torch.finfo(torch.float64).eps


class _Sums(NamedTuple):
    """Of a window, or discounted: losses played, sizes of their products, gradients, rounds, longest updates."""

    played: float
    sizes: float
    gradients: list[Tensor]
    rounds: int
    longest: dict[str, float]


class UpdateRegret:
    r"""Record the regret of an optimizer's updates, window by window and discounted.

    A network has no best fixed point, but its updates are plays of a convex game. Let :math:`\Delta_t = x_t - x_{t-1}`
    be the update that led to the weights :math:`x_t`, and :math:`g_t` the gradient there. The update was chosen before
    :math:`g_t` was seen, so :math:`\langle g_t, \Delta_t\rangle` is the loss of round t of an online game, whose
    first play is the update zero. Against the best fixed update of a ball of radius D, in a window or with weights
    :math:`w_t = \beta^{T-t}`,

    .. math:: \sum_t w_t \langle g_t, \Delta_t \rangle + D \Bigl\| \sum_t w_t g_t \Bigr\|_*

    is the regret, with the dual norm of the ball: it is known in closed form for every D at once.

    Parameters
    ----------
    params : Module or iterable of (name, parameter)
        What is trained. A parameter without a gradient has the gradient zero in that round.
    window : int
        Rounds of a window. Windows do not overlap.
    discount : float
        The weight :math:`\beta` by which a round counts less than the next one; at least 0, less than 1.
    norms : sequence of {"l2", "spectral", "max"}
        Balls of updates. ``l2``: all weights as one vector; dual norm the same. ``spectral``: every matrix (a
        convolution as a matrix of its output channels) within the spectral norm D, every vector within the l2 norm D;
        dual norm the sum of nuclear and l2 norms. ``max``: every entry within D; dual norm the sum of absolute entries.

    Notes
    -----
    Call :meth:`update` after each backward pass, or let :meth:`follow` do so before each step. Cost: a copy of the
    weights and two sums of gradients in float64 (5 floats of the weights' precision for each weight), O(weights) a
    step, and singular values once a window for ``spectral``.

    Sums are exact to the rounding of float64, for which :func:`regret_interval` allows.

    Source: the conversion of Cutkosky, Mehta and Orabona, "Optimal stochastic non-smooth non-convex optimization
    through online-to-non-convex conversion", ICML 2023, and its discounted form in Ahn, Zhang, Kook and Dai,
    "Understanding Adam optimizer via online learning of updates", ICML 2024. Departures: gradients are those of the
    run's own points and batches, not of points drawn between two iterates, so the theorem on stationary points
    does not follow; the regret of the game is what is measured.

    Examples
    --------
    >>> import torch
    >>> weights = torch.zeros(2, requires_grad=True)
    >>> optimizer = torch.optim.SGD([weights], lr=0.5)
    >>> probe = UpdateRegret([("weights", weights)], window=2, norms=["l2"])
    >>> for _ in range(2):
    ...     weights.grad = torch.tensor([3.0, 4.0])
    ...     probe.update()
    ...     optimizer.step()
    >>> row = probe.rows()[0]
    >>> row["kind"], row["rounds"], row["played"], row["dual_norm"]  # the updates 0 and -g / 2
    ('window', 2, -12.5, 10.0)
    >>> lower, upper = regret_interval(row, radius=3.0)
    >>> lower <= -12.5 + 3.0 * 10.0 <= upper
    True
    """

    def __init__(
        self,
        params: torch.nn.Module | Iterable[tuple[str, Tensor]],
        *,
        window: int = 50,
        discount: float = 0.99,
        norms: Iterable[str] = NORMS,
    ) -> None:
        check_integer("window", window, 1)
        check_decay("discount", discount)
        if isinstance(norms, str) or not isinstance(norms, Iterable):
            raise refuse("norms value", norms, f"a sequence of {', '.join(NORMS)}")
        self._norms = tuple(norms)
        for norm in self._norms:
            check_choice("norms", norm, NORMS)
        named = [(name, param) for name, param in named_parameters("UpdateRegret", params) if param.requires_grad]
        self._names, self._params = [name for name, _ in named], [param for _, param in named]
        if not named:
            raise ConfigError("UpdateRegret was given no parameter that requires a gradient")
        self._window, self._discount = window, float(discount)
        self._before: list[Tensor] | None = None
        self._round = 0
        self._rows: list[dict[str, Any]] = []
        self._in_window, self._discounted = self._empty(), self._empty()

    def follow(self, optimizer: torch.optim.Optimizer) -> None:
        """Call :meth:`update` before each step of ``optimizer``."""
        check_optimizer("UpdateRegret.follow", optimizer)
        optimizer.register_step_pre_hook(lambda *_: self.update())

    @torch.no_grad()
    def update(self) -> None:
        """Count the update that led to the present weights against the gradient there."""
        weights = [param.detach().double() for param in self._params]
        before = weights if self._before is None else [old.double() for old in self._before]
        given = [gradient_of("UpdateRegret", name, p) for name, p in zip(self._names, self._params, strict=True)]
        gradients = [torch.zeros_like(p) if g is None else g for g, p in zip(given, self._params, strict=True)]
        wide = [gradient.detach().double() for gradient in gradients]
        changes = [now - old for now, old in zip(weights, before, strict=True)]
        products = [gradient * change for gradient, change in zip(wide, changes, strict=True)]
        loss = sum(float(product.sum()) for product in products)
        size = sum(float(product.abs().sum()) for product in products)
        lengths = {norm: _length(changes, norm) for norm in self._norms if norm != "spectral"}
        self._round += 1
        self._in_window = _added(self._in_window, 1.0, loss, size, wide, lengths)
        self._discounted = _added(self._discounted, self._discount, loss, size, wide, lengths)
        if self._in_window.rounds == self._window:
            self._rows += self._rows_of("window", self._in_window)
            self._rows += self._rows_of("discounted", self._discounted)
            self._in_window = self._empty()
        self._before = [param.detach().clone() for param in self._params]

    def rows(self) -> list[dict[str, Any]]:
        """One row for each window, kind and norm, in the order of rounds.

        Keys: ``round`` (the last one), ``kind`` (``window`` or ``discounted``: all rounds so far), ``norm``,
        ``rounds``, ``played`` (losses of the updates), ``dual_norm`` (of the sum of the gradients), ``longest`` (norm
        of the longest update, NaN for ``spectral``), ``rounding`` (of both sums). The regret at radius D is ``played +
        D dual_norm``.
        """
        return list(self._rows)

    def _empty(self) -> _Sums:
        zeros = [torch.zeros_like(param, dtype=torch.float64) for param in self._params]
        return _Sums(0.0, 0.0, zeros, 0, dict.fromkeys(self._norms, 0.0))

    def _rows_of(self, kind: str, sums: _Sums) -> list[dict[str, Any]]:
        count = sum(gradient.numel() for gradient in sums.gradients)
        unit = (count + 8.0 * sums.rounds + 64.0) * _UNIT
        return [
            {
                "round": self._round,
                "kind": kind,
                "norm": norm,
                "rounds": sums.rounds,
                "played": sums.played,
                "dual_norm": (dual := _dual_length(sums.gradients, norm)),
                "longest": sums.longest[norm] if norm != "spectral" else math.nan,
                "rounding": unit * max(sums.sizes, dual),
            }
            for norm in self._norms
        ]


def regret_interval(row: dict[str, Any], radius: float) -> tuple[float, float]:
    """The lower and the upper end of the regret against the best fixed update of the ball of ``radius``.

    The ends allow for rounding.

    Raises ConfigError for a negative radius.
    """
    if not 0.0 <= radius < math.inf:
        raise ConfigError(f"radius must be a finite number of at least 0, got {radius!r}")
    regret, error = row["played"] + radius * row["dual_norm"], (1.0 + radius) * row["rounding"]
    return regret - error, regret + error


def _added(
    sums: _Sums, factor: float, loss: float, size: float, gradients: list[Tensor], lengths: dict[str, float]
) -> _Sums:
    torch._foreach_mul_(sums.gradients, factor)
    torch._foreach_add_(sums.gradients, gradients)
    longest = {norm: max(sums.longest[norm], lengths.get(norm, 0.0)) for norm in sums.longest}
    return _Sums(factor * sums.played + loss, factor * sums.sizes + size, sums.gradients, sums.rounds + 1, longest)


def _length(tensors: list[Tensor], norm: str) -> float:
    if norm == "l2":
        return math.hypot(*(float(torch.linalg.vector_norm(tensor)) for tensor in tensors))
    return max(float(tensor.abs().max()) if tensor.numel() else 0.0 for tensor in tensors)


def _dual_length(tensors: list[Tensor], norm: str) -> float:
    """The support function of the unit ball of ``norm`` at the tensors."""
    if norm == "l2":
        return _length(tensors, "l2")
    if norm == "max":
        return sum(float(tensor.abs().sum()) for tensor in tensors)
    total = 0.0
    for tensor in tensors:
        if tensor.ndim < 2:
            total += float(torch.linalg.vector_norm(tensor))
        else:
            total += float(torch.linalg.svdvals(tensor.flatten(1)).sum())
    return total
