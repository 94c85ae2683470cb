"""The audit report: one self-contained page that says what a preference set rewards, and on what evidence."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from offtarget.audit.records import Audit, Concept, Correlate, Hypothesis, Peak, Prediction
from offtarget.data.pairs import Message, Pair, PairSet, text_of
from offtarget.errors import ConfigError
from offtarget.lens.features import FeatureMatrix
from offtarget.report.html import environment, number, percent, render_page
from offtarget.report.marks import Marks, Piece, pieces
from offtarget.report.plots.canvas import Tone
from offtarget.report.plots.effects import Interval, forest, volcano
from offtarget.report.plots.maps import Bubble, topic_map
from offtarget.store import write_atomic

REPORT_FILE = "report.html"
FOREST_ROWS = 25
TABLE_ROWS = 1500
"""Hypotheses in the table; all are in audit.json."""
PREDICTIONS = 40
KINDS = 30
"""Kinds of prompt in the table."""
STABLE = 0.75
MIN_MAPPED = 3
CARDS = 8
"""Evidence cards for each view."""
EXAMPLES = 5
PROMPT_CHARS = 320
RESPONSE_CHARS = 560
PEAK_CHARS = 60
_LENGTH_NOTE = "a measure of length itself"


@dataclass(frozen=True)
class Sentence:
    """One line of the summary, with the side it speaks for."""

    side: str
    text: str
    more: str = ""


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


@dataclass(frozen=True)
class Topic:
    """A context, with what leans there more than elsewhere."""

    label: str
    keywords: tuple[str, ...]
    n: int
    n_groups: int
    tested: int
    toward_chosen: tuple[tuple[str, float], ...]
    toward_rejected: tuple[tuple[str, float], ...]


def render_audit(
    audit: Audit, pairs: PairSet | Iterable[Pair] | None, out: Path, features: Sequence[FeatureMatrix] = ()
) -> Path:
    """Write the report of an audit.

    Args:
        audit: the record (`Audit.read`).
        pairs: the audited rows, for the examples; None shows numbers alone.
        out: the file to write, or a folder for `report.html`.
        features: of the audit's lenses, to highlight the tokens on which a concept fires.

    Returns:
        The file that was written.
    """
    path = out / REPORT_FILE if out.is_dir() or out.suffix != ".html" else out
    return write_atomic(path, audit_page(audit, pairs, features))


def audit_page(
    audit: Audit, pairs: PairSet | Iterable[Pair] | None = None, features: Sequence[FeatureMatrix] = ()
) -> str:
    """The report as text of a page that loads nothing and runs no script but its own."""
    by_id = {} if pairs is None else {p.id: p for p in (pairs.pairs if isinstance(pairs, PairSet) else pairs)}
    concepts = {c.id: c for c in audit.concepts}
    contexts = {c.id: c.label for c in audit.contexts}
    table = _table(audit)
    return render_page(
        environment(),
        "audit.html.j2",
        audit=audit,
        glance=glance(audit),
        concepts=concepts,
        contexts=contexts,
        forest=_forest(audit, concepts),
        volcano=_volcano(audit, concepts, contexts),
        table=table,
        n_hidden=len(audit.hypotheses) - len(table),
        topics=_contexts(audit, concepts, "topic"),
        topic_map=_topic_map(audit),
        stability=_stability(audit),
        kinds=_contexts(audit, concepts, "prompt"),
        cards=_cards(audit, concepts, contexts, by_id, Marks(features)),
        has_text=bool(by_id),
        predictions=_predictions(audit),
    )


def glance(audit: Audit, most: int = 8) -> list[Sentence]:
    """What the data rewards, in plain sentences that each stand on one number.

    Args:
        audit: the record.
        most: how many concepts at the most.
    """
    concepts = {c.id: c for c in audit.concepts}
    longer = audit.dataset.chosen_longer
    side = "up" if longer > 0.5 else "down"
    out = [
        Sentence(
            side if abs(longer - 0.5) >= 0.02 else "plain", f"Chosen is longer in {percent(longer)} of rows."
        )
    ]
    found = [h for h in audit.hypotheses if h.view == "overall" and h.finding]
    for h, others in speakers([h for h in found if h.length_note != _LENGTH_NOTE], concepts)[:most]:
        side = "up" if h.direction == "chosen" else "down"
        more = length_verdict(h)
        if others:
            along = f"{others} {'concept' if others == 1 else 'concepts'} of latents along with it"
            more = f"{more} · {along}" if more else along
        out.append(Sentence(side, _claim(h, concepts[h.concept]), more))
    for view, noun in (
        ("overall", "concepts lean over the whole set"),
        ("global", "leans are particular to a topic"),
        ("local", "leans are particular to a kind of prompt"),
    ):
        family = audit.families.get(view)  # type: ignore[call-overload]
        if family is not None and family.tested:
            text = f"{family.findings:,} of {family.tested:,} tested {noun} (q < 0.05)."
            null = family.shuffled
            more = "" if null is None else f"with shuffled labels: {null.mean_findings:.2g} on average"
            out.append(Sentence("plain", text, more))
    return out


def speakers(
    hypotheses: Sequence[Hypothesis], concepts: Mapping[str, Concept]
) -> list[tuple[Hypothesis, int]]:
    """One hypothesis for all concepts that go along with the same surface concept, the largest |d| first.

    The surface concept speaks where it is among them, else the concept that leans most. Concepts without a
    surface correlate speak for themselves.

    Returns:
        Hypotheses, each with the number of others that it speaks for.
    """
    groups: dict[str, list[Hypothesis]] = defaultdict(list)
    by_concept = {h.concept: h for h in hypotheses}
    for h in sorted(hypotheses, key=lambda h: (-abs(h.d), h.id)):
        groups[_spoken_for(h, concepts[h.concept].evidence.correlate, by_concept)].append(h)
    out = []
    for name, members in groups.items():
        speaker = next((h for h in members if h.concept == name), members[0])
        out.append((speaker, len(members) - 1))
    return sorted(out, key=lambda t: (-abs(t[0].d), t[0].id))


def _spoken_for(h: Hypothesis, along: Correlate | None, by_concept: Mapping[str, Hypothesis]) -> str:
    """The group of a hypothesis: a surface concept that it leans with, else that of its own."""
    if along is None:
        return h.concept
    way = along.r * h.d
    rule = by_concept.get(along.concept)
    if rule is None:  # no rule to speak: those that lean the same way along it stand together
        return f"{along.concept}, {'more' if way > 0 else 'less'}"
    # a rule that leans the other way, or less surely, cannot speak for it
    return rule.concept if rule.d * way > 0 and rule.finding >= h.finding else h.concept


def _claim(h: Hypothesis, c: Concept) -> str:
    """A hypothesis as a sentence about two numbers."""
    e = c.evidence
    label = _capital(c.title)
    if h.outside_mean is not None:
        inside, outside = number(h.inside_mean, sign=True), number(h.outside_mean, sign=True)
        gap = f"chosen minus rejected is {inside} here, {outside} in the other rows"
        return f"{label}: {gap} ({e.effect_unit})."
    if e.contrast in {"presence", "cluster", "standardised"}:
        verb = "in" if e.contrast == "presence" else "fires in"
        rates = percent(e.chosen_rate), percent(e.rejected_rate)
        return f"{label}: {verb} {rates[0]} of chosen, {rates[1]} of rejected responses."
    share = e.more_in_chosen if h.direction == "chosen" else e.more_in_rejected
    unit = "" if c.title.startswith(e.unit) else f" {e.unit}"
    means = f"{number(e.chosen_mean)}{unit} in chosen, {number(e.rejected_mean)} in rejected"
    return f"{label}: {means}; more in {h.direction} in {percent(share)} of rows."


def _brief(label: str) -> str:
    """A label without the examples in parentheses at its end."""
    return label.split(" (")[0]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def length_verdict(h: Hypothesis) -> str:
    """What is left of an effect at equal length, in words; empty where it simply stays."""
    control = h.length_controlled
    if control is None:
        return h.length_note or ""
    if control.q >= 0.05:
        return "not significant at equal length"
    if control.effect * h.effect < 0:
        return "at equal length it turns around"
    return ""


def _forest(audit: Audit, concepts: Mapping[str, Concept]) -> Markup:
    overall = [h for h, _ in speakers([h for h in audit.hypotheses if h.view == "overall"], concepts)]
    rows = [
        Interval(
            concepts[h.concept].title,
            h.d,
            # the interval is of the effect; d is the effect in sd of u, so it scales with it
            (h.ci[0] * h.d / h.effect, h.ci[1] * h.d / h.effect) if h.effect else None,
            tone="up" if h.direction == "chosen" else "down",
            faint=not h.finding,
        )
        for h in overall[:FOREST_ROWS]
    ]
    return forest(
        rows,
        name="forest",
        x_label="Cohen's d   (left: more in rejected · right: more in chosen)",
        alt=f"Effects of the {len(rows)} concepts that lean most, with 95 % intervals",
    )


def _volcano(audit: Audit, concepts: Mapping[str, Concept], contexts: Mapping[str, str]) -> Markup:
    hs = audit.hypotheses
    names = []
    for h in hs:
        topic = f" @ {contexts.get(h.context, h.context)}" if h.context else ""
        names.append(_brief(concepts[h.concept].title) + topic)
    return volcano(
        [h.d for h in hs],
        [h.q for h in hs],
        names,
        name="volcano",
        alt=f"Effect size against evidence for {len(hs)} hypotheses",
    )


def _table(audit: Audit) -> list[Hypothesis]:
    """Whole-set hypotheses first, then the others, each by p; cut to what a page can carry."""
    ordered = sorted(audit.hypotheses, key=lambda h: (h.view != "overall", h.p, -abs(h.z), h.id))
    return ordered[:TABLE_ROWS]


def _contexts(audit: Audit, concepts: Mapping[str, Concept], kind: str) -> list[Topic]:
    """Topics, all of them, by size; or the kinds of prompt in which something leans otherwise, the clearest first."""
    inside: dict[str, list[Hypothesis]] = defaultdict(list)
    for h in audit.hypotheses:
        if h.context is not None:
            inside[h.context].append(h)

    def leaning(hs: Sequence[Hypothesis], direction: str) -> tuple[tuple[str, float], ...]:
        found = [h for h in hs if h.finding and h.direction == direction]
        found.sort(key=lambda h: (-abs(h.d), h.id))
        largest: dict[str, float] = {}
        for h in found:  # several clusters of latents may go by one name: the largest speaks for them
            largest.setdefault(_brief(concepts[h.concept].title), h.d)
        return tuple(largest.items())[:4]

    out = []
    contexts = [c for c in audit.contexts if c.kind == kind]
    if kind == "prompt":
        clearest = {c.id: max((abs(h.z) for h in inside[c.id] if h.finding), default=0.0) for c in contexts}
        contexts = [c for c in contexts if clearest[c.id]]
        contexts = sorted(contexts, key=lambda c: (-clearest[c.id], c.id))[:KINDS]
    else:
        contexts.sort(key=lambda c: (-c.n, c.id))
    for c in contexts:
        hs = inside[c.id]
        both = leaning(hs, "chosen"), leaning(hs, "rejected")
        more = tuple(w for w in c.keywords if w not in c.label)
        out.append(Topic(c.label, more, c.n, c.n_groups, len(hs), *both))
    return out


def _stability(audit: Audit) -> dict[str, float] | None:
    """How well other seeds find the clusters of latents: their number, median overlap, share above 0.75."""
    found = [c.evidence.stability for c in audit.concepts if c.evidence.stability is not None]
    if not found:
        return None
    return {
        "n": len(found),
        "median": float(np.median(found)),
        "stable": float(np.mean(np.array(found) > STABLE)),
    }


def _topic_map(audit: Audit) -> Markup:
    """The topics by how near their centres lie: the two leading principal components of the centroids."""
    try:
        topics = audit.vocabulary_record.topics
    except ConfigError:  # a record without its folder
        return Markup("")
    if topics is None or len(topics) < MIN_MAPPED:
        return Markup("")
    centred = topics.centroids.astype(np.float64) - topics.centroids.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    at = u[:, :2] * s[:2]
    # a component's sign is arbitrary: the largest entry points up or right
    at *= np.sign(at[np.argmax(np.abs(at), axis=0), [0, 1]])
    here = {c.id: c for c in audit.contexts}
    leans: dict[str, tuple[float, float]] = {}
    for h in audit.hypotheses:
        if h.view == "global" and h.context and h.finding:
            up, down = leans.get(h.context, (0, 0))
            leans[h.context] = (up + (h.direction == "chosen"), down + (h.direction == "rejected"))
    bubbles = []
    for k, topic in enumerate(topics.ids):
        up, down = leans.get(topic, (0, 0))
        tone: Tone = "muted" if not up + down else "up" if up >= down else "down"
        bubbles.append(Bubble(topics.labels[k], float(at[k, 0]), float(at[k, 1]), here[topic].n, tone))
    share = float((s[:2] ** 2).sum() / max((s**2).sum(), 1e-12))
    return topic_map(bubbles, share, name="topics", alt=f"{len(bubbles)} topics by nearness")


def _cards(
    audit: Audit,
    concepts: Mapping[str, Concept],
    contexts: Mapping[str, str],
    by_id: Mapping[str, Pair],
    marks: Marks,
) -> list[Card]:
    predicted = {p.concept: p for p in audit.prediction}
    cards = []
    noun = {c.id: "topic" if c.kind == "topic" else "prompts" for c in audit.contexts}
    for view in ("overall", "global", "local"):
        found = [h for h in audit.hypotheses if h.finding and h.view == view]
        found.sort(key=lambda h: (-abs(h.z), h.id))
        if view == "overall":
            found = [h for h, _ in speakers(found, concepts)]
        for h in found[:CARDS]:
            c = concepts[h.concept]
            shown = [by_id[i] for i in h.rows if i in by_id][:EXAMPLES]
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
                    _claim(h, c),
                    length_verdict(h) if h.length_controlled else "",
                    shift,
                    tuple(examples),
                    tuple(firing),
                )
            )
    return cards


def _example(p: Pair, members: Sequence[str], marks: Marks) -> Example:
    texts = {"chosen": text_of(p.chosen), "rejected": text_of(p.rejected)}
    chosen, rejected = (
        tuple(pieces(text, marks.places(members, p.id, side), RESPONSE_CHARS)) for side, text in texts.items()
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


def _predictions(audit: Audit) -> list[Prediction]:
    """The largest expected shifts; those that chance gives as well stay in, marked by the page."""
    return sorted(audit.prediction, key=lambda p: (-abs(p.standardised), p.concept))[:PREDICTIONS]
