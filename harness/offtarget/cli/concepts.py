"""`offtarget concepts`: what an audit calls its concepts, and how far to trust the names."""

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import echo_json, table

HEAD = ("concept", "latents", "label", "fidelity", "held-out responses", "stability", "d", "q", "leans")


def concepts(
    audit_dir: Annotated[Path, typer.Argument(help="A folder made by `offtarget audit`.")],
    lens: Annotated[str | None, typer.Option(help="Only concepts of this lens.")] = None,
    fmt: Annotated[str, typer.Option("--format", help="text, md, csv or json.")] = "text",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
) -> None:
    """List the concepts with label, fidelity on held-out prompts, stability over seeds, and overall lean.

    Those that lean most clearly come first. No text of the set is printed but the words of the labels.
    """
    from offtarget.audit.records import Audit
    from offtarget.errors import ConfigError, unknown_name

    if fmt not in ("text", "md", "csv", "json"):
        raise unknown_name("format", fmt, ("text", "md", "csv", "json"))
    audit = Audit.read(audit_dir)
    there = sorted({c.lens for c in audit.concepts})
    if lens is not None and lens not in there:
        raise ConfigError(f"--lens {lens}: this audit was made with {', '.join(there)}")
    lean = {h.concept: h for h in audit.hypotheses if h.view == "overall"}
    found = [c for c in audit.concepts if c.id in lean and lens in (None, c.lens)]
    found.sort(key=lambda c: (-abs(lean[c.id].z), c.id))
    rows = []
    for c in found[:limit]:
        h, e = lean[c.id], c.evidence
        rows.append(
            (
                c.id,
                len(c.members),
                c.title,
                "" if e.fidelity is None else f"{e.fidelity.r:.2f}",
                "" if e.fidelity is None else e.fidelity.n,
                "" if e.stability is None else f"{e.stability:.2f}",
                f"{h.d:+.2f}",
                f"{h.q:.1e}",
                h.lean,
            )
        )
    if fmt == "json":
        echo_json([dict(zip(HEAD, row, strict=True)) for row in rows])
    elif fmt == "csv":
        csv.writer(sys.stdout).writerows([HEAD, *rows])
    elif fmt == "md":
        from offtarget.board.text import escape_cell

        typer.echo(f"# Concepts of {escape_cell(audit.dataset.name)}\n")
        typer.echo(
            f"{len(rows)} concepts of an audit of {audit.dataset.n_pairs} pairs (audit `{audit.key[:16]}`, lens "
            f"{', '.join(str(x['name']) for x in audit.lens)}), those that lean most clearly first. *Fidelity*: Pearson "
            "correlation, over responses to prompts that the label was not made from, of what the label names with the "
            "share of the concept's latents that fire. *Stability*: how well other seeds of the clustering find the "
            "cluster (Jaccard). *d*, *q*: of chosen minus rejected over the whole set.\n"
        )
        typer.echo("| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD))
        for row in rows:
            typer.echo("| " + " | ".join(escape_cell(str(cell)) for cell in row) + " |")
    else:
        table((*HEAD[:2], *HEAD[3:], HEAD[2]), [(*row[:2], *row[3:], row[2]) for row in rows])
