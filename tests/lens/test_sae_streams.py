"""An SAE trained on more tokens than are held, and one whose training was interrupted."""

from collections import Counter
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import DataError
from offtarget.lens.reader import Reader
from offtarget.lens.sae import source as sources
from offtarget.lens.sae import train as training
from offtarget.lens.sae.collect import collect, text_pairs
from offtarget.lens.sae.source import Streamed, tokens_of
from offtarget.lens.sae.train import SaeRecipe, train_sae
from offtarget.models import load_tokenizer
from offtarget.store import Store

WORDS = "rain fish cloud river stone bread moon lamp tree song wind door salt ship coin bell".split()  # noqa: SIM905
RECIPE = SaeRecipe(layer=2, expansion=1, k=8, epochs=4, batch_tokens=64, dtype="float32")


def texts(n: int) -> PairSet:
    rng = np.random.default_rng(0)
    return text_pairs("words", [" ".join(rng.choice(WORDS, 40)) for _ in range(n)])


@pytest.fixture(scope="module")
def reader(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(str(tiny_model), Store(tmp_path_factory.mktemp("store")), dtype="float32")


def test_a_pass_of_a_stream_gives_each_token_once_but_for_what_fills_no_batch(reader: Reader) -> None:
    data = texts(30)
    every = collect(reader, data, 2)
    stream = Streamed(reader, [data], 2, held=len(every.bits) // 4, seed=0)
    assert stream.tokens == pytest.approx(len(every.bits), rel=0.01)
    first = [b for b, _ in takewhile(lambda found: found[1][0] == 0, stream.batches(16))]
    rows = torch.cat(first)
    assert len(every.bits) - 5 * 16 < len(rows) <= len(every.bits)
    known, seen = (Counter(map(tuple, x.tolist())) for x in (every.rows(np.arange(len(every.bits))), rows))
    assert seen <= known, "none more often than it is there"


def test_a_stream_goes_on_from_any_place(reader: Reader) -> None:
    def drawn(position: tuple[int, ...], n: int) -> list[tuple[torch.Tensor, tuple[int, ...]]]:
        found = Streamed(reader, [texts(12)], 2, held=300, seed=3).batches(32, position)
        return [next(found) for _ in range(n)]

    whole = drawn((), 110)
    assert max(at[0] for _, at in whole) == 3 and max(at[1] for _, at in whole) >= 3, "four passes of four stretches"
    ends = [k for k in range(100) if whole[k][1][:2] != whole[k + 1][1][:2]]
    for k in (0, 7, 40, 95, ends[0], ends[-1]):
        for (a, at), (b, place) in zip(whole[k + 1 :], drawn(whole[k][1], 109 - k), strict=True):
            assert at == place and torch.equal(a, b)


@pytest.mark.parametrize("buffer", [100_000, 300], ids=["held", "streamed"])
def test_a_training_that_was_interrupted_twice_ends_with_the_same_weights(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buffer: int
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    recipe = RECIPE.model_copy(update={"buffer_tokens": buffer})
    data = [texts(8), texts(20)]
    whole = train_sae(Reader(str(tiny_model), Store(tmp_path / "a")), data, tmp_path / "whole", recipe)
    steps = whole["training"]["steps"]
    assert steps > 40 and ("tokens_read" in whole["training"]) is (buffer == 300)
    seen: list[int] = []

    def stops_at(last: int) -> Reader:
        def progress(what: str, done: int, _total: int) -> None:
            if what == "training":
                seen.append(done)
                if done == last:
                    raise KeyboardInterrupt

        return Reader(str(tiny_model), Store(tmp_path / "b"), progress=progress)

    for last in (9, 31):
        with pytest.raises(KeyboardInterrupt):
            train_sae(stops_at(last), data, tmp_path / "parts", recipe)
        assert not (tmp_path / "parts").exists()
    report = train_sae(stops_at(0), data, tmp_path / "parts", recipe)
    assert seen == list(range(1, steps + 1)), "no step was made twice"
    a, b = (load_file(tmp_path / name / "sae_weights.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert report["training"]["final_mse"] == whole["training"]["final_mse"]
    assert not list((tmp_path / "b").rglob("step-*")) and not list((tmp_path / "parts").rglob("checkpoints"))


def test_the_sample_of_a_stream_does_not_shrink_with_the_set(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SCALED_BY", 500)
    for n in (12, 80):
        stream = Streamed(reader, [texts(n)], 2, held=300, seed=0)
        assert len(stream.sample()) == 500
        assert stream.facts()["tokens_read"] == 0


def test_the_end_of_a_stretch_is_a_place_to_go_on_from_though_nothing_else_fills_a_batch(reader: Reader) -> None:
    """Stretches of a hundred tokens and one that a batch of ninety does not fit in."""
    data = texts(3)
    stream = Streamed(reader, [data], 2, held=int(2.2 * tokens_of(reader, tiny(reader), [data]) / 3), seed=0)
    size = int(stream.tokens / 3 * 1.5)
    first = stream.batches(size)
    batch, at = next(first)
    assert at[:3] == (0, 0, 1)
    (again, place), (want, there) = next(stream.batches(size, at)), next(first)
    assert place[:3] == there[:3] == (1, 0, 1) and torch.equal(again, want) and not torch.equal(again, batch)


def tiny(reader: Reader) -> object:
    return load_tokenizer(reader.ref)


def test_texts_that_pairs_share_are_counted_once(reader: Reader) -> None:
    answers = [[{"role": "assistant", "content": f"{w} stone bread"}] for w in WORDS[:4]]
    both = [(a, b) for k, a in enumerate(answers) for b in answers[k + 1 :]]
    pairs = [
        Pair(f"{n}-{k}", f"g{n}", [{"role": "user", "content": f"{n} rain fish cloud"}], a, b)
        for n in range(50)
        for k, (a, b) in enumerate(both)
    ]
    data = PairSet("shared", pairs)
    assert tokens_of(reader, tiny(reader), [data]) == len(collect(reader, data, 2).bits)
    with pytest.raises(DataError, match="no pair to train on"):
        tokens_of(reader, tiny(reader), [PairSet("none", [])])


def test_stretches_without_one_batch_are_said(tiny_model: Path, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"batch_tokens": 512, "buffer_tokens": 300})
    with pytest.raises(DataError, match="512 tokens of a batch: hold more tokens"):
        train_sae(Reader(str(tiny_model), Store(tmp_path)), [texts(20)], tmp_path / "out", recipe)
