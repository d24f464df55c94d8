"""The command line ``oco``: commands are imported when they are called, so that ``oco --help`` is instant."""

from __future__ import annotations

import atexit
import gc
import importlib
import sys
import warnings
from typing import Any

import click

import oco as library

_COMMANDS = {
    "sweep": ("sweep", "Run a config: what is missing is played; table, figures and results."),
    "plan": ("plan", "Show what a sweep would run, how long, and what is already done."),
    "run": ("run", "Play one game and print what came out."),
    "attack": ("attack", "Search for the stream of losses on which a learner does worst."),
    "learners": ("listing", "List the learners with state, bound and source."),
    "environments": ("listing", "List the environments and the keys that configs give them."),
    "domains": ("listing", "List the domains and the keys that configs give them."),
    "table": ("table", "Print the table of stored results, for a terminal or a paper."),
    "compare": ("compare", "Compare learners over the games that they share: paired tests, average ranks."),
    "reproduce": ("results", "Play a stored run again and compare."),
    "diff": ("results", "Say which runs of two directories differ, and by how much."),
    "check": ("check", "Verify stored results again: bounds, certificates, memory."),
    "check-learner": ("check", "Run the conformance checks on a learner of your own."),
    "export": ("results", "Write stored results as CSV or Parquet."),
    "plot": ("plot", "Draw a figure of stored results for a paper or a slide."),
    "report": ("report", "Write one HTML page that shows stored results, without a network."),
    "watch": ("watch", "Show a running sweep in the browser, on this machine only."),
    "schema": ("plan", "Print the JSON schema of configs, for editors."),
    "data": ("data", "List, describe and fetch data sets."),
    "lessons": ("lessons", "The course: list the lessons, export notebooks, check exercises."),
    "new": ("new", "Write a package with a learner of your own to start from, and its test."),
    "bench": ("bench", "OCO-Bench: play a fixed suite with your learner, and see its row among all others."),
    "train": ("train", "Train networks with S-Shampoo and its rivals."),
}
"""Command -> the module of this package that defines it, and its line in the help."""

_LEFT_OUT = {"pandas": "pandas", "matplotlib": "matplotlib", "sklearn": "scikit-learn", "PIL": "pillow"}
"""Modules, and their packages, that a minimal install leaves out and some commands need."""

_RESUMED = ("sweep", "train", "bench")
"""Commands that continue where they stopped."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"regret_experiments.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C at any moment ends it with one sentence."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            kept = "; every finished run is kept, and the same command goes on from there"
            click.echo(f"\nstopped{kept if ctx.invoked_subcommand in _RESUMED else ''}", err=True)
            ctx.exit(130)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            from oco.keywords import did_you_mean, listed

            message = (
                f"there is no command {args[0]!r}, known are {listed(_COMMANDS)}{did_you_mean(args[0], _COMMANDS)}"
            )
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(library.__version__, prog_name="oco")
def oco() -> None:
    """Online convex optimization: play games, sweep learners, measure regret with certificates."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; an error is one sentence, exit code 2 where the input was wrong and 1 otherwise."""
    from oco.errors import ConfigError, DataError, OcoError
    from regret_experiments.cli.output import prepare, system_error
    from regret_experiments.printable import printable

    prepare()
    # A command makes millions of objects that stay: modules, tables, a figure. Looking through them takes a tenth.
    gc.set_threshold(100_000, 50, 50)
    atexit.register(gc.freeze)  # nor is there anything to find at the end
    warnings.filterwarnings("default", ".* is now called", DeprecationWarning)
    try:
        oco.main(args=arguments, prog_name="oco")
    except OcoError as error:
        message, code = str(error), 2 if isinstance(error, (ConfigError, DataError)) else 1
    except OSError as error:
        message, code = system_error(error), 1
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _LEFT_OUT:
            raise
        package = _LEFT_OUT[error.name.partition(".")[0]]
        message, code = f"this needs {package}, which is not installed: pip install {package}", 1
    except MemoryError:
        message, code = "there is not enough memory", 1
    print(f"Error: {printable(message)}", file=sys.stderr)
    sys.exit(code)
