"""The decisions that a gate holds data to."""

from pathlib import Path

from offtarget.audit.records import Audit
from offtarget.documents import read_yaml
from offtarget.errors import UndecidedError
from offtarget.verdicts import SCHEMA_VERSION, Verdicts, check, decided, read


def read_verdicts(path: Path) -> Verdicts:
    """The verdicts of a file.

    Raises:
        ConfigError: it cannot be read or is broken.
        UndecidedError: it is of another schema.
    """
    raw = read_yaml(path) if path.is_file() else None
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if isinstance(version, int) and version != SCHEMA_VERSION:
        raise UndecidedError(
            f"{path}: verdicts of schema version {version}, but this offtarget reads {SCHEMA_VERSION}; decide again in a "
            "copy of the audit's verdicts.template.yaml"
        )
    return read(path)


def read_for(path: Path, audit: Audit) -> tuple[Verdicts, list[str]]:
    """The verdicts of a file, checked against an audit, and what there is to say of them.

    A verdict in a context that the audit does not have judges nothing, and is counted in a note.

    Raises:
        ConfigError: it cannot be read, is broken, or names a concept that there is not.
        UndecidedError: it is of another vocabulary or schema.
    """
    found = read_verdicts(path)
    contexts = {c.id for c in audit.contexts}
    here = tuple(v for v in found.verdicts if v.context is None or v.context in contexts)
    check(found.model_copy(update={"verdicts": here}), audit, str(path))
    notes = []
    if away := len(found.verdicts) - len(here):
        notes.append(f"{away} verdicts of {path} are on topics or values that these rows do not have")
    if scoped := sum(v.where is not None for v in decided(found)):
        notes.append(
            f"{scoped} verdicts of {path} are on a `where`, which is no context of an audit, and judge nothing here"
        )
    if blind := sum(v.seen is None and v.decision in ("allow", "amplify") for v in decided(found)):
        notes.append(
            f"{blind} allowances do not say what was seen, so any size of it passes; decide on the page (`offtarget review`)"
        )
    return found.model_copy(update={"verdicts": here}), notes
