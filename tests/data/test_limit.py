"""A limit draws whole prompts by a seed, from all rows, whatever their order."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.drawing import Draw, rank
from offtarget.data.loading import load_pairs
from offtarget.data.pairs import Pair


def rows(sizes: list[int]) -> list[dict[str, Any]]:
    return [
        {"prompt": f"Question {g}?", "chosen": f"good {g} {k}", "rejected": f"bad {g} {k}"}
        for g, n in enumerate(sizes)
        for k in range(n)
    ]


def write(path: Path, content: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(json.dumps(r) for r in content))
    return str(path)


SIZES = [1 + (7 * g) % 5 for g in range(120)]


@pytest.mark.parametrize("seed", [0, 1, 7])
@pytest.mark.parametrize("limit", [1, 30, 100, 359])
def test_every_prompt_is_whole_and_the_order_of_rows_makes_no_difference(tmp_path: Path, limit: int, seed: int) -> None:
    content = rows(SIZES)
    loaded = load_pairs(write(tmp_path / "a.jsonl", content), limit=limit, limit_seed=seed)
    taken = Counter(p.prompt[0]["content"] for p in loaded.pairs)
    whole = Counter(r["prompt"] for r in content)
    assert taken and all(n == whole[prompt] for prompt, n in taken.items())
    largest = max(SIZES)
    assert limit - largest < len(loaded) <= max(limit, largest)
    mixed = list(content)
    random.Random(seed).shuffle(mixed)
    again = load_pairs(write(tmp_path / "b.jsonl", mixed), limit=limit, limit_seed=seed)
    assert {p.id for p in again.pairs} == {p.id for p in loaded.pairs}
    assert loaded.drawn == (
        f"{len(loaded)} of {sum(SIZES)} pairs: {len(taken)} of 120 prompts, drawn whole (--limit {limit}, "
        f"--limit-seed {seed})"
    )
    assert loaded.n_usable == sum(SIZES)


def test_the_draw_is_the_prefix_of_an_order_by_hash() -> None:
    pairs = [Pair(str(i), f"g{i % 40}", [], [], []) for i in range(200)]
    drawing = Draw(63, seed=3)
    for p in pairs:
        drawing.add(p, p.group)
    first = sorted({p.group for p in pairs}, key=lambda g: rank(g, 3))[: 63 // 5]
    assert drawing.drawn() == [p for p in pairs if p.group in first]
    assert (drawing.n_pairs, len(drawing._kept)) == (200, 12)  # what cannot be drawn any more is not held


def test_every_prompt_is_drawn_as_often_over_seeds() -> None:
    counts: Counter[str] = Counter()
    for seed in range(400):
        drawing = Draw(30, seed)
        for i in range(100):
            drawing.add(Pair(str(i), f"g{i}", [], [], []), f"g{i}")
        counts.update(p.group for p in drawing.drawn())
    # binomial with 400 draws at 0.3: 120, standard deviation 9.2; the extremes of 100 lie within four of it
    assert len(counts) == 100
    assert 83 <= min(counts.values()) <= max(counts.values()) <= 157


def test_prompts_that_are_the_same_text_are_drawn_together(tmp_path: Path) -> None:
    content = rows([1] * 60)
    content += [{"prompt": f"  question  {g}? ", "chosen": "x", "rejected": "y"} for g in range(60)]
    one = load_pairs(write(tmp_path / "a.jsonl", content), limit=20)
    other = load_pairs(write(tmp_path / "b.jsonl", content[::-1]), limit=20)
    assert {p.id for p in one.pairs} == {p.id for p in other.pairs}
    assert Counter(Counter(p.group for p in one.pairs).values()) == {2: 10}


def test_a_group_column_is_the_unit_of_the_draw(tmp_path: Path) -> None:
    content = [{**r, "group": f"debate {i % 9}"} for i, r in enumerate(rows([1] * 90))]
    loaded = load_pairs(write(tmp_path / "a.jsonl", content), limit=45)
    assert Counter(Counter(p.group for p in loaded.pairs).values()) == {10: 4}


def test_audit_plan_and_run_read_the_same_rows(
    tmp_path: Path, store_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from offtarget.cli.main import call

    path = write(tmp_path / "a.jsonl", rows([3] * 60))
    said = "60 of 180 pairs: 20 of 60 prompts, drawn whole (--limit 60, --limit-seed 5)"
    limited = ["--limit", "60", "--limit-seed", "5"]
    assert call(["audit", path, *limited, "--seed", "9", "--out", str(tmp_path / "audit")]) == 0
    assert said in capsys.readouterr().err
    assert call(["plan", path, *limited, "--protocol", "reweight", "-P", "concept=surface:characters"]) == 0
    assert said in capsys.readouterr().err
    assert call(["run", "style", "--set", f"data={path}", "--dry-run", *limited]) == 0
    assert said in capsys.readouterr().err
    expected = load_pairs(path, limit=60, limit_seed=5).rows_sha256
    assert json.loads((tmp_path / "audit/audit.json").read_text())["dataset"]["rows_sha256"] == expected


def test_a_set_reads_like_a_list_and_shows_itself_in_one_line() -> None:
    from offtarget.data.loading import load_pairs

    pairs = load_pairs("planted-style", head=3)
    assert [p.id for p in pairs] == [p.id for p in pairs.pairs] and pairs[1] is pairs.pairs[1]
    assert repr(pairs) == "<PairSet planted-style: 3 pairs>"
