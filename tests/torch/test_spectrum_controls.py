"""Controls of spectra, and the cosine of sketched directions: hand cases, limits, what a shuffle leaves alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from benchmarks import spectra
from oco.errors import ConfigError
from oco.torch import SpectrumProbe, controlled_spectra, spectrum_figure
from oco.torch.directions import cosine, exact_direction, sketched_direction
from oco.torch.sketch import Sketch, empty_sketch, update_sketch
from oco.torch.spectrum_controls import _shuffle
from regret_experiments.store import Store
from regret_experiments.training import parse_training, run_training
from regret_experiments.training.outputs import write_outputs


def followed(gradients, beta2, ranks):
    """The rows of directions after some gradients."""
    weight = torch.nn.Parameter(torch.zeros_like(gradients[0]))
    probe = SpectrumProbe([("w", weight)], beta2=beta2, ranks=ranks, control=False)
    for gradient in gradients:
        weight.grad = gradient
        probe.update()
    return {row["rank"]: row for row in probe.snapshot(1) if row["source"] == "direction"}


def test_the_cosine_of_one_diagonal_gradient_by_hand():
    """C = diag(9, 4, 1) on both axes, so the exact direction is I; rank 1 keeps 5 and adds 4 I: diag(9, 4, 4)."""
    row = followed([torch.diag(torch.tensor([3.0, 2.0, 1.0]))], 0.0, [1])[1]
    assert row["raw_cosine"] == pytest.approx(6 / 42**0.5, abs=1e-6)
    assert row["cosine"] == pytest.approx(2.5 / (3 * 2.25) ** 0.5, abs=1e-6)
    assert row["kept"] == pytest.approx([5 / 14, 5 / 14], abs=1e-6)


def test_a_sketch_of_full_rank_gives_the_exact_direction():
    generator = torch.Generator().manual_seed(0)
    gradients = [torch.randn(9, 6, generator=generator) for _ in range(12)]
    rows = followed(gradients, 0.8, [2, 6, 9])
    assert rows[9]["cosine"] == pytest.approx(1.0, abs=1e-5)
    assert rows[9]["kept"] == pytest.approx([1.0, 1.0], rel=1e-5)
    assert rows[2]["cosine"] < rows[6]["cosine"] < rows[9]["cosine"]
    # An oracle of its own: powers of the two sums by an eigendecomposition of NumPy.
    left, right = np.zeros((9, 9)), np.zeros((6, 6))
    for gradient in gradients:
        g = gradient.double().numpy()
        left, right = 0.8 * left + 0.2 * g @ g.T, 0.8 * right + 0.2 * g.T @ g
    powers = []
    for matrix in (left, right):
        values, vectors = np.linalg.eigh(matrix)
        powers.append((vectors * (values + 1e-7 * values[-1]) ** -0.25) @ vectors.T)
    direction = powers[0] @ g @ powers[1]
    expected = float((g * direction).sum() / np.linalg.norm(g) / np.linalg.norm(direction))
    assert rows[9]["raw_cosine"] == pytest.approx(expected, abs=1e-5)


def test_three_axes_take_the_sixth_root():
    gradient = torch.zeros(2, 2, 2)
    gradient[0, 0, 0], gradient[1, 1, 1] = 8.0, 1.0
    factors = [torch.diag(torch.tensor([64.0, 1.0]))] * 3
    direction = exact_direction(gradient, factors)
    assert float(direction[0, 0, 0]) == pytest.approx(8.0 * 64 ** (-0.5), rel=1e-5)
    assert float(direction[1, 1, 1]) == pytest.approx(1.0, rel=1e-5)
    sketches = [Sketch(torch.eye(2), torch.tensor([8.0, 1.0]), torch.tensor(0.0))] * 3
    torch.testing.assert_close(sketched_direction(gradient, sketches), direction)


def test_the_cosine_does_not_depend_on_the_scale_of_the_gradients():
    generator = torch.Generator().manual_seed(1)
    gradients = [torch.randn(8, 5, generator=generator) for _ in range(5)]
    near, far = followed(gradients, 0.5, [2])[2], followed([1e8 * g for g in gradients], 0.5, [2])[2]
    assert far["cosine"] == pytest.approx(near["cosine"], abs=1e-5)
    assert cosine(torch.zeros(3), torch.ones(3)) == 0.0


def test_mass_is_not_fidelity():
    """C = diag(900, 9, .09, .09) and S + rho I = diag(900, 9, 9, 9): directions I and diag(1, 1, .1, .1)."""
    row = followed([torch.diag(torch.tensor([30.0, 3.0, 0.3, 0.3]))], 0.0, [1])[1]
    assert row["kept"][0] == pytest.approx(891 / 909.18, rel=1e-5)  # 98 % of the trace
    assert row["cosine"] == pytest.approx(2.2 / (4 * 2.02) ** 0.5, abs=1e-3)  # and a cosine of 0.77
    assert row["raw_cosine"] == pytest.approx(33.6 / (4 * 909.18) ** 0.5, abs=1e-3)


def test_axes_that_are_not_held_exactly_have_no_direction():
    weight = torch.nn.Parameter(torch.zeros(12, 6))
    probe = SpectrumProbe([("w", weight)], max_dim=8, ranks=[2], control=False)
    weight.grad = torch.randn(12, 6)
    probe.update()
    assert [row["source"] for row in probe.snapshot(1)] == ["gradient", "gradient"]
    assert probe.snapshot(2)[0]["mode"] == "sketch"
    weight.grad = None
    assert len(probe.snapshot(3)) == 2


@pytest.mark.parametrize("ranks", [[0], "16", [2.5], [True]])
def test_ranks_are_checked(ranks):
    with pytest.raises(ConfigError, match="Invalid ranks value"):
        SpectrumProbe(torch.nn.Linear(2, 2), ranks=ranks)


def cross_entropy(net, batch):
    return torch.nn.functional.cross_entropy(net(batch[0]), batch[1])


def controlled(**options):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(20, 16), torch.nn.Tanh(), torch.nn.Linear(16, 4))
    before = [p.detach().clone() for p in net.parameters()]
    inputs = [torch.randn(24, 20) for _ in range(12)]
    batches = [(x, x[:, :4].argmax(1)) for x in inputs]
    runs = controlled_spectra(
        net, cross_entropy, iter(batches), lambda p: torch.optim.SGD(p, lr=1.0), steps=12, beta2=0.5, **options
    )
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), before, strict=True))
    return net, batches, runs


def test_every_run_is_that_of_a_probe_on_a_loop_of_its_own():
    net, batches, runs = controlled(snapshots=3, ranks=[2])
    trained = SpectrumProbe(net, beta2=0.5, ranks=[2])
    frozen_net = torch.nn.Sequential(torch.nn.Linear(20, 16), torch.nn.Tanh(), torch.nn.Linear(16, 4))
    frozen_net.load_state_dict(net.state_dict())
    frozen = SpectrumProbe(frozen_net, beta2=0.5, control=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    for step, batch in enumerate(batches, 1):
        for model, probe in ((net, trained), (frozen_net, frozen)):
            model.zero_grad()
            cross_entropy(model, batch).backward()
            probe.update()
            if step % 4 == 0:
                probe.snapshot(step)
        optimizer.step()
    assert list(runs) == ["trained", "trained, shuffled labels", "frozen", "frozen, shuffled labels"]
    assert runs["trained"] == trained.rows
    assert runs["frozen"] == frozen.rows
    assert runs["frozen"] != runs["frozen, shuffled labels"]
    assert {row["source"] for row in runs["frozen"]} == {"gradient"}


def test_a_loss_without_targets_has_equal_runs_with_shuffled_labels():
    torch.manual_seed(0)
    batches = [(torch.randn(8, 6), torch.arange(8)) for _ in range(3)]
    runs = controlled_spectra(
        torch.nn.Linear(6, 3), lambda net, batch: net(batch[0]).square().mean(), batches,
        lambda p: torch.optim.SGD(p, lr=0.1), steps=3, snapshots=1, control=False,
    )  # fmt: skip
    assert runs["frozen"] == runs["frozen, shuffled labels"]
    assert runs["trained"] == runs["trained, shuffled labels"]
    assert runs["trained"] != runs["frozen"]


def test_a_shuffle_keeps_entries_or_rows():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(24).view(6, 4)
    found = _shuffle(labels, generator)
    assert not torch.equal(found, labels)
    assert torch.equal(found.flatten().sort().values, labels.flatten())
    rows = torch.randn(50, 3)
    moved = _shuffle(rows, generator)
    assert not torch.equal(moved, rows)
    assert sorted(map(tuple, moved.tolist())) == sorted(map(tuple, rows.tolist()))


def test_too_few_batches_are_named():
    with pytest.raises(ConfigError, match="was given 2 batches and steps=5"):
        controlled_spectra(
            torch.nn.Linear(3, 2), cross_entropy, 2 * [(torch.randn(4, 3), torch.tensor([0, 1, 0, 1]))],
            lambda p: torch.optim.SGD(p, lr=0.1), steps=5,
        )  # fmt: skip


def test_the_figure_shows_runs_side_by_side_and_what_sketches_keep(tmp_path):
    _, _, runs = controlled(snapshots=2, ranks=[1, 4])
    figure = spectrum_figure(runs)
    assert len(figure.axes) == 4
    assert [line.get_label() for line in figure.axes[0].lines] == [*runs, "Gaussian matrices"]
    for line, rows in zip(figure.axes[1].lines, runs.values(), strict=False):
        own = [r["top_quarter"][0] for r in rows if r["source"] == "gradient" and r["step"] == 12]
        assert line.get_ydata()[-1] == pytest.approx(np.median(own))
    kept, fidelity, raw = figure.axes[3].lines
    last = [r for r in runs["trained"] if r["source"] == "direction" and r["step"] == 12]
    for index, rank in enumerate((1, 4)):
        own = [r for r in last if r["rank"] == rank]
        assert kept.get_ydata()[index] == pytest.approx(np.median([share for r in own for share in r["kept"]]))
        assert fidelity.get_ydata()[index] == pytest.approx(np.median([r["cosine"] for r in own]))
    assert raw.get_ydata()[0] == pytest.approx(np.median([r["raw_cosine"] for r in last]))
    figure.savefig(tmp_path / "spectra.png")
    assert len(spectrum_figure(runs["frozen"]).axes) == 3


def test_the_command_draws_and_prints(tmp_path, capsys):
    spectra.main(["--quick", "-o", str(tmp_path / "spectra.png")])
    printed = capsys.readouterr().out
    for words in ("frozen, shuffled labels", "Gaussian matrices", "raw gradient", "mlp, 8 steps"):
        assert words in printed
    assert (tmp_path / "spectra.png").stat().st_size > 10_000


def test_every_rank_after_one_gradient_in_closed_form():
    """With singular values s the exact direction has only ones, and that of rank k has s_i / max(s_i, s_{k+1})."""
    gradient = torch.randn(10, 7, generator=torch.Generator().manual_seed(3))
    values = torch.linalg.svdvals(gradient.double())
    exact = exact_direction(gradient, [gradient @ gradient.T, gradient.T @ gradient])
    for k in range(1, 7):
        sketches = [update_sketch(empty_sketch(d, k), g) for d, g in ((10, gradient), (7, gradient.T))]
        expected = cosine(values / values.clamp(min=float(values[k])), torch.ones(7))
        assert cosine(sketched_direction(gradient, sketches), exact) == pytest.approx(expected, abs=1e-5)


def test_a_training_experiment_stores_directions(tmp_path):
    config = {"name": "tiny", "task": "mlp", "steps": 8, "learning_rates": [0.01], "seeds": [1]}
    config |= {"optimizers": [{"name": "Adam", "kind": "adam"}], "probe": {"snapshots": 2, "options": {"ranks": [4]}}}
    store = Store(tmp_path)
    run_training(parse_training(config), store)
    write_outputs(store)
    rows = [json.loads(line) for line in (tmp_path / "spectra.jsonl").read_text().splitlines()]
    found = {(row["step"], row["parameter"]): row for row in rows if row["source"] == "direction"}
    assert list(found) == [(step, name) for step in (4, 8) for name in ("0.weight", "2.weight", "4.weight")]
    assert all(0.0 < row["cosine"] <= 1.0 + 1e-6 and len(row["kept"]) == 2 for row in found.values())
    assert (tmp_path / "figures" / "spectra.png").exists()
