"""`offtarget status`: how far workers are."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.options import AsJson
from offtarget.cli.ui import echo_json, table


def status(
    run: Annotated[Path, typer.Argument(help="Folder of a run or an audit that is made with --engine.")],
    as_json: AsJson = False,
) -> None:
    """Cells or shards that are done, running, lost, failed or waiting, and by whom."""
    from offtarget.engine.executors.crew import crewed

    found = crewed(run)
    if as_json:
        echo_json({part: crew.model_dump(mode="json") for part, crew in found.items()})
        return
    for part, crew in found.items():
        counts = [
            f"{n} {status}" for status in ("done", "running", "lost", "failed", "waiting") if (n := crew.count(status))
        ]
        typer.echo(f"{part or crew.out}: {', '.join(counts)} of {len(crew.units)} {crew.noun}")
        rows = []
        for unit in crew.units:
            if unit.status in ("running", "lost", "failed"):
                said = crew.workers.get(unit.worker, {})
                where = f"{said.get('machine', '')} {said.get('pid', '')}".strip()
                doing = str(said.get("doing", "")) if unit.status == "running" else unit.reason
                rows.append((unit.name, unit.status, where, doing))
        if rows:
            table((crew.noun[:-1], "is", "on", "doing, or why not"), rows)
