"""Places of surface rules: the marked text is what the rule counts."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from offtarget.data import debris
from offtarget.data.markup import read
from offtarget.lens import surface
from offtarget.lens.surface.columns import PHRASES
from offtarget.lens.surface.lexicon import tokenize
from offtarget.lens.surface.places import places

TEXT = (
    "## Plan\n"
    "Sure, here is **the plan** and *more* `x = 1` at [home](https://a.b/c) or https://d.e.\n"
    "- milk (fresh) 😀\n"
    "1. I'm sorry, I can't help with that — “never”…\n"
    "> VERY LOUD words!\n"
    "```py\nprint('**no**!')\n```\n"
    "Any questions?"
)


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        ("heading", ["## Plan"]),
        ("bold", ["**the plan**"]),
        ("italic", ["*more*"]),
        ("inline_code", ["`x = 1`"]),
        ("link", ["[home](https://a.b/c)"]),
        ("url", ["https://a.b/c", "https://d.e."]),
        ("bullets", ["-"]),
        ("numbered", ["1."]),
        ("blockquote", ["> VERY LOUD words!"]),
        ("code_block", ["```py\nprint('**no**!')\n```"]),
        ("markdown", ["## Plan", "**the plan**", "-", "1."]),
        ("parentheses", ["(fresh)"]),
        ("emoji", ["😀"]),
        ("em_dash", ["—"]),
        ("quotations", ["“never”"]),
        ("ellipsis", ["…"]),
        ("exclamations", ["!"]),
        ("caps_words", ["VERY", "LOUD"]),
        ("apology", ["I'm sorry"]),
        ("refusal", ["I can't help"]),
        ("contractions", ["I'm", "can't"]),
        ("digits", ["1", "1"]),
        ("ends_with_question", ["?"]),
        ("bold_opener", ["## Plan"]),
        ("characters", []),
    ],
)
def test_what_a_rule_counts_is_marked(name: str, marked: list[str]) -> None:
    assert [TEXT[a:b] for a, b in places(name, TEXT)] == marked


def test_code_stands_between_words_for_phrases_too() -> None:
    assert places("refusal", "I can't `now` help") == []
    assert len(places("refusal", "I can't help")) == 1


@pytest.mark.parametrize(
    ("name", "text", "marked"),
    [
        ("transitions", "However, it rained. Then the sun came out.", ["However", "Then"]),
        ("follow_up_offer", 'Write "let me know" to him. Let me know if it works.', ["Let me know"]),
        ("follow_up_offer", "Dear Jo,\n\nlet me know.\n\nYours, Tom\n\nShall I change it?", ["Shall I change"]),
        ("enthusiasm", "We saw the Amazing Race. Amazing!", ["Amazing!"]),
        ("contractions", "I dont know, y’all. It is so.", ["dont", "y’all"]),
        ("examples", "Some metals (like iron) rust, such as this.", ["metals (like iron", "such as"]),
        ("hedges", "May came. It may rain, I’d guess.", ["It may", "I’d guess"]),
    ],
)
def test_what_a_phrase_rule_counts_is_marked(name: str, text: str, marked: list[str]) -> None:
    assert [text[a:b] for a, b in places(name, text)] == marked


def test_line_ends_of_other_systems_do_not_shift_places() -> None:
    text = "a\r\n- b\rc **d**\r\n\r\n1. e"
    assert [text[a:b] for a, b in places("markdown", text)] == ["-", "**d**", "1."]


def test_there_are_as_many_places_as_the_rule_counts_on_real_answers(shared_data: Path) -> None:
    units = {c.id.removeprefix("surface:"): c.unit for c in surface.COLUMNS}
    counted = {n for n, unit in units.items() if unit == "count per response"}
    rates = PHRASES - counted
    off, total = Counter(), Counter()
    with gzip.open(shared_data / "alpaca_eval_gpt4_pairs" / "pairs.jsonl.gz", "rt", encoding="utf-8") as file:
        for _, line in zip(range(150), file, strict=False):
            text = json.loads(line)["chosen"]
            found = surface.features(text)
            words = sum(1 for t in tokenize(read(debris.read(text)[1]).prose) if t[0].isalnum() or len(t) > 1)
            for name in counted | rates:
                there = found[name] * words / 100 if name in rates else found[name]
                off[name] += abs(len(places(name, text)) - round(there))
                total[name] += round(there)
    assert sum(total.values()) > 1500
    assert sum(off.values()) < 0.002 * sum(total.values()), off.most_common(5)


def test_debris_is_marked_and_no_other_rule_marks_within_it() -> None:
    text = "<think>Sure! I'm sorry.</think>\n\nDear [Your Name], it is **done**!</s>"
    assert [text[a:b] for a, b in places("think_block", text)] == ["<think>Sure! I'm sorry.</think>\n\n"]
    assert [text[a:b] for a, b in places("placeholder", text)] == ["[Your Name]"]
    assert [text[a:b] for a, b in places("eos_text", text)] == ["</s>"]
    assert [text[a:b] for a, b in places("bold", text)] == ["**done**"]
    assert len(places("exclamations", text)) == surface.features(text)["exclamations"] == 1
    assert places("apology", text) == []
