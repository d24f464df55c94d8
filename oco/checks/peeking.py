"""Checks that a learner uses nothing but what it is shown, whatever it could reach."""

from __future__ import annotations

from oco.checks.playing import require_same
from oco.checks.small_game import CUT, SmallGame
from oco.domains.base import Domain
from oco.game import play
from oco.learners.base import Learner
from oco.needs import PROMPT, feedback_of

LATE = 2
"""Rounds by which feedback is late in the games with delays."""


def check_sees_only_what_it_is_shown(learner: Learner, domain: Domain) -> None:
    """In two games that show the learner the same up to a round, its points up to that round are the same.

    The games differ in later losses, in the labels of rows that are shown before play, in the losses' values if the
    learner needs gradients, in their gradients if it needs values, and in feedback that is still to come.
    """
    for delay in (0,) if PROMPT in learner.needs else (0, LATE):
        games = [SmallGame(domain, learner.needs, other, delay) for other in (False, True)]
        for game in games:
            play(game, learner, comparator=False, spectrum=False)
        same = CUT + 1 + delay
        late = "" if delay == 0 else f", and comes {delay} rounds late,"
        require_same(
            games[0].points[:same],
            games[1].points[:same],
            f"the point of round {{}} changed although the learner was shown the same before: it needs "
            f"{feedback_of(learner.needs)}{late} and uses something else, such as a later loss, or a value or a "
            "gradient that it has not been given",
        )
