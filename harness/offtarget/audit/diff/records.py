"""What a comparison of two audits says."""

from typing import Any, Literal

from offtarget.audit.evidence import Rates
from offtarget.audit.records import Q_FINDING, View
from offtarget.records import Record


class ShareChange(Record):
    """How many rows have one value of a metadata column, before and now."""

    value: str
    old_rows: int
    new_rows: int
    old: float
    """Share of all rows."""
    new: float
    old_longer: float | None
    """Share of its rows whose chosen text has more characters; None where there are none."""
    new_longer: float | None


class ColumnChange(Record):
    """What the two sets are made of, by one column."""

    name: str
    values: tuple[ShareChange, ...]
    """The largest change of share first; of those that the audits list."""


class MixChange(Record):
    """An overall change in two parts, which add up to it (Kitagawa 1955); without their own error."""

    column: str
    mix: float
    """Because the shares of the values are other ones."""
    within: float
    """Because the effects within the values are other ones."""


class EffectChange(Record):
    """One effect in both audits, and the test that it is the same.

    Overall and metadata view: the mean of u, over all rows or over those of one value. Global and local view: the mean
    inside a context minus that of the other rows.
    """

    view: View
    concept: str
    label: str
    context: str | None
    where: str
    """The context's label; `everywhere` without one."""
    unit: str
    """Of the effects and their difference."""
    old: float
    new: float
    difference: float
    """new - old, over the rows that the two audits read."""
    ci: tuple[float, float]
    """95 %, clustered by prompt over both audits."""
    d: float
    """The difference in standard deviations of u within both audits. Capped at 100 in size."""
    z: float
    p: float
    q: float
    """Benjamini-Hochberg over all effects of the same view that were tested in both audits."""
    detectable: float
    """The smallest change that these rows would have shown with 80 % power as the only one of its view, in the unit of
    the effect (`statistics.difference.detectable`)."""
    means: tuple[Rates, Rates] | None = None
    """Of effects over the whole set that are on log(1 + n): the means of the old and of the new audit."""
    by_mix: tuple[MixChange, ...] = ()
    """Of changed effects of the overall view, for each column of metadata that both audits have."""

    @property
    def changed(self) -> bool:
        """Whether q is below 0.05."""
        return self.q < Q_FINDING


class FindingChange(Record):
    """A hypothesis that is a finding in one audit alone, or in both with opposite signs."""

    what: Literal["appeared", "vanished", "turned"]
    view: View
    concept: str
    label: str
    context: str | None
    where: str
    unit: str
    old: float | None
    """Effect in the old audit; None where it was not tested there."""
    new: float | None
    old_q: float | None
    new_q: float | None
    q: float | None
    """Of the difference between the effects. Significant in one audit and not in the other is no evidence of a
    change by itself; this is. None where the difference was not tested."""


class RowsChange(Record):
    """Rows and prompts of both audits; a row is the same where id and prompt group are."""

    old: int
    new: int
    shared: int
    """Rows in both."""
    altered: int
    """Shared rows in which the difference of some concept changed."""
    prompts_old: int
    prompts_new: int
    prompts_shared: int


class Altered(Record):
    """One fact of the dataset or of a lens that is not what it was; None: not there."""

    name: str
    old: Any
    new: Any


class FamilyChange(Record):
    """The tests of one view."""

    tested: int
    changed: int
    """With q below 0.05."""
    left_out: dict[str, int]
    """Not tested, counted by reason."""


class Difference(Record):
    """All that `offtarget diff` says."""

    schema_version: Literal[1] = 1
    old: str
    """Key of the old audit."""
    new: str
    vocabulary: str
    rows: RowsChange
    composition: tuple[ColumnChange, ...] = ()
    """By columns of metadata that both audits have."""
    families: dict[View, FamilyChange]
    effects: tuple[EffectChange, ...]
    """By view, the smallest p first; at most 2,000 of a view."""
    findings: tuple[FindingChange, ...]
    """Of the overall, global and local views."""
    dataset: tuple[Altered, ...]
    lens: tuple[Altered, ...]
    warnings_new: tuple[str, ...]
    warnings_gone: tuple[str, ...]
    notes: tuple[str, ...]
    """What a reader must know before believing the comparison."""

    @property
    def changes(self) -> tuple[EffectChange, ...]:
        """The listed effects with q < 0.05."""
        return tuple(e for e in self.effects if e.changed)
