"""The parts of the rows that an audit compares: contexts, and the metadata columns that some of them come from."""

from typing import Literal

from offtarget.records import Record


class Overlap(Record):
    """A context whose rows nearly all have one value of a metadata column, which most other rows do not have."""

    column: str
    value: str
    share: float
    """Of the context's rows."""


class Context(Record):
    """A part of the rows, found without regard to which response was chosen."""

    id: str
    kind: Literal["topic", "prompt", "metadata"]
    """topic: rows that lie close together, no row in two (global view). prompt: rows whose prompt shows something
    most strongly (local view); these overlap. metadata: rows with one value of a column, such as
    `meta:vendor=acme` (metadata view); values of one column do not overlap."""
    label: str
    keywords: tuple[str, ...]
    n: int
    """Rows of this dataset inside."""
    n_groups: int
    """Prompts of this dataset inside."""
    typical: tuple[str, ...] = ()
    """Ids of rows whose prompts lie nearest to the mean of its prompts, at most two; none of metadata."""
    mostly: Overlap | None = None
    """Of topics and kinds of prompt: the metadata value that they may only stand for."""

    @property
    def title(self) -> str:
        """The label, and the metadata value that nearly all rows share."""
        if self.mostly is None:
            return self.label
        return f"{self.label} ({self.mostly.column} is {self.mostly.value} in {self.mostly.share:.0%})"


class ValueEffect(Record):
    """How much more of a concept chosen has than rejected, over the rows of one value."""

    concept: str
    effect: float
    """Mean of u over these rows, in the concept's own unit; not compared with the other rows."""
    ci: tuple[float, float]
    """95 %, clustered by prompt (t)."""
    q: float | None
    """Of the hypothesis that these rows differ from all others (metadata view); None where it was not tested."""


class MetadataValue(Record):
    """The rows with one value of a metadata column."""

    value: str
    context: str | None
    """Id of its context; None where it has too few rows or prompts to be tested."""
    n: int
    """Rows."""
    n_groups: int
    """Prompts."""
    chosen_longer: float
    """Share of its rows whose chosen text has more characters."""
    effects: tuple[ValueEffect, ...] = ()
    """Of the column's main concepts, in their order; none where the value was not tested."""


class MetadataColumn(Record):
    """What the rows are made of, by one column of metadata."""

    name: str
    cuts: tuple[float, ...] = ()
    """Of a column of numbers: the upper ends of all bins but the last. Empty where values are as they are."""
    n_values: int
    values: tuple[MetadataValue, ...]
    """The largest first, bins in their order; at most 50."""
    concepts: tuple[str, ...]
    """The concepts of which every tested value has its effect."""

    @property
    def tested(self) -> tuple[MetadataValue, ...]:
        """The listed values that were tested."""
        return tuple(v for v in self.values if v.context is not None)
