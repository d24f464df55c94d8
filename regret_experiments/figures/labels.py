"""Names beside points and line ends, placed when the figure is drawn, so that no two overlap at any size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox, IdentityTransform

from regret_experiments.figures.spread import spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DIRECTIONS = [(1, 0), (1, 1), (1, -1), (0, 1), (0, -1), (-1, 0), (-1, 1), (-1, -1)]
_SMALLEST = 4.0


class DirectLabels(Artist):
    """The labels of one Axes.

    Those `at_end` stand in a column at the right of the Axes, in the order of their heights; those `near` a point take
    the nearest place that no other label or point needs. Without such a place they move to the column, or are left out
    if they are optional. A thin line leads from a label that had to move to its point. Room for the column is reserved
    by constrained layout.

    Parameters
    ----------
    axes
        What is labelled; the artist adds itself to it.
    """

    def __init__(self, axes: Axes) -> None:
        super().__init__()
        self._entries: list[tuple[Text, float, float, bool]] = []
        self._optional: set[int] = set()
        self._obstacles: list[tuple[Any, Any]] = []
        self._size = FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points()
        self.set_clip_on(False)
        self.set_zorder(6)
        axes.add_artist(self)
        self.set_clip_path(None)

    def at_end(self, text: str, x: float, y: float, color: str) -> None:
        """Name the line that ends at ``(x, y)``, in data coordinates."""
        self._add(text, x, y, color, True)

    def near(self, text: str, x: float, y: float, color: str, *, optional: bool = False) -> None:
        """Name the point ``(x, y)``, in data coordinates; an ``optional`` name is left out where it has no place."""
        self._add(text, x, y, color, False)
        if optional and text:
            self._optional.add(len(self._entries) - 1)

    def avoid(self, x: Any, y: Any) -> None:
        """Keep labels off these points, in data coordinates."""
        self._obstacles.append((np.asarray(x, dtype=float), np.asarray(y, dtype=float)))

    @property
    def texts(self) -> list[str]:
        """What the labels say."""
        return [text.get_text() for text, *_ in self._entries]

    def boxes(self, renderer: Any) -> list[Bbox]:
        """Where the labels stand, in pixels."""
        return [box for _, box, _ in self._placed(renderer)]

    def draw(self, renderer: Any) -> None:
        """Place the labels and draw them."""
        if not self.get_visible():
            return
        for text, box, (x, y) in self._placed(renderer):
            left, middle = box.x0, (box.y0 + box.y1) / 2
            end = left if x <= left else (box.x1 if x >= box.x1 else x)
            if np.hypot(end - x, middle - y) > 1.6 * box.height:
                line = Line2D([x, end], [y, middle], color=text.get_color(), linewidth=0.5, alpha=0.6)
                line.set_transform(IdentityTransform())
                line.draw(renderer)
            text.draw(renderer)
        self.stale = False

    def get_window_extent(self, renderer: Any = None) -> Bbox:
        """Everything that the labels cover, in pixels."""
        figure: Any = self.figure
        renderer = renderer or figure._get_renderer()
        boxes = self.boxes(renderer)
        return Bbox.union(boxes) if boxes else Bbox.null()

    def get_tightbbox(self, renderer: Any = None) -> Bbox | None:
        """As `get_window_extent`; None without labels."""
        return self.get_window_extent(renderer) if self._entries else None

    def _add(self, text: str, x: float, y: float, color: str, end: bool) -> None:
        if not text:
            return  # named elsewhere
        artist = Text(0, 0, text, color=color, fontsize=self._size, va="bottom", ha="left", parse_math=False)
        artist.set_transform(IdentityTransform())
        artist.set_figure(self.figure)
        self._entries.append((artist, float(x), float(y), end))

    def _placed(self, renderer: Any) -> list[tuple[Text, Bbox, tuple[float, float]]]:
        """Every label with its box and its point, in pixels; moves the texts there."""
        assert self.axes is not None
        frame = self.axes.bbox
        points = [self._pixels(x, y) for _, x, y, _ in self._entries]
        gap = 0.45 * self._size * renderer.points_to_pixels(1.0)
        self._fit(renderer, frame.height)
        taken: list[Bbox] = []
        column: list[int] = []
        places: dict[int, Bbox] = {}
        obstacles = self._obstacle_pixels(points)
        for i, (text, _, _, end) in enumerate(self._entries):
            size = self._extent(text, renderer)
            box = None if end else _nearest(points[i], size, gap, frame, taken, obstacles)
            if box is None and i not in self._optional:
                column.append(i)
            elif box is not None:
                taken.append(box)
                places[i] = box
        column.sort(key=lambda i: points[i][1])
        sizes = [self._extent(self._entries[i][0], renderer) for i in column]
        heights = [height for _, height in sizes]
        over = 0.5 * max(heights, default=0.0)
        bottoms = spread([points[i][1] for i in column], heights, frame.y0 - over, frame.y1 + over)
        for i, (width, height), bottom in zip(column, sizes, bottoms, strict=True):
            places[i] = Bbox.from_bounds(frame.x1 + gap, bottom, width, height)
        for i, box in places.items():
            self._entries[i][0].set_position((box.x0, box.y0))
        return [(self._entries[i][0], places[i], points[i]) for i in sorted(places)]

    def _fit(self, renderer: Any, height: float) -> None:
        """Make the letters smaller where the column would be higher than the Axes."""
        for text, *_ in self._entries:
            text.set_fontsize(self._size)
        needed = sum(self._extent(text, renderer)[1] for text, *_, end in self._entries if end)
        if needed > 1.05 * height:
            for text, *_ in self._entries:
                text.set_fontsize(max(_SMALLEST, self._size * height / needed))

    def _extent(self, text: Text, renderer: Any) -> tuple[float, float]:
        box = text.get_window_extent(renderer)
        return box.width, box.height

    def _pixels(self, x: float, y: float) -> tuple[float, float]:
        assert self.axes is not None
        across, up = self.axes.transData.transform((x, y))
        frame = self.axes.bbox
        return float(np.clip(across, frame.x0, frame.x1)), float(np.clip(up, frame.y0, frame.y1))

    def _obstacle_pixels(self, points: list[tuple[float, float]]) -> Any:
        assert self.axes is not None
        parts = [np.array(points).reshape(-1, 2)]
        for x, y in self._obstacles:
            pixels = self.axes.transData.transform(np.column_stack([x, y]))
            parts.append(pixels[np.isfinite(pixels).all(axis=1)])
            parts.append(np.array(list(_between(parts[-1]))).reshape(-1, 2))
        return np.concatenate(parts)


def _between(pixels: Any) -> Iterator[Any]:
    """Points every few pixels along a broken line."""
    for start, stop in zip(pixels[:-1], pixels[1:], strict=True):
        steps = int(np.hypot(*(stop - start)) // 6)
        yield from (start + (stop - start) * step / (steps + 1) for step in range(1, steps + 1))


def _nearest(
    point: tuple[float, float], size: tuple[float, float], gap: float, frame: Bbox, taken: list[Bbox], obstacles: Any
) -> Bbox | None:
    """The free place nearest to ``point`` where a box of ``size`` fits; None where there is none."""
    width, height = size
    for ring in (1.0, 2.2, 3.6, 5.2):
        for right, up in _DIRECTIONS:
            x = point[0] + right * gap * ring + (-width if right < 0 else 0.0 if right else -width / 2)
            y = point[1] + up * (gap * ring + height / 2) - height / 2
            box = Bbox.from_bounds(x, y, width, height)
            wide = Bbox.from_bounds(x - gap, y, width + 2 * gap, height)
            inside = frame.x0 <= x and x + width <= frame.x1 and frame.y0 <= y and y + height <= frame.y1
            if inside and not wide.count_overlaps(taken) and not _covers(box, obstacles):
                return box
    return None


def _covers(box: Bbox, points: Any) -> bool:
    inside = (points > (box.x0 - 1.5, box.y0 - 1.5)) & (points < (box.x1 + 1.5, box.y1 + 1.5))
    return bool(inside.all(axis=1).any())
