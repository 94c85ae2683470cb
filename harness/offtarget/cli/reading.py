"""What the verbs that read pairs share: their options, and what is said about the reading."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offtarget.cli.ui import MAX_SEED, note

if TYPE_CHECKING:
    from offtarget.data.pairs import PairSet

Dataset = Annotated[
    list[str],
    typer.Argument(
        help="Registry name, file (.jsonl, .json, .csv, .tsv, .parquet, .arrow, also .gz), several files, a folder or "
        "pattern of files, a card's .yaml, or hf:org/name."
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        help="Which column is what: prompt=question,chosen=good,rejected=bad; with a column that says who won "
        "prompt=question,a=answer_a,b=answer_b,label=preferred; also system, context, id, group, split, ignore."
    ),
]
Card = Annotated[
    Path | None, typer.Option(help="A dataset card (.yaml) that says how to read the files, wherever they are.")
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Number of pairs to read: whole prompts, drawn from all rows by --limit-seed.")
]
LimitSeed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed of the draw of --limit.")]
Head = Annotated[int | None, typer.Option(min=1, help="Read only the first N pairs.")]
SkipBadRows = Annotated[bool, typer.Option("--skip-bad-rows", help="Leave out broken rows and count them.")]
AllowDrops = Annotated[
    bool, typer.Option("--allow-drops", help="Continue although over 20 % of the pairs cannot be used.")
]
MaxLength = Annotated[
    int | None,
    typer.Option(
        min=16,
        help="Tokens of prompt and answer that lenses on activations read; 512, or those of the audit that is named.",
    ),
]


def one_or_all(dataset: Sequence[str]) -> str | tuple[str, ...]:
    """A dataset as it was given: one reference, or several files."""
    return dataset[0] if len(dataset) == 1 else tuple(dataset)


def note_reading(pairs: "PairSet", *, warnings: bool = True) -> None:
    """Say what was taken for what, and what a decision should know of the reading."""
    from offtarget.data.drops import drop_cautions

    for text in pairs.notes:
        note(f"note: {text}")
    for text in (*drop_cautions(pairs), *pairs.cautions) if warnings else ():
        note(f"warning: {text}")
