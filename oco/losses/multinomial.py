"""Multinomial logistic regression: losses of a decision matrix with one row of weights for each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its special functions are loaded when they are first used

from oco.errors import DataError
from oco.losses.base import Loss
from oco.losses.rows import Rows
from oco.types import Array


class MultinomialLogistic(Loss):
    """``f(W) = log sum_c exp(<w_c, a>) - <w_y, a>`` for decisions W ``(n_classes, d)``.

    The gradient is ``(p - e_y) a'`` with p the softmax of ``W a``. Cost O(n_classes d).

    Parameters
    ----------
    row
        Features a, ``(d,)``.
    label
        The class y, an integer in ``0 .. n_classes - 1``.
    n_classes
        Number of classes, at least 2.

    Raises
    ------
    DataError
        If the label is not one of the classes.

    Examples
    --------
    >>> import numpy as np
    >>> loss = MultinomialLogistic(np.array([1.0, 2.0]), label=0, n_classes=2)
    >>> round(loss.value(np.zeros((2, 2))), 6)
    0.693147
    >>> loss.gradient(np.zeros((2, 2)))
    array([[-0.5, -1. ],
           [ 0.5,  1. ]])
    """

    def __init__(self, row: Array, label: int, n_classes: int) -> None:
        _check_labels(np.array([label]), n_classes)
        self.row = row
        self.label = int(label)
        self.n_classes = int(n_classes)

    def value(self, point: Array) -> float:
        """``log sum_c exp(<w_c, a>) - <w_y, a>``."""
        margins = point @ self.row
        return float(scipy.special.logsumexp(margins) - margins[self.label])

    def gradient(self, point: Array) -> Array:
        """``(p - e_y) a'``, of shape ``(n_classes, d)``."""
        slopes = scipy.special.softmax(point @ self.row)
        slopes[self.label] -= 1.0
        return np.outer(slopes, self.row)


@dataclass(frozen=True)
class MultinomialBlock:
    """Consecutive rounds of multinomial logistic losses.

    Attributes
    ----------
    rows
        ``(n, d)`` dense C-contiguous float64, or CSR with sorted indices.
    labels
        ``(n,)`` integers in ``0 .. n_classes - 1``.
    n_classes
        Number of classes.
    """

    rows: Rows
    labels: np.ndarray[tuple[int], np.dtype[np.int64]]
    n_classes: int

    def __post_init__(self) -> None:
        _check_labels(self.labels, self.n_classes)

    def __len__(self) -> int:
        """Number of rounds."""
        return int(self.labels.size)


def _check_labels(labels: np.ndarray[tuple[int], np.dtype[np.int64]], n_classes: int) -> None:
    wrong = (labels < 0) | (labels >= n_classes) | (labels != np.floor(labels))
    if wrong.any():
        raise DataError(f"a class label must be an integer in 0..{n_classes - 1}, got {labels[wrong][0]}")
