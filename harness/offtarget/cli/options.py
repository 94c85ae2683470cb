"""Options and arguments that several verbs have, each written once."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import MAX_SEED

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
LimitSeed = Annotated[
    int | None, typer.Option(min=0, max=MAX_SEED, help="Random seed of the draw of --limit; default: 0.")
]
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
Split = Annotated[str | None, typer.Option(help="Split of the dataset.")]
ChatTemplate = Annotated[str | None, typer.Option(help="Chat template (Jinja file) for a model that has none.")]
AuditDir = Annotated[Path, typer.Argument(help="Folder made by `offtarget audit`.")]
RunOut = Annotated[Path | None, typer.Option(help="Output folder; default: runs/RECIPE.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Engine = Annotated[
    str | None,
    typer.Option(
        help="Where work is done: local (processes here), ray, slurm, or shards:N, which prints N commands for any other "
        "scheduler; by default in this process, one thing after another."
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, help="How many workers --engine has; 2.")]
