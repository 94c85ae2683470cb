"""`offtarget rows`: from a concept to the rows behind it."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import echo_json, note, table

SHOWN = 20
"""Rows that are printed; --out and --json have all."""
FIRST = ("id", "side", "u", "prompt")
"""Columns of the file before those of the metadata."""


def rows(
    audit_dir: Annotated[Path, typer.Argument(help="Folder made by `offtarget audit`.")],
    concept: Annotated[str, typer.Argument(help="Id of a concept (see `offtarget concepts`).")],
    side: Annotated[
        str | None, typer.Option(help="Only rows in which this side has more of it: chosen or rejected.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="CSV file to write: id, side, u, prompt, and the metadata of the row.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all rows as JSON.")] = False,
) -> None:
    """List the rows in which chosen and rejected differ in a concept, the largest difference first."""
    from offtarget.audit.folder import AuditFolder
    from offtarget.audit.tracing import rows_with
    from offtarget.data.sources import require_apart
    from offtarget.engine.as_audited import audited_pairs

    folder = AuditFolder(audit_dir)
    if out is not None and (reading := folder.audit.reading) is not None:
        require_apart(out, reading.data)
    found = rows_with(folder, concept, side)
    pairs, reason = audited_pairs(folder)
    if reason:
        note(f"note: {reason}")
    about = [(r, pairs[r.id].meta if r.id in pairs else {}) for r in found]
    if out is not None:
        names = list(dict.fromkeys(name for _, meta in about for name in meta))
        body = [(r.id, r.side, f"{r.u:.6g}", r.group, *(meta.get(name) for name in names)) for r, meta in about]
        _write(out, (*FIRST, *(f"meta_{n}" if n in FIRST else n for n in names)), body)
    if as_json:
        echo_json([{**r.model_dump(mode="json"), "meta": meta} for r, meta in about])
        return
    c = folder.audit.concept(concept)
    both = rows_with(folder, concept, None)
    sides = {s: sum(r.side == s for r in both) for s in ("chosen", "rejected")}
    typer.echo(
        f"{c.title} ({c.id}): {sides['chosen']} rows with more in chosen, {sides['rejected']} with more in rejected, "
        f"of {folder.audit.dataset.n_pairs}"
    )
    if out is not None:
        note(f"wrote {out}")
        return
    table(("more in", "u", "row"), [(r.side, f"{r.u:+.4g}", r.id) for r in found[:SHOWN]])
    if len(found) > SHOWN:
        note(f"... and {len(found) - SHOWN} more: --out ids.csv has all")


def _write(path: Path, head: tuple[str, ...], body: list[tuple[object, ...]]) -> None:
    import csv
    import io

    from offtarget.store import write_atomic

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(body)
    write_atomic(path, text.getvalue())
