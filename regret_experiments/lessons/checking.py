"""Run a copy of a lesson, a student's or a solved one, and collect how its exercises went."""

from __future__ import annotations

import contextlib
import io
import json
import traceback
from pathlib import Path

from oco.checks import Outcome, recorded_exercises
from oco.errors import DataError


def check_copy(path: Path) -> list[Outcome]:
    """Run the script or notebook at ``path`` from top to bottom and return the outcomes of its exercises.

    The file's code runs with all rights of this process: check what you would run. An exception in it becomes an
    outcome that names the line, and ends the run.

    Raises
    ------
    DataError
        If ``path`` is neither a script nor a notebook.
    """
    import matplotlib

    text = code_of(path)
    with (
        matplotlib.rc_context({"backend": "Agg"}),
        recorded_exercises() as outcomes,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        from matplotlib import pyplot

        try:
            exec(compile(text, str(path), "exec"), {"__name__": "__main__"})
        except Exception as error:
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
            where = f"line {lines[-1]}" if lines else "the file"
            outcomes.append(Outcome("run", False, f"{where} raised {type(error).__name__}: {error}"))
        finally:
            pyplot.close("all")
    return outcomes


def code_of(path: Path) -> str:
    """The Python of a script, or of the code cells of a notebook without their ``%`` lines."""
    return "\n\n".join(cells_of(path))


def cells_of(path: Path) -> list[str]:
    """The code cells of a notebook, without their ``%`` lines; a script is one cell."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if path.suffix == ".py":
        return [text]
    if path.suffix != ".ipynb":
        raise DataError(f"a lesson is a .py or .ipynb file, got {path}")
    try:
        cells = json.loads(text)["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{path} is not a notebook") from error
    return ["\n".join("" if line.startswith("%") else line for line in cell.splitlines()) + "\n" for cell in code]
