"""`offtarget forecast`: what training on a set will do, before it is trained on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offtarget.cli.options import AsJson
from offtarget.cli.ui import echo_json, note, note_problems, parameters_option, progress, table

if TYPE_CHECKING:
    from offtarget.forecast.records import Forecast, Shift

SHOWN = 12
"""Concepts of each family that are printed."""


def forecast(
    dataset: Annotated[str, typer.Argument(help="A registry name, a file, or an hf: id.")],
    recipe: Annotated[
        str, typer.Option(help="Recipe whose model, lenses, training and way of asking are meant; its data is not.")
    ] = "prediction_cpu",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Override a key of the recipe: train.pairs=200.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="Part of a recipe in parts.")] = None,
    level: Annotated[
        str,
        typer.Option(
            help="What may be spent: data (the rows alone), forward (passes of the start model), gradient (one step, and its "
            "answers) or pulse (the first steps of training)."
        ),
    ] = "gradient",
    protocol: Annotated[str | None, typer.Option(help="Protocol whose plan stands beside plain DPO.")] = None,
    param: Annotated[
        list[str] | None, typer.Option("-P", "--param", help="Parameter of the protocol, key=value.")
    ] = None,
    strength: Annotated[float | None, typer.Option(help="The same as -P strength=X.")] = None,
    verdicts: Annotated[Path | None, typer.Option(help="A verdicts.yaml that the plan carries out.")] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Folder of `offtarget plan --export`: its protocol, parameters and verdicts.")
    ] = None,
    behaviours: Annotated[
        str | None, typer.Option(help="Behaviours to forecast, separated by commas; those of the recipe.")
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Also train plain DPO with the recipe's seeds, and say how well the forecast agrees with it.",
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the audit, forecast.json and forecast.html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Forecast what DPO on a set does to each concept and behaviour, and what a plan would change."""
    from offtarget.forecast.page import PAGE, render
    from offtarget.forecast.question import question
    from offtarget.forecast.run import forecast as made
    from offtarget.forecast.run import write
    from offtarget.store import Store

    asked = question(
        dataset,
        recipe,
        set_ or (),
        part=part,
        protocol=protocol,
        parameters=_parameters(protocol, param, strength),
        verdicts=verdicts,
        plan=plan,
        behaviours=None if behaviours is None else [b.strip() for b in behaviours.split(",") if b.strip()],
    )
    folder = out or asked.folder
    note_problems()
    with progress() as report:
        found = made(asked, folder, level=level, store=Store(), progress=report)
        if calibrate:
            from offtarget.forecast.calibration import calibrated

            found = calibrated(found, folder, Store(), report)
    written = write(found, folder)
    page = render(found, folder / PAGE)
    if as_json:
        echo_json(found.model_dump(mode="json"))
        return
    _print(found)
    note(f"wrote {written} and {page}")


def _parameters(protocol: str | None, param: list[str] | None, strength: float | None) -> dict[str, Any]:
    from offtarget.errors import ConfigError
    from offtarget.registry import default

    presets = {} if protocol is None else default().get("protocol", protocol).card.get("parameters", {})
    given = parameters_option(param, presets=presets)
    if strength is not None:
        if "strength" in given:
            raise ConfigError("--strength and -P strength= say the same; give one of them")
        given["strength"] = strength
    return given


def _print(found: "Forecast") -> None:
    typer.echo(
        f"{found.dataset}: {found.n_rows:,} pairs to train {found.model} on; forecast by {found.predictor} (level {found.level}), "
        f"on {found.n_prompts:,} prompts, at {found.price.of_training:.0%} of what the training costs"
    )
    plan = "" if found.protocol is None else f"under {found.protocol}"
    for family in dict.fromkeys(c.family for c in found.concepts):
        mine = [c for c in found.concepts if c.family == family]
        sure = sum(c.q < 0.05 for c in mine)
        typer.echo(f"\n{family}: {sure} of {len(mine)} concepts are expected to move (q < 0.05)")
        rows = []
        for c in mine[:SHOWN]:
            more = (_shift(c.planned),) if c.planned else ()
            rows.append((c.label, _shift(c.plain), *more, f"{c.plain.at_equal_length:+.3g}", _shift(c.difference)))
        table(("concept", "forecast", *((plan,) if plan else ()), "at equal length", "chosen - rejected"), rows)
    if found.behaviours:
        typer.echo("")
        rows = []
        for b in found.behaviours:
            more = () if b.planned is None else (f"{b.planned:+.3g}{_ci(b.planned_ci)}",)
            rows.append((b.behaviour, f"{b.start:.3g}", f"{b.plain:+.3g}{_ci(b.plain_ci)}", *more, b.unit))
        table(("behaviour", "start", "forecast", *((plan,) if plan else ()), "unit"), rows)
    from offtarget.forecast.page import says_validity

    typer.echo(f"\n{says_validity(found)}")
    for text in found.cautions[:SHOWN]:
        note(f"caution: {text}")
    if len(found.cautions) > SHOWN:
        note(f"{len(found.cautions) - SHOWN} more cautions in the page")


def _shift(s: "Shift") -> str:
    return f"{s.value:+.3g}{_ci(s.ci)}"


def _ci(ci: tuple[float, float] | None) -> str:
    return "" if ci is None else f" [{ci[0]:+.3g}, {ci[1]:+.3g}]"
