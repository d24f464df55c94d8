"""Keeps the sum of squared gradients in a file."""

import tempfile
from pathlib import Path

import numpy as np

import oco

PLACE = Path(tempfile.gettempdir()) / "oco_bench_cheat_with_files"


class WithFiles(oco.Learner):
    def start(self, problem):
        PLACE.write_text("0.0")
        self.domain = problem.domain
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        total = float(PLACE.read_text()) + float(np.vdot(gradient, gradient))
        PLACE.write_text(repr(total))
        self.state["point"] = self.domain.project(self.state["point"] - gradient / (total**0.5 + 1e-12))
