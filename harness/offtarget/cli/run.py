"""`offtarget run`: the grid of a recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offtarget.cli.options import AllowDrops, Engine, Head, Limit, RunOut, SkipBadRows, Workers
from offtarget.cli.ui import MAX_SEED, echo_json, note, note_problems, progress

if TYPE_CHECKING:
    from offtarget.engine.recipe import Recipe
    from offtarget.engine.shard import Shard

HOURS_OF_A_DAY = 24
"""A run that takes longer here is shown what it would cost on GPUs."""


def run(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of one in baselines/recipes.")
    ],
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Override a key of the recipe: training.max_steps=20.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Size of the recipe, one of its `sizes`; default: the recipe as written.")
    ] = None,
    limit: Limit = None,
    limit_seed: Annotated[
        int | None, typer.Option(min=0, max=MAX_SEED, help="Which prompts --limit draws; as in the recipe.")
    ] = None,
    head: Head = None,
    skip_bad_rows: SkipBadRows = False,
    allow_drops: AllowDrops = False,
    seeds: Annotated[str | None, typer.Option(help="Training seeds, separated by commas.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the cells, disk and hours; do nothing.")] = False,
    out: RunOut = None,
    reuse: Annotated[Path | None, typer.Option(help="Folder of earlier cells; identical ones are reused.")] = None,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="Of a recipe in parts, run this one; may be repeated.")
    ] = None,
    shard: Annotated[
        str | None, typer.Option(help="i/n: make the i-th of n shares of the cells, so that n processes make all.")
    ] = None,
    accelerate_config: Annotated[
        Path | None,
        typer.Option(
            help="Configuration file of accelerate, for training.processes over 1: how they share the model (FSDP, say). Precision "
            "stays that of the recipe."
        ),
    ] = None,
    engine: Engine = None,
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cells as JSON.")] = False,
) -> None:
    """Audit, decide, shape, retrain, score: every cell of a recipe. Interrupted, it goes on where it was."""
    from offtarget.engine.executors.engines import crew_of, shard_commands, shards_of
    from offtarget.engine.recipe import WHOLE, read_parts
    from offtarget.engine.shard import ALL, Shard
    from offtarget.errors import ConfigError

    if accelerate_config is not None:
        use_accelerate_config(accelerate_config)
    share = Shard.parse(shard) if shard else ALL
    if engine and shard:
        raise ConfigError(
            "--shard is a share of the cells for this process, --engine has all of them made; give one of them"
        )
    n = shards_of(engine)
    crew = crew_of(engine, workers) if n is None else None
    overrides = list(set_ or [])
    if seeds:
        overrides.append(f"seeds=[{seeds}]")
    overrides += [f"{k}={v}" for k, v in (("limit_seed", limit_seed), ("head", head)) if v is not None]
    if skip_bad_rows:
        overrides.append("skip_bad_rows=true")
    if allow_drops:
        overrides.append("allow_drops=true")
    recipes, path = read_parts(name, overrides, size, part or ())
    note_problems()
    if n is not None:
        for line in shard_commands(context.obj or (), n):
            typer.echo(line)
        note(
            "run each where the store (OFFTARGET_HOME) and --out are shared, then the command without --engine for the board"
        )
        return
    if dry_run:
        _say_what_it_costs(recipes, path.parent, limit, share, as_json)
        if reuse:
            note(f"every cell is listed: which of them lie in {reuse} is known only when their plans are made")
        return
    from offtarget.engine.links import where_links_lie
    from offtarget.engine.parts import run_parts

    whole = recipes.get(WHOLE)
    folder = out or Path((whole.out if whole else None) or f"runs/{path.stem}{f'-{size}' if size else ''}")
    with progress() as report:
        made = run_parts(
            recipes, folder, base=path.parent, reuse=reuse, limit=limit, shard=share, crew=crew, progress=report
        )
    found = [cell for experiment in made.parts.values() for cell in experiment.cells]
    if reuse:
        note(f"{sum(len(e.reused) for e in made.parts.values())} of {len(found)} cells taken from {reuse}")
        for line in (line for e in made.parts.values() for line in e.refused):
            note(f"not reused: {line}")
    if as_json:
        echo_json([{"key": c.key, "protocol": c.spec.protocol, "seed": c.spec.seed, "path": str(p),
                    "behaviours": {s.behaviour: s.value for s in c.behaviours}} for c, p in found])  # fmt: skip
    else:
        note(f"wrote {len(found)} cells and the board under {folder}")
        if "md" in made.boards:
            typer.echo(made.boards["md"].read_text(encoding="utf-8"))
        for experiment in made.parts.values():
            for text in where_links_lie(experiment.out):
                note(text)
    if shard is None:
        made.require_taught()


def use_accelerate_config(file: Path) -> None:
    """Have every training over several processes started with a configuration file of accelerate.

    Raises:
        ConfigError: it is none.
    """
    import os

    from offtarget.documents import read_yaml
    from offtarget.errors import ConfigError
    from offtarget.training.processes import CONFIG

    found = read_yaml(file)
    if not isinstance(found, dict) or "distributed_type" not in found:
        raise ConfigError(
            f"--accelerate-config {file}: no configuration of accelerate (no distributed_type); `accelerate config` makes one"
        )
    if (kind := str(found["distributed_type"])) in ("DEEPSPEED", "MEGATRON_LM", "TPU", "XLA"):
        raise ConfigError(
            f"--accelerate-config {file}: distributed_type {kind} trains by another engine; take FSDP, MULTI_GPU or MULTI_CPU"
        )
    fsdp = found.get("fsdp_config")
    kept = str(fsdp.get("fsdp_state_dict_type", "FULL_STATE_DICT")) if isinstance(fsdp, dict) else "FULL_STATE_DICT"
    if kept != "FULL_STATE_DICT":
        raise ConfigError(
            f"--accelerate-config {file}: fsdp_state_dict_type {kept} saves no weights that can be loaded again; say FULL_STATE_DICT"
        )
    os.environ[CONFIG] = str(file.resolve())


def _say_what_it_costs(
    recipes: Mapping[str, "Recipe"], base: Path, limit: int | None, share: "Shard", as_json: bool
) -> None:
    """The cells, disk and hours of each part, and of all."""
    from offtarget.engine.estimate import estimate

    expected = {name: estimate(recipe, base, limit=limit) for name, recipe in recipes.items()}
    if as_json:
        echo_json(next(iter(expected.values())) if set(expected) == {""} else expected)
        return
    first = 0
    for name, part in expected.items():
        if name:
            typer.echo(f"{name}:")
        for line in part["cells"]:
            sweep = line.startswith("(")  # policies that are trained to choose strengths: every share needs them
            if sweep or share.takes(first):
                typer.echo(f"  {line}" if name else line)
            first += not sweep
        _say_hours(part)
        _say_stages(part)
    hours = [part["hours"] for part in expected.values()]
    if len(hours) > 1 and None not in hours:
        shared = f", {sum(hours) / share.of:.1f} of them in this share" if share.of > 1 else ""
        typer.echo(f"about {sum(hours):.1f} hours in all{shared}")


def _say_stages(part: dict[str, Any]) -> None:
    """What each stage costs on GPUs, by a model of costs; nothing for what two cores do in a day."""
    from offtarget.cli.ui import table
    from offtarget.engine.scale import H100, Stage, duration, scaled, total

    found = [Stage(**s) for s in part["stages"]]
    if not found or (part["hours"] is not None and part["hours"] < HOURS_OF_A_DAY):
        return
    rows = [
        (s.name, f"{s.times:g}", scaled(s.passes) if s.passes else "", f"{scaled(s.disk)}B", f"{scaled(s.memory)}B" if s.memory else "",
         duration(s.seconds), f"${s.dollars * s.times:,.0f}" if s.memory else "on two cores")
        for s in found
    ]  # fmt: skip
    typer.echo("")
    table(("stage", "times", "forward tokens", "disk", "GPU memory", "each takes", "all cost"), rows)
    hours, dollars, disk = total(found)
    typer.echo(
        f"in all {hours:,.0f} hours of one {H100.name} (${H100.dollars:g} an hour assumed): ${dollars:,.0f}, {scaled(disk)}B on disk; a "
        "model of costs, see docs/explanation/scale.md"
    )


def _say_hours(part: dict[str, Any]) -> None:
    if part["not_at_hand"]:
        note(f"the recipe is valid, but its data cannot be reached: {part['not_at_hand']}")
    elif part["hours"] is None:
        typer.echo(part["basis"])
    else:
        typer.echo(
            f"about {part['hours']:.1f} hours on {part['cores']} cores, {part['gigabytes']:.1f} GB in the store: "
            f"{part['basis']}"
        )
    for text in part["notes"]:
        note(f"note: {text}")
    for warning in part["warnings"]:
        note(f"warning: {warning}")
    if part["unchecked"]:
        note(f"known only after the audit, so not checked: {', '.join(part['unchecked'])}")
