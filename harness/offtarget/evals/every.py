"""Which behaviours are measured where none are named."""

from collections.abc import Sequence

from offtarget.registry import default

PANEL = ("over_stylization", "verbosity", "sycophancy", "capability")
"""Style, length, deference and what may be lost: what nearly every recipe that ships measures beside its target."""
ALL = "all"


def every_behaviour() -> list[str]:
    """All behaviours but families such as `rule`, which measure nothing without what comes after the colon."""
    entries = default().entries("behaviour")
    return [e.name for e in entries if not e.card.get("argument") or e.card.get("argument_optional")]


def named_behaviours(names: Sequence[str]) -> list[str]:
    """Behaviours as a person names them: the panel where none is named, `all` for every one.

    Args:
        names: of behaviours, or `all` among them.
    """
    found = [own for name in names for own in (every_behaviour() if name == ALL else [name])]
    return list(dict.fromkeys(found)) or list(PANEL)
