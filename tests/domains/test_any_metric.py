"""A domain that states no projection in other norms gets a slow one that is certified."""

import numpy as np
import pytest
from domain_cases import METRICS, matrix_domains, random_metric, vector_domains

from oco.checks import check_domain
from oco.domains import Dense, Domain, Kronecker, projection_residual
from oco.errors import DomainError


class Plain(Domain):
    """A domain stripped of its own projection in metrics."""

    def __init__(self, domain):
        self._domain, self._shape = domain, domain.shape

    start = property(lambda self: self._domain.start)

    def contains(self, point, tolerance=1e-9):
        return self._domain.contains(point, tolerance)

    def project(self, point):
        return self._domain.project(point)

    def support(self, direction):
        return self._domain.support(direction)

    def maximizer(self, direction):
        return self._domain.maximizer(direction)

    def diameter(self, norm="l2"):
        return self._domain.diameter(norm)

    def radius(self, norm="l2"):
        return self._domain.radius(norm)

    def describe(self):
        return {"name": "plain"}


@pytest.mark.parametrize("kind", METRICS)
def test_the_slow_projection_is_certified_and_agrees_with_the_fast_one(kind):
    for seed in range(2):
        rng = np.random.default_rng(seed)
        for name, domain in (vector_domains(6, rng) | matrix_domains((2, 3))).items():
            metric = random_metric(kind, 6, 30.0, rng)
            point = domain.start + 2.0 * rng.standard_normal(domain.shape)
            projected = Plain(domain).project_in(point, metric)
            assert domain.contains(projected, 1e-10), name
            assert projection_residual(domain, point, projected, metric) <= 1e-10, name
            if "singular" not in kind:
                np.testing.assert_allclose(
                    projected, domain.project_in(point, metric), rtol=1e-6, atol=1e-7, err_msg=name
                )


def test_shampoo_s_metric_needs_nothing_of_the_domain():
    rng = np.random.default_rng(3)
    left, right = (Dense(np.linalg.qr(rng.standard_normal((d, d)))[0], np.geomspace(1.0, 0.1, d)) for d in (2, 3))
    for domain in matrix_domains((2, 3)).values():
        point = 3.0 * rng.standard_normal((2, 3))
        projected = Plain(domain).project_in(point, Kronecker(left, right))
        np.testing.assert_allclose(projected, domain.project_in(point, Kronecker(left, right)), rtol=1e-6, atol=1e-7)


def test_such_a_domain_keeps_every_promise_that_is_checked():
    for domain in vector_domains(4, np.random.default_rng(1)).values():
        check_domain(Plain(domain))


def test_what_the_slow_method_does_not_reach_is_refused_not_returned():
    rng = np.random.default_rng(0)
    domain = Plain(vector_domains(6, rng)["slab"])
    metric = random_metric("dense", 6, 1e12, rng)
    with pytest.raises(DomainError, match="optimality residual") as caught:
        domain.project_in(10.0 * rng.standard_normal(6), metric)
    assert caught.value.residual > 1e-10
