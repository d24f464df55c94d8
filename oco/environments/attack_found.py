"""A stream that an attack found, from its file: an environment ever after."""

from __future__ import annotations

import hashlib
import os
from typing import Any, ClassVar

import numpy as np

from oco import plain_file
from oco.domains import from_config
from oco.environments.generalized_linear import GeneralizedLinearGame
from oco.losses.scalar import SCALAR_LOSSES, ScalarLoss

KIND, VERSION = "attack found", 1
"""What such a file holds, and the version of its layout."""


class AttackFound(GeneralizedLinearGame):
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
        phi: ScalarLoss = SCALAR_LOSSES.build(tree.pop("loss"))
        domain = from_config(tree.pop("domain"))
        self.checksum = hashlib.sha256(rows.tobytes()).hexdigest()[:16]
        self.found: dict[str, Any] = tree
        targets = np.ones(len(rows)) if phi.takes_target else None
        super().__init__(rows, targets, loss=phi, domain=domain, order="file")

    @classmethod
    def own_loss(cls) -> ScalarLoss | None:
        """None: the file says which."""
        return None

    def keywords(self) -> dict[str, Any]:
        """The file."""
        return {"file": self.file}

    def describe(self) -> dict[str, Any]:
        """Name, file and the checksum of the stream, so that runs on another stream have other ids."""
        return super().describe() | {"checksum": self.checksum}
