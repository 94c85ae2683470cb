"""What an audit found of that which was put into a set on purpose."""

from typing import Literal

from offtarget.records import Record


class Planted(Record):
    """One concept of a truth file, and whether the audit reports it."""

    key: str
    """`concept`, or `concept@topic` where it was put into one topic only."""
    label: str
    direction: Literal["chosen", "rejected"] | None
    """The side that has more of it; None: a null, in both sides equally often."""
    chosen_rate: float
    """Share of the audited rows (of its topic) whose chosen response has it."""
    rejected_rate: float
    found_by: str | None
    """Id of the finding that goes with it most closely, on a named concept if there is one. Of what was planted: one that names the
    right side. Of a null: one whose lean is not accounted for by what was planted."""
    r: float | None = None
    """How closely the u of that finding goes with the concept over rows (balanced correlation)."""


class KnownTruth(Record):
    """What was put into the audited rows, and what of it was found."""

    planted: tuple[Planted, ...]
    nulls: tuple[Planted, ...]

    @property
    def found(self) -> tuple[Planted, ...]:
        """Planted concepts that a finding is about."""
        return tuple(p for p in self.planted if p.found_by is not None)

    @property
    def reported(self) -> tuple[Planted, ...]:
        """Nulls that a finding is about: false alarms."""
        return tuple(p for p in self.nulls if p.found_by is not None)
