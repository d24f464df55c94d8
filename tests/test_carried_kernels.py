"""Kernels in the package are used in place of compiling, where they fit the sources, the processor and the owner."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from oco import carried_kernels
from oco.carried_kernels import FEATURES, LEVELS, processor_level

ROOT = Path(__file__).parents[1]
LEVEL = processor_level()

GAME = """
import sys
import numpy as np
from numba.core import event

class Count(event.Listener):
    compiled = 0
    def on_start(self, _):
        Count.compiled += 1
    def on_end(self, _):
        pass

event.register("numba:compile", Count())
from oco.kernel_cache import PACKAGE, cache_directory, carry, version_of_sources
from oco.losses import Squared
_, slopes = Squared().values_and_derivatives(np.array([3.0]), np.array([1.0]))
print(slopes[0], Count.compiled > 0)
if len(sys.argv) > 1:
    version = version_of_sources()
    print(carry(cache_directory() / "kernels" / version, PACKAGE / "_kernels" / version / sys.argv[1]) > 0)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a copy of the package that carries the kernels of one loss."""
    if LEVEL is None:
        pytest.skip("kernels are carried for Linux and two levels of x86-64")
    directory = tmp_path_factory.mktemp("carrying")
    shutil.copytree(ROOT / "oco", directory / "oco", ignore=shutil.ignore_patterns("__pycache__", "_kernels"))
    told = {"NUMBA_CPU_NAME": LEVEL, "NUMBA_CPU_FEATURES": FEATURES[LEVEL]}
    assert say(directory, directory / "ahead", LEVEL, **told) == "2.0 True\nTrue\n"
    return directory


def say(package: Path, cache: Path, *arguments: str, **variables: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "OCO_"))}
    environment = inherited | {"PYTHONPATH": str(package), "OCO_CACHE_DIR": str(cache)} | variables
    done = subprocess.run(
        [sys.executable, "-c", GAME, *arguments], env=environment, capture_output=True, text=True, cwd=package
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_carried_kernels_are_used_in_place_of_compiling(package: Path, tmp_path: Path) -> None:
    assert say(package, tmp_path) == "2.0 False\n"
    assert not list(tmp_path.rglob("*.nbc"))


def test_kernels_for_another_processor_are_compiled(package: Path, tmp_path: Path) -> None:
    assert say(package, tmp_path, NUMBA_CPU_NAME="generic") == "2.0 True\n"


def test_kernels_that_others_can_write_are_not_used(package: Path, tmp_path: Path) -> None:
    carried = list(package.rglob("_kernels/**/*.nb?"))
    try:
        for path in carried:
            path.chmod(0o666)
        assert say(package, tmp_path) == "2.0 True\n"
    finally:
        for path in carried:
            path.chmod(0o600)


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_kernels_that_cannot_be_unpickled_here_are_compiled(kind: str, package: Path, tmp_path: Path) -> None:
    of_another_numpy = b"cnumpy.no_such_module\nname\n."
    carried = {path: path.read_bytes() for path in package.rglob(f"_kernels/**/*.{kind}")}
    try:
        for path in carried:
            path.write_bytes(hashlib.sha256(of_another_numpy).digest() + of_another_numpy)
        assert say(package, tmp_path) == "2.0 True\n"
    finally:
        for path, whole in carried.items():
            path.write_bytes(whole)


@pytest.mark.slow
def test_kernels_of_other_sources_are_not_used(package: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(package, changed)
    with (changed / "oco" / "compile.py").open("a") as stream:
        stream.write("# changed\n")
    assert say(changed, tmp_path / "cache") == "2.0 True\n"


@pytest.mark.parametrize(
    ("missing", "expected"),
    [((), "x86-64-v4"), (("avx512",), "x86-64-v3"), (("avx512vl",), None), (("avx512", "avx2"), None)],
    ids=["all", "no AVX-512", "half of AVX-512", "no AVX2"],
)
def test_the_level_is_one_whose_instructions_are_all_there(
    missing: tuple[str, ...], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = {name: not name.startswith(missing) for names in LEVELS.values() for name in names}
    monkeypatch.setattr(carried_kernels.llvmlite.binding, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(carried_kernels.sysconfig, "get_platform", lambda: "linux-x86_64")
    monkeypatch.setattr(numba.config, "CPU_NAME", None)
    assert processor_level() == expected
    monkeypatch.setattr(numba.config, "CPU_NAME", "generic")
    assert processor_level() is None
