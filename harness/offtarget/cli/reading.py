"""What the verbs that read pairs share: a dataset as it was given, and what is said about the reading."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offtarget.cli.ui import note, progress

if TYPE_CHECKING:
    from offtarget.audit.folder import AuditFolder
    from offtarget.data.pairs import PairSet
    from offtarget.engine.as_audited import Asked


def one_or_all(dataset: Sequence[str]) -> str | tuple[str, ...]:
    """A dataset as it was given: one reference, or several files."""
    return dataset[0] if len(dataset) == 1 else tuple(dataset)


def asked_rows(
    data: str | tuple[str, ...],
    *,
    columns: Mapping[str, str] | None,
    split: str | None,
    card: Path | None,
    limit: int | None,
    limit_seed: int | None,
    head: int | None,
    skip_bad_rows: bool,
    allow_drops: bool,
    **features: Any,
) -> "Asked":
    """What a command line asks for; a flag that is not set says nothing."""
    from offtarget.engine.as_audited import Asked

    return Asked(
        data=data,
        columns=columns,
        split=split,
        card=str(card) if card else None,
        limit=limit,
        limit_seed=limit_seed,
        head=head,
        skip_bad_rows=skip_bad_rows or None,
        allow_drops=allow_drops or None,
        **features,
    )


def audited_drop(
    asked: "Asked", like: Path | None, out: Path | None, *, by: tuple[str, ...] | None, seed: int, gate: bool
) -> "tuple[AuditFolder, PairSet]":
    """The rows of a drop and their audit, with what is to be said of the reading.

    Raises:
        ConfigError: its folder would be that of the audit that it is compared with.
    """
    from offtarget.errors import ConfigError
    from offtarget.gate.dataset import audit_drop, default_out, read_drop

    pairs, notes, setup = read_drop(asked, like)
    for text in notes:
        note(f"note: {text}")
    note_reading(pairs, warnings=False)
    folder = out or default_out(pairs, gate=gate)
    if like is not None and folder.resolve() == like.resolve():
        raise ConfigError(f"{folder} is the audit that this one is compared with; name another folder with --out")
    replaces(folder, pairs, asked=out is not None)
    with progress() as report:
        return audit_drop(folder, pairs, setup, by=by, seed=seed, progress=report), pairs


def replaces(folder: Path, pairs: "PairSet", *, asked: bool) -> None:
    """Say which audit is replaced; `engine.auditing.require_replaceable`."""
    from offtarget.engine.auditing import require_replaceable

    if what := require_replaceable(folder, pairs, asked=asked):
        note(f"note: {folder}: {what} is replaced")


def note_reading(pairs: "PairSet", *, warnings: bool = True) -> None:
    """Say what was taken for what, and what a decision should know of the reading."""
    from offtarget.data.drops import drop_cautions

    for text in pairs.notes:
        note(f"note: {text}")
    for text in (*drop_cautions(pairs), *pairs.cautions) if warnings else ():
        note(f"warning: {text}")
