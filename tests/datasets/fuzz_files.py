"""Load mutated data files: each gives rows or one `OcoError`, in 2 s and 1 GB.

``python tests/datasets/fuzz_files.py`` runs all 10,000; ``--first 2500 --files 100`` repeats a part. The number of a
file is its seed.
"""

from __future__ import annotations

import argparse
import bz2
import faulthandler
import gzip
import importlib
import io
import lzma
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

KINDS = ("x.csv", "x.tsv", "x.svm", "x.npz", "sparse.npz", "x.npy", "idx", "x.parquet")
COMPRESSIONS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
SECONDS, BYTES = 2.0, 1 << 30
TOKENS = [
    *(b"nan", b"-inf", b"1e999", b"1e-999", b"9" * 400, b"1_000", b"0x1p3", b"\xd9\xa1", b"?", b"abc", b"True"),
    *(b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b'"', b"\r", b"\n\n", b"\r\n", b",", b",,,", b"\t", b":", b" ", b"#"),
    *(b"0:1", b"-1:2", b"2147483647:1", b"2147483648:1", b"99999999999999999999:1", b"qid:1", b"0,1,2\n"),
    *(b"'shape': (3,-2)", b"(True,)", b"(1000000000,)", b"|O", b"<f16", b"<c16", b"((((((", b"PK\x03\x04", b"PAR1"),
    *(b"\x00\x00\x08\x03", b"\xff\xff\xff\xff", b"," * 5000, b"1," * 5000),
]


def original(kind: str, generator: random.Random) -> bytes:
    """A sound file."""
    rows, width = generator.randint(1, 30), generator.randint(1, 6)
    numbers = np.round(np.random.default_rng(generator.randint(0, 2**32)).normal(size=(rows, width)), 3)
    labels = np.where(np.arange(rows) % 2, 1, -1)
    if kind in ("x.csv", "x.tsv"):
        separator = "," if kind == "x.csv" else "\t"
        names = [f"c{place}" for place in range(width)] + ["y"]
        lines = [separator.join(names)] if generator.random() < 0.5 else []
        lines += [separator.join(map(str, [*row, label])) for row, label in zip(numbers, labels, strict=True)]
        return ("\n".join(lines) + "\n").encode()
    if kind == "x.svm":
        lines = []
        for row, label in zip(numbers, labels, strict=True):
            lines.append(" ".join([str(label), *(f"{place + 1}:{value}" for place, value in enumerate(row))]))
        return ("\n".join(lines) + "\n").encode()
    stream = io.BytesIO()
    if kind == "x.npz":
        np.savez(stream, rows=numbers, targets=labels)
    elif kind == "sparse.npz":
        sparse: Any = scipy.sparse.csr_array(numbers) if generator.random() < 0.5 else scipy.sparse.csc_array(numbers)
        parts = {"data": sparse.data, "indices": sparse.indices, "indptr": sparse.indptr, "shape": sparse.shape}
        np.savez_compressed(stream, targets=labels, format=sparse.format.encode(), **parts)
    elif kind == "x.npy":
        np.save(stream, numbers)
    elif kind == "idx":
        stream.write(bytes([0, 0, 8, 3]) + np.array([rows, width, 2], ">u4").tobytes() + bytes(rows * width * 2))
    else:
        import pyarrow
        import pyarrow.parquet

        columns = {f"c{place}": numbers[:, place] for place in range(width)}
        pyarrow.parquet.write_table(pyarrow.table(columns | {"y": labels}), stream)
    return stream.getvalue()


def mutated(content: bytes, generator: random.Random) -> bytes:
    """``content`` after one to five changes."""
    changed = bytearray(content)
    for _ in range(generator.choice([1, 1, 1, 2, 3, 5])):
        place = generator.randrange(len(changed) + 1)
        end = min(len(changed), place + generator.choice([1, 1, 2, 4, 8, 64]))
        match generator.randrange(7):
            case 0:
                if place < len(changed):
                    changed[place] ^= 1 << generator.randrange(8)
            case 1:
                changed[place:end] = generator.randbytes(end - place)
            case 2:
                del changed[place:end]
            case 3:
                changed[place:place] = changed[place:end] * generator.choice([1, 2, 100])
            case 4:
                changed[place:place] = generator.choice(TOKENS)
            case 5:
                changed[place:end] = generator.choice(TOKENS)
            case _:
                if generator.random() < 0.3:
                    del changed[place:]
    return bytes(changed)


def mutated_members(content: bytes, generator: random.Random) -> bytes:
    """An archive of mutated arrays, whole as an archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as changed:
        for name in archive.namelist():
            member = archive.read(name)
            if generator.random() < 0.4:
                member = mutated(member[:128], generator) + member[128:]
            changed.writestr(name, member)
    return stream.getvalue()


def load_mutated(number: int, directory: Path) -> str:
    """Load file ``number``; return what came of it: "rows" or "refused"."""
    from oco.datasets import load
    from oco.datasets.readers import ReadOptions, read_file
    from oco.errors import OcoError

    generator = random.Random(number)
    kind = KINDS[number % len(KINDS)]
    content = original(kind, generator)
    if kind.endswith(".npz") and generator.random() < 0.5:
        content = mutated_members(content, generator)
    else:
        content = mutated(content, generator)
    suffix = generator.choice([*COMPRESSIONS, "", "", ""])
    packed = COMPRESSIONS[suffix](content)
    if suffix and generator.random() < 0.5:
        packed = mutated(packed, generator)
    path = directory / f"{kind}{suffix}"
    path.write_bytes(packed)
    options = {
        "labels": generator.choice([None] * 6 + ["binary", ("one-vs-rest", 1), {-1: 0, 1: 1}, {"a": 1, "-1": 2}]),
        "scaling": generator.choice(["none", "none", "max-abs", "unit-rows", "standard"]),
        "intercept": generator.random() < 0.3,
        "header": generator.choice([None] * 8 + [True, False]) if kind in ("x.csv", "x.tsv") else None,
        "zero_based": kind == "x.svm" and generator.random() < 0.3,
        "n_features": 5 if generator.random() < 0.1 else None,
    }
    try:
        if kind == "idx":
            labels = directory / "labels"
            count = int.from_bytes(content[4:8], "big")
            labels.write_bytes(mutated_labels(count, generator))
            read_file((path, labels), ReadOptions(), format="idx")
        else:
            data = load(path, **options)
            assert data.n_rows == len(data.targets) > 0
    except OcoError as error:
        if "\n" in str(error):
            raise AssertionError(f"more than one line: {error}") from error
        return "refused"
    return "rows"


def mutated_labels(count: int, generator: random.Random) -> bytes:
    """Labels for ``count`` images, sound more often than not."""
    content = bytes([0, 0, 8, 1]) + count.to_bytes(4, "big") + bytes(min(count, 1000))
    return mutated(content, generator) if generator.random() < 0.3 else content


def work(first: int, count: int, *, timed: bool) -> int:
    """Load files one after the other in this process; print what is wrong and a summary."""
    warnings.simplefilter("error")
    faulthandler.enable()
    outcomes: dict[str, int] = {}
    wrong = 0
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        os.environ["OCO_CACHE_DIR"] = str(Path(name) / "cache")
        for module in ("oco.datasets", "pandas", "pyarrow.parquet", "scipy.sparse", "sklearn.datasets"):
            importlib.import_module(module)  # which is not the files' time
        for number in range(first, first + count):
            (Path(name) / "number").write_text(str(number))
            start = time.perf_counter()
            try:
                outcome = load_mutated(number, Path(name))
            except BaseException as error:
                outcome = f"{type(error).__name__}"
                wrong += 1
                print(f"file {number}: {''.join(traceback.format_exception(error)[-3:])}", flush=True)
            seconds = time.perf_counter() - start
            if seconds > SECONDS and timed:
                wrong += 1
                print(f"file {number}: took {seconds:.1f} s", flush=True)
            slowest = max(slowest, seconds)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"files {first} to {first + count - 1}: {outcomes}, slowest {slowest:.2f} s, peak {peak >> 20} MB", flush=True
    )
    return int(wrong > 0 or peak > BYTES)


def main() -> int:
    """Run in processes of 500 files each, so that a crash is seen and memory belongs to a few files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--here", action="store_true", help="load them in this process")
    parser.add_argument("--untimed", action="store_true", help="let a file take its time, on a machine that others use")
    given = parser.parse_args()
    if given.here:
        return work(given.first, given.files, timed=not given.untimed)
    failed = 0
    for first in range(given.first, given.first + given.files, 500):
        count = min(500, given.first + given.files - first)
        command = [sys.executable, __file__, "--here", "--first", str(first), "--files", str(count)]
        code = subprocess.run([*command, *(["--untimed"] if given.untimed else [])], check=False).returncode
        if code:
            print(f"files {first} to {first + count - 1}: exit {code}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
