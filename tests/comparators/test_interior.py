"""The interior point method for boxes whose Hessian is not formed: intervals as by Newton's method, and identities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from oco.comparators import best_fixed_point, interior, multinomial, newton, objectives
from oco.comparators.interior import Sides
from oco.comparators.preconditioner import BlockPreconditioner, DiagonalPreconditioner
from oco.comparators.rows import RowMatrix
from oco.comparators.solvers import margins
from oco.domains import Ball, Box
from oco.losses import MultinomialBlock, RowBlock, scalar_loss
from oco.losses.scalar import Quantile


def _rounds(loss: str, dense: bool) -> RowBlock | MultinomialBlock:
    generator = np.random.default_rng(5)
    rows: Any = generator.standard_normal((150, 6)) * np.array([1.0, 3.0, 0.1, 1.0, 10.0, 1.0])
    rows[generator.random(rows.shape) < 0.4] = 0.0
    scores = rows @ generator.standard_normal((6, 4)) + generator.standard_normal((150, 4))
    if not dense:
        rows = sparse.csr_array(rows)
    if loss == "multinomial":
        return MultinomialBlock(rows, scores.argmax(axis=1), 4)
    targets = scores[:, 0] if loss in ("squared", "huber") else np.where(scores[:, 0] > 0.0, 1.0, -1.0)
    return RowBlock(scalar_loss(loss), rows, targets)


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("loss", ["multinomial", "logistic", "squared", "huber"])
def test_intervals_are_tight_and_meet_those_of_newtons_method(
    loss: str, dense: bool, diagonal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = _rounds(loss, dense)
    for box in (Box(-0.5, 0.5), Box(-0.02, 0.3), Box(-50.0, 0.0)):
        expected = best_fixed_point(rounds, box)
        calls: list[Any] = []

        def minimize(*arguments: Any, calls: list[Any] = calls, **options: Any) -> Any:
            calls.append(arguments)
            return arguments[2], None

        with monkeypatch.context() as patch:
            patch.setattr(newton, "FORMED_DIMENSION", 0)
            patch.setattr(margins, "minimize", minimize)
            if diagonal:
                patch.setattr(objectives, "LARGEST_BLOCK", 0)
                patch.setattr(multinomial, "LARGEST_BLOCK", 0)
            found = best_fixed_point(rounds, box)
        assert found.tight
        assert not calls  # Newton's method had nothing left to do
        assert max(found.value.lower, expected.value.lower) <= min(found.value.upper, expected.value.upper)


def test_a_time_limit_leaves_an_honest_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = _rounds("multinomial", True)
    exact = best_fixed_point(rounds, Box(-0.5, 0.5))
    monkeypatch.setattr(newton, "FORMED_DIMENSION", 0)
    monkeypatch.setattr(interior, "STEPS", 4)
    found = best_fixed_point(rounds, Box(-0.5, 0.5), seconds=0.0)
    assert not found.tight
    assert found.value.lower <= exact.value.upper
    assert exact.value.lower <= found.value.upper


def test_one_block_is_inverted_exactly_and_shared_changes_by_the_shift_alone() -> None:
    generator = np.random.default_rng(0)
    root = generator.standard_normal((5, 5))
    matrix, shift, vector = root @ root.T, generator.uniform(0.1, 1.0, 5), generator.standard_normal(5)
    solved = BlockPreconditioner([matrix]).inverse(shift)(vector)
    np.testing.assert_allclose(matrix @ solved + shift * solved, vector, rtol=1e-9)
    diagonal = DiagonalPreconditioner(np.full(6, 1e12), 3, shared=True)
    ones = np.tile([1.0, 2.0], 3)
    shift = np.arange(1.0, 7.0)
    # With the rest infinitely stiff only equal changes are left: 3 (1, 2) over the sums of the shift, (9, 12).
    np.testing.assert_allclose(diagonal.inverse(shift)(ones), np.tile([3.0 / 9.0, 6.0 / 12.0], 3), rtol=1e-9)


@pytest.mark.parametrize("dense", [True, False])
def test_sums_of_squares_are_the_diagonal_of_the_gram_matrix(dense: bool) -> None:
    rows = _rounds("squared", dense).rows
    matrix = RowMatrix(rows, 150, 6)
    weights = np.random.default_rng(1).random(150)
    np.testing.assert_allclose(matrix.square_sums(weights), np.diag(matrix.gram(weights)), rtol=1e-12)


def test_only_boxes_with_an_interior_have_sides() -> None:
    assert Sides.of(Box(-1.0, 2.0, dimension=2)) is not None
    assert Sides.of(Box(np.array([0.0, 1.0]), np.array([1.0, 1.0]))) is None
    assert Sides.of(Box(0.0, np.inf, dimension=2)) is None
    assert Sides.of(Ball(1.0, dimension=2)) is None


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("loss", ["absolute", "hinge", "quantile"])
def test_kinked_losses_on_a_box_need_no_other_method(loss: str, dense: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the method of multipliers, which is what a box without a name of this package still gets."""

    class NamelessBox(Box):  # not known to have faces
        pass

    def fail(*arguments: Any) -> None:
        raise AssertionError("the interior point method did not suffice")

    scalar = Quantile(0.9) if loss == "quantile" else scalar_loss(loss)
    whole = _rounds("squared" if loss != "hinge" else "logistic", dense)
    for count in (1, 3, 150):
        rounds = RowBlock(scalar, whole.rows[:count], whole.targets[:count])
        for ends in ((-0.5, 0.5), (-0.02, 0.3), (-50.0, 0.0)):
            expected = best_fixed_point(rounds, NamelessBox(*ends, dimension=6))
            with monkeypatch.context() as patch:
                patch.setattr(margins, "solve_kinked", fail)
                found = best_fixed_point(rounds, Box(*ends))
            assert found.tight
            assert max(found.value.lower, expected.value.lower) <= min(found.value.upper, expected.value.upper)
