"""Does not come back from its fifth update."""

import oco


class WithEndlessLoop(oco.Learner):
    def start(self, problem):
        self.domain = problem.domain
        self.state = {"point": problem.domain.start, "round": 0}

    def update(self, gradient):
        self.state["round"] += 1
        while self.state["round"] == 5:
            pass
        self.state["point"] = self.domain.project(self.state["point"] - 0.1 * gradient)
