"""`offtarget new`: the first file of a protocol, behaviour, audit method or predictor."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import note

NEXT = {
    "protocol": "offtarget --registry {folder} check {name}",
    "behaviour": "offtarget --registry {folder} eval smollm2-135m --behaviours {name} --limit 8",
    "method": "offtarget --registry {folder} bench-audits quick --set 'methods=[overall, {name}]' --out {name}-board",
    "predictor": "offtarget --registry {folder} verify RUN",
}


def new(
    kind: Annotated[str, typer.Argument(help="What to begin: protocol, behaviour, method (of audits) or predictor.")],
    name: Annotated[str, typer.Argument(help="Name of the new one: letters, digits and underscores.")],
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Content folder, as --registry takes it; the file goes to its baselines/ or tasks/. Default: the one that "
            "--registry names, else this folder."
        ),
    ] = None,
) -> None:
    """Write a protocol, behaviour, audit method or predictor that runs as it is, to be changed."""
    import shlex

    from offtarget.registry import added
    from offtarget.starters import start

    into = folder or next(iter(added()), Path())
    for path in start(kind, name, into):
        typer.echo(path)
    note(f"try it: {NEXT[kind].format(folder=shlex.quote(str(into)), name=name)}")
