"""A sketch that chooses its own rank: when it must grow, how it grows, and what it has certified.

`AdaptiveFDAdaGrad` subtracts nothing from its sketch, and takes one direction more instead, whenever a shrink
would make ``tr (Gbar + rho I)^{1/2}`` exceed ``(1 + tolerance) tr Gbar^{1/2}``. The statement and its proof are in
docs/adaptive_rank.md; the test is `oco.sketching.kernels.exceeds`, O(k) a round.
"""

from __future__ import annotations

import math

import numpy as np

from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.sketching.state import SketchState
from oco.types import Array


def grown(sketch: SketchState, buffer: int, anchor: Array, tracked: bool) -> SketchState:
    """The same sketch with room for one direction more; ``anchor`` is the vector whose coordinates it carries."""
    old = sketch.capacity
    larger = SketchState.empty(sketch.dimension, old + 1, buffer, tracked)
    rank, directions = sketch.rank, sketch.eigenvectors
    larger.header[0] = sketch.header[0]
    head, new = larger.header[0], larger.arrays()
    head.compressions = 0.0
    head.used = sketch.dimension
    larger.replace(sketch.arrays().values[:rank], directions)
    if new.known.size > 0:
        new.known[:rank] = directions @ anchor
    head.anchor_square = float(anchor @ anchor)
    return larger


def reached_tolerance(sketch: SketchState) -> float:
    """``tr (Gbar + rho I)^{1/2} / tr Gbar^{1/2} - 1``: by how much compensation raises the trace; 0 for no gradient."""
    values, escaped = sketch.eigenvalues, sketch.escaped_mass
    if values.size == 0:
        return 0.0
    compensated = float(np.sum(np.sqrt(values + escaped))) + (sketch.dimension - values.size) * math.sqrt(escaped)
    return compensated / float(np.sum(np.sqrt(values))) - 1.0


def certified_bound(
    observed: Observed, sketch: SketchState, diameter: float, rate: float, rate_given: bool, delta: float, asked: float
) -> Bound:
    """``(D^2 (1 + eps) / (2 eta) + eta) tr G^{1/2}`` with the tolerance that was asked for, or reached if larger."""
    reached = reached_tolerance(sketch)
    values, escaped, d = sketch.eigenvalues, sketch.escaped_mass, sketch.dimension
    if observed.spectrum is not None:
        root = observed.spectrum.trace_root().upper
    else:  # G <= Gbar + rho I
        root = float(np.sum(np.sqrt(values + escaped))) + (d - values.size) * math.sqrt(escaped)
    weight, tolerance = diameter**2 / (2.0 * rate), max(asked, reached)
    added = weight * d * math.sqrt(delta)
    return Bound(
        theorem="FD-AdaGrad with the rank chosen on the way (docs/adaptive_rank.md), derived here",
        value=(weight * (1.0 + tolerance) + rate) * root + added,
        constants=(
            Constant("diameter (l2 norm)", diameter, "domain"),
            Constant("learning rate", rate, "given" if rate_given else "domain"),
            Constant("tr G^(1/2)", root, "observed"),
            Constant("tolerance asked for", asked, "given"),
            Constant("tolerance reached", reached, "observed"),
            Constant("rank", float(sketch.capacity), "observed"),
            Constant("escaped mass", escaped, "observed"),
        ),
        assumptions=(Assumption("points are projected in the norm of the learner's own matrix", True),),
        variants={
            "with the tolerance reached": (weight * (1.0 + reached) + rate) * root + added,
            "full-matrix AdaGrad": (weight + rate) * root + added,
        },
    )
