"""Write synthetic data of the shape and range of gisette_scale, to use if the real data is missing.

Dense rows of 5,000 features in [-1, 1]: half of them a non-linear image of 30 hidden factors, half noise ("probes"), as
in the original; labels are a noisy function of the factors. It has the shape and the cost of the real data and nothing
else in common with it: results on it say nothing about gisette_scale.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from paper_figures.pieces import ROOT

DIRECTORY = ROOT / "results" / "paper_data"
FEATURES, FACTORS, SEED = 5000, 30, 0


def write_stand_in(directory: Path = DIRECTORY) -> None:
    """Write 6,000 training rows and 1,000 test rows as .npz, unless they are there."""
    directory.mkdir(parents=True, exist_ok=True)
    targets = {"gisette_stand_in": 6000, "gisette_stand_in_test": 1000}
    if all((directory / f"{name}.npz").is_file() for name in targets):
        return
    generator = np.random.default_rng(SEED)
    loadings = generator.standard_normal((FACTORS, FEATURES // 2)) / np.sqrt(FACTORS)
    weights = generator.standard_normal(FACTORS)
    for name, count in targets.items():
        factors = generator.standard_normal((count, FACTORS)) * np.arange(1, FACTORS + 1) ** -0.5
        rows = np.empty((count, FEATURES), dtype=np.float32)
        rows[:, : FEATURES // 2] = np.tanh(4.0 * factors @ loadings - 0.5)
        rows[:, FEATURES // 2 :] = np.clip(
            0.3 * generator.standard_normal((count, FEATURES - FEATURES // 2)) - 0.5, -1, 1
        )
        labels = np.where(factors @ weights + 0.2 * generator.standard_normal(count) > 0.0, 1.0, -1.0)
        temporary = directory / f".{name}.npz"
        np.savez(temporary, rows=rows, targets=labels)
        temporary.replace(directory / f"{name}.npz")


if __name__ == "__main__":
    write_stand_in()
