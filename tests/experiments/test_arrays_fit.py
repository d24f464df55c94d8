"""Arrays of a stored run or game that miss a part, or differ in length, are damage, of a single checkpoint too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from regret_experiments.store.documents import Damaged, check_arrays

NAMES = ("certificates", "tight", "notes")
VECTORS = ("round", "lower", "upper", "final")


def game(count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    document = {"status": "finished", **{name: [None] * count for name in NAMES}}
    return document, {**{name: np.zeros(count) for name in VECTORS}, "points": np.zeros((count, 3))}


def check(kind: str, document: dict[str, Any], arrays: dict[str, Any]) -> None:
    check_arrays(kind, document, {name: array.shape for name, array in arrays.items()})


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_whole_game_fits(count: int) -> None:
    check("games", *game(count))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", [*NAMES, *VECTORS, "points"])
def test_a_game_without_a_part_is_damaged(name: str, count: int) -> None:
    document, arrays = game(count)
    (document if name in document else arrays).pop(name)
    with pytest.raises(Damaged, match="do not fit together"):
        check("games", document, arrays)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", [*NAMES, *VECTORS, "points"])
def test_a_game_with_a_longer_part_is_damaged(name: str, count: int) -> None:
    document, arrays = game(count)
    if name in document:
        document[name].append(None)
    else:
        arrays[name] = np.zeros((count + 1, *arrays[name].shape[1:]))
    with pytest.raises(Damaged, match="do not fit together"):
        check("games", document, arrays)


@pytest.mark.parametrize("name", [*VECTORS, "points"])
def test_an_array_of_another_dimension_is_damage(name: str) -> None:
    document, arrays = game(1)
    arrays[name] = np.zeros(1) if name == "points" else np.zeros((1, 1))
    with pytest.raises(Damaged, match="do not fit together"):
        check("games", document, arrays)
