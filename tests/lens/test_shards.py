"""A large set is read in shards: the whole is that of one reading, an interrupted one goes on, and none is held for long."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.conftest import write_styled_pairs
from tests.lens.test_sae import jumprelu

from offtarget.data.loading import load_pairs
from offtarget.errors import DataError
from offtarget.lens import shards as module
from offtarget.lens import storage
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import Reader
from offtarget.lens.table import features_of, shards_of
from offtarget.store import Store


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    """An SAE of 96 latents for the tiny model, on disk."""
    torch.manual_seed(1)
    sae = jumprelu(64, 96)
    sae.threshold[:] = torch.rand(96) * 2
    sae.save_model(tmp_path / "sae")
    return tmp_path / "sae"


def same(a: FeatureMatrix, b: FeatureMatrix) -> None:
    """Every number and name."""
    assert a.sha256 == b.sha256 and a.info == b.info and a.columns == b.columns


def test_rules_read_a_real_set_in_shards_as_they_read_it_at_once(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = load_pairs(
        str(shared_data / "human_pairs_mix" / "pairs.jsonl.gz"), head=260
    )  # several languages, short answers
    (whole,) = features_of(pairs, ["surface"], Reader(None, Store(tmp_path / "a")))
    monkeypatch.setattr(module, "SHARD_ROWS", 100)
    store = Store(tmp_path / "b")
    said: list[tuple[int, int]] = []
    (joined,) = features_of(pairs, ["surface"], Reader(None, store, progress=lambda _, done, n: said.append((done, n))))
    same(joined, whole)
    assert said == sorted(said) and said[-1] == (260, 260), "progress is that of all rows"
    assert not list((tmp_path / "b" / "surface-rows").glob("*")), "shards go when the whole is there"


def test_short_answers_go_by_the_language_of_the_whole_set_not_of_their_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = [("Sag Ja.", "Ja, gern!", "Nein."), ("Noch eins?", "Gut.", "Nun ja.")] * 6
    german = "Ich bin der Meinung, dass das nicht so einfach ist, wie es auf den ersten Blick aussieht."
    rows = [{"prompt": f"{p} {i}", "chosen": c, "rejected": r} for i, (p, c, r) in enumerate(short)]
    rows += [{"prompt": f"{german} {i}", "chosen": german, "rejected": f"{german} {german}"} for i in range(12)]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.setattr(module, "SHARD_ROWS", 12)  # the first shard holds the short ones alone
    (found,) = features_of(load_pairs(str(file)), ["surface"], Reader(None, Store(tmp_path / "store")))
    assert found.info["rows_for_phrases"] == 0


def test_a_model_reads_in_shards_what_it_reads_at_once(
    tmp_path: Path, tiny_model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_styled_pairs(60)
    pairs = load_pairs("pairs.jsonl")

    def read(name: str) -> FeatureMatrix:
        reader = Reader(str(tiny_model), Store(tmp_path / name), dtype="float32")
        (found,) = features_of(pairs, [f"sae:{folder}"], reader)
        return found

    whole = read("a")
    monkeypatch.setattr(module, "SHARD_ROWS", 25)
    joined = read("b")
    assert joined.pair_ids == whole.pair_ids and joined.columns == whole.columns
    for key, matrix in whole.values.items():
        if key[1] == "peak":
            assert (matrix != joined.values[key]).nnz <= 0.001 * matrix.nnz, "another of two equal tokens, at most"
        else:
            assert abs(matrix - joined.values[key]).max() < 1e-4
    for name in ("n_response_tokens", "n_truncated", "share_alive"):
        assert joined.info[name] == whole.info[name]
    assert joined.info["l0"] == pytest.approx(whole.info["l0"])
    monkeypatch.setattr(storage, "MAPPED_FROM", 2_000)  # from here on disk
    mapped = read("c")
    same(mapped, joined)
    assert list((tmp_path / "c").glob("sae-features/*/chosen.freq.data.npy")), "mapped when it is read"


def test_an_interrupted_reading_goes_on_with_the_next_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_styled_pairs(60)
    pairs = load_pairs("pairs.jsonl")
    monkeypatch.setattr(module, "SHARD_ROWS", 25)
    store = Store(tmp_path / "store")
    first, second, third = shards_of(pairs, ["surface"], Reader(None, store))
    assert [s.name for s in (first, second, third)] == [f"surface-{k}-of-3" for k in (1, 2, 3)]
    first.make()
    second.make()
    n = store.n_made
    (second.path / "rows.npz").write_bytes(b"half")  # written half, or damaged since
    store = Store(tmp_path / "store")
    (found,) = features_of(pairs, ["surface"], Reader(None, store))
    assert n == 2 and store.n_made == 3, "the damaged one, the third and the whole"
    (whole,) = features_of(pairs, ["surface"], Reader(None, Store(tmp_path / "another")))
    same(found, whole)


def test_shards_of_another_lens_are_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_styled_pairs(40)
    (a,) = features_of(load_pairs("pairs.jsonl"), ["surface"], Reader(None, Store(tmp_path / "store")))
    b = replace(a, lens="other")
    with pytest.raises(DataError, match="do not go together"):
        module.join([a, b], tmp_path / "out", lambda infos: infos[0])
    assert not (tmp_path / "out" / "features.json").exists()


def test_a_shard_belongs_to_one_set_and_goes_with_its_whole_whoever_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_styled_pairs(60)
    monkeypatch.setattr(module, "SHARD_ROWS", 25)
    store = Store(tmp_path / "store")
    reader = Reader(None, store)
    longer, shorter = load_pairs("pairs.jsonl"), load_pairs("pairs.jsonl", head=50)
    mine = shards_of(longer, ["surface"], reader)
    mine[0].make()  # of the same rows as the first shard of the other set
    features_of(shorter, ["surface"], reader)
    assert [s.path.is_dir() for s in mine] == [True, False, False], "another set's reading leaves it"
    features_of(longer, ["surface"], reader)
    mine[1].make()  # a worker that came late, or a process that was killed before it cleared
    features_of(longer, ["surface"], Reader(None, Store(tmp_path / "store")))
    assert not list((tmp_path / "store" / "surface-rows").glob("*"))
