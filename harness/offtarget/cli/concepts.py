"""`offtarget concepts`: what an audit calls its concepts, and how far to trust the names."""

from typing import TYPE_CHECKING, Annotated

import typer

from offtarget.cli.options import AuditDir
from offtarget.cli.ui import echo_json, size, table

if TYPE_CHECKING:
    from offtarget.audit.evidence import Concept

HEAD = (
    "concept", "latents", "label", "named by", "r", "words' AUROC", "held-out responses", "stability", "d", "q", "leans",
)  # fmt: skip

WORDS = frozenset({"concept", "label", "named by", "leans"})
READING = (
    "*r*: Pearson correlation, over distinct responses to prompts that the name was not made from, of the rule's value (or "
    "of the model's yes or no) with the share of the concept's latents that fire. *words' AUROC*: of the first five words, "
    "for where it fires, on such responses. *Stability*: how well other seeds of the clustering find the cluster (Jaccard). "
    "*d*, *q*: of chosen minus rejected over the whole set."
)


def concepts(
    audit_dir: AuditDir,
    lens: Annotated[str | None, typer.Option(help="Only concepts of this lens.")] = None,
    fmt: Annotated[str, typer.Option("--format", help="Output format: text, md, csv or json.")] = "text",
    find: Annotated[
        str | None, typer.Option(help="Only concepts with this text in their id, label or evidence.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show only the first N concepts.")] = None,
) -> None:
    """List the concepts with label, what vouches for it on held-out prompts, stability over seeds, and overall lean.

    Named ones come first, then those without a name, both by how clearly they lean. No text of the set is printed but
    the words of the labels.
    """
    from offtarget.audit.folder import AuditFolder
    from offtarget.errors import ConfigError, unknown_name
    from offtarget.report.statements import tier

    if fmt not in ("text", "md", "csv", "json"):
        raise unknown_name("format", fmt, ("text", "md", "csv", "json"))
    audit = AuditFolder(audit_dir).audit
    there = sorted({c.lens for c in audit.concepts})
    if lens is not None and lens not in there:
        raise ConfigError(f"--lens {lens}: this audit was made with {', '.join(there)}")
    lean = {h.concept: h for h in audit.hypotheses if h.view == "overall"}
    found = [c for c in audit.concepts if c.id in lean and lens in (None, c.lens)]
    if find is not None:
        found = [c for c in found if any(find.lower() in text.lower() for text in searched(c))]
        if not found:
            labels = {c.id: c.title for c in audit.concepts}
            raise unknown_name("concept", find, (c.id for c in audit.concepts if c.id in lean), labels=labels)
    found.sort(key=lambda c: (tier(c), -abs(lean[c.id].z), c.id))
    rows = []
    for c in found[:limit]:
        h, e = lean[c.id], c.evidence
        r, auroc, n = vouched(c)
        values = (c.id, len(c.members), c.title, named_by(c), r, auroc, n, e.stability, h.d, h.q, h.lean)
        rows.append(values if fmt == "json" else tuple(map(in_words, HEAD, values)))
    if fmt == "json":
        echo_json([dict(zip(HEAD, row, strict=True)) for row in rows])
    elif fmt == "text":
        table((*HEAD[:2], *HEAD[3:], HEAD[2]), [(*row[:2], *row[3:], row[2]) for row in rows])
    else:
        from offtarget.board.tables import as_csv, as_markdown, escape_cell
        from offtarget.board.tables import table as board_table

        about = (
            f"{len(rows)} concepts of an audit of {audit.dataset.n_pairs} pairs (audit `{audit.key[:16]}`, lens "
            f"{', '.join(str(x['name']) for x in audit.lens)}): named ones, then those without a name, both by how "
            f"clearly they lean. {READING}"
        )
        title = f"Concepts of {escape_cell(audit.dataset.name)}"
        found_table = board_table(title, HEAD, rows, about=about, words=WORDS)
        typer.echo(as_csv(found_table) if fmt == "csv" else "\n".join(as_markdown(found_table, 1)), nl=False)


def in_words(name: str, value: str | float | None) -> str | int:
    """A value as a table shows it."""
    from offtarget.report.amounts import small

    if value is None:
        return ""
    if isinstance(value, float):
        return {"d": size, "q": small, "r": "{:+.2f}".format}.get(name, "{:.2f}".format)(value)
    return value


def searched(c: "Concept") -> tuple[str, ...]:
    """The texts of a concept that `--find` looks into."""
    return (c.id, c.title, c.label, *c.evidence.words, *c.evidence.words_against, *c.evidence.tokens)


def named_by(c: "Concept") -> str:
    """Who vouches for the title: the lens, a rule, a model; empty for nobody."""
    if c.model_label is not None and c.model_label.names:
        return f"model {c.model_label.model}"
    return {"lens": "its lens", "rule": c.evidence.correlate.concept if c.evidence.correlate else "", "none": ""}[
        c.name
    ]


def vouched(c: "Concept") -> tuple[float | None, float | None, int | None]:
    """Held-out r of the name, AUROC of the words, and the responses that were held out."""
    e = c.evidence
    if c.model_label is not None and c.model_label.names:
        return c.model_label.fidelity, None, c.model_label.n
    if e.correlate is not None:
        return e.correlate.held_out, e.word_fit.auroc if e.word_fit else None, e.correlate.n
    return (None, e.word_fit.auroc, e.word_fit.n) if e.word_fit else (None, None, None)
