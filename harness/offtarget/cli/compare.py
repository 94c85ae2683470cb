"""`offtarget compare`: two runs, or two protocols with their seeds, sample by sample."""

from typing import Annotated, Any

import typer

from offtarget.cli.options import AsJson
from offtarget.cli.ui import echo_json, note, table

SIDE = "A cell, a scores.json, a folder with one, or the cells of several seeds (a folder, or separated by commas)."


def compare(
    a: Annotated[str, typer.Argument(help=SIDE)],
    b: Annotated[str, typer.Argument(help="What to compare with it.")],
    as_json: AsJson = False,
) -> None:
    """Paired differences b − a on the same samples, clustered by prompt, BH-corrected over the behaviours.

    With three training seeds or more on each side (the start model needs none) the noise of seeds is in, and the
    differences are between protocols. Two single runs show a difference between these two policies and no more.
    """
    from offtarget.board.sides import differing, named, read_side
    from offtarget.board.strata import cut_in_file_order
    from offtarget.evals.compare import compare_runs
    from offtarget.evals.scores import MANY_UNSCORED

    sides = read_side(a), read_side(b)
    for line in differing(*sides):
        note(f"warning: {line}")
    for line in cut_in_file_order(s for side in sides for own in side.scores.values() for s in own):
        note(f"warning: {line}")
    names = named(*sides)
    found = compare_runs(sides[0].scores, sides[1].scores, trained=(sides[0].trained, sides[1].trained))
    said = _about(*sides, all(d.of_protocols for d in found))
    if as_json:
        echo_json(
            {"a": names[0], "b": names[1], "about": said, "differences": [d.model_dump(mode="json") for d in found]}
        )
        return
    typer.echo(f"a = {names[0]}; b = {names[1]}\n")
    table(("behaviour", "b − a", "95 % interval", "p", "q", "n", "missing"), [_row(d) for d in found])
    typer.echo(f"\n{said}")
    for d in found:
        for side, name, share in zip(sides, "ab", d.unscored, strict=True):
            if share > MANY_UNSCORED:
                note(
                    f"warning: {d.behaviour}: {share:.0%} of {name}'s answers have no score{_bounds(side.scores[d.behaviour])}; "
                    "the difference is that of the samples that both have"
                )


def _about(a: Any, b: Any, of_protocols: bool) -> str:
    """What the intervals and p hold, and so what they are about."""
    if of_protocols:
        return (
            "Intervals, p and q hold the noise of prompts, sampling and training seeds: they are about what training "
            "again with other seeds would give."
        )
    few = [
        f"{name} has {len(s.seeds) or 1} seed{'s' if len(s.seeds) > 1 else ''}"
        for name, s in (("a", a), ("b", b))
        if s.trained and len(s.seeds) < 3
    ]
    return (
        f"The noise of training seeds is not in these intervals, p and q ({', '.join(few)}; three are needed): they are "
        "about these two policies, and say nothing of what the protocols would give with other seeds."
    )


def _row(d: Any) -> tuple[Any, ...]:
    def show(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    ci = "" if d.ci is None else f"{d.ci[0]:+.3f} to {d.ci[1]:+.3f}"
    return d.behaviour, show(d.difference, "+.3f"), ci, show(d.p, ".2g"), show(d.q, ".2g"), d.n, d.n_missing


def _bounds(scores: Any) -> str:
    """The mean if all unscored answers were best, and worst, over the seeds."""
    from offtarget.evals.scores import mean_bounds

    found = mean_bounds([v for s in scores for v in s.samples.values()], scores[0].unit)
    return "" if found is None else f" (its mean would be {found[0]:.3f} or {found[1]:.3f} if all were 0 or 1)"
