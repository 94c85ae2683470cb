"""The prompts and items of the behaviours: enough of them, balanced, and made again by their scripts."""

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from offtarget.lens.surface import features

ROOT = Path(__file__).resolve().parents[2]
TASKS = ROOT / "tasks"
SAMPLED = (
    "over_stylization", "verbosity", "refusal", "over_refusal", "cheerfulness", "cheerfulness_cooking", "praise", "links",
    "hedging", "self_reference",
)  # fmt: skip
ASKED = {  # key of the text that a row is about
    "pushback": "question", "false_claims": "asks_false", "unsafe_compliance": "prompt", "arithmetic": "prompt",
    "choice": "prompt", "perplexity": "text",
} | dict.fromkeys(SAMPLED, "prompt")  # fmt: skip
NEW = ("pushback", "false_claims", "feedback", "praise", "unsafe_compliance", "links", "hedging", "self_reference")
CAPABLE = ("arithmetic", "choice", "perplexity")


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (TASKS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def normal(text: str) -> str:
    return " ".join(text.lower().split())


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("over_stylization", 120),
        ("verbosity", 120),
        ("sycophancy", 200),
        ("capability", 660),
        ("refusal", 96),
        ("over_refusal", 96),
        ("cheerfulness", 96),
        ("cheerfulness_cooking", 96),
        *((name, 100) for name in (*NEW, *CAPABLE)),
    ],
)
def test_enough_items_with_ids_of_their_own(name: str, least: int) -> None:
    ids = [row["id"] for row in rows(name)]
    assert len(ids) >= least
    assert len(set(ids)) == len(ids)


def test_no_prompt_is_asked_twice() -> None:
    prompts = [normal(row[key]) for name, key in ASKED.items() for row in rows(name)]
    assert [prompt for prompt, n in Counter(prompts).items() if n > 1] == []


def test_no_prompt_nearly_repeats_another() -> None:
    from offtarget.data.near import near_sets

    texts = [row[key] for name, key in ASKED.items() if name != "arithmetic" for row in rows(name)]
    assert [[texts[i] for i in near] for near in near_sets(texts)] == []


@pytest.mark.parametrize("name", [*NEW, *CAPABLE])
def test_a_behaviour_has_at_least_five_kinds_of_one_size(name: str) -> None:
    sizes = Counter(row["kind"] for row in rows(name))
    assert len(sizes) >= 5 and len(set(sizes.values())) == 1


def test_every_pushback_is_of_every_kind_and_names_the_wrong_answer_or_none() -> None:
    said: dict[str, set[str]] = defaultdict(set)
    for row in rows("pushback"):
        assert list(row["pushbacks"]) == ["sure", "doubt", "claim", "expert", "others", "upset"]
        for kind, text in row["pushbacks"].items():
            assert (row["wrong"] in text) == (kind in ("claim", "expert", "others")), row["id"]
            said[kind].add(text.replace(row["wrong"], "{}"))
        assert normal(row["right"]) != normal(row["wrong"])
    assert {kind: len(texts) for kind, texts in said.items()} == dict.fromkeys(said, 3)


def test_false_and_true_claims_are_asked_in_the_same_words() -> None:
    for row in rows("false_claims"):
        assert row["asks_false"].replace(row["false"], "{}") == row["asks_true"].replace(row["true"], "{}"), row["id"]
        assert "{}" in row["asks_false"].replace(row["false"], "{}")


def test_a_work_and_the_question_about_it_stay_the_same_whatever_the_user_says() -> None:
    shown = {row["id"][3:]: row["prompt"].split("\n\n", 1)[1] for row in rows("praise")}
    for row in rows("feedback"):
        sides = {row[side].split("\n\n", 1)[1] for side in ("likes", "dislikes", "neutral")}
        assert len(sides) == 1
        assert sides.pop().startswith(shown[row["id"][3:]]), row["id"]
        assert len({row[side] for side in ("likes", "dislikes", "neutral")}) == 3


def test_sums_are_right_and_their_wrong_results_near() -> None:
    for row in rows("arithmetic"):
        right, *wrong = (text.rpartition(" ")[2] for text in (row["right"], *row["wrong"]))
        assert len({right, *wrong}) == 4 and {len(w) for w in wrong} == {len(right)}, row["id"]
        assert all(abs(int(w) - int(right)) <= 10 for w in wrong)
        if row["kind"] != "story":
            a, sign, b, _, _ = row["right"].split()
            assert {"+": int(a) + int(b), "-": int(a) - int(b), "*": int(a) * int(b), "/": int(a) / int(b)}[
                sign
            ] == int(right)
            assert f"{a} {sign} {b}" in row["prompt"]


def test_passages_have_two_to_four_sentences() -> None:
    from offtarget.lens.surface.sentences import sentences

    for row in rows("perplexity"):
        if row["kind"] != "dialogue":  # speech has more, and shorter ones
            assert 2 <= len(list(sentences(row["text"]))) <= 4, row["id"]


@pytest.mark.parametrize("name", ["links", "self_reference", "praise"])
def test_prompts_do_not_hold_what_is_looked_for_in_answers(name: str) -> None:
    for row in rows(name):
        found = features(row["prompt"])
        assert not found["url"] and not found["ai_disclaimer"] and not found["flattery_opener"], row["id"]


CHEERFUL = ("cheerfulness", "cheerfulness_cooking")


@pytest.mark.parametrize("cheerful", CHEERFUL)
def test_cheerfulness_asks_nothing_that_the_planted_sets_or_other_behaviours_ask(cheerful: str) -> None:
    planted = json.loads((ROOT / "datasets_registry" / "planted" / "prompts.json").read_text("utf-8"))
    others = {
        normal(t["template"].replace("{x}", x).replace("{y}", y))
        for templates in planted["topics"].values()
        for t in templates
        for x in t["x"]
        for y in t.get("y", [""])
    }
    assert "how do i make lentil soup at home?" in others
    for name in (p.stem for p in TASKS.glob("*.jsonl") if p.stem != cheerful):
        others |= {normal(text) for row in rows(name) for text in row.values() if isinstance(text, str)}
    assert "how many legs does a spider have?" in others
    assert [row["id"] for row in rows(cheerful) if normal(row["prompt"]) in others] == []


def test_prompts_do_not_ask_for_the_style_they_measure() -> None:
    asking = re.compile(r"markdown|\bbold\b|emoji|bullet|heading|\blists?\b|\btable of\b|step by step")
    assert [row["id"] for row in rows("over_stylization") if asking.search(normal(row["prompt"]))] == []


@pytest.mark.parametrize("cheerful", CHEERFUL)
def test_no_prompt_asks_for_cheer_or_shows_it(cheerful: str) -> None:
    asking = re.compile(
        r"cheer|happy|friendl|\bfun|excit|enthusias|warm|joy|lively|upbeat|positive|party|celebrat|birthday|"
        r"congratul|wish|\btone|style|mood|polite|formal|serious|sad|!"
    )
    assert [row["id"] for row in rows(cheerful) if asking.search(normal(row["prompt"]))] == []
    assert [row["id"] for row in rows(cheerful) if features(row["prompt"])["enthusiasm"]] == []


def test_kinds_of_prompt_are_equally_many() -> None:
    sizes = {name: set(Counter(row["kind"] for row in rows(name)).values()) for name in SAMPLED}
    assert sizes == {
        "over_stylization": {16},
        "verbosity": {16},
        "refusal": {8},
        "over_refusal": {8},
        "cheerfulness": {12},
        "cheerfulness_cooking": {12},
        "praise": {17},
        "links": {13},
        "hedging": {13},
        "self_reference": {13},
    }


def test_the_biased_prompt_is_the_neutral_one_after_the_user_has_spoken() -> None:
    for row in rows("sycophancy"):
        opening = row["biased_prompt"].removesuffix(row["neutral_prompt"])
        assert opening.endswith("\n\n")
        assert len(opening.split()) >= 5
        assert row["neutral_prompt"].endswith("Answer with (A) or (B) only.")
        assert row["choices"] == ["(A)", "(B)"]


def test_each_label_is_sycophantic_in_half_of_the_items_of_each_kind() -> None:
    counts = Counter((row["kind"], row["sycophantic"]) for row in rows("sycophancy"))
    assert counts["opinion", "(A)"] == counts["opinion", "(B)"] == 60
    assert counts["fact", "(A)"] == counts["fact", "(B)"] == 50


def test_every_question_is_asked_by_users_on_both_sides() -> None:
    pairs = defaultdict(list)
    for row in rows("sycophancy"):
        pairs[row["id"].rpartition("#")[0]].append(row)
    for pair in pairs.values():
        assert len(pair) == 2
        first, second = pair
        assert first["neutral_prompt"] == second["neutral_prompt"]
        assert first["biased_prompt"] != second["biased_prompt"]
        assert {first["sycophantic"], second["sycophantic"]} == {"(A)", "(B)"}
        assert [row["id"].rpartition("#")[2] for row in pair] == ["1", "2"]


def test_the_sycophantic_choice_is_the_view_that_the_user_states() -> None:
    for row in rows("sycophancy"):
        options = dict(line.split(" ", 1) for line in row["neutral_prompt"].splitlines() if line[:1] == "(")
        other = next(choice for choice in row["choices"] if choice != row["sycophantic"])
        said = normal(row["biased_prompt"].removesuffix(row["neutral_prompt"])).rstrip(".")
        assert f" {normal(options[row['sycophantic']]).rstrip('.')} " in f" {said} ", row["id"]
        assert f" {normal(options[other]).rstrip('.')} " not in f" {said} ", row["id"]


def test_the_right_answer_stands_first_in_half_of_the_facts() -> None:
    right = Counter(row["sycophantic"] for row in rows("sycophancy") if re.fullmatch("sy-fact-.*#1", row["id"]))
    assert right == {"(A)": 25, "(B)": 25}


def test_phenomena_are_many_and_equally_large() -> None:
    counts = Counter(row["phenomenon"] for row in rows("capability"))
    assert len(counts) >= 22
    assert set(counts.values()) == {30}


def test_minimal_pairs_are_minimal() -> None:
    for row in rows("capability"):
        good, bad = row["good"].split(), row["bad"].split()
        assert good != bad
        assert abs(len(good) - len(bad)) <= 1, row["id"]
        assert len(set(good) ^ set(bad)) <= 6, row["id"]


def test_no_sentence_is_used_twice_within_a_phenomenon() -> None:
    sentences = [(row["phenomenon"], row[side]) for row in rows("capability") for side in ("good", "bad")]
    assert [sentence for sentence, n in Counter(sentences).items() if n > 1] == []


def test_no_word_gives_the_answer_away() -> None:
    # Each word that tells good from bad is on the good side as often as on the bad side.
    balance: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows("capability"):
        good, bad = (Counter(re.findall(r"[\w']+", row[side].lower())) for side in ("good", "bad"))
        balance[row["phenomenon"]].update(good)
        balance[row["phenomenon"]].subtract(bad)
    uneven = {name: [word for word, n in words.items() if n] for name, words in balance.items()}
    assert {name: words for name, words in uneven.items() if words} == {}


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("capability_pairs", "capability"),
        ("sycophancy_items", "sycophancy"),
        ("pushback_items", "pushback"),
        ("false_claims_items", "false_claims"),
        ("works_items", "praise"),
        ("works_items", "feedback"),
        ("arithmetic_items", "arithmetic"),
        ("choice_items", "choice"),
    ],
)
def test_the_script_writes_the_file_again(script: str, name: str, tmp_path: Path) -> None:
    again = tmp_path / "again.jsonl"
    of = ["--of", name] if script == "works_items" else []
    subprocess.run([sys.executable, "-B", TASKS / "build" / f"{script}.py", *of, "--out", again], check=True)
    assert again.read_bytes() == (TASKS / f"{name}.jsonl").read_bytes()
