"""`offtarget run`: the grid of a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.options import AllowDrops, Head, Limit, RunOut, SkipBadRows
from offtarget.cli.ui import MAX_SEED, echo_json, note, note_problems, progress


def run(
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the cells as JSON.")] = False,
) -> None:
    """Audit, decide, shape, retrain, score: every cell of a recipe. Interrupted, it goes on where it was."""
    from offtarget.engine.recipe import read_recipe

    overrides = list(set_ or [])
    if seeds:
        overrides.append(f"seeds=[{seeds}]")
    overrides += [f"{k}={v}" for k, v in (("limit_seed", limit_seed), ("head", head)) if v is not None]
    if skip_bad_rows:
        overrides.append("skip_bad_rows=true")
    if allow_drops:
        overrides.append("allow_drops=true")
    recipe, path = read_recipe(name, overrides, size)
    note_problems()
    folder = out or Path(recipe.out or f"runs/{path.stem}{f'-{size}' if size else ''}")
    if dry_run:
        from offtarget.engine.estimate import estimate

        expected = estimate(recipe, path.parent, limit=limit)
        if as_json:
            echo_json(expected)
        else:
            for line in expected["cells"]:
                typer.echo(line)
            if expected["not_at_hand"]:
                note(f"the recipe is valid, but its data cannot be reached: {expected['not_at_hand']}")
            elif expected["hours"] is None:
                typer.echo(expected["basis"])
            else:
                typer.echo(
                    f"about {expected['hours']:.1f} hours on {expected['cores']} cores, {expected['gigabytes']:.1f} GB "
                    f"in the store: {expected['basis']}"
                )
            for text in expected["notes"]:
                note(f"note: {text}")
            for warning in expected["warnings"]:
                note(f"warning: {warning}")
            if expected["unchecked"]:
                note(f"known only after the audit, so not checked: {', '.join(expected['unchecked'])}")
        if reuse:
            note(f"every cell is listed: which of them lie in {reuse} is known only when their plans are made")
        return
    from offtarget.engine.experiment import run as run_recipe
    from offtarget.engine.links import where_links_lie

    with progress() as report:
        made = run_recipe(recipe, folder, base=path.parent, reuse=reuse, limit=limit, progress=report)
    if reuse:
        note(f"{len(made.reused)} of {len(made.cells)} cells taken from {reuse}")
        for line in made.refused:
            note(f"not reused: {line}")
    if as_json:
        echo_json([{"key": c.key, "protocol": c.spec.protocol, "seed": c.spec.seed, "path": str(p),
                    "behaviours": {s.behaviour: s.value for s in c.behaviours}} for c, p in made.cells])  # fmt: skip
    else:
        note(f"wrote {len(made.cells)} cells and the board under {folder}")
        typer.echo(made.board)
        for text in where_links_lie(folder):
            note(text)
    made.require_taught()
