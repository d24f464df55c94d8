"""``oco check`` and ``oco check-learner``: verify a sweep, and the conformance of a learner."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from regret_experiments.cli.options import plugin_option, results_argument
from regret_experiments.cli.output import echo
from regret_experiments.printable import one_line


@click.command()
@results_argument
@plugin_option
def check(results: Path) -> None:
    """Verify the RESULTS directory of a sweep again.

    Every regret interval is compared with its bound and every memory figure with its formula, and every comparator is
    evaluated again. If anything is wrong, or a planned run is missing, damaged or failed, the runs are listed and the
    exit code is 1.
    """
    from regret_experiments.tables import shortfall_text
    from regret_experiments.verification import verify

    found = verify(results)
    for fault in found.faults:
        echo(one_line(fault))
    counts = ", ".join(f"{count} {what}" for what, count in sorted(found.counts.items()))
    echo(f"runs: {counts or 'none'}; certificates checked again for {found.certificates} streams")
    if found.shortfalls:
        echo(shortfall_text(found.shortfalls))
    if found.faults:
        click.echo(f"{len(found.faults)} thing{'s are' if len(found.faults) > 1 else ' is'} wrong", err=True)
    if found.faults or found.shortfalls:
        sys.exit(1)


@click.command("check-learner")
@click.argument("learner", metavar="MODULE:CLASS")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A hyper-parameter of the constructor.")
def check_learner(learner: str, settings: tuple[str, ...]) -> None:
    """Run the conformance checks on a learner of your own, such as my_package.learners:Mine.

    The module is imported as Python would from the current directory. Each check that fails prints one sentence, and
    the exit code is then 1.
    """
    from oco.checks import CheckFailed, learner_checks

    made = _made(learner, settings)
    failures = 0
    for name, run in learner_checks(made):
        try:
            run()
        except CheckFailed as failure:
            failures += 1
            echo(f"{name}: {failure}")
        else:
            click.echo(f"{name}: passed")
    if failures:
        click.echo(f"{made!r} fails {failures} checks", err=True)
        sys.exit(1)


def _made(where: str, settings: tuple[str, ...]) -> Any:
    """The learner that MODULE:CLASS and its keywords make."""
    import importlib

    from oco.errors import ConfigError
    from oco.learners import Learner
    from regret_experiments.config.document import parse_value

    module_name, _, class_name = where.partition(":")
    if not module_name or not class_name:
        raise ConfigError(f"a learner is named MODULE:CLASS, such as my_package.learners:Mine, got {where!r}")
    sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # the user's module may raise anything
        raise ConfigError(f"module {module_name!r} cannot be imported: {_told(error)}") from error
    kind = getattr(module, class_name, None)
    if not (isinstance(kind, type) and issubclass(kind, Learner)):
        raise ConfigError(f"{class_name!r} in {module_name!r} is not a subclass of oco.Learner")
    keywords = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"a hyper-parameter is given as KEY=VALUE, got {setting!r}")
        keywords[key] = parse_value(value, f"--set {setting}")
    try:
        return kind(**keywords)
    except Exception as error:
        raise ConfigError(f"{class_name} cannot be made: {_told(error)}") from error


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
