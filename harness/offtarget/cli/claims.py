"""`offtarget claims`: what papers claim, held against the committed records."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import note


def claims(
    file: Annotated[Path, typer.Argument(help="The claims; folders that it names are relative to it.")] = Path(
        "results/claims.yaml"
    ),
    form: Annotated[str, typer.Option("--format", help="Formats, separated by commas: md, html, csv, json.")] = "md",
    out: Annotated[Path | None, typer.Option(help="Output folder; without it one format is printed.")] = None,
) -> None:
    """Claims of papers, our figure of each with its interval, and whether it is reproduced, from cells and verifications."""
    from offtarget.claims.page import check_claims, claims_command, render_claims
    from offtarget.errors import ConfigError
    from offtarget.store import write_atomic

    formats = [f.strip() for f in form.split(",") if f.strip()]
    if out is None and len(formats) != 1:
        raise ConfigError("several formats need a folder: give --out DIR")
    if out is not None and out.is_file():
        raise ConfigError(f"--out {out} is a file; name a folder")
    found = check_claims(file)
    command = claims_command(file, formats, out)
    texts = {f: render_claims(found, f, command) for f in formats}
    for f, text in texts.items():
        if out is None:
            typer.echo(text)
        else:
            note(f"wrote {write_atomic(out / f'claims.{f}', text)}")
