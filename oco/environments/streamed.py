"""Games on streams of dictionaries, such as the data sets and the concept drifts of river."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np

from oco.domains.base import Domain
from oco.environments.given_rows import GeneralizedLinear
from oco.errors import ConfigError, DataError
from oco.losses.scalar import ScalarLoss, scalar_loss
from oco.types import Array


def from_river(
    dataset: Iterable[tuple[Mapping[Any, Any], Any]],
    *,
    n_samples: int | None = None,
    loss: ScalarLoss | str | None = None,
    domain: Domain | None = None,
    intercept: bool = False,
) -> GeneralizedLinear:
    """Play against a stream of river, in its order: samples ``(features by name, target)``.

    Parameters
    ----------
    dataset
        A data set of river, or any iterable of pairs. Features that are words become columns of 0 and 1, as
        scikit-learn's `DictVectorizer` makes them; a feature that a sample lacks is 0.
    n_samples
        How many samples to read; all by default. A generator without an end needs it.
    loss
        Loss of a margin and a target; by default logistic if targets are true or false, or words, else squared.
    domain
        Where decisions must lie; unbounded by default.
    intercept
        Whether to add a last column of ones.

    Returns
    -------
    GeneralizedLinear
        A game with the samples as rows, sparse if at most half of the entries are nonzero. The rows are held in memory.

    Raises
    ------
    ConfigError
        If the stream has no end and ``n_samples`` is not given.
    DataError
        If there are no samples, or a loss of two classes gets targets of more or fewer.

    Examples
    --------
    >>> import oco
    >>> stream = [({"rain": 1.0, "day": "Monday"}, True), ({"rain": 0.0, "day": "Sunday"}, False)] * 10
    >>> game = oco.environments.from_river(stream, domain=oco.Ball(radius=2.0))
    >>> game.horizon, game.domain.dimension, game.loss.name
    (20, 3, 'logistic')
    """
    if n_samples is None and hasattr(dataset, "n_samples") and dataset.n_samples is None:
        raise ConfigError(f"{type(dataset).__name__} has no end; say how many samples to read with n_samples")
    samples = list(islice(dataset, n_samples))
    if not samples:
        raise DataError("the stream has no samples")
    from sklearn.feature_extraction import DictVectorizer

    vectorizer = DictVectorizer(sort=True)
    rows = vectorizer.fit_transform([{name: _plain(value) for name, value in x.items()} for x, _ in samples])
    if rows.nnz > rows.shape[0] * rows.shape[1] / 2:
        rows = rows.toarray()
    if intercept:
        rows = _with_ones(rows)
    targets = [y.item() if isinstance(y, np.generic) else y for _, y in samples]
    words = all(isinstance(y, (bool, str)) for y in targets)
    chosen = scalar_loss(loss) if loss is not None else scalar_loss("logistic" if words else "squared")
    numbers = _signs(targets, chosen) if chosen.binary else np.array(targets, dtype=np.float64)
    description = {"data": type(dataset).__name__, "samples": len(samples)}
    return GeneralizedLinear(rows, numbers, loss=chosen, domain=domain, order="file", description=description)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, (bool, np.generic)) and not isinstance(value, np.str_) else value


def _with_ones(rows: Any) -> Any:
    from scipy import sparse

    ones = np.ones((rows.shape[0], 1))
    both: list[Any] = [rows, ones]
    return np.hstack(both) if isinstance(rows, np.ndarray) else sparse.hstack(both, format="csr")


def _signs(targets: list[Any], loss: ScalarLoss) -> Array:
    """+1 for the larger of two values, -1 for the other; false and true need not both occur."""
    values = sorted({False, True} if set(targets) <= {False, True} else set(targets))
    if len(values) != 2:
        shown = ", ".join(map(repr, values[:5]))
        raise DataError(f"the {loss.name} loss needs targets of two classes, got {len(values)}: {shown}")
    return np.where([y == values[1] for y in targets], 1.0, -1.0)
