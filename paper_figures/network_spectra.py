"""Spectra of Kronecker-factored gradient covariances of small networks, and the paper's random baselines.

oco train configs/paper/training_characters.yaml      # and the other networks of NETWORKS
python -m paper_figures.network_spectra
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figures.pieces import Places
from regret_experiments.cli.options import cores
from regret_experiments.figures.style import base_style
from regret_experiments.store import Store
from regret_experiments.store.files import write_atomic
from regret_experiments.training.outputs import stored_spectra

NETWORKS = {
    "training_autoencoder": ("autoencoder", "o", "-"),
    "training_characters": ("transformer", "s", "--"),
    "training_convolutional": ("convolutional", "^", "-."),
    "training_classifier": ("classifier", "D", ":"),
}
"""Configs, what they are called, and how they are drawn."""

DIMENSION, BETA2, STEPS = 1024, 0.999, 10_000
BASELINES = {1: (324.63, 0.52), 64: (862.13, 0.25)}
"""By columns of a gradient: the published intrinsic dimension and its standard error, of 20 trials."""
TRIALS = {1: 20, 64: 3}

CAPTION = """
Gradient covariances of both Kronecker factors of every layer, C = sum over t of 0.99^(T - t) G_t G_t', in tuned runs of
Shampoo ({networks}), one seed each; every axis of at least 64 dimensions. Lines: median over the axes; bands:
quartiles. Left: intrinsic dimension tr C / largest eigenvalue. Middle: share of the trace in the leading quarter of
the directions. Grey: medians for Gaussian matrices with the norms of the same gradients, in the same average. Right:
intrinsic dimension of the sum over i < 10,000 of 0.999^i X_i X_i' with standard normal X_i of 1024 x d: the published
means (rings) and ours (crosses; {trials} trials), {apart} standard errors apart.
"""


def random_baseline(columns: int, seed: int, dimension: int = DIMENSION, steps: int = STEPS) -> tuple[float, float]:
    """Intrinsic dimension, and share of the trace in the leading quarter, of one average of normal matrices.

    ``sum_{i < steps} 0.999^i X_i X_i'`` is summed exactly, 1024 columns at a time, by symmetric rank-k updates in
    float32; the eigenvalues are those in float64.
    """
    from scipy.linalg.blas import ssyrk

    generator = np.random.default_rng(seed)
    covariance = np.zeros((dimension, dimension), dtype=np.float32, order="F")
    at_once = max(1, 1024 // columns)
    for start in range(0, steps, at_once):
        weights = BETA2 ** (0.5 * np.arange(start, min(start + at_once, steps)))
        normal = generator.standard_normal((len(weights) * columns, dimension), dtype=np.float32)
        normal *= np.repeat(weights, columns).astype(np.float32)[:, None]
        # The transpose of what is laid out by rows is laid out by columns, as BLAS wants it.
        covariance = ssyrk(1.0, normal.T, beta=1.0, c=covariance, overwrite_c=True)
    values = np.linalg.eigvalsh(covariance.astype(np.float64).T)[::-1]
    return float(values.sum() / values[0]), float(values[: dimension // 4].sum() / values.sum())


def stored_baselines(path: Path, wanted: dict[int, int]) -> pd.DataFrame:
    """One row for every trial of ``wanted`` (columns: trials), from ``path``; what is missing is computed and kept."""
    import joblib

    known = pd.read_csv(path).to_dict("records") if path.is_file() else []
    done = {(row["columns"], row["seed"]) for row in known}
    missing = [(columns, seed) for columns, trials in wanted.items() for seed in range(trials)]
    missing = [trial for trial in missing if trial not in done]
    parallel = joblib.Parallel(n_jobs=min(cores(), max(1, len(missing))), return_as="generator")
    for trial, values in zip(missing, parallel(joblib.delayed(random_baseline)(*t) for t in missing), strict=True):
        known.append(
            dict(zip(("columns", "seed", "intrinsic_dimension", "top_quarter"), (*trial, *values), strict=True))
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic((path, pd.DataFrame(known).to_csv(index=False).encode()))
    return pd.DataFrame(known)


def baseline_table(trials: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard error over trials beside the published ones, and how many standard errors lie between."""
    rows = []
    for columns, group in trials.groupby("columns"):
        published, error = BASELINES[int(columns)]
        own, spread = group["intrinsic_dimension"].mean(), group["intrinsic_dimension"].std() / np.sqrt(len(group))
        rows.append(
            {
                "columns": int(columns),
                "trials": len(group),
                "intrinsic_dimension": own,
                "standard_error": spread,
                "published": published,
                "published_standard_error": error,
                "standard_errors_apart": abs(own - published) / np.hypot(spread, error),
                "top_quarter": group["top_quarter"].mean(),
            }
        )
    return pd.DataFrame(rows)


def spectra_table(places: Places) -> pd.DataFrame:
    """Quantiles over the axes of every network at every snapshot, for gradients and for their Gaussian control.

    Columns: ``network``, ``step``, ``source``, ``axes``, and for ``intrinsic_dimension`` and ``top_quarter`` the least
    (``_min``), the quartiles (``_low``, ``_median``, ``_high``) and the largest (``_max``).
    """
    rows = []
    for name, (network, *_) in NETWORKS.items():
        path = places.sweep(name)
        if path is None:
            continue
        frame = pd.DataFrame(stored_spectra(Store(path)))
        # Exact covariances: both ends of a bracket are the same number.
        frame = frame.assign(**{key: frame[key].str[0] for key in ("intrinsic_dimension", "top_quarter")})
        for (step, source), group in frame[frame["dim"] >= 64].groupby(["step", "source"]):
            row = {"network": network, "step": step, "source": source, "axes": len(group)}
            for key in ("intrinsic_dimension", "top_quarter"):
                quantiles = group[key].quantile([0.0, 0.25, 0.5, 0.75, 1.0])
                row |= dict(
                    zip([f"{key}_{end}" for end in ("min", "low", "median", "high", "max")], quantiles, strict=True)
                )
            rows.append(row)
    return pd.DataFrame(rows)


def figure_of(spectra: pd.DataFrame, baselines: pd.DataFrame) -> Figure:
    """Intrinsic dimension and leading mass during training, and the random baselines."""
    with matplotlib.rc_context(base_style()):
        figure = Figure(figsize=(7.0, 2.7), layout="constrained")
        left, middle, right = figure.subplots(1, 3, width_ratios=[1.0, 1.0, 0.62])
        for axes, key in ((left, "intrinsic_dimension"), (middle, "top_quarter")):
            _draw(axes, spectra, key)
        left.set_yscale("log")
        left.set_ylabel("intrinsic dimension")
        middle.set_ylabel("share of the leading quarter")
        middle.set_ylim(0.0, 1.03)
        for axes in (left, middle):
            axes.set_xlabel("share of training")
            axes.set_xlim(0.0, 1.03)
        at = np.arange(len(baselines))
        right.plot(at, baselines["published"], "o", mfc="none", mec="black", ms=9, label="published")
        right.errorbar(
            at, baselines["intrinsic_dimension"], baselines["standard_error"], fmt="x", color="black", label="here"
        )
        right.set_xticks(at, [f"d = {columns}" for columns in baselines["columns"]])
        right.set_xlim(-0.5, len(baselines) - 0.5)
        right.set_ylim(0.0, DIMENSION)
        right.set_ylabel("normal data, 1024 dimensions")
        right.legend(loc="lower right")
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=5)
    return figure


def _draw(axes: Axes, spectra: pd.DataFrame, key: str) -> None:
    for network, marker, line in NETWORKS.values():
        for source in ("control", "gradient"):
            rows = spectra[(spectra["network"] == network) & (spectra["source"] == source)].sort_values("step")
            if rows.empty:
                continue
            share = rows["step"] / rows["step"].max()
            if source == "control":
                axes.plot(share, rows[f"{key}_median"], line, color="#999999", lw=1.0)
                continue
            drawn = axes.plot(share, rows[f"{key}_median"], line, marker=marker, ms=3.5, label=network)[0]
            axes.fill_between(share, rows[f"{key}_low"], rows[f"{key}_high"], color=drawn.get_color(), alpha=0.15, lw=0)
    if key == "intrinsic_dimension":
        axes.plot([], [], color="#999999", lw=1.0, label="Gaussian control")


def main(arguments: list[str] | None = None) -> None:
    """Write the tables and the figure."""
    places = Places.from_arguments(__doc__, arguments)
    # A quick run, which has no spectra of its own, has no time for the wide gradients either.
    sources = [path for name in NETWORKS if (path := places.sweep(name)) is not None]
    wanted = TRIALS if len(sources) == len(NETWORKS) else {1: 4}
    trials = stored_baselines(places.results / "paper_random_baselines.csv", wanted)
    baselines, spectra = baseline_table(trials), spectra_table(places)
    command = "python -m paper_figures.network_spectra"
    places.write_table("network_spectra", spectra, sources, command=command)
    places.write_table("random_baselines", baselines, command=command, seeds="0, 1, ... of each number of columns")
    caption = CAPTION.format(
        networks=", ".join(dict.fromkeys(spectra["network"])) if len(spectra) else "none stored",
        trials=" and ".join(str(count) for count in baselines["trials"]),
        apart=" and ".join(f"{value:.1f}" for value in baselines["standard_errors_apart"]),
    )
    places.write_figure("network_spectra", figure_of(spectra, baselines), caption)


if __name__ == "__main__":
    main()
