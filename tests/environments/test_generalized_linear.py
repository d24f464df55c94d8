"""Games on given rows: what is played is what was given, in an order that the seed fixes."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

import oco
from oco.environments import GeneralizedLinear, LeastSquares, LinearLosses, LogisticRegression, SupportVector
from oco.errors import ConfigError, DataError, ProtocolError
from oco.losses import SCALAR_LOSSES, Logarithmic, SquaredHinge, scalar_loss


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((50, 4))
    return rows, np.sign(rows @ np.array([1.0, -1.0, 2.0, 0.5]))


class Blocks:
    """Rows that are read in blocks, as a reader of a large file would give them."""

    def __init__(self, rows, targets):
        self.rows, self.targets = rows, targets
        self.n_rows, self.dimension = rows.shape

    def block(self, start, stop):
        assert 0 <= start < stop <= self.n_rows
        return self.rows[start:stop], self.targets[start:stop]


@pytest.mark.parametrize("as_sparse", [False, True])
def test_file_order_plays_the_rows_as_given(data, as_sparse):
    rows, targets = data
    game = LogisticRegression(sparse.csr_array(rows) if as_sparse else rows, targets, order="file", passes=2)
    assert game.horizon == 100
    block = game.block(40, 60)
    assert block.sparse == as_sparse
    dense = block.rows.toarray() if as_sparse else block.rows
    assert_array_equal(dense, np.vstack([rows[40:], rows[:10]]))
    assert_array_equal(block.targets, np.concatenate([targets[40:], targets[:10]]))


def test_every_pass_of_a_shuffled_game_plays_every_row_once(data):
    rows, targets = data
    game = LogisticRegression(rows, targets, passes=2).fresh(3)
    for start in (0, 50):
        played = game.block(start, start + 50).rows
        assert not np.array_equal(played, rows)
        assert_array_equal(np.sort(played, axis=0), np.sort(rows, axis=0))
    assert not np.array_equal(game.block(0, 50).rows, game.block(50, 100).rows)


def test_a_seed_gives_the_same_stream_and_another_one_another(data):
    game = LogisticRegression(*data)
    again, other = game.fresh(5).block(0, 50).rows, game.fresh(6).block(0, 50).rows
    assert_array_equal(game.fresh(5).block(0, 50).rows, again)
    assert not np.array_equal(again, other)


def test_playing_a_copy_leaves_the_original_where_it_was(data):
    game = LinearLosses(data[0], order="file")
    game.fresh(1).reveal(np.zeros(4))
    assert_array_equal(game.reveal(np.zeros(4)).row, data[0][0])


def test_reveal_is_the_block_one_round_at_a_time(data):
    rows, targets = data
    for given in (rows, sparse.csr_array(rows)):
        game = LogisticRegression(given, targets).fresh(2)
        block = game.block(0, 50)
        dense = block.rows if isinstance(block.rows, np.ndarray) else block.rows.toarray()
        for i in range(50):
            loss = game.reveal(np.zeros(4))
            assert_array_equal(loss.row, dense[i])
            assert loss.target == block.targets[i]
        with pytest.raises(ProtocolError, match="has 50 rounds and all of them were played"):
            game.reveal(np.zeros(4))


def test_rows_in_blocks_are_played_as_the_rows_themselves(data):
    rows, targets = data
    for given in (rows, sparse.csr_array(rows)):
        game = SupportVector(Blocks(given, targets), order="file", passes=3)
        plain = SupportVector(given, targets, order="file", passes=3)
        for start, stop in ((0, 7), (45, 55), (30, 140)):
            ours, theirs = game.block(start, stop), plain.block(start, stop)
            assert_array_equal(as_dense(ours.rows), as_dense(theirs.rows))
            assert_array_equal(ours.targets, theirs.targets)
        assert game.gradient_bound is None


def test_other_types_of_numbers_and_frames_become_floats_a_block_at_a_time(tmp_path, data):
    targets = data[1]
    pixels = np.random.default_rng(1).integers(0, 256, (50, 3), dtype=np.uint8)
    np.save(tmp_path / "pixels.npy", pixels)
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    expected = pixels.astype(float)
    for given in (pixels, mapped, pixels.tolist(), pd.DataFrame(pixels), np.asfortranarray(expected)):
        block = LogisticRegression(given, targets, order="file").block(5, 9)
        assert block.rows.dtype == np.float64
        assert block.rows.flags.c_contiguous
        assert_array_equal(block.rows, expected[5:9])
    assert np.shares_memory(LogisticRegression(mapped, targets)._rows, mapped)


def test_a_sparse_matrix_with_repeated_entries_is_summed_and_left_alone():
    rows = sparse.csr_array((np.ones(3), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    game = LinearLosses(rows, order="file")
    assert_array_equal(game.block(0, 2).rows.toarray(), [[0.0, 2.0], [1.0, 0.0]])
    assert rows.nnz == 3
    assert_array_equal(rows.toarray(), [[0.0, 2.0], [1.0, 0.0]])


@pytest.mark.parametrize("name", sorted(set(SCALAR_LOSSES) - {"logarithmic"}))
def test_stated_constants_hold_on_the_domain_and_are_attained(data, name):
    rows, targets = data
    game = GeneralizedLinear(rows, targets, loss=scalar_loss(name), domain=oco.Ball(radius=3.0))
    bound, alpha = game.gradient_bound, game.exp_concavity
    largest, entry, least = 0.0, 0.0, np.inf
    for row, target in zip(rows, targets, strict=True):
        length = np.linalg.norm(row)
        margins = np.linspace(-3.0, 3.0, 2001) * length
        values, slopes = game.loss.values_and_derivatives(margins, np.full(2001, target))
        largest = max(largest, np.abs(slopes).max() * length)
        entry = max(entry, np.abs(slopes).max() * np.abs(row).max())
        if alpha is not None:
            bent = np.exp(-alpha * values)
            assert np.all(bent[:-2] + bent[2:] <= 2.0 * bent[1:-1] + 1e-12)
            curvature = np.diff(slopes) / np.diff(margins)
            steeper = np.maximum(np.abs(slopes[:-1]), np.abs(slopes[1:])) ** 2
            least = min(least, np.min((curvature / np.maximum(steeper, 1e-300))[steeper > 1e-6], initial=np.inf))
    assert bound == pytest.approx(largest, rel=1e-6)
    assert game.gradient_entry_bound == pytest.approx(entry, rel=1e-6)
    sparse_game = GeneralizedLinear(sparse.csr_array(rows), targets, loss=scalar_loss(name), domain=game.domain)
    assert sparse_game.gradient_entry_bound == game.gradient_entry_bound
    assert (alpha is not None) == (name in ("squared", "logistic", "squared_hinge"))
    if alpha is not None:
        assert alpha == pytest.approx(least, rel=0.05)


def test_constants_that_do_not_exist_are_not_stated(data):
    assert LeastSquares(*data).gradient_bound is None
    assert LeastSquares(*data).exp_concavity is None
    assert LogisticRegression(*data).gradient_bound == pytest.approx(np.linalg.norm(data[0], axis=1).max())
    prices = GeneralizedLinear(np.abs(data[0]), loss=Logarithmic(), domain=oco.Ball(radius=1.0))
    assert prices.gradient_bound is None
    assert prices.exp_concavity == 1.0
    zero = GeneralizedLinear(np.zeros((2, 1)), np.ones(2), loss=SquaredHinge(), domain=oco.Ball(radius=1.0))
    assert zero.gradient_bound == 0.0


def test_constants_are_found_once_for_all_copies(data, monkeypatch):
    game = LogisticRegression(*data, domain=oco.Ball(radius=1.0))
    bound = game.fresh(0).gradient_bound
    monkeypatch.setattr(game, "_find_constants", None)
    assert game.gradient_bound == bound


def test_split_gives_two_games_on_disjoint_rows(data):
    rows, targets = data
    train, test = LogisticRegression(rows, targets, domain=oco.Ball(radius=2.0)).split(0.3, seed=1)
    assert (train.horizon, test.horizon) == (35, 15)
    both = np.vstack([train.block(0, 35).rows, test.block(0, 15).rows])
    assert_array_equal(np.sort(both, axis=0), np.sort(rows, axis=0))
    assert train.domain is test.domain
    assert train.describe()["part"] == "train"
    with pytest.raises(ConfigError, match=r"test_fraction must leave rows on both sides of 50, got 1.0"):
        train_of(rows, targets).split(1.0)


def train_of(rows, targets):
    return LogisticRegression(rows, targets)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rows": np.zeros(3)}, DataError, r"rows must be a matrix .* got shape \(3,\)"),
        ({"rows": np.zeros((0, 3))}, DataError, r"at least one row and one column, got shape \(0, 3\)"),
        ({"rows": np.array([["a"]])}, DataError, "rows must hold real numbers, got dtype <U1"),
        ({"rows": np.full((50, 4), np.nan)}, DataError, "rows must be finite numbers"),
        ({"rows": sparse.csr_array(np.full((50, 4), np.inf))}, DataError, "rows must be finite numbers"),
        ({"targets": np.ones(3)}, DataError, r"targets must have shape \(50,\), one for each row, got \(3,\)"),
        ({"targets": np.full(50, np.nan)}, DataError, "targets must be finite numbers"),
        (
            {"targets": np.arange(50.0)},
            DataError,
            "needs targets -1 and .1, got 0, 1, 2, 3, 4; load with labels='binary'",
        ),
        ({"targets": ["spam"] * 50}, DataError, "targets must hold real numbers"),
        ({"targets": None}, DataError, "the logistic loss needs targets: give one for each of the 50 rows"),
        ({"order": "random"}, ConfigError, 'order must be "shuffle" or "file", got \'random\''),
        ({"passes": 0}, ConfigError, "passes must be at least 1, got 0"),
        ({"horizon": 51}, ConfigError, r"horizon must be in 1..50 for 50 rows and passes=1, got 51"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(data, change, error, message):
    rows, targets = data
    with pytest.raises(error, match=message):
        LogisticRegression(**({"rows": rows, "targets": targets} | change))


def test_rows_in_blocks_are_checked_as_they_are_read(data):
    rows, targets = data
    with pytest.raises(ConfigError, match='can only be played with order="file"'):
        LogisticRegression(Blocks(rows, targets))
    with pytest.raises(ConfigError, match="bring their targets"):
        LogisticRegression(Blocks(rows, targets), targets, order="file")
    with pytest.raises(DataError, match="needs targets -1 and"):
        LogisticRegression(Blocks(rows, targets * 2.0), order="file").block(0, 5)
    short = Blocks(rows, targets)
    short.n_rows = 60
    with pytest.raises(DataError, match=r"block\(40, 60\) of the rows must have shape \(20, 4\), got \(10, 4\)"):
        LogisticRegression(short, order="file").block(40, 60)


def test_blocks_outside_the_game_are_refused(data):
    game = LogisticRegression(*data)
    for start, stop in ((-1, 3), (3, 3), (40, 51)):
        with pytest.raises(ProtocolError, match=rf"0 <= start < stop <= 50, got {start} and {stop}"):
            game.block(start, stop)


def test_a_game_without_a_loss_is_refused(data):
    with pytest.raises(ConfigError, match="a generalized linear game needs a loss: one of absolute"):
        GeneralizedLinear(*data)


def test_describe_says_what_was_played(data):
    description = LogisticRegression(*data, domain=oco.Ball(radius=2.0), passes=3).describe()
    assert description["kind"] == "logistic_regression"
    assert description["loss"] == "logistic"
    assert (description["rows"], description["passes"], description["horizon"]) == (50, 3, 150)
    assert description["domain"]["radius"] == 2.0


def as_dense(rows):
    return rows if isinstance(rows, np.ndarray) else rows.toarray()


def test_load_by_name_maps_two_classes_and_keeps_what_identifies_the_data():
    game = LogisticRegression.load("breast_cancer", domain=oco.Ball(radius=5.0), scaling="standard")
    assert (game.horizon, game.domain.dimension) == (569, 30)
    assert set(game.block(0, 569).targets) == {-1.0, 1.0}
    description = game.describe()
    assert (description["data"], description["scaling"]) == ("breast_cancer", "standard")
    assert len(description["checksum"]) > 10


def test_load_from_a_config_takes_names_of_losses_and_domains():
    game = GeneralizedLinear.from_config(
        data="digits",
        loss="huber",
        delta=0.5,
        labels=["one-vs-rest", 3],
        domain={"kind": "ball", "radius": 2.0},
        order="file",
        horizon=100,
    )
    assert (game.loss.name, game.loss.parameter, game.horizon) == ("huber", 0.5, 100)
    assert game.domain.radius("l2") == 2.0
    assert game.describe()["labels"] == ["one-vs-rest", 3]
    with pytest.raises(ConfigError, match="environment generalized_linear needs a loss: one of absolute"):
        GeneralizedLinear.from_config(data="digits")


def test_load_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.svm"
    path.write_text("1 1:0.5 3:2\n-1 2:1\n1 3:1\n")
    game = SupportVector.load(str(path), order="file")
    assert_array_equal(as_dense(game.block(0, 3).rows), [[0.5, 0.0, 2.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.data
def test_news20_is_played_as_sparse_rows():
    game = LogisticRegression.load("news20", labels=("one-vs-rest", 1), horizon=10)
    block = game.block(0, 10)
    assert block.sparse
    assert block.rows.shape == (10, 62_061)
