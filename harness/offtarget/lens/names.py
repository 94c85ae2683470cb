"""Names of lenses, `KIND` or `KIND:WHICH`: what reads, and which one of it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class LensName:
    """A name such as `surface`, `sae:FOLDER` or `judge:PROVIDER/MODEL`, in its parts."""

    kind: str
    """The entry of the table of lenses."""
    which: str = ""
    """What is after the colon; empty where nothing is."""

    @classmethod
    def parse(cls, name: str) -> "LensName":
        """A name in its parts; whether there is such a lens is not asked."""
        kind, _, which = name.partition(":")
        return cls(kind, which)


def kinds_of(names: Iterable[str]) -> list[str]:
    """The kinds of some lenses, in their order."""
    return [LensName.parse(name).kind for name in names]


def which_of(names: Iterable[str], kind: str) -> str | None:
    """What is after the colon of the first lens of a kind; None where no lens is of it."""
    return next((found.which for found in map(LensName.parse, names) if found.kind == kind), None)


def concept_parts(concept: str) -> tuple[str, str]:
    """A concept's or feature's id, `surface:bold`, as its lens and its name."""
    lens, _, name = concept.partition(":")
    return lens, name
