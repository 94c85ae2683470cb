"""`offtarget drop`: a new drop of data in one line: audit, difference, gate and page."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.gate import Config, Formats, Judged, PassOnStale, Strict, errors_in, show
from offtarget.cli.options import AllowDrops, Card, Columns, Dataset, Head, Limit, LimitSeed, SkipBadRows, Split
from offtarget.cli.ui import columns_option, note, plain, printable


def drop(
    dataset: Dataset,
    against: Annotated[Path, typer.Option(help="Audit of the earlier drop, whose vocabulary and reading are used.")],
    by: Annotated[
        str | None, typer.Option(help="Metadata columns, such as vendor; default: those of the earlier audit.")
    ] = None,
    columns: Columns = None,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            help="Decisions; default: what offtarget.toml names, or verdicts.yaml in the folder of --against."
        ),
    ] = None,
    config: Config = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Baseline file; default: the audit of --against, with its rows.")
    ] = None,
    strict: Strict = False,
    pass_on_stale: PassOnStale = False,
    formats: Formats = None,
    split: Split = None,
    card: Card = None,
    limit: Limit = None,
    limit_seed: LimitSeed = None,
    head: Head = None,
    skip_bad_rows: SkipBadRows = False,
    allow_drops: AllowDrops = False,
    out: Annotated[Path | None, typer.Option(help="Folder of the audit; default: audits/NAME.")] = None,
) -> None:
    """Audit a new drop like an earlier one and judge what changed: by whom, in which rows; the gate's exit code."""
    from dataclasses import replace

    from offtarget.audit.diff.run import difference
    from offtarget.audit.folder import AuditFolder
    from offtarget.cli.reading import asked_rows, audited_drop, one_or_all
    from offtarget.gate.criteria import criteria_of
    from offtarget.gate.drop import IDS, PAGE, lines_of, make_drop, write_drop
    from offtarget.gate.formats import parse_formats
    from offtarget.gate.last import keep
    from offtarget.gate.run import gate as run_gate

    wanted = parse_formats(formats)
    with errors_in(wanted):
        old = AuditFolder(against)
        names = (
            tuple(x.strip() for x in by.split(",") if x.strip()) if by else tuple(c.name for c in old.audit.metadata)
        )
        criteria = criteria_of(config, verdicts, baseline, beside=old.path)
        if baseline is None:  # the earlier audit is the baseline, with its rows
            criteria = replace(criteria, baseline=None)
        criteria.require_readable()
        asked = asked_rows(
            one_or_all(dataset),
            columns=columns_option(columns),
            split=split,
            card=card,
            limit=limit,
            limit_seed=limit_seed,
            head=head,
            skip_bad_rows=skip_bad_rows,
            allow_drops=allow_drops,
        )
        new, pairs = audited_drop(asked, old.path, out, by=names if by else None, seed=old.audit.seed, gate=False)
        for warning in new.audit.warnings:
            note(f"warning: {warning}")
        found = difference(old, new)
        judged = run_gate(new, criteria, against=old, compared=found, strict=strict, pass_on_stale=pass_on_stale)
        keep(new, judged, criteria.verdicts)
        said, ids = make_drop(old, new, pairs, names, found, judged, criteria.config.gate)
        write_drop(new.path, said, ids)
        if all(w.name in ("table", "github") or w.file is not None for w in wanted):
            for line in lines_of(said):
                typer.echo(printable(plain(line)))
            typer.echo(f"rows: {new.path / IDS}; page: {new.path / PAGE}")
        show([Judged(judged, new, pairs)], criteria, wanted)
    if judged.exit_code:
        raise typer.Exit(judged.exit_code)
