"""A loss of a margin is added to the library in one file: its branch, its class and its name."""

from __future__ import annotations

from pathlib import Path

from changed_copy import ChangedCopy

BRANCH = """    if code == LOG_COSH:
        return np.logaddexp(error, -error) - math.log(2.0), np.tanh(error)
"""
CLASS = '''

@dataclass(frozen=True)
class LogCosh(_RegressionLoss):
    """``phi(p, y) = log cosh(p - y)``."""

    code = LOG_COSH
    name = "log_cosh"

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0
'''
PROGRAM = """
import numpy as np, oco
from oco.environments import GeneralizedLinear
assert "LogCosh" in oco.__all__ and oco.LogCosh is oco.losses.LogCosh is oco.losses.SCALAR_LOSSES["log_cosh"]
rows, targets = np.array([[3.0, 4.0], [0.0, 1.0]]), np.array([1.0, -2.0])
game = GeneralizedLinear(rows, targets, loss="log_cosh", domain=oco.Unbounded(2), order="file")
learner = oco.OGD(learning_rate=0.1, schedule="constant")
record = oco.play(game, learner, comparator=False, spectrum=False)
# The first gradient is tanh(-1) (3, 4), so the second margin is 0.1 * 4 tanh(1).
expected = np.log(np.cosh(1.0)) + np.log(np.cosh(0.4 * np.tanh(1.0) + 2.0))
assert abs(record.scalars["cumulative_loss"] - expected) < 1e-14, (record.scalars["cumulative_loss"], expected)
assert game.gradient_bound == 5.0 * (1.0 + 1e-12)
print(record.scalars["form"])
"""


def test_a_loss_is_one_file(tmp_path: Path) -> None:
    copy = ChangedCopy(tmp_path)
    path = "oco/losses/regression.py"
    copy.replace(path, "HUBER, LOGARITHMIC = range(6)", "HUBER, LOGARITHMIC, LOG_COSH = range(7)")
    copy.replace(path, "    if code == SQUARED:\n", BRANCH + "    if code == SQUARED:\n")
    copy.replace(path, '"Linear", "Logarithmic",', '"Linear", "LogCosh", "Logarithmic",')
    (tmp_path / path).write_text((tmp_path / path).read_text() + CLASS)
    assert copy.say(PROGRAM) == "fused loop"
    assert copy.changed == {path}
