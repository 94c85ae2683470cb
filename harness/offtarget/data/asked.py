"""How the rows of a set were asked for: what another command needs to read the same."""

from offtarget.records import Record


class RowsAsked(Record):
    """What `load_pairs` was given."""

    data: str | tuple[str, ...] | None
    """Registry name, path or hub id; several files; None of rows that a program holds."""
    columns: dict[str, str] | None = None
    split: str | None = None
    limit: int | None = None
    limit_seed: int = 0
    head: int | None = None
    card: str | None = None
    skip_bad_rows: bool = False
    allow_drops: bool = False
