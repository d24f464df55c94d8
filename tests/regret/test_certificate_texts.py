"""Every certificate that a comparator names is a member of the enumeration, and says what to do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import oco
from oco.environments import GeneralizedLinear, LinearLosses, SpectrumQuadratic
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


def test_comparators_name_no_other_certificate() -> None:
    """Every text that oco.comparators assigns to a certificate is one of the enumeration."""
    texts = set()
    for path in (ROOT / "oco" / "comparators").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and re.search(
                r"\b(certificate|how)\b", ast.unparse(node).split("=")[0]
            ):
                parts = ast.walk(node.value) if node.value is not None else ()
                texts |= {
                    part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
                }
    assert texts
    assert texts <= set(Certificate)


@pytest.mark.parametrize("certificate", Certificate)
def test_each_has_a_remedy_of_one_sentence(certificate: Certificate) -> None:
    assert certificate.remedy.endswith(".")
    assert certificate.remedy.count(". ") == 0
