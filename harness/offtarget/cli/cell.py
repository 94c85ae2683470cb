"""`offtarget cell`: a policy that another program trained, on a board."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.options import AsJson, ChatTemplate
from offtarget.cli.ui import MAX_SEED, echo_json, note, note_problems, parameters_option, progress, table


def cell(
    plan: Annotated[Path, typer.Option(help="Folder that `offtarget plan --export` wrote, or its plan.json.")],
    model: Annotated[
        str | None, typer.Argument(help="The policy: a directory (a model or a LoRA adapter), or hf:org/name.")
    ] = None,
    start: Annotated[
        bool,
        typer.Option("--start", help="The start model of the plan instead of a policy; every board needs its cell."),
    ] = False,
    from_inspect: Annotated[
        list[Path] | None,
        typer.Option(help="Inspect's logs of our tasks, or a folder of them, instead of scoring the model here."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of the training, and of sampling here.")] = 0,
    recipe: Annotated[
        str | None, typer.Option(help="Recipe whose behaviours, roles and way of evaluation are taken.")
    ] = None,
    behaviours: Annotated[
        str, typer.Option(help="Behaviours, separated by commas; those of the recipe, or all of the logs.")
    ] = "",
    limit: Annotated[int | None, typer.Option(min=2, help="Prompts of each behaviour; as in the recipe.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Longest answer, in tokens; 128, or as in the recipe.")
    ] = None,
    training: Annotated[
        list[str] | None,
        typer.Option(
            "-T",
            "--training",
            help="What else is to be said of its training, key=value; cells that say the same are on one board.",
        ),
    ] = None,
    chat_template: ChatTemplate = None,
    out: Annotated[Path, typer.Option(help="Folder of cells.")] = Path("cells"),
    as_json: AsJson = False,
) -> None:
    """Score a policy that another program trained on an exported plan, and write its cell for a board."""
    from offtarget.board.folder import write_cell
    from offtarget.elsewhere.scored import Question, scored

    asked = Question(
        model=model,
        start=start,
        from_inspect=tuple(from_inspect or ()),
        seed=seed,
        recipe=recipe,
        behaviours=tuple(b.strip() for b in behaviours.split(",") if b.strip()),
        limit=limit,
        max_tokens=max_tokens,
        training=parameters_option(training, "--training"),
        template=chat_template,
    )
    note_problems()
    with progress() as report:
        made, of = scored(plan, asked, report)
    path = write_cell(out, made)
    if as_json:
        behaviour_values = {s.behaviour: s.value for s in made.behaviours}
        echo_json({"key": made.key, "protocol": made.spec.protocol, "seed": seed, "path": str(path),
                   "elsewhere": made.elsewhere.model_dump() if made.elsewhere else None, "behaviours": behaviour_values})  # fmt: skip
        return
    note(f"wrote {path}")
    rows = [
        (s.behaviour, "missing" if s.value is None else f"{s.value:.3f}",
         "" if s.ci is None else f"{s.ci[0]:.3f} to {s.ci[1]:.3f}", s.n, s.n_unscored)
        for s in made.behaviours
    ]  # fmt: skip
    table(("behaviour", "value", "95 % interval", "n", "unscored"), rows)
    for reason in of.ignored if made.elsewhere else ():
        note(
            f"warning: trl's DPOTrainer does not carry out {reason}: this is the plan's policy only if its trainer did"
        )
