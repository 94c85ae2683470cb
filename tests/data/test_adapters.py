"""Each shape of source: what becomes a pair, what is dropped and why."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.adapter_base import Adapter
from offtarget.data.adapters import Parts, adapt
from offtarget.data.evidence import census
from offtarget.data.guessing import Shapes, decide
from offtarget.data.loading import load_pairs
from offtarget.data.messages import Drop
from offtarget.data.several_answers import Lists, OneOfMany, RatedTurns
from offtarget.data.shapes import ChosenRejected, Transcript, TwoResponses
from offtarget.data.transcripts import parse_transcript
from offtarget.errors import DataError


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def bot(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def told(row: dict[str, Any], adapter: Adapter, strict: bool = True) -> list[Any]:
    """(chosen text, rejected text) of each pair, or the reason of each drop."""
    return [
        x.reason if isinstance(x, Drop) else (x.chosen[-1]["content"], x.rejected[-1]["content"])
        for x in adapt(row, adapter, strict=strict)
    ]


def only(row: dict[str, Any], adapter: Adapter, strict: bool = True) -> Parts:
    (parts,) = adapt(row, adapter, strict=strict)
    assert isinstance(parts, Parts), parts
    return parts


def read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


# Shape 1: transcripts


def test_transcript_on_the_real_hh_file(shared_data: Path) -> None:
    folder = shared_data / "hh_rlhf_harmless_base_test"
    loaded = load_pairs(str(folder / "raw_test.jsonl.gz"))
    known = read(folder / "pairs.jsonl.gz")  # parsed by another program
    assert [(p.prompt, p.chosen, p.rejected) for p in loaded.pairs] == [
        (k["prompt"], [bot(k["chosen"])], [bot(k["rejected"])]) for k in known
    ]
    assert len(loaded) == 2303
    assert loaded.dropped == {"prompts differ": 5, "empty response": 4}


def test_transcript_keeps_a_speaker_named_inside_a_line() -> None:
    text = "\n\nHuman: Who is\nHuman: in a script?\n\nAssistant: a role"
    assert parse_transcript(text) == [user("Who is\nHuman: in a script?"), bot("a role")]


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        ("\n\nHuman: q\n\nAssistant: a", "\n\nHuman: q\n\nAssistant: a ", "identical responses"),
        ("\n\nHuman: q\n\nAssistant: a", "\n\nHuman: Q\n\nAssistant: b", "prompts differ"),
        ("\n\nHuman: q", "\n\nHuman: q\n\nAssistant: b", "response does not end in an assistant turn"),
        ("\n\nHuman: q\n\nAssistant:", "\n\nHuman: q\n\nAssistant: b", "empty response"),
        ("text", "\n\nHuman: q\n\nAssistant: b", "not a transcript"),
        ("\n\nAssistant: a", "\n\nAssistant: b", "prompts differ"),
    ],
)
def test_transcript_drops(chosen: str, rejected: str, reason: str) -> None:
    assert told({"chosen": chosen, "rejected": rejected}, Transcript()) == [reason]


# Shape 2: chosen and rejected


@pytest.mark.parametrize("prompt", ["q", [user("q")]])
@pytest.mark.parametrize("chosen", ["yes", [bot("yes")], [user("q"), bot("yes")]])
@pytest.mark.parametrize("rejected", ["no", [bot("no")], [user("q"), bot("no")]])
def test_strings_lists_and_whole_conversations_mean_the_same(prompt: Any, chosen: Any, rejected: Any) -> None:
    parts = only({"prompt": prompt, "chosen": chosen, "rejected": rejected}, ChosenRejected())
    assert (parts.prompt, parts.chosen, parts.rejected) == ([user("q")], [bot("yes")], [bot("no")])


def test_without_a_prompt_column_the_common_prefix_ends_in_a_user_turn() -> None:
    head = [{"role": "system", "content": "s"}, user("q1"), bot("same"), user("q2"), bot("same too")]
    row = {"chosen": [*head, user("q3"), bot("x")], "rejected": [*head, user("other"), bot("y")]}
    parts = only(row, ChosenRejected(prompt=None))
    assert parts.prompt == head[:4]  # "same too" is common but is no user turn
    assert parts.chosen == [bot("same too"), user("q3"), bot("x")]
    assert parts.rejected == [bot("same too"), user("other"), bot("y")]


def test_a_system_turn_of_the_prompt_column_survives_responses_that_repeat_the_prompt() -> None:
    prompt = [{"role": "system", "content": "s"}, user("q")]
    row = {"prompt": prompt, "chosen": [user("q"), bot("a")], "rejected": [user("q"), bot("b")]}
    assert only(row, ChosenRejected()).prompt == prompt


def test_the_longer_prompt_of_the_responses_wins_over_its_first_turn() -> None:
    head = [user("q1"), bot("a1"), user("q2")]
    row = {"prompt": "q1", "chosen": [*head, bot("a")], "rejected": [*head, bot("b")]}
    assert only(row, ChosenRejected()).prompt == head


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", "chosen": [user("q"), bot("a")], "rejected": [user("Q"), bot("b")]},
        {"prompt": "else", "chosen": [user("q"), bot("a")], "rejected": [user("q"), bot("b")]},
        {"prompt": "else", "chosen": [user("q"), bot("a")], "rejected": "b"},
    ],
)
def test_prompts_that_disagree_are_dropped(row: dict[str, Any]) -> None:
    assert told(row, ChosenRejected()) == ["prompts differ"]


def test_messages_with_nullable_fields_as_in_dolci() -> None:
    def full(m: dict[str, str]) -> dict[str, Any]:
        return {**m, "function_calls": None, "functions": None}

    row = {"chosen": [full(user("q")), full(bot("a"))], "rejected": [full(user("q")), full(bot("b"))]}
    assert only(row, ChosenRejected(prompt=None)).chosen == [bot("a")]


def test_real_human_pairs_are_read_as_they_are(shared_data: Path) -> None:
    path = shared_data / "human_pairs_mix" / "pairs.jsonl.gz"
    known = [r for r in read(path) if r["chosen"].strip() and r["rejected"].strip()]
    loaded = load_pairs(str(path))
    assert [(p.id, p.prompt, p.chosen[0]["content"], p.rejected[0]["content"]) for p in loaded.pairs] == [
        (r["id"], r["prompt"], r["chosen"], r["rejected"]) for r in known
    ]
    assert loaded.dropped == {"empty response": 1}


# Shape 3: two responses and who won

AB = {"prompt": "q", "response_a": "A", "response_b": "B"}
SHP = TwoResponses(label="w", a_wins=(1,), b_wins=(0,))
PKU = TwoResponses(label="w", a_wins=(0,), b_wins=(1,))
HELPSTEER = TwoResponses(label="w", scale="negative_a")
ARENA = TwoResponses(label="w", a_wins=("model_a",), b_wins=("model_b",), ties=("tie", "both_bad"))
ALPACA = TwoResponses(label="w", a_wins=(1,), b_wins=(2,), ties=(0,))


@pytest.mark.parametrize(
    ("adapter", "label", "expected"),
    [
        (SHP, 1, ("A", "B")),
        (SHP, 0, ("B", "A")),
        (PKU, 0, ("A", "B")),
        (PKU, 1, ("B", "A")),
        (PKU, "1", ("B", "A")),  # as a CSV gives it
        (PKU, True, ("B", "A")),
        (HELPSTEER, -3, ("A", "B")),
        (HELPSTEER, -1, ("A", "B")),
        (HELPSTEER, 2, ("B", "A")),
        (HELPSTEER, 0, "tie"),
        (HELPSTEER, None, "no label"),
        (HELPSTEER, float("nan"), "no label"),
        (ARENA, "model_a", ("A", "B")),
        (ARENA, "model_b", ("B", "A")),
        (ARENA, "tie", "tie"),
        (ARENA, "both_bad", "tie"),
        (ARENA, None, "no label"),
        (ALPACA, 1.0, ("A", "B")),
        (ALPACA, 2, ("B", "A")),
        (ALPACA, 0, "tie"),
    ],
)
def test_labels(adapter: Adapter, label: Any, expected: Any) -> None:
    assert told({**AB, "w": label}, adapter) == [expected]


def test_a_label_that_the_card_does_not_know_is_an_error_not_a_side() -> None:
    with pytest.raises(DataError, match="column 'w' says 'model_c', which is none of the labels model_a"):
        adapt({**AB, "w": "model_c"}, ARENA)
    with pytest.raises(DataError, match="column 'w' says 'left', which is not a number"):
        adapt({**AB, "w": "left"}, HELPSTEER)


def test_who_won_is_told_in_exactly_one_way() -> None:
    for wrong in ({}, {"label": "w"}, {"label": "w", "a_wins": (1,), "b_wins": (0,), "scale": "positive_a"}):
        with pytest.raises(ValueError, match="must be said in one way"):
            TwoResponses(**wrong)


def test_arena_conversations_with_typed_parts_share_their_prompt() -> None:
    def turn(role: str, text: str) -> dict[str, Any]:
        return {"role": role, "content": [{"type": "text", "text": text, "image": None}]}

    row = {
        "a": [turn("user", "q"), turn("assistant", "1"), turn("user", "go on"), turn("assistant", "2")],
        "b": [turn("user", "q"), turn("assistant", "3"), turn("user", "go on"), turn("assistant", "4")],
        "w": "model_b",
    }
    arena = TwoResponses(**{**ARENA.model_dump(), "prompt": None, "response_a": "a", "response_b": "b"})
    parts = only(row, arena)
    assert parts.prompt == [user("q")]
    assert parts.chosen == [bot("3"), user("go on"), bot("4")]
    row["a"][1]["content"].append({"type": "image", "image": "..."})
    assert told(row, arena) == ["images in the row"]


def test_votes_on_the_real_community_alignment_file(shared_data: Path) -> None:
    folder = shared_data / "community_alignment_en"
    adapter = TwoResponses(votes_a="votes_a", votes_b="votes_b")
    known = {r["id"]: (r["chosen"], r["rejected"]) for r in read(folder / "pairs.jsonl.gz")}
    found, ties = {}, 0
    for row in read(folder / "votes.jsonl.gz"):
        (result,) = told(row, adapter)
        if result == "tie":
            ties += 1
        else:
            found[row["id"]] = result
    assert ties == 2022 - 1743
    assert found == known


# Shape 4: one of several

FOUR = {"prompt": "q", "a": "A", "b": "B", "c": "C", "d": "D"}
COLUMNS = ("a", "b", "c", "d")


def test_one_of_four_beats_the_other_three() -> None:
    adapter = OneOfMany(
        responses=COLUMNS, choice="best", options=("response_a", "response_b", "response_c", "response_d")
    )
    row = {**FOUR, "best": "response_b"}
    assert told(row, adapter) == [("B", "A"), ("B", "C"), ("B", "D")]
    assert [p.tag for p in adapt(row, adapter) if isinstance(p, Parts)] == ["1-0", "1-2", "1-3"]
    assert told({**row, "d": None}, adapter, strict=False)[2] == "null response"
    assert told({**row, "best": None}, adapter) == ["no label"]
    with pytest.raises(DataError, match="'response_e', which is none of response_a"):
        adapt({**row, "best": "response_e"}, adapter)


def test_scores_per_response() -> None:
    scores = ("sa", "sb", "sc", "sd")
    row = {**FOUR, "sa": 10, "sb": 80, "sc": 10, "sd": 50}
    best = OneOfMany(responses=COLUMNS, scores=scores)
    every = OneOfMany(responses=COLUMNS, scores=scores, pairs="all")
    assert told(row, best) == [("B", "A"), ("B", "C"), ("B", "D")]
    assert told(row, every) == [("B", "A"), ("B", "C"), ("B", "D"), ("D", "A"), ("D", "C")]
    assert told({**row, "sd": 80}, best) == ["tie"]
    assert told({**row, "sb": 10, "sd": 10}, every) == ["tie"]


def test_rated_turns_go_on_with_the_chosen_reply() -> None:
    def reply(turn: int, text: str, chosen: bool) -> dict[str, Any]:
        return {"turn": turn, "role": "model", "content": text, "score": 50, "if_chosen": chosen}

    history = [
        {"turn": 0, "role": "user", "content": "q1"},
        reply(0, "w", False),
        reply(0, "x", True),
        {"turn": 1, "role": "user", "content": "q2"},
        reply(1, "y", True),
        reply(1, "z", False),
    ]
    first, second = adapt({"conversation_history": history}, RatedTurns())
    assert first == Parts([user("q1")], [bot("x")], [bot("w")], "0.0")
    assert second == Parts([user("q1"), bot("x"), user("q2")], [bot("y")], [bot("z")], "1.0")


# Shape 5: lists


def test_lists_on_the_real_rm_bench_file(shared_data: Path) -> None:
    path = shared_data / "rm_bench_style" / "triples.jsonl.gz"
    rows = read(path)
    loaded = load_pairs(str(path))
    assert len(loaded) == 3 * 570
    assert not loaded.dropped
    assert len({p.id for p in loaded.pairs}) == 1710
    for k, pair in enumerate(loaded.pairs):
        row, style = rows[k // 3], k % 3
        assert pair.chosen == [bot(row["chosen"][style])]
        assert pair.rejected == [bot(row["rejected"][style])]
        assert pair.id == f"{row['id']}:{style}-{style}"
    assert sum(len(adapt(r, Lists(pairing="all"))) for r in rows) == 9 * 570


def test_lists_of_unequal_length() -> None:
    row = {"prompt": "q", "chosen": ["A"], "rejected": ["x", "y", "z"]}
    assert told(row, Lists()) == ["response without a counterpart"]
    assert told(row, Lists(pairing="all")) == [("A", "x"), ("A", "y"), ("A", "z")]


def test_lists_that_begin_with_their_prompt_are_conversations() -> None:
    row = {"prompt": "q", "chosen": ["q", "A"], "rejected": ["q", "B"]}
    assert told(row, Lists()) == [("A", "B")]
    assert told({**row, "rejected": ["q", "A"]}, Lists()) == ["identical responses"]


# What all shapes share


@pytest.mark.parametrize("blank", ["", "  \n", [bot("")]])
def test_an_empty_response_is_dropped(blank: Any) -> None:
    assert told({"prompt": "q", "chosen": "a", "rejected": blank}, ChosenRejected()) == ["empty response"]


@pytest.mark.parametrize("blank", ["", " ", []])
def test_an_empty_prompt_is_dropped(blank: Any) -> None:
    assert told({"prompt": blank, "chosen": "a", "rejected": "b"}, ChosenRejected()) == ["empty prompt"]


def test_null_and_prompt_end_are_errors_in_a_file_of_ones_own_and_drops_in_a_public_set() -> None:
    null = {"prompt": "q", "chosen": None, "rejected": "b"}
    late = {"prompt": [user("q"), bot("a")], "chosen": "a", "rejected": "b"}
    assert told(null, ChosenRejected(), strict=False) == ["null response"]
    assert told(late, ChosenRejected(), strict=False) == ["prompt does not end in a user turn"]
    with pytest.raises(DataError, match="column 'chosen' is null"):
        adapt(null, ChosenRejected())
    with pytest.raises(DataError, match="prompt ends in a turn of 'assistant'"):
        adapt(late, ChosenRejected())


def test_lone_surrogates_are_replaced_and_control_characters_kept() -> None:
    parts = only({"prompt": "q\ud83d", "chosen": "a\x00\x1b\u2028", "rejected": "b"}, ChosenRejected())
    assert parts.prompt == [user("q\ufffd")]
    assert parts.chosen == [bot("a\x00\x1b\u2028")]


def guessed(*rows: dict[str, Any], **roles: str) -> Adapter:
    found = decide(census((str(n), row) for n, row in enumerate(rows)), roles)
    assert isinstance(found, Shapes), found
    return found.main.adapter


TALK = "\n\nHuman: q\n\nAssistant: "


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, ChosenRejected()),
        ({"prompt": "q", "chosen": "\n\nHuman: x", "rejected": "b"}, ChosenRejected()),
        ({"prompt": "q", "chosen": ["a"], "rejected": ["b"]}, Lists()),
        ({"chosen": f"{TALK}a", "rejected": f"{TALK}b"}, Transcript()),
        ({"chosen": [user("q"), bot("a")], "rejected": [user("q"), bot("b")]}, ChosenRejected(prompt=None)),
    ],
)
def test_the_shape_of_rows_without_a_card(row: dict[str, Any], expected: Adapter) -> None:
    assert guessed(row) == expected


def test_the_shape_follows_given_columns() -> None:
    row = {"ask": "q", "one": "a", "other": "b"}
    adapter = guessed(row, prompt="ask", chosen="other", rejected="one")
    assert told(row, adapter) == [("b", "a")]


@pytest.mark.parametrize(
    ("turn", "says"),
    [
        ({"role": "user", "turn": 0}, "no column 'content'"),
        ({"content": "Hi", "turn": 0}, "no column 'role'"),
        ({"role": "user", "content": "Hi", "turn": "first"}, "of a wrong kind"),
        ({"role": "user", "content": None, "turn": 0}, "of a wrong kind"),
    ],
)
def test_a_broken_turn_is_an_error_not_a_traceback(turn: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        told({"conversation_history": [turn]}, RatedTurns())
