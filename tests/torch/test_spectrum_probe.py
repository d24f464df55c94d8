"""The probe against dense covariances, its brackets, its control, what it writes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from oco.torch import SpectrumProbe, spectrum_figure


def follow(probe, weight, steps, seed=0):
    generator = np.random.default_rng(seed)
    left, right = (np.zeros((d, d)) for d in weight.shape)
    scales = np.logspace(0, -1.5, weight.shape[0])
    for _ in range(steps):
        gradient = scales[:, None] * generator.standard_normal(weight.shape)
        weight.grad = torch.tensor(gradient, dtype=torch.float32)
        probe.update()
        left = 0.9 * left + 0.1 * gradient @ gradient.T
        right = 0.9 * right + 0.1 * gradient.T @ gradient
    return left, right


def expected(matrix):
    values = np.linalg.eigvalsh(matrix)[::-1]
    dim = len(values)
    return {
        "intrinsic_dimension": values.sum() / values[0],
        "top_eighth": values[: max(1, dim // 8)].sum() / values.sum(),
        "top_quarter": values[: dim // 4].sum() / values.sum(),
    }


def test_exact_mode_is_the_dense_spectrum():
    weight = torch.nn.Parameter(torch.zeros(24, 16))
    probe = SpectrumProbe([("w", weight)], beta2=0.9, mode="exact", control=False)
    matrices = follow(probe, weight, 30)
    rows = probe.snapshot(30)
    assert [row["dim"] for row in rows] == [24, 16]
    for row, matrix in zip(rows, matrices, strict=True):
        for key, value in expected(matrix).items():
            np.testing.assert_allclose(row[key], (value, value), rtol=1e-4)


@pytest.mark.parametrize("rank", [3, 10])
def test_sketch_mode_brackets_the_dense_spectrum(rank):
    weight = torch.nn.Parameter(torch.zeros(24, 16))
    probe = SpectrumProbe([("w", weight)], beta2=0.9, mode="sketch", rank=rank, control=False)
    matrices = follow(probe, weight, 40)
    for row, matrix in zip(probe.snapshot(40), matrices, strict=True):
        assert row["mode"] == "sketch"
        for key, value in expected(matrix).items():
            low, high = row[key]
            assert low * (1 - 1e-4) <= value <= high * (1 + 1e-4)
            assert low < high


def test_the_control_has_the_norms_of_the_gradients_and_no_structure():
    weight = torch.nn.Parameter(torch.zeros(40, 40))
    probe = SpectrumProbe([("w", weight)], beta2=0.9)
    direction = torch.outer(torch.randn(40), torch.randn(40))
    for scale in torch.linspace(0.1, 3.0, 40):
        weight.grad = scale * direction
        probe.update()
    rows = {(row["source"], row["axis"]): row for row in probe.snapshot(40)}
    for axis in (0, 1):
        mine, control = rows["gradient", axis], rows["control", axis]
        assert control["trace"] == pytest.approx(mine["trace"], rel=1e-4)
        assert mine["intrinsic_dimension"][1] == pytest.approx(1.0, abs=1e-3)
        assert control["intrinsic_dimension"][0] > 20


def test_overlap_is_one_for_a_space_that_stays_and_zero_for_one_that_leaves():
    weight = torch.nn.Parameter(torch.zeros(12, 6))
    probe = SpectrumProbe([("w", weight)], beta2=0.5, leading=2, control=False)
    frame = torch.eye(12)
    seen = []
    for columns in ((0, 1), (0, 1), (5, 6)):
        for _ in range(60):
            weight.grad = frame[:, list(columns)] @ torch.randn(2, 6)
            probe.update()
        seen.append(probe.snapshot(len(seen))[0]["overlap"])
    assert seen[0] is None
    assert seen[1] == pytest.approx(1.0, abs=1e-4)
    assert seen[2] == pytest.approx(0.0, abs=1e-4)


def test_the_paper_baseline_of_independent_vectors():
    """The largest of d eigenvalues from n effective Gaussian columns is near (1 + sqrt(d / n))^2 of their mean."""
    weight = torch.nn.Parameter(torch.zeros(64, 64))
    probe = SpectrumProbe([("w", weight)], beta2=0.99, control=False)
    for _ in range(400):
        weight.grad = torch.randn(64, 64)
        probe.update()
    # n' = 64 (1 + beta2) / (1 - beta2) effective columns, so the largest eigenvalue is 1.14 of the mean.
    assert probe.snapshot(400)[0]["intrinsic_dimension"][0] == pytest.approx(64 / (1 + (1 / 199) ** 0.5) ** 2, rel=0.05)


def test_vectors_frozen_missing_and_bad_gradients_are_passed_over():
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(5, 5), torch.nn.Linear(4, 4), torch.nn.Linear(3, 2)
    )
    net[1].weight.requires_grad_(False)
    probe = SpectrumProbe(net, control=False)
    net[0].weight.grad = torch.randn(4, 3, 3, 3)
    net[3].weight.grad = torch.full((2, 3), float("nan"))
    probe.update()
    assert [(row["parameter"], row["dim"]) for row in probe.snapshot(1)] == [("0.weight", 4), ("0.weight", 27)]


def test_jsonl_and_figure(tmp_path):
    weight = torch.nn.Parameter(torch.zeros(10, 8))
    probe = SpectrumProbe([("w", weight)], beta2=0.9)
    for step in (1, 2):
        follow(probe, weight, 5, seed=step)
        probe.snapshot(step)
    path = tmp_path / "spectra.jsonl"
    probe.to_jsonl(path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == len(probe.rows) == 8
    figure = spectrum_figure(rows)
    assert len(figure.axes) == 3
    line = figure.axes[0].lines[0]
    found = np.median([r["intrinsic_dimension"][1] for r in rows if r["step"] == 2 and r["source"] == "gradient"])
    assert line.get_ydata()[1] == pytest.approx(found)
    figure.savefig(tmp_path / "spectra.png")
    with pytest.raises(ValueError, match="at least one row"):
        spectrum_figure([])


@pytest.mark.parametrize("options", [{"beta2": 1.0}, {"mode": "dense"}, {"rank": 0}, {"leading": 0}, {"ranks": 3}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match="Invalid"):
        SpectrumProbe(torch.nn.Linear(2, 2), **options)


def test_the_control_does_not_tell_a_trained_network_from_one_at_its_start():
    """A batch of two gives a layer's gradient rank two, trained or not; the Gaussian control has no such structure."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(40, 30), torch.nn.Tanh(), torch.nn.Linear(30, 1))
    probe = SpectrumProbe(net[0], beta2=0.0)
    net(torch.randn(2, 40)).square().sum().backward()
    probe.update()
    rows = {(row["source"], row["axis"]): row["intrinsic_dimension"][1] for row in probe.snapshot(step=0)}
    for axis in range(2):
        assert rows["gradient", axis] <= 2.0 + 1e-4
        assert rows["control", axis] > 5.0
