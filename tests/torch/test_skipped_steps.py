"""Gradients that are not finite: counted at every step, reported at the next refresh whatever it brings."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch

from oco.torch import Shampoo, SketchyShampoo

BOTH = pytest.mark.parametrize("optimizer_class", [SketchyShampoo, Shampoo])


def run(optimizer, weight, bad, steps, first=1):
    """Take ``steps`` steps, with NaN at the steps in ``bad``; return the warnings of each."""
    seen = {}
    for step in range(first, first + steps):
        weight.grad = torch.randn(weight.shape)
        if step in bad:
            weight.grad[0] = float("nan")
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            optimizer.step()
        if found:
            seen[step] = [str(w.message) for w in found]
    return seen


@pytest.mark.parametrize("shape", [(6, 5), (7,)])
@pytest.mark.filterwarnings("ignore:.*none of the .* parameters of group:UserWarning")
@BOTH
def test_bad_gradients_between_refreshes_are_reported_by_the_good_refresh(optimizer_class, shape):
    """Refreshes are at steps 1, 6, 11, 16, 21."""
    weight = torch.nn.Parameter(torch.zeros(shape))
    optimizer = optimizer_class([("w", weight)], update_freq=5, max_failures=3)
    seen = run(optimizer, weight, bad={2, 4, 5, 9}, steps=21)
    assert seen.keys() == {6, 11}
    assert "w has a non-finite gradient or a failed decomposition (3 so far)" in seen[6][0]
    assert "(1 so far)" in seen[11][0]
    assert optimizer.skipped_steps() == {"w": 4}
    assert float(optimizer.state[weight]["skipped"]) == 4
    assert float(optimizer.state[weight]["failures"]) == 0


@BOTH
def test_a_bad_refresh_keeps_the_count_and_is_reported_once(optimizer_class):
    weight = torch.nn.Parameter(torch.zeros(6, 5))
    optimizer = optimizer_class([weight], update_freq=3, max_failures=3)
    seen = run(optimizer, weight, bad={3, 4}, steps=10)
    assert seen.keys() == {4}
    assert "(2 so far)" in seen[4][0]


@BOTH
def test_too_many_between_two_good_refreshes_raise_after_the_others_have_moved(optimizer_class):
    bad, good = torch.nn.Parameter(torch.zeros(6, 5)), torch.nn.Parameter(torch.zeros(6, 5))
    optimizer = optimizer_class([("bad", bad), ("good", good)], update_freq=10)
    for step in range(1, 12):
        bad.grad, good.grad = torch.randn(6, 5), torch.randn(6, 5)
        if step > 1:
            before = good.detach().clone()
        if (step - 1) % 10:
            bad.grad.fill_(float("inf"))
        if step < 11:
            optimizer.step()
    with pytest.raises(RuntimeError, match=r"bad had 9 non-finite gradients .* \(max_failures=3\)"):
        optimizer.step()
    assert not torch.equal(good, before)
    assert optimizer.skipped_steps() == {"bad": 9, "good": 0}
    # The refresh was good, so a caller that goes on begins a new count.
    bad.grad, good.grad = torch.randn(6, 5), torch.randn(6, 5)
    optimizer.step()


def test_counts_survive_checkpoints_and_copies():
    weight = torch.nn.Parameter(torch.zeros(6, 5))
    optimizer = SketchyShampoo([weight], update_freq=5)
    run(optimizer, weight, bad={2, 3}, steps=4)
    other = torch.nn.Parameter(weight.detach().clone())
    resumed = SketchyShampoo([other], update_freq=5)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert resumed.skipped_steps() == optimizer.skipped_steps() == {"parameter 0 of shape (6, 5)": 2}
    seen = run(resumed, other, bad=(), steps=2, first=5)
    assert seen.keys() == {6}
    assert "(2 so far)" in seen[6][0]


def test_the_warning_points_at_the_caller():
    weight = torch.nn.Parameter(torch.zeros(6, 5))
    optimizer = SketchyShampoo([weight])
    weight.grad = torch.full((6, 5), float("nan"))
    with pytest.warns(RuntimeWarning, match="keeps its old preconditioner") as found:
        optimizer.step()
    assert found[0].filename == __file__
