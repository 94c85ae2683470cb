"""`offtarget gate`: pass or fail on a dataset or its audit."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offtarget.cli.options import AllowDrops, Card, Columns, Head, Limit, LimitSeed, SkipBadRows, Split
from offtarget.cli.ui import MAX_SEED, columns_option, note, plain, printable

if TYPE_CHECKING:
    from offtarget.audit.folder import AuditFolder
    from offtarget.data.pairs import PairSet
    from offtarget.gate.criteria import Criteria, Subject
    from offtarget.gate.formats import Wanted
    from offtarget.gate.records import GateReport

INIT = "init"
OF_DATA = (
    "like", "columns", "split", "card", "limit", "limit_seed", "head", "skip_bad_rows", "allow_drops", "seed", "out",
)  # fmt: skip
"""Options by which a dataset is audited; an audit that is there has no use for them."""
OF_REPORT = ("prune", "strict", "pass_on_stale", "formats")
"""Options of a report, which is not made where the baseline is only updated."""
COLUMNS_KEY = 'columns = { prompt = "question", chosen = "winner", rejected = "loser" }'
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


@dataclass(frozen=True)
class Judged:
    """What the gate says of one drop."""

    report: "GateReport"
    folder: "AuditFolder"
    pairs: "PairSet | None" = None
    """The audited rows, where they were read."""


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
    from offtarget.data.sources import require_apart
    from offtarget.errors import ConfigError, DataError, OfftargetError
    from offtarget.gate.accepted import before, page_path, write_page
    from offtarget.gate.baseline import (
        BASELINE,
        like_folder,
        like_path,
        pruned,
        read_baseline,
        require_like,
        write_baseline,
    )
    from offtarget.gate.criteria import criteria_of
    from offtarget.gate.formats import parse_formats
    from offtarget.gate.last import keep
    from offtarget.gate.run import baseline_now
    from offtarget.gate.run import gate as run_gate
    from offtarget.gate.staged import require_staged as staged

    wanted = parse_formats(formats)
    given = list(dataset or [])
    if given[:1] == [INIT]:
        _refuse(context, [p.name or "" for p in context.command.params[1:]], "`gate init` takes an audit and no option")
        _init(given[1:])
        return
    with errors_in(wanted):
        asked = criteria_of(config, verdicts, baseline, given)
        there = asked.subject.audit if asked.subject else None
        if there is not None:
            _refuse(
                context,
                OF_DATA,
                f"{there.path} is an audit, which is judged as it was made; name its data to audit again",
            )
        if update_baseline:
            _refuse(context, OF_REPORT, "with --update-baseline nothing is judged; do one after the other")
        if prune and asked.baseline is None:
            raise ConfigError("--prune: there is no baseline to prune; name one with --baseline, or in offtarget.toml")
        if require_staged:
            beside = like_folder(asked.baseline) if asked.baseline else None
            staged([asked.config_path, asked.verdicts, asked.baseline, beside])
        if there is None:
            if not asked.some and against is None and not update_baseline:
                _nothing(given)
            asked.require_subject()
            if not update_baseline:
                asked.require_readable()
            if against is not None:
                AuditFolder(against).audit  # noqa: B018 - refused here, before the data is read
        for option, said in (("--update-baseline", update_baseline), ("--prune", prune), ("--out", out is not None)):
            if said:
                asked = asked.one(option)

        def audited(one: "Criteria") -> "tuple[AuditFolder, PairSet | None]":
            """The audit that is judged, made where data is named, and its rows where they were read."""
            subject = one.require_subject()
            if subject.audit is not None:
                return subject.audit, None
            try:
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
                    like or against or (like_path if update_baseline else require_like)(one.baseline),
                    out,
                    by=None,
                    seed=seed,
                    gate=True,
                )
            except (ConfigError, DataError) as error:
                raise type(error)(_at(error, subject, one.config_path, asked=columns is not None)) from None
            for warning in folder.audit.warnings:
                if not warning.startswith(
                    "nothing was tested by topic"
                ):  # a baseline holds topics only where they are judged
                    note(f"warning: {warning}")
            return folder, pairs

        if update_baseline:
            one = asked.one("--update-baseline")
            folder, _ = audited(one)
            target = one.baseline or Path(BASELINE)
            require_apart(target, _data_of(folder))
            fresh, was = baseline_now(folder, one), before(target)
            changed = write_baseline(target, fresh, folder)
            how = "written" if changed else "is as it was"
            note(
                f"baseline {target} {how}: {len(fresh.entries)} effects of {fresh.dataset} ({fresh.rows} pairs); "
                f"commit it, {like_folder(target)}/ and {page_path(target)}"
            )
            for line in write_page(target, was, fresh, one.config.gate):
                typer.echo(printable(plain(line)))
            return
        judged, faults = [], []
        for one in asked.each():
            try:
                folder, pairs = audited(one)
            except OfftargetError as error:
                faults.append(error)
                continue
            earlier = AuditFolder(against) if against else None
            report = run_gate(folder, one, against=earlier, strict=strict, pass_on_stale=pass_on_stale)
            keep(folder, report, one.verdicts)
            judged.append(Judged(report, folder, pairs))
        if judged:  # one that cannot be read does not hide what is said of the others
            show(judged, asked, wanted)
        if faults:
            rest = f" (and {len(faults) - 1} more that cannot be judged)" if len(faults) > 1 else ""
            raise type(faults[0])(f"{faults[0]}{rest}")
    if prune and asked.baseline is not None:
        last = judged[-1]
        was = read_baseline(asked.baseline)
        left = pruned(was, baseline_now(last.folder, asked), last.report.outcomes)
        if write_baseline(asked.baseline, left, None):
            write_page(asked.baseline, was, left, asked.config.gate)
            note(f"baseline {asked.baseline}: what is gone or smaller has today's figures; commit it")
    codes = {j.report.exit_code for j in judged}
    if codes - {0}:
        _note_pre_commit(asked)
        raise typer.Exit(1 if 1 in codes else 3)


def _at(error: Exception, subject: "Subject", config: Path | None, *, asked: bool) -> str:
    """What is wrong with the data, at its path from here, and what offtarget.toml can say of it."""
    text, data = str(error), subject.data
    if isinstance(data, str) and Path(data).is_file() and text.startswith(Path(data).name):
        text = f"{data}{text.removeprefix(Path(data).name)}"
    if not subject.named or asked:
        return text
    key = f"`columns` under [gate] in {config}"
    if subject.columns and "no column '" in text and isinstance(data, str) and Path(data).is_dir():
        return (
            f"{text}; {key} are of all files of {data}; where these differ, make `data` a pattern of files, each a drop, and "
            "`columns` a table for each pattern, or leave `columns` out if the names say what they are"
        )
    return f"{text}; or say it in {key}, such as {COLUMNS_KEY}" if "--columns" in text else text


def _refuse(context: typer.Context, names: Sequence[str], why: str) -> None:
    """Check that the command line does not give options that would have no effect."""
    from offtarget.errors import ConfigError

    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in names and source is not None and source.name == "COMMANDLINE":
            raise ConfigError(f"{option.opts[0]}: {why}")


def show(judged: "Sequence[Judged]", criteria: "Criteria", wanted: "Sequence[Wanted]") -> None:
    """Write the reports in every format that was asked for: of several drops one after another, or in one document."""
    from offtarget.data.sources import require_apart
    from offtarget.gate.formats import DOCUMENTS, FORMATS, github, together
    from offtarget.gate.locations import Locations
    from offtarget.store import write_atomic

    for file in [w.file for w in wanted if w.file is not None]:
        for j in judged:
            require_apart(file, _data_of(j.folder))
    others = (criteria.baseline, criteria.verdicts)
    at = [Locations(j.folder, j.report, criteria.config_path, others, pairs=j.pairs) for j in judged]
    document = any(w.file is None and w.name in DOCUMENTS for w in wanted)  # then standard output is that alone
    for w in wanted:
        text = together(w.name, [FORMATS[w.name](j.report, x) for j, x in zip(judged, at, strict=True)])
        if w.name == "github":
            _summarise(w.file, "\n".join(github.summary(j.report) for j in judged))
            if not document:
                _print_lines(text)
        elif w.file is not None:
            write_atomic(w.file, text)
            note(f"wrote {w.file}")
        elif w.name in DOCUMENTS:
            sys.stdout.write(text)
        else:
            _print_lines(text)


def _data_of(folder: "AuditFolder") -> str | tuple[str, ...] | None:
    """What an audit read, where it says so."""
    return folder.audit.reading.data if folder.audit.reading else None


@contextmanager
def errors_in(wanted: "Sequence[Wanted]") -> "Iterator[None]":
    """What cannot be judged is an annotation and a summary too, where --format github is asked for."""
    from offtarget.errors import OfftargetError
    from offtarget.gate.formats import DOCUMENTS, github

    try:
        yield
    except OfftargetError as error:
        for w in wanted:
            if w.name == "github":
                _summarise(w.file, github.failed(str(error)))
                if not any(x.file is None and x.name in DOCUMENTS for x in wanted):
                    _print_lines(github.failure(str(error)))
        raise


def _summarise(file: Path | None, text: str) -> None:
    """Write the summary of a step: into a file, else where the workflow collects it."""
    import os

    from offtarget.store import write_atomic

    if file is not None:
        write_atomic(file, text)
    elif path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as out:
            out.write(text)


def _note_pre_commit(criteria: "Criteria") -> None:
    """A hook under pre-commit sees what is staged alone: a new baseline that is not added is not judged by."""
    import os

    from offtarget.gate.baseline import like_folder

    if os.environ.get("PRE_COMMIT") and criteria.baseline is not None:
        files = [str(p) for p in (criteria.baseline, like_folder(criteria.baseline), criteria.verdicts) if p]
        note(
            "note: pre-commit puts changes that are not staged aside, so an updated baseline or a new decision counts only "
            f"after `git add {shlex.join(files)}`"
        )


def _print_lines(text: str) -> None:
    """Lines for people and for GitHub; a document goes out as it is."""
    sys.stdout.write("".join(printable(line) + "\n" for line in plain(text).rstrip("\n").split("\n") if line))


def _nothing(given: list[str]) -> None:
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
