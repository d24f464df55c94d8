"""What a learner may need of its game, and what an environment gives: the words that both use."""

from __future__ import annotations

DIAMETER = "a bounded domain"
GRADIENT_BOUND = "a gradient bound"
EXP_CONCAVITY = "an exp-concavity constant"
TOTAL_DELAY = "the total delay"
"""Constants that a theorem sets hyper-parameters from, if they are left at their defaults."""

ROW = "the row of the coming loss"
HINT = "a hint of the coming gradient"
"""What is shown before play, to `Learner.observe`."""

GRADIENT = "gradients"
WHOLE_LOSS = "whole losses"
ONE_VALUE = "one value of the loss"
TWO_VALUES = "two values of the loss"
"""What is shown after play, to `Learner.update`: a learner needs one of these, gradients if it names none."""

PROX = "proximal steps of the losses"
CONSTRAINT = "a constraint"
PROMPT = "feedback in the round it is about"
"""What may be asked of the feedback besides."""

FEEDBACKS = (GRADIENT, WHOLE_LOSS, ONE_VALUE, TWO_VALUES)
FULL_INFORMATION = (*FEEDBACKS, PROMPT)
"""What every environment gives that reveals whole losses without delay."""

GAME = (ROW, HINT, *FEEDBACKS, PROX, CONSTRAINT, PROMPT)
"""Everything that an environment gives or not; the rest are constants, which a hyper-parameter can replace."""

REMEDIES = {
    ROW: "play an environment whose losses are rows, phi(<a_t, x>, y_t)",
    HINT: "wrap the environment: oco.environments.Hinted(environment, hint='last')",
    GRADIENT: "play the environment without Bandit, or a learner of values such as TwoPointBandit",
    WHOLE_LOSS: "play the environment without Bandit, or a learner of values such as TwoPointBandit",
    ONE_VALUE: "play an environment that reveals losses",
    TWO_VALUES: "give Bandit points=2, or play a learner of one value",
    PROX: "play an environment whose losses are rows or quadratic forms, or OGD",
    CONSTRAINT: "wrap the environment: oco.environments.WithConstraint(environment, constraint)",
    PROMPT: "play the environment without Delayed, or a learner of gradients",
}
"""What to do where an environment does not give what a learner needs."""


def feedback_of(needs: tuple[str, ...]) -> str:
    """The feedback among a learner's needs; gradients where it names none.

    Examples
    --------
    >>> feedback_of((DIAMETER, TWO_VALUES, PROMPT)), feedback_of(())
    ('two values of the loss', 'gradients')
    """
    return next((need for need in needs if need in FEEDBACKS), GRADIENT)
