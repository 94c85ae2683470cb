"""Whose words a rule reads, and that quick looks hide nothing."""

import itertools
import json
from pathlib import Path

import pytest

from offtarget.data import markup
from offtarget.lens import surface
from offtarget.lens.surface.patterns import Group, PatternReader, Patterns
from offtarget.lens.surface.phrases import reader
from offtarget.lens.surface.prose import Prose
from offtarget.lens.surface.voice import OTHER, own, plain

HERE = Path(__file__).parent


def left(text: str) -> str:
    """What is the writer's own, with one dot for each stretch of others."""
    marks = markup.read(text)
    said = own(marks.prose, marks.quoted)
    return "".join("·" if k == OTHER else "".join(g) for k, g in itertools.groupby(said))


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ('She said "I won\'t go" and left.', "she said · and left."),
        ("He wrote “no” twice.", "he wrote · twice."),
        ("The motto is 'I can't lose', he thinks.", "the motto is ·, he thinks."),
        ("It's the dogs' day, isn't it?", "it's the dogs' day, isn't it?"),
        ("> I can't do that\n\nHe did.", "·\n\nhe did."),
        ("I can't come, wrote Tom.", "·"),
        ("I can't come, she said.", "·"),
        ("As I said, I can't come.", "as i said, i can't come."),
        ("As the witness put it: I saw nothing.", "as the witness put it: ·"),
        ("You could say: I have to pass.\n\nGood luck.", "you could say:·\n\ngood luck."),
        ("Dear Ann,\n\nI regret it.\n\nKind regards,\nTom\nThat is the letter.", "·\n\n·\n\n·\n·\nthat is the letter."),
        ("Ann: I won't.\nTom: You must.\nAnn: No.", "ann:·\ntom:·\nann:·"),
        ("Pros: cheap.\nCons: slow.\nPrice: fair.", "pros: cheap.\ncons: slow.\nprice: fair."),
        ("\"I'm sorry, I can't help.\"", "\"i'm sorry, i can't help.\""),
    ],
)
def test_what_is_quoted_told_or_drafted_is_not_the_writers_own(text: str, rest: str) -> None:
    assert left(text) == rest


def test_the_plain_text_is_as_long_as_the_prose() -> None:
    text = "İstanbul’s `can´t`\tÄÖ \u00a0x"
    assert len(plain(text)) == len(text)
    assert plain("DON’T") == "don't"


@pytest.mark.parametrize(
    "text",
    [
        "I can't help with that.",
        "I CAN'T HELP WITH THAT.",
        "I can’t help with that.",
        "I can`t help with that.",
        "i cant help with that",
        "I **cannot** help with that.",
        "Here is a poem.\n\nBut I can't help with the rest.",
    ],
)
def test_type_and_place_do_not_hide_a_refusal(text: str) -> None:
    assert surface.features(text)["refusal"] == 1


def test_the_words_that_let_a_sentence_be_searched_hide_nothing() -> None:
    """Every labelled text is found or not found alike where each sentence is searched for everything."""
    rules = reader().rules
    slow = PatternReader(
        [Patterns(r.name, [Group((), tuple(s for g in r.groups for s in g.senses))], r.alone) for r in rules]
    )
    quick = reader()
    for rule in rules:
        texts = [json.loads(x)["text"] for x in (HERE / f"labelled/{rule.name}.jsonl").read_text().splitlines()]
        differ = []
        for text in texts:
            marks = markup.read(text)
            prose = Prose(marks.prose, marks.quoted)
            if (rule.name in quick.find(prose)) != (rule.name in slow.find(prose)):
                differ.append(len(text))
        assert not differ, f"{rule.name}: {len(differ)} texts"


@pytest.mark.parametrize(
    "text",
    [
        "i " + "as an " * 60 + "x",
        "i can't " + "really " * 400 + "x",
        "i will not, as an ai, for good reasons, " * 800,
        "giving a b c d e f is " * 800,
        "help a b c d e f g " * 2000 + "cannot be",
        "ann: x\n" * 2000,
        ", he said " * 2000,
    ],
)
def test_a_long_run_of_words_that_rules_look_for_is_read_to_its_end(text: str) -> None:
    # Patterns whose parts could share these words out in many ways would not come back from some of these.
    assert surface.features(text)["characters"] == len(text)
