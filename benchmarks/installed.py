"""What an install takes: megabytes with all that it requires, and seconds to import.

    python -m benchmarks.installed

Sizes are those of the files that this environment's packages list as theirs, with what they require, recursively.
Seconds are CPU time of a new process, the least of five, less that of an empty process.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

MINIMAL = Path(__file__).parents[1] / "minimal.txt"
EXTRAS = ("river", "torch")
IMPORTS = {
    "import oco": "import oco",
    "oco --help": "from regret_experiments.cli import main; main(['--help'])",
    "oco.play": "import oco; oco.play",
    "oco.estimators": "import oco.estimators",
}


def required(name: str, extra: str) -> set[str]:
    """Names of the installed packages that ``name`` requires with an extra, and of those that they require."""
    found: set[str] = set()
    waiting = [(name, extra)]
    while waiting:
        package, wanted = waiting.pop()
        for line in metadata.requires(package) or []:
            needed = Requirement(line)
            if needed.marker is not None and not needed.marker.evaluate({"extra": wanted}):
                continue
            try:
                key = metadata.metadata(needed.name)["Name"].lower()
            except metadata.PackageNotFoundError:
                print(f"{needed.name} is not installed here, and left out", file=sys.stderr)
                continue
            if key not in found:
                found.add(key)
                waiting += [(key, one) for one in needed.extras or {""}]
    return found


def megabytes(names: set[str]) -> float:
    """Size of the packages' files."""
    files = [file for name in names for file in metadata.files(name) or []]
    return sum(file.size or 0 for file in files) / 1e6


def import_seconds(code: str) -> float:
    """CPU seconds of a process that runs ``code``, the least of five."""
    least = float("inf")
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=False, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least


def main() -> None:
    """Two tables."""
    print("| extra | packages | MB |\n|---|---|---|")
    lines = [Requirement(line) for line in MINIMAL.read_text().splitlines() if not line.startswith("#")]
    minimal = {line.name.lower() for line in lines}
    minimal = minimal.union(*(required(name, "") for name in minimal))
    whole = required("oco-regret", "")
    sets = {"minimal.txt": minimal, "(none)": whole} | {
        extra: whole | required("oco-regret", extra) for extra in EXTRAS
    }
    for name, names in sets.items():
        print(f"| {name} | {len(names)} | {megabytes(names):.0f} |")
    print("\n| import | CPU s |\n|---|---|")
    empty = import_seconds("pass")
    for name, code in IMPORTS.items():
        print(f"| {name} | {import_seconds(code) - empty:.2f} |")


if __name__ == "__main__":
    main()
