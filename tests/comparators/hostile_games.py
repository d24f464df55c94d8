"""Small games on wild scales, and what any point of their domains loses, in decimal arithmetic of 64 digits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from exact_minimum import Exact, ScalarSum, exact

from oco.domains import AffineSlice, Ball, Box, Domain, HalfSpace, L1Ball, Simplex, Slab, Unbounded
from oco.losses import RowBlock, scalar_loss

DIGITS = 64
LOSSES = ["linear", "squared", "absolute", "hinge", "squared_hinge", "logistic", "quantile", "huber"]
PLACES = ["unbounded", "ball", "off centre", "box", "orthant", "simplex", "l1 ball", "half-space", "slab", "slice"]
SHAPES = ["plain", "planted", "repeated column", "nearly repeated column", "few rows", "zeros", "tiny coordinate"]


class Sum(ScalarSum):
    """Sums of losses, also where exponentials of margins leave the range of decimals."""

    def _loss(self, p: Decimal, y: Decimal) -> Decimal:
        if self.name != "logistic":
            return super()._loss(p, y)
        small = (-abs(p)).exp()
        # Below 1e-30 the first terms of ln(1 + x) are exact to 64 digits, while 1 + x itself loses x.
        excess = small - small * small / 2 + small**3 / 3 if small < Decimal("1e-30") else (1 + small).ln()
        return max(Decimal(0), -y * p) + excess


@dataclass
class HostileGame:
    """Rows, targets and a domain whose coordinates have units of their own, and points to try the interval with.

    In units of its own every column is ordinary: ``rows = plain rows * units``, and good points are ``plain / units``.
    """

    block: RowBlock
    domain: Domain
    plain: np.ndarray
    units: np.ndarray
    seed: int

    def loss(self, point: Exact) -> Decimal:
        """F, to about 64 digits."""
        with localcontext() as context:
            context.prec = DIGITS
            sums = Sum(self.block.scalar.name, self.block.rows, self.block.targets, self.block.scalar.parameter)
            return sum(sums.losses(point), Decimal(0))

    def inside(self, point: Exact) -> Exact:
        """A point of the domain near ``point``, exactly in it."""
        with localcontext() as context:
            context.prec = DIGITS
            return _inside(self.domain, point)

    def candidates(self, found: np.ndarray, far: bool) -> list[Exact]:
        """Points of the domain: around ``found``, good in plain units, and far out where the plain rows are flat."""
        generator = np.random.default_rng(self.seed + 1)
        targets = self.block.targets
        best = np.linalg.lstsq(self.plain, targets, rcond=None)[0]
        points = [found, 0.0 * found, best / self.units, found * (1.0 + 1e-7 * generator.standard_normal(found.size))]
        points += [generator.standard_normal(found.size) / self.units]
        subset = generator.permutation(len(targets))[: found.size]
        corner = np.linalg.lstsq(self.plain[subset], targets[subset], rcond=None)[0]
        points += [corner / self.units]
        if far:
            flat = np.linalg.svd(self.plain)[2][-1]
            residual = targets - self.plain @ best
            for length in (-1e11, -1e3, 1e3, 1e7, 1e11):
                points.append((best + length * flat) / self.units)
            image = self.plain @ flat
            if image @ image > 0.0:  # exactly how far to go along the flat direction
                points.append((best + (residual @ image) / (image @ image) * flat) / self.units)
        return [self.inside(exact(point)) for point in points if np.isfinite(point).all()]


def hostile_game(name: str, where: str, shape: str, spread: int, size: int, seed: int) -> HostileGame:
    """A game with columns of scales from ``10^-spread`` to ``10^spread`` around ``10^size``."""
    if abs(size) > 138:  # beyond, squares leave the range of float64
        spread, shape = 0, "plain" if shape == "tiny coordinate" else shape
    generator = np.random.default_rng(seed)
    dimension, count = int(generator.integers(1, 4)), int(generator.integers(1, 9))
    if shape == "few rows":
        count, dimension = int(generator.integers(1, 3)), 3
    plain = generator.standard_normal((count, dimension))
    if shape.endswith("repeated column") and dimension > 1:
        plain[:, -1] = plain[:, 0]
        if shape.startswith("nearly"):
            plain[:, -1] += 10.0 ** generator.integers(-13, -5) * generator.standard_normal(count)
    if shape == "zeros":
        plain *= generator.random(plain.shape) < 0.5
    units = 10.0 ** (size + generator.integers(-spread, spread + 1, dimension))
    if shape == "tiny coordinate":
        units[-1] *= 1e-10
    scalar = scalar_loss(name, tau=0.8) if name == "quantile" else scalar_loss(name)
    targets = plain @ generator.standard_normal(dimension)
    if shape != "planted":
        targets = targets + 10.0 ** generator.integers(-9, 2) * generator.standard_normal(count)
    targets = np.where(targets > 0.0, 1.0, -1.0) if scalar.binary else targets
    rows = np.ascontiguousarray(plain * units)
    return HostileGame(RowBlock(scalar, rows, targets), _domain(where, units, generator), rows / units, units, seed)


def _domain(where: str, units: np.ndarray, generator: np.random.Generator) -> Domain:
    d, radius = units.size, float(10.0 ** generator.integers(-2, 3) / np.median(units))
    normal = generator.standard_normal(d) * units
    if where == "ball":
        return Ball(radius, dimension=d)
    if where == "off centre":
        center = generator.standard_normal(d) / units
        return Ball(max(radius, 1e-6 * float(np.abs(center).max())), center=center)
    if where == "box":
        return Box(-generator.random(d) / units, 2.0 * generator.random(d) / units)
    if where == "orthant":
        lower = generator.standard_normal(d) / units * (generator.random(d) < 0.5)
        upper = np.where(generator.random(d) < 0.3, lower + 1.0 / units, np.inf)
        return Box(np.where(generator.random(d) < 0.3, -np.inf, lower), upper)
    if where == "simplex":
        return Simplex(radius, dimension=d)
    if where == "l1 ball":
        return L1Ball(radius, dimension=d)
    if where == "half-space":
        return HalfSpace(normal, float(generator.standard_normal()))
    if where == "slab":
        return Slab(normal, float(abs(generator.standard_normal())))
    if where == "slice":
        return AffineSlice(normal[None], [float(generator.standard_normal())])
    return Unbounded(d)


def _inside(domain: Domain, point: Exact) -> Exact:
    given: dict[str, Any] = domain.describe()
    shrink = 1 - Decimal(10) ** (5 - DIGITS)
    zero = Decimal(0)
    if isinstance(domain, Unbounded):
        return point
    if isinstance(domain, Box):
        ends = (np.broadcast_to(given[key], domain.shape) for key in ("lower", "upper"))
        lower, upper = (exact(end) for end in ends)
        return np.array([min(max(x, low), high) for x, low, high in zip(point, lower, upper, strict=True)])
    if isinstance(domain, Ball):
        center, radius = exact(domain.start), Decimal(given["radius"]) * shrink
        offset = point - center
        length = (offset @ offset).sqrt()
        return center + offset * min(Decimal(1), radius / length if length > 0 else Decimal(1))
    if isinstance(domain, (Simplex, L1Ball)):
        size = Decimal(domain.radius("l1"))
        if isinstance(domain, L1Ball):
            length = sum((abs(x) for x in point), zero)
            return point * min(Decimal(1), size * shrink / length if length > 0 else Decimal(1))
        kept = np.array([max(x, zero) for x in point])
        total = sum(kept, zero)
        return kept * (size / total) if total > 0 else exact(np.ones(len(point))) * (size / len(point))
    if isinstance(domain, HalfSpace):
        normal, low, high = exact(given["normal"]), None, Decimal(given["bound"])
    elif isinstance(domain, Slab):
        normal, low, high = exact(given["row"]), -Decimal(given["bound"]), Decimal(given["bound"])
    else:
        normal, low, high = exact(given["matrix"][0]), Decimal(given["right_side"][0]), Decimal(given["right_side"][0])
    height = normal @ point
    target = min(height, high) if low is None else min(max(height, low), high)
    return point if target == height else point + normal * ((target - height) / (normal @ normal))


def norm_at_most(point: Exact, radius: float) -> bool:
    """Whether ``|point|_2 <= radius``, decided exactly."""
    if np.isinf(radius):
        return True
    with localcontext() as context:
        context.prec = DIGITS
        return bool(point @ point <= Decimal(radius) ** 2)
