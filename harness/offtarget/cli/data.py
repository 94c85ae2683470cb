"""`offtarget data check`: a dataset before anything is done with it."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.options import AllowDrops, AsJson, Card, Columns, Dataset, Head, Limit, LimitSeed, SkipBadRows
from offtarget.cli.reading import one_or_all
from offtarget.cli.ui import columns_option, echo_json, note

app = typer.Typer(help="Look at a dataset before anything is done with it.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at a dataset before anything is done with it."""


@app.command("check")
def check(
    dataset: Dataset,
    columns: Columns = None,
    split: Annotated[str | None, typer.Option(help="Split of the dataset; default: all.")] = None,
    card: Card = None,
    limit: Limit = None,
    limit_seed: LimitSeed = None,
    head: Head = None,
    skip_bad_rows: SkipBadRows = False,
    allow_drops: AllowDrops = False,
    dropped: Annotated[
        Path | None, typer.Option(help="List every row that was left out and why: a .jsonl or .csv file.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Another dataset, such as the training set: count the prompts that both have.")
    ] = None,
    against_split: Annotated[str | None, typer.Option(help="Split of the --against dataset; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Is a set fit to audit? Repeats, contradictions, leaks, templates, stock answers, debris, language, lengths."""
    from offtarget.data.check import NO_CARD
    from offtarget.data.check import check as run_check
    from offtarget.data.drops import require_few_drops

    report = run_check(
        one_or_all(dataset),
        columns=columns_option(columns),
        split=split,
        limit=limit,
        limit_seed=limit_seed or 0,
        head=head,
        card=card,
        skip_bad_rows=skip_bad_rows,
        dropped=dropped,
        against=against,
        against_split=against_split,
        allow_drops=allow_drops,
    )
    if as_json:
        echo_json(report.model_dump(mode="json"))
    else:
        from offtarget.cli.checked import print_report
        from offtarget.engine.auditing import set_name

        print_report(report, set_name(one_or_all(dataset)))
        for warning in report.warnings:
            if warning not in (*report.fit.weighs, NO_CARD):  # those have their own line
                note(f"warning: {warning}")
    if not allow_drops:
        require_few_drops(report.name, report.n_pairs, report.n_dropped)


@app.command("pin")
def pin(dataset: Annotated[str, typer.Argument(help="Registry name of a dataset on the hub.")]) -> None:
    """Write the newest revision of a hub dataset into its card, after reading rows of it that fit."""
    from offtarget.data.pin import pin as run_pin
    from offtarget.registry import default

    entry = default().get("dataset", dataset)
    typer.echo(f"{entry.path}: revision {run_pin(entry.path)}")
