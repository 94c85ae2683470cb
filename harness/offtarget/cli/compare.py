"""`offtarget compare`: runs, protocols with their seeds, or Inspect logs, sample by sample."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offtarget.cli.options import AsJson
from offtarget.cli.ui import echo_json, note, table

if TYPE_CHECKING:
    from offtarget.comparison.records import Compared
    from offtarget.evals.floor import NullShifts

SIDES = (
    "Two or more of: a cell, a scores.json, Inspect logs (.eval), a folder with one of them, or the cells of several seeds "
    "(a folder, or separated by commas). All are compared with the first."
)


def compare(
    sides: Annotated[list[str], typer.Argument(metavar="A B [C]...", help=SIDES)],
    html: Annotated[Path | None, typer.Option(help="Write a page with the answers that flipped, side by side.")] = None,
    margin: Annotated[
        float, typer.Option(min=0.0001, max=0.9999, help="Differences of shares smaller than this do not matter.")
    ] = 0.05,
    margin_sd: Annotated[
        float, typer.Option(min=0.0001, help="The same of all other behaviours, in standard deviations of A's values.")
    ] = 0.2,
    as_json: AsJson = False,
) -> None:
    """Paired differences on the same samples, clustered by prompt, BH-corrected over all that are shown.

    With three training seeds or more on each side (the start model needs none) the noise of seeds is in, and the
    differences are between protocols. Two single runs show a difference between these two policies and no more.
    """
    import shlex

    from offtarget.comparison.answers import with_answers
    from offtarget.comparison.page import page
    from offtarget.comparison.run import compare_sides
    from offtarget.comparison.sides import read_side
    from offtarget.errors import ConfigError
    from offtarget.evals.compare import Margins
    from offtarget.store import write_atomic

    if len(sides) < 2:
        raise ConfigError(f"a comparison needs two sides: `offtarget compare {shlex.quote(sides[0])} OTHER`")
    if html is not None and (html.is_dir() or html.suffix not in (".html", ".htm")):
        raise ConfigError(f"--html {html}: name an .html file for the page")
    read = [read_side(text) for text in sides]
    if html is not None:
        read = [with_answers(side, text) for side, text in zip(read, sides, strict=True)]
    found = compare_sides(read[0], read[1:], Margins(share=margin, sd=margin_sd))
    if html is not None:
        words = ["offtarget", "compare", *sides, "--html", str(html)]
        words += ["--margin", f"{margin:g}"] * (margin != 0.05) + ["--margin-sd", f"{margin_sd:g}"] * (margin_sd != 0.2)
        write_atomic(html, page(found, read[0], read[1:], shlex.join(words)))
    for one in found.comparisons:
        for line in one.warnings:
            note(f"warning: {line}")
    if as_json:
        echo_json(found.model_dump(mode="json"))
    else:
        for one in found.comparisons:
            _print(found.a, one)
    if html is not None:
        note(f"wrote {html}")


def _print(a: str, one: "Compared") -> None:
    typer.echo(f"a = {a}; b = {one.b}\n")
    head = ["behaviour", "b - a", "95 % interval", "p", "q", "detectable", "n", "missing", "conclusion"]
    rows = [list(_row(d)) for d in one.differences]
    if one.nulls:
        head.append("null adapters")
        for line, d in zip(rows, one.differences, strict=True):
            line.append("" if (own := one.nulls.get(d.behaviour)) is None else says_null(own))
    table(head, rows)
    if one.nulls:
        draws = max(len(own.shifts) for own in one.nulls.values())
        typer.echo(
            f"\nNull adapters: mean size of the shifts that {draws} random adapters of b's size bring, and their range."
        )
    typer.echo(f"\n{one.about}\n")


def says_null(found: "NullShifts") -> str:
    """What null adapters do to one behaviour: `0.021 (-0.010 to +0.042)`, their mean size and range."""
    low, high = found.range
    return f"{found.size:.3f} ({low:+.3f} to {high:+.3f})"


def _row(d: Any) -> tuple[Any, ...]:
    from offtarget.report.amounts import small

    def show(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    ci = "" if d.ci is None else f"{d.ci[0]:+.3f} to {d.ci[1]:+.3f}"
    p, q = ("" if x is None else small(x) for x in (d.p, d.q))
    return d.behaviour, show(d.difference, "+.3f"), ci, p, q, show(d.detectable, ".3f"), d.n, d.n_missing, d.conclusion
