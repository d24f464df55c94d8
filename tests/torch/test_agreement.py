"""Both halves of the project on the same gradients: the convex library's sketch and the optimizer's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from oco.domains import Unbounded
from oco.environments import MatrixRegression
from oco.learners import Problem, SketchedShampoo
from oco.learners import Shampoo as ConvexShampoo
from oco.sketching import FrequentDirections
from oco.torch import Compatibility, Preconditioner, Shampoo, SketchyShampoo
from oco.torch.sketch import empty_sketch, update_sketch


@pytest.mark.parametrize("decay", [1.0, 0.95])
@pytest.mark.parametrize("method", ["gram64", "svd"])
def test_the_two_sketches_agree_on_a_stream_of_vectors(decay, method):
    generator = np.random.default_rng(0)
    convex, mine = FrequentDirections(14, 4, decay=decay), empty_sketch(14, 4, dtype=torch.float64)
    for gradient in generator.standard_normal((80, 14)) * np.logspace(0, -1, 14):
        convex.update(gradient)
        mine = update_sketch(mine, torch.from_numpy(gradient)[:, None], decay=decay, method=method)
        kept = mine.singular_values.square().numpy()
        found = np.zeros(4)
        found[: len(convex.eigenvalues)] = convex.eigenvalues[:4]
        np.testing.assert_allclose(kept, found, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(float(mine.root_escaped) ** 2, convex.escaped_mass, rtol=1e-8, atol=1e-10)
        basis = mine.basis.numpy()
        np.testing.assert_allclose((basis * kept) @ basis.T, convex.covariance(), rtol=1e-8, atol=1e-8)


def test_a_vector_parameter_takes_the_step_of_the_convex_sketch():
    """With one axis, sums and no graft the optimizer moves by (S + rho I + eps I)^{-1/2} g, which is FD-AdaGrad."""
    generator, eps = np.random.default_rng(1), 1e-2
    weight = torch.nn.Parameter(torch.zeros(9, dtype=torch.float64))
    options = {"graft": "none", "update_freq": 1, "start_step": 0, "compatibility": Compatibility(statistics="sum")}
    options["preconditioner"] = Preconditioner(vectors=True, relative_eps=False)
    optimizer = SketchyShampoo([weight], lr=0.5, betas=(0.0, 1.0), rank=3, eps=eps, method="gram64", **options)
    convex, position = FrequentDirections(9, 3), np.zeros(9)
    for gradient in generator.standard_normal((25, 9)):
        weight.grad = torch.from_numpy(gradient)
        optimizer.step()
        convex.update(gradient)
        values, vectors = np.linalg.eigh(convex.covariance() + (convex.escaped_mass + eps) * np.eye(9))
        position -= 0.5 * vectors @ ((vectors.T @ gradient) / np.sqrt(values))
        np.testing.assert_allclose(weight.detach().numpy(), position, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("rank", "decay"), [(3, 1.0), (3, 0.9), (None, 1.0)])
def test_learner_and_optimizer_play_the_same_matrix_game(rank, decay):
    """Without graft and momentum both move by L^{-1/4} G R^{-1/4}, L and R sums (or weighted sums), delta = eps."""
    shape, rate, delta = (6, 9), 0.3, 1e-2
    game = MatrixRegression(shape, 60).fresh(3)
    sketched = SketchedShampoo(rank, learning_rate=rate, delta=delta, decay=decay) if rank else None
    learner = sketched or ConvexShampoo(learning_rate=rate, delta=delta)
    learner.start(Problem(Unbounded(shape), horizon=60))
    weight = torch.nn.Parameter(torch.tensor(learner.prediction))
    options = {"lr": rate, "betas": (0.0, decay), "graft": "none", "update_freq": 1, "start_step": 0, "eps": delta}
    options |= {"preconditioner": Preconditioner(relative_eps=False), "compatibility": Compatibility(statistics="sum")}
    sketchy = {"rank": rank, "method": "gram64"}
    optimizer = SketchyShampoo([weight], **sketchy, **options) if rank else Shampoo([weight], **options)
    for _ in range(60):
        gradient = game.reveal(learner.prediction).gradient(learner.prediction)
        weight.grad = torch.tensor(gradient)
        learner.update(gradient)
        optimizer.step()
        # The full learner starts from delta I and sums, the optimizer adds eps in the root: the same number.
        np.testing.assert_allclose(weight.detach().numpy(), learner.prediction, rtol=1e-6, atol=1e-8)
    if sketched is not None:
        masses = [sketched.state.left.escaped_mass, sketched.state.right.escaped_mass]
        assert min(masses) > 0.0
        assert [row["escaped_mass"] for row in optimizer.report()] == pytest.approx(masses, rel=1e-8)
