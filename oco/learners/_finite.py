"""After every update a learner's state is finite, or an error says in which round it stopped being so, and why."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from oco.errors import DomainError, NumericsError, ProtocolError
from oco.learners.base import Constrained, Learner
from oco.needs import CONSTRAINT, GRADIENT, WHOLE_LOSS, feedback_of
from oco.types import Array

AnyLearner = TypeVar("AnyLearner", bound=Learner)


def is_finite(array: Array) -> bool:
    """Whether every entry is finite; fast, unless squares overflow. To be called where overflow is ignored."""
    flat = array.ravel()
    return math.isfinite(flat.dot(flat)) or bool(np.isfinite(flat).all())


def not_finite_in(state: Any) -> str:
    """The path of the first array or number of a record that is not finite; empty where all are."""
    for name, value in vars(state).items():
        if isinstance(value, np.ndarray):
            if not is_finite(value):
                return str(name)
        elif isinstance(value, float):
            if not math.isfinite(value):
                return str(name)
        elif not isinstance(value, (int, list)):  # lists are states of other learners, which look after themselves
            broken = not_finite_in(value)
            if broken:
                return f"{name}.{broken}"
    return ""


def checked_gradient(learner: Learner, gradient: Any) -> Array:
    """``gradient`` as float64 of the prediction's shape, raising before any state is touched if it is not usable."""
    try:
        array = np.asarray(gradient, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ProtocolError(
            f"{type(learner).__name__} got a gradient that is not an array of numbers: {error}"
        ) from None
    if array.shape != learner.prediction.shape:
        raise ProtocolError(
            f"{type(learner).__name__} plays points of shape {learner.prediction.shape}, "
            f"got a gradient of shape {array.shape}"
        )
    if not is_finite(array):
        place = np.unravel_index(int(np.flatnonzero(~np.isfinite(array.ravel()))[0]), array.shape)
        raise NumericsError(
            f"round {rounds_of(learner) + 1}: {learner!r} was shown a gradient that is not finite (entry "
            f"{', '.join(map(str, place))} is {array[place]}); its state is unchanged"
        )
    return array


def checked_feedback(learner: Learner, feedback: Any) -> tuple[Any, Array]:
    """The feedback that a learner needs, raising as `checked_gradient` does; and its numbers, for messages."""
    point, kind = learner.prediction, feedback_of(learner.needs)
    if kind == WHOLE_LOSS:
        if not hasattr(feedback, "gradient"):
            raise ProtocolError(f"{type(learner).__name__} takes a whole loss, got {type(feedback).__name__}")
        return feedback, checked_gradient(learner, feedback.gradient(point))
    if kind != GRADIENT:
        return checked_values(learner, feedback)
    if CONSTRAINT not in learner.needs:
        gradient = checked_gradient(learner, feedback)
        return gradient, gradient
    if not isinstance(feedback, Constrained):
        raise ProtocolError(f"{type(learner).__name__} takes a Constrained gradient, got {type(feedback).__name__}")
    gradient = checked_gradient(learner, feedback.gradient)
    normal = checked_gradient(learner, feedback.constraint_gradient)
    if not math.isfinite(feedback.violation):
        raise NumericsError(
            f"round {rounds_of(learner) + 1}: {learner!r} was shown a constraint that is not finite "
            f"({feedback.violation}); its state is unchanged"
        )
    return Constrained(gradient, feedback.violation, normal), gradient


def checked_values(learner: Learner, values: Any) -> tuple[Array, Array]:
    """Finite values of the loss, one for each of the learner's queries."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(learner.queries),):
        raise ProtocolError(
            f"{type(learner).__name__} takes {len(learner.queries)} values of the loss, got an array of shape "
            f"{array.shape}"
        )
    if not is_finite(array):
        raise NumericsError(
            f"round {rounds_of(learner) + 1}: {learner!r} was shown a value that is not finite ({array}); its state is "
            "unchanged"
        )
    return array, array


def rounds_of(learner: Learner) -> int:
    """How many gradients the learner has taken since its state was set."""
    counted = learner.__dict__.get("_counted")
    return counted[1] if counted is not None and counted[0] is learner.state else 0


def count_rounds(learner: Learner, rounds: int) -> None:
    """Say how many gradients went into the state that the learner has now."""
    learner.__dict__["_counted"] = (learner.state, rounds)


def lost(learner: Learner, round_index: int, cause: str, gradient: Array) -> NumericsError:
    """The error for a state that the update of a round made unusable."""
    largest = float(np.max(np.abs(gradient), initial=0.0))
    return NumericsError(
        f"round {round_index}: {cause} after {learner!r} was shown a gradient with entries up to {largest:.3g}; a "
        "smaller learning rate, or losses on another scale, may help"
    )


def finite_update(update: Callable[[AnyLearner, Any], None]) -> Callable[[AnyLearner, Any], None]:
    """``update`` with its feedback checked before and its state after, and no error but in one sentence."""

    @functools.wraps(update)
    @np.errstate(all="ignore")  # overflow is reported by an error, not by a warning
    def checked(learner: AnyLearner, feedback: Any) -> None:
        feedback, gradient = checked_feedback(learner, feedback)
        round_index = rounds_of(learner) + 1
        try:
            update(learner, feedback)
        except DomainError as error:
            raise lost(learner, round_index, str(error).rstrip("."), gradient) from error
        except (ArithmeticError, ValueError) as error:  # that of linear algebra is a ValueError
            raise lost(learner, round_index, f"the arithmetic failed ({error})", gradient) from error
        broken = not_finite_in(learner.state)
        if broken:
            raise lost(learner, round_index, f"{broken} of the state is not finite", gradient)
        count_rounds(learner, round_index)

    return checked
