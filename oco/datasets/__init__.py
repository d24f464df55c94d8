"""Real data sets by name, and users' own files: parsed once, checked, memory-mapped, never pickled."""

from oco.datasets.arrays import from_arrays, from_frame, from_iterator
from oco.datasets.chunks import ChunkedDataset
from oco.datasets.dataset import Dataset, Rows
from oco.datasets.load import load, open_chunks
from oco.datasets.named import where_is
from oco.datasets.patches import Patches
from oco.datasets.registry import DatasetInfo, info, names
from oco.datasets.scaling import Scaling

__all__ = [
    "ChunkedDataset",
    "Dataset",
    "DatasetInfo",
    "Patches",
    "Rows",
    "Scaling",
    "from_arrays",
    "from_frame",
    "from_iterator",
    "info",
    "load",
    "names",
    "open_chunks",
    "where_is",
]
