"""`offtarget verdicts`: what several people decided."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import echo_json, note, table

app = typer.Typer(help="Verdicts files.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Verdicts files."""


@app.command("merge")
def merge(
    files: Annotated[list[Path], typer.Argument(help="Two verdicts files or more, of one vocabulary.")],
    out: Annotated[
        Path,
        typer.Option(
            help="File to write; may be one of those that are merged. What is decided in it counts as one file more."
        ),
    ],
    prefer: Annotated[Path | None, typer.Option(help="The file that counts where they contradict.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the conflicts as JSON.")] = False,
) -> None:
    """Put verdicts files together; exits with 3 while they contradict: settle that on the page, or by --prefer."""
    from offtarget.review.merge import merge as put_together

    left = put_together(files, out, prefer)
    if as_json:
        echo_json([c.model_dump(mode="json") for c in left])
    if not left:
        note(f"wrote {out}: nothing contradicts")
        return
    if not as_json:
        rows = [
            (
                c.concept,
                c.context or "everywhere",
                s.letter,
                f"{s.verdict.decision} {s.verdict.strength:g}",
                s.verdict.decider(),
                s.verdict.why,
                s.file,
            )
            for c in left
            for s in c.sides
        ]
        table(("concept", "where", "", "decision", "by", "why", "file"), rows)
    many = "1 decision contradicts" if len(left) == 1 else f"{len(left)} decisions contradict"
    note(
        f"wrote {out}, where {many}: settle on the page (`offtarget review AUDIT_DIR --verdicts {out}`) or with --prefer FILE"
    )
    raise typer.Exit(3)
