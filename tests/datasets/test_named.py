"""Sets by name: the wheel's always, the published files where OCO_DATA_DIR has them."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import sklearn.datasets

from oco.datasets import info, load, names
from oco.errors import DataError


@pytest.mark.parametrize("name", ["breast_cancer", "digits", "diabetes", "iris", "wine"])
def test_wheel_sets_are_scikit_learns(name: str) -> None:
    rows, targets = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    data = load(name)
    np.testing.assert_array_equal(data.rows, rows)
    np.testing.assert_array_equal(data.targets, targets)
    assert data.rows.flags.c_contiguous
    assert data.rows.dtype == data.targets.dtype == np.float64
    assert data.source is info(name)


PUBLISHED = [
    ("a9a", "train", (32561, 123), 451592, {-1.0: 24720, 1.0: 7841}),
    ("a9a", "test", (16281, 123), None, {-1.0: 12435, 1.0: 3846}),
    ("mushrooms", "train", (8124, 112), 170604, {1.0: 3916, 2.0: 4208}),
    ("news20", "train", (15935, 62061), 1272569, None),
    ("mnist", "test", (10000, 784), None, None),
    ("cifar10_part", "test", (1017, 3072), None, None),
]


@pytest.mark.data
@pytest.mark.parametrize(("name", "split", "shape", "stored", "labels"), PUBLISHED)
def test_published_shapes_and_counts(data_directory, name, split, shape, stored, labels) -> None:
    data = load(name, split=split)
    assert data.rows.shape == shape
    if stored is not None:
        assert isinstance(data.rows, scipy.sparse.csr_array)
        assert data.rows.nnz == stored
    if labels is not None:
        values, counts = np.unique(data.targets, return_counts=True)
        assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == labels


@pytest.mark.data
@pytest.mark.parametrize("name", ["a9a", "mushrooms", "news20"])
def test_parsed_rows_are_those_of_scikit_learns_reader(data_directory, name) -> None:
    rows, targets = sklearn.datasets.load_svmlight_file(
        str(data_directory / f"{name}.bz2"), n_features=info(name).features
    )
    data = load(name)
    assert (data.rows != scipy.sparse.csr_array(rows)).nnz == 0
    np.testing.assert_array_equal(data.targets, targets)


@pytest.mark.data
def test_second_load_is_a_map_of_the_cache(data_directory, cache: Path, monkeypatch) -> None:
    first = load("a9a")
    monkeypatch.setattr("oco.datasets.readers.read_svmlight", None)  # parsing again would fail
    second = load("a9a")
    assert second.checksum == first.checksum
    assert (second.rows != first.rows).nnz == 0
    files = sorted(path.name for path in cache.rglob("*.*") if path.is_file())
    assert files == ["data.npy", "facts.json", "indices.npy", "indptr.npy", "targets.npy"]


@pytest.mark.data
@pytest.mark.slow
def test_whole_mnist_and_cifar_part(data_directory) -> None:
    mnist = load("mnist")
    assert mnist.rows.shape == (60000, 784)
    assert 0.0 <= mnist.rows.min() < mnist.rows.max() == 255.0
    assert np.bincount(mnist.targets.astype(int))[0] == 5923
    assert load("cifar10_part").rows.shape == (8068, 3072)


@pytest.mark.data
@pytest.mark.skipif(sys.platform == "win32", reason="measures with getrusage")
def test_news20_is_read_and_prepared_in_less_than_a_gigabyte(data_directory) -> None:
    # In a process of its own, by the peak of its own memory: ru_maxrss is inherited from the process that forked it.
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of one process is read from /proc, which this system lacks")
    script = (
        "import re, oco.datasets as d; "
        "x = d.load('news20', scaling='unit-rows', intercept=True, labels=('one-vs-rest', 1)); "
        "assert x.rows.shape == (15935, 62062); "
        "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read()).group(1))"
    )
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    peak = int(printed) * 1024
    assert peak < 1 << 30
    assert peak > resource.getpagesize()


def test_partial_set_says_so() -> None:
    assert info("cifar10_part").partial
    assert not info("cifar10").partial
    assert [name for name in names() if info(name).partial] == ["cifar10_part"]


def test_every_set_cites_its_source_and_states_its_licence() -> None:
    for name in names():
        facts = info(name)
        assert facts.citation
        assert facts.license
        assert facts.url.startswith("https://")
        assert facts.task in ("binary", "multiclass", "regression")
        for split in facts.splits.values():
            assert facts.bundled or facts.openml or facts.partial or all(file.url for file in split.files)


def test_unknown_name_suggests_near_ones() -> None:
    with pytest.raises(DataError, match="'breast-cancer' is neither a known data set nor a file.*'breast_cancer'"):
        load("breast-cancer")


def test_unknown_split_says_which_there_are() -> None:
    with pytest.raises(DataError, match="split of iris must be one of train; got 'test'"):
        load("iris", split="test")


def test_other_number_of_features_is_refused() -> None:
    with pytest.raises(DataError, match="n_features of iris is 4, got 5"):
        load("iris", n_features=5)


def test_partial_set_cannot_be_downloaded(no_offline_copies) -> None:
    with pytest.raises(DataError, match="cifar10_part cannot be downloaded: put cifar10_exact_train8068.bin.xz"):
        load("cifar10_part")


def test_missing_data_directory_is_named(tmp_path) -> None:
    with pytest.raises(DataError, match="data_dir must be a directory, got .*nowhere"):
        load("a9a", data_dir=tmp_path / "nowhere")


def test_offline_copy_that_was_changed_is_refused_and_not_cached(tmp_path, cache: Path) -> None:
    (tmp_path / "a9a").write_text("-1 3:1\n" * 32561)
    with pytest.raises(DataError, match="a9a: its sha256 is not that of a9a"):
        load("a9a", data_dir=tmp_path)
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_offline_copy_without_a_sum_must_have_the_published_shape_and_classes(tmp_path, cache: Path) -> None:
    (tmp_path / "splice").write_text("1 60:1\n" * 999)
    with pytest.raises(DataError, match=r"train split of splice is published with 1,000 x 60 entries"):
        load("splice", data_dir=tmp_path)
    (tmp_path / "splice").write_text("1 60:1\n" * 1000)
    with pytest.raises(DataError, match="train split of splice is published with 2 classes; the file has 1"):
        load("splice", data_dir=tmp_path)
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    (tmp_path / "splice").write_text("1 60:1\n-1 2:1\n" * 500)
    assert load("splice", data_dir=tmp_path).n_rows == 1000


def test_the_former_spelling_of_the_license_warns() -> None:
    with pytest.warns(DeprecationWarning, match="now called license"):
        assert info("a9a").licence == info("a9a").license
