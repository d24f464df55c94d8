"""A record in a file, as a frame, in a figure, on a line and in a notebook."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import oco
from oco import plain_file
from oco.environments import LeastSquares, LinearLosses
from oco.errors import ConfigError, StoreError
from oco.record import Record

GENERATOR = np.random.default_rng(5)
VERSION = re.escape(oco.__version__)
ROWS, TARGETS = GENERATOR.standard_normal((200, 4)), GENERATOR.standard_normal(200)


def played(**options: Any) -> Record:
    game = LeastSquares(ROWS, TARGETS, domain=oco.Ball(radius=1.0, center=np.full(4, 0.1)))
    return oco.play(game, oco.FDAdaGrad(rank=2), **options)


def assert_equal(one: Any, other: Any, path: str = "record") -> None:
    """Equal to the last bit, NaN included, whatever is nested in what."""
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes()), path
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_equal(getattr(one, field.name), getattr(other, field.name), f"{path}.{field.name}")
    elif isinstance(one, dict):
        assert list(one) == list(other), path
        for key in one:
            assert_equal(one[key], other[key], f"{path}[{key!r}]")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), path
        for left, right in zip(one, other, strict=True):
            assert_equal(left, right, path)
    else:
        assert repr(one) == repr(other), path


class TestFile:
    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"keep_iterates": True, "average": True, "shortest_interval": 50},
            {"path_budgets": [0.0, 1.0, float("inf")]},
            {"comparator": False, "spectrum": False},
            {"until": 90},
        ],
    )
    def test_what_is_saved_is_what_is_loaded(self, options: dict[str, Any], tmp_path: Path) -> None:
        record = played(**options)
        record.save(tmp_path / "record.npz")
        loaded = Record.load(str(tmp_path / "record.npz"))
        assert loaded.player is None
        assert_equal(dataclasses.replace(record, player=None), loaded)
        assert (str(loaded), repr(loaded), loaded._repr_html_()) == (str(record), repr(record), record._repr_html_())
        assert [path.name for path in tmp_path.iterdir()] == ["record.npz"]

    def test_numpy_alone_reads_it_without_pickles(self, tmp_path: Path) -> None:
        record = played()
        record.save(tmp_path / "record.npz")
        with np.load(tmp_path / "record.npz", allow_pickle=False) as members:
            tree = json.loads(str(members["tree"]))
            curve = members[tree["curves"]["regret_upper"]["$array"]]
        assert curve.tobytes() == record.curves["regret_upper"].tobytes()

    def test_hyper_parameters_of_any_type_are_kept_as_their_repr(self, tmp_path: Path) -> None:
        class Odd(oco.Learner):
            def __init__(self, rule: Any = frozenset({3}), bounds: tuple[float, float] = (0.0, np.inf)) -> None:
                self.rule, self.bounds = rule, bounds

            def start(self, problem: oco.Problem) -> None:
                self.state = {"point": problem.domain.start}

            def update(self, gradient: Any) -> None:
                pass

        record = oco.play(LinearLosses(ROWS, domain=oco.Ball(radius=1.0)), Odd())
        record.save(tmp_path / "record.npz")
        loaded = Record.load(tmp_path / "record.npz")
        assert loaded.learner == {"name": "odd", "rule": "frozenset({3})", "bounds": [0.0, np.inf]}

    def test_an_older_file_is_replaced_and_a_directory_that_is_missing_is_said(self, tmp_path: Path) -> None:
        played(until=50).save(tmp_path / "record.npz")
        played().save(tmp_path / "record.npz")
        assert Record.load(tmp_path / "record.npz").scalars["rounds"] == 200
        with pytest.raises(StoreError, match=r"^\S+missing/record.npz cannot be written: No such file or directory$"):
            played().save(tmp_path / "missing" / "record.npz")

    @pytest.mark.parametrize("path", [None, 3, "", b"record.npz"])
    def test_what_is_no_path_is_said(self, path: Any) -> None:
        for use in (played(until=50).save, Record.load):
            with pytest.raises(ConfigError, match=r"a file is given by its path, a string or a pathlib\.Path, got "):
                use(path)

    def test_a_failed_write_leaves_the_older_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "record.npz"
        played(until=50).save(path)
        before = path.read_bytes()

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left on device"):
            played().save(path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_foreign_files_are_refused_in_one_sentence(self, tmp_path: Path) -> None:
        path = tmp_path / "it"
        with pytest.raises(StoreError, match=r"it cannot be read: No such file or directory$"):
            Record.load(path)
        npz = io.BytesIO()
        np.savez(npz, a=np.arange(3))
        pickled = io.BytesIO()
        np.savez(pickled, facts=np.array([{}], dtype=object))
        for data in (b"", b"hello", b"PK\3\4", npz.getvalue(), pickled.getvalue()):
            path.write_bytes(data)
            with pytest.raises(StoreError, match=r"it is not an oco record, or it is damaged$"):
                Record.load(path)

    def test_other_kinds_and_versions_are_named(self, tmp_path: Path) -> None:
        path = tmp_path / "it.npz"
        plain_file.save(path, {"x": 1}, "sweep", 1)
        with pytest.raises(StoreError, match=r"it.npz is an oco sweep, not an oco record$"):
            Record.load(path)
        for version in (0, 99):
            plain_file.save(path, {"x": 1}, "record", version)
            sentence = rf"is an oco record of version {version}, written by oco {VERSION}; this is oco "
            with pytest.raises(StoreError, match=sentence + rf"{VERSION}, which reads version 1$"):
                Record.load(path)

    @pytest.mark.parametrize("tree", [[], {}, {"x": 1}, {"snapshot": None, "bound": 3, "intervals": []}])
    def test_a_whole_file_with_other_entries_is_refused(self, tree: Any, tmp_path: Path) -> None:
        plain_file.save(tmp_path / "it.npz", tree, "record", 1)
        with pytest.raises(StoreError, match=rf"it.npz has other entries than the records of oco {VERSION}$"):
            Record.load(tmp_path / "it.npz")

    def test_no_changed_byte_changes_a_number(self, tmp_path: Path) -> None:
        """Every byte in turn: the file is refused, or the byte was one of ZIP's own that means nothing."""
        record = oco.play(LinearLosses(ROWS[:5], domain=oco.Ball(radius=1.0)), oco.OGD(), checkpoints=2)
        path = tmp_path / "record.npz"
        record.save(path)
        data = path.read_bytes()
        refused = 0
        for place in range(0, len(data), 37):
            path.write_bytes(data[:place] + bytes([data[place] ^ 0x11]) + data[place + 1 :])
            try:
                loaded = Record.load(path)
            except StoreError:
                refused += 1
            else:
                assert_equal(dataclasses.replace(record, player=None), loaded)
        assert refused > 0.5 * len(range(0, len(data), 37))
        for length in (10, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:length])
            with pytest.raises(StoreError):
                Record.load(path)


class TestFrame:
    def test_rows_are_checkpoints_and_columns_are_curves(self) -> None:
        record = played(checkpoints=[3, 50])
        frame = record.to_frame()
        assert frame.index.tolist() == [3, 50, 200]
        assert frame.index.name == "round"
        assert set(frame.columns) == set(record.curves) - {"round"}
        np.testing.assert_array_equal(frame["regret_upper"], record.curves["regret_upper"])
        assert frame.attrs["learner"] == record.learner

    def test_a_variant_of_a_bound_that_begins_late_is_nan_before(self) -> None:
        """That of online Newton steps is not stated for one round."""
        game = oco.environments.LogisticRegression(ROWS, np.sign(TARGETS), domain=oco.Ball(radius=1.0))
        record = oco.play(game, oco.OnlineNewtonStep(), checkpoints=[1, 2])
        (name,) = (name for name in record.curves if "printed" in name)
        assert {curve.size for curve in record.curves.values()} == {3}
        assert np.isfinite(record.to_frame()[name]).tolist() == [False, True, True]


class TestFigure:
    def test_it_shows_the_curves_of_the_record(self) -> None:
        pytest.importorskip("matplotlib").use("agg")
        record = played()
        axes = record.plot()
        regret, bound = axes.get_lines()
        np.testing.assert_array_equal(regret.get_ydata(), record.curves["regret_upper"])
        np.testing.assert_array_equal(bound.get_ydata(), record.curves["bound"])
        legend = [text.get_text() for text in axes.get_legend().get_texts()]
        assert legend[0].startswith("regret, certified to ")
        assert record.bound is not None
        assert legend[1] == f"bound: {record.bound.theorem}"
        assert axes.get_title() == "fd_adagrad on least_squares, seed 0"
        (band,) = axes.collections
        low, high = band.get_paths()[0].get_extents().intervaly
        assert low <= record.curves["regret_lower"].min()
        assert high >= record.curves["regret_upper"].max()

    @pytest.mark.parametrize("axes", ["foo", 3, object()])
    def test_what_is_no_axes_is_said(self, axes: Any) -> None:
        with pytest.raises(ConfigError, match="plot draws on the Axes of Matplotlib, such as "):
            played().plot(axes)

    def test_given_axes_are_used_and_without_a_comparator_losses_are_drawn(self) -> None:
        pyplot = pytest.importorskip("matplotlib.pyplot")
        figure, axes = pyplot.subplots()
        record = played(comparator=False)
        assert record.plot(ax=axes) is axes
        (line,) = axes.get_lines()
        np.testing.assert_array_equal(line.get_ydata(), record.curves["cumulative_loss"])
        pyplot.close(figure)


class TestText:
    def test_a_repr_is_one_line_with_the_main_results(self) -> None:
        text = repr(played(until=90))
        assert "\n" not in text
        assert len(text) < 160
        assert text.startswith("<Record: fd_adagrad on least_squares, 90 of 200 rounds, regret [")
        assert "(holds)" in text
        assert text.endswith(" floats>")

    def test_a_str_says_how_many_rounds_were_played(self) -> None:
        assert "least_squares, 90 of 200 rounds" in str(played(until=90))
        assert "least_squares, 200 rounds" in str(played())


class TestNotebook:
    @pytest.mark.parametrize("options", [{}, {"comparator": False}, {"until": 90}, {"average": True, "checkpoints": 1}])
    def test_html_is_well_formed_and_refers_to_nothing_outside(self, options: dict[str, Any]) -> None:
        record = played(**options)
        html = record._repr_html_()
        ElementTree.fromstring(html)
        assert not re.search(r"https?:|src=|href=|<script|<style|url\(", html)
        assert f"{record.state_floats} floats = {record.scalars['memory_formula']}" in html

    def test_a_bar_shows_where_the_regret_is_between_zero_and_the_bound(self) -> None:
        record = played()
        assert record.bound is not None
        svg = ElementTree.fromstring(record._repr_html_()).findall(".//svg")[0]
        (rectangle,) = svg.findall("rect")
        tick = svg.findall("line")[-1]
        middle = float(rectangle.get("x", "")) + 0.5 * float(rectangle.get("width", ""))
        share = (middle - 4.0) / (float(tick.get("x1", "")) - 4.0)
        assert share == pytest.approx(record.regret.middle / record.bound.value, abs=1e-3)

    def test_names_are_escaped(self) -> None:
        record = dataclasses.replace(played(), learner={"name": "<script>alert(1)</script>"})
        html = record._repr_html_()
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
