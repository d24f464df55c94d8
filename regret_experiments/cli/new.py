"""``oco new``: a package with a learner of one's own, to start from."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path

import click


@click.group("new")
def new() -> None:
    """Write files to start from."""


@new.command("learner")
@click.argument("name")
@click.option(
    "--directory", "-d", type=click.Path(path_type=Path, file_okay=False), help="Where to write.  [default: NAME]"
)
def learner(name: str, directory: Path | None) -> None:
    """Write a package with the learner NAME, which is in snake case, such as lazy_descent.

    Three files: the learner, its test, and a pyproject.toml that offers it to configs once the package is installed.
    """
    from regret_experiments.new_learner import write_learner

    _check_name(name)
    home = directory or Path(name)
    for path in write_learner(name, home):
        click.echo(f"wrote {path}")
    click.echo(
        f"next, in {home}: oco check-learner {name}:{_class_name(name)}; python -m pytest; then oco sweep CONFIG "
        f"--plugin {name}, or pip install -e . and no option is needed"
    )


def _class_name(name: str) -> str:
    from regret_experiments.new_learner import class_name

    return class_name(name)


def _check_name(name: str) -> None:
    from oco.errors import ConfigError
    from oco.learners import LEARNERS

    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise ConfigError(f"a learner's name is in snake case, such as lazy_descent, got {name!r}")
    if name in LEARNERS:
        whose = LEARNERS.origin(name) or "built in"
        raise ConfigError(f"there is a learner {name!r} already ({whose}); choose another name")
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.origin is not None:
        raise ConfigError(f"there is a module {name!r} already; choose another name")
