"""The certificate of a comparator is a member of the enumeration, and says what to do."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import oco
from oco.environments import GeneralizedLinear, LinearLosses, SpectrumQuadratic
from oco.losses import Linear, QuadraticForm, RowBlock, Squared
from oco.losses.quadratic_terms import TiltedQuadratic
from oco.regret import Certificate

ROWS = np.random.default_rng(0).standard_normal((30, 3))
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("game", "certificate"),
    [
        (LinearLosses(ROWS, domain=oco.Ball(1.0)), Certificate.SUPPORT_FUNCTION),
        (
            GeneralizedLinear(ROWS, ROWS @ np.ones(3), loss=oco.losses.Huber(0.5), domain=oco.Ball(1.0)),
            Certificate.FENCHEL_DUAL,
        ),
    ],
)
def test_the_certificate_of_a_game(game: oco.environments.Environment, certificate: Certificate) -> None:
    found = oco.play(game, oco.OGD(learning_rate=0.1), checkpoints=1).scalars["comparator_certificate"]
    assert Certificate.listed_in(str(found)) == (certificate,)


def test_losses_by_value_and_gradient_have_a_frank_wolfe_gap() -> None:
    game = SpectrumQuadratic(3, 20)
    losses = [game.fresh(0).loss_at(t) for t in range(20)]
    found = oco.comparators.best_fixed_point_of(losses, game.domain)
    assert Certificate(found.certificate) is Certificate.FRANK_WOLFE_GAP


@pytest.mark.parametrize(
    "losses",
    [
        RowBlock(Squared(), ROWS, ROWS @ np.ones(3)),
        RowBlock(Linear(), ROWS, np.zeros(30)),
        [TiltedQuadratic(1.0, row, row) for row in ROWS],
        [QuadraticForm(np.eye(3), row) for row in ROWS],
    ],
)
def test_every_solver_gives_a_member(losses: oco.comparators.Losses) -> None:
    for domain in (oco.Ball(1.0, dimension=3), oco.Unbounded(3)):
        curve = oco.comparators.anytime(losses, domain, [10, 30])
        assert {type(one.certificate) for one in curve} == {Certificate}
        assert set(Certificate.listed_in(curve.certificate)) == {one.certificate for one in curve}


def test_no_comparator_spells_a_certificate_out() -> None:
    texts = set()
    for path in (ROOT / "oco" / "comparators").rglob("*.py"):
        constants = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
        texts |= {node.value for node in constants if isinstance(node.value, str)}
    assert texts & set(Certificate) == set()


@pytest.mark.parametrize("certificate", Certificate)
def test_each_has_a_remedy_of_one_sentence(certificate: Certificate) -> None:
    assert certificate.remedy.endswith(".")
    assert certificate.remedy.count(". ") == 0
