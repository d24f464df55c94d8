"""One small game of every kind, for tests that go over all of them."""

from pathlib import Path

import numpy as np
from scipy import sparse

import oco
from oco.environments import (
    AbsoluteRegression,
    AdaptiveBallLowerBound,
    AgainstRank,
    AttackFound,
    BallLowerBound,
    Bandit,
    CoordinateGame,
    Delayed,
    DrawnPortfolio,
    DriftingQuadratic,
    DriftingRegression,
    ExpertAdvice,
    FollowTheLeaderTrap,
    GeneralizedLinear,
    Hinted,
    IllConditionedRegression,
    ImagePan,
    LeastSquares,
    LinearLosses,
    LogisticRegression,
    MatrixCompletion,
    MatrixRegression,
    MultinomialRegression,
    NaturalImages,
    NoisyRegression,
    OrthonormalLosses,
    PortfolioSelection,
    SimplexLowerBound,
    SpectrumLinear,
    SpectrumQuadratic,
    SubspaceReconstruction,
    SupportVector,
    UnprojectedTrap,
    WithConstraint,
    WrongProjectionTrap,
)
from oco.losses import Huber

_generator = np.random.default_rng(0)
_rows = _generator.standard_normal((300, 5))
_classes = np.where(_rows[:, 0] > 0.0, 1.0, -1.0)
_labels = np.argmax(_rows[:, :3], axis=1) * 2.0
_ball = oco.Ball(radius=2.0)
_sparse = sparse.csr_array(np.where(_generator.random((300, 5)) < 0.3, _rows, 0.0))
_rotating = {"name": "rotating", "leading": 2, "period": 700}
_switching = {"name": "switching", "leading": 2, "period": 300}

EXAMPLES = {
    "logistic rows": LogisticRegression(_rows, _classes, domain=_ball, passes=3),
    "sparse logistic rows": LogisticRegression(_sparse, _classes, domain=_ball),
    "squared rows in file order": LeastSquares(_rows, _rows[:, 1], domain=_ball, order="file", passes=2),
    "absolute rows, unbounded": AbsoluteRegression(_rows, _rows[:, 1]),
    "hinge rows": SupportVector(_rows, _classes, domain=_ball),
    "linear rows": LinearLosses(_rows, domain=_ball),
    "huber rows": GeneralizedLinear(_rows, _rows[:, 1], loss=Huber(0.5), domain=_ball),
    "several classes": MultinomialRegression(_rows, _labels, domain=oco.domains.FrobeniusBall(radius=3.0)),
    "price relatives": PortfolioSelection(np.exp(0.1 * _rows)),
    "power law": SpectrumLinear(8, 5000, exponent=1.5),
    "power law, normal": SpectrumLinear(8, 5000, exponent=1.0, draws="normal"),
    "exponential": SpectrumLinear(8, 5000, spectrum={"name": "exponential", "rate": 0.5}),
    "low rank": SpectrumLinear(8, 5000, spectrum={"name": "low_rank", "rank": 3, "noise": 0.0}),
    "low rank and noise, rotating": SpectrumLinear(
        8, 2000, spectrum={"name": "low_rank", "rank": 2, "noise": 0.1}, drift=_rotating
    ),
    "spiked, switching": SpectrumLinear(8, 2000, spectrum="spiked", drift=_switching),
    "isotropic": SpectrumLinear(8, 5000, spectrum="isotropic"),
    "given spectrum": SpectrumLinear(3, 5000, spectrum=[4.0, 1.0, 0.0]),
    "quadratic": SpectrumQuadratic(6, 1500, curvature=0.3, spectrum="exponential"),
    "quadratic, rotating": SpectrumQuadratic(6, 600, spectrum="power_law", drift=_rotating),
    "ill-conditioned": IllConditionedRegression(6, 600),
    "ill-conditioned signs": IllConditionedRegression(6, 600, draws="signs"),
    "noisy least squares": NoisyRegression(6, 600, condition=50.0),
    "noisy logistic": NoisyRegression(6, 600, loss="logistic", signal=3.0),
    "noisy hinge, normal": NoisyRegression(6, 600, loss="hinge", draws="normal"),
    "portfolio": DrawnPortfolio(5, 600),
    "experts": ExpertAdvice(5, 600),
    "matrix completion": MatrixCompletion((3, 4), 80),
    "matrix completion, squared": MatrixCompletion((4, 3), 80, loss="squared"),
    "matrix regression": MatrixRegression((4, 5), 600),
    "subspace": SubspaceReconstruction(5, 600),
    "switches": DriftingRegression(5, 1200, motion={"name": "switches", "period": 250}, noise=0.1),
    "recurring classes": DriftingRegression(5, 1200, motion="recurring", loss="logistic", signal=4.0),
    "tracking a rotation": DriftingQuadratic(5, 1200, motion={"name": "rotation", "period": 900}, noise=0.5),
    "center of a patch": NaturalImages(3, 600),
    "in-painting": NaturalImages(5, 600, hole=3, image="flower", loss="huber"),
    "denoising": NaturalImages(3, 600, hole=0, channel="red", noise=0.1, loss="squared"),
    "pan": ImagePan(3, 1200, period=250, noise=0.05),
    "ball": BallLowerBound(4, 600, radius=2.0),
    "adaptive ball": AdaptiveBallLowerBound(4, 600, radius=2.0),
    "simplex": SimplexLowerBound(4, 600),
    "coordinates": CoordinateGame(6),
    "rotated coordinates": CoordinateGame(6, rotated=True),
    "against a rank": AgainstRank(8, 600, rank=3),
    "orthonormal": OrthonormalLosses(6, 600),
    "follow the leader": FollowTheLeaderTrap(3, 600),
    "cliff": UnprojectedTrap(3, 600),
    "wrong projection": WrongProjectionTrap(600),
    "found by an attack": AttackFound(str(Path(__file__).with_name("attack_found.npz"))),
    "late by three rounds": Delayed(SpectrumLinear(4, 300), delay=3),
    "late at random": Delayed(DriftingQuadratic(4, 300), delay="geometric", mean=4.0),
    "values at two points": Bandit(NoisyRegression(4, 300, loss="logistic", domain=_ball), points=2),
    "hints of the future": Hinted(NoisyRegression(4, 300), hint="future+noise", noise=0.1),
    "one half is forbidden": WithConstraint(
        SpectrumLinear(4, 300, domain=_ball), SpectrumLinear(4, 300, spectrum="spiked"), limit=0.1
    ),
}
"""Every kind of environment, by what it shows."""
