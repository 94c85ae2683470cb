"""The planted sets hold exactly what their truth says, and nothing but insertion tells the sides apart."""

import gzip
import importlib.util
import json
import random
import statistics
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.lens.surface import features

FOLDER = Path(__file__).resolve().parents[2] / "datasets_registry" / "planted"
SETS = ("planted-style", "planted-topics", "planted-null")


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"planted_{name}", FOLDER / f"{name}.py")
    assert spec and spec.loader
    out = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = out
    spec.loader.exec_module(out)
    return out


plant = module("plant")
sample_base = module("sample_base")


def shipped(name: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    lines = gzip.decompress((FOLDER / f"{name}.jsonl.gz").read_bytes()).decode().splitlines()
    truth = json.loads(gzip.decompress((FOLDER / f"{name}.truth.json.gz").read_bytes()))
    return [json.loads(line) for line in lines], truth


@pytest.fixture(scope="module", params=SETS)
def planted(request: pytest.FixtureRequest) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    return request.param, *shipped(request.param)


def count(rows: list[dict[str, Any]], truth: dict[str, Any], concept: str, side: str, topic: str | None) -> int:
    """How many rows (of a topic) have a concept on a side, counted in the truth's rows."""
    return sum(concept in t[side] and topic in (None, r["topic"]) for r, t in zip(rows, truth["rows"], strict=True))


def test_base_is_large_and_varied() -> None:
    rows, _ = plant.base()
    assert len(rows) >= 1000
    assert len({r["prompt"] for r in rows}) == len(rows)
    assert len({r["topic"] for r in rows}) >= 12
    assert all(len(set(r["base"])) == len(r["base"]) == 3 for r in rows)


def test_running_the_script_again_gives_the_shipped_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["plant.py", "--out", str(tmp_path)])
    plant.main()
    for file in sorted(tmp_path.iterdir()):
        old, new = (FOLDER / file.name).read_bytes(), file.read_bytes()
        if file.suffix == ".gz":
            assert new[4:8] == b"\0\0\0\0", "a time of writing would make equal files differ"
            old, new = gzip.decompress(old), gzip.decompress(new)  # zlib versions compress differently
        assert new == old, file.name
    assert len(list(tmp_path.iterdir())) == 2 * len(SETS) + 1


def test_counts_are_the_declared_rates(planted: Any) -> None:
    _, rows, truth = planted
    assert len(rows) == truth["n_pairs"] >= 2000
    for key, c in truth["concepts"].items():
        n = sum(c["topic"] in (None, r["topic"]) for r in rows)
        for side in ("chosen", "rejected"):
            assert count(rows, truth, c["concept"], side, c["topic"]) == round(c[f"rate_{side}"] * n), (key, side)


def test_nulls_are_exactly_equal(planted: Any) -> None:
    name, rows, truth = planted
    nulls = [c for c in truth["concepts"].values() if c["kind"] == "null"]
    assert len(nulls) == (len(plant.STYLE) if name == "planted-null" else 4)
    for c in nulls:
        both = [count(rows, truth, c["concept"], side, None) for side in ("chosen", "rejected")]
        assert both[0] == both[1] > 100, c


def test_topic_concepts_occur_in_their_topics_only() -> None:
    rows, truth = shipped("planted-topics")
    topics: dict[str, set[str]] = {}
    for c in truth["concepts"].values():
        if c["kind"] == "topic":
            topics.setdefault(c["concept"], set()).add(c["topic"])
    assert len(topics) >= 3 and topics["agreement"] == {"computers", "family"}
    for row, t in zip(rows, truth["rows"], strict=True):
        for concept in {*t["chosen"], *t["rejected"]} & topics.keys():
            assert row["topic"] in topics[concept], (row["id"], concept)


def test_text_holds_what_was_inserted_and_nothing_of_what_was_not(planted: Any) -> None:
    _, rows, truth = planted
    known = {c: {*d["surface"], *d["beyond"]} for c, d in plant.phrasings().items()}
    responses = {t for r in plant.base()[0] for t in r["base"]}
    untouched = 0
    for row, t in zip(rows, truth["rows"], strict=True):
        for side, filler in zip(("chosen", "rejected"), t["filler"], strict=True):
            for concept, text in t[side].items():
                if concept in plant.SAMPLED:
                    continue
                assert text in known[concept]
                if concept == "bullets":
                    text = text.replace("{n}", "1").replace("{a}", "a").replace("{r}", "i").strip()
                assert text in row[side], (row["id"], side, concept)
            if not t[side] and not filler:
                untouched += 1
                assert row[side] in responses
    assert untouched > 20


def test_every_concept_has_many_phrasings_and_a_quarter_escape_its_rules() -> None:
    text = "The first step is simple. The second one takes longer than that. Then the work is done."
    plain = features(text)
    of_nulls = {f for c in plant.NULLS for f in plant.phrasings()[c]["features"]}
    for concept, d in plant.phrasings().items():
        phrases = d["surface"] + d["beyond"]
        assert len(set(phrases)) == len(phrases) >= 40
        assert len(d["beyond"]) >= len(phrases) / 2
        found = d.get("found", [])
        assert set(found) <= set(d["beyond"])
        assert len(d["beyond"]) - len(found) >= len(phrases) / 4
        seen = {*d["surface"], *found}
        for phrase in phrases:
            side = plant.Side(text, plant.split(text), {concept: phrase})
            plant.insert(side, {concept: d["place"]}, random.Random(0))
            changed = {k for k, v in features(side.text()).items() if v != plain[k]}
            if d["features"]:
                assert bool(changed & set(d["features"])) == (phrase in seen), (concept, phrase)
            assert not changed & (of_nulls - set(d["features"])), f"{concept} '{phrase}' would unbalance a null"


def test_length_is_no_artefact(planted: Any) -> None:
    _, rows, truth = planted
    diff = [len(r["chosen"]) - len(r["rejected"]) for r in rows]
    assert abs(statistics.mean(diff) / statistics.pstdev(diff)) < 0.05
    assert truth["length"]["difference_d"] == pytest.approx(statistics.mean(diff) / statistics.pstdev(diff), abs=1e-3)
    assert truth["length"]["filler_chosen"] == sum(t["filler"][0] for t in truth["rows"])


def test_without_rates_the_sides_are_the_responses_in_random_order() -> None:
    rows, truth = plant.plant(3, rates={})
    by_id = {r["id"]: r["base"] for r in plant.base()[0]}
    for row, t in zip(rows, truth["rows"], strict=True):
        first, second = (row["rejected"], row["chosen"]) if t["swapped"] else (row["chosen"], row["rejected"])
        texts = by_id[row["id"][:-2]]
        assert [first, second] in ([texts[0], texts[1]], [texts[1], texts[2]])
    assert 0.45 < statistics.mean(t["swapped"] for t in truth["rows"]) < 0.55


def test_a_seed_decides_everything_and_another_seed_plants_anew() -> None:
    a, b, c = plant.plant(1, 400), plant.plant(1, 400), plant.plant(2, 400)
    assert a == b
    assert {r["id"] for r in a[0]} != {r["id"] for r in c[0]}
    full = plant.plant(1)[1], plant.plant(2)[1]
    has = [{t["id"] for t in truth["rows"] if "flattery" in t["chosen"]} for truth in full]
    assert len(has[0]) == len(has[1])
    assert len(has[0] & has[1]) < 0.5 * len(has[0])  # 35 % by chance


def test_sampled_concepts_are_whole_responses_of_their_own() -> None:
    styled = {r["id"]: r["style"] for r in plant.base()[0]}
    rows, truth = plant.plant(5, rates={"cheerful": (0.15, 0.03), "formal": (0.03, 0.15)}, fill=False)
    seen = []
    for row, t in zip(rows, truth["rows"], strict=True):
        for side in ("chosen", "rejected"):
            for concept in t[side]:
                assert [concept, row[side]] == styled[row["id"][:-2]]
                seen.append(row[side])
    assert len(seen) == len(set(seen)) == 2 * (round(0.15 * len(rows)) + round(0.03 * len(rows)))
    turns = [m["content"] for turns in sample_base.styles().values() for m in turns]
    assert not any(turn in row["prompt"] for row in rows[:50] for turn in turns)


def test_no_single_surface_rule_separates_the_sampled_concepts() -> None:
    rows, _ = plant.base()
    for style in plant.SAMPLED:
        mine = [features(r["style"][1]) for r in rows if r["style"] and r["style"][0] == style][:250]
        plain = [features(r["base"][0]) for r in rows if r["style"] and r["style"][0] == style][:250]
        for name in set(plain[0]) - {"tokens", "characters", "sentences", "words_per_sentence", "mattr"}:
            rate = [statistics.mean(f[name] > 0 for f in texts) for texts in (mine, plain)]
            assert abs(rate[0] - rate[1]) < 0.6, (style, name, rate)


def test_truth_matrix_is_chosen_minus_rejected() -> None:
    truth = {
        "concepts": {k: {"concept": k.partition("@")[0]} for k in ("emoji", "bullets@cooking")},
        "rows": [
            {"chosen": {"emoji": ":)"}, "rejected": {"bullets": "- "}},
            {"chosen": {"emoji": ":)"}, "rejected": {"emoji": ":)"}},
        ],
    }
    names, matrix = plant.truth_matrix(truth)
    assert names == ["bullets", "emoji"]
    assert matrix.tolist() == [[-1, 1], [0, 0]]
    assert plant.truth_matrix(truth, "rejected")[1].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("rates", "says"),
    [
        ({"emojis": (0.1, 0.1)}, "unknown concept 'emojis'"),
        ({"emoji@cookery": (0.1, 0.1)}, "unknown topic 'cookery'"),
        ({"emoji": (0.1, 0.1), "emoji@music": (0.1, 0.1)}, "for the whole set and for the topic"),
        ({"emoji": (1.1, 0.1)}, "not between 0 and 1"),
        ({"cheerful": (0.9, 0.1)}, "only"),
    ],
)
def test_impossible_plantings_are_refused(rates: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        plant.plant(rates=rates)


@pytest.mark.parametrize(
    ("raw", "trimmed"),
    [
        ("x" * 70 + " ends. And then it goes on wi", "x" * 70 + " ends."),
        (
            "x" * 70 + " is done.\n\n\n\nFirst:\n\n1. Boil the water!\n\n2.",
            "x" * 70 + " is done.\n\nFirst:\n\n1. Boil the water!",
        ),
        ("Too short. And no", ""),
        ("x" * 70 + " costs 3.50 and never en", ""),
    ],
)
def test_a_partial_last_sentence_is_cut(raw: str, trimmed: str) -> None:
    assert sample_base.trim(raw) == trimmed


@pytest.mark.parametrize(
    "text", ["One. Two! Three", "A line.\n\n1. First thing.\n2. Second?", "Dr. Hall says so. Yes.", ""]
)
def test_splitting_loses_nothing(text: str) -> None:
    assert "".join(a + b for a, b in plant.split(text)) == text


@pytest.mark.parametrize("name", SETS)
def test_cards_load_the_rows_with_their_topics(name: str) -> None:
    rows, _ = shipped(name)
    pairs = load_pairs(str(FOLDER.parent / f"{name}.yaml"))
    assert [p.id for p in pairs.pairs] == [r["id"] for r in rows]
    assert [p.meta["topic"] for p in pairs.pairs] == [r["topic"] for r in rows]
    assert pairs.redistribution == "yes" and not pairs.dropped
    assert len({p.group for p in pairs.pairs}) == len({r["prompt"] for r in rows})
