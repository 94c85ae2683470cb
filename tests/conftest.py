"""Fixtures shared by all tests: real data where it is at hand, and a store of one's own."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

_SESSION_STORE = Path(os.environ.get("OFFTARGET_HOME") or Path.home() / ".cache" / "offtarget")
"""Where the embedded model lies, whatever store a single test uses."""


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


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a random Llama of 3 million weights (float32) with the embedded model's tokenizer.

    Skips where the embedded model's package is not installed.
    """
    import torch
    from offtarget import models
    from offtarget.errors import UndecidedError
    from offtarget.store import Store
    from transformers import LlamaConfig, LlamaForCausalLM

    try:
        tokenizer = models.load_tokenizer(models.EMBEDDED, Store(_SESSION_STORE))
    except UndecidedError as e:
        pytest.skip(str(e))
    path = tmp_path_factory.mktemp("tiny-model")
    config = LlamaConfig(
        hidden_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=128,
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path
