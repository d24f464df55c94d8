"""The entries that a table is made of: the reference results of the library, and those of a directory."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from oco.errors import ConfigError, StoreError
from regret_experiments.bench.entry import FILE, read_entry
from regret_experiments.bench.scores import Scores
from regret_experiments.bench.suite import Suite


def reference_directory() -> Path | None:
    """Where committed results of the library's learners are: of a checkout, or what the wheel put under ``share/``."""
    checkout = Path(__file__).resolve().parents[2]
    installed = Path(sysconfig.get_path("data")) / "share" / "oco-regret"
    places = (checkout / "results" / "reference" / "bench", installed / "bench")
    return next((place for place in places if place.is_dir()), None)


def collect(suite: Suite, results: Path, *, reference: bool = True) -> tuple[Scores, list[str]]:
    """The scores of all entries of a suite, and sentences on the files that are left out.

    An entry in ``results`` takes the place of the reference result of the same name.

    Raises
    ------
    ConfigError
        If there is no entry.
    """
    home = reference_directory() if reference else None
    files = [
        *(sorted(home.glob("*.json")) if home else ()),
        *sorted(results.glob(f"*/{FILE}")),
        *sorted(results.glob("*.json")),
    ]
    entries, left_out = {}, []
    for path in files:
        try:
            entry = read_entry(path)
        except StoreError as error:
            left_out.append(str(error))
            continue
        if entry["suite"]["sha256"] == suite.sha256:
            entries[entry["learner"]["name"]] = entry
        elif path.parent != home:
            left_out.append(f"{path} is of version {entry['suite']['version']} of a suite, not of this one")
    if not entries:
        raise ConfigError(f"there are no entries of this suite in {results}; oco bench run LEARNER makes one")
    return Scores(suite, entries), left_out
