"""Interactive pictures: their numbers are the library's, they need no network, and the keyboard moves everything."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oco
from regret_experiments.lessons.pictures import PICTURES, data_of, render

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


class Shown:
    """A picture in the browser."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def slide(self, name: str, position: float) -> None:
        """Put a slider somewhere."""
        self.page.locator(f"#{name}").evaluate(
            "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", position
        )

    def exact(self, name: str) -> Any:
        """A number of the list, in full, after a look that the page shows its first digits."""
        place = self.page.locator(f"#{name}")
        value = json.loads(place.get_attribute("data-exact"))
        shown = [float(part) for part in place.inner_text().split(",")]
        np.testing.assert_allclose(shown, np.atleast_1d(value), rtol=1e-3, atol=1e-12)
        return value


Show = Callable[..., Shown]


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Show]:
    contexts, complaints = [], []

    def shown(name: str, width: int = 390, theme: str = "light") -> Shown:
        (picture,) = (picture for picture in PICTURES if picture.name == name)
        file = tmp_path / f"{name}.html"
        file.write_text(render(picture), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=theme, has_touch=width < 500, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))
        page.goto(file.as_uri())
        return Shown(page)

    yield shown
    for context in contexts:
        context.close()
    assert complaints == []


def gradient_path_game(rounds: int) -> Any:
    data = data_of("gradient_path")
    return oco.environments.GeneralizedLinear(
        np.array(data["rows"])[:rounds], np.array(data["targets"])[:rounds], loss="squared",
        domain=oco.Ball(radius=1.0), order="file",
    )  # fmt: skip


@pytest.mark.parametrize(("multiple", "schedule", "rounds"), [(1.0, "sqrt", 40), (10.0, "constant", 23)])
def test_the_path_is_that_of_gradient_descent(show: Show, multiple: float, schedule: str, rounds: int) -> None:
    page = show("gradient_path")
    page.slide("rate", np.log10(multiple))
    page.page.select_option("#schedule", schedule)
    page.slide("rounds", rounds)
    game = gradient_path_game(rounds)
    rate = multiple * 2.0 / data_of("gradient_path")["gradient_bound"]
    record = oco.play(game, oco.OGD(rate, schedule=schedule))
    assert page.exact("loss") == pytest.approx(record.cumulative_loss, rel=1e-9)
    assert record.regret.lower - 1e-6 <= page.exact("regret") <= record.regret.upper + 1e-6
    assert record.regret.width < 1e-6


def test_the_stated_gradient_bound_holds_on_the_disc() -> None:
    data = data_of("gradient_path")
    rows, targets = np.array(data["rows"]), np.array(data["targets"])
    sizes = np.linalg.norm(rows, axis=1)
    assert (sizes * (sizes + np.abs(targets))).max() == pytest.approx(data["gradient_bound"])


@pytest.mark.parametrize("kind", ["hedge", "descent"])
def test_the_weights_are_those_of_the_learner(show: Show, kind: str) -> None:
    page = show("experts")
    page.page.select_option("#learner", kind)
    page.slide("rate", -0.5)
    page.slide("rounds", 37)
    losses = np.array(data_of("experts")["losses"], dtype=float)[:37]
    domain = oco.Simplex(dimension=3)
    player = oco.Hedge(10**-0.5) if kind == "hedge" else oco.OGD(10**-0.5)
    record = oco.play(oco.environments.LinearLosses(losses, domain=domain, order="file"), player)
    player.start(oco.Problem(domain, 37, gradient_bound=np.sqrt(3.0)))
    for row in losses:
        player.update(row)
    np.testing.assert_allclose(page.exact("weights"), player.prediction, atol=1e-10)
    assert page.exact("totals") == losses.sum(axis=0).tolist()
    assert page.exact("regret") == pytest.approx(record.regret.upper, abs=1e-8)
    if kind == "hedge":
        assert page.exact("regret") <= page.exact("bound")


def test_the_projections_are_those_of_the_domain(show: Show) -> None:
    page = show("projection")
    for log_ratio, degrees, point in ((1.0, 30.0, [1.5, 1.2]), (2.0, 100.0, [-1.2, 0.85]), (0.0, 0.0, [0.3, 0.4])):
        for name, value in zip(("ratio", "angle", "across", "up"), (log_ratio, degrees, *point), strict=True):
            page.slide(name, value)
        unit = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        matrix = np.eye(2) + (10**log_ratio - 1.0) * np.outer(unit, unit)
        ball = oco.Ball(radius=1.0, dimension=2)
        np.testing.assert_allclose(page.exact("plain"), ball.project(np.array(point)), atol=1e-12)
        fitted = ball.project_in(np.array(point), oco.domains.Dense.from_matrix(matrix))
        np.testing.assert_allclose(page.exact("fitted"), fitted, atol=1e-7)
        assert page.exact("fitted_distance") <= page.exact("plain_distance") + 1e-12


def test_the_sketch_is_the_library_s(show: Show) -> None:
    page = show("sketch")
    page.slide("step", 9)
    page.slide("size", 2.5)
    page.slide("angle", 120)
    page.page.click("#add")
    vectors = np.array(data_of("sketch")["vectors"])[:9]
    added = 2.5 * np.array([np.cos(np.radians(120)), np.sin(np.radians(120))])
    sketch = oco.FrequentDirections(dimension=2, rank=1)
    sketch.update(vectors)
    before = sketch.escaped_mass
    sketch.update(added)
    rows = np.vstack([vectors, added])
    gap = np.linalg.norm(rows.T @ rows - sketch.covariance(), 2)
    assert page.exact("kept") == pytest.approx(np.linalg.eigvalsh(sketch.covariance())[-1], rel=1e-9)
    assert page.exact("escaped") == pytest.approx(sketch.escaped_mass, rel=1e-9)
    assert page.exact("taken") == pytest.approx(sketch.escaped_mass - before, rel=1e-9)
    assert page.exact("error") == pytest.approx(gap, rel=1e-9)
    assert page.exact("trace") == pytest.approx(page.exact("accounted"), rel=1e-12)


def test_the_numbers_of_the_images_are_stored_and_computed(show: Show) -> None:
    fresh = runpy.run_path(str(ROOT / "docs" / "write_images.py"))["data"]()
    stored = data_of("images")
    np.testing.assert_allclose(stored["escaped"], fresh["escaped"], rtol=1e-5)
    np.testing.assert_allclose(stored["eigenvalues"], fresh["eigenvalues"], rtol=1e-5)
    assert [stored[name] for name in ("ranks", "regrets", "floats", "ogd", "full", "full_floats")] == [
        fresh[name] for name in ("ranks", "regrets", "floats", "ogd", "full", "full_floats")
    ]
    page = show("images")
    page.slide("rank", stored["ranks"].index(16))
    values = np.array(fresh["eigenvalues"])
    assert page.exact("regret") == fresh["regrets"][4]
    assert page.exact("floats") == oco.FDAdaGrad(rank=16).memory(oco.Problem(oco.Ball(3.0, dimension=120), 6000)).floats
    assert page.exact("tail") == pytest.approx(values[16:].sum() / values.sum(), rel=1e-5)
    assert page.exact("escaped_trace") == pytest.approx(17 * fresh["escaped"][4] / values.sum(), rel=1e-5)
    assert page.page.locator("#mosaic rect.blue").count() == 16


def test_a_game_of_the_reader_has_the_regret_that_is_shown(show: Show) -> None:
    page = show("duel")
    page.page.select_option("#opponent", "coins")
    chosen = [round(float(x), 2) for x in np.linspace(-1.0, 1.0, 20)]
    for point in chosen:
        page.slide("place", point)
        page.page.click("#play")
    coins = np.array(data_of("duel")["coins"], dtype=float)
    places = np.round(np.array(chosen) / 0.05) * 0.05  # the slider's steps
    assert page.exact("loss") == pytest.approx(float(coins @ places), abs=1e-9)
    assert page.exact("regret") == pytest.approx(float(coins @ places) + abs(coins.sum()), abs=1e-9)
    assert page.page.locator("#play").is_disabled()


@pytest.mark.parametrize("opponent", ["descent", "leader"])
def test_the_learner_in_the_duel_is_the_library_s(show: Show, opponent: str) -> None:
    page = show("duel")
    page.page.select_option("#role", "adversary")
    page.page.select_option("#opponent", opponent)
    slopes = np.where(np.random.default_rng(5).random(20) < 0.6, 1.0, -1.0)
    for slope in slopes:
        page.page.click("#rising" if slope > 0 else "#falling")
    game = oco.environments.LinearLosses(slopes[:, None], domain=oco.Ball(radius=1.0), order="file")
    if opponent == "descent":
        record = oco.play(game, oco.OGD(2.0))
        assert page.exact("loss") == pytest.approx(record.cumulative_loss, abs=1e-9)
        assert page.exact("regret") == pytest.approx(record.regret.upper, abs=1e-9)
        assert page.exact("fixed") == pytest.approx(record.curves["comparator_upper"][-1], abs=1e-9)
    else:
        sums = np.concatenate([[0.0], np.cumsum(slopes)[:-1]])
        assert page.exact("loss") == float(-(np.sign(sums) * slopes).sum())


@pytest.mark.parametrize("name", [picture.name for picture in PICTURES])
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_a_picture_fits_has_names_and_follows_the_keyboard(show: Show, name: str, width: int, theme: str) -> None:
    page = show(name, width, theme).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    assert [one["id"] for one in axe.Axe().run(page).response["violations"]] == []
    first = page.locator("input[type=range]").first
    before, drawn = first.input_value(), page.locator("#panels").inner_html()
    first.focus()
    page.keyboard.press("ArrowLeft")
    assert first.input_value() != before
    if name == "duel":
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    assert page.locator("#panels").inner_html() != drawn


def test_a_finger_moves_the_point(show: Show) -> None:
    page = show("projection").page
    before = page.locator("#plain").inner_text()
    box = page.locator("#plane").bounding_box()
    page.touchscreen.tap(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"])
    assert page.locator("#plain").inner_text() != before
