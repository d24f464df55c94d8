"""Best fixed points: known minimizers, certificates that hold, curves over prefixes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, sparse

from oco.comparators import anytime, anytime_of, best_fixed_point, certify
from oco.domains import AffineSlice, Ball, Box, Domain, HalfSpace, Unbounded
from oco.errors import ComparatorError, ConfigError, DomainError, NumericsError
from oco.losses import (
    SCALAR_LOSSES,
    Absolute,
    Hinge,
    Linear,
    Logistic,
    RowBlock,
    RowLoss,
    ScalarLoss,
    Squared,
    scalar_loss,
)

NAMES = sorted(set(SCALAR_LOSSES) - {"logarithmic"})


def rounds(loss: ScalarLoss, count: int = 80, dimension: int = 5, seed: int = 0) -> RowBlock:
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((count, dimension))
    targets = rows @ generator.standard_normal(dimension) + generator.standard_normal(count)
    return RowBlock(loss, rows, np.where(targets > 0.0, 1.0, -1.0) if loss.binary else targets)


def total(block: RowBlock, point: np.ndarray) -> float:
    return float(block.scalar.values_and_derivatives(block.rows @ point, block.targets)[0].sum())


@pytest.mark.parametrize("radius", [0.3, 30.0])
@pytest.mark.parametrize("name", NAMES)
def test_no_point_of_the_ball_is_better_than_the_certificate(name: str, radius: float) -> None:
    block = rounds(scalar_loss(name))
    best = best_fixed_point(block, Ball(radius, dimension=5))
    assert best.tight
    assert np.linalg.norm(best.point) <= radius * (1.0 + 1e-14)
    assert total(block, best.point) <= best.value.upper
    generator = np.random.default_rng(1)
    for scale in (1.0, 0.1, 1e-3, 1e-6):
        for _ in range(200):
            other = best.point + scale * radius * generator.standard_normal(5)
            other *= min(1.0, radius / np.linalg.norm(other))
            assert total(block, other) >= best.value.lower


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"linear"}))
def test_unbounded_agrees_with_a_general_purpose_minimizer(name: str) -> None:
    block = rounds(scalar_loss(name))
    best = best_fixed_point(block, Unbounded(5))
    assert best.tight
    assert best.note == ""
    polished = optimize.minimize(
        lambda x: total(block, x), best.point, method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-12}
    )
    assert best.value.lower <= polished.fun
    assert best.value.upper <= polished.fun + 1e-4 * abs(polished.fun)


def test_linear_losses_on_a_ball_have_their_closed_form() -> None:
    block = rounds(Linear())
    best = best_fixed_point(block, Ball(2.0, dimension=5))
    pull = block.rows.sum(axis=0)
    assert best.certificate == "support function"
    assert best.value.upper == pytest.approx(-2.0 * np.linalg.norm(pull), rel=1e-11)
    np.testing.assert_allclose(best.point, -2.0 * pull / np.linalg.norm(pull), rtol=1e-14)


def test_linear_losses_on_the_whole_space_have_no_minimizer() -> None:
    best = best_fixed_point(rounds(Linear()), Unbounded(5))
    assert best.value.lower == -np.inf
    assert not best.tight
    assert "unbounded below" in best.note


def test_squared_losses_on_the_whole_space_are_least_squares() -> None:
    block = rounds(Squared())
    point, residual, *_ = np.linalg.lstsq(block.rows, block.targets)
    best = best_fixed_point(block, Unbounded(5), tolerance=1e-9)
    assert best.tight
    np.testing.assert_allclose(best.point, point, rtol=1e-9)
    assert 0.5 * residual[0] in best.value


def test_squared_losses_with_fewer_rows_than_coordinates() -> None:
    block = rounds(Squared(), count=3)
    best = best_fixed_point(block, Unbounded(5))
    assert best.tight
    assert best.value.lower == 0.0
    np.testing.assert_allclose(block.rows @ best.point, block.targets, atol=1e-3)


def test_separable_rows_have_no_logistic_minimizer_and_the_comparator_says_so() -> None:
    block = rounds(Logistic(), count=4)
    best = best_fixed_point(block, Unbounded(5))
    assert "no minimizer" in best.note
    assert best.value.lower == 0.0
    assert best.tight
    assert np.linalg.norm(best.point) < 1e3
    assert best_fixed_point(block, Ball(3.0, dimension=5)).note == ""


WEIGHTS = np.array([1.0, -2.0, 0.5, 0.0, 1.0])


@pytest.mark.parametrize(
    ("domain", "exists"),
    [
        (Unbounded(5), False),
        (HalfSpace(-WEIGHTS, 0.0), False),
        (HalfSpace(WEIGHTS, -1.0), True),
        (Box(np.where(WEIGHTS > 0.0, 0.0, -np.inf), np.where(WEIGHTS > 0.0, np.inf, 0.0)), False),
        (AffineSlice(WEIGHTS[None], [1.0]), True),
    ],
)
@pytest.mark.parametrize("name", ["logistic", "hinge", "squared_hinge"])
def test_separable_rows_on_unbounded_domains(name: str, domain: Domain, exists: bool) -> None:
    """Where the domain goes on for ever along a separating direction the infimum is 0, and no huge norm is reported."""
    rows = np.random.default_rng(1).standard_normal((150, 5))
    best = best_fixed_point(RowBlock(scalar_loss(name), rows, np.sign(rows @ WEIGHTS)), domain)
    assert best.tight
    assert np.linalg.norm(best.point) < 2e3
    if not exists:
        assert best.value.lower == 0.0
        assert best.value.upper <= 1e-5
    # A hinge is at its minimum once the margins suffice; only the logistic loss falls for ever.
    assert ("no minimizer exists: the rows are separable" in best.note) == (name == "logistic" and not exists)


def test_partly_separable_rows_have_an_infimum_that_is_not_zero() -> None:
    block = RowBlock(
        Logistic(), np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 1.0, -1.0, 1.0])
    )
    best = best_fixed_point(block, Unbounded(2))
    infimum = -2.0 * np.log(2.0 / 3.0) - np.log(1.0 / 3.0)
    assert infimum in best.value
    assert best.tight
    assert "no minimizer" in best.note


def test_realizable_absolute_loss_reaches_zero() -> None:
    generator = np.random.default_rng(0)
    rows, planted = generator.standard_normal((300, 6)), generator.standard_normal(6)
    block = RowBlock(Absolute(), rows, rows @ planted)
    for domain in (Unbounded(6), Ball(2.0 * float(np.linalg.norm(planted)), dimension=6)):
        best = best_fixed_point(block, domain)
        assert best.tight
        assert best.value.lower == 0.0
        np.testing.assert_allclose(best.point, planted, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_sparse_rows_give_the_same_comparator(name: str) -> None:
    block = rounds(scalar_loss(name))
    block.rows[np.abs(block.rows) < 0.7] = 0.0
    dense = best_fixed_point(block, Ball(1.0, dimension=5))
    same = best_fixed_point(RowBlock(block.scalar, sparse.csr_array(block.rows), block.targets), Ball(1.0, dimension=5))
    assert same.tight
    assert dense.value.lower <= same.value.upper
    assert same.value.lower <= dense.value.upper


class Blocks:
    """A stream that hands out its rounds in blocks only."""

    def __init__(self, block: RowBlock) -> None:
        self.whole = block
        self.horizon = len(block)

    def block(self, start: int, stop: int) -> RowBlock:
        return RowBlock(self.whole.scalar, self.whole.rows[start:stop], self.whole.targets[start:stop])


@pytest.mark.parametrize("kind", ["dense", "CSR"])
def test_rows_that_do_not_fit_into_memory(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    block = rounds(Logistic(), count=5000)
    if kind == "CSR":
        block = RowBlock(block.scalar, sparse.csr_array(block.rows), block.targets)
    whole = best_fixed_point(block, Ball(1.0, dimension=5))
    monkeypatch.setattr("oco.losses.rows.HELD_SHARE", 0.0)
    streamed = best_fixed_point(Blocks(block), Ball(1.0, dimension=5))
    assert streamed.tight
    np.testing.assert_allclose(streamed.point, whole.point, rtol=1e-9)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"linear"}))
def test_curve_of_losses_that_are_not_negative_rises(name: str) -> None:
    block = rounds(scalar_loss(name))
    curve = anytime(block, Ball(2.0, dimension=5), [1, 2, 5, 10, 20, 40, 80])
    assert curve.tight
    assert np.all(np.diff(curve.lower) >= 0.0)
    assert np.all(curve.upper >= curve.lower)
    for checkpoint in curve:
        prefix = RowBlock(block.scalar, block.rows[: checkpoint.rounds], block.targets[: checkpoint.rounds])
        assert total(prefix, checkpoint.point) <= checkpoint.value.upper
        alone = best_fixed_point(prefix, Ball(2.0, dimension=5))
        assert alone.value.lower <= checkpoint.value.upper
        assert checkpoint.value.lower <= alone.value.upper


def test_losses_of_the_final_point_along_the_curve() -> None:
    block = rounds(Logistic())
    curve = anytime(block, Ball(2.0, dimension=5), [3, 40, 80])
    expected = [total(RowBlock(block.scalar, block.rows[:t], block.targets[:t]), curve.point) for t in (3, 40, 80)]
    np.testing.assert_allclose(curve.final, expected, rtol=1e-13)
    assert np.all(curve.final >= curve.lower)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["zero rows", "one round", "one coordinate", "duplicated rows"])
def test_degenerate_rounds(name: str, kind: str) -> None:
    block = rounds(scalar_loss(name))
    rows, targets = block.rows, block.targets
    if kind == "zero rows":
        rows = np.zeros_like(rows)
    elif kind == "one round":
        rows, targets = rows[:1], targets[:1]
    elif kind == "one coordinate":
        rows = rows[:, :1]
    else:
        rows = np.repeat(rows[:3], 20, axis=0)
        targets = np.repeat(targets[:3], 20)
    block = RowBlock(block.scalar, np.ascontiguousarray(rows), targets)
    domain = Ball(1.5, dimension=rows.shape[1])
    best = best_fixed_point(block, domain)
    assert best.tight
    assert domain.contains(best.point, 1e-14)
    if kind == "zero rows":
        assert total(block, np.zeros(5)) in best.value


@pytest.mark.parametrize("scale", [1e-100, 1e-8, 1e8, 1e100])
@pytest.mark.parametrize("name", ["squared", "logistic", "absolute", "hinge"])
def test_rows_of_any_size(name: str, scale: float) -> None:
    block = rounds(scalar_loss(name))
    best = best_fixed_point(RowBlock(block.scalar, scale * block.rows, block.targets), Ball(1.0 / scale, dimension=5))
    plain = best_fixed_point(block, Ball(1.0, dimension=5))
    assert best.tight
    assert best.value.lower <= plain.value.upper
    assert plain.value.lower <= best.value.upper


def test_a_gap_that_is_not_tight_is_an_error_only_when_asked() -> None:
    block = rounds(Hinge())
    loose = best_fixed_point(block, Ball(1.0, dimension=5), tolerance=1e-18)
    assert not loose.tight
    with pytest.raises(ComparatorError, match="certified gap") as caught:
        best_fixed_point(block, Ball(1.0, dimension=5), tolerance=1e-18, strict=True)
    assert caught.value.gap >= 0.0


def test_kinked_losses_without_curvature_and_without_a_formed_hessian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oco.comparators.newton.FORMED_DIMENSION", 0)
    generator = np.random.default_rng(0)
    block = RowBlock(Hinge(), generator.standard_normal((30, 40)) / 7.0, np.where(np.arange(30) % 3 == 0, -1.0, 1.0))
    for radius in (1e-3, 0.5, 5.0):
        best = best_fixed_point(block, Ball(radius, dimension=40))
        assert best.tight
        assert total(block, best.point) <= best.value.upper


def test_hinge_loss_of_rows_that_a_ball_separates_is_driven_to_zero() -> None:
    generator = np.random.default_rng(5)
    separator = generator.standard_normal(30)
    rows = (generator.random((2_000, 30)) < 0.2).astype(float)
    margins = rows @ separator
    kept = np.abs(margins) > 0.05 * np.linalg.norm(separator)
    block = RowBlock(Hinge(), rows[kept], np.sign(margins[kept]))
    best = best_fixed_point(block, Ball(25.0, dimension=30))
    assert best.tight
    assert best.value.lower >= 0.0
    assert best.value.upper <= 1e-7 * kept.sum()


@pytest.mark.parametrize("checkpoints", [[], [0, 5], [5, 5], [5, 81], [5, 3]])
def test_checkpoints_that_are_no_rounds_are_refused(checkpoints: list[int]) -> None:
    block = rounds(Squared())
    losses = [RowLoss(block.scalar, row, y) for row, y in zip(block.rows, block.targets, strict=True)]
    with pytest.raises(ConfigError, match=r"checkpoints must rise within 1\.\.80, got"):
        anytime(block, Ball(1.0, dimension=5), checkpoints)
    with pytest.raises(ConfigError, match=r"checkpoints must rise within 1\.\.80, got"):
        anytime_of(losses, Ball(1.0, dimension=5), checkpoints)


def test_what_is_not_finite_or_of_another_size_is_refused_in_a_sentence() -> None:
    block = rounds(Squared())
    with pytest.raises(NumericsError, match="a row or a target is not finite"):
        best_fixed_point(
            RowBlock(Squared(), np.where(block.rows > 2.0, np.nan, block.rows), block.targets), Unbounded(5)
        )
    with pytest.raises(NumericsError, match="a row or a target is not finite"):
        best_fixed_point(RowBlock(Squared(), block.rows, np.full(80, np.inf)), Ball(1.0, dimension=5))
    logs = RowBlock(scalar_loss("logarithmic"), np.abs(block.rows), np.zeros(80))
    with pytest.raises(ComparatorError, match="not finite at the start of Box"):
        best_fixed_point(logs, Box(0.0, np.inf, dimension=5))
    with pytest.raises(DomainError, match="has decisions of shape"):
        best_fixed_point(block, Ball(1.0, dimension=7))
    with pytest.raises(DomainError, match="has decisions of shape"):
        certify(block, Ball(1.0, dimension=5), np.zeros(4))
