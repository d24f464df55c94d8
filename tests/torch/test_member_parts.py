"""The pieces of SketchySOAP: split, orthogonalization, averages, second moments in new bases, rules of length."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from oco.torch.averages import averaged, moved_to, sketched_average, stochastically_rounded
from oco.torch.balance import Evidence, balanced, spectral_norm
from oco.torch.members import BALANCES
from oco.torch.orthogonal import COEFFICIENTS, MUON, orthogonalized, polynomials
from oco.torch.parts import joined, norm, split
from oco.torch.second_moments import Bases, carry_over

WIDE = torch.float64


def basis(dim, rank, used=None, generator=None):
    """Orthonormal columns, those after the first ``used`` zero, as sketches have them."""
    frame = torch.linalg.qr(torch.randn(2, dim, dim, dtype=WIDE, generator=generator)).Q[..., :rank].clone()
    frame[..., rank if used is None else used :] = 0.0
    return frame


EMBED = {
    "core": lambda part, rows, columns: rows @ part @ columns.mT,
    "left": lambda part, rows, columns: rows @ part,
    "right": lambda part, rows, columns: part @ columns.mT,
    "rest": lambda part, rows, columns: part,
}


@pytest.mark.parametrize("crosses", [True, False])
@pytest.mark.parametrize("ranks", [(3, 2), (0, 0), (3, 0), (9, 2), (9, 7)])
@pytest.mark.parametrize("unused", [0, 1])
def test_the_split_is_exact_and_its_parts_are_orthogonal(ranks, crosses, unused):
    rows, columns = (basis(d, k, max(0, k - unused)) for d, k in zip((9, 7), ranks, strict=True))
    matrices = torch.randn(2, 9, 7, dtype=WIDE)
    parts = split(matrices, rows, columns, crosses)
    assert set(parts) == ({"core", "left", "right", "rest"} if crosses else {"core", "rest"})
    torch.testing.assert_close(joined(parts, rows, columns), matrices, rtol=0, atol=1e-13)
    wholes = [EMBED[name](part, rows, columns) for name, part in parts.items()]
    torch.testing.assert_close(sum(wholes), matrices, rtol=0, atol=1e-13)
    for i, one in enumerate(wholes):
        for two in wholes[:i]:
            assert float((one * two).sum((-2, -1)).abs().max()) < 1e-12
    # Coordinates have the lengths of the matrices they stand for.
    for whole, part in zip(wholes, parts.values(), strict=True):
        torch.testing.assert_close(norm(whole), norm(part), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, WIDE])
def test_bases_of_full_rank_leave_no_round_off_that_a_second_moment_could_raise(dtype):
    rows, columns = basis(9, 9).to(dtype), basis(7, 2).to(dtype)
    parts = split(torch.randn(2, 9, 7, dtype=WIDE).to(dtype), rows, columns)
    assert not parts["right"].any()
    assert not parts["rest"].any()
    assert parts["core"].all()
    assert parts["left"].all()


@pytest.mark.parametrize("coefficients", COEFFICIENTS)
@pytest.mark.parametrize("shape", [(3, 8, 5), (3, 5, 8), (6, 6)])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_orthogonalization_keeps_singular_vectors_and_maps_singular_values_by_the_polynomials(
    coefficients, shape, size
):
    matrices = torch.randn(shape, dtype=WIDE) * size
    u, s, vt = torch.linalg.svd(matrices, full_matrices=False)
    s = s / torch.linalg.vector_norm(s, dim=-1, keepdim=True)
    for a, b, c in polynomials(5, coefficients):
        s = a * s + b * s**3 + c * s**5
    expected = (u * s[..., None, :]) @ vt
    torch.testing.assert_close(orthogonalized(matrices, 5, coefficients), expected, rtol=0, atol=1e-11)
    assert not orthogonalized(torch.zeros(3, 2)).any()


def test_muon_s_polynomial_leaves_singular_values_between_07_and_12():
    s = torch.logspace(-2, 0, 2000, dtype=WIDE)
    for a, b, c in polynomials(5, "newton_schulz"):
        s = a * s + b * s**3 + c * s**5
    assert s.min() > 0.67
    assert s.max() < 1.22
    assert polynomials(5, "newton_schulz") == (MUON,) * 5


def test_each_polynomial_of_the_polar_express_is_the_best_on_its_interval():
    """An odd quintic is the nearest to 1 exactly if its error takes its largest size with four alternating signs."""
    low, high, errors = 1e-3, 1.0, []
    for a, b, c in polynomials(8, "polar_express"):
        x = torch.linspace(low, high, 200001, dtype=WIDE)
        error = a * x + b * x**3 + c * x**5 - 1.0
        largest = float(error.abs().max())
        if high - low > 1e-3:
            signs = torch.sign(error[error.abs() > largest * (1 - 1e-5)])
            assert int((signs[1:] != signs[:-1]).sum()) == 3
        low, high = 1.0 - largest, 1.0 + largest
        errors.append(largest)
    assert errors == sorted(errors, reverse=True)
    assert errors[4] < 0.4
    assert errors[7] < 1e-12


def test_stochastic_rounding_gives_the_two_neighbours_without_bias():
    generator = torch.Generator().manual_seed(3)
    values = torch.cat([torch.randn(6, generator=generator), torch.tensor([1e-30, -3e20, 0.0, 1.5])])
    many = stochastically_rounded(values.expand(20000, -1).contiguous(), generator).double()
    for column, value in zip(many.T, values.double(), strict=True):
        below = float(value.abs()) * 2.0**-7
        assert len(column.unique()) <= 2
        assert float((column - value).abs().max()) <= below
        # The error of one rounding is at most one unit of bfloat16, so the mean's is below it by sqrt(20000).
        assert abs(float(column.mean() - value)) <= 4.0 * below / math.sqrt(20000)
    assert torch.equal(many[:, 8:], values[8:].double().expand(20000, -1))  # bfloat16 numbers stay


def test_an_average_in_bfloat16_follows_the_full_one_where_nearest_rounding_stands_still():
    """0.001 of 1 is less than half a unit of bfloat16, so nearest rounding would never leave 1."""
    full, half = ({} for _ in range(2))
    states = [full], [half]
    for storage, own in zip(("full", "bfloat16"), states, strict=True):
        for step in range(1, 2001):
            stack = torch.full((1, 500), 1.0 if step < 1000 else 0.0)
            averaged(own, stack, 0.999, step, nesterov=False, storage=storage)
    exact, rounded = full["exp_avg"].double().mean(), half["exp_avg_bfloat16"].double().mean()
    assert half["exp_avg_bfloat16"].dtype == torch.bfloat16
    assert float(rounded) == pytest.approx(float(exact), rel=0.01)


def zero_averages(left, right):
    return {"average_left": torch.zeros(left, 7, dtype=WIDE), "average_right": torch.zeros(9, right, dtype=WIDE)}


def test_error_feedback_conserves_the_sum_of_gradients():
    """All results and what the average still owes, beta / (1 - beta) M, are all gradients, whatever the bases do."""
    beta, generator = 0.8, torch.Generator().manual_seed(0)
    states = [zero_averages(2, 2) for _ in "ab"]
    bases = Bases(basis(9, 2, generator=generator), basis(7, 2, generator=generator))
    total, results = 0.0, 0.0
    for step in range(1, 31):
        lost = None
        if step % 5 == 0:
            new = Bases(basis(9, 2, generator=generator), basis(7, 2, generator=generator))
            lost, bases = moved_to(states, bases, new), new
        gradient = torch.randn(2, 9, 7, dtype=WIDE, generator=generator)
        # At an infinite step the bias correction is 1.
        results = results + sketched_average(states, gradient, bases, beta, math.inf, nesterov=False, lost=lost)
        total = total + gradient
    left, right = (torch.stack([s[name] for s in states]) for name in ("average_left", "average_right"))
    owed = (bases.rows @ left + right @ bases.columns.mT) * beta / (1 - beta)
    assert float(owed.norm()) > 0.1
    torch.testing.assert_close(results + owed, total, rtol=0, atol=1e-11)


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_sketched_average_of_full_rank_is_the_full_average(nesterov):
    sketch = [zero_averages(9, 7) for _ in "ab"]
    full = [{}, {}]
    bases = Bases(basis(9, 9), basis(7, 7))
    for step in range(1, 5):
        gradient = torch.randn(2, 9, 7, dtype=WIDE)
        one = sketched_average(sketch, gradient, bases, 0.9, step, nesterov=nesterov, lost=None)
        two = averaged(full, gradient, 0.9, step, nesterov=nesterov, storage="full")
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-13)


def state_of(rows, columns, seconds):
    states = []
    for index in range(len(rows)):
        own = {"basis_0": rows[index], "basis_1": columns[index]}
        states.append(own | {name: value[index].clone() for name, value in seconds.items()})
    return states


def test_second_moments_follow_an_exchange_of_directions_exactly():
    rows, columns = basis(9, 3), basis(7, 2)
    seconds = {"core_square": torch.rand(2, 3, 2, dtype=WIDE), "rest_square": torch.rand(2, dtype=WIDE)}
    seconds |= {"left_rows": torch.rand(2, 3, dtype=WIDE), "right_columns": torch.rand(2, 2, dtype=WIDE)}
    states = state_of(rows, columns, seconds)
    order, other = [2, 0, 1], [1, 0]
    carry_over(states, Bases(rows, columns), Bases(-rows[..., order], columns[..., other]))
    for index, state in enumerate(states):
        torch.testing.assert_close(state["core_square"], seconds["core_square"][index][order][:, other])
        torch.testing.assert_close(state["left_rows"], seconds["left_rows"][index][order])
        torch.testing.assert_close(state["right_columns"], seconds["right_columns"][index][other])


def test_carried_second_moments_are_those_of_gradients_with_uncorrelated_coordinates():
    """E (u' G v)^2 for G with independent coordinates in the old bases, and equal second moments outside them."""
    m, n, k, j = 6, 5, 2, 3
    full = [torch.linalg.qr(torch.randn(1, d, d, dtype=WIDE)).Q for d in (m, n)]
    seconds = torch.rand(m, n, dtype=WIDE)
    seconds[k:] = seconds[k : k + 1]
    seconds[:, j:] = seconds[:, j : j + 1]
    old = Bases(full[0][..., :k], full[1][..., :j])
    # What the state of a long run of such gradients would be; means over m rows and n columns, outside included.
    given = {
        "core_square": seconds[None, :k, :j],
        "left_rows": seconds[None, :k, j:].sum(-1) / n,
        "right_columns": seconds[None, k:, :j].sum(-2) / m,
        "rest_square": seconds[None, k:, j:].sum((-2, -1)) / (m * n),
    }
    states = state_of(old.rows, old.columns, given)
    new = Bases(basis(m, k)[:1], basis(n, j)[:1])
    carry_over(states, old, new)
    left, right = ((new[axis].mT @ full[axis]).square()[0] for axis in (0, 1))
    torch.testing.assert_close(states[0]["core_square"], left @ seconds @ right.T)


def four_parts(m=9, n=7, k=3, j=2):
    rows, columns = basis(m, k), basis(n, j)
    return rows, columns, split(torch.randn(2, m, n, dtype=WIDE), rows, columns)


def test_the_spectral_norm_of_the_step_inside_the_bases_is_the_largest_singular_value():
    rows, columns, parts = four_parts()
    inside = {name: part for name, part in parts.items() if name != "rest"}
    whole = joined({**parts, "rest": torch.zeros_like(parts["rest"])}, rows, columns)
    torch.testing.assert_close(spectral_norm(inside)[:, 0, 0], torch.linalg.matrix_norm(whole, 2))
    core = {"core": parts["core"]}
    torch.testing.assert_close(spectral_norm(core)[:, 0, 0], torch.linalg.matrix_norm(parts["core"], 2))


def lengths(parts):
    inside = torch.stack([norm(part).square() for name, part in parts.items() if name != "rest"]).sum(0).sqrt()
    return inside.flatten(), norm(parts["rest"]).flatten()


@pytest.mark.parametrize("rule", BALANCES)
def test_every_rule_of_length_keeps_directions_and_gives_the_stated_lengths(rule):
    m, n, k, j = 9, 7, 3, 2
    _, _, steps = four_parts(m, n, k, j)
    _, _, sources = four_parts(m, n, k, j)
    sources = {name: part + steps[name] for name, part in sources.items()}
    _, _, of_weights = four_parts(m, n, k, j)
    damping = torch.tensor([0.5, 0.2], dtype=WIDE)[:, None, None]
    found = balanced(steps, rule, Evidence(sources, damping, of_weights, 3.0), (k, j))
    for name, part in found.items():
        ratio = norm(part) / norm(steps[name])
        torch.testing.assert_close(part, steps[name] * ratio, rtol=1e-10, atol=1e-12)
    own, tail = lengths(found)
    outside = (m - k) * (n - j)
    before = lengths(steps)
    if rule == "none":
        torch.testing.assert_close(own, before[0])
        torch.testing.assert_close(tail, before[1])
    elif rule == "rms":
        torch.testing.assert_close(own, torch.full_like(own, (m * n - outside) ** 0.5))
        torch.testing.assert_close(tail, torch.full_like(own, outside**0.5))
    elif rule == "noise":
        torch.testing.assert_close(own, before[0])
        torch.testing.assert_close(tail, damping.flatten() * outside**0.5)
    elif rule == "spectral":
        inside = {name: part for name, part in found.items() if name != "rest"}
        torch.testing.assert_close(spectral_norm(inside).flatten(), torch.full_like(own, 3.0))
        torch.testing.assert_close(tail, before[1])
    else:
        torch.testing.assert_close(torch.hypot(own, tail), torch.full_like(own, (m * n) ** 0.5))
        if rule == "trust_ratio":
            first, second = lengths(of_weights)
        else:
            inner = {name: (sources[name] * step).sum((-2, -1)) for name, step in steps.items()}
            first = (inner["core"] + inner["left"] + inner["right"]) / before[0]
            second = inner["rest"] / before[1]
            # No other division of the same length goes down further, to first order.
            best = own * first + tail * second
            for angle in np.linspace(0.0, math.pi / 2, 50):
                other = (m * n) ** 0.5 * (math.cos(angle) * first + math.sin(angle) * second)
                assert (best >= other - 1e-9).all()
        torch.testing.assert_close(own / tail, first / second)


@pytest.mark.parametrize("rule", BALANCES)
def test_rules_of_length_leave_zeros_at_zero(rule):
    zeros = {name: torch.zeros_like(part) for name, part in four_parts()[2].items()}
    found = balanced(zeros, rule, Evidence(zeros, torch.zeros(2, 1, 1, dtype=WIDE), zeros, 1.0), (3, 2))
    assert not any(part.any() for part in found.values())
