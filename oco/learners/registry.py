"""Every learner by the name that configs use, with what tests, the command line and the docs must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from oco.learners.ada_fd import AdaFD, AdaFFD, PrimalDualAdaFD
from oco.learners.adagrad_norm import AdaGradNorm
from oco.learners.adam import Adam, AMSGrad
from oco.learners.base import Learner
from oco.learners.coin_betting import CoinBetting
from oco.learners.diagonal_adagrad import DiagonalAdaGrad
from oco.learners.fd_adagrad import FDAdaGrad
from oco.learners.ftsl import FTFSL, FTSL
from oco.learners.full_matrix_adagrad import FullMatrixAdaGrad
from oco.learners.hedge import Hedge
from oco.learners.ogd import OGD
from oco.learners.oja_son import OjaSON
from oco.learners.online_newton_step import SON, OnlineNewtonStep
from oco.learners.primal_dual_adagrad import PrimalDualDiagonalAdaGrad, PrimalDualFullMatrixAdaGrad
from oco.learners.random_projection import AdaLR, RadaGrad
from oco.learners.shampoo import OneSidedShampoo, Shampoo
from oco.learners.sketched_shampoo import SketchedOneSidedShampoo, SketchedShampoo
from oco.learners.sketched_son import FDSON, RFDSON
from oco.plugins import Registry

Decision = Literal["any", "matrix", "simplex"]


@dataclass(frozen=True)
class Entry:
    """One learner of the registry.

    Attributes
    ----------
    learner
        The class.
    decision
        What it plays: ``"any"`` array (a matrix row by row), a ``"matrix"``, or points of the ``"simplex"``.
    needs
        What the problem must state for the hyper-parameters that are left to the theorem (the default ones).
    examples
        Hyper-parameters with which the shared tests run it on small problems; the first leave to the theorem what they
        can.
    """

    learner: type[Learner]
    decision: Decision = "any"
    needs: tuple[str, ...] = ()
    examples: tuple[Mapping[str, Any], ...] = ({},)


DIAMETER = "a bounded domain"
GRADIENT_BOUND = "a gradient bound"
EXP_CONCAVITY = "an exp-concavity constant"

ENTRIES: dict[str, Entry] = {
    entry.learner.name: entry
    for entry in (
        Entry(
            OGD,
            needs=(DIAMETER, GRADIENT_BOUND),
            examples=(
                {},
                {"learning_rate": 0.5, "schedule": "constant"},
                {"learning_rate": 2.0, "schedule": "strongly_convex"},
            ),
        ),
        Entry(AdaGradNorm, needs=(DIAMETER,)),
        Entry(DiagonalAdaGrad, needs=(DIAMETER,), examples=({}, {"delta": 0.1})),
        Entry(PrimalDualDiagonalAdaGrad, needs=(DIAMETER, GRADIENT_BOUND), examples=({}, {"delta": 0.0})),
        Entry(FullMatrixAdaGrad, needs=(DIAMETER,), examples=({}, {"delta": 0.1})),
        Entry(PrimalDualFullMatrixAdaGrad, needs=(DIAMETER, GRADIENT_BOUND), examples=({}, {"delta": 0.0})),
        Entry(
            FDAdaGrad,
            needs=(DIAMETER,),
            examples=(
                {"rank": 2},
                {"rank": 1, "delta": 0.1},
                {"rank": 4, "buffer": 1},
                {"rank": 50},
                {"rank": "auto"},
                {"rank": "auto", "tolerance": 0.1, "max_rank": 3, "buffer": 0},
                {"rank": 2, "compensation": "half"},
                {"rank": 2, "compensation": "none", "delta": 0.1},
                {"rank": 2, "decay": 0.9},
                {"rank": 2, "projection_delta": 1.0},
            ),
        ),
        Entry(AdaFD, needs=(DIAMETER,), examples=({"rank": 2}, {"rank": 50, "delta": 0.1})),
        Entry(PrimalDualAdaFD, needs=(DIAMETER,), examples=({"rank": 2}, {"rank": 50, "delta": 20.0})),
        Entry(AdaFFD, needs=(DIAMETER,), examples=({"rank": 1}, {"rank": 2, "buffer": 0})),
        Entry(FTSL, needs=(DIAMETER, GRADIENT_BOUND), examples=({"rank": 2}, {"rank": 50, "delta": 0.0})),
        Entry(FTFSL, needs=(DIAMETER, GRADIENT_BOUND), examples=({"rank": 1}, {"rank": 2, "buffer": 0})),
        Entry(AdaLR, examples=({"rank": 2}, {"rank": 50})),
        Entry(RadaGrad, examples=({"rank": 2}, {"rank": 50})),
        Entry(OnlineNewtonStep, needs=(DIAMETER, GRADIENT_BOUND, EXP_CONCAVITY)),
        Entry(SON, examples=({}, {"learning_rate": 0.5, "exponent": 0.0})),
        Entry(FDSON, examples=({"rank": 2}, {"rank": 50, "exponent": 0.0})),
        Entry(RFDSON, examples=({"rank": 2}, {"rank": 2, "delta": 0.0}, {"rank": 50, "exponent": 0.0})),
        Entry(OjaSON, examples=({"rank": 2}, {"rank": 50, "curvature": 0.1})),
        Entry(Adam),
        Entry(AMSGrad, examples=({}, {"learning_rate": 0.1, "beta1": 0.0})),
        Entry(CoinBetting, needs=(GRADIENT_BOUND,)),
        Entry(Hedge, decision="simplex", needs=(GRADIENT_BOUND,), examples=({}, {"learning_rate": 0.3})),
        Entry(Shampoo, decision="matrix", needs=(DIAMETER,), examples=({}, {"delta": 1e-3})),
        Entry(OneSidedShampoo, decision="matrix", needs=(DIAMETER,), examples=({}, {"delta": 1e-3})),
        Entry(
            SketchedShampoo,
            decision="matrix",
            needs=(DIAMETER,),
            examples=({"rank": 1}, {"rank": 50, "delta": 1e-3}, {"rank": 1, "decay": 0.9}),
        ),
        Entry(
            SketchedOneSidedShampoo,
            decision="matrix",
            needs=(DIAMETER,),
            examples=({"rank": 1}, {"rank": 1, "decay": 0.9}),
        ),
    )
}
"""Every built-in learner's entry by name."""

LEARNERS: Registry[Learner] = Registry(
    "learner", "oco.learners", Learner, {name: entry.learner for name, entry in ENTRIES.items()}
)
"""Every learner by name, those of other packages too."""
