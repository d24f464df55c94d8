"""Linear and quadratic losses whose gradient covariance has a chosen spectrum, and a leading space that may drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from oco.domains import Ball
from oco.domains.base import Domain
from oco.environments.base import Environment, Rounds
from oco.environments.drawn import Draws, RotatedRows, random_direction
from oco.environments.leading_space import LeadingSpace, leading_space
from oco.environments.row_data import ROUNDING
from oco.environments.spectra import PowerLaw, SpectrumShape, spectrum_shape
from oco.errors import ConfigError, ProtocolError
from oco.losses.base import Loss
from oco.losses.quadratic_terms import TiltedQuadratic
from oco.losses.rows import dense_row
from oco.losses.scalar import Linear
from oco.needs import FULL_INFORMATION, PROX
from oco.types import Array

SpectrumLike = SpectrumShape | str | Mapping[str, Any] | Sequence[float] | Array
DriftLike = LeadingSpace | str | Mapping[str, Any]


class SpectrumLinear(RotatedRows):
    """Linear losses ``f_t(x) = <g_t, x>`` whose gradient covariance ``E g_t g_t'`` has a prescribed spectrum.

    ``g_t = Q U_t diag(sqrt(lambda)) xi_t`` with a fixed random rotation Q, the drift's rotation U_t and independent
    coordinates xi of mean 0 and variance 1; the eigenvalues lambda sum to 1, so ``E |g_t|^2 = 1``.

    Parameters
    ----------
    dimension, horizon
        d and T.
    exponent
        Short for ``spectrum=PowerLaw(exponent)``; 1 if neither is given, 0 is isotropic.
    spectrum
        A shape from `oco.environments.spectra` (power law, exponential, low rank with noise, spiked, isotropic), its
        name, a mapping such as ``{"kind": "low_rank", "rank": 4, "noise": 0.01}``, or the eigenvalues.
    drift
        Motion of the leading eigenvectors: ``"fixed"``, or ``"rotating"`` or ``"switching"`` with ``leading`` and
        ``period``, from `oco.environments.leading_space`.
    draws
        Distribution of xi: ``"signs"`` (then ``|g_t| = 1`` in every round, so G = 1) or ``"normal"`` (no bound G).
    domain
        A ball of radius 1 by default (diameter D = 2).
    problem_seed
        Draws Q. The seed of a stream draws the xi.

    Examples
    --------
    >>> import numpy as np, oco
    >>> game = oco.environments.SpectrumLinear(16, 1000, spectrum={"kind": "low_rank", "rank": 4, "noise": 0.1})
    >>> np.round(game.gradient_eigenvalues[[0, 3, 4]], 4)
    array([0.225 , 0.225 , 0.0083])
    """

    name: ClassVar[str] = "spectrum_linear"

    def __init__(
        self,
        dimension: int = 64,
        horizon: int = 4000,
        *,
        exponent: float | None = None,
        spectrum: SpectrumLike | None = None,
        drift: DriftLike = "fixed",
        draws: Draws = "signs",
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        if exponent is not None and spectrum is not None:
            raise ConfigError("exponent is short for a power-law spectrum; give one of exponent and spectrum")
        self.spectrum = (
            PowerLaw(1.0 if exponent is None else exponent) if spectrum is None else spectrum_shape(spectrum)
        )
        self.drift = leading_space(drift, dimension)
        super().__init__(
            scales=np.sqrt(self.spectrum.eigenvalues(dimension)),
            horizon=horizon,
            domain=domain or Ball(radius=1.0),
            loss=Linear(),
            draws=draws,
            problem_seed=problem_seed,
        )

    def _draw_targets(self, rows: Array, rounds: Rounds, generator: np.random.Generator) -> Array:
        return np.zeros(rows.shape[0])


class SpectrumQuadratic(Environment):
    """Strongly convex losses ``f_t(x) = curvature / 2 |x - c|^2 + <z_t, x>`` with a prescribed covariance of gradients.

    The gradient is ``curvature (x - c) + z_t``, where z_t is a round of `SpectrumLinear`, so at every point the
    gradients vary about their mean with that game's covariance. The point c, whose norm is half the domain's radius,
    minimizes the expected loss.

    Parameters
    ----------
    dimension, horizon, spectrum, drift, draws, domain, problem_seed
        As in `SpectrumLinear`; ``problem_seed`` draws c too.
    curvature
        sigma > 0: every loss is sigma-strongly convex.

    Notes
    -----
    With ``draws="signs"``, ``G = curvature max_x |x - c| + 1`` over a bounded domain, and ``exp_concavity`` is
    ``curvature / G^2``.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.SpectrumQuadratic(8, 100, spectrum="exponential", curvature=0.5)
    >>> game.strong_convexity, game.gradient_bound <= 0.5 * 1.5 + 1.0 + 1e-9
    (0.5, True)
    """

    name: ClassVar[str] = "spectrum_quadratic"

    def __init__(
        self,
        dimension: int = 64,
        horizon: int = 4000,
        *,
        curvature: float = 1.0,
        spectrum: SpectrumLike = "power_law",
        drift: DriftLike = "fixed",
        draws: Draws = "signs",
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        if not (curvature > 0.0 and np.isfinite(curvature)):
            raise ConfigError(f"curvature must be a positive number, got {curvature!r}")
        options: dict[str, Any] = {"drift": drift, "draws": draws, "domain": domain, "problem_seed": problem_seed}
        self._slopes = SpectrumLinear(dimension, horizon, spectrum=spectrum, **options)
        self.domain, self.horizon, self.dimension = self._slopes.domain, self._slopes.horizon, dimension
        self.spectrum, self.drift, self.draws = self._slopes.spectrum, self._slopes.drift, draws
        self.curvature = curvature
        self.problem_seed = problem_seed
        reach = self.domain.radius("l2") if self.domain.bounded else 1.0
        self.center: Array = self.domain.project(0.5 * reach * random_direction(dimension, problem_seed, 0xCE47))
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Go back before round 1 of the stream of ``seed``."""
        self._slopes, self._next = self._slopes.fresh(seed), 0

    def reveal(self, point: Array) -> TiltedQuadratic:
        """The loss of this round."""
        if self._next >= self.horizon:
            raise ProtocolError(f"{type(self).__name__} has {self.horizon} rounds and all of them were played")
        self._next += 1
        return self.loss_at(self._next - 1)

    @property
    def gives(self) -> tuple[str, ...]:
        """Everything that whole losses tell, and their proximal steps."""
        return (*FULL_INFORMATION, PROX)

    def loss_at(self, round_index: int) -> TiltedQuadratic:
        """The loss of round ``round_index`` (counted from 0)."""
        slope = dense_row(self._slopes.block(round_index, round_index + 1).rows, 0)
        return TiltedQuadratic(self.curvature, self.center, slope)

    def declared_losses(self, start: int, stop: int) -> list[Loss]:
        """The losses one by one."""
        return [self.loss_at(i) for i in range(start, stop)]

    @property
    def strong_convexity(self) -> float:
        """The curvature."""
        return self.curvature

    @property
    def gradient_bound(self) -> float | None:
        """``curvature max_x |x - c| + 1`` if the slopes are signs and the domain is bounded."""
        if self._slopes.draws == "normal" or not self.domain.bounded:
            return None
        furthest = min(self.domain.radius("l2") + float(np.linalg.norm(self.center)), self.domain.diameter("l2"))
        return (self.curvature * furthest + 1.0) * ROUNDING

    @property
    def exp_concavity(self) -> float | None:
        """``curvature / G^2`` if there is a gradient bound G."""
        bound = self.gradient_bound
        return None if bound is None else self.curvature / bound**2

    @property
    def gradient_eigenvalues(self) -> Array:
        """Eigenvalues ``(d,)`` of the covariance of a round's gradient about its mean."""
        return self._slopes.scales**2

    def gradient_eigenvectors(self, round_index: int) -> Array:
        """``(d, d)``: the corresponding eigenvectors, as columns, in round ``round_index`` (counted from 0)."""
        return self._slopes.gradient_eigenvectors(round_index)
