"""Games on the probability simplex: portfolio selection and prediction with expert advice."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from oco.domains import Simplex
from oco.domains.base import Domain
from oco.environments.base import Rounds
from oco.environments.drawn import DrawnRows
from oco.environments.generalized_linear import GeneralizedLinearGame, Order
from oco.environments.row_data import ROUNDING
from oco.errors import ConfigError, DataError
from oco.losses.scalar import Linear, Logarithmic
from oco.types import Array


class PortfolioSelection(GeneralizedLinearGame):
    """Log loss of a portfolio on given price relatives: ``f_t(x) = -log <r_t, x>``.

    Parameters
    ----------
    rows
        ``(n, d)`` price relatives: the price of every asset at the end of a period over that at its start, > 0.
    domain
        The simplex by default.
    order
        ``"file"`` by default, because the periods are ordered in time.
    options
        ``passes``, ``horizon`` and ``description``, as in `GeneralizedLinear`.

    Notes
    -----
    Every loss is 1-exp-concave. On the simplex ``<r, x> >= min_i r_i``, so ``G = max_t |r_t|_2 / min_i r_{t,i}``.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.PortfolioSelection([[1.0, 0.5], [1.0, 2.0]])
    >>> game.exp_concavity, round(game.gradient_bound, 3)
    (1.0, 2.236)
    """

    name: ClassVar[str] = "portfolio_selection"

    def __init__(self, rows: Any, *, domain: Domain | None = None, order: Order = "file", **options: Any) -> None:
        super().__init__(rows, domain=domain or Simplex(), order=order, **options)
        if self._source is None and not (self._rows > 0.0).all():
            raise DataError(f"price relatives must be positive, got one of {self._rows.min():g}")
        if self._source is None and type(self.domain) is Simplex:
            total, least = self.domain.support(np.ones(self.domain.dimension)), self._rows.min(axis=1)
            ratios, spread = np.linalg.norm(self._rows, axis=1) / least, self._rows.max(axis=1) / least
            self._constants["gradient_bound"] = float(ratios.max()) / total * ROUNDING
            self._constants["gradient_entry_bound"] = float(spread.max()) / total * ROUNDING

    @classmethod
    def own_loss(cls) -> Logarithmic:
        """The logarithm of the growth."""
        return Logarithmic()


class DrawnPortfolio(DrawnRows):
    """Portfolio selection in a drawn market: ``f_t(x) = -log <r_t, x>`` on the simplex.

    Price relatives are ``log r_{t,i} = growth_i + volatility (sqrt(rho) m_t + sqrt(1 - rho) z_{t,i})`` with a common
    factor m_t, normal draws truncated at 4 standard deviations, and growths spread evenly over
    ``[-growth, growth]`` in an order that ``problem_seed`` draws.

    Parameters
    ----------
    dimension, horizon
        Number of assets and of periods.
    volatility
        Standard deviation of a log price relative.
    correlation
        rho in [0, 1), the share of the variance due to the common factor.
    growth
        Largest mean of a log price relative.
    problem_seed
        Draws which asset has which growth. The seed of a stream draws the market.

    Notes
    -----
    Every loss is 1-exp-concave; ``G = sqrt(d) exp(2 (growth + 8 volatility))``, since log price relatives lie within
    ``growth + 4 volatility (sqrt(rho) + sqrt(1 - rho))`` of 0.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.DrawnPortfolio(4, 100)
    >>> bool((game.block(0, 100).rows > 0).all())
    True
    """

    name: ClassVar[str] = "drawn_portfolio"

    def __init__(
        self,
        dimension: int = 16,
        horizon: int = 2000,
        *,
        volatility: float = 0.02,
        correlation: float = 0.5,
        growth: float = 0.002,
        problem_seed: int = 0,
    ) -> None:
        if not (volatility >= 0.0 and growth >= 0.0 and 0.0 <= correlation < 1.0):
            raise ConfigError(
                "volatility and growth must be >= 0 and correlation must lie in [0, 1), got "
                f"{volatility!r}, {growth!r} and {correlation!r}"
            )
        self.volatility, self.correlation, self.growth = volatility, correlation, growth
        super().__init__(
            dimension=dimension, horizon=horizon, domain=Simplex(), loss=Logarithmic(), problem_seed=problem_seed
        )
        places = np.random.default_rng([problem_seed, 0x6407]).permutation(dimension)
        self.growths: Array = np.linspace(-growth, growth, dimension)[places]
        """``(d,)`` means of the log price relatives."""

    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Array, Array]:
        draws = np.clip(generator.standard_normal((rounds.size, self.dimension + 1)), -4.0, 4.0)
        common, own = np.sqrt(self.correlation), np.sqrt(1.0 - self.correlation)
        logs = self.growths + self.volatility * (common * draws[:, :1] + own * draws[:, 1:])
        return np.exp(logs), np.zeros(rounds.size)

    @property
    def exp_concavity(self) -> float:
        """1: ``exp(-f_t)`` is linear."""
        return 1.0

    @property
    def gradient_bound(self) -> float:
        """``sqrt(d)`` times the largest ratio of two price relatives of one period."""
        return float(np.sqrt(self.dimension)) * self.gradient_entry_bound

    @property
    def gradient_entry_bound(self) -> float:
        """The largest ratio of two price relatives of one period."""
        spread = 4.0 * self.volatility * (np.sqrt(self.correlation) + np.sqrt(1.0 - self.correlation))
        return float(np.exp(2.0 * (self.growth + spread)))


class ExpertAdvice(DrawnRows):
    """Prediction with expert advice: ``f_t(x) = <l_t, x>`` on the simplex, with losses of the d experts in {0, 1}.

    Every expert errs with probability 1/2 in every round, except the best one, which errs with ``1/2 - gap``.

    Parameters
    ----------
    dimension, horizon
        Number of experts and of rounds.
    gap
        How much better the best expert is, in [0, 1/2].
    problem_seed
        Draws which expert is the best. The seed of a stream draws the errors.

    Notes
    -----
    ``G = sqrt(d)`` in the l2 norm; entries are at most 1.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.ExpertAdvice(4, 1000, gap=0.2)
    >>> errors = game.block(0, 1000).rows.mean(axis=0)
    >>> bool(errors.argmin() == game.best)
    True
    """

    name: ClassVar[str] = "expert_advice"

    def __init__(self, dimension: int = 16, horizon: int = 4000, *, gap: float = 0.1, problem_seed: int = 0) -> None:
        if not 0.0 <= gap <= 0.5:
            raise ConfigError(f"gap must lie in [0, 1/2], got {gap!r}")
        self.gap = gap
        super().__init__(
            dimension=dimension, horizon=horizon, domain=Simplex(), loss=Linear(), problem_seed=problem_seed
        )
        self.best = int(np.random.default_rng([problem_seed, 0xBE57]).integers(dimension))
        """Number of the best expert."""

    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Array, Array]:
        chances = np.full(self.dimension, 0.5)
        chances[self.best] -= self.gap
        errors = generator.random((rounds.size, self.dimension)) < chances
        return errors.astype(np.float64), np.zeros(rounds.size)

    @property
    def gradient_bound(self) -> float:
        """``sqrt(d)``."""
        return float(np.sqrt(self.dimension)) * ROUNDING

    @property
    def gradient_entry_bound(self) -> float:
        """1."""
        return 1.0
