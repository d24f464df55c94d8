"""A stream that an attack found, from its file: an environment ever after."""

from __future__ import annotations

import hashlib
import os
from typing import Any, ClassVar

import numpy as np

from oco import plain_file
from oco.domains import from_config
from oco.environments.given_rows import GeneralizedLinear
from oco.environments.row_stream import RowStream
from oco.losses.rows import RowBlock
from oco.losses.scalar import SCALAR_LOSSES

KIND, VERSION = "attack found", 1
"""What such a file holds, and the version of its layout."""


class AttackFound(RowStream):
    """The losses of a stream that `oco.attacks.attack` found, in their order, the same for every seed.

    Parameters
    ----------
    file
        What `Found.save` or ``oco attack --output`` wrote.

    Attributes
    ----------
    found
        What is known of the stream: ``learner``, ``regret`` (both certified ends), ``bound``, ``certificate``,
        ``objective``, ``score``, ``seed``, ``evaluations``.

    Raises
    ------
    StoreError
        If there is no such file, or it is damaged.

    Examples
    --------
    >>> import oco, tempfile, pathlib
    >>> from oco.attacks import attack
    >>> found = attack(oco.OGD(1.0), oco.Ball(1.0, dimension=1), 8, methods=["signs"], evaluations=24)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = pathlib.Path(directory) / "found.npz"
    ...     found.save(path)
    ...     game = oco.environments.AttackFound(str(path))
    >>> oco.play(game, oco.OGD(1.0)).regret == found.regret
    True
    """

    name: ClassVar[str] = "attack_found"

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self.file = os.fspath(file)
        tree = plain_file.load(file, KIND, VERSION)
        rows = np.asarray(tree.pop("rows"), dtype=np.float64)
        self.loss = SCALAR_LOSSES.build(tree.pop("loss"))
        targets = np.ones(len(rows)) if self.loss.takes_target else None
        domain = from_config(tree.pop("domain"))
        self.found: dict[str, Any] = tree
        self._game = GeneralizedLinear(rows, targets, loss=self.loss, domain=domain, order="file")
        self._checksum = hashlib.sha256(rows.tobytes()).hexdigest()[:16]
        self.domain, self.horizon = self._game.domain, self._game.horizon
        self.restart(0)

    def block(self, start: int, stop: int) -> RowBlock:
        """Rounds ``start`` to ``stop - 1`` (from 0), the same for every seed."""
        self._check_range(start, stop)
        return self._game.block(start, stop)

    @property
    def gradient_bound(self) -> float | None:
        """Largest ``|phi'| |a_t|_2`` over the domain and all rounds."""
        return self._game.gradient_bound

    @property
    def gradient_entry_bound(self) -> float | None:
        """Largest ``|phi'| max_j |a_tj|`` over the domain and all rounds."""
        return self._game.gradient_entry_bound

    @property
    def exp_concavity(self) -> float | None:
        """Least ``phi'' / phi'^2`` over the domain and all rounds; None if it is zero."""
        return self._game.exp_concavity

    def describe(self) -> dict[str, Any]:
        """Name, file and the checksum of the stream, so that runs on another stream have other ids."""
        return super().describe() | {"checksum": self._checksum}
