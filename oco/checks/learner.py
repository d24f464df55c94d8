"""Does a learner obey the rules? Checks for anyone's learner, each failure a sentence with the likely cause."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable, Iterator

import numpy as np

from oco.checks.failure import Check, CheckFailed, bind, require
from oco.checks.regret import check_regret_below_bound
from oco.checks.unchanged import check_play_leaves_learner_unchanged
from oco.domains import Ball, Box
from oco.domains.base import Domain
from oco.errors import ConfigError
from oco.learners.base import Learner, Problem, state_arrays, state_floats
from oco.losses.rows import RowBlock
from oco.losses.scalar import Squared
from oco.types import Array

ROUNDS = 40
"""Rounds of the small games that most checks play."""

_ZERO_ROUND = "the step may divide by zero (is the round counted from 0, as in 1 / sqrt(t) at t = 0?)"


def check_learner(learner: Learner, domain: Domain | None = None) -> None:
    """Run every check on ``learner``; raise `CheckFailed` at the first that fails.

    Parameters
    ----------
    learner
        An instance with the hyper-parameters to check; it is not changed.
    domain
        Where to play. By default a ball of radius 2 around a point that is not the origin, in five dimensions, and
        for what depends on the domain also a box that does not contain the origin.

    Examples
    --------
    >>> import oco
    >>> class Greedy(oco.Learner):
    ...     def start(self, problem):
    ...         self.state = {"point": problem.domain.start}
    ...     def update(self, gradient):
    ...         self.state["point"] = self.state["point"] - gradient
    >>> check_learner(Greedy())
    Traceback (most recent call last):
    oco.checks.failure.CheckFailed: the point of round 3 lies outside the domain: project after the step, and onto ...
    """
    for _, check in learner_checks(learner, domain):
        check()


def learner_checks(learner: Learner, domain: Domain | None = None) -> Iterator[tuple[str, Check]]:
    """Every check as ``(name, function)``, for ``pytest.mark.parametrize`` or a notebook's own loop."""
    if domain is not None:
        yield from bind(LEARNER_CHECKS, learner, domain)
        return
    yield from bind(LEARNER_CHECKS, learner, Ball(radius=2.0, center=np.array([0.5, -0.3, 0.2, 0.1, -0.4])))
    box = Box(1.0, 3.0, dimension=5)
    if _plays_on(learner, box):
        for name, check in bind(DOMAIN_CHECKS, learner, box):
            yield f"{name}_on_a_box", check


def check_methods(learner: Learner, domain: Domain) -> None:
    """`start` takes the problem, `update` the gradient, and neither takes anything else."""
    for name, argument in (("start", "problem"), ("update", "gradient")):
        signature = inspect.signature(getattr(learner, name))
        try:
            signature.bind(None)
        except TypeError:
            require(
                False, f"{name} must take the {argument} and nothing else, {name}({argument}), got {name}{signature}"
            )


def check_start(learner: Learner, domain: Domain) -> None:
    """The first point is a finite float64 array of the domain's shape, in the domain, before any gradient."""
    point = _started(learner, domain).prediction
    require(isinstance(point, np.ndarray), f"prediction must be a NumPy array, got {type(point).__name__}")
    require(point.shape == domain.shape, f"the first point has shape {point.shape}, decisions here have {domain.shape}")
    require(point.dtype == np.float64, f"the first point is {point.dtype}, decisions are float64")
    _require_feasible(point, domain, 1)


def check_feasible(learner: Learner, domain: Domain) -> None:
    """Every point lies in the domain, also after gradients much larger than it."""
    for scale in (1.0, 1e4):
        for round_index, point in enumerate(_points(learner, domain, scale * _gradients(domain)), start=1):
            require(
                np.isfinite(point).all(),
                f"the point of round {round_index} is not finite: {_ZERO_ROUND}",
            )
            _require_feasible(point, domain, round_index)


def check_deterministic(learner: Learner, domain: Domain) -> None:
    """The same gradients and the same seed give the same points."""
    gradients = _gradients(domain)
    _require_same(
        _points(learner, domain, gradients),
        _points(learner, domain, gradients),
        "the same gradients and seed gave another point at round {}: the learner draws random numbers that do not come "
        "from problem.seed",
    )


def check_independent_instances(learner: Learner, domain: Domain) -> None:
    """Two games played side by side do not touch each other."""
    gradients = _gradients(domain)
    alone = _points(learner, domain, gradients)
    first, second = _started(learner, domain), _started(learner, domain)
    together = [first.prediction.copy()]
    for gradient in gradients:
        first.update(gradient.copy())
        second.update(-3.0 * gradient)
        together.append(first.prediction.copy())
    _require_same(
        alone,
        together,
        "a second game changed the first one's point at round {}: two instances share state (a class attribute, a "
        "mutable default, a module variable)",
    )


def check_causal(learner: Learner, domain: Domain) -> None:
    """A point depends on the gradients before it only, whether they come one by one or as a block of rows."""
    gradients = _gradients(domain)
    changed = gradients.copy()
    cut = ROUNDS // 2
    changed[cut:] *= -5.0
    before, after = _points(learner, domain, gradients), _points(learner, domain, changed)
    message = (
        f"the decision at round {{}} changed when the loss of round {cut + 1} was changed: the learner looks ahead"
    )
    _require_same(before[: cut + 1], after[: cut + 1], message)
    if len(domain.shape) == 1:
        margins = [_block_margins(learner, domain, rows) for rows in (gradients, changed)]
        if margins[0] is not None and margins[1] is not None:
            _require_same(list(margins[0][:cut]), list(margins[1][:cut]), message)


def check_uses_gradient_when_revealed(learner: Learner, domain: Domain) -> None:
    """Reading the point changes nothing, and a gradient array that is overwritten later is not looked at again."""
    gradients = _gradients(domain)
    expected = _points(learner, domain, gradients)
    player = _started(learner, domain)
    buffer = np.empty(domain.shape)
    for round_index, gradient in enumerate(gradients, start=1):
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
        player.update(buffer)
        buffer[...] = np.nan


def check_leaves_gradient_alone(learner: Learner, domain: Domain) -> None:
    """``update`` does not write into the gradient."""
    player = _started(learner, domain)
    for round_index, gradient in enumerate(_gradients(domain), start=1):
        given = gradient.copy()
        player.update(given)
        require(
            np.array_equal(given, gradient),
            f"update changed the caller's gradient in round {round_index}: work on a copy, not in place",
        )


def check_point_is_not_reused(learner: Learner, domain: Domain) -> None:
    """A point that the caller keeps is left alone, unless it is read-only or an array of ``state``."""
    player = _started(learner, domain)
    start = domain.start
    kept_start = start.copy()
    for round_index, gradient in enumerate(_gradients(domain)[:4], start=1):
        point = player.prediction
        kept = point.copy()
        of_state = any(np.shares_memory(point, array) for _, array in state_arrays(player.state))
        player.update(gradient)
        require(
            of_state
            or not point.flags.writeable
            or (np.array_equal(point, kept) and not np.shares_memory(point, player.prediction)),
            f"the array that was handed out as the point of round {round_index} is used again for the next one: make a "
            "new array for every point, or hand out the one that is in state",
        )
    require(np.array_equal(start, kept_start), "update changed the array that domain.start handed out before")


def check_state_is_all(learner: Learner, domain: Domain) -> None:
    """A copy of ``state`` put into a freshly started learner continues the game bit for bit."""
    gradients = _gradients(domain)
    half = ROUNDS // 2
    expected = _points(learner, domain, gradients)
    player = _started(learner, domain)
    for gradient in gradients[:half]:
        player.update(gradient)
    saved = copy.deepcopy(player.state)
    resumed = _started(learner, domain)
    resumed.state = saved
    points = [resumed.prediction.copy()]
    for gradient in gradients[half:]:
        resumed.update(gradient)
        points.append(resumed.prediction.copy())
    _require_same(
        expected[half:],
        points,
        "a game continued from a copy of its state went another way {} rounds later: something that is carried from "
        "round to round (a counter, a sum) lives outside `state`",
        offset=0,
    )


def check_pickles(learner: Learner, domain: Domain) -> None:
    """A learner in mid-game can be sent to another process."""
    player = _started(learner, domain)
    gradients = _gradients(domain)
    player.update(gradients[0])
    try:
        clone: Learner = pickle.loads(pickle.dumps(player))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        if "local object" in str(error) or "not the same object" in str(error) or "__main__" in str(error):
            return  # defined in a function or a notebook: nothing of the learner's own doing
        raise CheckFailed(f"a learner in mid-game cannot be pickled: {error}") from error
    player.update(gradients[1])
    clone.update(gradients[1])
    require(np.array_equal(player.prediction, clone.prediction), "a pickled learner continued with another point")


def check_float64(learner: Learner, domain: Domain) -> None:
    """Points and state stay float64 and keep their shapes."""
    player = _started(learner, domain)
    for gradient in _gradients(domain):
        player.update(gradient)
    point = player.prediction
    require(point.dtype == np.float64, f"the point became {point.dtype}")
    require(point.shape == domain.shape, f"the point's shape became {point.shape}, decisions have {domain.shape}")
    for path, array in state_arrays(player.state):
        require(array.dtype not in (np.float32, np.float16), f"state.{path} is {array.dtype}; keep float64")


def check_odd_gradients(learner: Learner, domain: Domain) -> None:
    """Zero and repeated gradients, in the first round, in the middle and many in a row, give finite points."""
    direction, zeros = _gradients(domain)[0], np.zeros((9, *domain.shape))
    _require_finite(learner, domain, "zero", zeros)
    _require_finite(learner, domain, "repeated", np.array([direction] * 6))
    _require_finite(learner, domain, "zero at first", np.concatenate([zeros[:2], [direction] * 3]))
    between = np.concatenate([[direction], zeros, -2.0 * _gradients(domain)[:3]])
    _require_finite(learner, domain, "zero between others", between)


def check_scales(learner: Learner, domain: Domain) -> None:
    """Tiny and huge gradients give finite points."""
    _require_finite(learner, domain, "tiny (1e-150)", 1e-150 * _gradients(domain)[:6])
    _require_finite(learner, domain, "huge (1e150)", 1e150 * _gradients(domain)[:6])


def check_memory_formula(learner: Learner, domain: Domain) -> None:
    """The claimed number of state floats is what the state record holds."""
    problem = _problem(domain)
    player = _started(learner, domain)
    for gradient in _gradients(domain):
        player.update(gradient)
    claimed = player.memory(problem)  # after the game: a learner may take memory as it needs it
    if claimed is None:
        return
    held = state_floats(player.state)
    require(
        claimed.floats == held,
        f"the memory formula {claimed.formula} claims {claimed.floats} floats, the state holds {held}",
    )


def check_block_equals_rounds(learner: Learner, domain: Domain) -> None:
    """Where there is a loop over rows, it plays the same points as ``update`` does."""
    if len(domain.shape) != 1:
        return
    rows = _gradients(domain)
    margins = _block_margins(learner, domain, rows)
    if margins is None:
        return
    player = _started(learner, domain)
    for i, row in enumerate(rows):
        margin = float(row @ player.prediction)
        require(
            abs(margin - margins[i]) <= 1e-8 * (1.0 + abs(margin)),
            f"play_block and update disagree at round {i + 1}: margins {margins[i]!r} and {margin!r}; is a gradient "
            "used before its round is played?",
        )
        player.update((margin - 1.0) * row)


LEARNER_CHECKS: list[Callable[..., None]] = [
    check_methods,
    check_start,
    check_feasible,
    check_deterministic,
    check_independent_instances,
    check_causal,
    check_uses_gradient_when_revealed,
    check_leaves_gradient_alone,
    check_point_is_not_reused,
    check_state_is_all,
    check_pickles,
    check_float64,
    check_odd_gradients,
    check_scales,
    check_memory_formula,
    check_block_equals_rounds,
    check_regret_below_bound,
    check_play_leaves_learner_unchanged,
]
"""All checks of a learner, in the order in which they run."""

DOMAIN_CHECKS: list[Callable[..., None]] = [check_start, check_feasible, check_odd_gradients, check_regret_below_bound]
"""Those that a learner may pass on one domain and fail on another."""


def _plays_on(learner: Learner, domain: Domain) -> bool:
    try:
        _started(learner, domain)
    except ConfigError:
        return False
    return True


def _problem(domain: Domain) -> Problem:
    return Problem(
        domain=domain,
        horizon=ROUNDS,
        gradient_bound=10.0,
        gradient_entry_bound=10.0,
        exp_concavity=0.1,
        strong_convexity=0.1,
        seed=1,
    )


def _started(learner: Learner, domain: Domain) -> Learner:
    player = learner.fresh()
    player.start(_problem(domain))
    require(hasattr(player, "state"), "start must set self.state to a plain record with at least `point`")
    return player


def _gradients(domain: Domain) -> Array:
    return np.random.default_rng(11).standard_normal((ROUNDS, *domain.shape))


def _points(learner: Learner, domain: Domain, gradients: Array) -> list[Array]:
    player = _started(learner, domain)
    points = [player.prediction.copy()]
    for round_index, gradient in enumerate(gradients, start=1):
        try:
            player.update(gradient.copy())
        except Exception as error:
            cause = f"{type(error).__name__}: {error}"
            hint = f"; {_ZERO_ROUND}" if "finite" in cause or "Zero" in cause else ""
            raise CheckFailed(f"update failed in round {round_index} with {cause}{hint}") from error
        points.append(player.prediction.copy())
    return points


def _require_finite(learner: Learner, domain: Domain, kind: str, gradients: Array) -> None:
    with np.errstate(all="ignore"):
        points = _points(learner, domain, gradients)
    for round_index, point in enumerate(points, start=1):
        require(
            np.isfinite(point).all(),
            f"{kind} gradients made the point of round {round_index} infinite or NaN: guard the division, and scale "
            "before squaring",
        )
        _require_feasible(point, domain, round_index)


def _block_margins(learner: Learner, domain: Domain, rows: Array) -> Array | None:
    outcome = _started(learner, domain).play_block(RowBlock(Squared(), np.ascontiguousarray(rows), np.ones(len(rows))))
    return None if outcome is None else outcome.margins


def _require_same(expected: list[Array], got: list[Array], message: str, offset: int = 1) -> None:
    for round_index, (one, other) in enumerate(zip(expected, got, strict=True), start=offset):
        require(np.array_equal(one, other), message.format(round_index))


def _require_feasible(point: Array, domain: Domain, round_index: int) -> None:
    require(
        domain.contains(point, 1e-7),
        f"the point of round {round_index} lies outside the domain: project after the step, and onto problem.domain "
        "with its own centre and radius",
    )
