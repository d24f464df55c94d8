"""Checks of an environment's statements about its losses: convexity, constants, spectrum, moving comparator."""

from __future__ import annotations

from typing import Any

import numpy as np

from oco.checks.failure import require
from oco.checks.loss import LOSS_CHECKS
from oco.checks.streams import pairs_of, sampled_losses, stream_of
from oco.environments.row_stream import RowStream
from oco.types import Array

_SPECTRUM_ROUNDS = 20_000
"""Most rounds from which a covariance is estimated."""


def check_losses(environment: Any) -> None:
    """Every loss is convex on the domain, and its gradient is a subgradient, of the decision's shape."""
    for round_index, loss, points in sampled_losses(environment):
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
        for round_index, loss, points in sampled_losses(environment):
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
    for round_index, loss, points in sampled_losses(environment):
        for x, y in pairs_of(environment.domain, loss, points):
            ends = 0.5 * (loss.value(x) + loss.value(y)) - sigma / 8.0 * float(np.vdot(x - y, x - y))
            middle = loss.value((x + y) / 2)
            require(
                middle <= ends + 1e-10 * (1.0 + abs(ends)),
                f"round {round_index + 1}: the loss is not strongly convex with strong_convexity = {sigma:.6g}: a "
                f"midpoint has value {middle:.9g}, and {ends:.9g} is the most that is allowed (factor 2 from "
                "sigma / 2 |x|^2?)",
            )


def check_exp_concavity(environment: Any) -> None:
    """``exp(-alpha f)`` at a midpoint is at least the mean of its values at the endpoints."""
    alpha = getattr(environment, "exp_concavity", None)
    if alpha is None:
        return
    for round_index, loss, points in sampled_losses(environment):
        for x, y in pairs_of(environment.domain, loss, points):
            middle = loss.value((x + y) / 2)
            drops = alpha * (middle - np.array([loss.value(x), loss.value(y)]))
            require(
                np.max(drops) < 700.0 and 0.5 * np.exp(drops).sum() <= 1.0 + 1e-10,
                f"round {round_index + 1}: exp(-alpha f) is not concave with exp_concavity = {alpha:.6g}: a linear or "
                "hinge loss has no alpha, and others have one that shrinks with the size of the domain",
            )


def check_spectrum(environment: Any) -> None:
    """The sample covariance of gradients, in the stated eigenvectors of each round, agrees with the stated one."""
    wanted = getattr(environment, "gradient_eigenvalues", None)
    if wanted is None:
        return
    rounds = min(environment.horizon, _SPECTRUM_ROUNDS if isinstance(environment, RowStream) else 2_000)
    gradients = _gradients_at_start(environment, rounds)
    length = max(1, rounds // 64)  # number of rounds with (nearly) the same eigenvectors
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
    # The eigenvalues of a whitened sample lie within (1 + sqrt(d / T))^2 of 1, up to smaller fluctuations.
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
    """The moving comparator lies in the domain and has the stated path length."""
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


def _gradients_at_start(environment: Any, rounds: int) -> Array:
    """``(n, d)``: gradients at the domain's start, minus their mean if the losses are not linear."""
    stream = stream_of(environment, 5)
    point = environment.domain.start
    gradients = np.array([np.asarray(stream.reveal(point).gradient(point)).ravel() for _ in range(rounds)])
    if isinstance(environment, RowStream):
        return gradients
    centered: Array = gradients - gradients.mean(axis=0)
    return centered
