"""Games in which the preconditioner matters: coordinates, rotated coordinates, and streams built against a rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import scipy  # its parts are loaded when they are first used

from oco.domains import Ball
from oco.domains.base import Domain
from oco.environments.base import Rounds
from oco.environments.drawn import DrawnRows, Draws, RotatedRows, random_rotation
from oco.environments.regression import inverse_weights
from oco.environments.row_data import ROUNDING
from oco.errors import ConfigError
from oco.losses.rows import Rows
from oco.losses.scalar import Absolute, Linear
from oco.numbers import real_numbers
from oco.types import Array


class CoordinateGame(DrawnRows):
    """Rare coordinates matter as much as frequent ones: ``f_t(x) = |x_i - w_i|`` with i drawn as ``i^-exponent``.

    When a rare coordinate finally appears, a learning rate that decreases with t is too small for it. Diagonal AdaGrad
    has one learning rate per coordinate, and its bound is ``sum_i sqrt(T_i)`` where that of OGD is ``sqrt(d T)``
    (Duchi, Hazan, Singer, JMLR 2011, Section 1.3), a ratio of order ``sqrt(d) / log d`` at exponent 2. Behind a
    rotation (``rotated=True``) every gradient touches all coordinates, so diagonal AdaGrad is no better than OGD, while
    full-matrix AdaGrad plays as the diagonal one does without rotation.

    Parameters
    ----------
    dimension
        d.
    horizon
        T; ``4 d^2`` where not given, so that the rarest coordinates are seen too.
    exponent
        Coordinate i is drawn with probability proportional to ``i^-exponent``.
    rotated
        Whether coordinates are those of a random basis Q: ``f_t(x) = |<q_i, x> - w_i|``. Rows are CSR otherwise.
    domain
        A ball of radius ``sqrt(d)`` by default, which holds w.
    problem_seed
        Draws w, with entries of size 1/2 to 1, and Q. The seed of a stream draws the coordinates.

    Notes
    -----
    G = 1.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.CoordinateGame(8)
    >>> game.horizon, game.block(0, 5).rows.nnz
    (256, 5)
    """

    name: ClassVar[str] = "coordinate_game"

    def __init__(
        self,
        dimension: int = 32,
        horizon: int | None = None,
        *,
        exponent: float = 2.0,
        rotated: bool = False,
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        if not (exponent >= 0.0 and np.isfinite(exponent)):
            raise ConfigError(f"exponent must be a number >= 0, got {exponent!r}")
        super().__init__(
            dimension=dimension,
            horizon=4 * dimension**2 if horizon is None else horizon,
            domain=domain or Ball(radius=float(np.sqrt(dimension))),
            loss=Absolute(),
            problem_seed=problem_seed,
        )
        self.exponent, self.rotated = exponent, rotated
        self.probabilities: Array = np.arange(1.0, dimension + 1.0) ** -exponent
        self.probabilities /= self.probabilities.sum()
        generator = np.random.default_rng([problem_seed, 0xC002])
        self._coordinates = generator.choice((-1.0, 1.0), dimension) * generator.uniform(0.5, 1.0, dimension)
        self._basis = random_rotation(dimension, problem_seed) if rotated else None
        self.weights: Array = self._coordinates if self._basis is None else self._basis @ self._coordinates
        """w, ``(d,)``: the point without loss."""

    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Rows, Array]:
        chosen = generator.choice(self.dimension, rounds.size, p=self.probabilities)
        if self._basis is not None:
            return self._basis.T[chosen], self._coordinates[chosen]
        places = np.arange(rounds.size + 1)
        rows = scipy.sparse.csr_array((np.ones(rounds.size), chosen, places), shape=(rounds.size, self.dimension))
        return rows, self._coordinates[chosen]

    @property
    def gradient_bound(self) -> float:
        """1."""
        return ROUNDING


class AgainstRank(RotatedRows):
    """Built against sketches of one rank: ``rank + 1`` large directions hide the signal.

    ``f_t(x) = |<a_t, x - w>|`` with features of scale 1 in ``rank + 1`` directions and of scale ``small_scale`` in the
    others, behind a rotation; the weights w are inverse to the scales, of unit norm. If a sketch keeps at most ``rank``
    directions, its escaped mass has the size of a large direction. The preconditioner adds this mass to all other
    directions, in which the learner then moves as OGD does. With one direction more, only small directions escape
    (Lemma 1 of Sketchy: the escaped mass is at most ``T small_scale^2 (d - rank - 1)``), the steps in them grow by
    ``1 / small_scale``, and the regret falls to that of full-matrix AdaGrad.

    Parameters
    ----------
    dimension, horizon
        d and T.
    rank
        Largest rank that fails, in ``0..d - 2``.
    small_scale
        Scale of the features that carry the signal.
    draws
        ``"signs"`` (then ``G = |scales|_2``) or ``"normal"``.
    domain
        A ball of radius 1 by default, which holds w on its boundary.
    problem_seed
        Draws the rotation and the signs of w. The seed of a stream draws the features.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.AgainstRank(16, 100, rank=3)
    >>> int((game.scales == 1.0).sum())
    4
    """

    name: ClassVar[str] = "against_rank"

    def __init__(
        self,
        dimension: int = 32,
        horizon: int = 4000,
        *,
        rank: int = 8,
        small_scale: float = 0.05,
        draws: Draws = "signs",
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        if not 0 <= rank <= dimension - 2:
            raise ConfigError(f"rank must be in 0..{dimension - 2} for dimension {dimension}, got {rank}")
        if not 0.0 < small_scale <= 1.0:
            raise ConfigError(f"small_scale must lie in (0, 1], got {small_scale!r}")
        self.rank, self.small_scale = rank, small_scale
        super().__init__(
            scales=np.where(np.arange(dimension) <= rank, 1.0, small_scale),
            horizon=horizon,
            domain=domain or Ball(radius=1.0),
            loss=Absolute(),
            draws=draws,
            problem_seed=problem_seed,
        )
        self.weights: Array = self.rotation @ inverse_weights(self.scales, problem_seed)
        """w, ``(d,)``: the point without loss."""

    def _draw_targets(self, rows: Array, rounds: Rounds, generator: np.random.Generator) -> Array:
        targets: Array = rows @ self.weights
        return targets


class OrthonormalLosses(DrawnRows):
    """The stream of Observation 2 of Sketchy: ``f_t(x) = <g_t, x>``, g_t i.i.d. from r orthonormal vectors.

    Every distribution over r orthonormal vectors makes the sketch of size ell <= r lose mass in a constant share of
    the rounds. The paper shows that the *bound* of Ada-FD is then of order ``T^(3/4)`` at best, while that of
    FD-AdaGrad is of order ``sqrt(T)``; it is not a lower bound on the regret of Ada-FD.

    Parameters
    ----------
    dimension, horizon
        d and T.
    probabilities
        Probabilities of the r vectors, which sum to 1. Uniform over 4 by default.
    domain
        A ball of radius 1 by default.
    problem_seed
        Draws the orthonormal vectors. The seed of a stream draws the vector of each round.

    Notes
    -----
    G = 1. The gradient covariance has rank r, so FD-AdaGrad at rank r or more is full-matrix AdaGrad.

    References
    ----------
    Feinberg, Chen, Sun, Anil, Hazan, Sketchy, NeurIPS 2023, Observation 2.

    Examples
    --------
    >>> import numpy as np, oco
    >>> game = oco.environments.OrthonormalLosses(6, 200, probabilities=[0.5, 0.3, 0.2])
    >>> int(np.linalg.matrix_rank(game.block(0, 200).rows))
    3
    """

    name: ClassVar[str] = "orthonormal_losses"

    def __init__(
        self,
        dimension: int = 16,
        horizon: int = 4000,
        *,
        probabilities: Sequence[float] = (0.25, 0.25, 0.25, 0.25),
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        chances = np.asarray(real_numbers(probabilities, "probabilities"), dtype=np.float64)
        if not (1 <= chances.size <= dimension and np.all(chances >= 0.0) and abs(chances.sum() - 1.0) < 1e-9):
            raise ConfigError(f"probabilities must be 1..{dimension} numbers >= 0 that sum to 1, got {probabilities!r}")
        super().__init__(
            dimension=dimension,
            horizon=horizon,
            domain=domain or Ball(radius=1.0),
            loss=Linear(),
            problem_seed=problem_seed,
        )
        self.probabilities: Array = chances / chances.sum()
        self.vectors: Array = random_rotation(dimension, problem_seed).T[: chances.size]
        """``(r, d)``: the orthonormal vectors."""

    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Array, Array]:
        chosen = generator.choice(self.probabilities.size, rounds.size, p=self.probabilities)
        return self.vectors[chosen], np.zeros(rounds.size)

    @property
    def gradient_bound(self) -> float:
        """1."""
        return ROUNDING
