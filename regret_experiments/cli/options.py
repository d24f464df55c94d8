"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

config_argument: Decorator = click.argument("config", type=click.Path(path_type=Path))
settings_option: Decorator = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change the config: --set orders=1 --set learners.fd_adagrad.rank=8. May be repeated.",
)


class _ResultsDirectory(click.Path):
    """A path that is not empty, because an empty one would mean the current directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("a directory of results must have a name, got ''", param, ctx)
        return super().convert(value, param, ctx)


RESULTS = _ResultsDirectory(path_type=Path)
results_argument: Decorator = click.argument("results", type=RESULTS)
results_option: Decorator = click.option(
    "--results", type=RESULTS, help="Directory of results.  [default: results/NAME]"
)
jobs_option: Decorator = click.option(
    "--jobs", "-j", type=click.IntRange(min=1), help="Runs that are played at once.  [default: one a core]"
)


def _load_plugins(_context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]) -> None:
    from regret_experiments.plugins import load_module

    for name in names:
        load_module(name)


plugin_option: Decorator = click.option(
    "--plugin",
    multiple=True,
    metavar="MODULE",
    expose_value=False,
    is_eager=True,
    callback=_load_plugins,
    help="A module with learners, environments, losses or domains of your own: my_package.learners. May be repeated.",
)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
