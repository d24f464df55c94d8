"""The regret bound of AdaGrad's primal-dual forms: Theorems 5 (diagonal) and 7 (full matrix) of Duchi et al."""

from __future__ import annotations

from oco.learners.requirements import at_most, reach
from oco.regret.bounds import Assumption, Bound, Constant, Observed

_NORMS = {"l2": "l2 norm", "linf": "max norm"}


def primal_dual_bound(
    observed: Observed, theorem: str, norm: str, eta: Constant, ridge: Constant, trace: float, largest: float
) -> Bound | None:
    """``ridge/eta |x*|_2^2 + (|x*|^2/eta + eta) trace``, the second |x*| in ``norm``; None on an unbounded domain."""
    if not observed.domain.bounded:
        return None
    distance, narrow = reach(observed.domain), reach(observed.domain, norm)
    start = ridge.value / eta.value * distance**2
    return Bound(
        theorem=theorem,
        value=start + (narrow**2 / eta.value + eta.value) * trace,
        constants=(
            Constant("distance to the comparator (l2 norm)", distance, "domain"),
            Constant(f"distance to the comparator ({_NORMS[norm]})", narrow, "domain"),
            eta,
            ridge,
            Constant("trace of the root of the covariance", trace, "observed"),
        ),
        assumptions=(Assumption(f"{ridge.name} is at least the largest gradient", at_most(largest, ridge.value)),),
        variants={"first terms halved (derived here)": 0.5 * start + (0.5 * narrow**2 / eta.value + eta.value) * trace},
    )
