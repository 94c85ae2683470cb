"""`offtarget gate`: pass or fail on a dataset or its audit."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offtarget.cli.options import AllowDrops, Card, Columns, Head, Limit, LimitSeed, SkipBadRows, Split
from offtarget.cli.ui import MAX_SEED, columns_option, note, plain, printable

if TYPE_CHECKING:
    from offtarget.audit.folder import AuditFolder
    from offtarget.data.pairs import Pair
    from offtarget.gate.criteria import Criteria
    from offtarget.gate.formats import Wanted
    from offtarget.gate.records import GateReport

INIT = "init"
OF_DATA = (
    "like", "columns", "split", "card", "limit", "limit_seed", "head", "skip_bad_rows", "allow_drops", "seed", "out",
)  # fmt: skip
"""Options by which a dataset is audited; an audit that is there has no use for them."""
OF_REPORT = ("prune", "strict", "pass_on_stale", "formats")
"""Options of a report, which is not made where the baseline is only updated."""
Config = Annotated[
    Path | None, typer.Option(help="Settings and limits; default: offtarget.toml in this folder, where there is one.")
]
VerdictsFile = Annotated[
    Path | None,
    typer.Option(help="Decisions; default: what offtarget.toml names, or verdicts.yaml in the folder of the audit."),
]
BaselineFile = Annotated[Path | None, typer.Option(help="Baseline file; default: what offtarget.toml names.")]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help="table, json, junit, sarif or github, or NAME=FILE; may be repeated. github prints workflow commands, and adds "
        "to $GITHUB_STEP_SUMMARY.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings fail too: what shrank, what is gone.")]
PassOnStale = Annotated[
    bool, typer.Option("--pass-on-stale", help="An allowance for what is no longer there does not fail.")
]


def gate(
    context: typer.Context,
    dataset: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATASET|AUDIT_DIR|init]...",
            help="Dataset to audit and judge, or a folder made by `offtarget audit`; default: `data` of offtarget.toml. "
            "`offtarget gate init AUDIT_DIR` writes baseline, offtarget.toml, a workflow and a pre-commit hook here.",
        ),
    ] = None,
    verdicts: VerdictsFile = None,
    config: Config = None,
    baseline: BaselineFile = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="An earlier audit as the baseline, or the one that the baseline was made from: rows are compared."
        ),
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Write today's figures as the baseline, and exit with 0.")
    ] = False,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="In the baseline, what is gone or shrank takes today's figures; the rest stays."),
    ] = False,
    strict: Strict = False,
    pass_on_stale: PassOnStale = False,
    formats: Formats = None,
    require_staged: Annotated[
        bool,
        typer.Option(
            "--require-staged",
            help="Refuse where the baseline, the folder beside it, verdicts or offtarget.toml have unstaged changes.",
        ),
    ] = False,
    like: Annotated[
        Path | None, typer.Option(help="Audit whose vocabulary and reading are used; default: the baseline's.")
    ] = None,
    columns: Columns = None,
    split: Split = None,
    card: Card = None,
    limit: Limit = None,
    limit_seed: LimitSeed = None,
    head: Head = None,
    skip_bad_rows: SkipBadRows = False,
    allow_drops: AllowDrops = False,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed of the audit's resampling.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the audit of a dataset; default: audits/NAME-gate.")
    ] = None,
) -> None:
    """Fail on what the data teaches and nobody allowed, on limits, and on changes against a baseline."""
    from offtarget.audit.folder import AuditFolder
    from offtarget.cli.reading import asked_rows, audited_drop
    from offtarget.errors import ConfigError
    from offtarget.gate.baseline import BASELINE, like_folder, like_path, pruned, read_baseline, write_baseline
    from offtarget.gate.criteria import criteria_of
    from offtarget.gate.formats import parse_formats
    from offtarget.gate.run import baseline_now
    from offtarget.gate.run import gate as run_gate
    from offtarget.gate.staged import require_staged as staged

    wanted = parse_formats(formats)
    given = list(dataset or [])
    if given[:1] == [INIT]:
        _refuse(context, [p.name or "" for p in context.command.params[1:]], "`gate init` takes an audit and no option")
        _init(given[1:])
        return
    asked = criteria_of(config, verdicts, baseline, given)
    folder = asked.subject.audit if asked.subject else None
    if folder is not None:
        _refuse(
            context, OF_DATA, f"{folder.path} is an audit, which is judged as it was made; name its data to audit again"
        )
    if update_baseline:
        _refuse(context, OF_REPORT, "with --update-baseline nothing is judged; do one after the other")
    if prune and asked.baseline is None:
        raise ConfigError("--prune: there is no baseline to prune; name one with --baseline, or in offtarget.toml")
    if require_staged:
        beside = like_folder(asked.baseline) if asked.baseline else None
        staged([asked.config_path, asked.verdicts, asked.baseline, beside])
    rows = None
    if folder is None:
        if not asked.some and against is None and not update_baseline:
            _nothing(given)
        subject = asked.require_subject()
        if not update_baseline:
            asked.require_readable()
        if against is not None:
            AuditFolder(against).audit  # noqa: B018 - refused here, before the data is read
        folder, pairs = audited_drop(
            asked_rows(
                subject.data,
                columns=columns_option(columns) or subject.columns,
                split=split,
                card=card,
                limit=limit,
                limit_seed=limit_seed,
                head=head,
                skip_bad_rows=skip_bad_rows,
                allow_drops=allow_drops,
            ),
            like or against or like_path(asked.baseline),
            out,
            by=None,
            seed=seed,
            gate=True,
        )
        rows = pairs.pairs
        for warning in folder.audit.warnings:
            if not warning.startswith(
                "nothing was tested by topic"
            ):  # a baseline holds topics only where they are judged
                note(f"warning: {warning}")
    target = asked.baseline or Path(BASELINE)
    if update_baseline:
        fresh = baseline_now(folder, asked)
        changed = write_baseline(target, fresh, folder)
        how = "written" if changed else "is as it was"
        note(
            f"baseline {target} {how}: {len(fresh.entries)} effects of {fresh.dataset} ({fresh.rows} pairs); "
            f"commit it and {like_folder(target)}/"
        )
        return
    report = run_gate(
        folder, asked, against=AuditFolder(against) if against else None, strict=strict, pass_on_stale=pass_on_stale
    )
    show(report, folder, asked, wanted, rows)
    if prune and asked.baseline is not None:
        left = pruned(read_baseline(asked.baseline), baseline_now(folder, asked), report.outcomes)
        if write_baseline(asked.baseline, left, folder):
            note(
                f"baseline {asked.baseline}: what is gone or smaller has today's figures; commit it and {like_folder(asked.baseline)}/"
            )
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _refuse(context: typer.Context, names: Sequence[str], why: str) -> None:
    """Check that the command line does not give options that would have no effect."""
    from offtarget.errors import ConfigError

    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in names and source is not None and source.name == "COMMANDLINE":
            raise ConfigError(f"{option.opts[0]}: {why}")


def show(
    report: "GateReport",
    folder: "AuditFolder",
    criteria: "Criteria",
    wanted: "Sequence[Wanted]",
    pairs: "Sequence[Pair] | None" = None,
) -> None:
    """Write the report in every format that was asked for; `pairs` are the audited rows, where they were read."""
    import os

    from offtarget.gate.formats import DOCUMENTS, FORMATS, github
    from offtarget.gate.locations import Locations
    from offtarget.store import write_atomic

    locations = Locations(folder, report, criteria.config_path, (criteria.baseline, criteria.verdicts), pairs=pairs)
    document = any(w.file is None and w.name in DOCUMENTS for w in wanted)  # then standard output is that alone
    for w in wanted:
        text = FORMATS[w.name](report, locations)
        if w.name == "github":
            summary = github.summary(report)
            if w.file is not None:
                write_atomic(w.file, summary)
            elif path := os.environ.get("GITHUB_STEP_SUMMARY"):
                with Path(path).open("a", encoding="utf-8") as file:
                    file.write(summary)
            if not document:
                _print_lines(text)
        elif w.file is not None:
            write_atomic(w.file, text)
            note(f"wrote {w.file}")
        elif w.name in DOCUMENTS:
            sys.stdout.write(text)
        else:
            _print_lines(text)


def _print_lines(text: str) -> None:
    """Lines for people and for GitHub; a document goes out as it is."""
    sys.stdout.write("".join(printable(line) + "\n" for line in plain(text).rstrip("\n").split("\n") if line))


def _nothing(given: list[str]) -> None:
    import shlex

    from offtarget.cli.reading import one_or_all
    from offtarget.errors import ConfigError
    from offtarget.gate.criteria import NOTHING
    from offtarget.gate.dataset import require_there

    if given:
        require_there(one_or_all(given))
        what = shlex.join(given)
        raise ConfigError(
            f"nothing to gate on: no decision, no limit and no baseline; start with `offtarget audit {what}` and "
            "`offtarget gate init AUDIT_DIR`"
        )
    raise ConfigError(NOTHING.format(folder="AUDIT_DIR"))


def _init(rest: list[str]) -> None:
    from offtarget.errors import ConfigError
    from offtarget.gate.init import init

    if len(rest) != 1:
        raise ConfigError("write `offtarget gate init AUDIT_DIR`: the folder of the audit that is accepted as it is")
    for line in init(Path(rest[0]), Path()):
        typer.echo(line)
