"""``oco watch``: the report page of a running sweep."""

from __future__ import annotations

from pathlib import Path

import click

from regret_experiments.cli.options import results_argument
from regret_experiments.cli.output import echo


@click.command()
@results_argument
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1.  [default: a free one]")
@click.option("--open/--no-open", "opens", default=True, help="Open the page in the browser.")
def watch(results: Path, port: int, opens: bool) -> None:
    """Show RESULTS in the browser while a sweep fills it; the page refreshes itself.

    The server answers on 127.0.0.1 only. Stop it with Ctrl-C.
    """
    from regret_experiments.report.live import make_server
    from regret_experiments.store.results import load

    load(results)
    with make_server(results, port) as server:
        address = f"http://{server.server_address[0]!s}:{server.server_address[1]}/"
        echo(f"watching {results} at {address} (Ctrl-C stops)")
        if opens:
            click.launch(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("stopped")
