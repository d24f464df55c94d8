"""Patches of the two photographs in scikit-learn's wheel: the pixels around a hole, and the pixel at its center."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from oco.datasets.compact import Compact
from oco.datasets.fingerprint import ContentHash
from oco.datasets.options import check_counts
from oco.datasets.wheel_files import wheel_file
from oco.errors import DataError
from oco.keywords import did_you_mean, listed
from oco.types import Array

Image = Literal["both", "china", "flower"]
Channel = Literal["grey", "red", "green", "blue"]


@dataclass(frozen=True)
class Patches:
    """Square patches of two photographs: the pixels outside a hole predict the pixel at the center.

    Pixels are scaled to [-1/2, 1/2]. A hole of one pixel leaves a prediction from the neighbors, a larger one an
    in-painting; without a hole and with noise the task is denoising.

    Parameters
    ----------
    size : int, default=11
        Side of a patch in pixels, odd.
    hole : int, default=1
        Side of the hole at the center whose pixels are left out, odd or 0. ``d = size^2 - hole^2``.
    image : {"both", "china", "flower"}, default="both"
        A Chinese temple and a flower, 427 x 640 pixels each.
    channel : {"grey", "red", "green", "blue"}, default="grey"
        One channel, or the mean of the three.
    noise : float, default=0.0
        Standard deviation of the uniform noise that is added to the pixels of the rows; targets have none.
    stride : int, default=7
        Pixels between neighboring patches of the grid, whose rows are in reading order.
    draws : int, optional
        Take this many patches at random places instead of the grid.
    seed : int, default=0
        Draws the noise and the random places.

    Examples
    --------
    >>> patches = Patches(size=5, hole=3)
    >>> patches.dimension, patches.count
    (16, 538056)
    """

    size: int = 11
    hole: int = 1
    image: Image = "both"
    channel: Channel = "grey"
    noise: float = 0.0
    stride: int = 7
    draws: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_counts(draws=self.draws)
        for name, least, most in (("size", 1, 427), ("hole", 0, self.size), ("stride", 1, 640), ("seed", 0, 1 << 63)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise DataError(f"{name} of patches must be an integer from {least} to {most}, got {value!r}")
        if self.size % 2 == 0 or (self.hole and self.hole % 2 == 0) or self.hole == self.size:
            raise DataError(
                f"size and hole of patches must be odd, and the hole smaller (0 for none), "
                f"got {self.size} and {self.hole}"
            )
        for name, known in (("image", get_args(Image)), ("channel", get_args(Channel))):
            if getattr(self, name) not in known:
                raise DataError(f"{name} of patches must be one of {listed(known)}, got {getattr(self, name)!r}")
        if not isinstance(self.noise, (int, float)) or not 0.0 <= self.noise < np.inf:
            raise DataError(f"noise of patches must be a number >= 0, got {self.noise!r}")

    @cached_property
    def kept(self) -> Array:
        """``(size^2,)``: whether a pixel of the patch is outside the hole."""
        inside = np.abs(np.arange(self.size) - self.size // 2) * 2 < self.hole
        outside: Array = ~np.logical_and.outer(inside, inside).ravel()
        return outside

    @property
    def dimension(self) -> int:
        """Pixels of a row, d."""
        return self.size**2 - self.hole**2

    @property
    def count(self) -> int:
        """Number of places where a patch fits."""
        return sum(rows * columns for rows, columns in self._places())

    def cut(self, places: Any) -> Array:
        """``(n, size^2)``: the pixels at ``places`` ``(n,)`` in ``0..count - 1``, which count in reading order."""
        places = np.asarray(places)
        pixels = np.empty((len(places), self.size, self.size))
        first = 0
        for photograph, (rows, columns) in zip(photographs(self.image, self.channel), self._places(), strict=True):
            here = (places >= first) & (places < first + rows * columns)
            top, left = np.divmod(places[here] - first, columns)
            pixels[here] = np.lib.stride_tricks.sliding_window_view(photograph, (self.size, self.size))[top, left]
            first += rows * columns
        return pixels.reshape(len(places), -1)

    def rows(self, pixels: Array, generator: np.random.Generator) -> Array:
        """``(n, d)``: what is seen of patches ``(n, size^2)``, with noise from ``generator``."""
        seen = pixels[:, self.kept]
        if self.noise:
            seen += self.largest_noise * (2.0 * generator.random(seen.shape) - 1.0)
        return seen

    def centers(self, pixels: Array) -> Array:
        """``(n,)``: the central pixels of patches ``(n, size^2)``."""
        return pixels[:, self.size**2 // 2].copy()

    @property
    def largest_noise(self) -> float:
        """Most that the noise changes a pixel; uniform on [-a, a], it has a standard deviation of a / sqrt(3)."""
        return float(np.sqrt(3.0) * self.noise)

    def lengths(self) -> Array:
        """``(count,)``: bounds on ``|a|_2`` of the row of every place, exact without noise."""
        squares = []
        for photograph, (rows, columns) in zip(photographs(self.image, self.channel), self._places(), strict=True):
            margin = (self.size - self.hole) // 2
            hidden = _box_sums(photograph**2, self.hole)[margin : margin + rows, margin : margin + columns]
            squares.append((_box_sums(photograph**2, self.size) - hidden).ravel())
        lengths: Array = np.sqrt(np.concatenate(squares)) + self.largest_noise * np.sqrt(self.dimension)
        return lengths

    def data(self) -> Compact:
        """Rows and targets of the grid, or of the drawn places."""
        generator = np.random.default_rng([self.seed, 0x9A7C])
        places = self._grid() if self.draws is None else generator.integers(0, self.count, self.draws)
        pixels = self.cut(places)
        rows, targets = np.ascontiguousarray(self.rows(pixels, generator)), self.centers(pixels)
        content = ContentHash()
        content.add(rows, targets)
        return Compact(rows, targets, content.hexdigest(self.dimension))

    def _grid(self) -> Array:
        grids, first = [], 0
        for rows, columns in self._places():
            tops, lefts = np.arange(0, rows, self.stride), np.arange(0, columns, self.stride)
            grids.append(first + (tops[:, None] * columns + lefts).ravel())
            first += rows * columns
        return np.concatenate(grids)

    def _places(self) -> list[tuple[int, int]]:
        shapes = (photograph.shape for photograph in photographs(self.image, self.channel))
        return [(height - self.size + 1, width - self.size + 1) for height, width in shapes]


def patches_of(given: Patches | Mapping[str, Any] | None) -> Patches:
    """Patches from themselves or from the mapping of a config; `DataError` for a key that they do not take."""
    if isinstance(given, Patches):
        return given
    known = [field.name for field in fields(Patches)]
    for key in given or {}:
        if key not in known:
            raise DataError(f"patches take {listed(known)}; got {key!r}{did_you_mean(key, known)}")
    return Patches(**(given or {}))


def _box_sums(values: Array, side: int) -> Array:
    """Sums of ``values`` over every square of ``side`` entries; zeros, of the same shape, where there are none."""
    height, width = values.shape[0] - side + 1, values.shape[1] - side + 1
    if side == 0:
        return np.zeros_like(values)
    tall = np.sum([values[i : height + i] for i in range(side)], axis=0)
    sums: Array = np.sum([tall[:, i : width + i] for i in range(side)], axis=0)
    return sums


@lru_cache(maxsize=4)
def photographs(image: Image, channel: Channel) -> tuple[Array, ...]:
    """The chosen photographs, ``(427, 640)`` each, with pixels in [-1/2, 1/2]; shared, so not to be written to."""
    chosen = ("china", "flower") if image == "both" else (image,)
    colors = [_pixels(f"{name}.jpg") / 255.0 - 0.5 for name in chosen]
    planes = [
        color.mean(axis=2) if channel == "grey" else color[:, :, ("red", "green", "blue").index(channel)].copy()
        for color in colors
    ]
    for plane in planes:
        plane.setflags(write=False)
    return tuple(planes)


def _pixels(name: str) -> NDArray[np.uint8]:
    """The colors ``(427, 640, 3)`` of a photograph of scikit-learn's wheel, from the file where it is known."""
    path = wheel_file("images", name)
    if path is None:
        from sklearn.datasets import load_sample_image

        return np.asarray(load_sample_image(name))
    from PIL.Image import open as open_image

    with open_image(path) as photograph:
        return np.asarray(photograph)
