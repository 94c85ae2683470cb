"""`check`: what it measures on real sets, and what it finds in sets with known faults."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.check import check
from offtarget.data.describe import describe
from offtarget.data.loading import load_pairs
from offtarget.data.pairs import PairSet
from offtarget.errors import DataError


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(json.dumps(r) for r in rows))
    return str(path)


def row(name: str, prompt: str, chosen: str, rejected: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "prompt": prompt, "chosen": chosen, "rejected": rejected, **more}


@pytest.mark.parametrize(
    ("folder", "chars", "chosen_longer", "markdown"),
    [  # the table of the data's own README, measured by another program before anything was dropped
        ("ukp_convarg1_strict", (84, 312, 163), 0.772, (0.006, 0.007)),
        ("hh_rlhf_harmless_base_test", (305, 110, 145), 0.443, (0.007, 0.010)),
        ("community_alignment_en", (78, 565, 622), 0.416, (0.170, 0.014)),
        ("alpaca_eval_gpt4_pairs", (100, 1097, 412), 0.839, (0.462, 0.253)),
        ("ultrafeedback_small", (371, 877, 808), 0.536, (0.349, 0.296)),
        ("politeness_pairs", (48, 50, 50), 0.513, (0.023, 0.019)),
        ("human_pairs_mix", (74, 325, 326), 0.486, (0.078, 0.047)),
    ],
)
def test_real_sets(
    shared_data: Path, folder: str, chars: tuple[int, int, int], chosen_longer: float, markdown: tuple[float, float]
) -> None:
    pairs = load_pairs(str(shared_data / folder / "pairs.jsonl.gz"))
    stats = describe(pairs.pairs)
    lost = sum(pairs.dropped.values()) / stats.n_pairs
    measured = (stats.prompt_chars, stats.chosen_chars, stats.rejected_chars)
    # placeholders such as [Your Name], HTML and invented turns are not counted here: 3 % of the answers of two sets hold some
    assert measured == pytest.approx(chars, rel=0.006 if not lost else 0.02, abs=0.5)
    assert stats.chosen_longer == pytest.approx(chosen_longer, abs=0.002 + lost)
    for share, with_code in zip((stats.markdown_chosen, stats.markdown_rejected), markdown, strict=True):
        # there signs inside code counted too (a comment as a heading): they are all that up to 2 % of the answers have;
        # lists that open with `1)` or `+`, and bold in underscores, did not: 0.5 % of the answers of the debates
        assert with_code - 0.02 <= share <= with_code + 0.006


def test_real_sets_hold_repeats_and_opposite_labels(shared_data: Path) -> None:
    path = shared_data / "ukp_convarg1_strict" / "pairs.jsonl.gz"
    report = check(str(path))
    assert (report.n_pairs, report.stats.n_groups) == (11650, 32)
    assert report.stats == describe(load_pairs(str(path)).pairs), "what `test_real_sets` looks at"
    assert report.n_duplicates == 196
    for c in report.contradictions:  # ids name the two arguments: the other way round they are swapped
        assert c.one_way and c.other_way
    assert report.n_contradictions == sum(len(c.one_way) + len(c.other_way) for c in report.contradictions)
    assert report.n_contradictions == 23  # 11 pairs of opposites, one of them repeated once


def test_opposite_labels_are_listed_by_id(tmp_path: Path) -> None:
    rows = [
        row("p1", "q", "A", "B"),
        row("p2", "q", "B", "A"),
        row("p3", "q", "A", "B"),
        row("p4", "other prompt", "B", "A"),
        row("p5", "q", "B", "C"),
    ]
    report = check(write(tmp_path / "a.jsonl", rows))
    (found,) = report.contradictions
    assert {found.one_way, found.other_way} == {("p1", "p3"), ("p2",)}
    assert report.n_contradictions == 3
    assert (report.n_duplicates, report.duplicates) == (1, (("p1", "p3"),))
    assert any("opposite label" in w for w in report.warnings)


def test_leaks_between_splits(tmp_path: Path) -> None:
    rows = [
        row("p1", "Same prompt", "A", "B", split="train"),
        row("p2", "same  prompt\n", "C", "D", split="test"),
        row("p3", "one", "A", "B", split="train", group="g"),
        row("p4", "two", "A", "B", split="test", group="g"),
        row("p5", "three", "A", "B", split="train"),
        row("p6", "three", "A", "E", split="train"),
    ]
    report = check(write(tmp_path / "a.jsonl", rows))
    assert report.splits == {"train": 4, "test": 2}
    assert [(leak.kind, leak.ids) for leak in report.leaks] == [
        ("prompt", {"train": ("p1",), "test": ("p2",)}),
        ("group", {"train": ("p3",), "test": ("p4",)}),
    ]


def test_description_of_a_small_set(tmp_path: Path) -> None:
    system, user = {"role": "system", "content": "ssss"}, {"role": "user", "content": "qq"}
    rows = [
        {"prompt": [system, user], "chosen": "**b** x", "rejected": "no", "topic": "t"},
        {"prompt": [user, {"role": "assistant", "content": "a"}, user], "chosen": "1. a", "rejected": "a * b"},
        {"prompt": [user], "chosen": "# h", "rejected": "- item", "topic": 3},
        {"prompt": [user], "chosen": "abcdef", "rejected": "fedcba"},
    ]
    report = check(write(tmp_path / "a.jsonl", rows))
    s = report.stats
    assert (s.n_pairs, s.n_groups, s.largest_group) == (4, 3, 2)
    assert s.prompt_chars == 3.5  # 6, 5, 2, 2
    assert (s.chosen_chars, s.rejected_chars) == (5.0, 5.5)  # 7 4 3 6 and 2 5 6 6
    assert s.chosen_longer == 0.25
    assert (s.multi_turn, s.system_turn) == (0.25, 0.25)
    assert (s.markdown_chosen, s.markdown_rejected) == (0.75, 0.25)
    assert report.fields == {"topic": "int or str, 50% of pairs"}


def test_card_facts_and_warning_for_a_set_that_is_not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked: list[str] = []

    def stand_in(_: str, *, split: str, **__: Any) -> list[dict[str, Any]]:
        asked.append(split)
        answers = {"chosen": f"\n\nHuman: q\n\nAssistant: {split}", "rejected": "\n\nHuman: q\n\nAssistant: b"}
        return [answers]

    monkeypatch.setattr(datasets, "load_dataset", stand_in)
    report = check("hh-rlhf", limit=5)
    assert asked == ["train", "test"]  # all splits, to find leaks
    assert report.card is not None
    assert (report.card.licence, report.card.verified, report.revision) == ("MIT", False, None)
    assert any("not pinned" in w and "offtarget data pin hh-rlhf" in w for w in report.warnings)
    assert report.n_leaks == 1


def test_pairs_at_hand_can_be_checked_and_an_empty_set_cannot(tmp_path: Path) -> None:
    from offtarget.data.loading import load_pairs

    path = write(tmp_path / "a.jsonl", [row("p", "q", "A", "B"), row("r", "q", "A", "A")])
    pairs = load_pairs(path, allow_drops=True)
    report = check(pairs)
    assert report.n_dropped == {"identical responses": 1}
    assert report.card is None
    with pytest.raises(DataError, match="no pairs to check"):
        check(PairSet("none", [], dropped=Counter()))


def test_ids_that_repeat_are_counted_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from offtarget.data.loading import load_pairs

    rows = [row(i, f"q{n}", "A", "B") for n, i in enumerate(["x", "x", "y", "x", "z"])]
    path = write(tmp_path / "a.jsonl", rows)
    assert [p.id for p in load_pairs(path).pairs] == ["x", "x-2", "y", "x-3", "z"]
    report = check(path)
    assert report.n_renamed == 2
    assert any("2 ids are in the source more than once" in w for w in report.warnings)
    # rows without an id repeat by what they say, which is another finding
    bare = [{"prompt": "q", "chosen": "A", "rejected": "B"}] * 3
    report = check(write(tmp_path / "b.jsonl", bare))
    assert (report.n_renamed, report.n_duplicates) == (0, 2)


def test_the_shape_that_was_read_is_said(tmp_path: Path) -> None:
    report = check(write(tmp_path / "a.jsonl", [row("p", "q", "A", "B")]))
    assert report.read_as == ("chosen_rejected (guessed from 1 row): prompt=prompt, chosen=chosen, rejected=rejected")
    talk = {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"}
    assert check(write(tmp_path / "b.jsonl", [talk])).read_as.startswith("transcript (guessed")
    assert check("planted-null", limit=30).read_as.startswith("chosen_rejected (by its card)")


def test_a_few_examples_are_printed_and_the_count_is_of_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from offtarget.cli.main import call

    rows = [row(f"{n}-{k}", f"q{n}", "A", "B") for n in range(10) for k in range(6)]
    path = write(tmp_path / "a.jsonl", rows)
    assert call(["data", "check", path]) == 0
    (line,) = [x for x in capsys.readouterr().out.splitlines() if "repeats" in x and x.startswith("!")]
    assert line.split(maxsplit=2)[2] == "50 rows repeat an earlier one (0-0=0-1=0-2, 1-0=1-1=1-2, 2-0=2-1=2-2, ...)"
    assert call(["data", "check", path, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["duplicates"]) == 10
