"""The figure that panels are drawn on."""

from __future__ import annotations

from typing import Any, final

from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine


@final
class PanelFigure(Figure):
    """A Matplotlib figure that is drawn once where it is saved.

    Before a figure with a layout engine is saved, Matplotlib draws it without ink, so that the engine finds places, and
    then it puts a placeholder for the engine. Here only the engine runs the first time.
    """

    def draw(self, renderer: Any) -> None:
        """Draw, or only find places before the figure is saved."""
        engine = self.get_layout_engine()
        if engine is None or isinstance(engine, PlaceHolderLayoutEngine) or not self.canvas.is_saving():
            super().draw(renderer)
        else:
            engine.execute(self)
