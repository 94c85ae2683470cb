"""What a limit asks: every stratum, whole units, and the same rows each time."""

from collections import Counter
from pathlib import Path

import pytest

from offtarget.evals.parts import item_dataset, prompt_dataset
from offtarget.evals.prompts import asked, ordered, read_rows, stratum_of

TASKS = Path(__file__).resolve().parents[2] / "tasks"


def rows(name: str) -> list[dict]:
    return read_rows(TASKS / f"{name}.jsonl")


@pytest.mark.parametrize(
    ("name", "limit", "strata"),
    [
        ("capability", 48, 24),
        ("capability", 96, 24),
        ("sycophancy", 96, 2),
        ("sycophancy", 4, 2),
        ("over_stylization", 96, 8),
        ("over_stylization", 8, 8),
        ("verbosity", 96, 8),
        ("refusal", 48, 12),
        ("cheerfulness", 40, 8),
    ],
)
def test_a_limit_asks_every_stratum_in_its_share(name: str, limit: int, strata: int) -> None:
    whole = Counter(map(stratum_of, rows(name)))
    found = Counter(map(stratum_of, asked(rows(name), limit)))
    assert len(found) == len(whole) == strata and sum(found.values()) == limit
    share = limit / sum(whole.values())
    assert all(abs(found[k] - share * whole[k]) <= 2 for k in whole), found


def test_units_stay_together_and_a_limit_never_cuts_one() -> None:
    for limit in (95, 96, 97):
        found = [str(r["id"]).split("#")[0] for r in asked(rows("sycophancy"), limit)]
        assert set(Counter(found).values()) == {2} and limit - 2 < len(found) <= limit
    assert len(asked(rows("sycophancy"), 1)) == 2, "one unit at least"


def test_half_of_a_limit_is_its_beginning_and_the_order_of_the_file_does_not_matter() -> None:
    items = rows("capability")
    assert asked(items, 48) == asked(items, 96)[:48]
    assert asked(items[::-1], 96) != items[:96]
    assert {r["id"] for r in asked(items[::-1], 96)} == {r["id"] for r in asked(items, 96)}
    assert sorted(r["id"] for r in ordered(items)) == sorted(r["id"] for r in items)


def test_topics_take_turns_within_a_stratum() -> None:
    made = [{"id": f"{t}{i}", "kind": "k", "topic": t} for t in "ab" for i in range(10)]
    assert Counter(r["topic"] for r in asked(made, 6)) == {"a": 3, "b": 3}


def test_rows_without_strata_are_ordered_by_hash() -> None:
    made = [{"id": f"r{i:03}"} for i in range(100)]
    first = [int(r["id"][1:]) for r in asked(made, 50)]
    assert 35 < sum(first) / 50 < 65, "no part of the file is preferred"


def test_inspects_own_limit_takes_the_same_beginning() -> None:
    samples = item_dataset(TASKS / "capability.jsonl", "good")
    assert [s.id for s in samples][:96] == [r["id"] for r in asked(rows("capability"), 96)]
    prompts = prompt_dataset(TASKS / "verbosity.jsonl")
    assert [s.id for s in prompts][:16] == [r["id"] for r in asked(rows("verbosity"), 16)]
