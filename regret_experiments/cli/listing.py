"""``oco learners``, ``oco environments`` and ``oco domains``: list what configs can name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import click

from regret_experiments.cli.options import plugin_option


@click.command()
@plugin_option
@click.option(
    "--dimension", "-d", type=click.IntRange(min=2), default=64, show_default=True, help="For the numbers of floats."
)
@click.option(
    "--rank", "-k", type=click.IntRange(min=1), default=8, show_default=True, help="For learners with a rank."
)
def learners(dimension: int, rank: int) -> None:
    """List the learners: state as a formula and in floats, bound and source."""
    from oco.domains import Ball, FrobeniusBall, Simplex, Unbounded
    from oco.learners import LEARNERS
    from oco.learners.base import Problem

    rows = max(side for side in range(1, int(dimension**0.5) + 1) if dimension % side == 0)
    domains = {
        "any": Ball(radius=1.0, dimension=dimension),
        "vector": Ball(radius=1.0, dimension=dimension),
        "unbounded": Unbounded(dimension),
        "matrix": FrobeniusBall(radius=1.0, shape=(rows, dimension // rows)),
        "simplex": Simplex(dimension=dimension),
    }
    click.echo(
        f"state in floats at d = {dimension}, k = {rank} directions kept by a sketch; "
        f"decisions of matrix learners are {rows} x {dimension // rows}\n"
    )
    for name, kind in sorted(LEARNERS.built_in.items()):
        problem = Problem(domain=domains[kind.decision], horizon=1000, gradient_bound=1.0, exp_concavity=1.0)
        parameters = inspect.signature(kind).parameters
        needed = {name for name, parameter in parameters.items() if parameter.default is parameter.empty}
        keywords = {name: value for example in kind.examples[:1] for name, value in example.items() if name in needed}
        learner: Any = kind(**keywords | ({"rank": min(rank, dimension - 1)} if "rank" in parameters else {}))
        memory = learner.memory(problem)
        state = "not claimed" if memory is None else f"{memory.formula} = {memory.floats:,}"
        click.secho(name, bold=True)
        keys = [text for text in (_keyword(parameter) for parameter in parameters.values()) if text]
        for what, text in (
            ("state", state),
            ("bound", kind.guarantee),
            ("source", kind.source or "-"),
            ("keys", ", ".join(keys)),
        ):
            click.echo(f"  {what:7s} {text}")
    _list_plugins(LEARNERS)


@click.command()
@plugin_option
def environments() -> None:
    """List the environments: what they are and the keys that a config gives them."""
    from oco.environments import ENVIRONMENTS
    from regret_experiments.plan.building import environment_keywords

    _list_kinds(ENVIRONMENTS, lambda name, kind: environment_keywords(name))


@click.command()
@plugin_option
def domains() -> None:
    """List the domains: what they are and the keys that a config gives them."""
    from oco.domains import DOMAINS

    def keys(name: str, kind: Any) -> list[str]:
        return [_keyword(parameter) for parameter in inspect.signature(kind).parameters.values()]

    _list_kinds(DOMAINS, keys)


def _list_kinds(registry: Any, keys: Callable[[str, Any], Iterable[str]]) -> None:
    """Describe each built-in class of a registry with its keys; then list those of other packages."""
    for name, kind in sorted(registry.built_in.items()):
        click.secho(name, bold=True)
        click.echo(f"  {(inspect.getdoc(kind) or '-').splitlines()[0]}")
        click.echo(f"  keys    {', '.join(keys(name, kind))}")
    _list_plugins(registry)


def _list_plugins(registry: Any) -> None:
    """Name what other packages offer, without importing them."""
    for name in sorted(set(registry) - set(registry.built_in)):
        click.secho(name, bold=True)
        click.echo(f"  from    {registry.origin(name)}")


def _keyword(parameter: inspect.Parameter) -> str:
    if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
        return ""
    default: Any = parameter.default
    return parameter.name if default is parameter.empty else f"{parameter.name}={default!r}"
