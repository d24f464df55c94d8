"""Solutions of lesson 6; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def escaped_votes():
    # 5 pi, less e three times, less 5, and the last vote wins: it takes what is left, 5 pi - 3 e - 5, off both.
    return 5.0 * np.pi


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


def smallest_ranks():
    found, rank = [], 0
    for share in (0.1, 0.03, 0.01, 0.003):
        while not found or found[-1][1] >= share:
            rank += 1
            sketch = oco.FrequentDirections(dimension=64, rank=rank)
            sketch.update(pixels)  # noqa: F821  (pixels are the lesson's)
            found[-1:] = [(rank, sketch.escaped_mass / (pixels**2).sum())]  # noqa: F821
        found.append(found[-1])
    return found[:-1]


def worst_stream():
    # The two candidates in turn: the counter is always at 0 or 1, and half of all votes are lost.
    return np.tile(np.eye(2), (10, 1))


WRONG = {  # common wrong answers and their hints, for write_digests.py
    "6.1": {
        3.0 * np.e
        + 10.0: "the last vote is larger than the counter, and takes only what is there",
        3.0 * np.e: "the votes for the third candidate count too",
        5.0 * np.pi
        + 3.0 * np.e
        + 10.0: "this is the trace of G: only what is subtracted escapes",
        (5.0 * np.pi + 3.0 * np.e + 10.0)
        / 2.0: "this would be right if nothing were left in the counter, see (5)",
        10.0 - (5.0 * np.pi - 3.0 * np.e - 5.0): "this is what is left in the counter",
    },
}
