"""The interactive pictures of the course: one HTML file each, with its script and data, that needs no network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from regret_experiments.store.files import write_atomic


@dataclass(frozen=True)
class Picture:
    """One picture: the name of its script, the lesson that it goes with, and its texts."""

    name: str
    lesson: int
    title: str
    intro: str
    note: str


PICTURES = (
    Picture(
        "duel",
        1,
        "Play the game yourself",
        "Twenty rounds on the interval from -1 to 1, with losses +x or -x. Be the learner, who chooses a point before "
        "the loss is known, or be the adversary, who sees the point and chooses the loss.",
        "The best fixed point is the end that the losses favor so far. Against an adversary who sees your point, any "
        "fixed habit has linear regret; against gradient descent no adversary gets beyond 3 times the root of t.",
    ),
    Picture(
        "gradient_path",
        2,
        "Projected gradient descent and its step size",
        "Each round brings the square of the error of one linear measurement; the learner steps against its gradient "
        "and is projected back on the unit disc. Change the step size and watch the path and the regret.",
        "Step size 1 is the one of the theorem. Small steps arrive late, large ones jump from edge to edge.",
    ),
    Picture(
        "experts",
        3,
        "Three experts on the simplex",
        "A point of the triangle is a distribution over three experts; each corner is one of them. Expert 1 is the "
        "best in the long run.",
        "Hedge slows down near an edge and never reaches it. Gradient descent, with steps that fall as the root of t, "
        "runs into the edge and gives an expert the weight zero.",
    ),
    Picture(
        "projection",
        5,
        "The projection in the norm of AdaGrad",
        "AdaGrad projects in the norm of its matrix H. The dashed ellipse holds all points that are as far from the "
        "point as its projection is; it touches the disc. Drag the point, or use the sliders.",
        "At eigenvalue 1 the norm is the Euclidean one, and both projections agree. A large eigenvalue makes it "
        "expensive to move in its direction.",
    ),
    Picture(
        "sketch",
        6,
        "One update of Frequent Directions",
        "A sketch of rank 1 in the plane keeps one direction. After each vector the smaller eigenvalue is taken off "
        "both: what is taken off adds up to the escaped mass. Tap the plane to add a vector, or use the sliders.",
        "Solid ellipse: G. Blue segment: what the sketch keeps. Disc: the escaped mass. Dashed ellipse: the sketch "
        "with the escaped mass added in all directions. In the plane, where k = d - 1, that is G itself.",
    ),
    Picture(
        "images",
        7,
        "The rank that natural images need",
        "Predict a pixel of a photograph from the 120 pixels around it, 6,000 times. Move the rank of the sketch: what "
        "it keeps of the spectrum, and what that buys in regret.",
        "Every learner plays at its best learning rate. Escaped mass is taken off each of k + 1 eigenvalues, so the "
        "trace that escaped is k + 1 times as large: that number can be compared with the tail mass.",
    ),
)


def write_pictures(directory: Path) -> list[Path]:
    """Write every picture to ``directory``; returns the files."""
    written = [directory / f"{picture.name}.html" for picture in PICTURES]
    for path, picture in zip(written, PICTURES, strict=True):
        write_atomic((path, render(picture).encode()))
    return written


def render(picture: Picture) -> str:
    """The page of a picture: no script runs but its own, known by its hash, and nothing can be fetched."""
    body = "\n".join(_asset(name) for name in ("common.js", f"{picture.name}.js"))
    script = '(() => {\n"use strict";\n' + body + "})();\n"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "POLICY": f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'",
        "TITLE": html.escape(picture.title),
        "STYLE": _asset("picture.css"),
        "INTRO": html.escape(picture.intro),
        "NOTE": html.escape(picture.note),
        "DATA": json.dumps(data_of(picture.name)).replace("<", "\\u003c"),
        "SCRIPT": script,
    }
    page = _asset("picture.html")
    for name, part in parts.items():
        page = page.replace(f"%{name}%", part)
    return page


def data_of(name: str) -> dict[str, Any]:
    """The data of a picture, as plain values: streams that are drawn once, and what is computed beforehand."""
    import numpy as np

    if name == "images":
        stored: dict[str, Any] = json.loads(_asset("images.json"))
        return stored
    generator = np.random.default_rng(7)
    if name == "gradient_path":
        rows = generator.standard_normal((40, 2)) * [1.0, 0.5]
        rows /= np.linalg.norm(rows, axis=1).max()
        targets = rows @ [0.5, 0.9] + 0.1 * generator.standard_normal(40)
        bound = float((np.linalg.norm(rows, axis=1) * (np.linalg.norm(rows, axis=1) + np.abs(targets))).max())
        return {"rows": rows.tolist(), "targets": targets.tolist(), "gradient_bound": bound}
    if name == "experts":
        losses = np.random.default_rng(3).random((60, 3)) < [0.25, 0.5, 0.75]  # those of the lesson
        return {"losses": losses.astype(int).tolist()}
    if name == "sketch":
        vectors = generator.standard_normal((14, 2)) @ np.array([[1.5, 0.6], [0.0, 0.6]])
        return {"vectors": vectors.round(2).tolist()}
    if name == "duel":
        return {"coins": (2 * generator.integers(0, 2, 20) - 1).tolist()}
    return {}


def _asset(name: str) -> str:
    return resources.files("regret_experiments.lessons").joinpath("assets", name).read_text(encoding="utf-8")
