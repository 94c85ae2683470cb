"""`PlanResult.apply` on a dataset of one's own: what the plan does not touch stays as it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset

import offtarget
from offtarget.api.plan import PlanResult
from offtarget.data.pairs import Pair, prompt_group
from offtarget.errors import ConfigError
from offtarget.shaping.plan import ShapingPlan

N = 12


def transcripts() -> list[dict[str, Any]]:
    def talk(i: int, end: str) -> str:
        return f"\n\nHuman: Name stone {i}.\n\nAssistant: Which one?\n\nHuman: The red one.\n\nAssistant: {end} "

    return [{"chosen": talk(i, f"Ruby {i}"), "rejected": talk(i, f"No {i}"), "score": i} for i in range(N)]


def texts() -> list[dict[str, Any]]:
    return [{"question": f" Name {i}? ", "chosen": f"It is {i}.\n", "rejected": f"  No {i}"} for i in range(N)]


def conversations() -> list[dict[str, Any]]:
    def talk(i: int, end: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": f"Name {i}?"}, {"role": "assistant", "content": end}]

    return [{"chosen": talk(i, f"It is {i}."), "rejected": talk(i, f"No {i}")} for i in range(N)]


def planned(rows: list[dict[str, Any]], **changes: Any) -> PlanResult:
    pairs = offtarget.load_pairs(rows)
    return PlanResult(ShapingPlan.identity("x", pairs.pairs, control=True).edit(**changes), pairs, {})


def with_added(plan: PlanResult) -> PlanResult:
    prompt = [{"role": "user", "content": "New?"}]
    sides = ([{"role": "assistant", "content": c}] for c in ("Yes.", "No."))
    return PlanResult(plan.plan.add([Pair("new", prompt_group(prompt), prompt, *sides)]), plan.pairs, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [transcripts, texts, conversations])
def test_rows_keep_their_own_values_and_a_flip_exchanges_the_two(make: Any) -> None:
    rows = make()
    flip, keep = np.arange(N) == 3, np.arange(N) != 5
    shaped = planned(rows, flip=flip, keep=keep).apply(Dataset.from_list(rows))
    assert [{k: row[k] for k in rows[0]} for row in shaped] == [
        {**row, "chosen": row["rejected"], "rejected": row["chosen"]} if i == 3 else row
        for i, row in enumerate(rows)
        if i != 5
    ]
    assert shaped["weight"] == [1.0] * (N - 1)


def test_scores_of_the_sides_go_with_their_answers_and_so_do_offsets() -> None:
    rows = [{**row, "score_chosen": 9.0, "score_rejected": float(i % 3)} for i, row in enumerate(texts())]
    up = np.arange(N, dtype=float)
    shaped = planned(rows, flip=np.arange(N) == 5, offset_chosen=up).apply(Dataset.from_list(rows))
    assert [shaped[5][k] for k in ("chosen", "score_chosen", "score_rejected")] == [rows[5]["rejected"], 2.0, 9.0]
    assert (shaped[5]["offset_chosen"], shaped[5]["offset_rejected"]) == (0.0, 5.0)
    assert (shaped[4]["score_chosen"], shaped[4]["score_rejected"], shaped[4]["offset_chosen"]) == (9.0, 1.0, 4.0)


def test_an_added_pair_is_in_the_format_of_the_dataset() -> None:
    new = [{"role": "user", "content": "New?"}]
    yes, no = ({"role": "assistant", "content": c} for c in ("Yes.", "No."))
    expected = (
        (texts, {"question": "New?", "chosen": "Yes.", "rejected": "No."}),
        (conversations, {"chosen": [*new, yes], "rejected": [*new, no]}),
    )
    for make, row in expected:
        shaped = with_added(planned(make())).apply(Dataset.from_list(make()))
        assert {k: shaped[N][k] for k in row} == row
        assert shaped["chosen"][:N] == [r["chosen"] for r in make()]


def test_ids_that_are_numbers_stay_numbers() -> None:
    rows = [{"id": 100 + i, **row} for i, row in enumerate(texts())]
    assert with_added(planned(rows)).apply(Dataset.from_list(rows))["id"] == [*range(100, 100 + N), None]


def test_an_added_pair_is_no_transcript_and_that_is_said_in_one_line() -> None:
    plan = with_added(planned(transcripts()))
    with pytest.raises(ConfigError, match="column 'chosen' holds chosen in a format that is only read") as error:
        plan.apply(Dataset.from_list(transcripts()))
    assert "\n" not in str(error.value)
    assert plan.apply()[N]["chosen"] == [{"role": "assistant", "content": "Yes."}]


def test_weights_are_computed_once_whatever_the_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    compute = ShapingPlan.relative_weight
    monkeypatch.setattr(ShapingPlan, "relative_weight", lambda plan: calls.append(1) or compute(plan))
    weight = np.where(np.arange(N) < N / 2, 3.0, 1.0)
    assert planned(texts(), weight=weight).apply()["weight"] == [1.5] * 6 + [0.5] * 6
    assert len(calls) == 1


def test_a_column_that_the_plan_writes_is_not_written_over() -> None:
    data = Dataset.from_list(texts())
    with pytest.raises(ConfigError, match="has a column 'weight', which the plan would write over"):
        planned(texts()).apply(data.add_column("weight", [2] * N))


def test_a_dataset_that_is_read_otherwise_without_the_card_is_refused_by_naming_the_card(tmp_path: Path) -> None:
    card, file = tmp_path / "card.yaml", tmp_path / "rows.jsonl"
    Dataset.from_list(texts()).to_json(file)
    card.write_text(
        "title: exchanged\nadapter: {name: chosen_rejected, prompt: question, chosen: rejected, rejected: chosen}\n"
    )
    pairs = offtarget.load_pairs(file, card=card)
    plan = PlanResult(ShapingPlan.identity("x", pairs.pairs, control=True), pairs, {})
    with pytest.raises(ConfigError, match=r"read by card .*card\.yaml"):
        plan.apply(Dataset.from_list(texts()))
