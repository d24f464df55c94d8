"""Copies of the course for students and teachers, as notebooks or scripts."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from oco.errors import ConfigError, DataError
from regret_experiments.lessons.course import interactive_lessons, lessons, lessons_directory
from regret_experiments.lessons.solving import solved
from regret_experiments.store.files import write_atomic

Format = Literal["ipynb", "py"]


def export_lessons(directory: Path, *, solutions: bool, form: Format = "ipynb") -> list[Path]:
    """Write every lesson to ``directory``; with ``solutions`` also each lesson with its exercises solved.

    Parameters
    ----------
    directory
        Made where it is missing. Files of the same names that are not an export are not overwritten.
    solutions
        Whether this is a teacher's copy. A student's copy holds nothing of the solutions.
    form
        ``"ipynb"``: notebooks, by sphinx-gallery's converter; ``"py"``: the scripts.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    ConfigError
        If ``directory`` already holds a lesson: a student's work is never overwritten.
    """
    texts: dict[Path, str] = {}
    for lesson in lessons():
        text = lesson.path.read_text(encoding="utf-8")
        texts[Path(lesson.path.stem)] = text
        if solutions:
            texts[Path("solutions") / lesson.path.stem] = solved(text, lesson.solution.read_text(encoding="utf-8"))
    for path in interactive_lessons():
        texts[Path("interactive") / path.stem] = path.read_text(encoding="utf-8")
    targets = {(directory / name).with_suffix(f".{form}"): text for name, text in texts.items()}
    taken = [path for path in targets if path.exists()]
    if taken:
        raise ConfigError(f"{taken[0]} exists, and may hold someone's answers; export to an empty directory")
    written = []
    for path, text in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic((path, (text if form == "py" else notebook(text)).encode()))
        written.append(path)
    guide = directory / "README.rst"
    shutil.copyfile(lessons_directory() / "README.rst", guide)
    return [*written, guide]


def notebook(text: str) -> str:
    """The notebook, as JSON, of a script in sphinx-gallery's percent format.

    Raises
    ------
    DataError
        If sphinx-gallery is not installed.
    """
    try:
        from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
        from sphinx_gallery.notebook import jupyter_notebook
        from sphinx_gallery.py_source_parser import split_code_and_text_blocks
    except ImportError as error:
        raise DataError(
            "notebooks are written by sphinx-gallery: pip install 'oco-regret[course]', or export with --format py"
        ) from error
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "lesson.py"
        script.write_text(text, encoding="utf-8")
        blocks = split_code_and_text_blocks(str(script))[1]
        made = jupyter_notebook(blocks, dict(DEFAULT_GALLERY_CONF), place)
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    return re.sub(r"\]\((lesson_\w+)\.html\)", r"](\1.ipynb)", text)  # links between lessons of the site
