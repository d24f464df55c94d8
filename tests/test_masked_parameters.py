"""A masked entry is a missing number: every array that makes a domain, a loss or a game refuses it and says where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oco
from oco.domains import AffineSlice, Ball, BallBox, Box, FrobeniusBall, HalfSpace, Slab
from oco.environments import OrthonormalLosses, PortfolioSelection, SpectrumLinear
from oco.errors import DataError
from oco.losses import QuadraticForm

VECTOR = np.array([0.5, 0.25, 0.25])
MATRIX = np.diag([1.0, 2.0, 3.0])
MAKERS: dict[str, tuple[Callable[[Any], Any], np.ndarray, str]] = {
    "box, lower": (lambda given: Box(given, 1.0), VECTOR, "the lower bound of Box"),
    "box, upper": (lambda given: Box(-1.0, given), VECTOR, "the upper bound of Box"),
    "ball": (lambda given: Ball(2.0, center=given), VECTOR, "the center of Ball"),
    "frobenius ball": (lambda given: FrobeniusBall(2.0, center=given), MATRIX, "the center of FrobeniusBall"),
    "ball and box": (lambda given: BallBox(2.0, lower=given), VECTOR, "the lower bound of Box"),
    "half-space": (lambda given: HalfSpace(given, 1.0), VECTOR, "the normal of HalfSpace"),
    "slab": (lambda given: Slab(given, 1.0), VECTOR, "the normal of Slab"),
    "slice, matrix": (lambda given: AffineSlice(given, np.ones(3)), MATRIX, "the matrix of AffineSlice"),
    "slice, right side": (lambda given: AffineSlice(np.eye(3), given), VECTOR, "the right side of AffineSlice"),
    "quadratic form, matrix": (QuadraticForm, MATRIX, "the matrix of a quadratic form"),
    "quadratic form, vector": (lambda given: QuadraticForm(MATRIX, given), VECTOR, "the vector of a quadratic form"),
    "spectrum": (lambda given: SpectrumLinear(3, 10, spectrum=given), VECTOR, "the eigenvalues of a spectrum"),
    "probabilities": (lambda given: OrthonormalLosses(3, 10, probabilities=given), VECTOR, "probabilities"),
    "portfolio": (PortfolioSelection, MATRIX + 1.0, "rows"),
}


@pytest.mark.parametrize(("make", "values", "what"), MAKERS.values(), ids=MAKERS.keys())
def test_a_masked_entry_is_refused_and_no_mask_is_not(
    make: Callable[[Any], Any], values: np.ndarray, what: str
) -> None:
    masked = np.ma.array(values, mask=np.zeros(values.shape, dtype=bool))
    make(masked)
    masked[..., 1] = np.ma.masked
    count = int(np.ma.count_masked(masked))
    with pytest.raises(DataError, match=f"^{what} must not be masked; drop or fill the {count} masked"):
        make(masked)


@pytest.mark.parametrize(("make", "values", "what"), MAKERS.values(), ids=MAKERS.keys())
def test_what_is_no_number_is_refused_in_a_sentence_too(
    make: Callable[[Any], Any], values: np.ndarray, what: str
) -> None:
    with pytest.raises(oco.errors.OcoError, match=what):
        make(values.astype(str))
