"""Regenerate the paper's tables and figures: python -m paper_figures [--quick] [--only PIECE ...].

A piece is a script of this directory that writes its figure and tables from stored results, and the configs that have
to be run before it. `oco sweep` and `oco train` play only what is not stored, so the command can be stopped and
repeated.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from paper_figures.pieces import ROOT, Places

CONFIGS = ROOT / "configs" / "paper"
WITHOUT_FILES = ("environments[0].data=breast_cancer", "environments[0].scaling=standard")
"""Settings with which a data set comes from inside scikit-learn."""
SHORT_STREAMS = (
    *(f"environments[{index}].horizon={horizon}" for index, horizon in enumerate((100, 400, 1600, 300, 300, 300))),
    "orders=1",
    *(
        f"learners.{learner}={{grid: {{low: 1.0, high: 100.0, points: 2}}}}"
        for learner in ("ada_fd.ridge", "fd_son.ridge", "son.ridge")
    ),
)
SMALL_GAME = (
    "environments=[{kind: ill_conditioned_regression, dimension: 16, horizon: 300, draws: signs}]",
    "orders=1",
    *(f"learners[{index}].rank=[3, 9]" for index in range(11)),
)
NETWORKS = ("training_autoencoder", "training_characters", "training_convolutional", "training_classifier")
SHORT_TRAINING = ("steps=30", "learning_rates=[0.003, 0.01]", "seeds=[1, 2]", "probe.snapshots=3")


@dataclass(frozen=True)
class Piece:
    """One part of the paper.

    Attributes
    ----------
    script
        Module of this directory; it takes ``--results``, ``--tables`` and ``--figures``.
    sweeps
        Names of configs that ``oco sweep`` runs before.
    trainings
        Names of configs that ``oco train`` runs before.
    quick
        Configs of the quick run, with what it sets in them; None where it leaves the piece out.
    """

    script: str
    sweeps: tuple[str, ...] = ()
    trainings: tuple[str, ...] = ()
    quick: Mapping[str, tuple[str, ...]] | None = None


PIECES = (
    Piece(
        "appendix_a",
        sweeps=("a9a", "mushrooms", "mnist", "cifar10", "gisette"),
        quick={"mushrooms": (*WITHOUT_FILES, "learners.fd_adagrad.rank=[4, 9]", "checkpoints=3")},
    ),
    Piece("rank_sweep", sweeps=("rank_sweep",)),
    Piece("table1", sweeps=("table1",), quick={"table1": SHORT_STREAMS}),
    Piece("optimizer_memory", quick={}),
    Piece("ablations", sweeps=("ablations",), quick={"ablations": SMALL_GAME}),
    Piece("network_spectra", trainings=NETWORKS, quick={"training_classifier": SHORT_TRAINING}),
    Piece("s_shampoo", trainings=NETWORKS, quick={"training_classifier": SHORT_TRAINING}),
)


def commands(piece: Piece, places: Places, *, quick: bool) -> Iterator[list[str]]:
    """What to run for ``piece``, one command after the other."""
    oco = [sys.executable, "-m", "regret_experiments"]
    full = dict.fromkeys((*piece.sweeps, *piece.trainings), ())
    for name, changes in (full if not quick or piece.quick is None else piece.quick).items():
        config = _config(name)
        results = places.results / f"paper_{config.stem}"
        changed = [part for change in changes for part in ("--set", change)]
        what = "train" if name in piece.trainings else "sweep"
        yield [*oco, what, str(config.relative_to(ROOT)), "--results", str(results), "--no-figures", *changed]
    where = [part for name, path in vars(places).items() for part in (f"--{name}", str(path))]
    yield [sys.executable, "-m", f"paper_figures.{piece.script}", *where]


def _config(sweep: str) -> Path:
    """The config; of gisette_scale, which may not be here, its stand-in."""
    if sweep == "gisette":
        from oco.datasets import info
        from oco.datasets.named import where_is
        from paper_figures.gisette_stand_in import write_stand_in

        if "fetched" in where_is(info("gisette_scale")):
            write_stand_in()
            return CONFIGS / "gisette_stand_in.yaml"
        sweep = "gisette_scale"
    return CONFIGS / f"{sweep}.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Run the pieces one after the other; failures are reported at the end and do not stop the other pieces."""
    parser = argparse.ArgumentParser(prog="python -m paper_figures", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a subset on shortened streams, in under 3 minutes")
    parser.add_argument("--only", nargs="+", choices=[piece.script for piece in PIECES], help="pieces to run")
    parser.add_argument("--into", type=Path, help="directory for everything, instead of the repository's places")
    given = parser.parse_args(arguments)
    into = given.into or (ROOT / "results" / "paper_quick" if given.quick else None)
    places = Places() if into is None else Places.inside(into.absolute())
    failed = []
    for piece in PIECES:
        if (given.only and piece.script not in given.only) or (given.quick and piece.quick is None):
            continue
        for command in commands(piece, places, quick=given.quick):
            began = time.perf_counter()
            print(f"\n== {piece.script}: {' '.join(command[2:])}", flush=True)
            if subprocess.run(command, cwd=ROOT, check=False).returncode:
                failed.append(f"{piece.script}: {' '.join(command[2:])}")
            print(f"== {time.perf_counter() - began:.1f} s", flush=True)
    for line in failed:
        print(f"failed: {line}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
