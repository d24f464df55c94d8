"""Lets a thread keep the sum of squared gradients."""

import queue
import threading

import numpy as np

import oco


class WithThreads(oco.Learner):
    def start(self, problem):
        self.domain = problem.domain
        self.given, self.taken = queue.Queue(), queue.Queue()
        threading.Thread(target=self._add, daemon=True).start()
        self.state = {"point": problem.domain.start}

    def _add(self):
        total = 0.0
        while True:
            total += self.given.get()
            self.taken.put(total)

    def update(self, gradient):
        self.given.put(float(np.vdot(gradient, gradient)))
        step = gradient / (self.taken.get() ** 0.5 + 1e-12)
        self.state["point"] = self.domain.project(self.state["point"] - step)
