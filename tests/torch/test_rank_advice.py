"""Tapes of gradients and the ranks that they advise: hand cases, exact low rank, monotonicity, memory, files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.rank_advice import at_rank, divided, of_ranks
from oco.errors import ConfigError, DataError
from oco.torch import GradientTape, SketchyShampoo, advise_rank


def taped(gradients, **options):
    weight = torch.nn.Parameter(torch.zeros_like(gradients[0]))
    tape = GradientTape([("w", weight)], **{"every": 1, "steps": len(gradients), **options})
    for gradient in gradients:
        weight.grad = gradient
        tape.update()
    return tape


def excesses(tape, ranks, **options):
    return {row.rank: row.excess for row in advise_rank(tape, ranks, **options).rows}


def test_one_diagonal_gradient_by_hand():
    """C = diag(9, 4, 1) has roots 3, 2, 1; rank 1 has diag(9, 4, 4), so 7/6 of the trace; rank 2 misses nothing."""
    found = excesses(taped([torch.diag(torch.tensor([3.0, 2.0, 1.0]))]), [1, 2])
    assert found[1] == pytest.approx((1 / 6, 1 / 6), abs=1e-6)
    assert found[2] == pytest.approx((0.0, 0.0), abs=1e-6)


def test_two_gradients_with_decay_by_hand():
    """At beta2 = 1/2 the sums are diag(1, .5, 0); rank 1 keeps .5 and lets .5 escape: diag(1, .5, .5)."""
    tape = taped([torch.diag(torch.tensor([2.0, 0.0, 0.0])), torch.diag(torch.tensor([0.0, 1.0, 0.0]))])
    expected = (1 + 2 * 0.5**0.5) / (1 + 0.5**0.5) - 1
    assert excesses(tape, [1], beta2=0.5)[1] == pytest.approx((expected, expected), rel=1e-5)
    # Summed, they are diag(4, 1, 0): 3 and 1 are left after the cut of 1, so diag(4, 1, 1) against diag(4, 1, 0).
    assert excesses(tape, [1], beta2=1.0)[1] == pytest.approx((1 / 3, 1 / 3), rel=1e-5)


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_the_advice_for_gradients_of_exact_low_rank_is_that_rank(rank):
    generator = torch.Generator().manual_seed(rank)
    left, right = torch.randn(20, rank, generator=generator), torch.randn(rank, 14, generator=generator)
    tape = taped([left @ torch.randn(rank, rank, generator=generator) @ right for _ in range(12)])
    advice = advise_rank(tape, range(1, 15))
    assert advice.ranks == {"w": rank}
    assert max(advice.advised["w"].excess) < 1e-3


def stream(seed, steps=15, shape=(12, 9)):
    generator = torch.Generator().manual_seed(seed)
    scales = torch.logspace(0, -1.5, shape[0])[:, None]
    return [scales * torch.randn(shape, generator=generator) for _ in range(steps)]


@pytest.mark.parametrize("seed", range(4))
def test_the_excess_is_never_negative_and_zero_at_full_rank(seed):
    """S + rho I >= C, and the root is monotone; nothing escapes at the full rank."""
    found = excesses(taped(stream(seed)), range(1, 12), beta2=0.9)
    assert all(value > -1e-5 for pair in found.values() for value in pair)
    assert found[12] == pytest.approx((0.0, 0.0), abs=1e-5)
    assert found[1][0] > 0.2


@pytest.mark.parametrize("seed", range(4))
def test_the_excess_falls_with_the_rank(seed):
    """For gradients that are diagonal, S_{k+1} + rho_{k+1} I <= S_k + rho_k I after every update, entry by entry.

    With B_k = decay (S_k + rho_k I) + X X', an update raises the entries of B_k to the (k+1)-th largest. B_{k+1} <= B_k
    by induction, and its (k+2)-th largest entry is at most the (k+1)-th of B_k.
    """
    generator = torch.Generator().manual_seed(seed)
    gradients = [torch.diag(torch.randn(10, generator=generator) ** 3) for _ in range(20)]
    found = excesses(taped(gradients), range(1, 10), beta2=0.95)
    values = [found[k][0] for k in range(1, 11)]
    assert all(after <= before + 1e-5 for before, after in zip(values, values[1:], strict=False))
    assert values[0] > values[5] > 0.01


def test_the_excess_is_that_of_an_oracle():
    """Frequent Directions by dense eigendecompositions in NumPy."""
    gradients, rank = stream(7), 3
    covariance, sketch, escaped = np.zeros((12, 12)), np.zeros((12, 12)), 0.0
    for gradient in gradients:
        g = gradient.double().numpy()
        covariance = 0.9 * covariance + 0.1 * g @ g.T
        values, vectors = np.linalg.eigh(0.9 * sketch + 0.1 * g @ g.T)
        cut = values[-rank - 1]
        sketch = (vectors * np.clip(values - cut, 0.0, None)) @ vectors.T
        escaped = 0.9 * escaped + cut
    expected = np.sqrt(np.linalg.eigvalsh(sketch + escaped * np.eye(12)).clip(0)).sum()
    expected /= np.sqrt(np.linalg.eigvalsh(covariance).clip(0)).sum()
    assert excesses(taped(gradients), [rank], beta2=0.9)[rank][0] == pytest.approx(expected - 1.0, rel=1e-4)


def network():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 6, 3), torch.nn.Flatten(), torch.nn.Linear(24, 10))
    return net, torch.optim.SGD(net.parameters(), lr=0.1)


def run(net, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        net(torch.randn(8, 2, 4, 4)).square().mean().backward()
        optimizer.step()


def test_advice_becomes_the_groups_of_an_optimizer(capsys):
    net, optimizer = network()
    tape = GradientTape(net, steps=40, every=5)
    with tape.follow(optimizer):
        run(net, optimizer, 25)
    run(net, optimizer, 5)  # after the block nothing is recorded
    assert tape.updates == [1, 6, 11, 16, 21]
    advice = advise_rank(tape, [2, 4, 8], excess=0.3)
    assert list(advice.ranks) == ["0.weight", "2.weight"]
    sketchy = SketchyShampoo(advice.groups(net.named_parameters()), lr=1e-3)
    run(net, sketchy, 1)
    held = {(row["parameter"], row["axis"]): row["rank"] for row in sketchy.report()}
    for row in advice.advised.values():
        assert [held[row.parameter, axis] for axis in range(2)] == [min(row.rank, dim) for dim in row.shape]
        assert row.floats == sum((dim + 1) * min(row.rank, dim) + 2 for dim in row.shape)
        assert row.milliseconds > 0
    print(advice)
    lines = capsys.readouterr().out.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [line.split()[0] for line in lines] == ["parameter", "0.weight", "2.weight", "all"]
    assert str(sum(row.floats for row in advice.advised.values())) in lines[-1]


def test_the_smallest_rank_within_the_limit_is_advised_and_the_full_one_at_limit_zero():
    tape = taped(stream(3))
    advice = advise_rank(tape, range(1, 12), excess=0.1, beta2=0.9)
    within = [row.rank for row in advice.rows if max(row.excess) <= 0.1]
    assert 1 < advice.ranks["w"] == min(within) < 12
    assert advise_rank(tape, [1], excess=0.1, beta2=0.9).ranks == {"w": 12}
    assert advise_rank(tape, [1, 4, 11], excess=0.0, beta2=0.9).ranks == {"w": 12}


@pytest.mark.parametrize("room", [8, 9, 13, 40])
def test_a_tape_stays_within_its_bytes(room):
    weight = torch.nn.Parameter(torch.zeros(6, 5))
    tape = GradientTape([("w", weight)], steps=100, every=2, max_bytes=room * 120 + 7)
    for step in range(1, 121):
        weight.grad = torch.full((6, 5), float(step))
        tape.update()
        held = tape.gradients["w"]
        assert sum(g.numel() * g.element_size() for g in held) <= room * 120
        assert [float(g[0, 0]) for g in held] == tape.updates
    expected = list(range(1, 101, tape.stride))
    assert tape.updates == expected
    assert room / 2 - 1 < len(expected) <= room
    assert tape.stride in (4, 8, 16)


def test_a_tape_is_read_as_it_was_saved(tmp_path):
    tape = taped([g.bfloat16() for g in stream(1)])
    path = tmp_path / "tape.pt"
    tape.save(path)
    loaded = GradientTape.load(path)
    assert loaded.updates == tape.updates
    assert loaded.gradients["w"][0].dtype == torch.bfloat16
    assert [r[:5] for r in advise_rank(loaded, [2, 5]).rows] == [r[:5] for r in advise_rank(tape, [2, 5]).rows]
    loaded.update()
    assert loaded.updates == tape.updates
    assert list(tmp_path.iterdir()) == [path]
    for content in (b"", path.read_bytes()[:300]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="is not a tape"):
            GradientTape.load(path)
    torch.save({"format": "other"}, path)
    with pytest.raises(DataError, match="has the format 'other'"):
        GradientTape.load(path)
    with pytest.raises(FileNotFoundError):
        GradientTape.load(tmp_path / "absent.pt")


def test_updates_that_are_not_finite_are_left_out_and_missing_gradients_are_zero():
    first, second = (torch.nn.Parameter(torch.zeros(3, 4)) for _ in range(2))
    tape = GradientTape([("a", first), ("b", second)], steps=4, every=1)
    for value in (1.0, float("nan"), 3.0, 4.0):
        first.grad = torch.full((3, 4), value)
        tape.update()
    assert tape.updates == [1, 3, 4]
    assert not any(bool(g.any()) for g in tape.gradients["b"])
    assert list(advise_rank(tape, [1]).ranks) == ["a"]


def test_what_a_tape_and_the_adviser_refuse():
    net = torch.nn.Linear(6, 4)
    with pytest.raises(ConfigError, match="has room for 7 updates of 96 bytes each; at least 768 bytes"):
        GradientTape(net, max_bytes=7 * 96)
    with pytest.raises(ConfigError, match="no parameter of at least two axes"):
        GradientTape([("bias", net.bias)])
    with pytest.raises(ConfigError, match="Invalid every"):
        GradientTape(net, every=0)
    tape = GradientTape(net)
    with pytest.raises(ConfigError, match="a tape without gradients"):
        advise_rank(tape)
    net.weight.grad = torch.ones(4, 6)
    tape.update()
    for options in (
        {"ranks": [0]},
        {"ranks": 3},
        {"ranks": None},
        {"excess": -1.0},
        {"beta2": 1.5},
        {"method": "qr"},
        {"max_dim": 0},
    ):
        with pytest.raises(ConfigError, match="Invalid"):
            advise_rank(tape, **options)
    with pytest.raises(ConfigError, match="axes of at most 5"):
        advise_rank(tape, max_dim=5)


def test_floats_are_divided_by_excess():
    """What the benchmark trains: no more floats than one rank for all, at the least excess that is common to both."""
    generator = torch.Generator().manual_seed(0)
    wide, low = torch.nn.Parameter(torch.zeros(10, 10)), torch.nn.Parameter(torch.zeros(10, 10))
    bias = torch.nn.Parameter(torch.zeros(10))
    tape = GradientTape([("wide", wide), ("low", low)], steps=15, every=1)
    for _ in range(15):
        wide.grad = torch.randn(10, 10, generator=generator)
        low.grad = torch.zeros(10, 10)
        low.grad[0, 0] = 1.0
        tape.update()
    advice = advise_rank(tape, range(1, 10))
    assert [row.rank for row in at_rank(advice, 5)] == [5, 5]
    assert [row.rank for row in at_rank(advice, 99)] == [10, 10]
    floats = sum(row.floats for row in at_rank(advice, 5))
    chosen = divided(advice, floats)
    assert sum(row.floats for row in chosen.advised.values()) <= floats
    assert chosen.ranks == {"wide": 9, "low": 1}  # 11 (9 + 1) = 11 (5 + 5) for each of two axes
    bias.grad = torch.ones(10)
    optimizer = of_ranks([wide, bias, low], 1e-3, [9, None, 1])
    optimizer.step()
    assert [row["rank"] for row in optimizer.report()] == [9, 9, 1, 1]
