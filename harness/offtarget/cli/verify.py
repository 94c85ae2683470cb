"""`offtarget verify`: predicted against observed shift."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import echo_json, note, progress, table


def verify(
    run_dir: Annotated[Path, typer.Argument(help="A folder that `offtarget run` wrote.")],
    protocol: Annotated[
        str | None, typer.Option(help="Protocol whose policy is compared; default: the first of the recipe.")
    ] = None,
    prompts: Annotated[
        int | None, typer.Option(min=30, help="Number of held-out prompts; default: that of the recipe.")
    ] = None,
    level: Annotated[
        str | None,
        typer.Option(
            help="The dearest predictors that are computed: data, forward, gradient or pulse; default: all, where a lens asks a "
            "judge data."
        ),
    ] = None,
    controls: Annotated[
        bool,
        typer.Option(
            "--controls", help="Also compute controls: a random adapter, shuffled labels, another draw, fluency."
        ),
    ] = False,
    summary: Annotated[
        Path | None, typer.Option(help="Also write the figures, without single concepts, to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verification as JSON.")] = False,
) -> None:
    """Sample answers before and after training, and compare what moved with what the data predicted."""
    from offtarget.store import Store, write_atomic
    from offtarget.verification.page import VERIFY_REPORT, leading, render_verification
    from offtarget.verification.run import verify, write

    with progress() as report:
        result = verify(
            run_dir, protocol=protocol, prompts=prompts, level=level, controls=controls, store=Store(), progress=report
        )
    path = write(result, run_dir)
    if summary:
        write_atomic(summary, result.model_copy(update={"points": ()}).model_dump_json(indent=1) + "\n")
    page = render_verification(result, path.with_name(VERIFY_REPORT))
    for warning in result.warnings:
        note(f"warning: {warning}")
    if as_json:
        echo_json(result.model_dump(mode="json"))
        return
    seed = result.seeds[0]
    typer.echo(
        f"{result.dataset}, {result.protocol}: {result.n_prompts} held-out prompts, "
        f"answers {result.answers['characters_before']:.0f} to {result.answers['characters_after']:.0f} characters"
    )
    rows = []
    for o in result.outcomes:
        if o.seed == seed and leading(o):
            c = o.control
            rows.append(
                (
                    o.family,
                    o.statistic,
                    o.predictor,
                    o.rows,
                    c.n_concepts,
                    f"{c.raw.r:+.2f}",
                    f"{c.raw.r2:.2f}",
                    f"{c.raw_null.q95_r2:.2f}",
                    f"{c.by_row.r:+.2f}",
                    f"{c.by_row.r2:.2f}",
                    f"{c.by_row_null.q95_r2:.2f}",
                    f"{c.by_concept.r2:.2f}",
                    f"{c.by_row.r2_held_out:.2f}",
                    f"{c.surest.right:.0%}",
                )
            )
    table(
        ("concepts", "statistic", "predictor", "rows", "n", "r", "r²", "null 95 %", "r =len", "r² =len", "null 95 %",
         "r² |len", "1−SSE/SST =len", "surest right"),
        rows,
    )  # fmt: skip
    shown = {f"{o.family}/{o.statistic}" for o in result.outcomes if leading(o)}
    for name, top in ((n, c) for n, c in result.ceilings.items() if n in shown):
        text = (
            f"ceiling of {name}: halves of the prompts {top.halves_raw:.2f} ({top.halves_by_row:.2f} at equal length)"
        )
        if top.seeds_raw is not None and top.seeds_by_row is not None:
            text += f", second seed {top.seeds_raw:.2f} ({top.seeds_by_row:.2f})"
        typer.echo(text)
    typer.echo(f"other statistics, rows and seeds are in the files: wrote {path} and {page}")
