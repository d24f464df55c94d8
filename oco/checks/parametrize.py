"""Every check of some learners, domains or environments as one pytest test each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oco.checks.domain import domain_checks
from oco.checks.environment import environment_checks
from oco.checks.learner import learner_checks
from oco.errors import ConfigError
from oco.learners.base import Learner


def parametrize_with_checks(things: Iterable[Any]) -> Any:
    """Decorate a pytest test so that it runs once for every check of every one of ``things``, as ``check``.

    Parameters
    ----------
    things
        Learners, domains (whose shape is known) and environments. Losses and sketches need points or vectors: use
        `loss_checks` and `sketch_checks`.

    Returns
    -------
    A ``pytest.mark.parametrize`` mark.

    Raises
    ------
    ConfigError
        If one of ``things`` is not a learner, a domain or an environment.

    Examples
    --------
    >>> import oco
    >>> @parametrize_with_checks([oco.OGD(learning_rate=0.1), oco.Ball(radius=2.0, dimension=3)])
    ... def test_obeys_the_rules(check):
    ...     check()
    """
    import pytest

    cases = []
    for thing in things:
        if isinstance(thing, Learner):
            checks = learner_checks(thing)
        elif hasattr(thing, "project"):
            checks = domain_checks(thing)
        elif hasattr(thing, "reveal"):
            checks = environment_checks(thing)
        else:
            raise ConfigError(
                f"parametrize_with_checks takes learners, domains and environments, got {type(thing).__name__}"
            )
        cases += [pytest.param(check, id=f"{thing!r}-{name}") for name, check in checks]
    return pytest.mark.parametrize("check", cases)
