"""Which concepts make one statement, and in which order: what the head of a report, its chart and its cards go by.

One sentence at the end of an answer sets off a phrase rule, and with it exclamation marks, paragraphs and "I". So
concepts are put together by how their u go together over rows (u: how much more of a concept chosen has than rejected),
each turned so that its lean is positive. r is Pearson's; `explained` = r · d_A / d_B is the share of B's lean that is
gone where A does not differ: the intercept of the regression of u_B on u_A is mean_B · (1 - r · d_A / d_B).

- B goes with A if r is at least 0.5, or if r is at least 0.3 and A accounts for B's lean; A leans more. To account for
  it: half of the lean is explained, or a quarter and what is left is within two standard errors.
- What answers are made of (layout, signs, function words) goes with a rule of what they say from r 0.2 on, if such rules
  together account for its lean, whichever leans more; never the other way round: a phrase brings its signs along.
- Measures of length, led by the number of characters, and layout that goes with length at 0.5, are one statement; so is
  what length explains: with less than half of its effect left at equal length, and that not significant. Where characters
  do not lean, another measure is its own statement. Counts that grow with length go with what else
  they go with before they lead: two asterisks are two tokens more.
- Debris that makes answers short (cuts, empty cells) or long (repetition), is in a fifth more of the answers of one
  side and leans half as much as length is no part of that statement: it is said before it, and length and words per
  sentence go with it.
- What the source says beside the texts (a score, who wrote it) makes its own statements, all values of one column
  together: the label may have been made from it, and then every lean of a text goes with it.

Statements are ordered by how far training is expected to move their concept: |d|, the expected shift in standard
deviations of u, times the share of it that is left at equal length (between 0 and 1); what is no property of the texts
by |d| alone, since training does not move it. Concepts without a name make no
statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.evidence import Concept
from offtarget.audit.records import Q_FINDING, Audit, Hypothesis, Prediction
from offtarget.audit.statistics.length import EXTENT, IS_LENGTH
from offtarget.audit.statistics.means import D_CAP, Floats
from offtarget.audit.workings import Workings

LENGTH = "surface:characters"
SAME = 0.5
AKIN, SET_OFF = 0.3, 0.2
EXPLAINED, PARTLY = 0.5, 0.25
CHANCE = 2.0
"""Standard errors, by prompt, within which what is left of a lean may be nothing."""
SURE = 3.0
"""Standard errors, 1/sqrt(prompts), that r must lie above zero."""
FORM = frozenset(
    f"surface:{name}"
    for name in (
        "tokens", "characters", "sentences", "words_per_sentence", "paragraphs", "newline_density", "markdown", "bold",
        "italic", "heading", "bullets", "glyph_bullets", "numbered", "table", "rule", "inline_code", "code_block",
        "blockquote", "bold_opener", "em_dash", "exclamations", "questions", "ellipsis", "quotations", "parentheses",
        "digits", "caps_words", "ends_with_question", "first_person", "second_person", "negation", "contractions", "mattr",
        "word_length",
    )
)  # fmt: skip
"""Rules of what answers are made of, not of what they say."""
SHORTENS = frozenset(f"surface:{name}" for name in ("cut_off", "empty_cell", "no_words"))
"""Debris that makes answers, and their last sentences, short: they were cut, not cut because they are short."""
LENGTHENS, PER_SENTENCE = "surface:repetition", "surface:words_per_sentence"
MANY, PARTLY_BROUGHT = 0.2, 0.5
"""Such debris accounts for length from this difference in shares on, and this part of the lean of length."""


@dataclass(frozen=True)
class EqualLength:
    """An effect where both responses are of one length."""

    effect: float
    """In the unit of the raw effect."""
    share: float
    """Of the raw effect; below 0 where it turns round."""
    significant: bool | None
    """Whether the concept goes with the choice at equal length (q below 0.05); None where that was not tested."""

    @property
    def gone(self) -> bool:
        """Whether length explains it: less than half is left, and that is not significant."""
        return self.share < EXPLAINED and self.significant is False


def equal_length(h: Hypothesis, prediction: Prediction | None) -> EqualLength | None:
    """The effect of a hypothesis on the whole set at equal length; None for measures of length, and where it is unknown."""
    if h.context is not None or prediction is None or prediction.length_partialled is None or not h.effect:
        return None
    left = prediction.length_partialled.expected_shift
    control = h.length_controlled
    return EqualLength(left, left / h.effect, None if control is None else control.q < Q_FINDING)


@dataclass
class Statement:
    """One hypothesis that speaks for all that go with it."""

    lead: Hypothesis
    size: float
    """|d|, times the share that is left at equal length."""
    is_length: bool = False
    along: list[Hypothesis] = field(default_factory=list)
    """Named ones that go with it, the largest first."""
    explained: list[Hypothesis] = field(default_factory=list)
    """Of the statement on length: what is not significant at equal length."""
    unnamed: int = 0
    """Concepts of latents that go with it."""
    due_to: Hypothesis | None = None
    """Of the statement on length: debris that it goes with."""


@dataclass(frozen=True)
class Stated:
    """The findings over the whole set, put together."""

    statements: tuple[Statement, ...]
    """Each led by a named concept, the largest first."""
    unnamed: tuple[Hypothesis, ...]
    """Findings on concepts without a name that go with no statement, the largest first."""
    equal: Mapping[str, EqualLength]
    """By concept."""

    @property
    def length(self) -> Statement | None:
        """The statement on length, where length is a finding."""
        return next((s for s in self.statements if s.is_length), None)


def state(audit: Audit, workings: Workings | None = None) -> Stated:
    """Put the findings over the whole set together, and order them.

    Without the rows behind it (a record read alone) only rules and the latents named after them are put together.
    """
    concepts = {c.id: c for c in audit.concepts}
    predicted = {p.concept: p for p in audit.prediction}
    found = [h for h in audit.hypotheses if h.view == "overall" and h.finding]
    equal = {h.concept: e for h in found if (e := equal_length(h, predicted.get(h.concept))) is not None}
    beside = audit.beside
    moved = {name: e for name, e in equal.items() if name not in beside}
    found.sort(key=lambda h: (-size_of(h, moved), -abs(h.d), h.id))
    speaking = [h for h in found if speaks(concepts[h.concept])]
    silent = [h for h in found if not speaks(concepts[h.concept])]
    r = _Together(audit, workings, speaking)
    statements = _put_together(speaking, equal, r, beside)
    left = _give_out(silent, concepts, [s for s in statements if s.lead.concept not in beside], r)
    _debris_first(statements)
    statements.sort(key=lambda s: (-s.size, s.is_length, -abs(s.lead.d), s.lead.id))
    return Stated(tuple(statements), tuple(left), equal)


def size_of(h: Hypothesis, equal: Mapping[str, EqualLength]) -> float:
    """|d|, times the share of the effect that is left at equal length, where that is known."""
    e = equal.get(h.concept)
    return abs(h.d) * (1.0 if e is None else float(np.clip(e.share, 0.0, 1.0)))


def speaks(concept: Concept) -> bool:
    """Whether a concept may lead a statement: it has its own name. One named after a rule leaves it to the rule."""
    return concept.name == "lens" or (concept.model_label is not None and concept.model_label.names)


def tier(concept: Concept) -> int:
    """0 with its own name, 1 named after a rule, 2 without a name: the order of lists."""
    return 0 if speaks(concept) else 1 if concept.named else 2


class _Together:
    """How concepts go together over rows, each turned so that its lean is positive."""

    def __init__(self, audit: Audit, workings: Workings | None, speaking: Sequence[Hypothesis]) -> None:
        self._row = {h.concept: j for j, h in enumerate(speaking)}
        self._ways: dict[str, Floats] = {}
        self._sure = SURE / np.sqrt(max(audit.dataset.n_groups, 1))
        if workings is None:
            return
        at = {name: j for j, name in enumerate(workings.concepts)}
        known = [h for h in audit.hypotheses if h.view == "overall" and h.finding and h.concept in at]
        if not known or not speaking:
            return
        way = {h.concept: 1.0 if h.direction == "chosen" else -1.0 for h in known}
        leads = _standard(workings.u[:, [at[h.concept] for h in speaking]])
        leads *= [way[h.concept] for h in speaking]
        for start in range(0, len(known), 256):
            block = known[start : start + 256]
            u = _standard(workings.u[:, [at[h.concept] for h in block]]) * [way[h.concept] for h in block]
            self._ways.update(zip((h.concept for h in block), u.T @ leads / len(u), strict=True))

    def r(self, h: Hypothesis, lead: Hypothesis) -> float:
        """Of one hypothesis with one that speaks; 0 where the rows are not there or it is not sure."""
        if h.concept not in self._ways:
            return 0.0
        r = float(self._ways[h.concept][self._row[lead.concept]])
        return r if r >= self._sure else 0.0

    def explains(self, h: Hypothesis, lead: Hypothesis) -> bool:
        """Whether most of a lean is gone where the other does not differ."""
        r = self.r(h, lead)
        return bool(h.d) and r > 0 and accounts(h, r * abs(lead.d) / abs(h.d), r)

    def brought_by(self, h: Hypothesis, others: Sequence[Hypothesis]) -> Hypothesis | None:
        """Of some that speak, the one that explains most of a lean, if together they explain it.

        Together: the share that is gone in the regression on all that go with it at 0.2, Σ β_A · d_A / d_B.
        """
        near = [a for a in others if self.r(h, a) >= SET_OFF]
        if not near or not h.d:
            return None
        at = [self._row[a.concept] for a in near]
        among = np.array([self._ways[a.concept][at] for a in near])
        beta = np.linalg.lstsq(among, self._ways[h.concept][at], rcond=None)[0]
        parts = beta * np.abs([a.d for a in near]) / abs(h.d)
        r = float(np.sqrt(np.clip(beta @ self._ways[h.concept][at], 0.0, 1.0)))
        return near[int(np.argmax(parts))] if accounts(h, float(parts.sum()), r) else None


def accounts(h: Hypothesis, explained: float, r: float) -> bool:
    """Whether half of a lean is explained, or a quarter of it and no more than chance is left.

    Args:
        h: the hypothesis.
        explained: share of its lean that is gone where what explains it does not differ.
        r: its (multiple) correlation with that.
    """
    if explained >= EXPLAINED:
        return True
    left = abs(h.z) * (1 - explained) / np.sqrt(max(1 - r**2, 1e-12))
    return explained >= PARTLY and bool(left < CHANCE)


def _standard(u: NDArray[Any]) -> Floats:
    """Columns of mean 0 and sd 1; those that differ alike in every row are 1, and so go with each other alone."""
    x = u.astype(np.float64)
    mean, sd = x.mean(axis=0), x.std(axis=0)
    alike = sd <= 1e-9 * np.abs(mean)
    x = (x - mean) / np.maximum(sd, 1e-12)
    x[:, alike] = np.sign(mean[alike])
    return np.asarray(x)


def _put_together(
    speaking: Sequence[Hypothesis], equal: Mapping[str, EqualLength], r: _Together, beside: frozenset[str]
) -> list[Statement]:
    """The statements, in the order of their leads.

    Args:
        speaking: findings on concepts that may lead a statement, the largest first.
        equal: by concept.
        r: how they go together.
        beside: concepts that are no property of the texts.
    """
    out: list[Statement] = []
    left = list(speaking)
    length = _length(speaking, equal, r)
    if length is not None:
        out.append(length)
        taken = {h.id for h in (length.lead, *length.along, *length.explained)}
        left = [h for h in left if h.id not in taken]
    content = [h for h in left if h.concept not in FORM and h.concept not in beside]
    brought: dict[str, Hypothesis] = {}
    for h in left:
        if h.concept in FORM and (by := r.brought_by(h, content)) is not None:
            brought[h.id] = by
    statement_of: dict[str, Statement] = {}
    own = [h for h in left if h.id not in brought]
    for h in sorted(
        own, key=lambda h: h.concept in EXTENT
    ):  # what grows with length leads only where nothing else does
        alike = (s for s in out if not s.is_length and (s.lead.concept in beside) == (h.concept in beside))
        lead = next((s for s in alike if _of_one_column(h, s.lead, beside) or _goes_with(h, s.lead, r)), None)
        if lead is None:
            lead = Statement(h, abs(h.d) if h.concept in beside else size_of(h, equal))
            out.append(lead)
        else:
            lead.along.append(h)
        statement_of[h.id] = lead
    for h in left:
        if h.id in brought:
            statement_of[brought[h.id].id].along.append(h)
    for s in out:
        s.along.sort(key=lambda h: (-abs(h.d), h.id))
    return out


def _of_one_column(h: Hypothesis, lead: Hypothesis, beside: frozenset[str]) -> bool:
    """Whether two concepts are values of one column: `columns:model=a` and `columns:model=b`."""
    one, other = (x.concept.partition("=")[0] for x in (h, lead))
    return h.concept in beside and one == other


def _goes_with(h: Hypothesis, lead: Hypothesis, r: _Together) -> bool:
    """Whether a hypothesis goes with one that leans more."""
    if r.r(h, lead) >= SAME:
        return True
    alike = (h.concept in FORM) == (lead.concept in FORM)
    return alike and r.r(h, lead) >= AKIN and r.explains(h, lead)


def _length(speaking: Sequence[Hypothesis], equal: Mapping[str, EqualLength], r: _Together) -> Statement | None:
    """The one statement on length: its measures, what grows with it, and what it explains.

    None where the number of characters is no finding: another measure then speaks for itself, under its own name.
    """
    measures = [h for h in speaking if h.length_note == IS_LENGTH]
    lead = next((h for h in speaking if h.concept == LENGTH), None)
    if lead is None:
        return None
    out = Statement(lead, abs(lead.d), is_length=True)
    for h in speaking:
        if h is lead or _brings_length(h, lead):
            continue
        grows = h.concept in EXTENT and (r.r(h, lead) >= SAME or _alike(h, lead))
        if h in measures or grows:
            out.along.append(h)
        elif h.concept in equal and equal[h.concept].gone:
            out.explained.append(h)
    out.explained.sort(key=lambda h: (-abs(h.d), h.id))
    return out


def _brings_length(h: Hypothesis, length: Hypothesis) -> bool:
    """Whether something is what makes answers short or long by accident, in enough of them, and leans half as much as length.

    Rows need not show it: where all answers are cut at one length, how much each lost depends on the other answer alone.
    """
    if h.concept not in SHORTENS and h.concept != LENGTHENS:
        return False
    makes = "rejected" if (h.concept in SHORTENS) == (length.direction == "chosen") else "chosen"
    leans = h.length_note == IS_LENGTH or abs(h.d) >= PARTLY_BROUGHT * abs(length.d)
    return h.direction == makes and abs(h.effect) >= MANY and leans


def _debris_first(statements: list[Statement]) -> None:
    """Put debris that makes answers short or long before the statement on length, and say there that it goes with it."""
    length = next((s for s in statements if s.is_length), None)
    if length is None:
        return
    bring = [s for s in statements if not s.is_length and _brings_length(s.lead, length.lead)]
    if not bring:
        return
    first = max(bring, key=lambda s: abs(s.lead.d))
    first.size = max(abs(first.lead.d), length.size)
    length.due_to = first.lead
    for s in [s for s in statements if s.lead.concept == PER_SENTENCE and s.lead.direction == length.lead.direction]:
        first.along += [s.lead, *s.along]
        statements.remove(s)


def _alike(h: Hypothesis, lead: Hypothesis) -> bool:
    """Whether one differs alike in every row, so that it correlates with nothing, and leans as the other does."""
    return abs(h.d) >= D_CAP and h.direction == lead.direction


def _give_out(
    silent: Sequence[Hypothesis], concepts: Mapping[str, Concept], statements: Sequence[Statement], r: _Together
) -> list[Hypothesis]:
    """Count the concepts without their own name under the statement that they go with; the others are left."""
    said = {h.concept: (s, h) for s in statements for h in (s.lead, *s.along, *s.explained)}
    left = []
    for h in silent:
        rule = concepts[h.concept].evidence.correlate
        if rule is not None and rule.concept in said:
            statement, spoken = said[rule.concept]
            if rule.r * h.d * spoken.d > 0:
                statement.unnamed += 1
                continue
        nearest = max(said.values(), key=lambda t: r.r(h, t[1]), default=None)
        if nearest is not None and r.r(h, nearest[1]) >= SAME:
            nearest[0].unnamed += 1
        else:
            left.append(h)
    return left


def inside(found: Sequence[Hypothesis], concepts: Mapping[str, Concept]) -> list[Hypothesis]:
    """Findings on parts of the rows, those of named concepts first, the clearest first.

    Latents named after a rule that leans there as they do say nothing more, and are left out.
    """
    leaning = {(h.concept, h.context): h.d for h in found}

    def echo(h: Hypothesis) -> bool:
        rule = concepts[h.concept].evidence.correlate if concepts[h.concept].name == "rule" else None
        return rule is not None and leaning.get((rule.concept, h.context), 0.0) * rule.r * h.d > 0

    kept = [h for h in found if not echo(h)]
    return sorted(kept, key=lambda h: (tier(concepts[h.concept]), -abs(h.z), h.id))
