"""``oco data``: list data sets, describe one, fetch one."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from oco.datasets import DatasetInfo

_DATA_DIR = click.option(
    "--data-dir",
    type=click.Path(file_okay=False),
    help="Directory of offline copies, searched first.  [default: OCO_DATA_DIR]",
)


@click.group()
def data() -> None:
    """Data sets by name: list them, describe one, fetch one."""


@data.command("list")
@_DATA_DIR
def list_sets(data_dir: str | None) -> None:
    """List every data set that configs and `oco.datasets.load` know by name."""
    from oco.datasets import info, names, where_is

    with _one_sentence():
        table = [("NAME", "ROWS", "FEATURES", "TASK", "WHERE", "CHECKSUMS")]
        for name in names():
            facts = info(name)
            rows = " + ".join(f"{split.rows:,}" for split in facts.splits.values())
            place = where_is(facts, data_dir)
            table.append((name, rows, f"{facts.features:,}", facts.task, place, _sums(facts)))
    widths = [max(len(row[column]) for row in table) for column in range(6)]
    for row in table:
        cells = [
            cell.rjust(w) if c in (1, 2) else cell.ljust(w) for c, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())


@data.command("info")
@click.argument("name")
@_DATA_DIR
def describe(name: str, data_dir: str | None) -> None:
    """Describe the data set NAME: shape, classes, files, checksums, citation and license."""
    from oco.datasets import info, where_is

    with _one_sentence():
        facts = info(name)
        place = where_is(facts, data_dir)
    click.echo(f"{name}: {facts.title}")
    if facts.partial:
        click.echo("  This is only a part of the published set: say so wherever results on it are shown.")
    click.echo(f"  task      {facts.task}")
    for split, published in facts.splits.items():
        click.echo(f"  {split:<9} {published.rows:,} rows x {facts.features:,} features{_classes(published.labels)}")
        for file in published.files:
            for known, sha256 in file.names.items():
                state = f"sha256 {sha256}" if sha256 else "sha256 checked by content" if file.uncompressed else _UNKNOWN
                click.echo(f"            {known}: {state}")
            if file.url:
                click.echo(f"            from {file.url}")
    click.echo(f"  where     {place}")
    click.echo(f"  page      {facts.url}")
    click.echo(f"  license   {facts.license}")
    cited = textwrap.wrap(facts.citation, 100, subsequent_indent=" " * 12)
    click.echo("  cite      " + "\n".join(cited))


@data.command("fetch")
@click.argument("name")
@_DATA_DIR
@click.option("--split", type=click.Choice(["all", "train", "test"]), default="all", show_default=True)
def fetch(name: str, data_dir: str | None, split: str) -> None:
    """Fetch the data set NAME, check it, and parse it into the cache."""
    from oco.datasets import info, open_chunks

    with _one_sentence():
        for part in info(name).splits if split == "all" else (split,):
            rows = open_chunks(name, split=part, data_dir=data_dir)
            click.echo(f"{name} {part}: {rows.n_rows:,} rows x {rows.dimension:,} features, as published")


_UNKNOWN = "sha256 not verified here; recorded when first downloaded"


def _sums(facts: DatasetInfo) -> str:
    if facts.bundled:
        return "in the wheel"
    if facts.verified:
        return "verified"
    if facts.openml is not None:
        return "OpenML's"
    some = any(file.verified for split in facts.splits.values() for file in split.files)
    return "verified in part" if some else "on first download"


def _classes(labels: object) -> str:
    if not isinstance(labels, dict) or not labels:
        return ""
    counts = ", ".join(f"{label:g}: {count:,}" for label, count in labels.items())
    return f"\n            labels {counts}"


class _one_sentence:  # noqa: N801 - reads as what it does
    """Show a `DataError` as one line instead of a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from oco.errors import DataError

        if isinstance(error, DataError):
            raise click.ClickException(str(error)) from error
