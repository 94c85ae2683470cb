"""The audit report: one self-contained page that says what a preference set rewards, and on what evidence."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from offtarget.audit.evidence import Concept
from offtarget.audit.records import Audit, Hypothesis, Prediction
from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError
from offtarget.lens.features import FeatureMatrix
from offtarget.report.cards import evidence_cards
from offtarget.report.claims import brief, glance, speakers
from offtarget.report.composition import compositions, typical_prompts
from offtarget.report.html import environment, render_page
from offtarget.report.marks import Marks
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


@dataclass(frozen=True)
class Topic:
    """A context, with what leans there more than elsewhere."""

    label: str
    keywords: tuple[str, ...]
    prompts: tuple[str, ...]
    """The first words of typical ones."""
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
    contexts = {c.id: c.title for c in audit.contexts}
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
        compositions=compositions(audit),
        topics=_contexts(audit, concepts, "topic", by_id),
        topic_map=_topic_map(audit),
        stability=_stability(audit),
        kinds=_contexts(audit, concepts, "prompt", by_id),
        cards=evidence_cards(audit, concepts, contexts, by_id, Marks(features)),
        has_text=bool(by_id),
        predictions=_predictions(audit),
    )


def _forest(audit: Audit, concepts: Mapping[str, Concept]) -> Markup:
    everywhere = [h for h in audit.hypotheses if h.view == "overall"]
    found, others = [h for h in everywhere if h.finding], [h for h in everywhere if not h.finding]
    overall = [h for h, _ in speakers(found, concepts)]
    if len(overall) < FOREST_ROWS:
        overall += [h for h, _ in speakers(others, concepts)]
    overall = sorted(overall[:FOREST_ROWS], key=lambda h: (-abs(h.d), h.id))
    rows = [
        Interval(
            concepts[h.concept].title,
            h.d,
            # the interval is of the effect; d is the effect in sd of u, so it scales with it
            (h.ci[0] * h.d / h.effect, h.ci[1] * h.d / h.effect) if h.effect else None,
            tone="up" if h.direction == "chosen" else "down",
            faint=not h.finding,
        )
        for h in overall
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
        names.append(brief(concepts[h.concept].title) + topic)
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


def _contexts(
    audit: Audit, concepts: Mapping[str, Concept], kind: str, by_id: Mapping[str, Pair]
) -> list[Topic]:
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
            largest.setdefault(brief(concepts[h.concept].title), h.d)
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
        prompts = typical_prompts(c, by_id)
        out.append(Topic(c.title, more, prompts, c.n, c.n_groups, len(hs), *both))
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


def _predictions(audit: Audit) -> list[Prediction]:
    """The largest expected shifts; those that chance gives as well stay in, marked by the page."""
    return sorted(audit.prediction, key=lambda p: (-abs(p.standardised), p.concept))[:PREDICTIONS]
