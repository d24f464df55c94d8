"""Play against the rows of a data set: losses ``f_t(x) = phi(<a_t, x>, y_t)``."""

from __future__ import annotations

import copy
import inspect
from abc import abstractmethod
from typing import Any, Literal, Self

import numpy as np

from oco.domains import Unbounded, from_config
from oco.domains.base import Domain
from oco.environments.row_data import (
    ROUNDING,
    RowSource,
    exp_concavity,
    float_rows,
    largest_entries,
    largest_entry,
    largest_gradient,
    row_lengths,
    sound_rows,
    sound_targets,
    stacked,
)
from oco.environments.row_stream import RowStream
from oco.errors import ConfigError, DataError
from oco.losses.rows import RowBlock, rows_at_once
from oco.losses.scalar import SCALAR_LOSSES, ScalarLoss, scalar_loss
from oco.types import Array

Order = Literal["shuffle", "file"]


class GeneralizedLinearGame(RowStream):
    """Base class of games on given rows; see `oco.environments.GeneralizedLinear` for the parameters."""

    @classmethod
    @abstractmethod
    def own_loss(cls) -> ScalarLoss | None:
        """The default loss; None if a loss must be given."""

    _loaded: dict[str, Any] | None = None
    """Arguments of `load` that describe the data; None if the rows were given."""

    def __init__(
        self,
        rows: Any,
        targets: Any = None,
        *,
        loss: ScalarLoss | str | None = None,
        domain: Domain | None = None,
        order: Order = "shuffle",
        passes: int = 1,
        horizon: int | None = None,
        description: dict[str, Any] | None = None,
    ) -> None:
        loss = self.own_loss() if loss is None else scalar_loss(loss)
        if loss is None:
            raise ConfigError(f"a generalized linear game needs a loss: one of {', '.join(sorted(SCALAR_LOSSES))}")
        if order not in ("shuffle", "file"):
            raise ConfigError(f'order must be "shuffle" or "file", got {order!r}')
        self.loss = loss
        self._source: RowSource | None = None
        self._rows: Any = rows
        if isinstance(rows, RowSource):
            if targets is not None:
                raise ConfigError("rows that are read in blocks bring their targets; targets must not be given")
            if order != "file":
                raise ConfigError('rows that are read in blocks can only be played with order="file"')
            self._source = rows
            count, dimension = rows.n_rows, rows.dimension
        else:
            self._rows = sound_rows(rows)
            count, dimension = self._rows.shape
            self._targets = sound_targets(loss, targets, int(count))
        if passes < 1:
            raise ConfigError(f"passes must be at least 1, got {passes!r}")
        if horizon is not None and not 1 <= horizon <= passes * count:
            raise ConfigError(
                f"horizon must be in 1..{passes * count} for {count} rows and passes={passes}, got {horizon}"
            )
        self.n_rows = int(count)
        self.domain = (domain or Unbounded()).with_shape((int(dimension),))
        self.order: Order = order
        self.passes = passes
        self.horizon = horizon or passes * self.n_rows
        self._description = description or {}
        self._permutation: Array | None = None
        # Shared by all copies that `fresh` makes: the constants hold for every order of the rows.
        self._constants: dict[str, float | None] = {}
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Go back before round 1; with ``order="shuffle"``, draw the order of the rows from ``seed``."""
        super().restart(seed)
        self._permutation = None
        if self.order == "shuffle":
            generator = np.random.default_rng([seed, 0x0DE2])
            passes = -(-self.horizon // self.n_rows)
            self._permutation = np.concatenate([generator.permutation(self.n_rows) for _ in range(passes)])

    def block(self, start: int, stop: int) -> RowBlock:
        """Rounds ``start`` to ``stop - 1`` (from 0) of the stream, in the order in which they are played."""
        self._check_range(start, stop)
        if self._source is not None:
            return self._block_of_source(start, stop)
        first = start % self.n_rows
        chosen: Any
        if self._permutation is not None:
            chosen = self._permutation[start:stop]
        elif first + stop - start <= self.n_rows:
            chosen = slice(first, first + stop - start)
        else:
            chosen = np.arange(start, stop) % self.n_rows
        return RowBlock(self.loss, float_rows(self._rows[chosen]), self._targets[chosen])

    def _block_of_source(self, start: int, stop: int) -> RowBlock:
        assert self._source is not None
        parts = []
        while start < stop:
            first = start % self.n_rows
            wanted = min(stop - start, self.n_rows - first)
            rows, targets = self._source.block(first, first + wanted)
            rows = float_rows(sound_rows(rows))
            if rows.shape != (wanted, self.domain.dimension):
                raise DataError(
                    f"block({first}, {first + wanted}) of the rows must have shape ({wanted}, "
                    f"{self.domain.dimension}), got {rows.shape}"
                )
            # Copied, because a source may reuse its buffer, and a returned block must not change.
            parts.append((rows.copy(), sound_targets(self.loss, targets, wanted).copy()))
            start += wanted
        rows = float_rows(stacked([rows for rows, _ in parts]))
        return RowBlock(self.loss, rows, np.concatenate([targets for _, targets in parts]))

    @property
    def gradient_bound(self) -> float | None:
        """Largest ``|phi'| |a_t|_2`` over the domain and all rows; None if it is unbounded or unknown."""
        return self._constant("gradient_bound")

    @property
    def gradient_entry_bound(self) -> float | None:
        """Largest ``|phi'| max_j |a_tj|`` over the domain and all rows; None if it is unbounded or unknown."""
        return self._constant("gradient_entry_bound")

    @property
    def exp_concavity(self) -> float | None:
        """Least ``phi'' / phi'^2`` over the domain and all rows; None if it is zero or unknown."""
        return self._constant("exp_concavity")

    def _constant(self, name: str) -> float | None:
        if name not in self._constants:
            self._constants |= self._find_constants() | self._constants
        return self._constants[name]

    def _find_constants(self) -> dict[str, float | None]:
        if self._source is not None:
            return {"gradient_bound": None, "gradient_entry_bound": None, "exp_concavity": None}
        radius = self.domain.radius("l2")
        largest, entry, alpha = 0.0, 0.0, np.inf
        step = rows_at_once(self.domain.dimension, sparse=not isinstance(self._rows, np.ndarray))
        for start in range(0, self.n_rows, step):
            rows = float_rows(self._rows[start : start + step])
            lengths, targets = row_lengths(rows), self._targets[start : start + step]
            largest = max(largest, largest_gradient(self.loss, lengths, targets, radius))
            if not self.loss.lipschitz * largest_entry(rows) * ROUNDING <= entry:  # else no row has a larger one
                entry = max(entry, largest_gradient(self.loss, lengths, targets, radius, largest_entries(rows)))
            alpha = min(alpha, exp_concavity(self.loss, lengths, targets, radius))
        return {
            "gradient_bound": largest if np.isfinite(largest) else None,
            "gradient_entry_bound": entry if np.isfinite(entry) else None,
            "exp_concavity": alpha if 0.0 < alpha < np.inf else None,
        }

    def split(self, test_fraction: float = 0.2, seed: int = 0) -> tuple[Self, Self]:
        """Two games on disjoint rows, for training (tuning) and for testing; ``seed`` draws the test rows.

        Both keep the loss, the domain, the order and the passes. Each horizon follows from the game's own rows.
        """
        if self._source is not None:
            raise ConfigError("rows that are read in blocks cannot be split; make a game of each file")
        held_out = round(test_fraction * self.n_rows)
        if not 1 <= held_out < self.n_rows:
            raise ConfigError(f"test_fraction must leave rows on both sides of {self.n_rows}, got {test_fraction!r}")
        drawn = np.random.default_rng([seed, 0x5B17]).permutation(self.n_rows)
        parts = (("train", np.sort(drawn[held_out:])), ("test", np.sort(drawn[:held_out])))
        train, test = (
            type(self)(
                self._rows[chosen],
                self._targets[chosen],
                loss=self.loss,
                domain=self.domain,
                order=self.order,
                passes=self.passes,
                description=self._description | {"part": part, "test_fraction": test_fraction, "split_seed": seed},
            )
            for part, chosen in parts
        )
        return train, test

    def shortened(self, horizon: int) -> Self:
        """The same game with fewer rounds, ``horizon`` of them."""
        if not 1 <= horizon <= self.horizon:
            raise ConfigError(f"horizon must be in 1..{self.horizon}, got {horizon!r}")
        clone = copy.copy(self)
        clone.horizon = horizon
        clone.restart(0)
        return clone

    def keywords(self) -> dict[str, Any]:
        """The constructor's keywords, or those of `load` if it loaded the rows."""
        found = super().keywords()
        if "description" in found:
            found["description"] = self._description or None
        if self._loaded is None:
            return found
        return self._loaded | {key: found[key] for key in found if key not in ("rows", "targets", "description")}

    def describe(self) -> dict[str, Any]:
        """Name and parameters, and the identity of the data."""
        settings = {"order": self.order, "passes": self.passes, "rows": self.n_rows}
        return super().describe() | settings | self._description

    @classmethod
    def load(
        cls, data: str, *, domain: Domain | None = None, loss: ScalarLoss | str | None = None, **options: Any
    ) -> Self:
        """Play against a data set, by name or path.

        Parameters
        ----------
        data
            Name in the registry of `oco.datasets`, or a path.
        domain, loss
            As in the constructor.
        options
            ``order``, ``passes`` and ``horizon`` go to the constructor, the rest to `oco.datasets.load`. If the loss
            needs two classes, ``labels`` is ``"binary"`` by default.

        Examples
        --------
        >>> import oco
        >>> game = oco.environments.LogisticRegression.load("breast_cancer", domain=oco.Ball(radius=5.0))
        >>> game.horizon, game.domain.dimension
        (569, 30)
        """
        from oco import datasets

        stream = {key: options.pop(key) for key in ("order", "passes", "horizon") if key in options}
        chosen = cls.own_loss() if loss is None else scalar_loss(loss)
        if chosen is not None and chosen.binary:
            options.setdefault("labels", "binary")
        dataset = datasets.load(data, **options)
        plain = {key: _plain(value) for key, value in options.items() if key != "data_dir"}
        description = {"data": str(data), "checksum": dataset.checksum} | plain
        game = cls(dataset.rows, dataset.targets, loss=chosen, domain=domain, description=description, **stream)
        game._loaded = {"data": str(data), **options}
        return game

    @classmethod
    def from_config(
        cls,
        *,
        data: str = "",
        domain: dict[str, Any] | None = None,
        loss: str | dict[str, Any] | None = None,
        **options: Any,
    ) -> Self:
        """Build from the plain values of a config: ``loss`` by name with its keywords, or both in one mapping."""
        if "rows" in options:
            return super().from_config(domain=domain, loss=loss, **options)
        if not data:
            raise ConfigError(f"environment {cls.name} needs data: the name of a data set, or a path")
        if loss is None and cls.own_loss() is None:
            raise ConfigError(f"environment {cls.name} needs a loss: one of {', '.join(sorted(SCALAR_LOSSES))}")
        scalar = None
        if isinstance(loss, dict):
            scalar = SCALAR_LOSSES.build(loss)
        elif loss is not None:
            takes = inspect.signature(SCALAR_LOSSES[loss]).parameters if loss in SCALAR_LOSSES else ()
            scalar = scalar_loss(loss, **{key: options.pop(key) for key in takes if key in options})
        if isinstance(options.get("labels"), list):
            options["labels"] = tuple(options["labels"])
        return cls.load(data, domain=from_config(domain) if domain else None, loss=scalar, **options)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
