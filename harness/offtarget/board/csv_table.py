"""Boards as one long table: a line for each board, row and measure."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from offtarget.board.estimate import Estimate, Scored
from offtarget.board.records import Board, Boards, Row
from offtarget.board.sentences import status

HEAD = (
    *("dataset", "model", "rows_sha256", "budget", "row", "protocol", "seeds", "status", "front", "measure"),
    *("behaviour", "value", "ci_low", "ci_high", "interval_of", "n", "q", "unit", "note", "cells"),
)

Line = tuple[str, str, Estimate, float | None, str]


def csv_table(boards: Boards) -> str:
    """All boards in long form."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    for b in boards.boards:
        for r in b.rows:
            seeds = " ".join(map(str, r.seeds))
            start = [b.dataset, b.model, b.rows_sha256, b.budget, r.label, r.protocol, seeds, status(r)]
            start.append("yes" if r.front else "no")
            for measure, behaviour, e, q, unit in _measures(b, r):
                sampling = e.sampling_ci if isinstance(e, Scored) and e.ci is None else None
                low, high = e.ci or sampling or (None, None)
                of = "seeds" if e.ci else "sampling" if sampling else ""
                line = [*start, measure, behaviour, e.value, low, high, of, e.n, q, unit, e.note, " ".join(r.cells)]
                writer.writerow([_value(v) for v in line])
    return out.getvalue()


def _value(value: Any) -> Any:
    """A value no spreadsheet takes for a formula: text that begins like one is set in quotes."""
    if isinstance(value, str) and value[:1] in {"=", "+", "@", "\t", "\r"}:
        return "'" + value
    return "" if value is None else value


def _measures(b: Board, r: Row) -> Iterable[Line]:
    yield "recovery", "", r.recovery, None, "share"
    yield "control_recovery", "", r.control_recovery, None, "share"
    yield "amplification", "", r.amplification, None, "sd of dpo"
    yield "drift", "", r.drift, None, "sd of start"
    n = None if r.drifted is None else float(len(r.drifted))
    yield "drifted", "", Estimate(value=n, n=r.drift_tested), None, "behaviours"
    yield "capability_vs_start", "", r.capability_vs_start, None, b.capability_unit
    yield "capability_vs_dpo", "", r.capability_vs_dpo, None, b.capability_unit
    yield "front_share", "", Estimate(value=r.front_share), None, "share of draws"
    yield "unscored", r.unscored_on, Estimate(value=r.unscored), None, "share"
    for x in r.behaviours:
        yield "score", x.behaviour, x.score, None, x.unit
        yield "unscored", x.behaviour, Estimate(value=x.score.unscored), None, "share"
        yield "vs_start", x.behaviour, x.vs_start, x.q_start, x.unit
        yield "vs_dpo", x.behaviour, x.vs_dpo, x.q_dpo, x.unit
        yield "shift", x.behaviour, x.shift, x.q_start, "sd of start"
        if x.role == "target":
            yield "recovery", x.behaviour, x.recovery, None, "share"
            yield "vs_control", x.behaviour, x.vs_control, x.q_control, x.unit
            yield "amplification", x.behaviour, x.amplification, x.q_dpo, "sd of dpo"
