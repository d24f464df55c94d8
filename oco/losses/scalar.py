"""All losses of a margin by their names in configs, and the compiled function that evaluates them.

The kernels of learners compute every value and derivative by one compiled function, `evaluate`. New losses belong in
`oco.losses.regression` or `oco.losses.classification`; nothing here has to change.
"""

from __future__ import annotations

from oco.compile import kernel
from oco.errors import ConfigError
from oco.losses import classification, regression
from oco.losses.classification import *  # noqa: F403
from oco.losses.classification import FIRST_CODE, evaluate_classification
from oco.losses.margin import ScalarLoss
from oco.losses.regression import *  # noqa: F403
from oco.losses.regression import evaluate_regression
from oco.plugins import Registry

__all__ = ["SCALAR_LOSSES", "ScalarLoss", "evaluate", "scalar_loss"]
__all__ += classification.__all__
__all__ += regression.__all__


@kernel
def evaluate(code: int, parameter: float, margin: float, target: float) -> tuple[float, float]:
    """Value of the loss ``code`` at ``margin`` and a subgradient there with respect to the margin."""
    if code >= FIRST_CODE:
        return evaluate_classification(code, parameter, margin, target)
    return evaluate_regression(code, parameter, margin, target)


def _families() -> list[type[ScalarLoss]]:
    return [getattr(module, name) for module in (regression, classification) for name in module.__all__]


SCALAR_LOSSES: Registry[ScalarLoss] = Registry(
    "loss", "oco.losses", ScalarLoss, {family.name: family for family in _families()}
)
"""All scalar losses, plugins' included, by their names in configs."""


def scalar_loss(name: str | ScalarLoss, **parameters: float) -> ScalarLoss:
    """The scalar loss called ``name`` in configs, with its hyper-parameter (``tau``, ``delta``) if it has one.

    A loss object is returned unchanged.

    Examples
    --------
    >>> scalar_loss("quantile", tau=0.9).tau
    0.9
    """
    if isinstance(name, ScalarLoss):
        return name
    if not isinstance(name, str) or name not in SCALAR_LOSSES:
        allowed = ", ".join(sorted(SCALAR_LOSSES))
        raise ConfigError(f"loss must be one of {allowed}, or an oco.losses.ScalarLoss, got {name!r}")
    family = SCALAR_LOSSES[name]
    try:
        return family(**parameters)
    except TypeError:
        raise ConfigError(f"the {name} loss does not take {', '.join(sorted(parameters))}") from None
