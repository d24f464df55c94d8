"""What a fit costs: against `oco.play` on a9a, and against scikit-learn's SGDClassifier at equal accuracy.

    OCO_DATA_DIR=... python -m benchmarks.estimators [--data NAME ...] [--output table.md]

The first table has the CPU time of ``OnlineClassifier.fit`` on a9a over that of `oco.play` without tracking, taken in
turns; the ratio is the median of the ratios of turns. The second has, for five data sets, the test accuracy and the CPU
time of one pass of OnlineClassifier, of SGDClassifier with its default stopping rule, and of SGDClassifier with the
least of 1, 2, 4, ... epochs whose mean accuracy is at least as high. All see the same splits and seeds. Differences of
accuracy are paired: mean and standard error over the splits.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

import oco
from benchmarks.measure import one_core
from oco.estimators import OnlineClassifier

SPLITS = 5
EPOCHS = (1, 2, 4, 8, 16, 32, 64)
MODELS = {
    "diagonal_adagrad": OnlineClassifier(),
    "adagrad_norm": OnlineClassifier("adagrad_norm"),
    "fd_adagrad, rank 5": OnlineClassifier("fd_adagrad", rank=5),
}


DATA = ("breast_cancer", "digits", "mushrooms", "a9a", "news20")


def data_sets(wanted: Sequence[str]) -> Iterator[tuple[str, Any, Any]]:
    """Two sets that come with scikit-learn, and three sparse ones; of news20, even classes against odd ones."""
    bundled = {"breast_cancer": load_breast_cancer, "digits": load_digits}
    for name in wanted:
        if name in bundled:
            yield name, *bundled[name](return_X_y=True)
        else:
            data = oco.datasets.load(name)
            yield name, data.rows, data.targets % 2 if name == "news20" else data.targets


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this thread."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def against_play(turns: int = 15) -> list[str]:
    """Rows of the first table."""
    data, rows = oco.datasets.load("a9a"), oco.datasets.load("a9a", intercept=True)
    lines = ["| learner | play, ms | fit, ms | fit / play |", "|---|---|---|---|"]
    for name, model in MODELS.items():
        model = clone(model).set_params(random_state=0)
        learner = oco.learners.LEARNERS[name.partition(",")[0]](**{"learning_rate": 0.5} | model_rank(model))

        def play(learner: Any = learner) -> None:
            game = oco.environments.LogisticRegression(rows.rows, rows.targets)
            oco.play(game, learner, comparator=False, spectrum=False)

        def fit(model: Any = model) -> None:
            model.fit(data.rows, data.targets)

        play(), fit()
        times = [(seconds(play), seconds(fit)) for _ in range(turns)]
        played, fitted = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(b / a for a, b in times)
        lines.append(f"| {name} | {played:.1f} | {fitted:.1f} | {ratio:.2f} |")
    return lines


def model_rank(model: OnlineClassifier) -> dict[str, int]:
    """The model's rank as a keyword, if it has one."""
    return {} if model.rank is None else {"rank": model.rank}


def measured(model: Any, splits: list[Any]) -> tuple[Any, float]:
    """Accuracy on every split, and median milliseconds of a fit."""
    scores, times = [], []
    for seed, (train, test, train_classes, test_classes) in enumerate(splits):
        fitted = clone(model).set_params(random_state=seed)
        times.append(seconds(lambda: fitted.fit(train, train_classes)))  # noqa: B023 (called at once)
        scores.append(fitted.score(test, test_classes))
    return np.array(scores), 1e3 * statistics.median(times)


def split(rows: Any, classes: Any, seed: int) -> tuple[Any, Any, Any, Any]:
    """Three quarters for training; columns scaled by what is in them."""
    train, test, train_classes, test_classes = train_test_split(
        rows, classes, test_size=0.25, random_state=seed, stratify=classes
    )
    scaler = (MaxAbsScaler() if issparse(rows) else StandardScaler()).fit(train)
    return scaler.transform(train), scaler.transform(test), train_classes, test_classes


def against_sgd(wanted: Sequence[str]) -> list[str]:
    """Rows of the second table."""
    head = (
        "| data set | learner | accuracy | ms | SGD by default: difference | ms | SGD, epochs to be as accurate | ms | "
        "times as fast |"
    )
    lines = [head, "|---" * 9 + "|"]
    print("", *lines, sep="\n", flush=True)
    for name, rows, classes in data_sets(wanted):
        splits = [split(rows, classes, seed) for seed in range(SPLITS)]
        default, default_time = measured(SGDClassifier(loss="log_loss"), splits)
        epochs = {count: measured(SGDClassifier(loss="log_loss", max_iter=count, tol=None), splits) for count in EPOCHS}
        for learner, model in MODELS.items():
            own, took = measured(model, splits)
            gain = default - own
            error = gain.std(ddof=1) / np.sqrt(gain.size)
            enough = [count for count in EPOCHS if epochs[count][0].mean() >= own.mean()]
            reached = (
                f"{enough[0]} | {epochs[enough[0]][1]:.1f} | {epochs[enough[0]][1] / took:.2f}"
                if enough
                else "more than 64 | | "
            )
            lines.append(
                f"| {name} | {learner} | {own.mean():.4f} | {took:.1f} | {gain.mean():+.4f} ± {error:.4f} | "
                f"{default_time:.1f} | {reached} |"
            )
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, help="a Markdown file")
    parser.add_argument("--data", nargs="*", default=DATA, help="data sets of the second table")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of SGDClassifier, that it did not converge
    with one_core():
        first = against_play()
        print("\n".join(first), flush=True)
        second = against_sgd(options.data)
    if options.output:
        options.output.write_text("\n".join([*first, "", *second]) + "\n")


if __name__ == "__main__":
    main()
