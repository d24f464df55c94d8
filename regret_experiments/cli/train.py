"""``oco train CONFIG``: compare optimizers on a network."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True
)
def train(config: Path, output: Path) -> None:
    """Tune and compare optimizers on the network task of CONFIG; runs only what is missing."""
    import yaml

    from oco.errors import OcoError

    try:
        from regret_experiments.training import run_training

        settings = yaml.safe_load(config.read_text())
        if not isinstance(settings, dict):
            raise click.ClickException(f"{config} must hold a mapping of settings")
        settings.setdefault("name", config.stem)
        result = run_training(settings, output, echo=click.echo)
    except (OcoError, ImportError, yaml.YAMLError) as error:
        raise click.ClickException(str(error)) from error
    from regret_experiments.training.outputs import format_table

    click.echo(format_table(result["rows"]))
    for path in result["paths"]:
        click.echo(f"wrote {path}")
