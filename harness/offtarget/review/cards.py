"""What the page shows of a hypothesis: a line of the list, and its card. JSON values; all text of the data is text."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from offtarget.audit.evidence import Concept
from offtarget.audit.records import Hypothesis
from offtarget.data.pairs import Pair, text_of
from offtarget.lens.names import concept_parts
from offtarget.lens.surface import quality
from offtarget.lens.surface.places import places
from offtarget.report.amounts import effect_of, effect_size, interval, shift, size_of
from offtarget.report.cards import METADATA, NOUNS, last_turns, sides_of
from offtarget.report.claims import claim, length_verdict
from offtarget.report.html import p_value, visible
from offtarget.report.marks import Piece, pieces
from offtarget.review.desk import Desk, Standing, expired, item_id, whole_id
from offtarget.review.file import Place
from offtarget.review.merge import Conflict
from offtarget.review.shards import Shards
from offtarget.verdicts import Verdict

PAIRS = 5
"""Pairs that a card opens with."""
CHARS, PROMPT_CHARS = 1600, 1000
CONTEXTS = 12
REFERENCE_R2 = (0.16, 0.44)
"""r² of `mean_disparity` over single latents on the five sets of docs/results/prediction.md, least and largest."""
REFERENCE_NULL = 0.06
"""The largest r² that swapped labels gave there (95th percentile)."""

Json = dict[str, Any]


class Cards:
    """The list and the cards of one desk.

    Args:
        desk: the audit and what was decided.
        shards: the rows behind it.
    """

    def __init__(self, desk: Desk, shards: Shards) -> None:
        self.desk, self.shards = desk, shards
        audit = desk.audit
        self.concepts = {c.id: c for c in audit.concepts}
        self.contexts = {c.id: c for c in audit.contexts}
        self.predicted = {p.concept: p for p in audit.prediction}

    @cached_property
    def _order(self) -> list[Hypothesis]:
        """Findings first, as the report has them: each statement with what goes with it, then named concepts by size."""
        said = {i: k for k, i in enumerate(self.shards.index["groups"])}

        def key(h: Hypothesis) -> tuple[bool, bool, float, bool, float, str]:
            place, named = said.get(h.id, len(said)), self.concepts[h.concept].named
            return not h.finding, h.context is not None, place, not named, -abs(h.d), h.id

        return sorted(self.desk.audit.hypotheses, key=key)

    @cached_property
    def _still(self) -> dict[str, Json]:
        """What of each item no decision changes."""
        return {item_id(h): self._item(h) for h in self._order}

    def items(self, ids: Iterable[str] | None = None, *, everything: bool = False) -> list[Json]:
        """Items in the order of the list.

        Args:
            ids: only these; else the findings, and what was decided or is in conflict.
            everything: every hypothesis.
        """
        wanted = None if ids is None else set(ids)
        out = []
        for h in self._order:
            i = item_id(h)
            if wanted is not None and i not in wanted:
                continue
            item = self.item(h)
            own = item["decision"] is not None or item["queue"] in ("conflict", "failed")
            if wanted is not None or everything or h.finding or own:
                out.append(item)
        return out

    def item(self, h: Hypothesis) -> Json:
        """One line of the list."""
        standing = self.desk.standing(h)
        return {
            **self._still[item_id(h)],
            "queue": standing.queue,
            "decision": None if standing.own is None else decision(standing.own),
            "inherited_decision": None if standing.general is None else decision(standing.general),
            "then": self._then(standing, h),
            "failed": [{"status": o.status, "text": visible(o.message, 600)} for o in self.desk.failed(h)]
            if standing.queue == "failed"
            else [],
        }

    def _then(self, standing: Standing, h: Hypothesis) -> str:
        """Why a decision has to be looked at again; empty where it need not be."""
        v = standing.verdict
        if standing.queue == "failed":
            return ""
        if standing.queue != "changed" or v is None:
            return ""
        if expired(v):
            return "its last day has passed"
        e = self.concepts[h.concept].evidence
        return "" if v.seen is None else f"decided at {shift(v.seen.effect, e)}, now {shift(h.effect, e)}"

    def _item(self, h: Hypothesis) -> Json:
        c = self.concepts[h.concept]
        e, held = c.evidence, h.length_controlled
        context = None if h.context is None else self.contexts[h.context]
        groups = self.shards.index["groups"]
        lead = groups.get(h.id)
        effect, ends = effect_of(h, e)
        return {
            "id": item_id(h),
            "concept": h.concept,
            "view": h.view,
            "context": h.context,
            "context_label": None if context is None else visible(context.title, 120),
            "context_noun": "" if context is None else NOUNS[context.kind],
            "label": visible(c.title, 120),
            "named": c.named,
            "claim": visible(claim(h, c), 400),
            "lean": h.direction,
            "lean_text": h.lean,
            "effect": h.effect,
            "ci": list(h.ci),
            "unit": e.effect_unit,
            "effect_text": effect,
            "ci_text": ends,
            "d_text": effect_size(h.d),
            "q_text": p_value(h.q),
            "finding": h.finding,
            "n": h.n_inside,
            "n_groups": h.n_groups_inside,
            "groups": self.desk.audit.dataset.unit,
            "halves": {"agree": h.split_half.agree, "least": size_of(h.split_half.min, e)},
            "equal_length": None
            if held is None
            else {
                "effect_text": shift(held.effect, e),
                "ci_text": interval(held.ci, e),
                "q_text": p_value(held.q),
                "note": length_verdict(h),
            },
            "length_note": h.length_note or "",
            "group": lead and whole_id(lead.removeprefix("overall:")),
        }

    def card(self, item: str, start: int = 0) -> Json:
        """The card of one hypothesis, with five pairs from `start` on.

        Raises:
            ConfigError: no such hypothesis.
        """
        h = self.desk.hypothesis(item)
        c = self.concepts[h.concept]
        shard = self.shards.concept(h.concept)
        rows = self.shards.index["spread"][h.id] or list(h.rows)
        shown = [p for r in rows[start : start + PAIRS] if (p := self.shards.pair(r)) is not None]
        return {
            **self.item(h),
            "evidence": self._evidence(c),
            "contexts": self._elsewhere(h),
            "related": [
                {"id": whole_id(name), "label": visible(self.concepts[name].title, 90), "r": r, **self._lean_of(name)}
                for name, r in shard["related"]
                if name in self.concepts
            ],
            "forecast": self._forecast(h),
            "pairs": [self._pair(p, c, shard) for p in shown],
            "n_pairs": len(rows),
            "no_text": self.shards.reason,
            "firing": [] if c.lens == "surface" else self._firing(c),
        }

    def _lean_of(self, concept: str) -> Json:
        h = self.desk.hypotheses.get(whole_id(concept))
        return {"effect_text": "", "known": False} if h is None else {
            "effect_text": effect_of(h, self.concepts[concept].evidence)[0],
            "known": True,
        }  # fmt: skip

    def _evidence(self, c: Concept) -> Json:
        e, label = c.evidence, c.model_label
        by = {"lens": f"the lens {c.lens}", "rule": "a rule that reads responses as it does", "none": ""}[c.name]
        if label is not None and label.names:
            by = f"the model {label.model}"
        fidelity = ""
        if label is not None and label.names:
            fidelity = f"tells where it fires with r {label.fidelity:.2f} on {label.n} held-out responses"
        elif c.name == "rule" and e.correlate is not None:
            fidelity = (
                f"r {e.correlate.r:+.2f} with the rule, {e.correlate.held_out:+.2f} on {e.correlate.n:,} held out"
            )
        elif c.lens == "surface" and len(c.members) == 1:
            fidelity = quality.stated(c.members[0])
        return {
            "named_by": visible(by, 90),
            "fidelity": visible(fidelity, 160),
            "words": [visible(w, 40) for w in e.words],
            "words_auroc": None if e.word_fit is None else e.word_fit.auroc,
            "tokens": [visible(t, 40) for t in e.tokens],
            "read": e.read,
        }

    def _elsewhere(self, h: Hypothesis) -> list[Json]:
        """The other parts of the rows in which the same concept is a finding, the clearest first."""
        found = [x for x in self.desk.audit.findings if x.concept == h.concept and x is not h]
        found.sort(key=lambda x: (x.context is not None, -abs(x.z), x.id))
        e = self.concepts[h.concept].evidence
        return [
            {
                "id": item_id(x),
                "label": "whole set" if x.context is None else visible(self.contexts[x.context].title, 100),
                "noun": "" if x.context is None else NOUNS[self.contexts[x.context].kind],
                "effect_text": effect_of(x, e)[0],
                "ci_text": effect_of(x, e)[1],
                "q_text": p_value(x.q),
            }
            for x in found[:CONTEXTS]
        ]

    def _forecast(self, h: Hypothesis) -> Json | None:
        p = self.predicted.get(h.concept)
        if p is None or h.context is not None:
            return None
        e = self.concepts[h.concept].evidence
        inside = abs(p.expected_shift) <= p.null.q95
        low, high = REFERENCE_R2
        return {
            "predictor": p.predictor,
            "predicted_text": shift(p.expected_shift, e),
            "null_text": size_of(p.null.q95, e),
            "inside_null": inside,
            "note": "Not compared with training on this set. On five reference sets this predictor had an r² of "
            f"{low:.2f} to {high:.2f} over latents; swapped labels gave up to {REFERENCE_NULL:.2f}.",
        }

    def _pair(self, p: Pair, c: Concept, shard: Json) -> Json:
        lens, name = concept_parts(c.members[0] if c.members else c.id)
        sides: Json = {}
        for side, messages in (("chosen", p.chosen), ("rejected", p.rejected)):
            text = text_of(messages)
            if lens == "surface" and len(c.members) == 1:
                at: Sequence[Any] = places(name, text)
            else:
                at = shard["places"].get(p.id, {}).get(side, [])
            sides[side] = spans(pieces(text, [(a, b) for a, b in at], CHARS))
            sides[f"n_{side}"] = len(text)
        beside = sides_of(p, c.members) if lens == "columns" else ()
        meta = (*beside, *((k, str(v)) for k, v in p.meta.items()))[:METADATA]
        return {
            "id": visible(p.id, 80),
            "prompt": spans([Piece(last_turns(p.prompt)[:PROMPT_CHARS])]),
            **sides,
            "meta": {visible(k, 30): visible(v, 60) for k, v in meta},
        }

    def _firing(self, c: Concept) -> list[list[Json]]:
        """A few words around the strongest tokens of a concept."""
        out = []
        for peak in c.evidence.peaks[:PAIRS]:
            pair = self.shards.pair(peak.row)
            if pair is None or peak.stop <= peak.start:
                continue
            text = text_of(pair.chosen if peak.side == "chosen" else pair.rejected)
            out.append(
                spans(pieces(text[max(0, peak.start - 60) : peak.stop + 60], [_within(peak.start, peak.stop)], 200))
            )
        return out

    def page(self, *, everything: bool = False) -> Json:
        """The whole list, and what the page must know beside it."""
        audit, desk = self.desk.audit, self.desk
        desk.take()
        return {
            "dataset": visible(audit.dataset.name, 120),
            "n_pairs": audit.dataset.n_pairs,
            "audit": audit.key,
            "vocabulary": audit.vocabulary,
            "by": visible(desk.by, 60),
            "file": visible(str(desk.path), 300),
            "read_only": visible(desk.read_only, 300),
            "undo": desk.undoes(),
            "items": self.items(everything=everything),
            "merge": [self.conflict(c) for c in desk.conflicts()],
        }

    def place(self, place: Place) -> Json:
        """How the page calls a place, and whether there is a card of it."""
        concept, scope = place
        c = self.concepts.get(concept)
        context = self.contexts.get(scope or "")
        item = self.desk.item_of(place)
        return {
            "id": item,
            "card": item in self.desk.hypotheses,
            "concept": concept,
            "context": scope,
            "label": visible(concept if c is None else c.title, 120),
            "named": c is not None and c.named,
            "context_label": visible(scope or "" if context is None else context.title, 120),
            "context_noun": "" if context is None else NOUNS[context.kind],
        }

    def conflict(self, c: Conflict) -> Json:
        """One conflict of a merge, with who decided what and why."""
        sides = [{"letter": s.letter, "file": visible(s.file, 200), **decision(s.verdict)} for s in c.sides]
        return {**self.place(c.place), "sides": sides}


def _within(start: int, stop: int) -> tuple[int, int]:
    """Where a place lies in an excerpt that begins 60 characters before it."""
    before = min(start, 60)
    return before, before + stop - start


def decision(v: Verdict) -> Json:
    """A verdict as the page has it."""
    return {
        "decision": v.decision,
        "strength": v.strength,
        "why": visible(v.why, 2000),
        "by": visible(v.by, 60),
        "date": None if v.date is None else v.date.isoformat(),
        "until": None if v.until is None else v.until.isoformat(),
    }


def spans(parts: Sequence[Piece]) -> list[Json]:
    """Stretches of a text, with hidden signs made visible."""
    return [{"text": visible(p.text), "mark": int(p.marked)} for p in parts]
