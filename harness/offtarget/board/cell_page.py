"""The page of one cell: what was asked, what it stands on, what came of it, and how to make it again."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from offtarget.board.beside import Link
from offtarget.board.cell import Cell
from offtarget.board.cost import forward_equivalents
from offtarget.board.group import run_name
from offtarget.board.tables import Entry, Value, as_html, table
from offtarget.report.html import environment, fixed, render_page

HEAD = ("behaviour", "role", "score", "n", "unscored", "task version")


def cell_page(cell: Cell, links: Sequence[Link], *, back: str, command: str) -> str:
    """The whole page.

    Args:
        cell: it.
        links: what lies beside it.
        back: address of the board that it is on.
        command: what makes the run again.
    """
    env = environment(Path(__file__).parent / "templates")
    passes = forward_equivalents(cell)
    cost = [f"{k} {v:.0f} s" for k, v in cell.cost.seconds.items() if v is not None]
    cost += [] if passes is None else [f"{passes:.1f} forward passes over its pairs"]
    losses = cell.training.details.get("losses") if cell.training else None
    return render_page(
        env, "cell.html.j2", cell=cell, name=run_name(cell), links=links, back=back, command=command,
        scores=as_html(table("", HEAD, [_row(s) for s in cell.behaviours], words=("behaviour", "role"))),
        cost=cost, losses=_curve(losses) if isinstance(losses, list) else "",
        recipe=_written(cell.recipe or _asked(cell)), plan=_written(cell.plan.model_dump(mode="json")) if cell.plan else "",
        audit=_written(cell.audit), training=_training(cell), hardware=_flat({**cell.hardware, **cell.manifest.packages}),
        manifest=_flat(cell.manifest.model_dump(mode="json", exclude={"packages", "task_versions", "seeds"})),
    )  # fmt: skip


def _row(s: Any) -> list[Value]:
    if s.value is None:
        score = Entry("not scored", key="", tone="muted")
    else:
        ci = [f"{fixed(s.ci[0], 3)} … {fixed(s.ci[1], 3)}"] if s.ci else []
        score = Entry(fixed(s.value, 3), (fixed(s.value, 3), *ci, s.unit), key=s.value)
    better = "↓ better" if s.direction == "lower" else "↑ better"
    return [Entry(s.behaviour, (s.behaviour, better)), s.role, score, s.n, s.n_unscored, s.task_version]


def _asked(cell: Cell) -> dict[str, Any]:
    """What an older cell says of its recipe."""
    return {**cell.spec.model_dump(mode="json"), "budget": cell.budget}


def _training(cell: Cell) -> str:
    if cell.training is None:
        return ""
    found = cell.training.model_dump(mode="json")
    found["details"] = {k: v for k, v in found["details"].items() if k != "losses"}
    return _written(found)


def _written(found: Mapping[str, Any]) -> str:
    """A mapping as YAML: each key on its line, and what it holds in JSON, which is YAML too."""
    kept = {k: v for k, v in found.items() if v not in (None, {}, [], "")}
    text = "\n".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in kept.items())
    return text if len(text) <= 20_000 else f"{text[:20_000]}\n… (the rest is in the cell)"


def _flat(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(k.replace("_", " "), str(v)) for k, v in found.items() if v not in (None, "", {}, [])]


def _curve(losses: Sequence[Any]) -> Markup:
    """Loss by step as a line, drawn by hand: a page of a plotting library for each of 500 cells would take minutes."""
    ys = [float(y) for y in losses if isinstance(y, int | float) and math.isfinite(y)]
    if len(ys) < 2:
        return Markup("")
    low, high = min(ys), max(ys)
    width, height, left = 560, 120, 44
    step = (width - left - 8) / (len(ys) - 1)
    points = " ".join(
        f"{left + i * step:.1f},{10 + (height - 20) * (high - y) / ((high - low) or 1):.1f}" for i, y in enumerate(ys)
    )
    marks = "".join(
        f'<text x="{left - 6}" y="{y}" text-anchor="end" font-size="11" fill="var(--muted)">{escape(f"{v:.2f}")}</text>'
        for v, y in ((high, 14), (low, height - 6))
    )
    alt = f"Loss by step, {ys[0]:.2f} to {ys[-1]:.2f} over {len(ys)} steps"
    return Markup(  # noqa: S704 - numbers alone
        f'<svg role="img" aria-label="{alt}" viewBox="0 0 {width} {height}">{marks}'
        f'<polyline points="{points}" fill="none" stroke="var(--up)" stroke-width="1.5"/></svg>'
    )
