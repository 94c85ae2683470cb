"""`offtarget compare`: two runs, sample by sample."""

from pathlib import Path
from typing import Annotated, Any

import typer

from offtarget.cli.ui import echo_json, note, table


def compare(
    a: Annotated[Path, typer.Argument(help="A cell, a scores.json, or a folder with one.")],
    b: Annotated[Path, typer.Argument(help="What to compare with it.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Paired differences b − a on the same samples, clustered by prompt, BH-corrected over the behaviours."""
    from offtarget.evals.compare import compare_runs

    (scores_a, how_a), (scores_b, how_b) = read_run(a), read_run(b)
    for key in sorted(how_a.keys() & how_b.keys()):
        if how_a[key] != how_b[key]:
            note(f"warning: evaluated differently: {key} is {how_a[key]} in {a}, {how_b[key]} in {b}")
    differences = compare_runs(scores_a, scores_b)
    if as_json:
        echo_json([d.model_dump(mode="json") for d in differences])
        return

    def show(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    rows = []
    for d in differences:
        ci = "" if d.ci is None else f"{d.ci[0]:+.3f} to {d.ci[1]:+.3f}"
        rows.append(
            (
                d.behaviour,
                show(d.difference, "+.3f"),
                ci,
                show(d.p, ".2g"),
                show(d.q, ".2g"),
                d.n,
                d.n_missing,
            )
        )
    table(("behaviour", "b − a", "95 % interval", "p", "q", "n", "missing"), rows)


def read_run(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Behaviour scores in a cell or a scores.json, and how they were sampled (limit, max_tokens, ...)."""
    from pydantic import ValidationError

    from offtarget.documents import read_json
    from offtarget.errors import ConfigError
    from offtarget.evals.scores import BehaviourScore

    if path.is_dir():
        inside = sorted(path.glob("*.json"))
        if (path / "scores.json") in inside:
            inside = [path / "scores.json"]
        if len(inside) != 1:
            names = ", ".join(p.name for p in inside[:4]) or "none"
            raise ConfigError(f"{path}: one cell or a scores.json is needed in it; there are: {names}")
        path = inside[0]
    body = read_json(path, remedy="give a cell or a scores.json")
    try:
        found = body["behaviours"]
        items = found.values() if isinstance(found, dict) else found
        scores = {s.behaviour: s for s in (BehaviourScore.model_validate(x) for x in items)}
        spec = body.get("spec")
        how = (
            body.get("evaluation", {})
            if spec is None
            else spec["data"]["evaluation"] | {"seed": spec["seed"]}
        )
        return scores, dict(how)
    except (ValueError, KeyError, TypeError, ValidationError) as e:
        raise ConfigError(
            f"{path}: holds no behaviour scores ({type(e).__name__}); give a cell or a scores.json"
        ) from None
