"""The terms that the bounds of FD-SON and RFD-SON share."""

from __future__ import annotations

from typing import NamedTuple

from oco.learners.requirements import reach
from oco.learners.son import sum_of_weights
from oco.regret.bounds import Constant, Observed


class SONTerms(NamedTuple):
    """Hyper-parameters of a sketched SON, and what the first terms of its bound are made of."""

    ridge: float
    learning_rate: float
    curvature: float
    exponent: float

    def weight(self, round_index: int) -> float:
        """``sigma + 1 / (learning_rate t^exponent)``."""
        return float(self.curvature + 1.0 / (self.learning_rate * round_index**self.exponent))

    def slack(self, observed: Observed) -> float:
        """``ridge/2 |x_1 - x*|^2 + (GD)^2/2 sum eta_t``."""
        slope = observed.largest_gradient * observed.domain.diameter()
        weights = sum_of_weights(self.learning_rate, self.exponent, observed.rounds)
        return 0.5 * self.ridge * reach(observed.domain) ** 2 + 0.5 * slope**2 * weights

    def constants(self, observed: Observed, escaped_mass: float) -> tuple[Constant, ...]:
        """What went into the bound, for its table."""
        return (
            Constant("distance to the comparator (l2 norm)", reach(observed.domain), "domain"),
            Constant("diameter (l2 norm)", observed.domain.diameter(), "domain"),
            Constant("largest gradient (l2 norm)", observed.largest_gradient, "observed"),
            Constant("weight of the last round", self.weight(observed.rounds), "given"),
            Constant("ridge", self.ridge, "given"),
            Constant("escaped mass", escaped_mass, "observed"),
        )
