"""`offtarget curve`: behaviours against the strength of an adapter, and side effects at equal effect."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offtarget.cli.options import AsJson, ChatTemplate
from offtarget.cli.ui import MAX_SEED, echo_json, note, note_problems, progress, table

if TYPE_CHECKING:
    from offtarget.curve.records import Curves


def curve(
    policies: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|ADAPTER...",
            help="A folder that `offtarget run` wrote; or LoRA adapters, seeds of one curve separated by commas.",
        ),
    ],
    scales: Annotated[
        str, typer.Option(help="What the adapters are multiplied with, separated by commas; 0 is the start model.")
    ] = "0,0.25,0.5,0.75,1,1.25",
    on: Annotated[str, typer.Option(help="Behaviour that is held equal; default: the only target.")] = "",
    at: Annotated[
        float | None, typer.Option(help="Its shift from start; default: half of the largest that every curve reaches.")
    ] = None,
    behaviours: Annotated[str, typer.Option(help="Behaviours, separated by commas; default: those of the run.")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Prompts of each behaviour; default: as in the run, else all.")
    ] = None,
    seed: Annotated[
        int,
        typer.Option(min=0, max=MAX_SEED, help="Random seed of sampling for adapters; a run has those of its cells."),
    ] = 0,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Longest answer, in tokens; default: as in the run, else 128.")
    ] = None,
    chat_template: ChatTemplate = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder for curve.json and curve.html; default: RUN/curve.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Scale LoRA adapters, measure each dose, and compare protocols where their target has shifted as far.

    Nothing is trained. Doses 0 and 1 are the start model and the policy as they are.
    """
    from offtarget.curve.measured import Question, measured, write
    from offtarget.engine.run import RUN_FILE
    from offtarget.store import Store

    asked = Question(
        scales=_numbers(scales),
        behaviours=[b.strip() for b in behaviours.split(",") if b.strip()],
        on=on or None,
        at=at,
        limit=limit,
        seed=seed,
        max_tokens=max_tokens,
        template=chat_template,
    )
    note_problems()
    with progress() as report:
        found = measured(policies, asked, Store(), report)
    folder = out or (Path(policies[0]) / "curve" if (Path(policies[0]) / RUN_FILE).is_file() else None)
    written = write(found, folder, _command(policies, scales, on, at, behaviours)) if folder else ()
    if as_json:
        echo_json(found.model_dump(mode="json"))
    else:
        _print(found)
    if written:
        note(f"wrote {written[0]} and {written[1]}")


def _numbers(text: str) -> list[float]:
    from offtarget.errors import ConfigError

    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(f"--scales {text}: write numbers, separated by commas: 0.5,1") from None


def _command(policies: list[str], scales: str, on: str, at: float | None, behaviours: str) -> str:
    import shlex

    words = ["offtarget", "curve", *policies, "--scales", scales]
    words += ["--on", on] * bool(on) + (["--at", f"{at:g}"] if at is not None else [])
    words += ["--behaviours", behaviours] * bool(behaviours)
    return shlex.join(words)


def _print(found: "Curves") -> None:
    typer.echo(f"shift from {found.model} at each scale of the adapter\n")
    rows = []
    for c in found.curves:
        for r in c.responses:
            rows.append((c.label, r.behaviour, r.role, *(f"{d.shift:+.3f}" for d in r.doses), r.unit))
    table(("protocol", "behaviour", "role", *(f"× {s:g}" for s in found.scales), "unit"), rows)
    typer.echo(f"\nwhere {found.target} has shifted by {found.level:+.3g} ({found.unit}; {found.chosen})\n")
    rows = []
    for c in found.curves:
        if c.scale is None:
            rows.append((c.label, "-", "outside its range", "", "", ""))
        for e in c.equal:
            versus = "" if e.versus is None else f"{e.versus:+.3f}{_interval(e.versus_ci)}"
            rows.append((c.label, f"{c.scale:.2f}", e.behaviour, f"{e.shift:+.3f}", _interval(e.ci).strip(), versus))
    table(("protocol", "scale", "behaviour", "shift", "95 % interval", f"minus {found.curves[0].label}"), rows)
    for line in about(found):
        typer.echo(f"\n{line}")


def about(found: "Curves") -> list[str]:
    """What the intervals hold, and what they do not."""
    from offtarget.curve.page import says_intervals

    return [says_intervals(found), *(f"{c.label}: {c.note}." for c in found.curves if c.note)]


def _interval(ci: tuple[float, float] | None) -> str:
    return "" if ci is None else f" [{ci[0]:+.3f}, {ci[1]:+.3f}]"
