"""What is skipped for speed in reading text changes nothing: beside plain, slow readings of the same rules."""

import random
import re

import pytest

from offtarget.data import repetition
from offtarget.lens.surface.lexicon import Lexicon, Matcher
from offtarget.lens.surface.measures import features, features_of
from offtarget.lens.surface.sentences import sentences

WORDS = [
    "river",
    "stone",
    "I",
    "can't",
    "help",
    "with",
    "that",
    "e.g.",
    "Dr.",
    "A.",
    "3.5",
    "No.",
    "_",
    "**bold**",
    "élan",
]
ENDS = [
    " ",
    " ",
    " ",
    ". ",
    "! ",
    "?\n",
    '." ',
    "...",
    "... ",
    "。",
    "！",
    "\n",
    ".",
    ".)",
    '.").',
    "…",
    "\u00a0",
    ".\u2028",
]


def texts(seed: int, n: int) -> list[str]:
    """Words and signs at random, with much that nearly ends a sentence."""
    rng = random.Random(seed)
    return ["".join(rng.choice(WORDS) + rng.choice(ENDS) for _ in range(rng.randint(0, 30))) for _ in range(n)]


def slow_sentences(prose: str) -> list[tuple[int, int]]:
    """Sign by sign: an end is a line end, 。！？, or a run of marks and closing quotes before a space or the end."""
    out, begin, at = [], 0, 0
    while at < len(prose):
        stop = at + 1
        if prose[at] in ".!?…؟।":
            while stop < len(prose) and prose[stop] in ".!?…؟।":
                stop += 1
            while stop < len(prose) and prose[stop] in "\"'”’»)]":
                stop += 1
            ends = stop == len(prose) or prose[stop].isspace()
            if ends and prose[at:stop] == ".":
                ends = not re.search(
                    r"(?:\b[A-Z]|\b(?:e\.g|i\.e|vs|etc|[DMS][rst]|Mrs|No|Prof))\.$", prose[max(0, stop - 6) : stop]
                )
        else:
            ends = prose[at] in "\n。！？"
        if ends:
            if any(c.isalnum() for c in prose[begin:stop]):
                out.append((begin, stop))
            begin = stop
        at = stop
    return [*out, (begin, len(prose))] if any(c.isalnum() for c in prose[begin:]) else out


def test_sentences_end_where_a_walk_over_all_signs_ends_them() -> None:
    for text in texts(1, 600):
        assert list(sentences(text)) == slow_sentences(text), text


def test_many_signs_in_a_row_take_no_longer_than_others() -> None:
    assert list(sentences("a" + "." * 200_000 + "b")) == [(0, 200_002)]


def has_run(text: str) -> bool:
    """A stretch of at most 80 signs that comes five times or more without a break, together 60 long, by trying all."""
    for period in range(1, 81):
        length = 0
        for i in range(period, len(text)):
            length = length + 1 if text[i] == text[i - period] else 0
            if length + period >= max(60, 5 * period):
                return True
    return False


def test_no_run_is_missed_by_the_look_ahead() -> None:
    rng, found = random.Random(2), 0
    for _ in range(120):
        unit = "".join(rng.choices("abc d", k=rng.choice([1, 2, 7, 11, 12, 13, 16, 17, 33, 79, 80])))
        around = ["".join(rng.choices("abcdefgh ", k=rng.randint(0, 60))) for _ in range(2)]
        text = around[0] + unit * rng.choice([2, 4, 5, 6, 60 // len(unit) + 1]) + around[1]
        if has_run(text):
            found += 1
            assert repetition._may_run(text), text
    assert found > 40


def test_texts_read_together_are_read_as_each_alone() -> None:
    some = ["", "**I** can't help with that.", *texts(3, 40), "Let me know if you have any other questions!"]
    together = features_of(some)
    assert together == [features(t) for t in some]
    assert together[1]["refusal"] == 1 and together[-1]["exclamations"] == 1 and not any(together[0].values())


@pytest.mark.parametrize(
    "text", ["Hm。I can't help with that。", "Hm. I can't help with that.", "No！I can't help with that。Bye！"]
)
def test_a_refusal_is_found_behind_ends_that_no_space_follows(text: str) -> None:
    assert features(text)["refusal"] == 1


def test_words_that_no_phrase_names_are_kept_apart_by_kind() -> None:
    """Whatever was read before: a number is a word, a word is no number, and a sign is neither."""
    rules = Matcher([Lexicon("any", ("see _ now",)), Lexicon("number", ("see # now",))])
    cases = {"river": [1, 0], "12": [1, 1], ",": [0, 0], "§": [0, 0]}
    for order in (list(cases), list(cases)[::-1]):
        for middle in order:
            assert rules.count(["see", middle, "now"]) == cases[middle], middle
