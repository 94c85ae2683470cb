"""`offtarget demo`: the whole loop on the embedded model and a planted set."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import note, progress


def demo(
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("demo-out"),
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a key of the recipe.")] = None,
) -> None:
    """Audit a planted set, suppress one concept, retrain plainly and shaped, and see what changed."""
    import time

    from offtarget.audit.records import Audit
    from offtarget.cli.audit import print_audit
    from offtarget.cli.running import run_grid
    from offtarget.engine.recipe import read_recipe

    started = time.monotonic()
    recipe, path = read_recipe("demo", list(set_ or []))
    with progress() as report:
        run_grid(recipe, path.parent, out, limit=None, report=report)
    print_audit(Audit.read(out / "audit"), out / "audit")
    typer.echo("")
    typer.echo((out / "board.md").read_text())
    note(f"{time.monotonic() - started:.0f} seconds; open {out / 'audit' / 'report.html'} and {out / 'board.html'}")
