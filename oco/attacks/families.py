"""Structured adversaries: streams with a few free parameters, each in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from oco.attacks.arena import Arena
from oco.types import Array

Family = Callable[[Array, Arena], Array]

PARAMETERS = 5
"""Free parameters of every family; one that needs fewer leaves the rest alone."""


def blocks(u: Array, arena: Arena) -> Array:
    """Blocks of one sign and one axis that grow geometrically; the first round may count less, as against leaders."""
    rounds, dimension = arena.shape
    length, growth = rounds ** (0.7 * u[0]), 1.0 + 2.0 * u[1] * (u[1] > 0.05)
    axes = 1 + int(u[2] * (dimension - 1e-9))
    rows = np.zeros(arena.shape)
    start, number = 0, 0
    while start < rounds:
        stop = min(rounds, start + max(1, round(length)))
        rows[start:stop, (number // 2) % axes] = 1.0 if number % 2 == 0 else -1.0
        start, number, length = stop, number + 1, length * growth
    rows[0] *= 0.05 + 0.95 * u[3]
    return rows


def cycles(u: Array, arena: Arena) -> Array:
    """One large step and then several small ones against it, again and again."""
    rounds, dimension = arena.shape
    period = 2 + int(u[0] * 10.0)
    axis = int(u[2] * (dimension - 1e-9))
    rows = np.zeros(arena.shape)
    rows[:, axis] = -u[1] / (period - 1)
    rows[int(u[3] * period) :: period, axis] = 1.0
    return rows * (1.0 if u[4] < 0.5 else -1.0)


def rotating(u: Array, arena: Arena) -> Array:
    """One of several axes at a time, each for a while, with signs that stay or alternate at every visit."""
    rounds, dimension = arena.shape
    period = max(1, round(rounds ** (0.8 * u[0])))
    axes = 1 + int(u[1] * (dimension - 1e-9))
    turn = np.arange(rounds) // period
    rows = np.zeros(arena.shape)
    signs = np.where((turn // axes) % 2 == 0, 1.0, -1.0) if u[2] > 0.5 else np.ones(rounds)
    rows[np.arange(rounds), turn % axes] = signs
    if u[3] > 0.5:  # a steady pull beside them
        rows[:, -1] += u[4]
    return rows


def noisy(u: Array, arena: Arena) -> Array:
    """A steady direction and a noisy one beside it, which preconditioners of a wrong projection cannot tell apart."""
    rounds, dimension = arena.shape
    generator = np.random.default_rng([arena.seed, int(u[4] * 1024.0)])
    coins = generator.integers(0, 2, rounds) * 2.0 - 1.0
    rows = np.zeros(arena.shape)
    rows[:, 0] = u[0]
    rows[:, dimension - 1] += u[1] + u[2] * coins
    return rows


def decaying(u: Array, arena: Arena) -> Array:
    """Random axes by a power law, with random or steady signs; the energy of a sketch's head and tail."""
    rounds, dimension = arena.shape
    generator = np.random.default_rng([arena.seed, int(u[4] * 1024.0), 1])
    weights = np.arange(1, dimension + 1) ** (-3.0 * u[0])
    axes = generator.choice(dimension, rounds, p=weights / weights.sum())
    signs = np.where(generator.random(rounds) < 0.5 + 0.5 * u[1], 1.0, -1.0)
    rows = np.zeros(arena.shape)
    rows[np.arange(rounds), axes] = signs * (1.0 - u[2] * (axes > 0))
    return rows


def orthogonal(u: Array, arena: Arena) -> Array:
    """An adversary that sees the point: across the point and the sum of its rows, with a part along each."""
    dimension = arena.shape[1]
    toward, along, late = 2.0 * u[0] - 1.0, 2.0 * u[1] - 1.0, u[2] * arena.horizon
    axes = np.eye(dimension)

    def choose(t: int, point: Array, total: Array) -> Array:
        units: list[Array] = []
        for vector in (point, total):
            rest = _across(vector, units)
            size = float(np.linalg.norm(rest))
            if size > 1e-9:
                units.append(rest / size)
        tries = (_across(axes[(t + i) % dimension], units) for i in range(dimension))
        row = next((each / np.linalg.norm(each) for each in tries if each @ each > 1e-2), np.zeros(dimension))
        if t >= late and np.any(point):
            row = row + toward * point / np.linalg.norm(point)
        if np.any(total):
            row = row + along * total / np.linalg.norm(total)
        size = float(np.linalg.norm(row))
        unit: Array = row / size if size > 1e-9 else axes[0]
        return unit

    return arena.follow(choose)


def _across(vector: Array, units: list[Array]) -> Array:
    """The part of ``vector`` across all orthonormal ``units``."""
    for unit in units:
        vector = vector - (vector @ unit) * unit
    return vector


FAMILIES: dict[str, Family] = {
    family.__name__: family for family in (blocks, cycles, rotating, noisy, decaying, orthogonal)
}
"""All families by name."""
