"""Templates of prompts and stock answers: what is one, what is none, and that usual sets have hardly any."""

from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.data.pairs import Pair
from offtarget.data.stock import effective_texts, stock_answers
from offtarget.data.templates import templates

THINGS = ["cats", "the sea", "an old harbour", "rain", "my dog Rex", "bread", "love", "a long road", "tea", "snow"]


def pairs_of(prompts: list[str], chosen: list[str] | None = None, system: str = "") -> list[Pair]:
    def said(role: str, text: str) -> Any:
        return {"role": role, "content": text}

    before = [said("system", system)] if system else []
    return [
        Pair(
            f"r{i}",
            p,
            [*before, said("user", p)],
            [said("assistant", chosen[i] if chosen else f"a{i}")],
            [said("assistant", "b")],
        )
        for i, p in enumerate(prompts)
    ]


def found(prompts: list[str], **more: Any) -> list[tuple[str, int]]:
    return [(t.frame, len(t.rows)) for t in templates(pairs_of(prompts, **more))]


@pytest.mark.parametrize(
    ("prompts", "frame"),
    [
        ([f"Write a poem about {x}" for x in THINGS], "write a poem about …"),
        ([f"{x}: please write a poem about it" for x in THINGS], "…: please write a poem about it"),
        ([f"What is the capital of {x}, in Europe?" for x in THINGS], "what is the capital of …, in europe?"),
        ([f"怎么清洗第{i}号杯子？" for i in range(10)], "怎么清洗第…号杯子?"),
        ([f"Как почистить чашку номер {i}?" for i in range(10)], "как почистить чашку номер …?"),
    ],
)
def test_prompts_that_fill_one_slot_are_one_template(prompts: list[str], frame: str) -> None:
    assert found([*prompts, "Something else entirely, if you please."]) == [(frame, 10)]


@pytest.mark.parametrize(
    "prompts",
    [
        [f"Write about {x}" for x in THINGS],  # two words stay
        [f"What is it that you {x}" for x in THINGS],  # common words alone
        [f"Write a poem about {x}" for x in THINGS[:4]],  # four
        [f"Summarise this text in one line: {x} {x} {x} {x}, said {x} and {x}" for x in THINGS],  # its own text
        [f"How do I clean {x} of kind {i}?" for i, x in enumerate(THINGS)],  # two things change
        ["Write a poem about cats"] * 10,  # one prompt
    ],
)
def test_what_is_no_template(prompts: list[str]) -> None:
    assert found(prompts) == []


def test_rows_count_the_same_prompt_in_other_forms_as_one_filling() -> None:
    prompts = [f"Write a poem about {x}" for x in THINGS]
    (one,) = templates(pairs_of([*prompts, *map(str.upper, prompts), "write a poem  about cats"]))
    assert (one.n_prompts, one.rows) == (10, tuple(range(21)))


def test_templates_that_share_prompts_are_one_and_others_are_not() -> None:
    kinds = ["sad", "funny", "long", "short", "clever"]
    grid = [f"Write a {k} poem about {x}" for k in kinds for x in THINGS[:5]]
    assert [(n) for _, n in found(grid)] == [25]
    two = [f"Write a poem about {x}" for x in THINGS] + [f"Tell me a joke about {x}" for x in THINGS[:6]]
    assert found(two) == [("write a poem about …", 10), ("tell me a joke about …", 6)]


def test_other_turns_before_it_make_another_template() -> None:
    prompts = [f"Write a poem about {x}" for x in THINGS]
    both = pairs_of(prompts, system="Be kind.") + pairs_of(prompts[:5], system="Be rude.")
    assert [len(t.rows) for t in templates(both)] == [10, 5]


@pytest.mark.parametrize(
    "name",
    ["hh_rlhf_harmless_base_test", "alpaca_eval_gpt4_pairs", "ultrafeedback_small", "community_alignment_en",
     "ukp_convarg1_strict"],
)  # fmt: skip
def test_usual_sets_have_hardly_any(shared_data: Path, name: str) -> None:
    pairs = load_pairs(str(shared_data / name / "pairs.jsonl.gz")).pairs
    assert sum(len(t.rows) for t in templates(pairs)) < 0.005 * len(pairs)


def test_an_answer_to_many_prompts_is_a_stock_answer() -> None:
    chosen = ["I can't help with that."] * 30 + ["i can't  help with THAT."] * 10 + ["No."] * 2
    chosen += [f"answer {i}" for i in range(58)]
    pairs = pairs_of([f"p{i}" for i in range(100)], chosen)
    (one,) = stock_answers(pairs, "chosen")
    assert (one.text, len(one.rows), one.n_prompts) == ("I can't help with that.", 40, 40)
    # 100² / (40² + 2² + 58)
    assert effective_texts(pairs, "chosen") == pytest.approx(10_000 / 1662)
    (all_,) = stock_answers(pairs, "rejected")
    assert (all_.text, len(all_.rows)) == ("b", 100)


def test_an_answer_under_few_prompts_or_in_few_rows_is_none() -> None:
    same_prompt = pairs_of(["p", "P", "q"] * 20, ["yes"] * 60)  # two different prompts
    assert stock_answers(same_prompt, "chosen") == []
    rare = pairs_of([f"p{i}" for i in range(200)], ["yes"] * 4 + [f"a{i}" for i in range(196)])  # 2 %, not more
    assert stock_answers(rare, "chosen") == []
