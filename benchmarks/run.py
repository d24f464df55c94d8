"""What a round costs, against an SVD every round and against two passes over the sketch, all in one run.

    python -m benchmarks.run                     # everything, about six minutes
    python -m benchmarks.run rounds sweep        # some parts
    python -m benchmarks.run --output figures.json

Parts: ``rounds`` (FD-AdaGrad one gradient at a time and over a stream), ``steps`` (OGD and diagonal AdaGrad), ``sweep``
(49 learning rates), ``tracker`` (what recording costs), ``sparse`` (cost against nonzeros), ``scaling`` (cost against
d, k and T), ``start`` (imports and compiling). Times of one thread are CPU time of that thread, pinned to one core:
they hold on a machine that is shared. All are medians of interleaved repetitions, after compiling and warm-up, with the
sketch full.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numba
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import sections
from benchmarks.sections import Line

PARTS: dict[str, Callable[[], list[Line]]] = {
    "rounds": sections.rounds,
    "steps": sections.steps,
    "sweep": sections.sweep,
    "tracker": sections.tracker,
    "sparse": sections.sparse,
    "scaling": sections.scaling,
    "start": sections.start,
}


@dataclass(frozen=True)
class Machine:
    """Where the figures come from."""

    processor: str
    python: str
    numpy: str
    numba: str

    @classmethod
    def here(cls) -> Machine:
        """This one."""
        processor = platform.processor() or platform.machine()
        facts = Path("/proc/cpuinfo")
        if facts.exists():
            names = [line.split(":")[1].strip() for line in facts.read_text().splitlines() if "model name" in line]
            processor = f"{len(names)} x {names[0]}" if names else processor
        return cls(processor, platform.python_version(), np.__version__, numba.__version__)


def show(lines: list[Line]) -> None:
    """Print a part as a table."""
    header = ["", *lines[0].values, "target", ""]
    rows = [[line.what, *map(_number, line.values.values()), line.target, line.verdict] for line in lines]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())
    print(flush=True)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all by default")
    parser.add_argument("--output", type=Path, help="write the figures as JSON too; parts that were not run are kept")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.parts if name not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}, known are {', '.join(PARTS)}")
    machine = Machine.here()
    print(f"{machine.processor}; Python {machine.python}, NumPy {machine.numpy}, Numba {machine.numba}\n")
    figures: dict[str, object] = {}
    if arguments.output is not None and arguments.output.exists():
        figures = json.loads(arguments.output.read_text())
    figures["machine"] = asdict(machine)
    for name in arguments.parts or PARTS:
        print(f"{name}: {PARTS[name].__doc__}")
        with threadpool_limits(1):
            lines = PARTS[name]()
        show(lines)
        figures[name] = [{"what": line.what, "target": line.target, "met": line.met, **line.values} for line in lines]
        if arguments.output is not None:
            arguments.output.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
