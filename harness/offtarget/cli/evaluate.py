"""`offtarget eval`: behaviour scores of any model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from offtarget.cli.options import AsJson, ChatTemplate
from offtarget.cli.ui import MAX_SEED, echo_json, note, note_problems, progress, table


def eval_(
    model: Annotated[str, typer.Argument(help="Alias, directory (a model or a LoRA adapter), or hf:org/name.")],
    behaviours: Annotated[
        str,
        typer.Option(
            help="Behaviours, separated by commas; default: all. rule:NAME is any rule of the surface lens (rule:bold)."
        ),
    ] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Prompts of each behaviour, an equal share of each stratum.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed of sampling.")] = 0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.")] = 128,
    chat_template: ChatTemplate = None,
    out: Annotated[Path | None, typer.Option(help="Output folder for scores.json and Inspect's logs.")] = None,
    as_json: AsJson = False,
) -> None:
    """Behaviour scores of any model, by Inspect tasks."""
    import json

    from offtarget.evals.every import every_behaviour
    from offtarget.evals.policy import Sampling
    from offtarget.evals.run import evaluate
    from offtarget.evals.scores import MANY_UNSCORED
    from offtarget.store import Store, write_atomic

    names = [b.strip() for b in behaviours.split(",") if b.strip()] or every_behaviour()
    note_problems()
    with progress() as report:
        scores = evaluate(
            model,
            names,
            store=Store(),
            seed=seed,
            limit=limit,
            log_dir=out,
            sampling=Sampling(max_tokens=max_tokens),
            template=chat_template,
            progress=report,
        )
    body = {name: s.model_dump(mode="json") for name, s in scores.items()}
    sampled = Sampling(max_tokens=max_tokens)
    settings = {"limit": limit, "max_tokens": max_tokens, "temperature": sampled.temperature, "seed": seed}
    if out:
        write_atomic(
            out / "scores.json",
            json.dumps({"schema_version": 1, "model": model, "evaluation": settings, "behaviours": body}, indent=1),
        )
    if as_json:
        echo_json({"model": model, "behaviours": body})
        return
    rows = []
    for s in scores.values():
        ci = "" if s.ci is None else f"{s.ci[0]:.3f} to {s.ci[1]:.3f}"
        value = "missing" if s.value is None else f"{s.value:.3f}"
        rows.append((s.behaviour, value, ci, s.n, _unscored(s), f"{s.direction} is better", s.unit or s.metric))
    table(("behaviour", "value", "95 % interval", "n", "unscored", "direction", "unit"), rows)
    for s in scores.values():
        missed = sum(n == 0 for n in s.strata.values())
        if missed:
            note(f"note: {s.behaviour}: {len(s.strata) - missed} of {len(s.strata)} kinds of its prompts were asked")
        if s.unscored > MANY_UNSCORED:
            note(f"warning: {s.behaviour}: {says_unscored(s)}")


def _unscored(s: Any) -> str:
    """How many samples have no value, with their share where there are any."""
    return f"{s.n_unscored} ({s.unscored:.0%})" if s.n_unscored else "0"


def says_unscored(s: Any) -> str:
    """What many samples without a value mean for a score."""
    bounds = s.bounds()
    spread = (
        ""
        if bounds is None
        else f"; if all of them were 0 or all 1, the value would be {bounds[0]:.3f} or {bounds[1]:.3f}"
    )
    return (
        f"{s.unscored:.0%} of the answers have no score (empty or failed), so the value is that of the others{spread}"
    )
