"""The regret bounds in ``tr G^{1/2}``: full-matrix AdaGrad's, and Theorem 3 and Corollary 4 of the Sketchy paper.

For points that are projected in the norm of ``H_t = (Gtil_t + delta I)^{1/2}`` with ``Gtil_t >= G_t``, both monotone,
mirror descent with learning rate eta has

    Regret <= D^2 / (2 eta) tr (Gtil_T + delta I)^{1/2} + eta tr G_T^{1/2}                         (a posteriori)

because ``sum_t <g_t, (G_t^{1/2})^+ g_t> <= 2 tr G_T^{1/2}``. Theorem 3 follows from ``tr Gtil^{1/2} <= tr G^{1/2} + d
sqrt(rho)``, Corollary 4 from ``sum_i (lambda_i(Gtil) - lambda_i(G)) <= (d - ell) rho``, both with ``rho <= Omega_ell``
(Lemma 1); ``tr (A + delta I)^{1/2} <= tr A^{1/2} + d sqrt(delta)``.
"""

from __future__ import annotations

import math

import numpy as np

from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.sketching.state import SketchState


def trace_root_bound(
    observed: Observed,
    sketch: SketchState,
    diameter: float,
    rate: float,
    delta: float,
    rate_given: bool,
    *,
    own_norm: bool = True,
) -> Bound:
    """Theorem 3 for a sketch of rank k < d, the full-matrix bound for k = d, both for any learning rate.

    ``own_norm`` says whether points are projected in the norm of the preconditioner itself, as the theorems ask.
    """
    d = sketch.dimension
    size = sketch.capacity + 1
    escaped = sketch.escaped_mass
    weight = diameter**2 / (2.0 * rate)
    added = d * math.sqrt(delta)
    padded = np.zeros(d)
    padded[: sketch.rank] = sketch.eigenvalues
    sketched_root = float(np.sum(np.sqrt(padded + escaped + delta)))
    complete = sketch.capacity >= d
    if complete:
        root = float(np.sum(np.sqrt(padded)))
    elif observed.spectrum is not None:
        root = observed.spectrum.trace_root().upper
    else:
        root = float(np.sum(np.sqrt(padded + escaped)))  # G <= Gbar + rho I
    constants = [
        Constant("diameter (l2 norm)", diameter, "domain"),
        Constant("learning rate", rate, "given" if rate_given else "domain"),
        Constant("tr G^(1/2)", root, "observed"),
        Constant("delta", delta, "given"),
    ]
    assumptions = (
        Assumption("the domain is bounded", math.isfinite(diameter)),
        Assumption("points are projected in the norm of the learner's own matrix", own_norm),
    )
    if complete:
        return Bound(
            theorem="Duchi, Hazan, Singer 2011, Theorem 7 (mirror descent)",
            value=weight * (root + added) + rate * root,
            constants=tuple(constants),
            assumptions=assumptions,
        )

    def theorem_3(mass: float) -> float:
        return weight * (root + d * math.sqrt(mass) + added) + rate * root

    def corollary_4(mass: float) -> float:
        return weight * (root + math.sqrt(d * max(d - size, 0) * mass) + added) + rate * root

    omega = observed.spectrum.omega(size) if observed.spectrum is not None else observed.gradient_squares / size
    constants += [Constant("Omega", omega, "observed"), Constant("escaped mass", escaped, "observed")]
    return Bound(
        theorem="Sketchy (Feinberg et al. 2023), Theorem 3",
        value=theorem_3(omega),
        constants=tuple(constants),
        assumptions=assumptions,
        variants={
            "Corollary 4": corollary_4(omega),
            "Theorem 3 with the escaped mass": theorem_3(escaped),
            "Corollary 4 with the escaped mass": corollary_4(escaped),
            "a posteriori": weight * sketched_root + rate * root,
        },
    )
