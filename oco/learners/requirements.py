"""Checks of learners' hyper-parameters and of the problem, each with a one-sentence error."""

from __future__ import annotations

import functools
import inspect
import math
import warnings
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, TypeVar, cast

import numpy as np

from oco.domains.base import Domain
from oco.domains.simplex import Simplex
from oco.errors import ConfigError, ProtocolError
from oco.learners.base import Learner, Problem
from oco.types import Array

Initializer = TypeVar("Initializer", bound=Callable[..., None])


def renamed(**names: str) -> Callable[[Initializer], Initializer]:
    """Let an ``__init__`` accept former names of keywords too, with a `DeprecationWarning`.

    Examples
    --------
    >>> import warnings
    >>> class Lazy:
    ...     @renamed(delta="ridge")
    ...     def __init__(self, ridge=1.0):
    ...         self.ridge = ridge
    >>> with warnings.catch_warnings(action="ignore"):
    ...     Lazy(delta=2.0).ridge
    2.0
    """

    def decorate(initialize: Initializer) -> Initializer:
        @functools.wraps(initialize)
        def current(self: Any, *arguments: Any, **keywords: Any) -> None:
            for former, name in names.items():
                if former in keywords:
                    message = f"{former} of {type(self).__name__} is now called {name}"
                    if name in keywords:
                        raise ConfigError(f"{message}; give one of them")
                    warnings.warn(message, DeprecationWarning, stacklevel=2)
            initialize(self, *arguments, **{names.get(key, key): value for key, value in keywords.items()})

        current.__dict__["renamed"] = names
        return cast("Initializer", current)

    return decorate


def current_names(kind: type, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """``keywords`` of the class ``kind``, with former names replaced by present ones."""
    names = renames(kind)
    return {names.get(key, key): value for key, value in keywords.items()}


def former_names(kind: type, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """``keywords`` under their original names, which stored runs use, so that the ids of runs do not change."""
    names = {name: former for former, name in renames(kind).items()}
    return {names.get(key, key): value for key, value in keywords.items()}


def renames(kind: type) -> Mapping[str, str]:
    """Mapping from former names of a class's keywords to present ones."""
    names: Mapping[str, str] = getattr(inspect.getattr_static(kind, "__init__"), "renamed", {})
    return names


def positive(learner: Learner, name: str, value: float) -> float:
    """``value`` if it is a positive finite number; `ConfigError` otherwise."""
    if isinstance(value, Real) and 0.0 < value < math.inf:
        return float(value)
    raise ConfigError(f"{name} of {type(learner).__name__} must be a positive finite number, got {value!r}")


def positive_or_none(learner: Learner, name: str, value: float | None) -> float | None:
    """``value`` if it is a positive finite number, or None for the theorem's value."""
    return None if value is None else positive(learner, name, value)


def nonnegative(learner: Learner, name: str, value: float) -> float:
    """``value`` if it is a finite number of 0 or more; `ConfigError` otherwise."""
    if isinstance(value, Real) and 0.0 <= value < math.inf:
        return float(value)
    raise ConfigError(f"{name} of {type(learner).__name__} must be a finite number of 0 or more, got {value!r}")


def finite(learner: Learner, name: str, value: float) -> float:
    """``value`` if it is a finite number; `ConfigError` otherwise."""
    if isinstance(value, Real) and -math.inf < value < math.inf:
        return float(value)
    raise ConfigError(f"{name} of {type(learner).__name__} must be a finite number, got {value!r}")


def whole(learner: Learner, name: str, value: object) -> int:
    """``value`` if it is a positive integer; `ConfigError` otherwise."""
    if isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1:
        return int(value)
    raise ConfigError(f"{name} of {type(learner).__name__} must be a positive integer, got {value!r}")


def fraction(learner: Learner, name: str, value: float) -> float:
    """``value`` if it lies in [0, 1); `ConfigError` otherwise."""
    if isinstance(value, Real) and 0.0 <= value < 1.0:
        return float(value)
    raise ConfigError(f"{name} of {type(learner).__name__} must lie in [0, 1), got {value!r}")


def required_diameter(learner: Learner, problem: Problem, norm: str = "l2", unset: str = "learning_rate") -> float:
    """Diameter of the problem's domain; `ConfigError` if it is infinite, so that ``unset`` has no default.

    The diameter of a single point counts as 1. The rate is used as a divisor, so any positive value works.
    """
    if problem.domain.bounded:
        return problem.domain.diameter(norm) or 1.0
    raise ConfigError(
        f"{type(learner).__name__} sets {unset} from the domain's diameter, which is infinite for "
        f"{problem.domain!r}; give {unset}"
    )


def required_oracle(learner: Learner, problem: Problem) -> None:
    """Raise `ConfigError` unless the domain is bounded and linear functions can be minimized over it."""
    domain = problem.domain
    lacks = "infinite diameter" if not domain.bounded else "" if hasattr(domain, "maximizer") else "no maximizer"
    if lacks:
        raise ConfigError(
            f"{type(learner).__name__} minimizes linear functions over a bounded domain by its maximizer, and "
            f"{domain!r} has {lacks}; play another domain, or OGD with a learning_rate, which projects"
        )


def theorem_rate(learner: Learner, problem: Problem, norm: str = "l2") -> float:
    """``D / sqrt(2)``, the learning rate of AdaGrad's theorems, with D the domain's diameter in ``norm``."""
    return required_diameter(learner, problem, norm) / math.sqrt(2.0)


def required_gradient_bound(learner: Learner, problem: Problem, unset: str) -> float:
    """The problem's gradient bound, needed for ``unset``; `ConfigError` if the environment states none."""
    if problem.gradient_bound is not None:
        return problem.gradient_bound
    raise ConfigError(
        f"{type(learner).__name__} sets {unset} from a bound on the gradients, and the environment states none; "
        f"give {unset}"
    )


def required_entry_bound(learner: Learner, problem: Problem, unset: str) -> float:
    """The problem's bound on the entries of gradients, or on their norm; `ConfigError` if it states neither."""
    if problem.gradient_entry_bound is not None:
        return problem.gradient_entry_bound
    return required_gradient_bound(learner, problem, unset)


def required_simplex(learner: Learner, problem: Problem) -> float:
    """The sum of a point's weights on the problem's simplex; `ConfigError` on another domain."""
    if type(problem.domain) is Simplex:
        return float(problem.domain.start.sum())
    raise ConfigError(f"{type(learner).__name__} plays on the simplex, got {problem.domain!r}")


def required_matrix(learner: Learner, problem: Problem) -> tuple[int, int]:
    """``(m, n)`` of a problem whose decisions are matrices; `ConfigError` otherwise."""
    if len(problem.domain.shape) == 2:
        return problem.domain.shape[0], problem.domain.shape[1]
    raise ConfigError(
        f"{type(learner).__name__} plays matrices (m, n), got a problem with decisions of shape {problem.domain.shape}"
    )


def required_vector(learner: Learner, problem: Problem) -> None:
    """Raise `ConfigError` unless decisions are vectors."""
    if len(problem.domain.shape) != 1:
        raise ConfigError(
            f"{type(learner).__name__} plays vectors (d,), got a problem with decisions of shape {problem.domain.shape}"
        )


def required_squared_loss(learner: Learner, problem: Problem) -> None:
    """Raise `ConfigError` if the losses are known to be rows of another loss than the squared one."""
    if problem.loss is not None and problem.loss.name != "squared":
        raise ConfigError(
            f"{type(learner).__name__} plays squared losses, got the {problem.loss.name} loss; play ImplicitOGD, or "
            "set the environment's loss to squared"
        )


def squared_row(learner: Learner, loss: Any) -> tuple[Array, float]:
    """Row and label of a squared loss; `ProtocolError` for any other loss."""
    if getattr(getattr(loss, "scalar", None), "name", "") != "squared":
        raise ProtocolError(f"{type(learner).__name__} plays squared losses of a row, got {type(loss).__name__}")
    return loss.row, float(loss.target)


def at_most(length: float, bound: float) -> bool:
    """Whether an observed norm satisfies a bound, up to rounding (the bound may be computed in another order)."""
    return length <= bound * (1.0 + 1e-12)


def required_reach(learner: Learner, problem: Problem, norm: str = "l2") -> float:
    """`reach` of the problem's domain, with the checks of `required_diameter`."""
    required_diameter(learner, problem, norm)
    return reach(problem.domain, norm) or 1.0


def reach(domain: Domain, norm: str = "l2") -> float:
    """A bound on ``|x - start|`` over the domain, in ``norm``; the radius if the start is the origin."""
    diameter = domain.diameter(norm)
    return diameter if np.any(domain.start) else min(diameter, domain.radius(norm))
