"""Checks of a learner's state: it is one complete record, which can be copied, pickled and counted."""

from __future__ import annotations

import copy
import pickle

import numpy as np

from oco.checks.failure import CheckFailed, require
from oco.checks.playing import (
    ROUNDS,
    gradients_on,
    points_from,
    points_of,
    problem_on,
    require_same,
    show,
    started,
    tell,
)
from oco.domains.base import Domain
from oco.learners.base import Learner, state_arrays, state_floats


def check_state_is_all(learner: Learner, domain: Domain) -> None:
    """A copy of ``state`` put into a freshly started learner continues the game bit for bit."""
    gradients = gradients_on(domain)
    half = ROUNDS // 2
    expected = points_of(learner, domain, gradients)
    player = started(learner, domain)
    points_from(player, gradients[:half])
    resumed = started(learner, domain)
    resumed.state = copy.deepcopy(player.state)
    points = points_from(resumed, gradients, half)
    require_same(
        expected[half:],
        points,
        "a game continued from a copy of its state went another way {} rounds later: something that is carried from "
        "round to round (a counter, a sum) lives outside `state`",
        offset=0,
    )


def check_pickles(learner: Learner, domain: Domain) -> None:
    """A learner in mid-game can be sent to another process."""
    player = started(learner, domain)
    gradients = gradients_on(domain)
    show(player, gradients, 0)
    tell(player, gradients[0])
    try:
        clone: Learner = pickle.loads(pickle.dumps(player))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        if "local object" in str(error) or "not the same object" in str(error) or "__main__" in str(error):
            return  # the class is defined in a function or a notebook, which is no fault of the learner
        raise CheckFailed(f"a learner in mid-game cannot be pickled: {error}") from error
    for one in (player, clone):
        show(one, gradients, 1)
        tell(one, gradients[1])
    require(np.array_equal(player.prediction, clone.prediction), "a pickled learner continued with another point")


def check_float64(learner: Learner, domain: Domain) -> None:
    """Points and state stay float64 and keep their shapes."""
    player = started(learner, domain)
    points_from(player, gradients_on(domain))
    point = player.prediction
    require(point.dtype == np.float64, f"the point became {point.dtype}")
    require(point.shape == domain.shape, f"the point's shape became {point.shape}, decisions have {domain.shape}")
    for path, array in state_arrays(player.state):
        require(array.dtype not in (np.float32, np.float16), f"state.{path} is {array.dtype}; keep float64")


def check_memory_formula(learner: Learner, domain: Domain) -> None:
    """The stated number of floats is the number in the state record."""
    problem = problem_on(domain)
    player = started(learner, domain)
    points_from(player, gradients_on(domain))
    claimed = player.memory(problem)  # after the game, because a learner may allocate memory during it
    if claimed is None:
        return
    held = state_floats(player.state)
    require(
        claimed.floats == held,
        f"the memory formula {claimed.formula} claims {claimed.floats} floats, the state holds {held}",
    )
