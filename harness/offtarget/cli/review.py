"""`offtarget review`: decide on a page, concept by concept."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.options import AuditDir
from offtarget.cli.ui import note

PORT = 8765
TOKEN = "OFFTARGET_REVIEW_TOKEN"  # noqa: S105
"""A token of one's own; empty asks for none, which only a server of this machine alone may do."""


def review(
    audit_dir: AuditDir,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            help="Verdicts file to write; default: verdicts.yaml in the audit's folder, else the one that offtarget.toml in "
            "this folder names, where it is of the audit's vocabulary."
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes any that is free.")] = PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on; by default this machine alone reaches it.")
    ] = "127.0.0.1",
    trusted_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Another Host that requests may name, as a proxy passes it on: name or name:port. May be repeated."
        ),
    ] = None,
    trusted_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Another Origin that requests may come from: the address at which browsers see the page behind a proxy, "
            "https://name or https://name:port. May be repeated."
        ),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    by: Annotated[str | None, typer.Option(help="Who decides; default: the name of this user.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the page as one file that works without a server, and end.")
    ] = None,
) -> None:
    """Decide concept by concept what training may teach, on a page; verdicts.yaml is saved at every decision."""
    import os
    from contextlib import suppress

    from offtarget.audit.folder import AuditFolder
    from offtarget.machine import user
    from offtarget.review.desk import Desk
    from offtarget.review.gated import gated
    from offtarget.review.guard import Guard, new_token
    from offtarget.review.keys import config_in, keys_of
    from offtarget.review.server import Review, address, app, bound, serve
    from offtarget.store import Store

    folder = AuditFolder(audit_dir)
    if verdicts is None:
        verdicts, said = gated(folder)
        if said:
            note(said)
    config = config_in([Path(), *([verdicts.parent] if verdicts else []), folder.path])
    keys = keys_of(config)
    desk = Desk(folder, verdicts, by=user() if by is None else by, config=config)
    try:
        if export is not None:
            from offtarget.review.export import export as write

            typer.echo(f"wrote {write(Review(desk, Store(), keys), export)}")
            return
        token = os.environ.get(TOKEN, new_token())
        listening = bound(host, port)
        with listening:
            guard = Guard(
                host=host,
                port=listening.getsockname()[1],
                token=token or None,
                trusted_hosts=tuple(trusted_host or ()),
                trusted_origins=tuple(trusted_origin or ()),
            )
            page = Review(desk, Store(), keys)
            if desk.read_only:
                note(f"note: {desk.read_only}")
            if page.cards.shards.reason:
                note(f"note: {page.cards.shards.reason}")
            typer.echo(f"decide here: {address(guard)}")
            saved = "" if desk.read_only else f"saved at every decision in {desk.path}; "
            note(f"{saved}end with Ctrl-C")
            if not no_browser:
                import webbrowser

                webbrowser.open(address(guard))
            with suppress(KeyboardInterrupt):
                serve(app(page, guard), listening)
    finally:
        desk.close()
