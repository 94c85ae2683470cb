"""Amounts in cells (4, "4.5", "8/10", "4 out of 5"), and the one scale on which columns that are compared say them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from offtarget.errors import DataError

_PARTS = re.compile(r"(-?\d+(?:\.\d+)?)(?:\s*/\s*|\s+out of\s+)(\d+(?:\.\d+)?)")

Scale = Literal["plain", "shares"]
"""plain: "8/10" is 8; shares: "8/10" is 0.8."""


class Amount(NamedTuple):
    """What a cell says: 8 of 10 in "8/10", 8 of nothing in "8"."""

    value: float
    whole: float | None = None

    def on(self, scale: Scale) -> float:
        """The amount as a number on a scale."""
        return self.value / self.whole if scale == "shares" and self.whole else self.value


def amount_of(value: Any) -> Amount | None:
    """A cell as an amount; None if it is none."""
    if isinstance(value, str) and (parts := _PARTS.fullmatch(value.strip())):
        return Amount(float(parts[1]), float(parts[2])) if float(parts[2]) else None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return Amount(number) if number == number else None


@dataclass
class Amounts:
    """The amounts of cells that are compared: of which wholes they are, and the highest that says none."""

    wholes: set[float] = field(default_factory=set)
    plain: float | None = None

    def add(self, amount: Amount) -> None:
        """Take in one amount."""
        if amount.whole is not None:
            self.wholes.add(amount.whole)
        elif self.plain is None or amount.value > self.plain:
            self.plain = amount.value

    def merge(self, other: "Amounts") -> None:
        """Take in those of other cells."""
        self.wholes |= other.wholes
        if other.plain is not None:
            self.add(Amount(other.plain))

    def scale(self) -> Scale:
        """The scale on which all of them can be compared.

        Plain where all that name a whole name the same and no plain number is above it; shares where all name one.

        Raises:
            DataError: neither.
        """
        if len(self.wholes) > 1 and self.plain is None:
            return "shares"
        if not self.wholes or (len(self.wholes) == 1 and (self.plain is None or self.plain <= max(self.wholes))):
            return "plain"
        wholes = " and ".join(f"{whole:g}" for whole in sorted(self.wholes)[:3])
        raise DataError(
            f"amounts out of {wholes} are beside the plain number {self.plain:g}, so they have no common scale; write all "
            "on one"
        )


def scale_of(amounts: Iterable[Amount]) -> Scale:
    """The scale of amounts that are compared (`Amounts.scale`)."""
    seen = Amounts()
    for amount in amounts:
        seen.add(amount)
    return seen.scale()


def on_one_scale(amounts: Sequence[Amount]) -> list[float]:
    """Amounts as numbers that can be compared.

    Raises:
        DataError: they have no common scale.
    """
    scale = scale_of(amounts)
    return [amount.on(scale) for amount in amounts]
