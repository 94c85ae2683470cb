"""What the prompts and answers of a set are made of: debris, stock answers, templates, languages."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

from offtarget.data import debris
from offtarget.data.language import is_english, latin_language, script, together
from offtarget.data.pairs import Pair, text_of
from offtarget.data.stock import SIDES, Side, effective_texts, stock_answers
from offtarget.data.templates import templates
from offtarget.records import Record

T = TypeVar("T")
SHOWN = 50
"""Ids, texts and templates that a report lists; the counts are of all."""
EXCERPT = 100
"""Characters of a text that are quoted."""
DEBRIS = {**debris.KINDS, debris.ECHO: "the prompt once more, word for word"}
"""Kinds of debris, and what to call them."""
SPANS = ("prompt", *SIDES)
OVERLONG = 100
"""Times the median answer from which on a length is odd."""
NAMED_BY = 200
"""Texts of each part by which a kind of debris is named."""


class Debris(Record):
    """One kind of text that nobody meant to be there."""

    kind: str
    told: str
    """The kind in words."""
    n_prompts: int
    """Rows whose prompt holds it, in any turn."""
    n_chosen: int
    n_rejected: int
    rows: tuple[str, ...]
    """Ids of rows with it; at most 50."""
    example: str
    """One of the texts where it is."""


class Stock(Record):
    """One text that answers many prompts of a side: three or more, and 0.5 % of it; all such texts are over 2 % of it."""

    text: str
    """Its first 100 characters."""
    n_rows: int
    n_prompts: int
    rows: tuple[str, ...]


class StockSide(Record):
    """The stock answers of one side."""

    answers: tuple[Stock, ...]
    n_rows: int
    """Rows of all stock answers."""
    effective_texts: float
    """As how many texts of equal frequency the whole side is."""


class FilledTemplate(Record):
    """A template that many prompts fill (`templates`)."""

    frame: str
    n_prompts: int
    n_rows: int
    rows: tuple[str, ...]


class Language(Record):
    """The language of one part of the rows, as letters and common words tell it."""

    scripts: dict[str, float]
    """Script -> share of texts with most letters of it; of those with any letter."""
    english: float
    """Share that is English, of the texts that tell by themselves; where fewer than a tenth do, 1 or 0: what short texts
    say together. 0 like `other` where nothing tells."""
    other: float
    """Share that is not."""
    by_themselves: float = 0.0
    """Share of the texts that tell by themselves; the rest is short, or code or names."""
    name: str = ""
    """The language of those in Latin letters that are not English, where it is plain."""


class Texts(Record):
    """What a set's texts are made of."""

    debris: tuple[Debris, ...]
    """Kinds that occur, the most lopsided first."""
    stock: dict[str, StockSide]
    """chosen and rejected, those that have any."""
    n_templates: int
    n_filled: int
    """Rows whose prompt fills a template."""
    templates: tuple[FilledTemplate, ...]
    language: dict[str, Language]
    """prompt, chosen, rejected."""
    n_other_script: int
    """Rows with an answer in another script than the prompt."""
    other_script: tuple[str, ...]
    n_overlong: int = 0
    """Rows with an answer longer than 100 times the median answer."""
    overlong: tuple[str, ...] = ()


def find_texts(pairs: Sequence[Pair]) -> Texts:
    """Look through all texts of at least one pair."""
    read = {
        "prompt": [text_of(p.prompt) for p in pairs],
        "chosen": [text_of(p.chosen) for p in pairs],
        "rejected": [text_of(p.rejected) for p in pairs],
    }
    found = templates(pairs)
    overlong = _overlong(pairs, read)
    written = {span: _each(texts, script) for span, texts in read.items()}
    foreign = [
        p.id
        for p, *scripts in zip(pairs, *(written[s] for s in SPANS), strict=True)
        if all(scripts) and len(set(scripts)) > 1
    ]
    return Texts(
        debris=tuple(_debris(pairs, read)),
        stock={side: told for side in SIDES if (told := _stock(pairs, side)).answers},
        n_templates=len(found),
        n_filled=sum(len(t.rows) for t in found),
        templates=tuple(
            FilledTemplate(
                frame=_cut(t.frame),
                n_prompts=t.n_prompts,
                n_rows=len(t.rows),
                rows=tuple(pairs[i].id for i in t.rows[:SHOWN]),
            )
            for t in found[:SHOWN]
        ),
        language={span: _language(texts, written[span]) for span, texts in read.items()},
        n_other_script=len(foreign),
        other_script=tuple(foreign[:SHOWN]),
        n_overlong=len(overlong),
        overlong=tuple(overlong[:SHOWN]),
    )


def _debris(pairs: Sequence[Pair], read: dict[str, list[str]]) -> list[Debris]:
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    example: dict[str, str] = {}
    for span, texts in read.items():
        found = _each(texts, lambda t: debris.places(_lines(t)))
        for i, places in enumerate(found):
            for kind, at in places.items():
                if span == "prompt" and kind in debris.OF_ANSWERS:
                    continue
                rows[kind][span].append(i)
                example.setdefault(kind, _around(_lines(texts[i]), at[0]))
        for i, p in enumerate(pairs):
            if span != "prompt" and (place := debris.echo(p.prompt, texts[i])):
                rows[debris.ECHO][span].append(i)
                example.setdefault(debris.ECHO, _around(texts[i], place))
    out = []
    for kind, name in DEBRIS.items():
        if kind in rows:
            where = [_lines(read[s][i]) for s in SPANS for i in rows[kind][s][:NAMED_BY]]
            told = name if kind == debris.ECHO else debris.told(kind, name, dict.fromkeys(where))
            n = {span: len(rows[kind][span]) for span in SPANS}
            answers = sorted({*rows[kind]["chosen"], *rows[kind]["rejected"]}) or sorted(rows[kind]["prompt"])
            out.append(
                Debris(
                    kind=kind,
                    told=told,
                    n_prompts=n["prompt"],
                    n_chosen=n["chosen"],
                    n_rejected=n["rejected"],
                    rows=tuple(pairs[i].id for i in answers[:SHOWN]),
                    example=example[kind],
                )
            )
    return sorted(out, key=lambda d: -abs(d.n_chosen - d.n_rejected))


def _stock(pairs: Sequence[Pair], side: Side) -> StockSide:
    found = stock_answers(pairs, side)
    return StockSide(
        answers=tuple(
            Stock(
                text=_cut(a.text),
                n_rows=len(a.rows),
                n_prompts=a.n_prompts,
                rows=tuple(pairs[i].id for i in a.rows[:SHOWN]),
            )
            for a in found[:SHOWN]
        ),
        n_rows=sum(len(a.rows) for a in found),
        effective_texts=effective_texts(pairs, side),
    )


def _language(texts: Sequence[str], written: Sequence[str]) -> Language:
    scripts = Counter(s for s in written if s)
    told = together(texts)
    foreign = [t for t, s in zip(texts, written, strict=True) if s == "Latin" and is_english(t) is False] or texts
    return Language(
        scripts={name: n / scripts.total() for name, n in scripts.most_common()},
        english=told.english,
        other=told.other,
        by_themselves=told.by_themselves,
        name=latin_language(foreign) if told.other else "",
    )


def _lines(text: str) -> str:
    """The text with one line feed for the line ends of all systems."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _overlong(pairs: Sequence[Pair], read: dict[str, list[str]]) -> list[str]:
    """Ids of the rows with an answer that is longer than `OVERLONG` times the median answer."""
    median = statistics.median(len(t) for side in SIDES for t in read[side])
    most = OVERLONG * max(median, 1)
    return [p.id for i, p in enumerate(pairs) if any(len(read[side][i]) > most for side in SIDES)]


def _each(texts: Sequence[str], read: Callable[[str], T]) -> list[T]:
    """What is read in each text, each different one once."""
    known = {t: read(t) for t in dict.fromkeys(texts)}
    return [known[t] for t in texts]


def _around(text: str, place: tuple[int, int]) -> str:
    """The place with what is around it, on one line."""
    start = max(0, place[0] - 30)
    return ("…" if start else "") + _cut(text[start : place[1] + 30])


def _cut(text: str) -> str:
    one = " ".join(text.split())
    return one if len(one) <= EXCERPT else one[: EXCERPT - 1] + "…"
