"""Every error that offtarget raises on purpose, in one tree.

    OfftargetError
    ├── ConfigError        exit 2   a wrong option, name, card, recipe or verdict file
    ├── DataError          exit 2   a dataset whose rows cannot be used as they are
    └── UndecidedError     exit 3   nothing is wrong with the call, but no answer can be given:
                                    too few rows, a source out of reach, another vocabulary

The message is written for the person at the keyboard: what is wrong, where (file, row, key),
and what to do now, on one line.
"""

import re
from collections.abc import Iterable, Mapping, Sequence


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


def unknown_name(
    kind: str, name: str, known: Iterable[str], hint: str = "", labels: Mapping[str, str] | None = None
) -> ConfigError:
    """A `ConfigError` for a name nobody knows, offering the nearest names.

    Args:
        kind: what was looked for, in the singular ("protocol").
        name: what was asked.
        known: all valid names.
        hint: what else to do, appended.
        labels: what the names stand for, where that is more than the name.
    """
    names = sorted(known)
    near = nearest(name, names, labels or {})
    if near:
        offer = f"did you mean {' or '.join(near)}?"
    elif names:
        offer = "there are: " + ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
    else:
        offer = "none is registered"
    return ConfigError(f"unknown {kind} '{name}': {offer}" + (f" {hint}" if hint else ""))


ALIKE = 0.6
"""Ratio of `difflib` from which two names are alike; below it no guess is offered."""


def nearest(name: str, names: Sequence[str], labels: Mapping[str, str], most: int = 3) -> list[str]:
    """The names somebody may have meant: one slip away, then by a part of them, by a word of their label, by likeness.

    Where there is none, those with a part that is one slip away.

    `surface:offer` is a part of `surface:follow_up_offer`, and nearer to it than to `surface:boosters`.

    Args:
        name: what was asked.
        names: all valid names.
        labels: of some names, in words.
        most: how many at the most.
    """
    import difflib

    asked = _tail(name)
    # that two names share a lens makes them no likelier to be meant for each other
    tails = difflib.get_close_matches(asked, dict.fromkeys(_tail(n) for n in names), n=most, cutoff=ALIKE)
    alike = [n for tail in tails for n in names if _tail(n) == tail][:most]
    if len(asked) < 3:
        return difflib.get_close_matches(name, names, n=most, cutoff=0.5)  # one letter of two is no less than a slip
    found = [n for n in names if asked in _parts(_tail(n))]
    found += [n for n in names if asked in _tail(n) or (len(_tail(n)) >= 3 and _tail(n) in _parts(asked))]
    said = [n for n in names if any(w.startswith(asked) for w in _parts(labels.get(n, "").lower()))]
    slips = difflib.get_close_matches(asked, [_tail(n) for n in names], n=most, cutoff=0.75)
    close = [n for tail in slips for n in names if _tail(n) == tail]
    found.sort(key=lambda n: len(_tail(n)))
    if near := list(dict.fromkeys([*close, *found, *said, *([] if found or said else alike)])):
        return near[:most]
    return [n for n in names if difflib.get_close_matches(asked, _parts(_tail(n)), n=1, cutoff=0.8)][:most]


def _tail(name: str) -> str:
    """A name without the lens before its colon, in lower case."""
    return name.rpartition(":")[2].lower()


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"[^a-z0-9]+", text) if part]
