"""Sets that come from OpenML through scikit-learn, whose function is replaced by one that needs no network."""

from __future__ import annotations

from urllib.error import URLError

import numpy as np
import pytest

from oco.datasets import where_is
from oco.datasets.named import read_named
from oco.datasets.registry import DatasetInfo, FileInfo, SplitInfo
from oco.errors import DataError

TOY = DatasetInfo(
    name="toy",
    title="",
    task="multiclass",
    citation="",
    license="",
    url="https://example.org/d/1",
    features=2,
    format="idx",
    splits={
        "train": SplitInfo(3, labels={0.0: 1, 1.0: 2}, files=(FileInfo({"toy-images.gz": ""}),)),
        "test": SplitInfo(2, labels={0.0: 1, 1.0: 1}, files=(FileInfo({"toy-test-images.gz": ""}),)),
    },
    openml={"name": "toy", "version": 1, "total": 5},
)
ROWS = np.arange(10.0).reshape(5, 2)
TARGETS = np.array(["0", "1", "1", "1", "0"], dtype=object)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, no_offline_copies: None) -> dict[str, object]:
    answer: dict[str, object] = {"rows": ROWS, "targets": TARGETS, "calls": 0}

    def fetch_openml(name, version, **_):
        answer["calls"] = int(str(answer["calls"])) + 1
        assert (name, version) == ("toy", 1)
        if answer["rows"] is None:
            raise URLError("no route")
        return answer["rows"], answer["targets"]

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch_openml)
    return answer


def test_table_is_split_where_it_is_published_to_be_and_kept(served) -> None:
    assert where_is(TOY) == "to be fetched"
    for _ in range(2):
        train, test = read_named(TOY, "train"), read_named(TOY, "test")
        np.testing.assert_array_equal(train.rows, ROWS[:3])
        np.testing.assert_array_equal(train.targets, [0, 1, 1])
        np.testing.assert_array_equal(test.rows, ROWS[3:])
        np.testing.assert_array_equal(test.targets, [1, 0])
    assert served["calls"] == 2
    assert where_is(TOY) == "in the cache"


def test_other_order_of_the_rows_is_noticed(served, cache) -> None:
    served["targets"] = TARGETS[[3, 4, 0, 1, 2]]
    served["targets"][0] = "0"
    with pytest.raises(DataError, match="train split of toy is published with label counts"):
        read_named(TOY, "train")
    assert list(cache.glob("parsed/*")) == []


def test_table_of_another_length_is_refused(served) -> None:
    served["rows"], served["targets"] = ROWS[:4], TARGETS[:4]
    with pytest.raises(DataError, match="is published with 5 rows; it served 4"):
        read_named(TOY, "train")


def test_offline_names_the_files_that_would_do(served) -> None:
    served["rows"] = None
    with pytest.raises(DataError, match=r"toy could not be fetched .*no route.* put toy-images.gz into a directory"):
        read_named(TOY, "train")
