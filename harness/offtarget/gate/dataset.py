"""The audit of a dataset for the gate: with the vocabulary of the baseline or of an earlier audit."""

from dataclasses import dataclass, replace
from pathlib import Path

from offtarget.audit.folder import AuditFolder
from offtarget.data.loading import load_asked
from offtarget.data.pairs import PairSet
from offtarget.data.reading import read_rows
from offtarget.data.sources import resolve as resolve_data
from offtarget.engine.as_audited import Asked, as_audited
from offtarget.engine.auditing import audit_into, set_name
from offtarget.engine.recipe import AuditOptions
from offtarget.lens.reader import Reader
from offtarget.lens.table import reads_model
from offtarget.models import resolve
from offtarget.progress import Progress
from offtarget.store import Store

AUDITS = Path("audits")


def require_there(data: str | tuple[str, ...]) -> None:
    """Check that a dataset can be found, without reading it.

    Raises:
        ConfigError: nothing of that name, or no such file.
        DataError: a file is empty.
    """
    source = resolve_data(data)
    for _, files in source.files.parts if source.files else ():
        for file in files:
            read_rows(file)  # its rows come lazily


def read_drop(asked: Asked, like: Path | None) -> tuple[PairSet, tuple[str, ...], "Setup"]:
    """The rows of a drop, read as the earlier audit read its own where the command line does not say otherwise.

    How many rows the earlier audit was limited to is not taken over.

    Returns:
        The pairs, notes, and how they are to be audited.
    """
    answered = as_audited(asked, like=like, verdicts=None)
    reading = answered.reading.model_copy(
        update={"limit": asked.limit, "limit_seed": asked.limit_seed or 0, "head": asked.head}
    )
    pairs = load_asked(reading)
    pairs = replace(pairs, name=set_name(reading.data) or pairs.name)
    notes = answered.notes
    earlier = AuditFolder(answered.like).audit if answered.like is not None else None
    part = earlier.reading.limit if earlier is not None and earlier.reading is not None else None
    if earlier is not None and part is not None and reading.limit is None:
        notes = (
            *notes,
            f"the audit {answered.like} read {earlier.dataset.n_pairs} pairs of its data (--limit {part}), and all "
            f"{len(pairs.pairs)} are read here",
        )
    return pairs, notes, Setup(reading.lens, reading.model, reading.max_length, reading.template, like)


@dataclass(frozen=True)
class Setup:
    """How a drop is audited."""

    lens: tuple[str, ...]
    model: str | None
    max_length: int
    template: str | None
    like: Path | None


def audit_drop(
    out: Path, pairs: PairSet, setup: Setup, *, by: tuple[str, ...] | None, seed: int, progress: Progress | None
) -> AuditFolder:
    """Audit the rows into a folder."""
    store = Store()
    ref = resolve(setup.model, store) if reads_model(setup.lens) and setup.model else None
    reader = Reader(ref, store, setup.max_length, template=setup.template, progress=progress)
    options = AuditOptions(lens=setup.lens, by=by, like=str(setup.like) if setup.like else None, seed=seed)
    return audit_into(out, pairs, options, reader).folder


def default_out(pairs: PairSet, *, gate: bool) -> Path:
    """The folder that the audit of a set has where none is named.

    Args:
        pairs: the set.
        gate: whether it serves a gate alone: never the folder of an audit that somebody made and decided on.
    """
    from offtarget.board.folder import slug

    return AUDITS / (slug(pairs.name) + ("-gate" if gate else ""))
