"""Orthogonalization of matrices by odd matrix polynomials: Newton-Schulz as in Muon, and the polar express."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from oco.torch.sketch import power_of_two

COEFFICIENTS = ("newton_schulz", "polar_express")
Quintic = tuple[float, float, float]
# Jordan et al., "Muon", 2024: singular values in (0, 1] end between 0.7 and 1.2, with a large slope at zero.
MUON: Quintic = (3.4445, -4.7750, 2.0315)
LEAST_SINGULAR_VALUE = 1e-3
"""Relative to the Frobenius norm; smaller singular values are raised by the polar express but do not reach 1."""


def orthogonalized(matrices: Tensor, iterations: int = 5, coefficients: str = "newton_schulz") -> Tensor:
    """Return about ``U V'`` for ``matrices = U diag(s) V'``, with no decomposition.

    Each iteration maps every singular value x of ``X``, at first ``s / ||s||``, to ``a x + b x^3 + c x^5``.

    Parameters
    ----------
    matrices : Tensor, shape (..., m, n)
        Not modified; a zero matrix stays zero.
    iterations : int
        Each costs ``(4 n + 2 m) m^2`` flops, m the smaller side.
    coefficients : {"newton_schulz", "polar_express"}
        The same (a, b, c) always, which leaves singular values between about 0.7 and 1.2, or those of the quintic
        nearest to 1 on the interval that the iterations before lead to.

    Examples
    --------
    >>> import torch
    >>> result = orthogonalized(torch.diag(torch.tensor([3.0, 1.0])), 8, "polar_express")
    >>> torch.allclose(result, torch.eye(2), atol=1e-5)
    True
    """
    scale = power_of_two(matrices.abs().amax((-2, -1)))[..., None, None]
    x = matrices / scale
    length = torch.linalg.matrix_norm(x)[..., None, None]
    x = x / torch.where(length > 0, length, 1.0)
    wide = x.shape[-2] <= x.shape[-1]
    x = x if wide else x.mT
    for a, b, c in polynomials(iterations, coefficients):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide else x.mT


@lru_cache(maxsize=16)
def polynomials(iterations: int, coefficients: str) -> tuple[Quintic, ...]:
    """Return (a, b, c) of every iteration.

    For ``polar_express`` each is the odd quintic with the least largest distance to 1 on [l, u]; it maps that interval
    to [1 - e, 1 + e], the next interval (Amsel, Persson, Musco and Gower, "The Polar Express", 2025, Theorem 3.1). The
    first interval is [0.001, 1].
    """
    if coefficients == "newton_schulz":
        return (MUON,) * iterations
    found, low, high = [], LEAST_SINGULAR_VALUE, 1.0
    for _ in range(iterations):
        quintic, error = _nearest_to_one(low, high)
        found.append(quintic)
        low, high = 1.0 - error, 1.0 + error
    return tuple(found)


NARROW = 1e-4
"""Below this relative width of an interval the equations are nearly singular, and the limit of the solution is used."""


def _nearest_to_one(low: float, high: float) -> tuple[Quintic, float]:
    """Return the odd quintic nearest to 1 on [low, high] and its largest error, by Remez's exchange."""
    if high - low < NARROW * high:
        # Newton-Schulz of degree five: value 1 and two vanishing derivatives in the middle.
        middle = 0.5 * (low + high)
        return (1.875 / middle, -1.25 / middle**3, 0.375 / middle**5), 0.0
    points = [low, (3 * low + high) / 4, (low + 3 * high) / 4, high]
    before = 0.0
    while True:
        rows = [[x, x**3, x**5, (-1.0) ** i] for i, x in enumerate(points)]
        a, b, c, error = torch.linalg.solve(torch.tensor(rows, dtype=torch.float64), torch.ones(4).double()).tolist()
        if abs(error - before) <= 1e-12:
            return (a, b, c), abs(error)
        before = error
        # The derivative a + 3 b y + 5 c y^2 in y = x^2 vanishes at the two extrema inside.
        root = (9 * b * b - 20 * a * c) ** 0.5
        points[1:3] = sorted(((-3 * b + sign * root) / (10 * c)) ** 0.5 for sign in (-1.0, 1.0))
