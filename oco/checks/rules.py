"""Checks that a learner plays feasible points, uses past gradients only, and changes nothing but its state."""

from __future__ import annotations

import inspect

import numpy as np

from oco.checks.failure import require
from oco.checks.playing import (
    ROUNDS,
    ZERO_ROUND,
    block_margins,
    gradients_on,
    points_of,
    require_feasible,
    require_same,
    show,
    started,
    tell,
    tell_in_round,
)
from oco.domains.base import Domain
from oco.learners.base import Learner, state_arrays
from oco.needs import GRADIENT, HINT, ROW, feedback_of


def check_methods(learner: Learner, domain: Domain) -> None:
    """`start` takes only the problem, `update` only the feedback, and `observe`, if it is needed, only the context."""
    shown = "gradient" if feedback_of(learner.needs) == GRADIENT else "feedback"
    contexts = [("observe", "context")] if ROW in learner.needs or HINT in learner.needs else []
    for name, argument in (("start", "problem"), ("update", shown), *contexts):
        signature = inspect.signature(getattr(learner, name))
        try:
            signature.bind(None)
        except TypeError:
            require(
                False, f"{name} must take the {argument} and nothing else, {name}({argument}), got {name}{signature}"
            )


def check_start(learner: Learner, domain: Domain) -> None:
    """The first point is a finite float64 array of the domain's shape, in the domain, before any gradient."""
    point = started(learner, domain).prediction
    require(isinstance(point, np.ndarray), f"prediction must be a NumPy array, got {type(point).__name__}")
    require(point.shape == domain.shape, f"the first point has shape {point.shape}, decisions here have {domain.shape}")
    require(point.dtype == np.float64, f"the first point is {point.dtype}, decisions are float64")
    require_feasible(point, domain, 1)


def check_feasible(learner: Learner, domain: Domain) -> None:
    """Every point lies in the domain, even after gradients much larger than the domain."""
    for scale in (1.0, 1e4):
        player, gradients = started(learner, domain), scale * gradients_on(domain)
        for index, gradient in enumerate(gradients):
            show(player, gradients, index)
            for point in (player.prediction, *player.queries):
                require(np.isfinite(point).all(), f"the point of round {index + 1} is not finite: {ZERO_ROUND}")
                require_feasible(point, domain, index + 1)
            tell_in_round(player, gradient, index + 1)
        require_feasible(player.prediction, domain, len(gradients) + 1)


def check_deterministic(learner: Learner, domain: Domain) -> None:
    """The same gradients and the same seed give the same points."""
    gradients = gradients_on(domain)
    require_same(
        points_of(learner, domain, gradients),
        points_of(learner, domain, gradients),
        "the same gradients and seed gave another point at round {}: the learner draws random numbers that do not come "
        "from problem.seed",
    )


def check_independent_instances(learner: Learner, domain: Domain) -> None:
    """Two interleaved games do not affect each other."""
    gradients = gradients_on(domain)
    alone = points_of(learner, domain, gradients)
    first, second = started(learner, domain), started(learner, domain)
    together = []
    for index, gradient in enumerate(gradients):
        show(first, gradients, index)
        show(second, -gradients, index)
        together.append(first.prediction.copy())
        tell(first, gradient.copy())
        tell(second, -3.0 * gradient)
    together.append(first.prediction.copy())
    require_same(
        alone,
        together,
        "a second game changed the first one's point at round {}: two instances share state (a class attribute, a "
        "mutable default, a module variable)",
    )


def check_causal(learner: Learner, domain: Domain) -> None:
    """A point depends only on earlier gradients, whether they come one by one or as a block of rows."""
    gradients = gradients_on(domain)
    changed = gradients.copy()
    cut = ROUNDS // 2
    changed[cut:] *= -5.0
    before, after = points_of(learner, domain, gradients), points_of(learner, domain, changed)
    message = (
        f"the decision at round {{}} changed when the loss of round {cut + 1} was changed: the learner looks ahead"
    )
    known = cut if ROW in learner.needs else cut + 1
    require_same(before[:known], after[:known], message)
    if len(domain.shape) == 1:
        margins = [block_margins(learner, domain, rows) for rows in (gradients, changed)]
        if margins[0] is not None and margins[1] is not None:
            require_same(list(margins[0][:cut]), list(margins[1][:cut]), message)


def check_uses_gradient_when_revealed(learner: Learner, domain: Domain) -> None:
    """Reading the point changes nothing, and a gradient array may be overwritten after `update`."""
    gradients = gradients_on(domain)
    expected = points_of(learner, domain, gradients)
    player = started(learner, domain)
    buffer = np.empty(domain.shape)
    for round_index, gradient in enumerate(gradients, start=1):
        show(player, gradients, round_index - 1)
        first, second = player.prediction.copy(), player.prediction.copy()
        require(
            np.array_equal(first, second),
            f"reading prediction twice in round {round_index} gave two points: prediction must not advance the state",
        )
        require(
            np.array_equal(first, expected[round_index - 1]),
            f"the point of round {round_index} depends on how often prediction is read, or on an array of the caller's "
            "that was overwritten: keep a copy of the gradient, and advance in update only",
        )
        buffer[...] = gradient
        tell(player, buffer)
        buffer[...] = np.nan


def check_leaves_gradient_alone(learner: Learner, domain: Domain) -> None:
    """``update`` does not write into the gradient."""
    player = started(learner, domain)
    gradients = gradients_on(domain)
    for round_index, gradient in enumerate(gradients, start=1):
        show(player, gradients, round_index - 1)
        given = gradient.copy()
        tell(player, given)
        require(
            np.array_equal(given, gradient),
            f"update changed the caller's gradient in round {round_index}: work on a copy, not in place",
        )


def check_point_is_not_reused(learner: Learner, domain: Domain) -> None:
    """A returned point is not changed later, unless it is read-only or an array of ``state``."""
    player = started(learner, domain)
    start = domain.start
    kept_start = start.copy()
    gradients = gradients_on(domain)[:4]
    for round_index, gradient in enumerate(gradients, start=1):
        show(player, gradients, round_index - 1)
        point = player.prediction
        kept = point.copy()
        of_state = any(np.shares_memory(point, array) for _, array in state_arrays(player.state))
        tell(player, gradient)
        require(
            of_state
            or not point.flags.writeable
            or (np.array_equal(point, kept) and not np.shares_memory(point, player.prediction)),
            f"the array that was handed out as the point of round {round_index} is used again for the next one: make a "
            "new array for every point, or hand out the one that is in state",
        )
    require(np.array_equal(start, kept_start), "update changed the array that domain.start handed out before")


def check_block_equals_rounds(learner: Learner, domain: Domain) -> None:
    """If there is a loop over rows, it plays the same points as ``update``."""
    if len(domain.shape) != 1:
        return
    rows = gradients_on(domain)
    margins = block_margins(learner, domain, rows)
    if margins is None:
        return
    player = started(learner, domain)
    for i, row in enumerate(rows):
        margin = float(row @ player.prediction)
        require(
            abs(margin - margins[i]) <= 1e-8 * (1.0 + abs(margin)),
            f"play_block and update disagree at round {i + 1}: margins {margins[i]!r} and {margin!r}; is a gradient "
            "used before its round is played?",
        )
        player.update((margin - 1.0) * row)
