"""Many texts read at once with arrays say what one text says that is read alone, sign by sign."""

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from offtarget.data import debris, markup
from offtarget.data.repetition import _may_run, may_repeat
from offtarget.lens import surface
from offtarget.lens.surface import matching, measures, phrases, vocabulary
from offtarget.lens.surface.batch import Batch
from offtarget.lens.surface.lexicon import Lexicon, Matcher, tokenize, tokenize_lines
from offtarget.lens.surface.phrases.word_classes import CLASSES
from offtarget.lens.surface.prose import Prose
from offtarget.lens.surface.sentences import sentences
from offtarget.lens.surface.surroundings import Surroundings
from offtarget.lens.surface.templates import Choice, read_template

HERE = Path(__file__).parent
ODD = [
    "",
    " ",
    "\n",
    "\x00",
    "_",
    "# _",
    "'",
    "a",
    ".",
    "A. B. Smith met Dr. Jones, e.g. at St. Paul's. No. 5 etc. vs. Prof. X. Yes.",
    "don't ’tis o'clock rock'n'roll ''quoted'' a'b’c 'x' '",
    "I can‘t do it. I can´t. I can`t help with that. She said ‘I can’t’.",
    "I canʼt help with that.",
    "İstanbul ist groß; STRASSE ẞ ǅ ﬁ Σίσυφος",
    "日本語のテキストです。次の文！ 中文'引号'abc字def",
    "ภาษาไทย हिन्दी में पाठ। العربية؟ עִבְרִית",
    "a\u200bb\u2060c\ufeffd \u202eright\u202c\x07bell",
    "e\u0301te\u0301 n\u0303 \ud800 half \udfff",
    "👍🏽👩‍👩‍👧 🇩🇪 #️⃣ ©️ ☺ ✓ ★",
    "He said: “I'm sorry.” (Really?!) ...Then… what?? ”’») end",
    "!!!???...", '."', '." ', ".'x", ". . . a", "a.)b. c.) d", "1.5 3.14. 10.", "\t\tx\u00a0y\u2003z\x0bq\x1cw\r\nv\rlast",
    "**Bold** _it_ `code` [link](http://x.y) www.a.b/c\n\n> quoted I'm sorry\n\n- item\n1. one\n```\ncode I'm sorry\n```\n",
    "NASA and THE BIG ONE shouted LOUDLY at me IN CAPS and A B",
    "Great question! I'm so sorry, but I can't help with that. As an AI, I have no opinions. Let me know!",
    "You're right, and The Amazing Race is not amazing. “Wonderful,” she said. An Amazing Day",
    "no\nwords\n\n\n  here \n \n",
    "Sure, here's the letter:\n\nDear Ann,\nI'm sorry.\nKind regards,\nTom\n\nI hope this helps!",
    "x" * 5000, "ab " * 3000, "(" * 3000, "'" * 3000, "\n" * 3000, ". " * 3000, '"' * 2001,
]  # fmt: skip
PARTS = [
    "I", "can't", "cannot", "won’t", "help", "with", "that", "sorry", "Sorry", "I'm", "as", "an", "AI", "great", "question",
    "not", "if", "never", "the", "The", "Amazing", "amazing", "_", "#", "42", "7", "you", "your", "doctor", "see", "a", "please",
    "however", "let", "me", "know", "right", "of", "course", "sure", "here", "is", "perhaps", "may", "and/or", "é", "日", "’", "'",
    '"', "“", "”", "‘", "´", "`", ".", ",", "!", "?", "…", ":", ";", "-", "—", "(", ")", "*", "\n", "\n\n", "  ", "\t", "\u200b",
    "\ue000", "。", "e.g.", "Dr.", "\x00", "ʼ", "\u0301", "N0", "ALL", "CAPS",
]  # fmt: skip


def made(seed: int, n: int) -> Iterator[str]:
    """Texts of words that rules look for and signs that decide how they are read, with and without spaces."""
    rng = random.Random(seed)
    for _ in range(n):
        parts = rng.choices(PARTS if rng.random() < 0.7 else [p for p in PARTS if p.isascii()], k=rng.randrange(1, 60))
        yield "".join(p + rng.choice(("", " ", " ", " ")) for p in parts)


def labelled() -> list[str]:
    """Every labelled text and every variant of a refusal."""
    files = [*sorted((HERE / "labelled").glob("*.jsonl")), *sorted((HERE / "variants").glob("*.jsonl"))]
    rows = [json.loads(line) for f in files for line in f.read_text(encoding="utf-8").splitlines()]
    return [r["text"] for r in rows if isinstance(r.get("text"), str)]


TEXTS = [*ODD, *made(0, 400), *labelled()[::3]]


def counted(prose: list[Prose]) -> np.ndarray:
    return phrases.count(prose).counts


@pytest.mark.parametrize("ascii_only", [True, False])
def test_tokens_lines_and_sentences_are_those_of_each_text(ascii_only: bool) -> None:
    texts = [t for t in TEXTS if t.isascii() == ascii_only]
    assert len(texts) > 100
    batch = Batch(texts)
    words = vocabulary.Vocabulary(len, lambda _: None, 1)
    numbers = batch.numbers(words)
    spelled = {n: t for t, n in words.items()}
    bounds = batch.sentences_of_texts()
    for k, text in enumerate(texts):
        tokens, opens = tokenize_lines(text)
        own = slice(batch.edges[k] + 1, batch.edges[k + 1])
        assert [spelled[n] for n in numbers[own].tolist()] == tokens == tokenize(text)
        assert batch.n_tokens[k] == len(tokens)
        assert np.flatnonzero(batch.opens[own]).tolist() == sorted(o for o in opens if o < len(tokens))
        assert bounds[k] == list(sentences(text))
        assert batch.n_sentences[k] == len(bounds[k])
        assert batch.n_digits[k] == len(re.findall(r"\d", text))


def test_every_phrase_rule_counts_what_it_counts_in_each_text_alone() -> None:
    prose = [markup.read(debris.read(markup.unify_line_ends(t))[1]) for t in TEXTS]
    views = [Prose(m.prose, m.quoted) for m in prose]
    hits: Counter[str] = Counter()
    for ascii_only in (True, False):
        some = [v for v in views if v.text.isascii() == ascii_only]
        found = counted(some)
        for view, row in zip(some, found.tolist(), strict=True):
            fresh = Prose(view.text, view.quoted)
            alone = phrases._matcher().count(fresh.lower, fresh.tokens, fresh.opens)
            patterns = phrases.reader().find(fresh)
            assert row == [*alone, *(len(patterns.get(name, ())) for name in phrases.PATTERNS)], view.text
            hits.update(name for name, n in zip(phrases.RULES, row, strict=True) if n)
    assert set(hits) == set(phrases.RULES)


def test_each_rule_by_itself_with_plain_expressions_counts_the_same() -> None:
    """Templates as expressions over tokens, each rule alone, the longest of its phrases at each place."""
    texts = [t for t in [*labelled()[::6], *made(1, 60)] if t.isascii() and "\n" not in t][:250]
    texts = [t for t in texts if markup.read(t).prose == t and not debris.read(t)[0]]
    assert len(texts) > 100
    found = counted([Prose(t) for t in texts])
    for k, lexicon in enumerate(phrases.LEXICONS):
        ways = [(role, _expression(t)) for role, t in _templates(lexicon)]
        for text, row in zip(texts, found, strict=True):
            assert row[k] == _by_expressions(lexicon, ways, text), (lexicon.name, text)


def _templates(lexicon: Lexicon) -> list[tuple[str, str]]:
    return [("counts", t) for t in lexicon.phrases] + [
        (role, t) for role, some in (("exception", lexicon.exceptions), ("ended_by", lexicon.ended_by)) for t in some
    ]


def _expression(template: str) -> re.Pattern[str]:
    """A template over a text in which a space is behind each token."""

    def of(item: object) -> str:
        if isinstance(item, Choice):
            return "(?:" + "|".join("".join(map(of, way)) for way in item.options) + ")"
        assert isinstance(item, str)
        word = r"(?:[^\W_][^ ]*|_) "
        return {"_": word, "#": r"(?:[0-9]+|\#) "}.get(item, re.escape(item) + " ")

    marks = {"^": "(?P<begin>)", "$": "(?P<end>)", "/": "(?P<ahead>)"}  # not within a choice
    items = read_template(template, CLASSES)
    return re.compile("".join(marks[i] if isinstance(i, str) and i in marks else of(i) for i in items))


def _longest(way: re.Pattern[str], line: str, at: int, ends: list[int]) -> tuple[int, int] | None:
    """Where the longest way to match at a place ends, with and without what is only ahead of it."""
    best = None
    for stop in ends:  # an expression takes the first of several ways, so each end is tried by itself
        m = way.fullmatch(line, at, stop)
        if m:
            best = stop, (m.start("ahead") if "ahead" in way.groupindex else stop)
    return best


def _by_expressions(lexicon: Lexicon, ways: list[tuple[str, re.Pattern[str]]], text: str) -> int:
    written = tokenize(text)
    tokens = [t.lower() for t in written]
    line = "".join(t + " " for t in tokens)
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token) + 1)
    number = {place: k for k, place in enumerate(starts)}
    around = Surroundings(tokens, written, {0})
    n, free = 0, 0
    for k in range(len(tokens)):
        best: tuple[int, int, str] | None = None
        for role, way in ways:
            if "begin" in way.groupindex and not around.sentence_starts(k):
                continue
            if way.match(line, starts[k]) is None:
                continue
            ends = [e for e in starts[k + 1 :] if "end" not in way.groupindex or around.sentence_ends(number[e])]
            if (found := _longest(way, line, starts[k], ends)) and (
                best is None or (found[0], role != "counts") >= (starts[best[0]], best[2] != "counts")
            ):
                best = number[found[0]], number[found[1]], role
        if best is None or k < free:
            continue
        free = best[1]
        if best[2] == "ended_by":
            n = 0
        elif best[2] == "counts":
            n += (
                not (lexicon.opening and (k >= lexicon.opening or around.negated(k)))
                and not (lexicon.closing and k < len(tokens) - lexicon.closing)
                and (lexicon.names or not around.in_name(k, best[1]))
                and (lexicon.quoted or not around.quoted(k))
            )
    return n


def test_values_of_many_texts_are_those_of_each() -> None:
    texts = TEXTS[:: max(1, len(TEXTS) // 250)] + ODD
    together = surface.read(texts)
    for text, row in zip(texts, together.tolist(), strict=True):
        assert list(surface.features(text).values()) == row, text[:80]


def test_the_moving_average_is_that_of_the_walk_over_windows() -> None:
    rng = random.Random(3)
    texts = [[rng.randrange(1 + n // 3) for _ in range(n)] for n in (0, 1, 2, 49, 50, 51, 52, 120, 700)]
    found = measures._mattr(np.array([w for t in texts for w in t], np.int32), np.array([len(t) for t in texts]))
    assert found.tolist() == [measures.mattr([str(w) for w in t]) for t in texts]


def test_phrases_that_end_what_is_before_overlap_or_are_quoted_are_told_apart_in_each_text() -> None:
    lexicons = [
        Lexicon("a", ("x", "x y", "y {z|_} /w"), exceptions=("x y z",), ended_by=("stop",)),
        Lexicon("b", ("^ x", "q # y $", "y $"), opening=3, quoted=False),
        Lexicon("c", ("x _ _ z", "n't"), closing=4, names=False),
    ]
    matcher = Matcher(lexicons)
    steps = matching.Steps(matcher)
    words = vocabulary.Vocabulary(steps.kind, lambda _: None, 1)
    rng = random.Random(5)
    parts = [
        "x",
        "y",
        "z",
        "w",
        "X",
        "Y",
        "stop",
        "not",
        "7",
        '"',
        "“",
        "”",
        ".",
        ",",
        ":",
        "\n",
        "q",
        "_",
        "#",
        "don't",
    ]
    texts = [" ".join(rng.choices(parts, k=rng.randrange(0, 25))) for _ in range(600)]
    batch = Batch(texts)
    numbers = batch.numbers(words)
    flags, kinds = words.flags[numbers], words.kinds[numbers]
    flags[batch.edges], kinds[batch.edges] = vocabulary.ENDS, steps.edge
    found = matching.count(steps, matching.Tokens(batch, flags, kinds))
    assert found.sum(axis=0).min() > 20
    for text, row in zip(texts, found.tolist(), strict=True):
        tokens, opens = tokenize_lines(text)
        assert row == matcher.count([t.replace("’", "'").lower() for t in tokens], tokens, opens), text


def test_the_table_of_steps_may_grow_and_be_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [t for t in TEXTS if t.isascii()]
    before = surface.read(texts)
    monkeypatch.setattr(matching, "_MOST", 50)
    monkeypatch.setattr(measures, "TOGETHER", 2000)
    monkeypatch.setattr(phrases, "LARGEST", 100)
    assert np.array_equal(surface.read(texts), before)


def test_no_text_with_a_run_is_passed_over() -> None:
    rng = random.Random(2)
    texts = ["".join(rng.choices("ab é日", k=rng.randrange(0, 200))) * rng.randrange(1, 4) for _ in range(300)]
    texts += ["x" * 20_000, "", "short"]
    assert [t for t, may in zip(texts, may_repeat(texts), strict=True) if not may and _may_run(t)] == []
    assert not may_repeat(["All different words stand here, and none of them comes again." for _ in range(1)]).any()


@pytest.mark.parametrize("name", ["community_alignment_en", "politeness_pairs", "ultrafeedback_small"])
def test_real_answers_are_counted_as_each_alone(shared_data: Path, name: str) -> None:
    with gzip.open(shared_data / name / "pairs.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for _, line in zip(range(60), file, strict=False)]
    texts = list(dict.fromkeys(v for r in rows for k in ("chosen", "rejected") if isinstance(v := r[k], str)))
    assert texts
    marks = [markup.read(debris.read(markup.unify_line_ends(t))[1]) for t in texts]
    for m in marks:
        view = Prose(m.prose, m.quoted)
        alone = phrases._matcher().count(view.lower, view.tokens, view.opens)
        patterns = phrases.reader().find(view)
        row = counted([Prose(m.prose, m.quoted)])[0].tolist()
        assert row == [*alone, *(len(patterns.get(rule, ())) for rule in phrases.PATTERNS)]
    together = surface.read(texts)
    assert np.array_equal(together, np.array([list(surface.features(t).values()) for t in texts]))
