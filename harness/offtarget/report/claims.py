"""What an audit says, in sentences: each stands on numbers of the record, and one may speak for many concepts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from offtarget.audit.evidence import Concept, Correlate
from offtarget.audit.records import Audit, Hypothesis
from offtarget.audit.statistics.length import IS_LENGTH
from offtarget.report.html import number, percent


@dataclass(frozen=True)
class Sentence:
    """One line of the summary, with the side it speaks for."""

    side: str
    text: str
    more: str = ""


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
    for h, others in speakers([h for h in found if h.length_note != IS_LENGTH], concepts)[:most]:
        side = "up" if h.direction == "chosen" else "down"
        more = length_verdict(h)
        if others:
            along = f"{others} {'concept' if others == 1 else 'concepts'} of latents along with it"
            more = f"{more} · {along}" if more else along
        out.append(Sentence(side, claim(h, concepts[h.concept]), more))
    for view, noun in (
        ("overall", "concepts lean over the whole set"),
        ("global", "leans are particular to a topic"),
        ("local", "leans are particular to a kind of prompt"),
        ("metadata", "leans are particular to a value of metadata"),
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


def claim(h: Hypothesis, c: Concept) -> str:
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


def brief(label: str) -> str:
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
