"""Make the reference results of OCO-Bench: python -m paper_figures.bench [LEARNER ...].

Plays what is missing of the learners of the library, all by default, in results/bench; writes their entries to
results/reference/bench/, the table into docs/bench.md, and the figures to docs/figures/. Stop it at any time; the same
command goes on.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from paper_figures.pieces import ROOT
from regret_experiments.bench.collection import collect
from regret_experiments.bench.contestant import library_entries
from regret_experiments.bench.drawing import draw
from regret_experiments.bench.entry import FILE
from regret_experiments.bench.suite import load_suite
from regret_experiments.bench.text import markdown, notes, ranking

RESULTS = ROOT / "results" / "bench"
REFERENCE = ROOT / "results" / "reference" / "bench"
PAGE, FIGURES = ROOT / "docs" / "bench.md", ROOT / "docs" / "figures"
MAIN = (
    "ogd", "adagrad_norm", "diagonal_adagrad", "fd_adagrad-k10", "full_matrix_adagrad", "ada_fd-k10", "coin_betting",
    "hedge",
)  # fmt: skip
"""Learners of the figures in the docs."""


def main(arguments: list[str] | None = None) -> None:
    """Play, copy and draw."""
    given = sys.argv[1:] if arguments is None else arguments
    what = given or ["--all"]
    command = [sys.executable, "-m", "regret_experiments", "bench", "run", *what, "--results", str(RESULTS)]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name in given or library_entries():
        if (RESULTS / name / FILE).is_file():
            shutil.copyfile(RESULTS / name / FILE, REFERENCE / f"{name}.json")
    scores, _ = collect(load_suite(), REFERENCE, reference=False)
    table = "\n\n".join([markdown(ranking(scores)), *notes(scores)])
    page, places = PAGE.read_text(encoding="utf-8"), ("<!-- table -->\n", "<!-- end of the table -->")
    before, after = page.partition(places[0])[0], page.partition(places[1])[2]
    page = f"{before}{places[0]}\n{table}\n\n{places[1]}{after}"
    PAGE.write_text(page, encoding="utf-8")
    shown = [name for name in MAIN if name in scores.entries]
    for path in draw(scores, FIGURES, shown):
        path.replace(path.with_name(f"bench_{path.name}"))
    sys.exit(code)


if __name__ == "__main__":
    main()
