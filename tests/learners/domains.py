"""Domains on which learners are tried: most of them do not contain the origin."""

from __future__ import annotations

import numpy as np

import oco
from oco.domains.base import Domain
from oco.learners import LEARNERS


def bounded_domains(size: int) -> dict[str, Domain]:
    """Bounded domains of vectors, by name; the starts of all but the l1 ball's are off the origin."""
    return {
        "ball off centre": oco.Ball(radius=1.0, center=np.linspace(-2.0, 3.0, size)),
        "box without the origin": oco.Box(1.0, 3.0, dimension=size),
        "simplex": oco.Simplex(1.0, dimension=size),
        "ball and box": oco.BallBox(radius=1.0, center=np.full(size, 2.0), lower=1.7, upper=3.0, dimension=size),
        "l1 ball": oco.L1Ball(1.0, dimension=size),
    }


def unbounded_domains(size: int) -> dict[str, Domain]:
    """Domains without a diameter: no bound is stated there, and a learning rate must be given."""
    return {
        "box with one side": oco.Box(0.5, np.inf, dimension=size),
        "half-space": oco.HalfSpace(normal=np.ones(size), bound=-1.0),
        "slice": oco.AffineSlice(matrix=np.ones((1, size)), right_side=[1.0]),
    }


def domains_of(name: str, size: int = 3) -> dict[str, Domain]:
    """Where the learner called ``name`` can play with the hyper-parameters that it is given in the registry."""
    entry = LEARNERS[name]
    if entry.decision == "matrix":
        center = np.array([[0.5, -0.3], [0.1, -0.4], [0.2, 0.0]])
        return {
            "Frobenius ball off centre": oco.FrobeniusBall(2.0, center=center),
            "spectral ball": oco.SpectralBall(1.0, shape=(3, 2)),
        }
    if entry.decision == "simplex":
        return {"simplex": oco.Simplex(1.0, dimension=size), "large simplex": oco.Simplex(3.0, dimension=size)}
    if entry.decision == "unbounded":
        return {"whole space": oco.Unbounded(size)}
    if name.endswith(("_frank_wolfe", "metagrad")) or name in ("ader", "saol"):
        return bounded_domains(size)
    return bounded_domains(size) | unbounded_domains(size)
