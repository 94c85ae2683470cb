"""The effects of an audit that a gate judges, with the sums behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from offtarget.audit.diff.run import known_cells, tested_in
from offtarget.audit.diff.sums import Sums, sums_of
from offtarget.audit.evidence import Evidence, Rates
from offtarget.audit.folder import AuditWithRows
from offtarget.audit.records import Q_FINDING, View
from offtarget.audit.statistics.means import Ints, t_interval
from offtarget.gate.records import Entry

WHOLE = ("n", "n_outside", "active", "active_all", "showing", "prompts", "prompts_all")
"""Counts among the sums."""
FIGURES = ("se", "squares", *WHOLE, "k2", "k4")
DIGITS = 7
"""Significant ones of what is written: far more than the error, few enough to read."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Effects, in the order of `entries`, and their sums."""

    entries: tuple[Entry, ...]
    sums: Sums


def measure(audited: AuditWithRows, views: Sequence[View]) -> Measured:
    """All effects that an audit tested in some views; in the overall view also concepts that no row shows."""
    audit, w = audited.audit, audited.workings
    concepts = {c.id: c for c in audit.concepts}
    titles = {c.id: c.title for c in audit.contexts}
    number = {c: j for j, c in enumerate(w.concepts)}
    listed = {(h.view, h.concept, h.context): h for h in audit.hypotheses}
    known = known_cells(audited, views)
    cells: list[tuple[View, str | None, Ints]] = []
    for view in views:
        if view == "overall":
            whole = [number[c.id] for c in audit.concepts if c.evidence.contrast != "standardised"]
            cells.append((view, None, np.array(whole, dtype=np.int64)))
            continue
        for name, tested in tested_in(audited, view).items():
            if tested:
                cells.append((view, name, np.array([number[c] for c in tested], dtype=np.int64)))
    if not cells:
        return Measured((), Sums(*(np.zeros(0) for _ in range(12))))
    sums = Sums.joined(sums_of(w, [(context, numbers) for _, context, numbers in cells]))
    places = [(view, w.concepts[j], context) for view, context, numbers in cells for j in numbers]
    low, high = t_interval(sums.effect, sums.se, np.maximum(sums.prompts_all - 1, 1)).T
    entries = []
    for k, (view, concept, context) in enumerate(places):
        h = listed.get((view, concept, context))
        q = h.q if h else known.get((view, concept, context), (0.0, 1.0))[1]
        figures: dict[str, Any] = {name: _short(getattr(sums, name)[k]) for name in FIGURES}
        entries.append(
            Entry(
                view=view,
                concept=concept,
                context=context,
                label=concepts[concept].title,
                where="everywhere" if context is None else titles[context],
                unit=concepts[concept].evidence.effect_unit,
                effect=_short(sums.effect[k]),
                ci=(_short(h.ci[0]), _short(h.ci[1])) if h else (_short(low[k]), _short(high[k])),
                q=_short(q),
                rates=rates_of(concepts[concept].evidence) if context is None else None,
                **(figures | {name: int(getattr(sums, name)[k]) for name in WHOLE}),
            )
        )
    return Measured(tuple(entries), sums)


def rates_of(e: Evidence) -> Rates | None:
    """The means behind an effect over the whole set that is on log(1 + n), with the digits that a file holds."""
    if (m := e.means) is None:
        return None
    shown = None if m.shown is None else _short(m.shown)
    return Rates(chosen=_short(m.chosen), rejected=_short(m.rejected), unit=m.unit, shown=shown)


def sums_from(entries: Sequence[Entry]) -> Sums:
    """The sums that a baseline holds."""
    return Sums(
        effect=np.array([e.effect for e in entries]),
        **{name: np.array([float(getattr(e, name)) for e in entries]) for name in FIGURES},
    )


def is_finding(entry: Entry) -> bool:
    """Whether its q is below 0.05."""
    return entry.q < Q_FINDING


def _short(value: float) -> float:
    return float(f"{float(value):.{DIGITS}g}")
