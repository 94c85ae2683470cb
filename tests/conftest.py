"""Fixtures shared by all tests: real data where it is at hand, and a store of one's own."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real preference data beside the checkout; skips where it is not there."""
    path = Path(os.environ.get("OFFTARGET_SHARED", REPO.parent / "shared")) / "data"
    if not path.is_dir():
        pytest.skip(f"real data is not at hand ({path}); set OFFTARGET_SHARED to its parent folder")
    return path


@pytest.fixture()
def store_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty artifact store for one test."""
    home = tmp_path / "store"
    monkeypatch.setenv("OFFTARGET_HOME", str(home))
    return home
