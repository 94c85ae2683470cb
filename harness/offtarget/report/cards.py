"""Evidence cards: a leading hypothesis with its numbers, its strongest places and its example pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from offtarget.audit.evidence import Concept, Peak
from offtarget.audit.records import Q_FINDING, Audit, Hypothesis, Prediction
from offtarget.data.pairs import Message, Pair, text_of
from offtarget.data.sides import names_of
from offtarget.lens.names import concept_parts
from offtarget.lens.surface import quality
from offtarget.lens.surface.places import places
from offtarget.report.amounts import effect_of, interval, shift
from offtarget.report.claims import claim, length_verdict, together
from offtarget.report.marks import Marks, Piece, pieces
from offtarget.report.statements import Stated, inside

CARDS, UNNAMED_CARDS, CONTEXT_CARDS = 8, 4, 4
"""Of the statements, of concepts without a name, and of each view of parts of the rows."""
EXAMPLES = 5
RESPONSE_CHARS = 560
PEAK_CHARS = 60
SPANS = 3
"""Of a concept without a name: its strongest places that are in view."""
METADATA = 6
"""Columns of a row that are shown with its texts."""
NOUNS = {"topic": "topic", "prompt": "prompts", "metadata": "rows"}


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
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Card:
    """A leading hypothesis with all that speaks for and against it."""

    hypothesis: Hypothesis
    concept: Concept
    where: str
    claim: str
    rule: str
    """How well the phrase rule finds what it counts that the concept is; empty for other concepts."""
    along: str
    """What goes with it, where it leads a statement."""
    verdict_on_length: str
    effect: str
    """With its unit, and with its 95 % interval."""
    interval: str
    at_equal_length: str
    """The same effect where both responses are of one length, in the same unit; empty where there is none."""
    interval_at_equal_length: str
    prediction: Prediction | None
    examples: tuple[Example, ...]
    firing: tuple[tuple[Piece, ...], ...]
    """Where the concept fires strongest in the whole set, each a few words around the token."""


def evidence_cards(
    audit: Audit, stated: Stated, contexts: Mapping[str, str], by_id: Mapping[str, Pair], marks: Marks
) -> list[Card]:
    """The cards of the statements on the whole set, of the strongest concepts without a name, and of each other view.

    In a part of the rows only what length does not explain gets a card, one for each concept, named ones first.

    Args:
        audit: the record.
        stated: its findings over the whole set, put together.
        contexts: label of each, by id.
        by_id: the rows, for examples; may be empty.
        marks: where concepts fire in responses.
    """
    concepts = {c.id: c for c in audit.concepts}
    predicted = {p.concept: p for p in audit.prediction}
    kind = {c.id: NOUNS[c.kind] for c in audit.contexts}
    said = {s.lead.id: s for s in stated.statements}
    leading = [*(s.lead for s in stated.statements[:CARDS]), *stated.unnamed[:UNNAMED_CARDS]]
    for view in ("global", "local", "metadata"):
        leading += _leading_inside(audit, view, concepts)
    out = []
    for h in leading:
        c = concepts[h.concept]
        shown = spread_over_prompts([by_id[i] for i in h.rows if i in by_id])[:EXAMPLES]
        held = h.length_controlled
        where = "whole set"
        if h.context is not None:
            where = f"{kind.get(h.context, 'context')}: {contexts.get(h.context, h.context)}"
        out.append(
            Card(
                h,
                c,
                where,
                claim(h, c),
                quality.stated(c.members[0]) if len(c.members) == 1 and c.lens == "surface" else "",
                together(said[h.id], concepts) if h.id in said else "",
                length_verdict(h) if h.length_controlled else "",
                *effect_of(h, c.evidence),
                "" if held is None else shift(held.effect, c.evidence),
                "" if held is None else interval(held.ci, c.evidence),
                predicted.get(h.concept) if h.context is None else None,
                tuple(_example(p, c.members, marks) for p in shown),
                tuple(_excerpt(p, by_id[p.row]) for p in c.evidence.peaks if p.row in by_id and p.stop > p.start),
            )
        )
    return out


def _leading_inside(audit: Audit, view: str, concepts: Mapping[str, Concept]) -> list[Hypothesis]:
    """The clearest findings of one view of parts of the rows, one for each concept, those of named concepts first."""
    found = [h for h in audit.hypotheses if h.finding and h.view == view]
    found = [h for h in found if h.length_controlled is None or h.length_controlled.q < Q_FINDING]
    out: dict[str, Hypothesis] = {}
    for h in inside(found, concepts):
        out.setdefault(h.concept, h)
    return list(out.values())[:CONTEXT_CARDS]


def spread_over_prompts(pairs: Sequence[Pair]) -> list[Pair]:
    """The first pair of each prompt, then the others, both in their order."""
    first = {p.group: p.id for p in reversed(pairs)}
    return sorted(pairs, key=lambda p: first[p.group] != p.id)


def _example(p: Pair, members: Sequence[str], marks: Marks) -> Example:
    texts = {"chosen": text_of(p.chosen), "rejected": text_of(p.rejected)}
    lens, name = concept_parts(members[0])
    chosen, rejected = (
        tuple(
            pieces(text, places(name, text) if lens == "surface" else marks.places(members, p.id, side), RESPONSE_CHARS)
        )
        for side, text in texts.items()
    )
    sides = sides_of(p, members) if lens == "columns" else ()
    metadata = (*sides, *((name, str(value)) for name, value in p.meta.items()))[:METADATA]
    sizes = len(texts["chosen"]), len(texts["rejected"])
    return Example(p.id, last_turns(p.prompt), *sizes, chosen, rejected, metadata)


def sides_of(p: Pair, members: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What the source says of either side in the columns that a concept of the lens `columns` is made of."""
    name = concept_parts(members[0])[1].partition("=")[0]
    return tuple(
        (f"{side} {name}", "-" if value is None else str(value))
        for stem, values in p.sides.items()
        if name in names_of(stem)
        for side, value in zip(("chosen", "rejected"), values, strict=True)
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


def last_turns(prompt: Sequence[Message]) -> str:
    """The last user turn, with a mark where others are before it."""
    last = prompt[-1]["content"] if prompt else ""
    return f"[{len(prompt) - 1} earlier turns] {last}" if len(prompt) > 1 else last
