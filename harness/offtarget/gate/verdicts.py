"""The decisions that a gate holds data to."""

from pathlib import Path

from offtarget.audit.records import Audit
from offtarget.verdicts import Verdicts, check, decided, read


def read_for(path: Path, audit: Audit) -> tuple[Verdicts, list[str]]:
    """The verdicts of a file, checked against an audit, and what there is to say of them.

    A verdict in a context that the audit does not have judges nothing, and is counted in a note.

    Raises:
        ConfigError: it cannot be read, is broken, or names a concept that there is not.
        UndecidedError: it is of another vocabulary or schema.
    """
    found = read(path)
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
            f"{blind} decisions to allow or amplify do not say what was seen, so any size of it passes; decide on the page "
            "(`offtarget review`)"
        )
    return found.model_copy(update={"verdicts": here}), notes
