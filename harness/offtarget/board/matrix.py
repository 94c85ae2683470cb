"""The off-target matrix: how far every protocol moves every behaviour from start, all tested as one family."""

from collections.abc import Mapping
from dataclasses import replace

from offtarget.board import sentences as say
from offtarget.board.measure import ALPHA, Measured
from offtarget.board.records import BehaviourRow, Board, Row
from offtarget.board.tables import Entry, Table, Value, table
from offtarget.evals.compare import false_discovery
from offtarget.report.html import fixed, p_value

ABOUT = (
    "Shift from start in its sample standard deviations, with its 95 % interval. q: Benjamini-Hochberg over every protocol and "
    f"behaviour of this table; marked where q < {ALPHA:g}. The sign is of the number, not of what is better."
)


def with_matrix(rows: Mapping[str, Row], work: Mapping[str, Mapping[str, Measured]]) -> dict[str, Row]:
    """The rows with `q_board`: of the difference from start, over all trained rows and all behaviours of the board.

    Args:
        rows: of one board, by key.
        work: what was measured, by row and behaviour.
    """
    tests = {
        (key, name): w.p("start") for key, own in work.items() if rows[key].kind != "start" for name, w in own.items()
    }
    q = dict(zip(tests, false_discovery(list(tests.values())), strict=True))
    return {
        key: r.model_copy(
            update={
                "behaviours": tuple(
                    x.model_copy(update={"q_board": q.get((key, x.behaviour))}) for x in r.behaviours
                )
            }
        )
        for key, r in rows.items()
    }  # fmt: skip


def matrix_table(b: Board) -> Table | None:
    """Protocols by behaviours; None where no protocol has the seeds for it."""
    rows = [r for r in say.compared(b) if r.kind != "start"]
    if not rows or not any(x.q_board is not None for r in rows for x in r.behaviours):
        return None
    names = [x for x in rows[0].behaviours]
    head: list[str | Entry] = ["protocol"]
    head += [Entry(f"{x.behaviour} ({x.role})", (x.behaviour, x.role)) for x in names]
    moved = Entry(f"moved (q < {ALPHA:g})", ("moved,", f"q < {ALPHA:g}"))
    lines: list[list[Value]] = []
    for r in rows:
        tested = [x for x in r.behaviours if x.role != "target" and x.q_board is not None]
        n = sum(x.q_board is not None and x.q_board < ALPHA for x in tested)
        line: list[Value] = [Entry(r.label, (r.label,)), *(_shift(x) for x in r.behaviours)]
        lines.append([*line, Entry(f"{n} of {len(tested)} besides the target", (f"{n} of {len(tested)}",), key=n)])
    tones = tuple("ref" if r.kind == "plain" else "" for r in rows)
    made = table("Off-target matrix", [*head, moved], lines, about=ABOUT, words=["protocol"])
    return replace(made, tones=tones, falling=frozenset({moved.text}))


def _shift(x: BehaviourRow) -> Entry:
    s = x.shift
    if s.value is None or x.q_board is None:
        return Entry(s.note or "–", key="", tone="muted")
    said = fixed(s.value, sign=True)
    low, high = (fixed(v, sign=True) for v in s.ci) if s.ci else ("", "")
    told = x.q_board < ALPHA
    words = f"{said} [{low}, {high}], " if s.ci else f"{said}, "
    q = f"q {p_value(x.q_board)}"
    below = [f"{low} … {high}"] if s.ci else []
    way = "" if not told else "up" if s.value > 0 else "down"
    text = f"{words}{q}{' *' if told else ''}"
    return Entry(text, (said, *below), key=s.value, tag=q if told else "", tone=way or "muted")
