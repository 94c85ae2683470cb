"""`offtarget audit`: what a preference set teaches."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offtarget.cli.options import (
    AllowDrops,
    Card,
    ChatTemplate,
    Columns,
    Dataset,
    Engine,
    Head,
    Limit,
    LimitSeed,
    MaxLength,
    SkipBadRows,
    Split,
    Workers,
)
from offtarget.cli.reading import note_reading, one_or_all, replaces
from offtarget.cli.ui import MAX_SEED, columns_option, echo_json, lens_option, note, plain, progress, size, table

if TYPE_CHECKING:
    from offtarget.audit.folder import AuditFolder
    from offtarget.audit.records import Audit
    from offtarget.data.pairs import PairSet
    from offtarget.engine.shard import Shard as Share
    from offtarget.lens.reader import Reader

VALUES = 6
"""Values of a metadata column that are printed with their shares."""
INSIDE = 5
"""Leans of each view of parts of the rows that are printed."""


def audit(
    context: typer.Context,
    dataset: Dataset,
    lens: Annotated[
        str,
        typer.Option(
            help="Lenses, separated by commas: surface, sae, direction, embedding, columns, judge:PROVIDER/MODEL, which sends "
            "text of the set to that model (see `offtarget list lenses`)."
        ),
    ] = "surface",
    model: Annotated[str, typer.Option(help="Model whose activations the lenses read.")] = "smollm2-135m",
    columns: Columns = None,
    split: Split = None,
    card: Card = None,
    limit: Limit = None,
    limit_seed: LimitSeed = None,
    head: Head = None,
    skip_bad_rows: SkipBadRows = False,
    allow_drops: AllowDrops = False,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed of clustering and resampling.")] = 0,
    like: Annotated[
        Path | None, typer.Option(help="Folder of an audit whose vocabulary (concepts and topics) is reused.")
    ] = None,
    topics: Annotated[
        str | None,
        typer.Option(
            help="Cluster rows by latents (where a lens has them), clusters of latents or words; not with --like."
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Metadata columns whose values are compared, such as vendor,source. With --like: the columns of that audit."
        ),
    ] = None,
    max_length: MaxLength = None,
    chat_template: ChatTemplate = None,
    label_model: Annotated[
        str | None,
        typer.Option(
            help="A model that Inspect knows (openai/...) labels concepts of latents. Text of the set is sent to it."
        ),
    ] = None,
    labelled: Annotated[int, typer.Option(min=1, help="Number of concepts that the label model labels.")] = 50,
    out: Annotated[Path | None, typer.Option(help="Output folder; default: audits/NAME.")] = None,
    engine: Engine = None,
    workers: Workers = None,
    shard: Annotated[
        str | None,
        typer.Option(
            help="i/n: only read features, of the i-th of n shares of a large set, so that n processes read all; audit "
            "afterwards without it."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Test which concepts separate chosen from rejected: audit.json and report.html."""
    from dataclasses import replace

    from offtarget.audit.concepts.spaces import SPACES
    from offtarget.audit.folder import AuditFolder
    from offtarget.board.folder import slug
    from offtarget.chat_template import read_template
    from offtarget.data.loading import load_pairs
    from offtarget.engine.auditing import audit_into, set_name
    from offtarget.engine.executors.engines import crew_of, shard_commands, shards_of
    from offtarget.engine.labelling import LabelOptions
    from offtarget.engine.recipe import AuditOptions
    from offtarget.engine.shard import Shard as Share
    from offtarget.errors import ConfigError, unknown_name
    from offtarget.lens.names import kinds_of
    from offtarget.lens.reader import MAX_LENGTH, Reader
    from offtarget.lens.table import lens_of, reads_model
    from offtarget.models import resolve
    from offtarget.report.claims import glance
    from offtarget.report.statements import state
    from offtarget.store import Store

    lenses = lens_option(lens)
    share = Share.parse(shard) if shard else None
    if share and engine:
        raise ConfigError(
            "--shard is a share of the reading for this process, --engine has all of it done; give one of them"
        )
    n = shards_of(engine)
    crew = crew_of(engine, workers) if n is None else None
    needs_model = reads_model(lenses)
    if topics is not None and like is not None:
        raise ConfigError("--topics: with --like rows are placed among the topics of that audit; leave it out")
    if topics is not None and topics not in SPACES:
        raise unknown_name("--topics", topics, SPACES)
    if label_model and not any(lens_of(x).kind == "latent" for x in lenses):
        raise ConfigError("--label-model names concepts of latents, and no lens here has any; add --lens surface,sae")
    if chat_template:
        read_template(chat_template)
    earlier = AuditFolder(like).audit.reading if like else None
    tokens = max_length or (earlier.max_length if earlier else MAX_LENGTH)
    if earlier and needs_model and tokens != earlier.max_length:
        note(
            f"warning: lenses read {tokens} tokens here and {earlier.max_length} in {like}: effects may differ for that "
            "reason alone"
        )
    if n is not None:
        for command in shard_commands(context.obj or (), n):
            typer.echo(command)
        note("run each where the store (OFFTARGET_HOME) is shared, then the command without --engine for the audit")
        return
    store = Store()
    options = AuditOptions(
        lens=tuple(lenses),
        topics=topics or "latents",
        by=None if by is None else tuple(x.strip() for x in by.split(",") if x.strip()),
        like=str(like) if like else None,
        seed=seed,
    )
    labels = LabelOptions(label_model, labelled) if label_model else None
    with progress() as report:
        pairs = load_pairs(
            one_or_all(dataset),
            columns=columns_option(columns),
            split=split,
            limit=limit,
            limit_seed=limit_seed or 0,
            head=head,
            card=card,
            skip_bad_rows=skip_bad_rows,
            allow_drops=allow_drops,
        )
        ref = resolve(model, store) if needs_model else None
        pairs = replace(pairs, name=set_name(one_or_all(dataset)) or pairs.name)
        folder = out or Path("audits") / slug(pairs.name)
        if share is None:
            replaces(folder, pairs, asked=out is not None)
        reader = Reader(ref, store, tokens, template=chat_template, progress=report)
        if share:
            read = _read_share(pairs, lenses, reader, share)
            note(f"{read} shards read; when every share has, the same without --shard makes the audit")
            return
        done = audit_into(folder, pairs, options, reader, labels, crew).folder
    result = done.audit
    note_reading(pairs, warnings=False)  # those are warnings of the audit
    for warning in result.warnings:
        note(f"warning: {warning}")
    said = {name for x in result.lens for name in x.get("row_level", ())}  # in a warning of lens `columns`
    if offered := [name for name in result.offered if name not in said]:
        note(f"columns of few values that could be compared: --by {','.join(offered)}")
    if as_json:
        parts = {"key", "vocabulary", "dataset", "warnings", "metadata", "offered", "stock"}
        findings = [h.model_dump(mode="json", exclude={"rows"}) for h in result.findings]
        statements = [vars(s) for s in glance(result, state(result, done.workings))]
        echo_json(
            {
                "out": str(folder),
                **result.model_dump(mode="json", include=parts),
                "statements": statements,
                "findings": findings,
            }
        )
        return
    print_audit(done, pairs)
    if set(kinds_of(lenses)) == {"surface"}:
        from offtarget.lens.columns import offer as offer_columns
        from offtarget.lens.cost import offer

        for line in (offer(pairs, tokens, model), offer_columns(pairs)):
            if line:
                note(line)


def _read_share(pairs: "PairSet", lenses: list[str], reader: "Reader", share: "Share") -> int:
    """Read the shards of one share, of those that are not there; how many."""
    from offtarget.lens.shards import SHARD_ROWS, is_large
    from offtarget.lens.table import shards_of

    if not is_large(pairs):
        note(f"{len(pairs):,} rows: up to {SHARD_ROWS:,} are read at once, by the audit itself")
    found = shards_of(pairs, lenses, reader)
    mine = [s for k, s in enumerate(found) if share.takes(k) and not s.whole.is_dir() and not s.path.is_dir()]
    for shard in mine:
        shard.make()
    return len(mine)


def print_audit(folder: "AuditFolder", pairs: "PairSet | None" = None) -> None:
    """What the set is made of by metadata, the statements of the report's head, and the clearest leans inside parts."""
    from offtarget.data.fit import counted
    from offtarget.report.claims import glance, nothing_leans, shown_of, truth_line
    from offtarget.report.statements import state

    result = folder.audit
    counts = {view: family.findings for view, family in result.families.items()}
    typer.echo(
        f"{result.dataset.name}: {result.dataset.n_pairs} pairs, {counted(counts['overall'], 'finding')} over the whole set, "
        f"{counts['global']} in single topics, {counts['local']} in kinds of prompt"
        + (f", {counts['metadata']} by metadata" if "metadata" in counts else "")
        + " (q < 0.05)"
    )
    if truth := truth_line(result):
        typer.echo(plain(truth))
    print_composition(result)
    stated = state(result, folder.workings)
    for s in glance(result, stated):
        mark = {"up": "+", "down": "-"}.get(s.side, " ")
        typer.echo(f"{mark} {plain(s.text)}" + (f" [{plain(s.sizes)}]" if s.sizes else ""))
        if s.along:
            typer.echo(f"    {plain(s.along)}")
    if not stated.statements and not stated.unnamed:
        typer.echo(f"  {nothing_leans(result)}")
    else:
        left = len(stated.statements) - len(shown_of(stated))
        more = f"; {counted(left, 'more statement')} in the report" if left > 0 else ""
        typer.echo(f"(+ more in chosen, - more in rejected; d: difference in standard deviations{more})")
    print_inside(result, pairs)
    typer.echo(f"wrote {folder.path / 'audit.json'} and {folder.path / 'report.html'}")


def print_inside(result: "Audit", pairs: "PairSet | None") -> None:
    """The clearest leans of single topics and kinds of prompt, those of named concepts first."""
    from offtarget.report.amounts import shift, small
    from offtarget.report.composition import told
    from offtarget.report.statements import inside

    concepts = {c.id: c for c in result.concepts}
    contexts = {c.id: c for c in result.contexts}
    shown = []
    for view in ("global", "local"):
        found = [h for h in result.findings if h.view == view and h.context in contexts]
        shown += inside(found, concepts)[:INSIDE]
    if not shown:
        return
    rows = [
        (
            h.lean,
            plain(shift(h.inside_mean, concepts[h.concept].evidence)),
            "" if h.outside_mean is None else plain(shift(h.outside_mean, concepts[h.concept].evidence)),
            size(h.d),
            small(h.q),
            concepts[h.concept].title,
            contexts[h.context or ""].title,
        )
        for h in shown
    ]
    typer.echo("")
    table(("leans", "here", "elsewhere", "d", "q", "concept", "where"), rows)
    typer.echo("(here and elsewhere: chosen - rejected; leans, d and q are of the difference of the two)")
    by_id = {p.id: p for p in pairs.pairs} if pairs else {}
    for name in dict.fromkeys(h.context for h in shown if h.context):
        if by_id and contexts[name].typical:
            typer.echo(told(contexts[name], by_id))


def print_composition(result: "Audit") -> None:
    """For each column of metadata: the shares of its values, and how the main concepts differ between them."""
    from offtarget.report.composition import compositions

    for t in compositions(result):
        column = t.column
        largest = sorted(column.values, key=lambda v: -v.n)[:VALUES]
        shares = ", ".join(f"{v.value} {v.n / t.n_rows:.0%}" for v in largest)
        more = column.n_values - len(largest)
        typer.echo(f"\nby {column.name}: {shares}" + (f", {more} more values" if more > 0 else ""))
        for text in t.statements:
            typer.echo(f"  {plain(text)}")
    if result.metadata:
        typer.echo("")
