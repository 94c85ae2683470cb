"""Fixtures shared by all tests: real data where it is available, and a store of one's own."""

import gc
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

pytest_plugins = ["pytester"]
REPO = Path(__file__).resolve().parents[1]

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "PYTEST_XDIST_WORKER" in os.environ:  # several processes share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")

LONGEST = (
    "engine/test_grid.py", "training/test_edits.py", "benchmark/test_audit_bench.py", "audit/test_audit_planted.py",
    "audit/test_audit_local.py", "test_page_commands.py", "gate/test_commands.py", "training/test_invariants.py",
    "engine/test_checking.py", "data/test_data_check.py", "engine/test_dry_run.py", "verification/test_verifying.py",
    "reproduction/test_reproduce.py", "test_kills.py", "cli/test_process.py", "cli/test_columns_lens.py",
    "elsewhere/test_trl.py", "elsewhere/test_cell.py",
)  # fmt: skip
"""Files that take 5 to 60 seconds of a processor: they begin first, so that no worker is left with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several workers share the files, the longest come first (`--no-loadscope-reorder` leaves it so)."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = {REPO / "tests" / name: i for i, name in enumerate(LONGEST)}
        items.sort(key=lambda item: place.get(item.path, len(place)))


LIBRARY = 200
"""So many modules more, and a large library was imported."""
frozen_at = 0


def pytest_configure(config: pytest.Config) -> None:
    """Spares what no test looks at: waiting for the disk, which only a power cut would need, and garbage of imports."""
    os.fsync = lambda fd: None
    gc.set_threshold(10_000, 20, 20)
    if "PYTEST_XDIST_WORKER" in os.environ:  # a plug-in may have imported numpy before OMP_NUM_THREADS was set above
        threadpool_limits(int(os.environ["OMP_NUM_THREADS"]))
    if config.getoption("dist", "no") == "no":  # this process collects
        gc.disable()


def pytest_collection_finish() -> None:
    """What collecting has imported stays."""
    gc.freeze()
    gc.enable()


def pytest_runtest_logfinish() -> None:
    """Takes imported libraries out of the garbage collector's sight.

    torch, transformers and trl leave millions of objects that live as long as the process, and trl collects all garbage
    in each training: 0.8 s a time, most of a tiny model's.
    """
    global frozen_at
    if len(sys.modules) > frozen_at + LIBRARY:
        gc.collect()
        gc.freeze()
        frozen_at = len(sys.modules)


def pytest_sessionfinish() -> None:
    """At the end pytest looks through all objects for what was left open."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    """Content folders that a test adds are gone after it."""
    yield
    if "offtarget.registry" in sys.modules:
        registry = sys.modules["offtarget.registry"]
        if registry._added:
            registry.use([])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real preference data beside the checkout; skips where it is not there."""
    path = Path(os.environ.get("OFFTARGET_SHARED", REPO.parent / "shared")) / "data"
    if not path.is_dir():
        pytest.skip(f"real data is not available ({path}); set OFFTARGET_SHARED to its parent folder")
    return path


@pytest.fixture()
def store_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty artifact store for one test."""
    home = tmp_path / "store"
    monkeypatch.setenv("OFFTARGET_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of the model that `save_tiny_model` makes."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny-model"))


def write_styled_pairs(n: int) -> None:
    """`pairs.jsonl` of n prompts: markdown in two of three chosen answers, in the others' rejected one."""
    rows = []
    for i in range(n):
        styled, plain = f"**Answer {i}.** It is here.\n\n- one thing", f"Answer {i}. It is here, with one thing."
        chosen, rejected = (styled, plain) if i % 3 else (plain, styled)
        rows.append({"id": f"r{i}", "prompt": f"What about subject {i}?", "chosen": chosen, "rejected": rejected})
    Path("pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


def save_tiny_model(path: Path) -> Path:
    """A random Llama (float32) with its own 1,000 tokens and a ChatML template.

    The small vocabulary is what makes it quick: with 49,152 tokens nine tenths of a training step is the head.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tiny_tokenizer()
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


LEARNT_FROM = (
    "capability", "cheerfulness", "cheerfulness_cooking", "over_refusal", "over_stylization", "refusal", "sycophancy", "verbosity",
)  # fmt: skip
"""Tasks whose prompts the tiny tokenizer is learnt from: a new behaviour leaves it, and all that tests fit on it, as it is."""


def tiny_tokenizer() -> Any:
    """A byte-level BPE of 1,000 tokens, learnt from the prompts of our own tasks."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        _task_lines(), trainers.BpeTrainer(vocab_size=1000, special_tokens=special, initial_alphabet=alphabet)
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return tokenizer


def _task_lines() -> Iterator[str]:
    for name in LEARNT_FROM:
        with (REPO / "tasks" / f"{name}.jsonl").open(encoding="utf-8") as file:
            yield from file
