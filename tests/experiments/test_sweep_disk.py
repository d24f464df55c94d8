"""A full disk and a read-only directory: one sentence, and nothing finished is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from regret_experiments.store import Store

PROBE = "mount -t tmpfs -o size=64k tmpfs {0} && touch {0}/x && mount -o remount,ro {0} && ! touch {0}/y 2>/dev/null"


def in_own_mounts(script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script that may mount: what it mounts, it alone sees."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def mount_point(tmp_path: Path) -> Path:
    """A directory on which a small disk can be mounted; skips where the system does not allow it."""
    point = tmp_path / "disk"
    point.mkdir()
    try:
        allowed = in_own_mounts(PROBE.format(point)).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("this system does not let a test mount a small disk (unshare --user --mount)")
    return point


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_full_disk(jobs: int, small: Path, tmp_path: Path, mount_point: Path) -> None:
    saved = tmp_path / "saved"
    sweep = f"{sys.executable} -m regret_experiments sweep {small} --results {mount_point}/r --no-figures -j {jobs}"
    done = in_own_mounts(
        f"mount -t tmpfs -o size=300k tmpfs {mount_point} && {sweep}; code=$?; "
        f"cp -r {mount_point}/r {saved}; exit $code"
    )
    assert done.returncode == 1, done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert sentence.startswith(f"Error: results cannot be written to {mount_point}/r/")
    assert sentence.endswith(": No space left on device; what is finished there is kept")
    assert "Traceback" not in done.stderr
    finished = {stored.id for stored in Store(saved).runs() if stored.finished}
    assert 0 < len(finished) < 44
    assert not list(saved.rglob("*.tmp"))

    again = subprocess.run(
        [*sweep.replace(f"{mount_point}/r", str(saved)).split()], capture_output=True, text=True, check=True
    )
    assert f"{44 - len(finished)} runs played now, {len(finished)} were stored already" in again.stdout


def test_a_read_only_directory(small: Path, tmp_path: Path, mount_point: Path) -> None:
    sweep = f"{sys.executable} -m regret_experiments sweep {small} --results {mount_point}/r --no-figures -j 1"
    done = in_own_mounts(
        f"mount -t tmpfs tmpfs {mount_point} && {sweep} --set orders=1 >/dev/null && "
        f"mount -o remount,ro {mount_point} && "
        f"{sys.executable} -m regret_experiments table {mount_point}/r >/dev/null && {sweep}"
    )
    assert done.returncode == 1
    where = f"{mount_point}/r/claims"
    assert done.stderr == (
        f"Error: results cannot be written to {where}: Read-only file system; what is finished there is kept\n"
    )


def test_a_file_where_the_directory_should_be(small: Path, tmp_path: Path) -> None:
    (tmp_path / "r").write_text("mine")
    done = subprocess.run(
        [sys.executable, "-m", "regret_experiments", "sweep", str(small), "--results", str(tmp_path / "r")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: results cannot be written to {tmp_path / 'r' / 'claims'}: ")
    assert (tmp_path / "r").read_text() == "mine"
