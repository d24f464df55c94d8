"""Games whose decisions are matrices: completion, regression, and the subspace of the largest variance."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from oco.domains import FrobeniusBall
from oco.domains.base import Domain
from oco.environments.drawn import DrawnLosses, random_rotation
from oco.environments.row_data import ROUNDING
from oco.environments.spectra import spectrum_shape
from oco.environments.spectrum_games import SpectrumLike
from oco.errors import ConfigError
from oco.losses.entry import EntryLoss
from oco.losses.quadratic_terms import MatrixResidual
from oco.losses.scalar import ScalarLoss, scalar_loss
from oco.types import Array, Shape


class MatrixCompletion(DrawnLosses):
    """Online matrix completion; every round reveals one entry, ``f_t(X) = phi(X_ij, M_ij + noise u_t)``.

    M is ``(m, n)`` of the given rank with entries of mean square 1, behind random rotations; the entry is drawn
    uniformly and u_t is uniform of variance 1.

    Parameters
    ----------
    shape, horizon
        (m, n) and T.
    rank
        Rank of M, whose singular values are all equal.
    noise
        Standard deviation of the noise in an entry.
    loss
        Name of a scalar loss, or the loss; ``"absolute"`` (G = 1) by default.
    domain
        Matrices up to twice the Frobenius norm of M by default.
    problem_seed
        Draws M. The seed of a stream draws entries and noise.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.MatrixCompletion((6, 4), 100, rank=2)
    >>> game.reveal(game.domain.start).gradient(game.domain.start).shape
    (6, 4)
    """

    name: ClassVar[str] = "matrix_completion"

    def __init__(
        self,
        shape: Shape = (20, 20),
        horizon: int = 4000,
        *,
        rank: int = 2,
        noise: float = 0.1,
        loss: ScalarLoss | str = "absolute",
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        self._shape = rows, columns = _checked_shape(shape, horizon)
        if not 1 <= rank <= min(rows, columns):
            raise ConfigError(f"rank must be in 1..{min(rows, columns)} for matrices of shape {shape}, got {rank}")
        if noise < 0.0:
            raise ConfigError(f"noise must be >= 0, got {noise!r}")
        self.loss = scalar_loss(loss)
        if self.loss.binary:
            raise ConfigError(f"entries are numbers, which the {self.loss.name} loss of classes does not take")
        self.horizon, self.rank, self.noise, self.problem_seed = horizon, rank, noise, problem_seed
        left = random_rotation(rows, problem_seed, 1)[:, :rank]
        right = random_rotation(columns, problem_seed, 2)[:, :rank]
        self.matrix: Array = np.sqrt(rows * columns / rank) * left @ right.T
        """M, ``(m, n)``."""
        frobenius = np.sqrt(rows * columns)
        self.domain = (domain or FrobeniusBall(radius=2.0 * frobenius)).with_shape((rows, columns))
        self.restart(0)

    def loss_at(self, round_index: int) -> EntryLoss:
        """The loss of round ``round_index`` (counted from 0)."""
        generator = self._generator(round_index)
        row, column = divmod(int(generator.integers(self.matrix.size)), self.matrix.shape[1])
        noise = self.noise * np.sqrt(3.0) * (2.0 * generator.random() - 1.0)
        return EntryLoss(self.loss, self.matrix.shape, (row, column), float(self.matrix[row, column] + noise))

    @property
    def gradient_bound(self) -> float | None:
        """The largest slope of phi on the domain."""
        if np.isfinite(self.loss.lipschitz):
            return self.loss.lipschitz
        if not self.domain.bounded:
            return None
        reach = np.array([-1.0, 1.0]) * self.domain.radius("l2")
        target = np.abs(self.matrix).max() + np.sqrt(3.0) * self.noise
        slopes = self.loss.values_and_derivatives(reach, np.array([target, -target]))[1]
        return float(np.abs(slopes).max()) * ROUNDING


class MatrixRegression(DrawnLosses):
    """Regression of vectors on vectors: ``f_t(X) = |X a_t - W a_t - noise u_t|^2 / 2`` for matrices X ``(m, n)``.

    The features ``a_t = Q diag(sqrt(lambda)) xi_t`` have a prescribed spectrum and, drawn as signs, length 1; u_t is
    uniform on the sphere. The gradient ``(X a_t - b_t) a_t'`` has rank one.

    Parameters
    ----------
    shape, horizon
        (m, n) and T.
    spectrum
        Of the features' covariance, as in `SpectrumLinear`.
    noise
        Length of the noise in a target.
    domain
        Matrices up to twice the Frobenius norm of W, which is 1, by default.
    problem_seed
        Draws Q and W. The seed of a stream draws features and noise.

    Notes
    -----
    On a bounded domain ``G = R + 1 + noise``, R the largest Frobenius norm of a point.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.MatrixRegression((3, 5), 100, noise=0.0)
    >>> game.reveal(game.weights).value(game.weights)
    0.0
    """

    name: ClassVar[str] = "matrix_regression"

    def __init__(
        self,
        shape: Shape = (8, 16),
        horizon: int = 4000,
        *,
        spectrum: SpectrumLike = "power_law",
        noise: float = 0.1,
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        self._shape = rows, columns = _checked_shape(shape, horizon)
        if noise < 0.0:
            raise ConfigError(f"noise must be >= 0, got {noise!r}")
        self.spectrum = spectrum_shape(spectrum)
        self.horizon, self.noise, self.problem_seed = horizon, noise, problem_seed
        self._root = random_rotation(columns, problem_seed) * np.sqrt(self.spectrum.eigenvalues(columns))
        weights = np.random.default_rng([problem_seed, 0x3A77]).standard_normal((rows, columns))
        self.weights: Array = weights / np.linalg.norm(weights)
        """W, ``(m, n)``, of Frobenius norm 1."""
        self.domain = (domain or FrobeniusBall(radius=2.0)).with_shape((rows, columns))
        self.restart(0)

    def loss_at(self, round_index: int) -> MatrixResidual:
        """The loss of round ``round_index`` (counted from 0)."""
        generator = self._generator(round_index)
        features: Array = self._root @ (generator.integers(0, 2, self._root.shape[1]) * 2.0 - 1.0)
        direction = generator.standard_normal(self.weights.shape[0])
        noise = self.noise / np.linalg.norm(direction) * direction
        return MatrixResidual(features, self.weights @ features + noise)

    @property
    def gradient_bound(self) -> float | None:
        """``R + 1 + noise`` on a bounded domain."""
        return (self.domain.radius("l2") + 1.0 + self.noise) * ROUNDING if self.domain.bounded else None


class SubspaceReconstruction(DrawnLosses):
    """Online principal components as a convex game: ``f_t(P) = |a_t - P a_t|^2 / 2`` for matrices P ``(d, d)``.

    The a_t have a prescribed spectrum and length 1. The Frobenius ball of radius ``sqrt(rank)`` holds all projections
    on subspaces of that rank; among those the one on the leading eigenvectors is the best.

    Parameters
    ----------
    dimension, horizon
        d and T.
    rank
        Rank of the projections that the default domain contains.
    spectrum
        Of the rows' covariance, as in `SpectrumLinear`.
    domain
        The Frobenius ball of radius ``sqrt(rank)`` by default.
    problem_seed
        Draws the eigenvectors. The seed of a stream draws the rows.

    Notes
    -----
    On a bounded domain ``G = R + 1``, R the largest Frobenius norm of a point. The relaxation follows Warmuth and
    Kuzmin (JMLR 2008), with a ball in place of their spectral constraints.

    Examples
    --------
    >>> import numpy as np, oco
    >>> game = oco.environments.SubspaceReconstruction(6, 100, rank=2)
    >>> game.reveal(np.eye(6)).value(np.eye(6))
    0.0
    """

    name: ClassVar[str] = "subspace_reconstruction"

    def __init__(
        self,
        dimension: int = 16,
        horizon: int = 4000,
        *,
        rank: int = 2,
        spectrum: SpectrumLike = "power_law",
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        self._dimension, _ = _checked_shape((dimension, dimension), horizon)
        if not 1 <= rank <= dimension:
            raise ConfigError(f"rank must be in 1..{dimension}, got {rank}")
        self.spectrum = spectrum_shape(spectrum)
        self.horizon, self.rank, self.problem_seed = horizon, rank, problem_seed
        self._root = random_rotation(dimension, problem_seed) * np.sqrt(self.spectrum.eigenvalues(dimension))
        self.domain = (domain or FrobeniusBall(radius=float(np.sqrt(rank)))).with_shape((dimension, dimension))
        self.restart(0)

    def loss_at(self, round_index: int) -> MatrixResidual:
        """The loss of round ``round_index`` (counted from 0)."""
        row: Array = self._root @ (self._generator(round_index).integers(0, 2, self._root.shape[1]) * 2.0 - 1.0)
        return MatrixResidual(row, row)

    @property
    def gradient_bound(self) -> float | None:
        """``R + 1`` on a bounded domain."""
        return (self.domain.radius("l2") + 1.0) * ROUNDING if self.domain.bounded else None


def _checked_shape(shape: Shape, horizon: int) -> tuple[int, int]:
    if len(shape) != 2 or min(shape) < 1:
        raise ConfigError(f"shape must be (m, n) with m, n >= 1, got {shape!r}")
    if horizon < 1:
        raise ConfigError(f"horizon must be at least 1, got {horizon}")
    return int(shape[0]), int(shape[1])
