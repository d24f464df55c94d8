"""The start: read-only installs, caches that can and cannot be written, one line while compiling, light imports."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMPILES = """
import numpy as np, oco
from oco.losses import Squared
print(oco.__file__, Squared().values_and_derivatives(np.ones(3), np.zeros(3)))
"""
HELP = "from regret_experiments.cli import main; main(['--help'])"
SWEEP = """
name: two
checkpoints: 3
environments: [{kind: spectrum_linear, dimension: 5, horizon: 40, exponent: 1.0, domain: {kind: ball, radius: 1.0}}]
learners: [{kind: adagrad_norm}]
orders: [0, 1, 2, 3]
"""


def environment(cache: Path, **more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "PYTHONPATH")}
    return plain | {"OCO_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)} | more


def run(code: str, cache: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a new process, away from the repository."""
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=Path.home(), env=environment(cache, **more), capture_output=True, text=True, check=False
    )


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    """A place where no directory can be made, even by the superuser: below a file."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "cache"


def test_an_install_that_is_read_only_plays_and_is_left_as_it_was(tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(ROOT / "oco", site / "oco", ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(site.rglob("*"))
    for path in [*before, site]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        done = run(COMPILES, tmp_path / "cache", PYTHONPATH=str(site), PYTHONDONTWRITEBYTECODE="1")
        assert done.returncode == 0, done.stderr
        assert str(site) in done.stdout
        assert sorted(site.rglob("*")) == before
        assert list((tmp_path / "cache").rglob("*.nbi"))
    finally:
        for path in [site, *before]:
            path.chmod(0o755)


def test_a_cache_that_cannot_be_written_costs_a_line_and_a_compilation(unwritable: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    done = run(COMPILES, unwritable, TMPDIR=str(tmp_path / "scratch"))
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"oco: {unwritable}")
    assert line.endswith(
        "cannot be written (Not a directory), so kernels are compiled anew; set OCO_CACHE_DIR to a directory that you, "
        "and nobody else, can write"
    )
    assert not list((tmp_path / "scratch").iterdir())


def test_without_any_directory_that_can_be_written_kernels_are_compiled_in_memory(unwritable: Path) -> None:
    done = run(f"import tempfile; tempfile.tempdir = {str(unwritable)!r}\n{COMPILES}", unwritable)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_is_said_where_nothing_is_compiled(unwritable: Path) -> None:
    assert run("import oco.losses", unwritable).stderr == ""


def on_a_terminal(command: list[str], directory: Path, cache: Path) -> str:
    """What ``command`` prints on a pseudo-terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, cwd=directory, env=environment(cache), stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # Linux: the other end was closed
                break
            if not piece:
                break
            printed += piece
    os.close(ours)
    assert process.returncode == 0, printed.decode()
    return printed.decode()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_workers_of_a_sweep_say_once_that_they_compile(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(SWEEP)
    main = "from regret_experiments.cli import main; main()"
    command = [sys.executable, "-c", main, "sweep", "two.yaml", "--jobs", "2"]
    assert on_a_terminal(command, tmp_path, tmp_path / "cache").count("oco: compiling for the first use") == 1
    shutil.rmtree(tmp_path / "results")
    assert "oco: compiling" not in on_a_terminal(command, tmp_path, tmp_path / "cache")


@pytest.mark.slow
def test_workers_share_the_directory_that_stands_in_for_a_cache(unwritable: Path, tmp_path: Path) -> None:
    """None of them makes one of its own, which would be said, and nothing is left behind."""
    (tmp_path / "two.yaml").write_text(SWEEP)
    (tmp_path / "scratch").mkdir()
    code = f"from regret_experiments.cli import main; main(['sweep', {str(tmp_path / 'two.yaml')!r}, '--jobs', '2'])"
    done = run(f"import os; os.chdir({str(tmp_path)!r})\n{code}", unwritable, TMPDIR=str(tmp_path / "scratch"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("kernels are compiled anew") <= 1, done.stderr
    assert not list((tmp_path / "scratch").glob("oco-kernels-*"))


LEARNERS = "import oco.learners, oco.regret, regret_experiments.tables"


def test_learners_and_their_kernels_need_no_numba_before_they_play(tmp_path: Path) -> None:
    say = "import sys; print('numba' in sys.modules, 'scipy.linalg' in sys.modules)"
    done = run(f"{LEARNERS}\n{say}", tmp_path)
    assert done.stdout == "False False\n", done.stdout + done.stderr


@pytest.mark.parametrize("code", ["import oco", HELP], ids=["import oco", "oco --help"])
def test_what_is_heavy_is_imported_when_it_is_needed(code: str, tmp_path: Path) -> None:
    check = "import sys, atexit; heavy = {'numba', 'scipy', 'pandas', 'sklearn', 'matplotlib', 'pydantic', 'joblib'}\n"
    check += "atexit.register(lambda: print('loaded', sorted(heavy & set(sys.modules))))\n"
    done = run(check + code, tmp_path)
    assert done.stdout.splitlines()[-1] == "loaded []", done.stdout + done.stderr
