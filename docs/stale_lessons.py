"""Lessons that the gallery would keep from the build before, though the packages that they play with have changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def forget_stale(built: Path, packages: Iterable[Path]) -> None:
    """Have the gallery in ``built`` play every lesson again if ``packages`` are not those of the build before.

    The gallery plays a lesson only if its text is not the one whose checksum lies beside its page. Here the checksum of
    all files of the packages lies there too, and if it has changed, those of the lessons go.
    """
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted(package.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(package.parent)}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    played_with = built / "packages.sha256"
    if not played_with.exists() or played_with.read_text() != digest.hexdigest():
        for path in built.glob("*.md5"):
            path.unlink()
        built.mkdir(parents=True, exist_ok=True)
        played_with.write_text(digest.hexdigest())
