"""`offtarget data check`: a dataset before anything is done with it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from offtarget.cli.reading import AllowDrops, Columns, Dataset, Limit, SkipBadRows
from offtarget.cli.ui import columns_option, echo_json, note

FEW = 3
"""Examples of each finding that are printed; the counts are of all."""

app = typer.Typer(help="Look at a dataset before anything is done with it.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at a dataset before anything is done with it."""


@app.command("check")
def check(
    dataset: Dataset,
    columns: Columns = None,
    split: Annotated[str | None, typer.Option(help="One split; by default all.")] = None,
    limit: Limit = None,
    skip_bad_rows: SkipBadRows = False,
    allow_drops: AllowDrops = False,
    dropped: Annotated[
        Path | None, typer.Option(help="List every row that was left out and why: a .jsonl or .csv file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Card, licence, pin, schema, duplicates, contradictions, split leaks, statistics."""
    from offtarget.data.check import check as run_check
    from offtarget.data.drops import require_few_drops

    report = run_check(
        dataset,
        columns=columns_option(columns),
        split=split,
        limit=limit,
        skip_bad_rows=skip_bad_rows,
        dropped=dropped,
    )
    if as_json:
        echo_json(report.model_dump(mode="json"))
    else:
        _print(report.model_dump(mode="json", exclude_none=True))
    if not allow_drops:
        require_few_drops(report.name, report.n_pairs, report.n_dropped)


def _print(body: dict[str, Any]) -> None:
    import yaml

    warnings = body.pop("warnings", [])
    for key in ("duplicates", "contradictions", "leaks", "dropped"):
        body[key] = _few(body[key], "entries") if body[key] else []
    body["stats"] = {k: round(v, 4) if isinstance(v, float) else v for k, v in body["stats"].items()}
    typer.echo(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100).rstrip())
    for warning in warnings:
        note(f"warning: {warning}")


def _few(value: Any, what: str = "ids") -> Any:
    """Lists of examples cut to a few, at every depth, with a word on the rest."""
    if isinstance(value, dict):
        return {k: _few(v) for k, v in value.items()}
    if not isinstance(value, list):
        return value
    rest = [f"... and {len(value) - FEW} more {what} (--json lists more)"] if len(value) > FEW else []
    return [_few(v) for v in value[:FEW]] + rest


@app.command("pin")
def pin(
    dataset: Annotated[str, typer.Argument(help="Registry name of a dataset on the hub.")],
) -> None:
    """Write the newest revision of a hub dataset into its card, after reading rows of it that fit."""
    from offtarget.data.pin import pin as run_pin
    from offtarget.registry import default

    entry = default().get("dataset", dataset)
    typer.echo(f"{entry.path}: revision {run_pin(entry.path)}")
