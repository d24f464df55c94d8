"""Random configs and ``--set`` strings by seed: ``python tests/experiments/fuzz_configs.py --count 10000``.

Every case is planned or refused with an `OcoError`; anything else is printed with its seed, and so is a case that takes
more than 2 s of processor time. The last line gives the counts, the slowest case and the most memory.
"""

from __future__ import annotations

import argparse
import copy
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from oco.errors import OcoError
from regret_experiments.config import load_config
from regret_experiments.plan import make_plan
from regret_experiments.plan.estimates import estimate, plan_text
from regret_experiments.store import Store

BALL = {"kind": "ball", "radius": 1.0}
VALID: list[dict[str, Any]] = [
    {
        "name": "synthetic",
        "orders": 1,
        "checkpoints": 3,
        "environments": [
            {"kind": "spectrum_linear", "dimension": 4, "horizon": 9, "exponent": 1.0, "domain": BALL},
            {"kind": "ill_conditioned_regression", "name": "ill", "dimension": 3, "horizon": 9, "draws": "signs"},
        ],
        "learners": [
            {"kind": "ogd", "learning_rate": ["theorem", {"log_grid": {"low": 0.1, "high": 1, "points": 2}}]},
            {"kind": "fd_adagrad", "rank": "doubling", "zip": {"learning_rate": [0.1, 0.2], "delta": [0.0, 1.0]}},
        ],
        "stages": [
            {"name": "tune", "environments": ["ill"]},
            {"name": "test", "best_of": {"stage": "tune"}, "environments": {"ill": "spectrum_linear"}},
        ],
    },
    {
        "name": "data",
        "orders": [0, 3],
        "repetitions": 2,
        "budget": 2,
        "environments": [
            {"kind": "logistic_regression", "data": "breast_cancer", "scaling": "standard", "domain": BALL},
            {"kind": "generalized_linear", "name": "q", "data": "diabetes", "loss": "quantile", "tau": 0.9},
            {"kind": "logistic_regression", "name": "map", "data": "breast_cancer", "labels": {0: -1, 1: 1}},
        ],
        "learners": [
            {"kind": "rfd_son", "rank": [2], "learning_rate": [0.1, 1.0], "environments": ["q"]},
            {"kind": "diagonal_adagrad", "learning_rate": {"grid": {"low": 0.1, "high": 1.0, "points": 2}}},
        ],
    },
    {
        "name": "games",
        "comparator": False,
        "environments": [
            {
                "kind": "matrix_regression",
                "shape": [3, 4],
                "horizon": 9,
                "domain": {"kind": "frobenius_ball", "radius": 1},
            },
            {"kind": "expert_advice", "dimension": 4, "horizon": 9},
            {"kind": "ball_lower_bound", "dimension": 3, "horizon": 9},
        ],
        "learners": [
            {"kind": "shampoo", "environments": ["matrix_regression"]},
            {"kind": "hedge", "environments": ["expert_advice"]},
            {"kind": "adagrad_norm", "environments": ["ball_lower_bound"]},
        ],
    },
]
"""Near what the planner takes: a mutation of something that is refused anyway would try little."""
WORDS = [
    "name", "kind", "ogd", "fd_adagrad", "rank", "doubling", "theorem", "log_grid", "grid", "ball", "simplex", "ill",
    "tune", "data", "zip", "learning_rate", "delta", "domain", "radius", "horizon", "dimension", "shape", "loss",
    "squared", "labels", "binary", "environments", "learners", "stages", "best_of", "low", "high", "points", "<<",
    "auto",
]  # fmt: skip
SCALARS: list[Any] = [
    None, True, False, 0, 1, 2, 3, -1, 7, 40, 10**6, 2**31, 10**13, -(10**17), 10**19, 0.0, -0.0, 0.5, 1e-300, 1e300,
    1e999,
    float("nan"), "", " ", "=1", "\x1b[2J", "é" * 9, "../..", "x" * 200, "[0]", "a.b:C", "1e5", "~", "null", "\u202e",
]  # fmt: skip
TOKENS = [
    "[", "]", "{", "}", "&a ", "*a", "!!bool ", "!!python/name:os.system ", "<<: *a", "? ", "- ", ": ", "|", ">", "'",
    '"', "#", "%YAML 1.1\n", "---\n", "...", "\t", "\0", "\x85", "\ufeff", "1e999", ".nan", "0x10", "1_000", "!!float ",
    "@", "`",
]  # fmt: skip


def case(seed: int) -> tuple[bytes, list[str]]:
    """The config and the settings of one seed."""
    draw = random.Random(seed)
    config = copy.deepcopy(draw.choice(VALID))
    how = draw.randrange(4)
    if how == 3:
        return _text(config).encode(), [_setting(draw, config) for _ in range(draw.randint(1, 3))]
    if how > 0:
        for _ in range(draw.choice([1, 1, 1, 2, 4])):
            config = _mutated(draw, config)
    text = _text(config)
    if how < 2:
        for _ in range(draw.choice([1, 1, 1, 2, 4])):
            text = _scrambled(draw, text)
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    if draw.random() < 0.1 and data:
        data[draw.randrange(len(data))] = draw.randrange(256)
    return bytes(data), []


def planned_or_refused(data: bytes, settings: list[str], place: Path) -> str:
    """The sentence of an `OcoError`, or an empty string where the config is planned."""
    path = place / "fuzz.yaml"
    path.write_bytes(data)
    try:
        plan = make_plan(load_config(path, settings))
        store = Store(place / "results")
        plan_text(plan, store, estimate(plan, store, 1), every=True)
    except OcoError as error:
        return str(error)
    return ""


def _text(config: Any) -> str:
    return str(yaml.safe_dump(config, allow_unicode=True, sort_keys=False))


def _value(draw: random.Random, depth: int = 0) -> Any:
    how = draw.randrange(8 if depth < 4 else 5)
    if how < 2:
        return draw.choice(WORDS)
    if how < 5:
        return draw.choice(SCALARS)
    if how == 5:
        return [_value(draw, depth + 1) for _ in range(draw.randrange(4))]
    if how == 6:
        return {draw.choice(WORDS): _value(draw, depth + 1) for _ in range(draw.randrange(4))}
    return copy.deepcopy(draw.choice(VALID)) if draw.random() < 0.2 else draw.choice(SCALARS)


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at] * bool(at) + [place for key, item in items for place in _places(item, (*at, key))]


def _mutated(draw: random.Random, config: Any) -> Any:
    """Something replaced, deleted, renamed, copied elsewhere or added."""
    places = _places(config)
    if not places:
        return _value(draw)
    *parents, last = draw.choice(places)
    at = config
    for key in parents:
        at = at[key]
    how = draw.choice(["replace", "delete", "rename", "add", "copy", "repeat"])
    if how == "delete":
        del at[last]
    elif how == "rename" and isinstance(at, dict):
        at[draw.choice(WORDS)] = at.pop(last)
    elif how == "add" and isinstance(at, dict):
        at[draw.choice(WORDS)] = _value(draw)
    elif how == "repeat" and isinstance(at, list):
        at.extend([copy.deepcopy(at[last])] * draw.choice([1, 2, 40]))
    elif how == "copy":
        source: Any = config
        for key in draw.choice(places):
            source = source[key]
        at[last] = copy.deepcopy(source)
    else:
        at[last] = _value(draw)
    return config


def _scrambled(draw: random.Random, text: str) -> str:
    """Text with a token put in, a digit changed, a slice repeated, moved or cut out, or a line indented."""
    first, second = sorted(draw.randrange(len(text) + 1) for _ in range(2))
    how = draw.randrange(8)
    if how == 0:
        return text[:first] + draw.choice(TOKENS) * draw.choice([1, 1, 2, 300]) + text[first:]
    if how == 1:
        return text[:first] + text[min(second, first + 30) :]
    if how == 2:
        return text[:second] + text[first : min(second, first + 200)] + text[second:]
    if how == 3:
        return text[:first] + str(draw.choice(SCALARS)) + text[first:]
    lines = text.split("\n")
    line = draw.randrange(len(lines))
    if how == 4:
        lines[line] = " " * draw.randrange(4) + lines[line].lstrip(" ")
    elif how == 5:
        lines.insert(draw.randrange(len(lines)), lines[line])
    elif how == 6:
        lines[line] = lines[line].replace(": ", ": " + draw.choice(TOKENS), 1)
    else:
        digits = [place for place, letter in enumerate(text) if letter.isdigit()]
        if digits:
            place = draw.choice(digits)
            return text[:place] + draw.choice(["0", "9", "-1", "1e9", "7.5", "000000"]) + text[place + 1 :]
    return "\n".join(lines)


def _setting(draw: random.Random, config: Any) -> str:
    places = _places(config)
    key = ""
    for part in draw.choice(places):
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
    value = draw.choice(
        [_text(_value(draw)).strip().removesuffix("\n..."), draw.choice(TOKENS), str(draw.choice(SCALARS))]
    )
    setting = f"{key}={value}"
    if draw.random() < 0.5:
        return setting
    return _scrambled(draw, setting)


def main() -> None:
    """Try ``--count`` seeds from ``--first`` on; exit code 1 where any case broke a rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    slowest = (0.0, -1)
    with tempfile.TemporaryDirectory() as place:
        for config in VALID:  # imports, and reading data for the first time, are no case's time
            assert planned_or_refused(_text(config).encode(), [], Path(place)) == ""
        for seed in range(arguments.first, arguments.first + arguments.count):
            data, settings = case(seed)
            began = time.process_time()
            try:
                outcome = "refused" if planned_or_refused(data, settings, Path(place)) else "planned"
            except Exception:
                outcome = "raised something else"
                print(f"seed {seed}: {traceback.format_exc()}", flush=True)
            spent = time.process_time() - began
            slowest = max(slowest, (spent, seed))
            if spent > 2.0:
                counts["slow"] += 1
                print(f"seed {seed}: {spent:.1f} s, {outcome}", flush=True)
            counts[outcome] += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{dict(counts)}; slowest {slowest[0]:.2f} s (seed {slowest[1]}), at most {peak:.0f} MB")
    sys.exit(1 if counts["slow"] or counts["raised something else"] or peak > 1024 else 0)


if __name__ == "__main__":
    main()
