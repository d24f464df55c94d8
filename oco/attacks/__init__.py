"""Search for the stream of losses on which a learner has the largest regret, or comes nearest to its bound."""

from oco.attacks.attack import attack
from oco.attacks.found import Found, growth_exponent
from oco.attacks.methods import METHODS

__all__ = ["METHODS", "Found", "attack", "growth_exponent"]
