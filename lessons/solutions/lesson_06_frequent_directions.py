"""Solutions of lesson 6; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def escaped_votes():
    # Every vote against the counter takes one off: 5, then 4, 3, 2, then 1, 0. Five steps, and by (5) 2 * 5 = 10 - 0.
    return 5


class MySketch:
    def __init__(self, dimension, rank):
        self.rank, self.escaped_mass = rank, 0.0
        self.rows = np.zeros((0, dimension))

    def update(self, vector):
        _, values, directions = np.linalg.svd(
            np.vstack([self.rows, vector]), full_matrices=False
        )
        squares = values**2
        if squares.size > self.rank:
            self.escaped_mass += squares[self.rank]
            squares = np.maximum(squares[: self.rank] - squares[self.rank], 0.0)
        self.rows = np.sqrt(squares)[:, None] * directions[: squares.size]

    def covariance(self):
        return self.rows.T @ self.rows


def smallest_rank():
    for rank in range(1, 64):
        sketch = oco.FrequentDirections(dimension=64, rank=rank)
        sketch.update(pixels)  # noqa: F821  (pixels are the lesson's)
        if sketch.escaped_mass < 0.01 * (pixels**2).sum():  # noqa: F821
            return rank
    return 64


def worst_stream():
    # The two candidates in turn: the counter is always at 0 or 1, and half of all votes are lost.
    return np.tile(np.eye(2), (10, 1))
