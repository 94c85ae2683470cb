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
            help="Behaviours, separated by commas, or `all`; default: over_stylization, verbosity, sycophancy and capability. "
            "rule:NAME is any rule of the surface lens (rule:bold)."
        ),
    ] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Prompts of each behaviour, an equal share of each stratum.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed of sampling.")] = 0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.")] = 128,
    grader: Annotated[
        str | None,
        typer.Option(help="Inspect name of the model that judges judged:NAME; its provider sees prompts and answers."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="Address of a server that answers for the model, as vLLM does (http://127.0.0.1:8000); a LoRA adapter is loaded "
            "there. It first has to pass a canary."
        ),
    ] = None,
    null_adapters: Annotated[
        int,
        typer.Option(
            min=0,
            help="Of a LoRA adapter: also measure its start model and this many random adapters of the same size, which show "
            "what any change of that size does.",
        ),
    ] = 0,
    chat_template: ChatTemplate = None,
    out: Annotated[Path | None, typer.Option(help="Output folder for scores.json and Inspect's logs.")] = None,
    as_json: AsJson = False,
) -> None:
    """Behaviour scores of any model, by Inspect tasks."""
    import json

    from offtarget.evals.adapters import start_of
    from offtarget.evals.content import measurable
    from offtarget.evals.every import named_behaviours
    from offtarget.evals.floor import floor_of
    from offtarget.evals.policy import Sampling
    from offtarget.evals.run import evaluate
    from offtarget.models import resolve
    from offtarget.store import Store, write_atomic

    names = named_behaviours([b.strip() for b in behaviours.split(",") if b.strip()])
    note_problems()
    names, broken = measurable(names)
    if not names:
        raise broken[0]
    for problem in broken:
        note(f"not measured: {problem}")
    store = Store()
    sampled = Sampling(max_tokens=max_tokens)

    def measure(ref: Any, what: str = "", logs: Path | None = None) -> Any:
        def step(name: str, done: int, total: int) -> None:
            report(f"{what}: {name}" if what else name, done, total)

        return evaluate(
            ref,
            names,
            store=store,
            seed=seed,
            limit=limit,
            log_dir=logs,
            sampling=sampled,
            template=chat_template,
            grader=grader,
            server=server,
            progress=step,
        )

    with progress() as report:
        ref = resolve(model, store)
        start = start_of(ref, store) if null_adapters else None
        scores = measure(ref, logs=out)
        before = measure(start, "start") if start else {}
        floor = floor_of(ref, before, measure, null_adapters, store) if start else None
    body = {name: s.model_dump(mode="json") for name, s in scores.items()}
    settings: dict[str, Any] = {
        "limit": limit,
        "max_tokens": max_tokens,
        "temperature": sampled.temperature,
        "seed": seed,
    }
    settings |= {"grader": grader} if grader else {}
    settings |= {"served": True} if server else {}
    found = {"model": model, "identity": ref.identity, "behaviours": body}
    if floor:
        found["floor"] = floor.model_dump(mode="json")
        found["vs_start"] = {name: d.model_dump(mode="json") for name, d in _changes(before, scores).items()}
    if out:
        write_atomic(out / "scores.json", json.dumps({"schema_version": 1, **found, "evaluation": settings}, indent=1))
    if as_json:
        echo_json(found)
    else:
        _print(scores)
        if floor:
            _print_floor(before, scores, floor)
    if broken:  # the others are measured; what was asked is not done
        raise broken[0]


def _print(scores: Any) -> None:
    from offtarget.evals.scores import MANY_UNSCORED

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
        if said := _says_agreement(s):
            note(f"note: {s.behaviour}: {said}")


def _says_agreement(s: Any) -> str:
    """How many answers a grader judged, and how often it says what the rule says; empty without a grader."""
    from offtarget.evals.grading import agreement

    found = agreement(s.value, s.details)
    if found is None:
        return ""
    same, kappa = found
    more = "" if kappa is None else f", Cohen's kappa {kappa:.2f}"
    return f"the grader judged {s.n} of {len(s.samples)} answers; it agrees with the rule in {same:.0%} of them{more}"


def _changes(before: Any, after: Any) -> dict[str, Any]:
    from offtarget.evals.compare import paired

    return {name: paired(before[name], s, trained=(False, True)) for name, s in after.items()}


def _print_floor(before: Any, after: Any, floor: Any) -> None:
    """Each behaviour's change from start, beside that of null adapters."""
    from offtarget.cli.compare import says_null

    rows = []
    for name, d in _changes(before, after).items():
        null, change = floor.of(name), d.difference
        ci = "" if d.ci is None else f"{d.ci[0]:+.3f} to {d.ci[1]:+.3f}"
        said = "" if null is None or change is None else "within" if null.within(change) else "beyond"
        rows.append(
            (
                name,
                "" if change is None else f"{change:+.3f}",
                ci,
                "" if null is None else says_null(null),
                said,
                d.unit,
            )
        )
    typer.echo("")
    table(("behaviour", "vs start", "95 % interval", "null adapters", "", "unit"), rows)
    typer.echo(
        f"\nNull adapters: mean size of the shift of {floor.draws} random adapters and its range. They change the same "
        f"{floor.matrices} matrices as the policy, each by the same Frobenius norm of (alpha/r)·B·A ({floor.norm:.3g} "
        "together). A change that is no other than theirs lies beyond all of them in one case of "
        f"{floor.draws + 1}. The interval is that of this policy; another training seed is not in it."
    )


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
