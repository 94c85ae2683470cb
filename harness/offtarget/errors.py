"""Every error that offtarget raises on purpose, in one tree.

    OfftargetError
    ├── ConfigError        exit 2   a wrong option, name, card, recipe or verdict file
    ├── DataError          exit 2   a dataset whose rows cannot be used as they are
    └── UndecidedError     exit 3   nothing is wrong with the call, but no answer can be given:
                                    too few rows, a source out of reach, another vocabulary

The message is written for the person at the keyboard: what is wrong, where (file, row, key),
and what to do now, on one line.
"""

from collections.abc import Iterable


class OfftargetError(Exception):
    """Base class. `exit_code` is what the command line returns for it."""

    exit_code = 2


class ConfigError(OfftargetError):
    """A wrong option, name, card, recipe or verdict file."""


class DataError(OfftargetError):
    """A dataset whose rows cannot be used as they are."""


class UndecidedError(OfftargetError):
    """The call is right but cannot be answered: too few rows, source unreachable, other vocabulary."""

    exit_code = 3


def unknown_name(kind: str, name: str, known: Iterable[str], hint: str = "") -> ConfigError:
    """A `ConfigError` for a name nobody knows, offering the nearest names.

    Args:
        kind: what was looked for, in the singular ("protocol").
        name: what was asked.
        known: all valid names.
        hint: what else to do, appended.
    """
    import difflib

    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        offer = f"did you mean {' or '.join(near)}?"
    elif names:
        offer = "there are: " + ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
    else:
        offer = "none is registered"
    return ConfigError(f"unknown {kind} '{name}': {offer}" + (f" {hint}" if hint else ""))
