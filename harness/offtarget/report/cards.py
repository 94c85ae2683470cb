"""Evidence cards: a leading hypothesis with its numbers, its strongest places and its example pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from offtarget.audit.evidence import Concept, Peak
from offtarget.audit.records import Audit, Hypothesis, Prediction
from offtarget.data.pairs import Message, Pair, text_of
from offtarget.lens.places import places
from offtarget.report.claims import claim, length_verdict, speakers
from offtarget.report.marks import Marks, Piece, pieces

CARDS = 8
"""Of each view."""
EXAMPLES = 5
RESPONSE_CHARS = 560
PEAK_CHARS = 60


@dataclass(frozen=True)
class Example:
    """One pair of an evidence card."""

    id: str
    prompt: str
    n_chosen: int
    """Characters of the whole response."""
    n_rejected: int
    chosen: tuple[Piece, ...]
    rejected: tuple[Piece, ...]


@dataclass(frozen=True)
class Card:
    """A leading hypothesis with all that speaks for and against it."""

    hypothesis: Hypothesis
    concept: Concept
    where: str
    claim: str
    verdict_on_length: str
    prediction: Prediction | None
    examples: tuple[Example, ...]
    firing: tuple[tuple[Piece, ...], ...]
    """Where the concept fires strongest in the whole set, each a few words around the token."""


def evidence_cards(
    audit: Audit,
    concepts: Mapping[str, Concept],
    contexts: Mapping[str, str],
    by_id: Mapping[str, Pair],
    marks: Marks,
) -> list[Card]:
    """The cards of the leading hypotheses of every view.

    Args:
        audit: the record.
        concepts: by id.
        contexts: label of each, by id.
        by_id: the rows, for examples; may be empty.
        marks: where concepts fire in responses.
    """
    predicted = {p.concept: p for p in audit.prediction}
    cards = []
    nouns = {"topic": "topic", "prompt": "prompts", "metadata": "rows"}
    noun = {c.id: nouns[c.kind] for c in audit.contexts}
    for view in ("overall", "global", "local", "metadata"):
        found = [h for h in audit.hypotheses if h.finding and h.view == view]
        found.sort(key=lambda h: (-abs(h.z), h.id))
        if view == "overall":
            found = [h for h, _ in speakers(found, concepts)]
        if view == "metadata":  # one value for each concept: the table has the others
            first = {h.concept: h for h in reversed(found)}
            found = [h for h in found if first[h.concept] is h]
        for h in found[:CARDS]:
            c = concepts[h.concept]
            shown = spread_over_prompts([by_id[i] for i in h.rows if i in by_id])[:EXAMPLES]
            examples = [_example(p, c.members, marks) for p in shown]
            firing = [
                _excerpt(p, by_id[p.row]) for p in c.evidence.peaks if p.row in by_id and p.stop > p.start
            ]
            where = "whole set"
            if h.context is not None:
                where = f"{noun.get(h.context, 'context')}: {contexts.get(h.context, h.context)}"
            shift = predicted.get(h.concept) if view == "overall" else None
            cards.append(
                Card(
                    h,
                    c,
                    where,
                    claim(h, c),
                    length_verdict(h) if h.length_controlled else "",
                    shift,
                    tuple(examples),
                    tuple(firing),
                )
            )
    return cards


def spread_over_prompts(pairs: Sequence[Pair]) -> list[Pair]:
    """The first pair of each prompt, then the others, both in their order."""
    first = {p.group: p.id for p in reversed(pairs)}
    return sorted(pairs, key=lambda p: first[p.group] != p.id)


def _example(p: Pair, members: Sequence[str], marks: Marks) -> Example:
    texts = {"chosen": text_of(p.chosen), "rejected": text_of(p.rejected)}
    lens, _, name = members[0].partition(":")
    chosen, rejected = (
        tuple(
            pieces(
                text,
                places(name, text) if lens == "surface" else marks.places(members, p.id, side),
                RESPONSE_CHARS,
            )
        )
        for side, text in texts.items()
    )
    return Example(
        p.id, _last_turns(p.prompt), len(texts["chosen"]), len(texts["rejected"]), chosen, rejected
    )


def _excerpt(peak: Peak, p: Pair) -> tuple[Piece, ...]:
    """The words around a concept's strongest token, line breaks as spaces."""
    text = text_of(p.chosen if peak.side == "chosen" else p.rejected)
    begin, end = max(0, peak.start - PEAK_CHARS), min(len(text), peak.stop + PEAK_CHARS)
    parts = (text[begin : peak.start], text[peak.start : peak.stop], text[peak.stop : end])
    before, token, after = (part.replace("\n", " ⏎ ") for part in parts)
    return (
        Piece(("…" if begin else "") + before),
        Piece(token, marked=True),
        Piece(after + ("…" if end < len(text) else "")),
    )


def _last_turns(prompt: Sequence[Message]) -> str:
    """The last user turn, with a mark where others stand before it."""
    last = prompt[-1]["content"] if prompt else ""
    return f"[{len(prompt) - 1} earlier turns] {last}" if len(prompt) > 1 else last
