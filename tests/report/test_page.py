"""The page in a browser: marks move to the values of the data, choices hold, nothing is fetched, all can use it."""

from __future__ import annotations

import math
import re
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from conftest import Open, Opened
from small_sweeps import FAILURES, fail, plan_of

from regret_experiments.figures.captions import names_of
from regret_experiments.figures.common import styles_of
from regret_experiments.figures.spread import spread
from regret_experiments.figures.trade import trade_of
from regret_experiments.report import write_report
from regret_experiments.store import Store
from regret_experiments.store.results import Results, load
from regret_experiments.tables import rank_table


def position(opened: Opened, figure: str, axis: str, value: float, log: bool) -> float:
    """Where a value must lie in a figure, from the places of the numbers on its axis."""
    ticks = opened.evaluate(
        f"""[...document.querySelectorAll('#{figure} text.tick[data-axis={axis}]')]
        .map((tick) => [Number(tick.dataset.value), Number(tick.getAttribute('{axis}'))])"""
    )
    inner = math.log if log else float
    (first, at), (second, to) = ticks[0], ticks[-1]
    assert first != second
    if axis == "y":  # the foot of a number is 4 pixels below what it stands for
        at, to = at - 4, to - 4
    return float(at + (inner(value) - inner(first)) / (inner(second) - inner(first)) * (to - at))


def rank_row(results: Results, environment: str, rank: int) -> pd.Series[Any]:
    table = rank_table(results.runs)
    rows = table[(table["environment"] == environment) & (table["learner"] == "fd_adagrad") & (table["rank"] == rank)]
    (row,) = [row for _, row in rows.iterrows()]
    return row


def test_it_loads_quietly_and_asks_for_nothing(open_page: Open, report: Path) -> None:
    opened = open_page(report)
    assert opened.title() == "small sweep"
    assert opened.inner_text("#counts") == "116 of 120 runs finished, 3 failed, 1 not run yet."
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
    assert all(opened.locator(f"#{name} svg .line").count() for name in ("memory", "curves", "spectrum", "floats"))
    assert "with every stored round" in opened.inner_text("#thinning")


@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize("rate", ["best", "theorem"])
def test_the_slider_moves_every_linked_mark_to_the_data(
    open_page: Open, report: Path, results: Results, scale: str, rate: str
) -> None:
    opened = open_page(report, f"#environment=power_law&scale={scale}&rate={rate}")
    ranks = [1, 2, 4, 7]
    for place, rank in enumerate(ranks):
        opened.locator("#rank").fill(str(place))
        row = rank_row(results, "power_law", rank)
        assert opened.inner_text("#rank-value") == f"k = {rank} of d = 10"
        log = scale == "log"
        wanted = {"memory": (row["state_floats"], row[f"regret_{rate}"]), "floats": (rank, row["state_floats"])}
        for figure, (x, y) in wanted.items():
            ring = opened.locator(f"#{figure} circle.ring")
            assert ring.count() == 1
            assert float(ring.get_attribute("data-y")) == pytest.approx(y, rel=1e-4)
            assert float(ring.get_attribute("cx")) == pytest.approx(
                position(opened, figure, "x", float(x), log or figure == "memory"), abs=0.6
            )
            assert float(ring.get_attribute("cy")) == pytest.approx(
                position(opened, figure, "y", float(y), log), abs=0.6
            )
        cut = opened.locator("#spectrum path.cut")
        assert cut.get_attribute("data-rank") == str(rank)
        at = float(re.match(r"M([\d.]+),", cut.get_attribute("d")).group(1))
        assert at == pytest.approx(position(opened, "spectrum", "x", rank + 0.5, log), abs=0.6)
        curve = opened.locator("#curves path.line[data-learner=fd_adagrad]")
        assert curve.get_attribute("data-rank") == str(rank)
        dot = opened.locator("#curves path.dot[data-learner=fd_adagrad]")
        assert float(dot.get_attribute("data-y")) == pytest.approx(float(row[f"regret_{rate}"]), rel=1e-3)
        readout = opened.inner_text("#readout")
        assert f"k = {rank}: {int(row['state_floats'])} state floats" in readout
        tail = float(re.search(r"tail mass ([\d.e-]+)", readout.replace(",", "")).group(1))
        if rate == "theorem":
            assert tail == pytest.approx(row["tail_mass"], rel=1e-3)


def test_against_u_T_the_curve_is_the_stored_one(open_page: Open, report: Path, results: Results) -> None:
    opened = open_page(report, "#environment=ill&against=u_T&scale=linear&rank=2")
    path = opened.locator("#curves path.line[data-learner=fd_adagrad]").get_attribute("d")
    drawn = [tuple(map(float, pair.split(","))) for pair in path.strip("M").split("L")]
    runs = results.runs
    from regret_experiments.figures.selection import select_runs

    chosen = select_runs(runs[(runs["environment"] == "ill") & (runs["rank"] == 2)])
    arrays = [results.arrays(identifier) for identifier in chosen["id"]]
    regret = sum(one["regret_final"] for one in arrays) / len(arrays)
    assert len(drawn) == len(regret)
    for (x, y), round_, value in zip(drawn, arrays[0]["round"], regret, strict=True):
        assert x == pytest.approx(position(opened, "curves", "x", float(round_), False), abs=1.0)
        assert y == pytest.approx(position(opened, "curves", "y", float(value), False), abs=1.0)
    assert "best point in the end" in opened.inner_text("#curves .note")


def test_choices_are_kept_in_the_address(open_page: Open, report: Path) -> None:
    opened = open_page(report)
    opened.select_option("#game", label="ill")
    opened.choose("rate", "theorem")
    opened.choose("scale", "linear")
    opened.choose("theme", "dark")
    opened.uncheck("input[name=learner][value='3']")
    opened.locator("#rank").fill("3")
    opened.fill("#filter", "fd_adagrad")
    address = opened.evaluate("location.hash")
    again = open_page(report, address)
    assert again.input_value("#game") == "1"
    assert again.evaluate("document.documentElement.dataset.theme") == "dark"
    assert again.inner_text("#rank-value") == "k = 7 of d = 8"
    assert not again.is_checked("input[name=learner][value='3']")
    assert again.is_checked("input[name=scale][value=linear]")
    for selector in ("#memory .plot", "#curves .plot", "#spectrum .plot", "#floats .plot", "#table tbody", "#readout"):
        assert again.inner_html(selector) == opened.inner_html(selector)


def test_an_address_with_nonsense_shows_the_usual_page(open_page: Open, report: Path) -> None:
    opened = open_page(report, "#environment=mars&rank=-3&rate=no&learners=&sort=nothing&page=99&run=ff&theme=%00")
    assert opened.locator("#memory svg").count() == 1
    assert opened.inner_text("#page").startswith("Page 3")


def test_learners_can_be_left_out(open_page: Open, report: Path) -> None:
    opened = open_page(report)
    assert opened.texts("#learners label")[-1].strip() == "FD-AdaGrad"
    opened.uncheck("input[name=learner][value='4']")
    assert opened.locator("#memory circle.ring").count() == 0
    for value in range(4):
        opened.uncheck(f"input[name=learner][value='{value}']")
    assert opened.locator("#memory path.dot").count() == 0
    assert opened.inner_text("#memory .note").startswith("No regret is known for this choice.")


@pytest.mark.parametrize(
    ("column", "name"),
    [("regret", "regret_upper"), ("rank", "rank"), ("floats", "peak_state_floats"), ("gap", "comparator_gap")],
)
@pytest.mark.parametrize("falling", [False, True])
def test_sorting_is_that_of_pandas(
    open_page: Open, report: Path, results: Results, column: str, name: str, falling: bool
) -> None:
    opened = open_page(report)
    button = opened.locator(f"th[data-column={column}] button")
    button.click()
    if falling:
        button.click()
    heading = opened.locator(f"th[data-column={column}]")
    assert heading.get_attribute("aria-sort") == ("descending" if falling else "ascending")
    runs = results.runs
    keys = pd.to_numeric(runs[name], errors="coerce").astype(float).map(lambda value: float(f"{value:.5g}"))
    expected = list(
        runs.assign(key=keys).sort_values("key", ascending=not falling, kind="stable", na_position="last")["id"]
    )
    shown = _all_pages(opened)
    assert shown == expected


def _all_pages(opened: Opened) -> list[str]:
    rows = "[...document.querySelectorAll('#table tbody tr')].map((row) => row.dataset.run)"
    shown = list(opened.evaluate(rows))
    while opened.is_enabled("#next"):
        opened.click("#next")
        shown += opened.evaluate(rows)
    return shown


def test_filters_are_those_of_pandas(open_page: Open, report: Path, results: Results) -> None:
    opened = open_page(report, "#environment=power_law")
    runs = results.runs
    opened.fill("#filter", "fd-adagrad POWER_LAW")
    wanted = runs[(runs["learner"] == "fd_adagrad") & (runs["environment"] == "power_law")]
    assert _all_pages(opened) == list(wanted["id"])
    assert opened.inner_text("#matches") == f"{len(wanted)} of {len(runs)} runs"
    opened.fill("#filter", "")
    opened.select_option("#status", "failed")
    assert _all_pages(opened) == list(runs.loc[runs["status"] == "failed", "id"])
    opened.select_option("#status", "")
    opened.check("#follow")
    assert _all_pages(opened) == list(runs.loc[runs["environment"] == "power_law", "id"])
    opened.uncheck("input[name=learner][value='0']")
    opened.fill("#filter", "no such words")
    assert _all_pages(opened) == []


def test_a_point_opens_its_runs_with_all_that_is_known(open_page: Open, report: Path, results: Results) -> None:
    opened = open_page(report, "#environment=power_law&rank=4")
    opened.locator("#memory path.dot[data-learner=fd_adagrad][data-rank='4']").click()
    assert opened.locator("dialog").get_attribute("open") is not None
    assert opened.inner_text("#details-heading") == "FD-AdaGrad, k = 4"
    assert opened.locator("#run option").count() == 2
    identifier = opened.evaluate("new URLSearchParams(location.hash.slice(1)).get('run')")
    run = results.runs.set_index("id").loc[identifier]
    body = opened.inner_text("#details-body")
    assert f"oco reproduce results {identifier}" in body
    assert "finished" in body
    assert '"kind": "fd_adagrad"' in body
    assert '"rank": 4' in body
    assert '"kind": "spectrum_linear"' in body
    assert '"numpy"' in body
    assert re.search(r"seeds\s+order \d+, learner \d+", body)
    assert str(run["comparator_certificate"]) in body
    assert ": holds" in body
    first = opened.inner_text("#details-body")
    opened.select_option("#run", index=1)
    assert opened.inner_text("#details-body") != first
    opened.keyboard.press("Escape")
    assert opened.locator("dialog").get_attribute("open") is None
    assert "run=" not in opened.evaluate("location.hash")


def test_a_linked_run_is_open(open_page: Open, report: Path, results: Results) -> None:
    identifier = results.runs.loc[results.runs["status"] == "failed", "id"].iloc[0]
    opened = open_page(report, f"#run={identifier}")
    body = opened.inner_text("#details-body")
    assert ": ".join(FAILURES) in body
    assert "regret, certified" not in body


def test_failures_are_listed_with_their_reasons(open_page: Open, report: Path) -> None:
    opened = open_page(report)
    assert opened.texts("#failure-list li") == [f"{': '.join(FAILURES)} 3 runs of FD-AdaGrad"]
    opened.click("#failure-list button")
    assert opened.locator("#run option").count() == 3


def test_hovering_says_values_with_intervals(open_page: Open, report: Path, results: Results) -> None:
    opened = open_page(report, "#environment=power_law")
    opened.locator("#memory path.dot[data-learner=fd_adagrad][data-rank='2']").hover()
    tip = opened.inner_text("#tip")
    row = rank_row(results, "power_law", 2)
    assert tip.startswith("FD-AdaGrad, k = 2, best learning rate")
    shown = [float(number) for number in re.search(r"regret ([\d.]+) \[([\d.-]+), ([\d.]+)\]", tip).groups()]
    assert shown == pytest.approx([row["regret_best"], row["regret_best_low"], row["regret_best_high"]], rel=1e-3)
    opened.locator("#curves svg").hover(position={"x": 200, "y": 100})
    assert re.match(r"round [\d,]+\n", opened.inner_text("#tip"))
    assert opened.inner_text("#tip").count("[") == 5


def test_everything_works_without_a_mouse(open_page: Open, report: Path) -> None:
    opened = open_page(report)
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.id") == "skip"
    opened.keyboard.press("Enter")
    assert opened.evaluate("document.activeElement.id") == "runs-heading"
    opened.focus("#rank")
    before = opened.inner_text("#rank-value")
    opened.keyboard.press("ArrowLeft")
    assert opened.inner_text("#rank-value") != before
    assert opened.get_attribute("#rank", "aria-valuetext") == opened.inner_text("#rank-value")
    seen: list[str] = []
    for _ in range(60):
        opened.keyboard.press("Tab")
        seen.append(opened.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id"))
        if seen[-1].startswith("FD-AdaGrad, k = "):
            break
    assert opened.is_visible("#tip")
    opened.keyboard.press("Enter")
    assert opened.locator("dialog").get_attribute("open") is not None
    opened.keyboard.press("Escape")
    # Focus is where it was, and a curve can be walked along.
    assert opened.evaluate("document.activeElement.getAttribute('aria-label')") == seen[-1]
    opened.locator("#curves path.dot[data-learner=fd_adagrad]").focus()
    last = opened.inner_text("#tip")
    opened.keyboard.press("ArrowLeft")
    assert opened.inner_text("#tip") != last
    opened.keyboard.press("Escape")
    assert opened.is_hidden("#tip")


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (1280, "light")])
def test_axe_finds_no_serious_fault(open_page: Open, report: Path, width: int, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="needs axe-core: pip install 'oco-regret[test]'")
    script = Path(axe.__file__).with_name("axe.min.js").read_text()
    opened = open_page(report, width=width, theme=theme)
    assert _faults(opened, script) == []
    opened.locator("#table tbody button").first.click()
    assert _faults(opened, script) == []


def _faults(opened: Opened, script: str) -> list[str]:
    opened.evaluate(f"{{ {script} }}")
    found = opened.evaluate("axe.run()")
    assert len(found["passes"]) > 10
    return [
        f"{fault['id']}: {node['html'][:100]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


OVERLAPS = """() => {
  const faults = [];
  const visible = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.getClientRects().length);
  const shared = (a, b) => [
    Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top),
  ];
  for (const figure of visible('figure')) {
    const frame = figure.getBoundingClientRect();
    const texts = visible(`#${figure.id} svg text`).map((e) => [e.textContent, e.getBoundingClientRect()]);
    texts.forEach(([text, box], i) => {
      const outside = box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
      if (outside) faults.push(`${figure.id}: ${text} is clipped`);
      for (const [other, place] of texts.slice(i + 1)) {
        const [wide, high] = shared(box, place);
        if (wide > 1 && high > 4) faults.push(`${figure.id}: ${text} overlaps ${other}`);
      }
    });
  }
  const named = (e) => e.id || `${e.tagName} ${e.textContent.slice(0, 20)}`;
  const blocks = visible('header > *, #controls > *, #readout, figure, #filters > *, #pages, h2');
  blocks.forEach((e, i) => {
    const box = e.getBoundingClientRect();
    if (box.right > innerWidth + 1 || box.left < -1) faults.push(`${named(e)} leaves the window`);
    if (e.clientWidth && e.scrollWidth > e.clientWidth + 1) faults.push(`${named(e)} is wider than its room`);
    for (const other of blocks.slice(i + 1)) {
      const [wide, high] = shared(box, other.getBoundingClientRect());
      if (!e.contains(other) && wide > 1 && high > 1) faults.push(`${named(e)} overlaps ${named(other)}`);
    }
  });
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page scrolls sideways');
  return faults;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_nothing_overlaps_or_is_clipped(open_page: Open, report: Path, width: int, theme: str) -> None:
    for hash_ in ("", "#environment=ill&scale=linear&rate=theorem&rank=7"):
        opened = open_page(report, hash_, width=width, theme=theme)
        assert opened.evaluate(OVERLAPS) == []
        assert opened.evaluate("document.documentElement.dataset.theme") == theme
        picture = opened.screenshot(full_page=True)
        assert len(picture) > 20_000


def test_it_opens_on_the_clearest_case_and_says_what_is_seen(open_page: Open, report: Path, results: Results) -> None:
    trades = {name: trade_of(rows) for name, rows in rank_table(results.runs).groupby("environment", sort=False)}
    separations = {name: trade.separation for name, trade in trades.items() if trade is not None}
    clearest = max(separations, key=lambda name: separations[name])
    names = names_of(styles_of(results.runs))
    opened = open_page(report)
    assert opened.locator("#game option:checked").inner_text() == clearest
    for environment in ("power_law", "ill"):
        opened.select_option("#game", label=environment)
        for rate in ("best", "theorem"):
            opened.choose("rate", rate)
            rows = rank_table(results.runs)
            trade = trade_of(rows[rows["environment"] == environment], rate)
            assert trade is not None
            assert (
                opened.inner_text("#finding")
                == f"{environment.replace('_', ' ').capitalize()}: {trade.sentence(names)}."
            )
            if trade.told:
                assert opened.inner_text("#rank-value").startswith(f"k = {trade.rank} of")
            level = opened.locator("#memory path.level")
            assert float(level.get_attribute("data-y")) == pytest.approx(trade.level, rel=1e-4)


def test_words_are_explained_under_the_pointer_and_the_focus(open_page: Open, report: Path) -> None:
    opened = open_page(report)
    explained = opened.locator("#readout .term", has_text="tail mass")
    explained.focus()
    assert opened.inner_text("#tip").startswith("Sum of the bottom d − k eigenvalues")
    assert opened.get_attribute(f"#{explained.get_attribute('aria-describedby')}", "id") is not None
    opened.keyboard.press("Escape")
    assert opened.is_hidden("#tip")
    opened.locator("#memory .term").first.hover()
    assert opened.inner_text("#tip").startswith("Loss of a learner less that of the best fixed point")
    every = opened.evaluate("[...document.querySelectorAll('.term')].every((e) => e.tabIndex === 0)")
    assert every
    assert opened.texts("#glossary dt")


@pytest.mark.parametrize("rate", ["best", "theorem"])
def test_the_slider_s_line_has_the_bound_of_the_rate_that_it_names(
    open_page: Open, report: Path, results: Results, rate: Any
) -> None:
    from regret_experiments.figures.selection import select_runs

    chosen = select_runs(results.runs, rate)
    opened = open_page(report, f"#environment=ill&rate={rate}")
    for place, rank in enumerate([1, 2, 4, 7]):
        opened.locator("#rank").fill(str(place))
        mine = chosen[(chosen["environment"] == "ill") & (chosen["rank"] == rank)]
        said = opened.inner_text("#readout").replace(",", "")
        shown = float(re.search(r"bound at that rate ([\d.e]+)", said).group(1).rstrip("."))
        assert shown == pytest.approx(mine["bound"].astype(float).mean(), rel=1e-3)
        (point,) = set(mine["point"])
        assert ("theorem's learning rate" in said) == (rate == "theorem")
        assert (f"best learning rate ({point})" in said) == (rate == "best" and point != "theorem")


def test_a_phone_shows_the_first_figure_at_once(open_page: Open, report: Path) -> None:
    opened = open_page(report, width=390)
    assert opened.is_hidden("#controls")
    foot = opened.evaluate("document.querySelector('#memory svg').getBoundingClientRect().bottom")
    assert foot <= 800
    assert opened.evaluate(OVERLAPS) == []
    opened.click("#choices summary")
    assert opened.is_visible("#controls")
    assert opened.evaluate(OVERLAPS) == []


def test_bounds_are_drawn_where_they_are_asked_for(open_page: Open, report: Path, results: Results) -> None:
    opened = open_page(report, "#environment=power_law&rate=theorem&rank=4")
    assert opened.locator("#curves path.bound").count() == 0
    opened.check("#bounds")
    assert opened.locator("#curves path.bound").count() == 5
    last = opened.locator("#curves g:has(path[data-learner=fd_adagrad]) path.bound").get_attribute("d").split(",")[-1]
    bound = float(rank_row(results, "power_law", 4)["bound"])
    assert float(last) == pytest.approx(position(opened, "curves", "y", bound, True), abs=0.6)
    opened.choose("against", "u_T")
    assert opened.locator("#curves path.bound").count() == 0


def test_the_page_spreads_labels_as_the_figures_do(browser: Any) -> None:
    source = (resources.files("regret_experiments.report") / "assets" / "spread.js").read_text(encoding="utf-8")
    generator = np.random.default_rng(2)
    page = browser.new_page()
    for count in (0, 1, 4, 12):
        centers = sorted(generator.uniform(0.0, 100.0, count).tolist())
        heights = generator.uniform(3.0, 15.0, count).tolist()
        found = page.evaluate(f"() => {{ {source} return spread({centers}, {heights}, 0, 100); }}")
        assert found == pytest.approx(spread(centers, heights, 0.0, 100.0))
    page.close()


def test_names_and_messages_with_markup_are_text(open_page: Open, stored: Path, tmp_path: Path) -> None:
    import shutil

    hostile = "<img src=x onerror=alert(1)>"
    script = "</script><script>document.title='stolen'</script>"
    path = tmp_path / "results"
    shutil.copytree(stored, path)
    plan = plan_of(Store(path))
    plan |= {"name": f"{script}", "description": f"{hostile} & &lt;b&gt;"}
    for row in plan["runs"]:
        if row["learner"] == "fd_adagrad":
            row["learner"] = f"{hostile}{script}{'long ' * 20}"
        if row["environment"] == "ill":
            row["environment"] = f"ill{script}"
    Store(path).write_plan(plan)
    fail(path, 2, "Error<b>", f"{script}{hostile}")
    target = tmp_path / "report.html"
    write_report(load(path), target)
    address = f"#environment={quote(f'ill{script}')}&filter={quote(hostile)}"
    opened = open_page(target, address, width=360)
    opened.click("#choices summary")
    assert opened.title() == script
    assert opened.inner_text("#name") == script
    assert opened.inner_text("#description") == f"{hostile} & &lt;b&gt;"
    assert opened.input_value("#filter") == hostile
    assert any(hostile in text for text in opened.texts("#learners label"))
    assert any(f"Error<b>: {script}{hostile}" in text for text in opened.texts("#failure-list li"))
    opened.locator("#memory path.dot").last.focus()
    opened.click("#failure-list button")
    assert f"{script}{hostile}" in opened.inner_text("#details-body")
    assert opened.evaluate("document.querySelectorAll('img, b, script').length") == 2
    opened.keyboard.press("Escape")
    assert opened.evaluate(OVERLAPS) == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []


def test_it_prints_without_its_controls_and_in_light(open_page: Open, report: Path) -> None:
    opened = open_page(report, theme="dark")
    opened.emulate_media(media="print")
    assert opened.is_hidden("#controls")
    assert opened.is_hidden("#filters")
    assert opened.is_visible("#memory svg")
    assert opened.is_visible("#table")
    colours = opened.evaluate(
        """['body', '#curves .note'].map((each) => getComputedStyle(document.querySelector(each)))
        .flatMap((style) => [style.backgroundColor, style.color])"""
    )
    assert colours[0] == "rgb(255, 255, 255)"
    assert colours[3] == "rgb(68, 68, 68)"
