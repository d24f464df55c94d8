"""Sketches of a gradient covariance."""

from oco.sketching.frequent_directions import FrequentDirections
from oco.sketching.sliding import SlidingFrequentDirections
from oco.sketching.state import SketchState

__all__ = ["FrequentDirections", "SketchState", "SlidingFrequentDirections"]
