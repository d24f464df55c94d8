"""Does an environment keep its promises? Seeds, restarts, convexity, stated constants, blocks, spectrum, drift."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from oco.checks.failure import Check, bind, require
from oco.checks.loss import LOSS_CHECKS
from oco.domains.base import Domain
from oco.environments.row_stream import RowStream
from oco.losses.rows import RowBlock, dense_row
from oco.types import Array

_ROUNDS = 24
"""Rounds of a stream that are looked at one by one."""
_SPECTRUM_ROUNDS = 20_000
"""Most rounds from which a covariance is estimated."""


def check_environment(environment: Any) -> None:
    """Run every check on ``environment``; raise `CheckFailed` at the first that fails.

    Parameters
    ----------
    environment
        Any object with ``domain``, ``horizon`` and ``reveal(point) -> Loss``, ours or yours. It is not changed: the
        checks play copies. What it offers beyond that (``restart``, ``block``, ``gradient_bound``, ``exp_concavity``,
        ``strong_convexity``, ``gradient_eigenvalues``, ``comparators``) is checked where it is there.

    Examples
    --------
    >>> import oco
    >>> check_environment(oco.environments.SpectrumLinear(6, 500, exponent=1.5))
    """
    for _, check in environment_checks(environment):
        check()


def environment_checks(environment: Any) -> Iterator[tuple[str, Check]]:
    """Every check as ``(name, function)``."""
    yield from bind(ENVIRONMENT_CHECKS, environment)


def check_protocol(environment: Any) -> None:
    """It has a domain with a shape, a horizon of at least one round, and losses with a value and a gradient."""
    for name in ("domain", "horizon", "reveal"):
        require(
            hasattr(environment, name), f"the environment has no {name}: it needs domain, horizon and reveal(point)"
        )
    require(
        isinstance(environment.horizon, (int, np.integer)) and environment.horizon >= 1,
        f"horizon must be a whole number of rounds, at least 1, got {environment.horizon!r}",
    )
    start = environment.domain.start
    loss = _stream(environment, 0).reveal(start)
    for name in ("value", "gradient"):
        require(
            callable(getattr(loss, name, None)), f"reveal returned {type(loss).__name__}, which has no {name}(point)"
        )
    value = loss.value(start)
    require(
        np.ndim(value) == 0 and np.isfinite(value), f"the first loss at the domain's start is {value!r}, not a number"
    )


def check_same_seed_same_stream(environment: Any) -> None:
    """Two streams of one seed, played in turn, are equal to the last bit, and neither moves the environment itself."""
    before = _played_as_given(environment)
    first, second = _stream(environment, 5), _stream(environment, 5)
    generator = np.random.default_rng(1)
    for round_index in range(min(_ROUNDS, environment.horizon)):
        point = _inside(environment.domain, generator, 1)[0]
        ours, theirs = _numbers(first.reveal(point), point), _numbers(second.reveal(point), point)
        require(
            _same(ours, theirs),
            f"two streams of seed 5 differ in round {round_index + 1}: the losses depend on something besides the seed "
            "and the points played (a global random state, or an array that copies share)",
        )
    require(
        _same_all(before, _played_as_given(environment)),
        "playing a copy changed the environment that it was made from: restart must make new arrays",
    )


def check_restart(environment: Any) -> None:
    """`restart` in the middle of a stream goes back before round 1 and leaves nothing of what was played."""
    if not hasattr(environment, "restart"):
        return
    stream = _stream(environment, 5)
    wanted = _played(_stream(environment, 9), 4)
    _played(stream, 7)
    stream.restart(9)
    require(
        _same_all(wanted, _played(stream, 4)),
        "after restart(9) in mid-stream the losses are not those of a fresh stream of seed 9: restart keeps a counter, "
        "a generator or a cache from before",
    )


def check_losses(environment: Any) -> None:
    """Every loss is convex on the domain, and its gradient is a subgradient, of the decision's shape."""
    for round_index, loss, points in _sampled(environment):
        for check in LOSS_CHECKS:
            try:
                check(loss, points)
            except AssertionError as failure:
                require(False, f"round {round_index + 1}: {failure}")


def check_gradient_bound(environment: Any) -> None:
    """No gradient on the domain is longer than the stated bound."""
    for name, what, order in (("gradient_bound", "length", 2), ("gradient_entry_bound", "a largest entry of", np.inf)):
        bound = getattr(environment, name, None)
        if bound is None:
            continue
        for round_index, loss, points in _sampled(environment):
            largest = max(float(np.linalg.norm(loss.gradient(point).ravel(), order)) for point in points)
            require(
                largest <= bound,
                f"round {round_index + 1}: a gradient has {what} {largest:.9g} and {name} is {bound:.9g}: it "
                "forgets a part of the domain, or a row that is longer than the others",
            )


def check_strong_convexity(environment: Any) -> None:
    """``f((x + y) / 2) <= (f(x) + f(y)) / 2 - sigma |x - y|^2 / 8``."""
    sigma = getattr(environment, "strong_convexity", None)
    if sigma is None:
        return
    for round_index, loss, points in _sampled(environment):
        for x, y in _pairs(environment.domain, loss, points):
            ends = 0.5 * (loss.value(x) + loss.value(y)) - sigma / 8.0 * float(np.vdot(x - y, x - y))
            middle = loss.value((x + y) / 2)
            require(
                middle <= ends + 1e-10 * (1.0 + abs(ends)),
                f"round {round_index + 1}: the loss is not strongly convex with strong_convexity = {sigma:.6g}: a "
                f"midpoint has value {middle:.9g}, and {ends:.9g} is the most that is allowed (factor 2 from "
                "sigma / 2 |x|^2?)",
            )


def check_exp_concavity(environment: Any) -> None:
    """``exp(-alpha f)`` at a midpoint is at least the mean of its values at the ends."""
    alpha = getattr(environment, "exp_concavity", None)
    if alpha is None:
        return
    for round_index, loss, points in _sampled(environment):
        for x, y in _pairs(environment.domain, loss, points):
            middle = loss.value((x + y) / 2)
            drops = alpha * (middle - np.array([loss.value(x), loss.value(y)]))
            require(
                np.max(drops) < 700.0 and 0.5 * np.exp(drops).sum() <= 1.0 + 1e-10,
                f"round {round_index + 1}: exp(-alpha f) is not concave with exp_concavity = {alpha:.6g}: a linear or "
                "hinge loss has no alpha, and others have one that shrinks with the size of the domain",
            )


def check_block_form(environment: Any) -> None:
    """`block` gives rows and targets in the form that kernels take, all over the stream."""
    if isinstance(environment, RowStream):
        for start, stop in _ranges(environment.horizon):
            _require_form(environment, _stream(environment, 5).block(start, stop), start, stop)


def check_blocks(environment: Any) -> None:
    """`block` hands out the rounds that `reveal` reveals, from any round on."""
    if not isinstance(environment, RowStream):
        return
    horizon = environment.horizon
    stream = _stream(environment, 5)
    for start, stop in _ranges(horizon):
        whole = stream.block(start, stop)
        middle = (start + stop) // 2
        if middle > start:
            parts = [_stream(environment, 5).block(*part) for part in ((middle, stop), (start, middle))][::-1]
            require(
                np.array_equal(_dense(whole), np.vstack([_dense(part) for part in parts]))
                and np.array_equal(whole.targets, np.concatenate([part.targets for part in parts])),
                f"block({start}, {stop}) differs from its two halves asked for on their own: a block must depend on "
                "the seed and the rounds alone, not on what was asked for before",
            )
    stop = min(_ROUNDS, horizon)
    block = stream.block(0, stop)
    generator = np.random.default_rng(2)
    for i in range(stop):
        point = _inside(environment.domain, generator, 1)[0]
        loss = stream.reveal(point)
        values, slopes = block.scalar.values_and_derivatives(
            np.array([dense_row(block.rows, i) @ point]), block.targets[i : i + 1]
        )
        gradient = slopes[0] * dense_row(block.rows, i)
        require(
            np.isclose(loss.value(point), values[0], rtol=1e-12, atol=1e-12)
            and np.allclose(loss.gradient(point), gradient, rtol=1e-12, atol=1e-12),
            f"round {i + 1}: reveal and block disagree on the loss: they read different rows, or block moves the round "
            "that reveal is at",
        )


def check_any_round(environment: Any) -> None:
    """`loss_at`, where there is one, gives the losses that `reveal` reveals."""
    if not hasattr(environment, "loss_at"):
        return
    stream, other = _stream(environment, 5), _stream(environment, 5)
    points = _inside(environment.domain, np.random.default_rng(2), min(8, environment.horizon))
    revealed = [_numbers(stream.reveal(point), point) for point in points]
    for i in range(len(points) - 1, -1, -1):
        require(
            _same(revealed[i], _numbers(other.loss_at(i), points[i])),
            f"loss_at({i}) is not the loss that round {i + 1} reveals: it depends on the rounds asked for before",
        )


def check_spectrum(environment: Any) -> None:
    """The sample covariance of gradients, in the stated eigenvectors of each round, is the stated one."""
    wanted = getattr(environment, "gradient_eigenvalues", None)
    if wanted is None:
        return
    rounds = min(environment.horizon, _SPECTRUM_ROUNDS if isinstance(environment, RowStream) else 2_000)
    gradients = _gradients_at_start(environment, rounds)
    length = max(1, rounds // 64)  # rounds that share a set of eigenvectors, or nearly so
    for i in range(rounds):
        if i % length == 0 or getattr(getattr(environment, "drift", None), "name", "fixed") != "fixed":
            basis = environment.gradient_eigenvectors(i)
            require(
                np.allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-9),
                f"gradient_eigenvectors({i}) is not an orthonormal basis",
            )
        gradients[i] = basis.T @ gradients[i]
    mass = float(wanted.sum())
    positive = wanted > 1e-12 * wanted.max()
    spread = np.mean(gradients**2, axis=0)
    require(
        np.all(spread[~positive] <= 1e-9 * mass),
        "gradients have mass in directions whose eigenvalue is stated to be zero",
    )
    whitened = gradients[:, positive] / np.sqrt(wanted[positive])
    sample = np.linalg.eigvalsh(whitened.T @ whitened / rounds)
    # The eigenvalues of a whitened sample lie within (1 + sqrt(d / T))^2 of 1, up to fluctuations that are smaller.
    ratio = np.sqrt(whitened.shape[1] / rounds)
    allowed = 1.5 * (2.0 * ratio + ratio**2) + 5.0 / np.sqrt(rounds)
    worst = float(np.abs(sample - 1.0).max())
    require(
        worst <= allowed,
        f"over {rounds} rounds the covariance of gradients departs from the stated spectrum by a factor 1 +- "
        f"{worst:.3g} where sampling explains {allowed:.3g}: eigenvalues are stated unsquared or unscaled, or the "
        "eigenvectors are not those of the round",
    )


def check_comparators(environment: Any) -> None:
    """The moving comparator lies in the domain, and its path length is the one that is stated."""
    if not hasattr(environment, "comparators"):
        return
    rounds = min(environment.horizon, 20_000)
    points = environment.comparators(0, rounds)
    require(
        points.shape == (rounds, *environment.domain.shape),
        f"comparators(0, {rounds}) has shape {points.shape}, not {(rounds, *environment.domain.shape)}",
    )
    for point in points[:: max(1, rounds // 50)]:
        require(
            environment.domain.contains(point, 1e-9), "a comparator lies outside the domain: learners cannot reach it"
        )
    if rounds == environment.horizon:
        steps = np.diff(points.reshape(rounds, -1), axis=0)
        length = float(np.sqrt((steps * steps).sum(axis=1)).sum())
        stated = environment.path_length
        require(
            np.isclose(length, stated, rtol=1e-9, atol=1e-9),
            f"path_length is stated as {stated:.9g}, the comparators' steps sum to {length:.9g}",
        )


ENVIRONMENT_CHECKS: list[Callable[..., None]] = [
    check_protocol,
    check_block_form,
    check_same_seed_same_stream,
    check_restart,
    check_losses,
    check_gradient_bound,
    check_strong_convexity,
    check_exp_concavity,
    check_blocks,
    check_any_round,
    check_spectrum,
    check_comparators,
]
"""All checks of an environment."""


def _stream(environment: Any, seed: int) -> Any:
    if hasattr(environment, "fresh"):
        return environment.fresh(seed)
    stream = copy.deepcopy(environment)
    if hasattr(stream, "restart"):
        stream.restart(seed)
    return stream


def _inside(domain: Domain, generator: np.random.Generator, count: int) -> list[Array]:
    """Random points of the domain, of all sizes up to its boundary."""
    size = domain.radius() if domain.bounded else 3.0
    points = []
    for _ in range(count):
        direction = generator.standard_normal(domain.shape)
        length = size * generator.uniform(0.0, 1.5) / float(np.linalg.norm(direction))
        points.append(domain.project(domain.start + length * direction))
    return points


def _sampled(environment: Any) -> Iterator[tuple[int, Any, Array]]:
    """Rounds from the beginning of a stream, and from all over it where they can be reached, with points to look at."""
    generator = np.random.default_rng(4)
    domain = environment.domain
    stream = _stream(environment, 5)
    for i in range(min(_ROUNDS, environment.horizon)):
        points = _inside(domain, generator, 5)
        loss = stream.reveal(points[0])
        gradient = np.asarray(loss.gradient(points[0]))
        for direction in (gradient, -gradient):
            if gradient.shape == domain.shape and np.isfinite(domain.support(direction)):
                points.append(domain.maximizer(direction))
        yield i, loss, np.array(points)
    if hasattr(environment, "loss_at"):
        for i in np.linspace(0, environment.horizon - 1, 8).astype(int):
            yield int(i), stream.loss_at(int(i)), np.array(_inside(domain, generator, 5))


def _pairs(domain: Domain, loss: Any, points: Array) -> Iterator[tuple[Array, Array]]:
    """Pairs of points: far apart, and close together along the gradient, where curvature is least certain."""
    yield from zip(points[:-1], points[1:], strict=True)
    for point in points:
        gradient = np.asarray(loss.gradient(point))
        length = float(np.linalg.norm(gradient))
        for step in (0.3, 0.03):
            if length > 0.0:
                yield point, domain.project(point - step * gradient / length)


def _numbers(loss: Any, point: Array) -> tuple[float, Array]:
    return float(loss.value(point)), np.asarray(loss.gradient(point))


def _same(ours: tuple[float, Array], theirs: tuple[float, Array]) -> bool:
    return ours[0] == theirs[0] and np.array_equal(ours[1], theirs[1])


def _played(stream: Any, rounds: int) -> list[tuple[float, Array]]:
    points = _inside(stream.domain, np.random.default_rng(8), min(rounds, stream.horizon))
    return [_numbers(stream.reveal(point), point) for point in points]


def _played_as_given(environment: Any) -> list[tuple[float, Array]]:
    """The first losses of a copy; of seed 0 where only `restart` makes a stream that can be played."""
    try:
        return _played(copy.deepcopy(environment), 3)
    except Exception:
        if not (hasattr(environment, "restart") or hasattr(environment, "fresh")):
            raise
        return _played(_stream(environment, 0), 3)


def _same_all(ours: list[tuple[float, Array]], theirs: list[tuple[float, Array]]) -> bool:
    return all(_same(one, other) for one, other in zip(ours, theirs, strict=True))


def _ranges(horizon: int) -> Iterator[tuple[int, int]]:
    yield 0, min(40, horizon)
    yield max(0, horizon - 30), horizon
    yield max(0, horizon // 2 - 5), min(horizon, horizon // 2 + 300)


def _require_form(environment: Any, block: RowBlock, start: int, stop: int) -> None:
    where = f"block({start}, {stop})"
    shape = (stop - start, environment.domain.dimension)
    require(block.rows.shape == shape, f"{where} has rows of shape {block.rows.shape}, not {shape}")
    require(block.targets.shape == shape[:1], f"{where} has targets of shape {block.targets.shape}, not {shape[:1]}")
    rows: Any = block.rows
    if isinstance(rows, np.ndarray):
        good = rows.dtype == np.float64 and rows.flags.c_contiguous
    else:
        good = rows.dtype == np.float64 and rows.format == "csr" and rows.has_sorted_indices
    require(good, f"{where} has rows that are neither C-contiguous float64 nor float64 CSR with sorted indices")
    require(block.targets.dtype == np.float64, f"{where} has targets of type {block.targets.dtype}, not float64")
    if block.scalar.binary:
        require(np.isin(block.targets, (-1.0, 1.0)).all(), f"{where} has targets of a class that are not -1 or +1")


def _dense(block: RowBlock) -> Array:
    rows: Any = block.rows
    dense: Array = rows if isinstance(rows, np.ndarray) else rows.toarray()
    return dense


def _gradients_at_start(environment: Any, rounds: int) -> Array:
    """``(n, d)``: gradients at the domain's start, less their mean where the losses are not linear."""
    stream = _stream(environment, 5)
    point = environment.domain.start
    gradients = np.array([np.asarray(stream.reveal(point).gradient(point)).ravel() for _ in range(rounds)])
    if isinstance(environment, RowStream):
        return gradients
    centred: Array = gradients - gradients.mean(axis=0)
    return centred
