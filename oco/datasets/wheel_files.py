"""Files inside scikit-learn's wheel, found without importing it, which takes a second in every process."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def wheel_file(folder: str, name: str) -> Path | None:
    """The file ``sklearn/datasets/folder/name``; None where it is not, as it may be in a version to come."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "datasets" / folder / name
    return path if path.is_file() else None
