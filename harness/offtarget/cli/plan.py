"""`offtarget plan`: what a protocol would do, without training."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offtarget.cli.options import (
    AllowDrops,
    AsJson,
    Card,
    ChatTemplate,
    Columns,
    Head,
    Limit,
    MaxLength,
    SkipBadRows,
    Split,
)
from offtarget.cli.reading import asked_rows, note_reading, one_or_all
from offtarget.cli.ui import (
    MAX_SEED,
    columns_option,
    echo_json,
    lens_option,
    note,
    note_problems,
    parameters_option,
    plain,
    progress,
    size,
    table,
)

if TYPE_CHECKING:
    from offtarget.engine.dry import Ground

UNSEEN = ("masked", "token_weighted", "prompted", "added", "steered")
"""Counts of what the weights of rows do not show."""


def plan(
    dataset: Annotated[list[str], typer.Argument(help="A dataset as for `offtarget audit`, or an audit's folder.")],
    protocol: Annotated[
        str,
        typer.Option(
            help="Name of a protocol (see `offtarget list protocols`); several, separated by commas, as one table."
        ),
    ],
    param: Annotated[
        list[str] | None, typer.Option("-P", help="Parameter of the protocol, key=value; concept=ID without verdicts.")
    ] = None,
    verdicts: Annotated[Path | None, typer.Option(help="Verdicts file (verdicts.yaml).")] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            help="Audit that the verdicts were made on (by default the one beside them): its vocabulary is used, and what "
            "it read is read."
        ),
    ] = None,
    lens: Annotated[
        str | None, typer.Option(help="Lenses, separated by commas; surface, or those of the audit.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The start model; smollm2-135m, or that of the audit.")] = None,
    columns: Columns = None,
    split: Split = None,
    card: Card = None,
    limit: Limit = None,
    limit_seed: Annotated[
        int | None, typer.Option(min=0, max=MAX_SEED, help="Which prompts --limit draws; 0, or that of the audit.")
    ] = None,
    head: Head = None,
    skip_bad_rows: SkipBadRows = False,
    allow_drops: AllowDrops = False,
    max_length: MaxLength = None,
    chat_template: ChatTemplate = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed of the control protocols.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the shaped dataset for another trainer (.jsonl or .parquet): rows left out, flipped and added, with "
            "columns for weights and offsets."
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            help="Write a dataset folder for another trainer, with README.md and plan.json; reference log-probabilities, which "
            "carry offsets, are computed by the start model."
        ),
    ] = None,
    training: Annotated[
        list[str] | None,
        typer.Option(
            "-T",
            "--training",
            help="Training option that the columns of --export depend on, key=value: beta, loss, max_length, label_smoothing, "
            "min_answer_tokens, bf16.",
        ),
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference/--no-reference", help="With --export: run the start model over all answers.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Dry run of a protocol: rows touched, effective weights, notes, hash."""
    from offtarget.chat_template import read_template
    from offtarget.data.loading import load_asked
    from offtarget.data.sources import require_apart
    from offtarget.engine.as_audited import MODEL, as_audited
    from offtarget.engine.dry import dry_plan, ground
    from offtarget.errors import ConfigError
    from offtarget.lens.reader import Reader
    from offtarget.registry import check_parameters, default
    from offtarget.store import Store

    entries = [default().get("protocol", name.strip()) for name in protocol.split(",") if name.strip()]
    presets = {k: v for entry in entries for k, v in entry.card.get("parameters", {}).items()}
    params = parameters_option(param, presets=presets)
    concept = params.pop("concept", None)
    own = {
        entry.name: {k: v for k, v in params.items() if k in entry.card.get("parameters", {}) or k not in presets}
        for entry in entries
    }
    for entry in entries:
        check_parameters(entry, own[entry.name])
    if concept is not None and verdicts is not None:
        raise ConfigError("-P concept= and --verdicts both say what to shape; give one of them")
    from offtarget.api.plan import PlanResult, check_shaped

    if out is not None:
        if len(entries) > 1:
            raise ConfigError(f"--out {out}: a shaped dataset is of one protocol; name one of {', '.join(own)}")
        check_shaped(out)
    options = parameters_option(training, "--training")
    if export is not None:
        from offtarget.elsewhere.export import require_vacant, training_options

        if len(entries) > 1:
            raise ConfigError(f"--export {export}: a folder holds one plan; name one of {', '.join(own)}")
        require_vacant(export)
        training_options(options)
    elif options or not reference:
        raise ConfigError("--training and --no-reference say how --export is written; give --export DIR")
    if chat_template:
        read_template(chat_template)
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
        lens=None if lens is None else tuple(lens_option(lens)),
        model=model,
        max_length=max_length,
        template=chat_template,
    )
    answered = as_audited(asked, like=like, verdicts=verdicts)
    reading = answered.reading
    if out is not None:
        require_apart(out, reading.data)
    for text in answered.notes:
        note(f"note: {text}")
    note_problems()
    with progress() as report:
        pairs = load_asked(reading)
        reader = Reader(reading.model or MODEL, Store(), reading.max_length, template=reading.template, progress=report)
        shaped = None if concept is None else str(concept)
        on = ground(pairs, reading.lens, reader, concept=shaped, verdicts=verdicts, like=answered.like)
        if len(entries) > 1:
            made = _each(on, own, seed)
        else:
            dry = dry_plan(on, entries[0].name, params, seed=seed)
            summary = dry.summary
            result = PlanResult(dry.plan, pairs, summary, (dry, reader))
            rows = None if out is None else result.write(out)
            exported = None if export is None else result.export(export, reference=reference, **options)
    note_reading(pairs)
    if len(entries) > 1:
        for text in on.notes:
            note(f"note: {text}")
        _compared(made, as_json)
        return
    if out is not None:
        note(f"wrote {rows:,} pairs to {out}")
    if exported is not None:
        note(f"wrote {exported.n_rows:,} rows to {export}")
        if exported.left_out:
            gone = ", ".join(f"{n:,} {reason}" for reason, n in exported.left_out.items())
            note(f"note: pairs that cannot be trained on at max_length {exported.trl['max_length']}: {gone}")
        for reason in exported.ignored:
            note(f"warning: trl's DPOTrainer would not carry out {reason} (see {export}/README.md)")
    if as_json:
        written = {"export": exported.model_dump(include={"key", "n_rows", "ignored"})} if exported else {}
        echo_json({"created": datetime.now(UTC).isoformat(timespec="seconds"), **summary, **written})
        return
    typer.echo(
        f"protocol       {summary['protocol']}\npairs          {summary['pairs']}\ntouched        {summary['touched']}"
    )
    for key in ("left_out", "flipped", "shifted", *UNSEEN):
        if summary[key]:
            typer.echo(f"{key:<14} {summary[key]}")
    weight = summary["start_weight"]
    typer.echo(f"gradient at the start relative to plain DPO: median {weight['median']:.2f}, mean {weight['mean']:.2f}")
    top = max(weight["counts"]) or 1
    for low, high, n in zip(weight["edges"], weight["edges"][1:], weight["counts"], strict=False):
        if n:
            typer.echo(f"  {low:>5.2f} to {high:>5.2f}  {n:>6}  {'█' * round(40 * n / top)}")
    for text in summary["targets"]:
        typer.echo(text)
    if summary["predicted_shift"]:
        _shifts(summary)
    for row in summary["traced"]:
        for side in ("chosen", "rejected"):
            ids = row[f"more_in_{side}"]
            first = f": {', '.join(ids[:5])}{' ...' if len(ids) > 5 else ''}" if ids else ""
            typer.echo(f"{row['decision']} {row['concept']}: {len(ids)} rows with more of it in {side}{first}")
    for text in summary["notes"]:
        typer.echo(f"note: {text}")
    typer.echo(f"hash       {summary['hash']}")


def _each(on: "Ground", own: Mapping[str, Mapping[str, Any]], seed: int) -> dict[str, dict[str, Any] | str]:
    """By protocol the summary of its plan, or why there is none."""
    from offtarget.engine.dry import dry_plan
    from offtarget.errors import OfftargetError

    made: dict[str, dict[str, Any] | str] = {}
    for name, params in own.items():
        try:
            made[name] = dry_plan(on, name, params, seed=seed).summary
        except OfftargetError as e:
            made[name] = str(e)
    return made


def _compared(made: Mapping[str, dict[str, Any] | str], as_json: bool) -> None:
    """One row a protocol; the shift of each target, flagged where the plan turns it round."""
    from offtarget.report.amounts import in_unit

    if all(isinstance(s, str) for s in made.values()):
        from offtarget.errors import ConfigError

        raise ConfigError("no plan: " + "; ".join(f"{name}: {s}" for name, s in made.items()))
    if as_json:
        echo_json([s if isinstance(s, dict) else {"protocol": name, "error": s} for name, s in made.items()])
        return
    rows = []
    for name, s in made.items():
        if isinstance(s, str):
            note(f"note: {name}: {s}")
            continue
        by_rows = any(row["planned"] != row["plain"] for row in s["predicted_shift"])
        unseen = s["loss"] or any(s[what] for what in UNSEEN)
        counts = (s["touched"], s["left_out"], s["flipped"], f"{s['start_weight']['median']:.2f}")
        for row in [row for row in s["predicted_shift"] if row["target"]] or [None]:
            if row is None or (unseen and not by_rows):
                rows.append((name, *counts, "-" if row is None else row["concept"], "-", "-", "", s["hash"][:12]))
                continue
            turned = "past zero" if row["plain"] * row["planned"] < 0 else ""
            shifts = (plain(in_unit(row[which], row["unit"])) for which in ("plain", "planned"))
            rows.append((name, *counts, row["concept"], *shifts, turned, s["hash"][:12]))
    head = ("protocol", "touched", "left out", "flipped", "gradient", "target", "plain DPO", "this plan", "", "hash")
    table(head, rows)
    for name, s in made.items():
        for text in s["targets"] if isinstance(s, dict) else ():
            typer.echo(f"{name}: {text}")
    typer.echo(
        "(gradient: at the start relative to plain DPO, median; plain DPO and this plan: expected shift of the target; "
        "- : not seen by the weights of rows)"
    )


def _shifts(summary: Mapping[str, Any]) -> None:
    """The expected shifts, in the units of the audit."""
    from offtarget.report.amounts import in_unit

    unseen = [what for what in UNSEEN if summary[what]]
    by_rows = any(row["planned"] != row["plain"] for row in summary["predicted_shift"])
    known = by_rows or not (unseen or summary["loss"])

    typer.echo("expected shift of a concept, as the audit measures it (mean difference chosen - rejected):")
    rows = [
        (
            f"{row['concept']}{' (target)' if row['target'] else ''}",
            plain(in_unit(row["plain"], row["unit"])),
            plain(in_unit(row["planned"], row["unit"])) if known else "-",
            size(row["plain_d"]),
            size(row["planned_d"]) if known else "-",
        )
        for row in summary["predicted_shift"]
    ]
    table(("concept", "plain DPO", "this plan", "d plain DPO", "d this plan"), rows)
    if unseen or summary["loss"]:
        named = ", ".join([*unseen, *(["loss"] if summary["loss"] else [])])
        typer.echo(f"(by the weights of rows alone; this does not see: {named})")
