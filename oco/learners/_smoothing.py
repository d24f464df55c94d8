"""What bandit learners share: random directions, and the domain shrunken so that perturbed points stay inside."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.domains.base import Domain
from oco.errors import ConfigError
from oco.learners.base import Learner
from oco.learners.requirements import reach
from oco.regret.bounds import Assumption
from oco.types import Array, Shape

IN_EXPECTATION = Assumption("the bound is on the mean over the learner's draws, of which this is one", False)
"""No single game can show or violate a bound on the expected regret, so it never counts as passed."""


def direction(seed: int, round_index: int, shape: Shape) -> Array:
    """A uniform draw from the unit sphere, the same for the same seed and round."""
    normal = np.random.default_rng([seed, round_index, 0xBA2D]).standard_normal(shape)
    drawn: Array = normal / np.linalg.norm(normal)
    return drawn


@dataclass(frozen=True)
class Shrunken:
    """``x_1 + (1 - xi)(K - x_1)`` with ``xi = delta / r``: every point of it is delta away from the border of K.

    Attributes
    ----------
    domain
        K.
    exploration
        delta.
    inner_radius
        r, infinite for the whole space.
    """

    domain: Domain
    exploration: float
    inner_radius: float

    @classmethod
    def of(
        cls, learner: Learner, domain: Domain, inner_radius: float | None, exploration: float | None, share: float
    ) -> Shrunken:
        """With the radius of a domain that is a ball, and delta = ``share`` of it, where they are not given."""
        ball = domain.as_ball()
        if inner_radius is None:
            if ball is None:
                raise ConfigError(
                    f"{type(learner).__name__} plays around points of the domain, and {domain!r} is no ball; give "
                    "inner_radius, the radius of a ball around its start that lies in it"
                )
            inner_radius = ball[1]
        elif ball is not None and inner_radius > ball[1]:
            raise ConfigError(f"inner_radius {inner_radius:g} exceeds the radius {ball[1]:g} of the domain")
        if ball is None and not _holds_ball(domain, inner_radius):
            raise ConfigError(f"a ball of inner_radius {inner_radius:g} around its start does not lie in {domain!r}")
        if exploration is None:
            if not math.isfinite(inner_radius):
                raise ConfigError(f"{type(learner).__name__} sets exploration from a bounded domain; give exploration")
            exploration = share * inner_radius
        if exploration > inner_radius:
            raise ConfigError(f"exploration {exploration:g} exceeds the inner radius {inner_radius:g} of the domain")
        return cls(domain, exploration, inner_radius)

    def project(self, point: Array) -> Array:
        """Euclidean projection on the shrunken domain."""
        size = 1.0 - self.exploration / self.inner_radius
        start = self.domain.start
        if size <= 0.0:
            return start
        return start + size * (self.domain.project(start + (point - start) / size) - start)

    def cost(self, moves: float) -> float:
        """``moves delta + xi R``, what a round loses for a gradient of length 1; R is the largest ``|x - x_1|``."""
        return moves * self.exploration + self.exploration / self.inner_radius * reach(self.domain)


def _holds_ball(domain: Domain, radius: float) -> bool:
    """Whether the domain reaches that far from its start along every axis and every diagonal of equal entries."""
    axes = np.eye(domain.dimension)
    ones = np.full((1, domain.dimension), domain.dimension**-0.5)
    directions = np.concatenate([axes, -axes, ones, -ones]).reshape(-1, *domain.shape)
    start = domain.start
    return all(domain.support(u) - float(np.vdot(u, start)) >= radius * (1.0 - 1e-9) for u in directions)
