"""The verdicts file that the gate of the working folder reads: a decision beside it would count nowhere."""

from pathlib import Path

from offtarget.audit.folder import AuditFolder
from offtarget.errors import OfftargetError
from offtarget.gate.config import CONFIG, read_config
from offtarget.verdicts import read


def gated(folder: AuditFolder, root: Path = Path()) -> tuple[Path | None, str]:
    """The file to decide in where the command line names none, and what to say of it.

    Args:
        folder: the audit.
        root: the working folder, in which offtarget.toml may name a verdicts file.

    Returns:
        The file that offtarget.toml names where the audit has none of its own and the file is of its vocabulary; else None.
    """
    path = root / CONFIG
    named = read_config(path).gate.verdicts if path.is_file() else None
    if named is None:
        return None, ""
    file, own = root / named, folder.path / "verdicts.yaml"
    if not _fits(file, folder) or own.resolve() == file.resolve():
        return None, ""
    if own.is_file():
        return (
            None,
            f"note: {CONFIG} names {file}, and the gate reads that one alone; decide there with --verdicts {file}",
        )
    return file, f"note: the decisions are in {file}, which {CONFIG} names"


def _fits(file: Path, folder: AuditFolder) -> bool:
    """Whether a verdicts file is there and of the audit's vocabulary; a broken one is, so that the page says what is wrong."""
    if not file.is_file():
        return False
    try:
        return read(file).vocabulary == folder.audit.vocabulary
    except OfftargetError:
        return True
