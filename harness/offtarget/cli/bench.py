"""`offtarget bench-audits`: audit methods against planted truth."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.options import RunOut
from offtarget.cli.ui import note, note_problems, progress


def bench_audits(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of one in baselines/methods/recipes.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Override a key of the recipe: power.draws=2, methods=[overall].")
    ] = None,
    out: RunOut = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the board as JSON.")] = False,
) -> None:
    """Run audit methods on sets whose truth is known, and write the audit board. Interrupted, it goes on."""
    import shlex

    from offtarget.benchmark.board import audit_markdown, write_audit_board
    from offtarget.benchmark.recipe import read_bench
    from offtarget.benchmark.run import run_bench
    from offtarget.benchmark.summary import audit_board
    from offtarget.errors import ConfigError
    from offtarget.store import Store

    plan, path = read_bench(recipe, list(set_ or []))
    note_problems()
    folder = out or Path("runs") / path.stem
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--out {folder}: a file of that name is in the way")
    words = ["offtarget", "bench-audits", recipe, *(w for item in set_ or [] for w in ("--set", item))]
    with progress() as report:
        scored = run_bench(plan, Store(), report)
    board = audit_board(plan, scored, shlex.join(words))
    written = write_audit_board(board, folder)
    if as_json:
        typer.echo(board.model_dump_json(indent=1))
    else:
        typer.echo(audit_markdown(board))
        note(f"wrote {', '.join(str(p) for p in written)}")
