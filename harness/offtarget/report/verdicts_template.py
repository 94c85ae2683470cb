"""The verdicts file to start from: what an audit found over the whole set, each with its size, and nothing decided.

The order is that of the report: a statement, then what correlates with it. What is particular to one context, and
concepts without a name, follow as comments.
"""

import datetime as dt
from collections.abc import Iterator

from offtarget.audit.evidence import Concept
from offtarget.audit.records import Audit, Hypothesis
from offtarget.documents import plain_line, yaml_line
from offtarget.machine import user
from offtarget.report.amounts import parts
from offtarget.report.html import p_value
from offtarget.report.statements import EqualLength, Stated

HEAD = """\
# {name}: {n} over the whole set, in the order of report.html.
# Copy this file to verdicts.yaml and decide there:
#   suppress   training should not teach it      allow      training may teach it
#   amplify    training should teach it more     undecided  changes nothing
# Above each: the effect (+ more in chosen, - more in rejected), its 95 % interval, and the effect at equal length.
# `by` and `date` below sign what you decide: put your name and the day there.
# A verdict may also say `strength`, `why`, and its own `by` and `date`.
"""


def verdicts_template(audit: Audit, stated: Stated, *, by: str | None = None, date: dt.date | None = None) -> str:
    """The text of a verdicts file in which every finding is undecided.

    Args:
        audit: whose findings.
        stated: those over the whole set, put together.
        by: who decides; the user of this process if not given.
        date: today if not given.
    """
    concepts = {c.id: c for c in audit.concepts}
    contexts = {c.id: c.title for c in audit.contexts}
    overall = [h for h in audit.findings if h.context is None]
    listed = [h for h, _ in _in_order(stated)]
    rest = [h for h in overall if h not in listed]
    nameless = [h for h in rest if not concepts[h.concept].named]
    n = len(overall) - len(nameless)
    name = user() if by is None else by
    out = [
        HEAD.format(n=f"{n} finding{'' if n == 1 else 's'}", name=plain_line(audit.dataset.name)),
        "schema_version: 1\n",
        f"vocabulary: {yaml_line(audit.vocabulary)}\n",
        f"by: {yaml_line(name)}\n" if name else "",
        f"date: {date or dt.datetime.now(dt.UTC).date()}\n",
        "verdicts:\n" if audit.findings else "verdicts: []\n",
    ]
    for h, along in [*_in_order(stated), *((h, False) for h in rest if h not in nameless)]:
        gap = "" if along else "\n"
        size = _size(h, concepts[h.concept], stated.equal.get(h.concept))
        out.append(f"{gap}  # {'with it: ' if along else ''}{plain_line(concepts[h.concept].title)}: {size}\n")
        out.append(f"  - {yaml_line({'concept': h.concept, 'decision': 'undecided'})}\n")
    local = [h for h in audit.findings if h.context is not None]
    for title, some in (("without a name", nameless), ("in one context, against all other rows", local)):
        if not some:
            continue
        out.append(f"\n  # {title[0].upper()}{title[1:]}: take the first # away to decide.\n")
        for h in some:
            entry = {"concept": h.concept, "context": h.context, "decision": "undecided"}
            place = "" if h.context is None else f"{plain_line(contexts[h.context])}: "
            text = f"{place}{plain_line(concepts[h.concept].title)}: {_size(h, concepts[h.concept], None)}"
            out.append(f"  #- {yaml_line({k: v for k, v in entry.items() if v is not None})}  # {text}\n")
    return "".join(out)


def _in_order(stated: Stated) -> Iterator[tuple[Hypothesis, bool]]:
    """The findings of the statements, and whether one only goes along with the one before."""
    for s in stated.statements:
        yield s.lead, False
        yield from ((h, True) for h in (*s.along, *s.explained))


def _size(h: Hypothesis, concept: Concept, equal: EqualLength | None) -> str:
    """`+15.8 points [+12.0, +19.7], q 2e-9; at equal length +12.4`."""
    unit = concept.evidence.effect_unit
    effect, name = parts(h.effect, unit)
    low, high = (parts(end, unit)[0] for end in h.ci)
    text = f"{effect} {name} [{low}, {high}], q {p_value(h.q)}"
    if equal is not None:
        text += f"; at equal length {parts(equal.effect, unit)[0]}"
        text += " (not significant)" if equal.significant is False else ""
    return plain_line(text).replace("−", "-")
