"""The table, the duels and the figures, for the terminal and for docs/shampoo.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.contest.collect import Row, duel, rows
from benchmarks.contest.drawing import COSTS, loss_against

PLACES = ("<!-- optimizers -->\n", "<!-- end of the optimizers -->")


def write_outputs(settings: Mapping[str, Any], folder: Path, docs: Path | None) -> str:
    """Return the text of the tables; write it into the page, and the figures beside it, where ``docs`` is given."""
    found = rows(settings, folder)
    text = "\n\n".join([table(found, settings), notes(found, settings), duels(found, settings)])
    if docs is not None and found:
        page = docs / "shampoo.md"
        old = page.read_text(encoding="utf-8")
        before, after = old.partition(PLACES[0])[0], old.partition(PLACES[1])[2]
        page.write_text(f"{before}{PLACES[0]}\n{text}\n\n{PLACES[1]}{after}", encoding="utf-8")
        for cost in COSTS:
            if any(row[cost] is not None for row in found):
                figure = loss_against(found, settings, cost)
                figure.savefig(docs / "figures" / f"optimizers_{cost}.png", dpi=110)
    return text


def table(found: Sequence[Row], settings: Mapping[str, Any]) -> str:
    """Mean training loss and standard error on each task; floats per parameter and milliseconds, means over tasks."""
    tasks = list(settings["tasks"])
    lines = [
        f"| optimizer | {' | '.join(tasks)} | floats per parameter | ms a step |",
        "|---|" + "--:|" * (len(tasks) + 2),
    ]
    for name in settings["optimizers"]:
        own = {row["task"]: row for row in found if row["optimizer"] == name}
        if not own:
            continue
        least = {task: min(row["mean"] for row in found if row["task"] == task) for task in own}
        shown = [loss_text(own.get(task), least.get(task)) for task in tasks]
        floats, times = [row["floats"] for row in own.values()], [row["ms"] for row in own.values()]
        ms = "" if None in times else f"{fmean(times):.1f}"
        lines.append(f"| {name} | {' | '.join(shown)} | {fmean(floats):.2f} ({max(floats):.2f}) | {ms} |")
    return "\n".join(lines)


def loss_text(row: Row | None, least: float | None) -> str:
    """``mean ± error`` to two digits of the error, bold where it is the least of the task."""
    if row is None:
        return ""
    if not math.isfinite(row["mean"]):
        return "diverged"
    digits = max(0, 1 - math.floor(math.log10(row["error"]))) if row["error"] > 0 else 4
    text = f"{row['mean']:.{digits}f} ± {row['error']:.{digits}f}"
    return f"**{text}**" if row["mean"] == least else text


def notes(found: Sequence[Row], settings: Mapping[str, Any]) -> str:
    """How it was measured, and how complete it is."""
    cells = len(settings["tasks"]) * len(settings["optimizers"])
    edge = [f"{row['optimizer']} on {row['task']}" for row in found if not row["inside"]]
    sentences = [
        f"Mean and standard error of the final training loss over {len(settings['seeds'])} seeds, after "
        f"{settings['trials']} trials on {len(settings['tuning_seeds'])} other seeds for each optimizer and task. "
        "Floats of the whole optimizer state per parameter are means over the tasks, the largest in parentheses.",
        f"{len(found)} of {cells} cells are complete.",
        f"The best rate lies on the edge of those tried for {', '.join(edge)}." if edge else
        "No best rate lies on the edge of those tried.",
    ]  # fmt: skip
    return " ".join(sentences)


def duels(found: Sequence[Row], settings: Mapping[str, Any]) -> str:
    """For members against rivals: on how many tasks the mean is lower, and how many of them a paired test confirms."""
    rivals = settings["rivals"]
    lines = [f"| lower mean loss than | {' | '.join(rivals)} |", "|---|" + "--:|" * len(rivals)]
    for member in settings["members"]:
        counts = [duel(found, member, rival) for rival in rivals]
        if any(count["tasks"] for count in counts):
            shown = [
                f"{c['lower']} of {c['tasks']} ({c['surely_lower']} sure; {c['surely_higher']} surely higher)"
                for c in counts
            ]
            lines.append(f"| {member} | {' | '.join(shown)} |")
    said = "*Sure*: p < 0.05 in a paired t-test over the seeds of the task, not corrected for the number of tests."
    return "\n".join(lines) + "\n\n" + said
