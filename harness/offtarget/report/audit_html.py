"""The audit report: one self-contained page that says what a preference set rewards, and on what evidence."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from offtarget.audit.evidence import Concept
from offtarget.audit.records import Audit, Hypothesis, Prediction
from offtarget.audit.workings import Workings
from offtarget.data.pairs import Pair, PairSet
from offtarget.lens.features import FeatureMatrix
from offtarget.report.amounts import effect_size, interval, shift, size_of
from offtarget.report.cards import SPANS, evidence_cards
from offtarget.report.claims import brief, counts, glance, truth_line
from offtarget.report.composition import compositions, typical_prompts
from offtarget.report.html import environment, render_page
from offtarget.report.marks import Marks
from offtarget.report.plots.effects import Interval, forest
from offtarget.report.statements import Stated, inside, state, tier
from offtarget.store import write_atomic

REPORT_FILE = "report.html"
FOREST_ROWS, UNNAMED_ROWS, QUIET_ROWS = 25, 5, 10
"""Of the chart: in all, of concepts without a name, and where nothing is a finding."""
CAPPED = 100.0
"""An effect size of this stands for one without an upper end: all rows differ alike."""
TABLE_ROWS = 1500
"""Hypotheses in the table; all are in audit.json."""
PREDICTIONS = 40
KINDS = 30
"""Kinds of prompt in the table."""
STABLE = 0.75
VIEWS = {"overall": "Whole set", "global": "By topic", "local": "By kind of prompt", "metadata": "By metadata"}


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
    audit: Audit,
    pairs: PairSet | Iterable[Pair] | None,
    out: Path,
    features: Sequence[FeatureMatrix] = (),
    workings: Workings | None = None,
) -> Path:
    """Write the report of an audit.

    Args:
        audit: the record (`AuditFolder.audit`).
        pairs: the audited rows, for the examples; None shows numbers alone.
        out: the file to write, or a folder for `report.html`.
        features: of the audit's lenses, to highlight the tokens on which a concept fires.
        workings: the rows behind it, to put findings on the same rows together.

    Returns:
        The file that was written.
    """
    path = out / REPORT_FILE if out.is_dir() or out.suffix != ".html" else out
    return write_atomic(path, audit_page(audit, pairs, features, workings))


def audit_page(
    audit: Audit,
    pairs: PairSet | Iterable[Pair] | None = None,
    features: Sequence[FeatureMatrix] = (),
    workings: Workings | None = None,
) -> str:
    """The report as text of a page that loads nothing and runs no script but its own."""
    by_id = {} if pairs is None else {p.id: p for p in (pairs.pairs if isinstance(pairs, PairSet) else pairs)}
    concepts = {c.id: c for c in audit.concepts}
    contexts = {c.id: c.title for c in audit.contexts}
    table = _table(audit)
    stated = state(audit, workings)
    env = environment()
    env.filters.update(shift=shift, size_of=size_of, interval=interval, effect_size=effect_size)
    return render_page(
        env,
        "audit.html.j2",
        audit=audit,
        glance=glance(audit, stated),
        counts=counts(audit),
        truth=truth_line(audit),
        found_by={h.id: _named_in(h, concepts, contexts) for h in audit.hypotheses} if audit.truth else {},
        concepts=concepts,
        contexts=contexts,
        forest=_forest(audit, stated),
        table=table,
        n_hidden=len(audit.hypotheses) - len(table),
        compositions=compositions(audit),
        topics=_contexts(audit, concepts, "topic", by_id),
        n_empty_topics=sum(c.kind == "topic" and not c.n for c in audit.contexts),
        stability=_stability(audit),
        kinds=_contexts(audit, concepts, "prompt", by_id),
        cards=evidence_cards(audit, stated, contexts, by_id, Marks(features)),
        spans=SPANS,
        beyond=_beyond(audit),
        has_text=bool(by_id),
        predictions=_predictions(audit),
    )


@dataclass(frozen=True)
class Forest:
    """One chart in two shapes: for a wide page, and for a telephone."""

    wide: Markup
    narrow: Markup


def effects(audit: Audit, stated: Stated) -> list[Interval]:
    """The lines of the chart: the statements, then what has no name; without any finding, the named concepts that lean most."""
    concepts = {c.id: c for c in audit.concepts}
    leading = [*(s.lead for s in stated.statements), *stated.unnamed[:UNNAMED_ROWS]][:FOREST_ROWS]
    if not leading:
        tested = [h for h in audit.hypotheses if h.view == "overall" and concepts[h.concept].named]
        leading = sorted(tested, key=lambda h: (-abs(h.d), h.id))[:QUIET_ROWS]
    rows = []
    for h in leading:
        scale = h.d / h.effect if h.effect else 0.0  # intervals are of the effect; d is the effect in sd of u
        equal = stated.equal.get(h.concept)
        rows.append(
            Interval(
                concepts[h.concept].title,
                h.d,
                (h.ci[0] * scale, h.ci[1] * scale) if scale and abs(h.d) < CAPPED else None,
                tone="up" if h.direction == "chosen" else "down",
                faint=not h.finding,
                beside=h.d * equal.share if equal is not None and abs(h.d) < CAPPED else None,
                text=effect_size(h.d),
            )
        )
    return rows


X_LABEL = "Cohen's d   (left: more in rejected · right: more in chosen)"


def _forest(audit: Audit, stated: Stated) -> Forest | None:
    """The chart of the effects; None where there is nothing to draw."""
    rows = effects(audit, stated)
    if not rows:
        return None
    wide, narrow = (
        forest(
            rows,
            name=f"forest-{shape}",
            x_label=label,
            alt=f"Effects of the {len(rows)} concepts that lean most, with 95 % intervals",
            narrow=shape == "narrow",
        )
        for shape, label in (("wide", X_LABEL), ("narrow", "Cohen's d (left: rejected, right: chosen)"))
    )
    return Forest(wide, narrow)


def _named_in(h: Hypothesis, concepts: Mapping[str, Concept], contexts: Mapping[str, str]) -> str:
    """A finding by the name of its concept and of the rows it is about."""
    where = "" if h.context is None else f", where: {contexts.get(h.context, h.context)}"
    return concepts[h.concept].title + where


def _table(audit: Audit) -> list[Hypothesis]:
    """Whole-set hypotheses first, then the others; named concepts before the rest, by p; cut to what a page can carry."""
    of = {c.id: tier(c) for c in audit.concepts}
    ordered = sorted(audit.hypotheses, key=lambda h: (h.view != "overall", of[h.concept], h.p, -abs(h.z), h.id))
    return ordered[:TABLE_ROWS]


def _contexts(audit: Audit, concepts: Mapping[str, Concept], kind: str, by_id: Mapping[str, Pair]) -> list[Topic]:
    """Topics that hold rows, by size; or the kinds of prompt in which something leans otherwise, the clearest first."""
    tested: dict[str, list[Hypothesis]] = defaultdict(list)
    for h in audit.hypotheses:
        if h.context is not None:
            tested[h.context].append(h)

    def leaning(hs: Sequence[Hypothesis], direction: str) -> tuple[tuple[str, float], ...]:
        found = inside([h for h in hs if h.finding and h.direction == direction], concepts)
        found.sort(key=lambda h: (tier(concepts[h.concept]), -abs(h.d), h.id))
        largest: dict[str, float] = {}
        for h in found:  # several clusters of latents may go by one name: the largest speaks for them
            largest.setdefault(brief(concepts[h.concept].title), h.d)
        return tuple(largest.items())[:4]

    out = []
    contexts = [c for c in audit.contexts if c.kind == kind and c.n]
    if kind == "prompt":
        clearest = {c.id: max((abs(h.z) for h in tested[c.id] if h.finding), default=0.0) for c in contexts}
        contexts = [c for c in contexts if clearest[c.id]]
        contexts = sorted(contexts, key=lambda c: (-clearest[c.id], c.id))[:KINDS]
    else:
        contexts.sort(key=lambda c: (-c.n, c.id))
    for c in contexts:
        hs = tested[c.id]
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
    return {"n": len(found), "median": float(np.median(found)), "stable": float(np.mean(np.array(found) > STABLE))}


def _beyond(audit: Audit) -> list[str]:
    """What of the large families has less than the rest, in sentences for the method's part of the page."""
    out = []
    for view, f in audit.families.items():
        name = VIEWS.get(view, view)
        if f.controlled < f.tested:
            out.append(
                f"{name}: of {f.tested:,} hypotheses the {f.controlled:,} with the smallest p have an effect at equal length; "
                "random draws were made for them, and for the others as far as time allows."
            )
        if f.listed < f.tested:
            out.append(f"{name}: the {f.listed:,} with the smallest p are listed; workings.npz has all.")
    return out


def _predictions(audit: Audit) -> list[Prediction]:
    """The largest expected shifts, of named concepts first; those that chance gives as well stay in, marked by the page.

    None of what the source says beside the texts: answers of a policy have no such columns.
    """
    of, beside = {c.id: tier(c) for c in audit.concepts}, audit.beside
    found = (p for p in audit.prediction if p.concept not in beside)
    order = sorted(found, key=lambda p: (of[p.concept], -abs(p.standardised), p.concept))
    return order[:PREDICTIONS]
