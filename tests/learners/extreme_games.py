"""Random games at every scale that docs/numerics.md promises: learner x domain x gradients x hyper-parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from domains.domain_cases import vector_domains

from oco.checks.playing import show, tell
from oco.domains import Ball, FrobeniusBall, Simplex, SpectralBall, Unbounded
from oco.domains.base import Domain
from oco.domains.box import Box
from oco.errors import NumericsError
from oco.learners import LEARNERS, Learner, Problem
from oco.types import Array

SMALLEST, LARGEST = -150.0, 150.0
"""Exponents of the documented range of gradients."""
ROUNDS = 12
NAMES = tuple(LEARNERS.built_in)


@dataclass(frozen=True)
class Game:
    """One drawn game; ``promised`` says that nothing in it is beyond the documented range."""

    name: str
    keywords: dict[str, Any]
    domain: Domain
    place: str
    stream: str
    gradients: Array
    promised: bool

    def problem(self) -> Problem:
        bound = float(np.max(np.linalg.norm(self.gradients.reshape(len(self.gradients), -1) / self.unit, axis=1)))
        entry = float(np.abs(self.gradients).max())
        return Problem(self.domain, len(self.gradients), bound * self.unit, 0.1, seed=3, gradient_entry_bound=entry)

    @property
    def unit(self) -> float:
        return float(np.abs(self.gradients).max()) or 1.0

    def learner(self) -> Learner:
        return LEARNERS[self.name](**self.keywords)

    def __str__(self) -> str:
        return f"{self.name} {self.keywords} on {self.place} {self.domain.shape}, {self.stream} at {self.unit:.1e}"


def draw_gradients(generator: np.random.Generator, shape: tuple[int, ...]) -> tuple[str, Array]:
    """A named stream whose entries are zero or of sizes in the documented range."""
    kind = generator.choice(
        ["random", "repeated", "growing", "falling", "axes", "zeros", "mixed", "alternating", "flat"]
    )
    rows = generator.standard_normal((ROUNDS, *shape))
    exponent = generator.uniform(SMALLEST, LARGEST)
    if generator.random() < 0.3:
        exponent = float(generator.choice([SMALLEST, LARGEST, -100.0, -30.0, 30.0, 100.0]))
    scales = np.full(ROUNDS, 10.0**exponent)
    if kind in ("growing", "falling"):
        ends = np.sort(generator.uniform(SMALLEST, LARGEST, 2))
        scales = 10.0 ** np.linspace(*(ends if kind == "growing" else ends[::-1]), ROUNDS)
    elif kind == "mixed":
        scales = 10.0 ** generator.uniform(SMALLEST, LARGEST, ROUNDS)
    elif kind == "repeated":
        rows[:] = rows[0]
    elif kind == "alternating":
        rows[:] = rows[0]
        rows[1::2] *= -1.0
    elif kind == "flat":
        rows[:] = 1.0
    elif kind == "axes":
        size = int(np.prod(shape))
        rows = np.eye(size)[generator.integers(size, size=ROUNDS)].reshape(rows.shape)
    elif kind == "zeros":
        rows[generator.random(ROUNDS) < 0.5] = 0.0
    rows = np.sign(rows) * np.clip(np.abs(rows), 0.0, 1.0) * scales.reshape(-1, *(1 for _ in shape))
    return str(kind), np.where(np.abs(rows) < 10.0**SMALLEST, 0.0, rows)


def draw_domain(generator: np.random.Generator, decision: str) -> tuple[str, Domain]:
    """A domain of size about one that suits the learner."""
    if decision == "matrix":
        shape = (int(generator.integers(1, 4)), int(generator.integers(1, 4)))
        domains: dict[str, Domain] = {
            "Frobenius ball": FrobeniusBall(1.0, shape=shape),
            "Frobenius ball off the origin": FrobeniusBall(1.0, center=generator.standard_normal(shape)),
            "spectral ball": SpectralBall(0.5, shape=shape),
            "box of matrices": Box(-0.2, 0.3).with_shape(shape),
            "unbounded": Unbounded(shape),
        }
    else:
        dimension = int(generator.integers(1, 7))
        domains = {**vector_domains(dimension, generator), "unbounded": Unbounded(dimension)}
        if decision == "unbounded":
            domains = {"unbounded": Unbounded(dimension)}
        if decision == "simplex":
            domains = {"simplex": Simplex(1.5, dimension)}
    place = str(generator.choice(list(domains)))
    return place, domains[place]


def draw(seed: int) -> Game:
    """The game of ``seed``."""
    generator = np.random.default_rng(seed)
    name = NAMES[seed % len(NAMES)]
    entry = LEARNERS[name]
    place, domain = draw_domain(generator, entry.decision)
    stream, gradients = draw_gradients(generator, domain.shape)
    keywords = dict(entry.examples[generator.integers(len(entry.examples))])
    known = LEARNERS[name](**keywords).hyperparameters()
    promised = True
    if generator.random() < 0.4 and "learning_rate" in known:
        keywords["learning_rate"] = 10.0 ** generator.uniform(-160.0, 160.0)
        promised = False
    if "learning_rate" in known and known["learning_rate"] is None and not domain.bounded:
        keywords.setdefault("learning_rate", 0.5)
    bounded_only = name.endswith(("_frank_wolfe", "metagrad")) or name in ("ader", "saol", "faml")
    if bounded_only and not domain.bounded:
        place, domain = "ball", Ball(1.0).with_shape(domain.shape)
    if name == "barrier_bandit":
        place, domain = "ball", Ball(1.0).with_shape(domain.shape)
    if name in ("one_point_bandit", "two_point_bandit"):
        keywords["learning_rate"], place, domain = 0.1, "ball", Ball(1.0).with_shape(domain.shape)
    if name == "online_newton_step" and not domain.bounded:
        keywords |= {"curvature": 1.0, "ridge": 1.0}
    return Game(name, keywords, domain, place, stream, gradients, promised and domain.bounded)


def play(game: Game) -> str:
    """Play by `update` alone: ``"played"``, or the sentence of a `NumericsError`; AssertionError for a wrong point."""
    learner = game.learner()
    learner.start(game.problem())
    for round_index, gradient in enumerate(game.gradients, start=1):
        try:
            show(learner, game.gradients, round_index - 1)
            tell(learner, gradient)
        except NumericsError as error:
            sentence = str(error)
            assert f"round {round_index}" in sentence, sentence
            assert type(learner).__name__ in sentence, sentence
            return sentence
        point = learner.prediction
        assert np.isfinite(point).all(), f"round {round_index}: {point}"
        assert game.domain.contains(point), f"round {round_index}: {point} outside"
    return "played"
