"""The findings of an audit as rows of a table, and as a piece of a page for notebooks."""

from collections.abc import Iterable
from typing import Any

from offtarget.audit.records import Audit, Hypothesis
from offtarget.report.amounts import effect_size, interval, shift
from offtarget.report.claims import claim, counts, glance, nothing_leans
from offtarget.report.html import environment
from offtarget.report.statements import Stated

SHOWN = 12
"""Findings in the table of a notebook; `findings()` has all."""
COLUMNS = (
    "statement", "concept", "label", "view", "context", "side", "effect", "unit", "ci_low", "ci_high", "d", "p", "q",
    "at_equal_length", "q_at_equal_length", "n", "n_prompts", "hypothesis",
)  # fmt: skip


def rows(audit: Audit, hypotheses: Iterable[Hypothesis]) -> list[dict[str, Any]]:
    """One row a hypothesis, by the names of `COLUMNS`.

    `effect`, its interval and `at_equal_length` are in `unit`; in a context they compare its rows with all others.
    """
    concepts = {c.id: c for c in audit.concepts}
    contexts = {c.id: c.title for c in audit.contexts}
    out = []
    for h in hypotheses:
        c = concepts[h.concept]
        equal = h.length_controlled
        values = (
            claim(h, c), h.concept, c.title, h.view, None if h.context is None else contexts[h.context], h.direction,
            h.effect, c.evidence.effect_unit, *h.ci, h.d, h.p, h.q,
            None if equal is None else equal.effect, None if equal is None else equal.q,
            h.n_inside, h.n_groups_inside, h.id,
        )  # fmt: skip
        out.append(dict(zip(COLUMNS, values, strict=True)))
    return out


def fragment(audit: Audit, stated: Stated) -> str:
    """The head of the report and its first findings as HTML that loads nothing and holds no script."""
    env = environment()
    env.filters.update(shift=shift, interval=interval, effect_size=effect_size)
    shown = audit.findings[:SHOWN]
    text = env.get_template("notebook.html.j2").render(
        audit=audit,
        glance=glance(audit, stated),
        counts=counts(audit),
        nothing="" if audit.findings else nothing_leans(audit),
        findings=shown,
        n_more=len(audit.findings) - len(shown),
        concepts={c.id: c for c in audit.concepts},
        contexts={c.id: c.title for c in audit.contexts},
    )
    return text.encode("utf-8", "replace").decode("utf-8")
