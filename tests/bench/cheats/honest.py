"""A learner that keeps the rules: descent whose state is the point and the round."""

import oco


class Honest(oco.Learner):
    def __init__(self, learning_rate=0.5):
        self.learning_rate = learning_rate

    def start(self, problem):
        self.domain = problem.domain
        self.state = {"point": problem.domain.start, "round": 0}

    def update(self, gradient):
        self.state["round"] += 1
        step = self.learning_rate / self.state["round"] ** 0.5
        self.state["point"] = self.domain.project(self.state["point"] - step * gradient)
