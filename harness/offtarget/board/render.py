"""Boards as text: markdown, HTML, CSV and JSON. Nothing is computed here."""

import csv
import io
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from offtarget.board.estimate import Estimate
from offtarget.board.rank import in_words, short_name
from offtarget.board.records import BehaviourRow, Board, Boards, Row
from offtarget.board.text import escape_cell, markdown_table
from offtarget.errors import ConfigError, unknown_name
from offtarget.report.html import environment, fixed, number, p_value, render_page
from offtarget.report.plots.naming import Point
from offtarget.report.plots.scatters import Panel, scatter
from offtarget.store import write_atomic

FORMATS = ("md", "html", "csv", "json")
MOST_NAMED = 11
"""Rows of a board whose points are named in its plots; with more of them the points have numbers."""


def board_command(
    results_dir: str | Path, formats: Sequence[str] = ("html",), out: str | Path | None = None
) -> str:
    """The command line that makes a board, as it stands on every board."""
    where = "" if out is None else f" --out {shlex.quote(str(out))}"
    return f"offtarget board {shlex.quote(str(results_dir))} --format {','.join(formats)}{where}"


def render(boards: Boards, form: str, *, command: str) -> str:
    """All boards in one format.

    Args:
        boards: from `rank`.
        form: md, html, csv or json.
        command: the command that makes this board again.

    Raises:
        ConfigError: no such format.
    """
    if form == "md":
        return _markdown(boards, command)
    if form == "html":
        return _html(boards, command)
    if form == "csv":
        return _csv(boards)
    if form == "json":
        return boards.model_dump_json(indent=1) + "\n"
    raise unknown_name("board format", form, FORMATS)


def write_boards(boards: Boards, formats: Iterable[str], out: Path, *, command: str) -> list[Path]:
    """Write `board.<format>` for each format into a folder.

    Raises:
        ConfigError: no such format, or `out` is a file.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; name a folder")
    texts = {form: render(boards, form, command=command) for form in formats}
    return [write_atomic(out / f"board.{form}", text) for form, text in texts.items()]


def _with_ci(e: Estimate, places: int = 2, *, sign: bool = False) -> str:
    """`0.75 [0.61, 0.88]`, or why there is no number."""
    if e.value is None:
        return e.note or "–"
    text = fixed(e.value, places, sign=sign)
    if e.ci is not None:
        text += f" [{fixed(e.ci[0], places, sign=sign)}, {fixed(e.ci[1], places, sign=sign)}]"
    return text


def _title(b: Board) -> str:
    return " · ".join([b.dataset, b.model, *(["target " + " and ".join(b.signal)] if b.signal else [])])


def _facts(b: Board) -> list[str]:
    """One line for each target: what plain DPO changes, seed by seed; and one for each short name of verdicts."""
    lines = []
    for name in dict.fromkeys(t.behaviour for t in b.taught):
        seeds = [
            f"seed {t.seed} "
            + ("–" if t.difference is None else fixed(t.difference, 3, sign=True))
            + ("" if t.q is None else f" (q {p_value(t.q)})")
            for t in b.taught
            if t.behaviour == name
        ]
        lines.append(f"Plain DPO minus start on {name}: {', '.join(seeds)}.")
    short = {name: r.verdicts for r in b.rows if (name := short_name(r.verdicts)) in r.label}
    return lines + [
        f"{name.capitalize()}: {in_words(verdicts, strength=True)}."
        for name, verdicts in sorted(short.items())
    ]


def _amplifies(b: Board) -> bool:
    return any(r.intent in {"amplify", "both"} for r in b.rows)


def _seeds(r: Row) -> str:
    if r.kind == "start":
        return "–"
    return f"{len(r.seeds)} ({'seed' if len(r.seeds) == 1 else 'seeds'} {', '.join(map(str, r.seeds))})"


def _status(r: Row) -> str:
    return "" if r.kind == "protocol" else "reference"


def _drift_count(r: Row) -> str:
    return "–" if r.drift_significant is None else f"{r.drift_significant} of {r.drift_tested}"


def _markdown(boards: Boards, command: str) -> str:
    out = ["# Boards", "", f"Made by `{command}` from the cells of the results folder; never edited.", ""]
    for b in boards.boards:
        out += [f"## {escape_cell(_title(b))}", ""]
        out += [f"{b.n_pairs:,} pairs (rows `{b.rows_sha256[:12]}`), budget {escape_cell(b.budget)}.", ""]
        out += (
            [f"- {escape_cell(line, 400)}" for line in _facts(b)] + [f"- {line}" for line in b.limits] + [""]
        )
        amplify = _amplifies(b)
        head = [
            "protocol",
            "recovery",
            *(["amplification"] if amplify else []),
            "pairs touched",
            "drift",
            "chance",
            "drifted (q < 0.05)",
        ]
        head += [
            f"capability vs start ({escape_cell(b.capability_unit)})",
            "vs dpo",
            "seeds",
            "front",
            "status",
            "cells",
        ]
        lines = []
        for r in b.rows:
            line = [escape_cell(r.label), escape_cell(_with_ci(r.recovery))]
            line += [escape_cell(_with_ci(r.amplification, sign=True))] if amplify else []
            line.append("–" if r.rows_touched is None else f"{r.rows_touched:.0%}")
            chance = "–" if r.drift_noise is None else f"≤ {fixed(r.drift_noise)}"
            line += [escape_cell(_with_ci(r.drift)), chance, _drift_count(r)]
            line += [
                escape_cell(_with_ci(c, 3, sign=True)) for c in (r.capability_vs_start, r.capability_vs_dpo)
            ]
            line += [_seeds(r), "yes" if r.front else "", r.provisional or _status(r)]
            lines.append([*line, " ".join(f"`{k[:12]}`" for k in r.cells)])
        out += [*markdown_table(head, lines), ""]
        out += ["### Behaviours", "", *_behaviours_markdown(b), ""]
    if not boards.boards:
        out += ["No board: no cell could be read.", ""]
    if boards.apart:
        out += ["## Cells on no board", ""]
        rows = [[f"`{a.cell[:12]}`", escape_cell(a.run), escape_cell(a.reason)] for a in boards.apart]
        out += [*markdown_table(["cell", "run", "reason"], rows, left=3), ""]
    if boards.problems:
        out += ["## Files that could not be read", "", *(f"- {escape_cell(p)}" for p in boards.problems), ""]
    out += ["## How to read it", "", *(f"- {line}" for line in METHOD), ""]
    return "\n".join(out)


def _behaviours_markdown(b: Board) -> list[str]:
    names = [x for r in b.rows[:1] for x in r.behaviours]
    head = ["protocol", *(f"{escape_cell(x.behaviour)} ({x.role}, {_arrow(x)})" for x in names)]
    rows = [
        [escape_cell(r.label), *(escape_cell(_with_ci(x.score, 3)) for x in r.behaviours)] for r in b.rows
    ]
    return markdown_table(head, rows)


def _arrow(x: BehaviourRow) -> str:
    return "lower is better" if x.direction == "lower" else "higher is better"


METHOD = (
    "Recovery = (dpo − protocol)/(dpo − start), the share of plain DPO's change on a target behaviour that "
    "the protocol takes back: 1 is back at start, 0 is plain DPO. It is given only where plain DPO itself "
    "differs from start (p < 0.05, paired on the same samples, clustered by prompt); else: no signal.",
    "Amplification = (protocol − dpo) in sample standard deviations of plain DPO.",
    "Drift = mean absolute shift from start over the off-target behaviours, in sample standard deviations "
    "of start; `drifted` counts those with q < 0.05 (Benjamini-Hochberg over the row's off-target ones); "
    "`chance` is the 95th percentile of drift when the sign of every prompt's difference is drawn at random.",
    "Pairs touched: the share of training pairs that are not trained on as plain DPO would; a strength that is a share is "
    "the most that may be, and fewer are where no more pairs teach against the decision.",
    "Capability: mean change over the capability behaviours; positive is better.",
    "Brackets are 95 % intervals from drawing prompts again, and seeds too where there are at least three; "
    "with fewer a row is provisional. An interval without width says that no sample differed, not that none could: of n "
    "samples without the event, up to 3/n is compatible with that.",
    "Front: no other row of the same intent is at least as good in recovery (amplification, where that was asked for), "
    "drift and capability and better in one. Start is a reference and no candidate. There is no single score.",
    "A missing score is missing: a mean over fewer behaviours would be another number, so none is given.",
)


def _csv(boards: Boards) -> str:
    """One line for each board row and measure, in long form."""
    out = io.StringIO()
    head = ["dataset", "model", "rows_sha256", "budget", "row", "protocol", "seeds", "status", "front"]
    head += ["measure", "behaviour", "value", "ci_low", "ci_high", "n", "q", "unit", "note", "cells"]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    for b in boards.boards:
        for r in b.rows:
            front = "yes" if r.front else "no"
            seeds = " ".join(map(str, r.seeds))
            start = [b.dataset, b.model, b.rows_sha256, b.budget, r.label, r.protocol, seeds]
            start += [r.provisional or _status(r), front]
            for measure, behaviour, e, q, unit in _measures(b, r):
                low, high = e.ci or (None, None)
                line = [
                    *start,
                    measure,
                    behaviour,
                    e.value,
                    low,
                    high,
                    e.n,
                    q,
                    unit,
                    e.note,
                    " ".join(r.cells),
                ]
                writer.writerow([_csv_value(v) for v in line])
    return out.getvalue()


def _csv_value(value: Any) -> Any:
    """A value no spreadsheet takes for a formula: text that begins like one is set in quotes."""
    if isinstance(value, str) and value[:1] in {"=", "+", "@", "\t", "\r"}:
        return "'" + value
    return "" if value is None else value


def _measures(b: Board, r: Row) -> Iterable[tuple[str, str, Estimate, float | None, str]]:
    yield "recovery", "", r.recovery, None, "share"
    yield "amplification", "", r.amplification, None, "sd of dpo"
    yield "drift", "", r.drift, None, "sd of start"
    yield "drift_significant", "", Estimate(value=r.drift_significant, n=r.drift_tested), None, "behaviours"
    yield "capability_vs_start", "", r.capability_vs_start, None, b.capability_unit
    yield "capability_vs_dpo", "", r.capability_vs_dpo, None, b.capability_unit
    for x in r.behaviours:
        yield "score", x.behaviour, x.score, None, x.unit
        yield "vs_start", x.behaviour, x.vs_start, x.q_start, x.unit
        yield "vs_dpo", x.behaviour, x.vs_dpo, x.q_dpo, x.unit
        yield "shift", x.behaviour, x.shift, x.q_start, "sd of start"
        if x.role == "target":
            yield "recovery", x.behaviour, x.recovery, None, "share"


def _short_label(label: str) -> str:
    """`reward_shaping (strength −2)` as `reward_shaping −2`: a plot has little room."""
    return re.sub(r" \((?:strength )?([^(),]*)\)$", r" \1", label)


def _numbers(b: Board) -> dict[str, int]:
    """Row label -> its number in the table, where a plot has no room for the names; else nothing."""
    return {r.label: k for k, r in enumerate(b.rows, 1)} if len(b.rows) > MOST_NAMED else {}


def _plot(b: Board, name: str) -> Markup:
    """What was gained against drift and against capability: recovery, and amplification where that was asked for."""
    drawn, numbers = [], _numbers(b)
    for amplify, gain, unit in ((False, "recovery", ""), (True, "amplification", ", sd of dpo")):
        asked = {r.intent == "amplify" for r in b.rows if r.kind == "protocol"} or {False}
        if amplify not in asked:
            continue
        rows = [r for r in b.rows if r.kind != "protocol" or (r.intent == "amplify") == amplify]
        panels = [
            Panel(
                _points(rows, numbers, gain, "drift"),
                f"{gain}{unit}  (better: right)",
                "drift, sd of start  (better: down)",
            ),
            Panel(
                _points(rows, numbers, gain, "capability_vs_start"),
                f"{gain}{unit}  (better: right)",
                f"capability change, {b.capability_unit}  (better: up)",
            ),
        ]
        alt = f"{gain.capitalize()} against drift and against capability change, {b.dataset}, {b.model}"
        drawn.append(scatter(panels, name=f"{name}-{gain}", alt=alt))
    return Markup("").join(drawn)


def _points(rows: Sequence[Row], numbers: Mapping[str, int], gain: str, cost: str) -> list[Point]:
    found = []
    for r in rows:
        x, y = getattr(r, gain), getattr(r, cost)
        if x.value is None or y.value is None:
            continue
        name = str(numbers[r.label]) if numbers else _short_label(r.label)
        label = {"start": "start", "plain": "plain DPO"}.get(r.kind, name)
        point = Point(label, x.value, y.value, x.ci, y.ci, filled=not r.provisional)
        found.append(replace(point, tone="muted" if r.kind != "protocol" else "mark" if r.front else "up"))
    return found if any(p.tone != "muted" or p.label == "plain DPO" for p in found) else []


def _html(boards: Boards, command: str) -> str:
    env = environment(Path(__file__).parent / "templates")
    env.filters.update(interval=_with_ci)
    pictures = [_plot(b, f"board-{i}") for i, b in enumerate(boards.boards)]
    return render_page(
        env,
        "board.html.j2",
        boards=boards,
        pictures=pictures,
        numbers=[_numbers(b) for b in boards.boards],
        title=_title,
        facts=_facts,
        command=command,
        method=METHOD,
        amplifies=[_amplifies(b) for b in boards.boards],
        seeds=_seeds,
        drift_count=_drift_count,
        number=number,
    )
