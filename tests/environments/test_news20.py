"""62,061 features: one pass over news20 as sparse rows, in less memory than an eighth of the dense matrix."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, re, oco
game = oco.environments.LogisticRegression.load("news20", labels=("one-vs-rest", 1), scaling="unit-rows")
learners = [
    oco.OGD(learning_rate=3.0),
    oco.DiagonalAdaGrad(learning_rate=0.3),
    oco.FDAdaGrad(rank=16, learning_rate=1.0),
]
found = {"rounds": game.horizon, "dimension": game.domain.dimension, "sparse": game.block(0, 10).sparse}
for learner in learners:
    record = oco.play(game, learner, comparator=False, spectrum=False, checkpoints=1)
    found[type(learner).__name__] = [record.cumulative_loss / game.horizon, record.state_floats, record.timings["play"]]
found["peak_bytes"] = 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read()).group(1))
print(json.dumps(found))
"""


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_news20_is_played_in_one_pass_without_ever_being_dense():
    # In a process of its own, by the peak of its own memory: ru_maxrss is inherited from the process that forked it.
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of one process is read from /proc, which this system lacks")
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["rounds"], found["dimension"], found["sparse"]) == (15_935, 62_061, True)
    dense = 8 * 15_935 * 62_061
    assert found["peak_bytes"] < min(1e9, 0.125 * dense)
    for learner in ("OGD", "DiagonalAdaGrad", "FDAdaGrad"):
        # Well below log 2, the loss of the start.
        assert found[learner][0] < 0.3
    assert found["FDAdaGrad"][1] < 32 * 62_061
