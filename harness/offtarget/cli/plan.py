"""`offtarget plan`: what a protocol would do, without training."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.reading import AllowDrops, Columns, Dataset, Limit, SkipBadRows
from offtarget.cli.ui import (
    MAX_SEED,
    columns_option,
    echo_json,
    lens_option,
    note,
    note_problems,
    parameters_option,
    progress,
)


def plan(
    dataset: Dataset,
    protocol: Annotated[str, typer.Option(help="Name of a protocol (see `offtarget list protocols`).")],
    param: Annotated[
        list[str] | None,
        typer.Option("-P", help="Parameter of the protocol, key=value; concept=ID without verdicts."),
    ] = None,
    verdicts: Annotated[Path | None, typer.Option(help="verdicts.yaml with what was decided.")] = None,
    like: Annotated[
        Path | None, typer.Option(help="Audit that the verdicts were made on: its vocabulary is used.")
    ] = None,
    lens: Annotated[str, typer.Option(help="Lenses, separated by commas.")] = "surface",
    model: Annotated[str, typer.Option(help="The start model.")] = "smollm2-135m",
    columns: Columns = None,
    limit: Limit = None,
    skip_bad_rows: SkipBadRows = False,
    allow_drops: AllowDrops = False,
    chat_template: Annotated[
        str | None, typer.Option(help="Jinja file, for models without a template.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of the controls.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Dry run of a protocol: rows touched, effective weights, notes, hash."""
    from offtarget.chat_template import read_template
    from offtarget.data.drops import drop_cautions
    from offtarget.data.loading import load_pairs
    from offtarget.engine.dry import dry_plan
    from offtarget.errors import ConfigError
    from offtarget.registry import check_parameters, default
    from offtarget.store import Store

    entry = default().get("protocol", protocol)
    params = parameters_option(param, presets=entry.card.get("parameters", {}))
    concept = params.pop("concept", None)
    check_parameters(entry, params)
    if concept is not None and verdicts is not None:
        raise ConfigError("-P concept= and --verdicts both say what to shape; give one of them")
    if chat_template:
        read_template(chat_template)
    note_problems()
    with progress() as report:
        pairs = load_pairs(
            dataset,
            columns=columns_option(columns),
            limit=limit,
            skip_bad_rows=skip_bad_rows,
            allow_drops=allow_drops,
        )
        summary = dry_plan(
            pairs,
            protocol,
            params,
            concept=None if concept is None else str(concept),
            verdicts=verdicts,
            like=like,
            lenses=lens_option(lens),
            model=model,
            template=chat_template,
            seed=seed,
            store=Store(),
            progress=report,
        )
    for caution in drop_cautions(pairs):
        note(f"warning: {caution}")
    if as_json:
        echo_json({"created": datetime.now(UTC).isoformat(timespec="seconds"), **summary})
        return
    typer.echo(
        f"protocol   {summary['protocol']}\npairs      {summary['pairs']}\ntouched    {summary['touched']}"
    )
    for key in ("left_out", "flipped", "shifted", "masked", "prompted", "added", "steered"):
        if summary[key]:
            typer.echo(f"{key:<10} {summary[key]}")
    weight = summary["start_weight"]
    typer.echo(
        f"gradient at the start relative to plain DPO: median {weight['median']:.2f}, mean {weight['mean']:.2f}"
    )
    top = max(weight["counts"]) or 1
    for low, high, n in zip(weight["edges"], weight["edges"][1:], weight["counts"], strict=False):
        if n:
            typer.echo(f"  {low:>5.2f} to {high:>5.2f}  {n:>6}  {'█' * round(40 * n / top)}")
    for text in summary["targets"]:
        typer.echo(text)
    if summary["predicted_shift"]:
        typer.echo("expected shift of a concept (mean difference chosen - rejected, in standard deviations):")
        typer.echo(f"  {'':<34} {'plain DPO':>10} {'this plan':>10}")
        unseen = [what for what in ("masked", "prompted", "added", "steered") if summary[what]]
        by_rows = any(row["planned"] != row["plain"] for row in summary["predicted_shift"])
        known = by_rows or not (unseen or summary["loss"])
        for row in summary["predicted_shift"]:
            name = f"{row['concept']}{' (target)' if row['target'] else ''}"
            planned = f"{row['planned']:+.3f}" if known else "–"
            typer.echo(f"  {name:<34} {row['plain']:>+10.3f} {planned:>10}")
        if unseen or summary["loss"]:
            named = ", ".join([*unseen, *(["loss"] if summary["loss"] else [])])
            typer.echo(f"  (by the weights of rows alone; this does not see: {named})")
    for row in summary["traced"]:
        for side in ("chosen", "rejected"):
            ids = row[f"more_in_{side}"]
            first = f": {', '.join(ids[:5])}{' ...' if len(ids) > 5 else ''}" if ids else ""
            typer.echo(
                f"{row['decision']} {row['concept']}: {len(ids)} rows with more of it in {side}{first}"
            )
    for text in summary["notes"]:
        typer.echo(f"note: {text}")
    typer.echo(f"hash       {summary['hash']}")
