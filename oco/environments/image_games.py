"""Prediction, in-painting and denoising of pixels of photographs, and the next frame of a camera that pans."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from oco.domains import Ball
from oco.domains.base import Domain
from oco.environments.base import Rounds
from oco.environments.drawn import DrawnRows
from oco.environments.drift import DriftingRows
from oco.environments.motion import Motion
from oco.environments.row_data import exp_concavity, largest_gradient
from oco.errors import ConfigError
from oco.losses.scalar import ScalarLoss, scalar_loss
from oco.types import Array

if TYPE_CHECKING:
    from oco.datasets import Patches

Image = Literal["both", "china", "flower"]
Channel = Literal["grey", "red", "green", "blue"]


class PatchRows(DrawnRows):
    """Base class of games whose rows are patches at places that the stream's seed draws."""

    patches: Patches

    def __init__(self, patches: Patches, *, loss: ScalarLoss | str, domain: Domain, horizon: int, problem_seed: int):
        chosen = scalar_loss(loss)
        if chosen.binary:
            raise ConfigError(f"pixels are numbers: the loss must not be one of classes, got {chosen.name!r}")
        self.patches = patches
        super().__init__(
            dimension=patches.dimension, horizon=horizon, domain=domain, loss=chosen, problem_seed=problem_seed
        )

    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Array, Array]:
        pixels = self.patches.cut(generator.integers(0, self.patches.count, rounds.size))
        return self.patches.rows(pixels, generator), self._targets(pixels, rounds)

    @abstractmethod
    def _targets(self, pixels: Array, rounds: Rounds) -> Array:
        """``(n,)``: the targets of patches ``(n, size^2)`` in ``rounds``."""

    def _extremes(self) -> tuple[ScalarLoss, Array, Array, float]:
        # The longest row reaches the margins of all others, and a pixel is at most 1/2.
        lengths = np.full(2, _longest_row(self.patches))
        return self.loss, lengths, np.array([-0.5, 0.5]), self.domain.radius("l2")

    @property
    def gradient_bound(self) -> float | None:
        """Largest ``|phi'| |a|_2`` over the domain, all patches and all targets in [-1/2, 1/2]; None if unbounded."""
        largest = largest_gradient(*self._extremes())
        return largest if np.isfinite(largest) else None

    @property
    def gradient_entry_bound(self) -> float | None:
        """The same with ``max_j |a_j|``, which is at most 1/2 and the noise."""
        loss, lengths, targets, radius = self._extremes()
        sizes = np.full(lengths.size, 0.5 + self.patches.largest_noise)
        largest = largest_gradient(loss, lengths, targets, radius, sizes)
        return largest if np.isfinite(largest) else None

    @property
    def exp_concavity(self) -> float | None:
        """Least ``phi'' / phi'^2`` over the domain, all patches and targets; None if it is zero."""
        alpha = exp_concavity(*self._extremes())
        return alpha if 0.0 < alpha < np.inf else None


class NaturalImages(PatchRows):
    """Predict a pixel of a photograph from the pixels around it, one random patch a round.

    ``f_t(x) = |<a_t, x> - y_t|`` by default: a_t are the pixels of a square patch outside a hole at its center, and y_t
    is the pixel at the center, with values in [-1/2, 1/2]. Neighboring pixels are correlated, so the eigenvalues of the
    covariance of the gradients ``+-a_t`` fall fast: at 11 x 11 the leading one of 120 has 93 % of the trace, the
    leading 16 have 97 %, and the others fall about as ``1 / i``. Weights that predict well take differences of pixels,
    which lie in directions of small eigenvalues. A learner that adapts to directions gains there, and a sketch of small
    rank keeps most of the gain.

    Parameters
    ----------
    patch_size
        Side of a patch in pixels, odd.
    horizon
        T.
    hole
        Side of the hole: 1 predicts a pixel from its neighbors, 3, 5, ... paint in, and 0 with noise denoises.
        ``d = patch_size^2 - hole^2``.
    image, channel
        Which of the two photographs in scikit-learn's wheel, and the channel or their mean.
    noise
        Standard deviation of uniform noise in the pixels of the rows.
    loss
        Name of a scalar loss of numbers, or the loss.
    domain
        A ball of radius 3 by default.

    Notes
    -----
    The seed of a stream draws places and noise. `oco.datasets.load` gives a fixed set of patches under the name
    ``natural_images``, with the same options.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.NaturalImages(5, 100)
    >>> game.block(0, 100).rows.shape
    (100, 24)
    >>> oco.environments.NaturalImages(5, 100, hole=0, noise=0.1).domain.dimension
    25
    """

    name: ClassVar[str] = "natural_images"

    def __init__(
        self,
        patch_size: int = 11,
        horizon: int = 10_000,
        *,
        hole: int = 1,
        image: Image = "both",
        channel: Channel = "grey",
        noise: float = 0.0,
        loss: ScalarLoss | str = "absolute",
        domain: Domain | None = None,
    ) -> None:
        self.patch_size, self.hole, self.image, self.channel, self.noise = patch_size, hole, image, channel, noise
        from oco.datasets import Patches

        patches = Patches(patch_size, hole, image, channel, noise)
        super().__init__(patches, loss=loss, domain=domain or Ball(radius=3.0), horizon=horizon, problem_seed=0)

    def _targets(self, pixels: Array, rounds: Rounds) -> Array:
        return self.patches.centers(pixels)


@dataclass(frozen=True)
class Pans(Motion):
    """A camera that pans at constant speed and takes a new direction every ``period`` rounds."""

    name = "pans"

    def points(self, rounds: Rounds, dimension: int, problem_seed: int) -> Array:
        """The coordinate vector of the pixel of the patch that moves to its center."""
        numbers, places = np.unique(rounds // self.period, return_inverse=True)
        drawn = [np.random.default_rng([problem_seed, 0xCA3E, int(n)]).integers(dimension) for n in numbers]
        points: Array = np.eye(dimension)[drawn][places]
        return points


class ImagePan(DriftingRows, PatchRows):
    """Predict the next frame of a camera that pans across a photograph, one random pixel a round.

    The row holds the patch around a pixel of this frame, the target is the value that this pixel has in the next frame.
    The camera moves by v pixels a frame, so the target is the pixel of the patch at offset v from the center, and the
    moving comparator is that pixel's coordinate vector: without noise its loss is 0. Every ``period`` rounds the camera
    takes a new direction, drawn so that the target stays inside the patch.

    Parameters
    ----------
    patch_size
        Side of a patch in pixels, odd; ``d = patch_size^2``.
    horizon
        T.
    period
        Rounds between changes of direction.
    image, channel, noise, loss
        As in `NaturalImages`.
    domain
        A ball of radius 1 by default, which holds the comparators on its boundary.
    problem_seed
        Draws the directions. The seed of a stream draws places and noise.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.ImagePan(3, 1000, period=250)
    >>> float(game.comparator_losses([1000])[0])
    0.0
    """

    name: ClassVar[str] = "image_pan"
    signal: float = 1.0

    def __init__(
        self,
        patch_size: int = 5,
        horizon: int = 4000,
        *,
        period: int = 500,
        image: Image = "both",
        channel: Channel = "grey",
        noise: float = 0.0,
        loss: ScalarLoss | str = "absolute",
        domain: Domain | None = None,
        problem_seed: int = 0,
    ) -> None:
        self.patch_size, self.period, self.image, self.channel, self.noise = patch_size, period, image, channel, noise
        self.motion = Pans(period)
        from oco.datasets import Patches

        patches = Patches(patch_size, 0, image, channel, noise)
        domain = domain or Ball(radius=self.signal)
        super().__init__(patches, loss=loss, domain=domain, horizon=horizon, problem_seed=problem_seed)

    def _targets(self, pixels: Array, rounds: Rounds) -> Array:
        points = self.motion.points(rounds, self.dimension, self.problem_seed)
        targets: Array = np.einsum("ij,ij->i", pixels, points)
        return targets


@lru_cache(maxsize=4)
def _longest_row(patches: Patches) -> float:
    """Largest length of a row, which every copy of a game shares."""
    return float(patches.lengths().max())
