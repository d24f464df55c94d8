"""What things cost here, against another commit, side by side, and whether the targets are met.

    python -m benchmarks.against COMMIT                  # all sections, an hour on two cores
    python -m benchmarks.against COMMIT tracker games    # some of them

Makes a worktree of COMMIT in a temporary directory and measures both trees in turns, each in a process of its own that
runs these benchmarks on the packages of its tree. Prints the least figure of each. Rounds, games, the tracker and
streams are in CPU time, which holds on a machine that is shared; commands (``sweep``, ``stored``, ``site``, ``tests``)
are in wall time. What a tree does not have, or what fails there, is NaN, and one line says why. All targets are listed
at the end.

The last three sections are long: ``site`` builds the site three times in each tree (8 minutes), ``cluster`` waits for
1,000 s of runs on two workers (9 minutes), ``tests`` plays the tests of both (20 minutes).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.compared import SECTIONS, Section

ROOT = Path(__file__).parents[1]


def serve(section: str) -> None:
    """Say the names, then the figure of every name that is asked for: NaN, and why, for what this tree cannot do."""
    answers, sys.stdout = sys.stdout, sys.stderr
    made = SECTIONS[section].works()
    print(json.dumps(list(made)), file=answers, flush=True)
    for line in sys.stdin:
        try:
            figure = made[line.rstrip()]()
        except Exception as error:
            print(f"{line.rstrip()}: {type(error).__name__}: {error}", file=sys.stderr)
            figure = math.nan
        print(figure, file=answers, flush=True)


class Tree:
    """A process that measures one section with the packages of one tree."""

    def __init__(self, section: str, tree: Path, directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.against", "--serve", section],
            cwd=directory,
            # Byte code is kept, as it is for users.
            env=os.environ | {"PYTHONPATH": f"{directory}{os.pathsep}{tree}", "PYTHONDONTWRITEBYTECODE": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.names: list[str] = json.loads(self._process.stdout.readline() or "[]")

    def measure(self, name: str) -> float:
        """The figure of that name, measured now; NaN if the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(name, file=self._process.stdin, flush=True)
        except BrokenPipeError:
            return math.nan
        return float(self._process.stdout.readline() or math.nan)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def compare(name: str, section: Section, trees: list[Path], directory: Path) -> dict[str, list[float]]:
    """The least figures of a section in each of ``trees``, by name."""
    workers = [Tree(name, tree, directory) for tree in trees]
    names = [each for worker in reversed(workers) for each in worker.names]
    least = {each: [math.nan] * len(trees) for each in [*names, *section.targets]}
    for turn in range(section.turns + 1):
        for each, figures in least.items():
            for place, worker in enumerate(workers):
                figure = worker.measure(each)
                if turn > 0 or section.turns == 0:  # the first time compiles
                    figures[place] = figure if math.isnan(figures[place]) else min(figures[place], figure)
    for worker in workers:
        worker.close()
    return least


def verdict(section: Section, name: str, before: float, now: float) -> str:
    """The target of a figure and whether it is met; empty where there is none."""
    if name in section.most:
        return f"at most {section.most[name]:g}: {'met' if now <= section.most[name] else 'missed'}"
    if name in section.times_faster:
        times = section.times_faster[name]
        return f"{times:g} times faster: {'met' if now * times <= before else 'missed'}"
    if name in section.least:
        return f"at least {section.least[name]:g}: {'met' if now >= section.least[name] else 'missed'}"
    return ""


def measure(sections: list[str], commit: str, trees: list[Path], directory: Path) -> list[str]:
    """Print the figures of ``sections`` as they come; lines about those that have a target."""
    lines = []
    for name in sections:
        section = SECTIONS[name]
        print(f"\n{name}: {section.works.__doc__}\n{'':58} {commit[:9]:>9}      here ratio", flush=True)
        for what, (before, now) in compare(name, section, trees, directory).items():
            words = verdict(section, what, before, now)
            print(f"{what:58} {before:9.3f} {now:9.3f} {now / before:5.2f}  {words}".rstrip(), flush=True)
            if words:
                lines.append(f"{f'{name}: {what}':68} {now:9.3f}  {words}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", nargs="?", help="what Git calls the other commit")
    parser.add_argument("sections", nargs="*", help=f"any of {', '.join(SECTIONS)}; all by default")
    parser.add_argument("--serve", choices=SECTIONS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    if arguments.commit is None:
        parser.error("which commit?")
    unknown = [name for name in arguments.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"there is no section {unknown[0]!r}, known are {', '.join(SECTIONS)}")
    with tempfile.TemporaryDirectory() as temporary:
        directory, other = Path(temporary), Path(temporary) / "other"
        (directory / "benchmarks").symlink_to(ROOT / "benchmarks")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(other), arguments.commit], check=True)
        try:
            lines = measure(arguments.sections or list(SECTIONS), arguments.commit, [other, ROOT], directory)
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)
    met = sum(line.endswith(": met") for line in lines)
    print("\n".join(["", f"targets: {met} of {len(lines)} met", *lines]))


if __name__ == "__main__":
    main()
