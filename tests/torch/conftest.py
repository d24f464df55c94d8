from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")
np = pytest.importorskip("numpy")


@pytest.fixture(autouse=True)
def _one_thread_and_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def golden():
    """The reference cases and their arrays, or a skip that says where they were looked for."""
    root = os.environ.get("OCO_DATA_DIR")
    if not root:
        pytest.skip("golden values lie beside OCO_DATA_DIR, which is not set")
    path = Path(root).parent / "golden" / "sketchy_shampoo.json"
    if not path.exists():
        pytest.skip(f"golden values are not at {path}")
    return json.loads(path.read_text()), np.load(path.with_suffix(".npz"))
