"""`offtarget demo`: the whole loop on the embedded model and a planted set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offtarget.cli.ui import note, progress, span

if TYPE_CHECKING:
    from offtarget.audit.records import Audit
    from offtarget.board.cell import Cell
    from offtarget.evals.compare import PairedDifference


def demo(
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("demo-out"),
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a key of the recipe.")] = None,
) -> None:
    """Audit a planted set, suppress one concept, retrain plainly and shaped, and see what changed."""
    import time

    from offtarget.board.controls import declared_controls
    from offtarget.cli.audit import print_audit
    from offtarget.engine.experiment import run
    from offtarget.engine.recipe import read_recipe

    started = time.monotonic()
    begun = (out / "run.json").is_file()
    recipe, path = read_recipe("demo", list(set_ or []))
    with progress() as report:
        made = run(recipe, out, base=path.parent, progress=report)
    print_audit(made.audit)
    typer.echo("")
    typer.echo(made.board)
    took = span(time.monotonic() - started)
    note(f"the demo took {took}" if not begun else f"this took {took}; what an earlier demo had made in {out} was kept")
    for sentence in ending(made.audit.audit, [cell for cell, _ in made.cells], declared_controls(), out):
        typer.echo(sentence)


def ending(audit: "Audit", cells: "Sequence[Cell]", controls: Mapping[str, str], folder: Path) -> list[str]:
    """What was found and what to open, in three sentences.

    Args:
        audit: of the planted set.
        cells: `start` and one of each protocol.
        controls: protocol -> its blind control.
        folder: where everything is kept.
    """
    return [
        sentence
        for sentence in (
            _audited(audit),
            _trained({c.spec.protocol: c for c in cells}, controls),
            f"Open {folder / 'audit' / 'report.html'} to see what the data rewards, and {folder / 'board.html'} to see what "
            "each protocol changed.",
        )
        if sentence
    ]


def _audited(audit: "Audit") -> str:
    truth = audit.truth
    if truth is None:
        return ""
    reported = len(truth.reported) or "none"
    return (
        f"The audit of {audit.dataset.n_pairs} pairs found {len(truth.found)} of the {len(truth.planted)} concepts that were "
        f"planted in them, and {reported} of the {len(truth.nulls)} nulls."
    )


def _trained(cells: "Mapping[str, Cell]", controls: Mapping[str, str]) -> str:
    """What plain DPO and the shaped run did to the target, beside the blind control where there is one."""
    from offtarget.board.cell import START
    from offtarget.evals.compare import paired

    measured = {name: next((s for s in c.behaviours if s.role == "target"), None) for name, c in cells.items()}
    scores = {name: s for name, s in measured.items() if s is not None and s.value is not None}
    start, plain = scores.get(START), scores.get("dpo")
    if start is None or plain is None:
        return ""
    shown = {name: f"{100 * s.value:.0f} %" for name, s in scores.items() if s.value is not None}
    taught = paired(start, plain, trained=(False, True))
    text = f"Plain DPO took the {start.metric} from {shown[START]} to {shown['dpo']} ({_change(taught)})"
    trained = [name for name in scores if name not in {START, "dpo", *controls.values()}]
    shaped = next(iter(sorted(trained, key=lambda name: controls.get(name) not in scores)), None)
    if shaped is not None:
        control = controls.get(shaped, "")
        named = " and ".join(v.concept for v in cells[shaped].spec.verdicts)
        text += f"; {shaped}, with the verdicts on {named}, ended at {shown[shaped]}"
        if control in scores:
            text += f", and {control}, its blind control, at {shown[control]}"
        other = control if control in scores else "dpo"
        text += f" ({shaped} against {other}: {_change(paired(scores[other], scores[shaped]))})"
    return text + "; one training seed, so this is about these policies."


def _change(found: "PairedDifference") -> str:
    """A difference of shares in points, with its interval and p."""
    from offtarget.report.amounts import small

    if found.difference is None or found.p is None:
        return "no difference can be tested"
    ci = "" if found.ci is None else f" [{100 * found.ci[0]:+.0f}, {100 * found.ci[1]:+.0f}]"
    return f"{100 * found.difference:+.0f} points{ci}, p {small(found.p)}"
