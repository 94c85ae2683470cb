"""What the verbs that read pairs share: their options, and what is said about the reading."""

from typing import Annotated

import typer

Dataset = Annotated[
    str, typer.Argument(help="Registry name, file (.jsonl, .jsonl.gz, .parquet, .csv) or hf:org/name.")
]
Columns = Annotated[str | None, typer.Option(help="Other column names: prompt=question,chosen=a.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many usable rows.")]
SkipBadRows = Annotated[
    bool, typer.Option("--skip-bad-rows", help="Go on without rows that are broken; they are counted.")
]
AllowDrops = Annotated[
    bool,
    typer.Option("--allow-drops", help="Go on though over 20 % of the pairs cannot be used."),
]
MaxLength = Annotated[
    int | None,
    typer.Option(
        min=16,
        help="Tokens of prompt and answer that lenses on activations read; 512, or those of the audit that is named.",
    ),
]
