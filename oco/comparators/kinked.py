"""Linear and kinked losses: the support function, and the method of multipliers."""

from __future__ import annotations

from functools import partial

import numpy as np

from oco.comparators.certificate import Certifier
from oco.comparators.newton import line_search, minimize
from oco.comparators.objective import LossLink, Objective
from oco.comparators.objectives import RowObjective
from oco.domains.base import Domain
from oco.errors import DomainError
from oco.regret.certificate import Certificate
from oco.types import Array

_UNBOUNDED_BELOW = "no minimizer exists: the cumulative loss is unbounded below"


def fraction(certifier: Certifier, of_allowed: float, of_gap: float) -> float:
    """The Frank-Wolfe gap at which a (smoothed) problem is solved accurately enough for the certificate."""
    return max(of_allowed * certifier.allowed_gap, of_gap * certifier.gap)


def solve_linear(objective: Objective, domain: Domain, certifier: Certifier) -> str:
    """Minimize ``<g, x>``: the point that attains the support function in the direction -g."""
    slopes = np.ones(objective.rows.count)
    gradient = objective.gradient(slopes)
    certifier.certificate = Certificate.SUPPORT_FUNCTION
    try:
        point = domain.maximizer(-gradient.reshape(domain.shape)).ravel()
    except DomainError:
        return _UNBOUNDED_BELOW
    certifier.offer_point(point, objective.margins(point))
    certifier.offer_dual(slopes, gradient)
    certifier.certificate = Certificate.SUPPORT_FUNCTION
    return ""


def solve_kinked(objective: Objective, domain: Domain, certifier: Certifier, point: Array, slopes: Array) -> Array:
    """The method of multipliers: minimize smoothed losses, move the multipliers to their slopes, narrow, repeat.

    ``slopes`` are the multipliers of an earlier prefix. Returns those of this one.
    """
    assert isinstance(objective.link, LossLink)
    margins = objective.margins(point)
    certifier.offer_point(point, margins)
    alpha, width = objective.link.first_multipliers(margins)
    if slopes.size:
        alpha = objective.link.clip(objective.link.evaluate(margins)[1])
        alpha[: slopes.size] = slopes
        width *= 0.1
    gap, widest, stalled = certifier.gap, width, 0
    for _ in range(40):
        smoothed = RowObjective(objective.link.smoothed(width, alpha), objective.rows)
        good_enough = partial(fraction, certifier, 0.1, 0.03)
        point, _ = minimize(smoothed, domain, point, certifier, stationary=good_enough, steps=30)
        if certifier.finished:
            break
        margins = smoothed.margins(point)
        curved = np.count_nonzero(smoothed.link.curvature(margins))
        alpha = smoothed.link.evaluate(margins)[1]
        # With fewer curved rows than coordinates the Newton systems are singular; then only the multipliers are
        # updated, as long as that helps.
        if curved > 1.5 * objective.rows.dimension or certifier.gap > 0.5 * gap:
            width *= 0.3
        stalled = stalled + 1 if certifier.gap > 0.99 * gap else 0
        if stalled:
            _search_ray(objective, domain, certifier)
            if certifier.finished:
                break
        if stalled == 3:  # the width is too small for these multipliers: keep them and start with a large width again
            width, stalled = widest, 0
        gap = certifier.gap
    return alpha if certifier.slopes is None else certifier.slopes


def _search_ray(objective: Objective, domain: Domain, certifier: Certifier) -> None:
    """Offer a point further out on the ray from the domain's start through the best one.

    If all losses can be zero, as on separable data, they are zero far enough out, where multipliers converge slowly.
    """
    if certifier.point is None or certifier.margins is None:
        return
    center = domain.start.ravel()
    change = certifier.margins - objective.margins(center)
    slope = float(np.vdot(objective.link.evaluate(certifier.margins)[1], change))
    if slope < 0.0:
        length, *_ = line_search(objective, certifier.margins, certifier.margins + change, slope)
        further = certifier.point + length * (certifier.point - center)
        further = domain.project(further.reshape(domain.shape)).ravel()
        certifier.offer_point(further, objective.margins(further))
