"""Rows that share their answers under several prompts: which are one unit, counted by hand."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from offtarget.cli.main import call
from offtarget.data.linked import join, kish, linked
from offtarget.data.pairs import Pair, prompt_group


def pairs_of(rows: list[tuple[str, str, str]]) -> list[Pair]:
    def said(role: str, text: str) -> Any:
        return [{"role": role, "content": text}]

    out = []
    for i, (asked, chosen, rejected) in enumerate(rows):
        prompt = said("user", asked)
        out.append(Pair(f"r{i}", prompt_group(prompt), prompt, said("assistant", chosen), said("assistant", rejected)))
    return out


def test_components_are_named_after_their_first_row() -> None:
    assert join(["a", "b", "c", "a", "d"], [[1, 3]]) == ["a", "a", "c", "a", "d"]
    assert join(["a", "b", "c"], [[0, 1], [1, 2]]) == ["a", "a", "a"]
    assert kish("aabb") == 2.0
    assert kish("aaab") == pytest.approx(16 / 10)


def test_one_pair_of_answers_under_many_prompts_is_one_unit_whichever_was_chosen() -> None:
    rows = [(f"prompt {v} of {k}", f"yes {k}", f"no {k}") for k in range(20) for v in range(5)]
    rows[3] = (rows[3][0], rows[3][2].upper(), rows[3][1])  # the other way round, in capitals
    found = linked(pairs_of(rows))
    assert (found.n_prompts, found.n_units, found.n_answers, found.effective) == (100, 20, 20, 20.0)
    assert found.told == "100 pairs from 100 prompts hold 20 different pairs of answers: they are the units"
    assert len(set(found.names[:5])) == 1


def test_rows_of_one_prompt_and_of_one_pair_of_answers_hang_together() -> None:
    rows = [("p", "a1", "b1"), ("p", "a2", "b2"), ("q", "b2", "a2"), ("r", "c", "d")] * 1
    found = linked(pairs_of(rows))
    assert len(set(found.names[:3])) == 1
    assert found.names[3] != found.names[0]
    assert "rows that share their answers are one unit, which makes 2 units" in found.told


def test_one_answer_that_repeats_widely_joins_rows_but_a_stock_answer_does_not() -> None:
    rows = [(f"prompt {v} of {k}", f"answer {k}", f"other {k} {v}") for k in range(60) for v in range(2)]
    assert linked(pairs_of(rows)).n_units == 60
    refused = [(f"prompt {i}", f"answer {i}", "No." if i % 2 else f"other {i}") for i in range(200)]
    found = linked(pairs_of(refused))
    assert (found.n_units, found.told) == (200, "")


def test_a_few_answers_that_come_again_by_chance_join_nothing() -> None:
    rows = [(f"prompt {i}", f"answer {i}", f"other {i}") for i in range(100)]
    rows[7] = ("prompt 7", "answer 8", "other 7")
    assert linked(pairs_of(rows)).n_units == 100


def test_answers_drawn_from_one_pool_do_not_join_the_whole_set() -> None:
    rng = random.Random(0)
    pool = [f"answer {i}" for i in range(150)]
    rows = [(f"prompt {i}", *rng.sample(pool, 2)) for i in range(300)]
    found = linked(pairs_of([(p, str(a), str(b)) for p, a, b in rows]))
    assert found.n_units > 280


def test_two_answers_under_many_prompts_are_one_unit_unless_labels_go_by_prompt() -> None:
    rng = random.Random(1)
    sides = [("Yes.", "No.") if rng.random() < 0.5 else ("No.", "Yes.") for _ in range(100)]
    found = linked(pairs_of([(f"prompt {i}", *s) for i, s in enumerate(sides)]))
    assert found.n_units == 100
    assert "preferred now one way and now the other" in found.told
    found = linked(pairs_of([(f"prompt {i}", "Yes.", "No.") for i in range(100)]))
    assert (found.n_units, found.effective) == (1, 1.0)


def write(path: Path, n_answers: int, n_prompts: int) -> Path:
    """Answer pairs of no lean, each under several prompts."""
    rng = random.Random(2)
    words = ["sun", "moon", "sea", "hill", "stone", "river", "cloud", "road", "tree", "field"]
    rows = []
    for k in range(n_answers):
        chosen, rejected = (" ".join(rng.choices(words, k=rng.randint(5, 25))).capitalize() + "." for _ in "ab")
        if rng.random() < 0.5:
            chosen = f"**{chosen}**"
        rows += [
            {"prompt": f"{'x' * k} asks {k * k} in manner {'y' * v}?", "chosen": chosen, "rejected": rejected}
            for v in range(n_prompts)
        ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_an_audit_of_few_pairs_of_answers_under_many_prompts_is_undecided(
    tmp_path: Path, store_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "few.jsonl", 6, 20)
    code = call(["audit", str(path), "--out", str(tmp_path / "out")])
    said = capsys.readouterr()
    assert code == 3
    assert "120 pairs from 120 prompts hold 6 different pairs of answers: they are the units" in said.err
    assert call(["data", "check", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "fit to audit: no: 120 pairs from 120 prompts hold 6 different pairs of answers" in shown
    code = call(["audit", str(path), "--out", str(tmp_path / "out"), "--columns", "group=prompt", "--json"])
    assert code == 0
    assert json.loads(capsys.readouterr().out)["dataset"]["n_groups"] == 120


def test_an_audit_takes_pairs_of_answers_for_units_in_every_view(
    tmp_path: Path, store_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "some.jsonl", 40, 5)
    code = call(["audit", str(path), "--out", str(tmp_path / "out"), "--json"])
    said = capsys.readouterr()
    assert code == 0
    found = json.loads(said.out)
    assert found["dataset"]["n_groups"] == 40
    assert "200 pairs from 200 prompts hold 40 different pairs of answers: they are the units" in said.err
    assert found["dataset"]["unit"] == "units"
    assert "200 pairs from 40 units" in (tmp_path / "out" / "report.html").read_text()
    record = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert all(c["n_groups"] <= c["n"] / 2 for c in record["contexts"] if c["n"] >= 20)
    assert call(["data", "check", str(path)]) == 0
    assert "40 different pairs of answers" in capsys.readouterr().out
