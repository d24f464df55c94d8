"""An optimizer whose updates are the plays of a learner of this library."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from oco.errors import ConfigError


class OnlineUpdates(torch.optim.Optimizer):
    r"""Move by what a learner plays: :math:`x_{t+1} = x_t + \Delta_{t+1}`, losses :math:`\langle g_t, \Delta_t\rangle`.

    Parameters
    ----------
    params : iterable of Tensor
        What is trained; one group, all weights as one vector.
    learner : oco.Learner
        Any learner of gradients.
    problem : oco.learners.problem.Problem
        The learner's game: its domain is the set of updates (a ball of dimension d, say), its horizon the number of
        steps.

    Notes
    -----
    The regret of the updates, which :class:`oco.torch.UpdateRegret` records, is the learner's regret against the linear
    losses of the gradients, so the learner's theorem bounds it. The state is the learner's, in float64, beside a vector
    of d numbers; it is not part of ``state_dict``. Meant for measuring, not for large networks.

    Examples
    --------
    >>> import torch, oco
    >>> from oco.learners.problem import Problem
    >>> weights = torch.tensor([1.0, -2.0], requires_grad=True)
    >>> problem = Problem(oco.Ball(0.5, dimension=2), horizon=50)
    >>> optimizer = OnlineUpdates([weights], oco.OGD(learning_rate=0.1), problem)
    >>> for _ in range(50):
    ...     optimizer.zero_grad()
    ...     weights.square().sum().backward()
    ...     _ = optimizer.step()
    >>> bool(weights.detach().norm() < 1.0)
    True
    """

    def __init__(self, params: Iterable[Tensor], learner: Any, problem: Any) -> None:
        super().__init__(params, {})
        weights = parameters_to_vector(self._weights())
        if problem.domain.dimension != weights.numel():
            raise ConfigError(
                f"the domain of updates has dimension {problem.domain.dimension}, "
                f"but there are {weights.numel()} weights"
            )
        self.learner = learner.fresh()
        self.learner.start(problem)
        if self.learner.prediction.any():
            raise ConfigError(
                f"the first play of {type(learner).__name__} on {problem.domain!r} is not zero, but no update has led "
                "to the first weights; use a domain whose start is the origin"
            )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Show the learner the gradient at the present weights, and move by its next play."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        weights = self._weights()
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in weights]
        gradient = parameters_to_vector(gradients).double().numpy()
        self.learner.update(gradient.reshape(self.learner.prediction.shape))
        moved = parameters_to_vector(weights).double() + torch.from_numpy(self.learner.prediction.ravel().copy())
        vector_to_parameters(moved.to(weights[0].dtype), weights)
        return loss

    def _weights(self) -> list[Tensor]:
        return [param for group in self.param_groups for param in group["params"]]
