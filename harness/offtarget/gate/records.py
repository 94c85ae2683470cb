"""What the gate is told, what it remembers, and what it says."""

from typing import Any, Literal

from pydantic import Field

from offtarget.audit.evidence import Rates
from offtarget.audit.records import Direction, View
from offtarget.records import Record

Status = Literal[
    "new", "grown", "turned", "shrunk", "gone", "moved", "same", "allowed", "allowed-but-beyond", "amplified",
    "amplified-but-less", "expired", "undecided", "suppressed", "stale", "no-finding", "over", "within", "blind",
]  # fmt: skip
"""Of a finding: what it is beside the baseline (new to same) or a person's decision (allowed to no-finding); turned, to the
other side, is said beside both; moved and no-finding are of what is none. Of a rule: over or within its limit, or blind (too
few rows to tell)."""
Severity = Literal["error", "undecided", "warn", "pass"]
"""error: the gate fails. undecided: it cannot say. warn: it is said, and fails with `--strict` alone."""
SEVERITIES: tuple[Severity, ...] = ("error", "undecided", "warn", "pass")
Place = tuple[View, str, str | None]
"""View, concept and context of an effect: what a finding is known by."""


class Settings(Record):
    """Table `[gate]` of offtarget.toml."""

    data: str | None = None
    """What is judged where the command line names nothing: a path from the folder of the file, or a name. A pattern such as
    `drops/*.jsonl` is a drop a file: each that is later by name than the baseline's own is judged."""
    columns: dict[str, str | dict[str, str]] = Field(default_factory=dict)
    """Which column of it is what, as `--columns` takes it; or such a table for each pattern of files, of which the first
    that matches holds."""
    baseline: str | None = None
    """Path of the baseline, from the folder of the file."""
    verdicts: str | None = None
    """Path of the verdicts, from the folder of the file."""
    views: tuple[View, ...] = Field(default=("overall",), min_length=1)
    """Views whose findings are judged; those of others are counted where the audit tested them, and not judged."""
    undecided: Literal["error", "warn"] = "error"
    """A finding that nobody decided on."""
    suppressed: Literal["error", "warn", "pass"] = "error"
    """A finding on a concept that somebody decided to suppress: the data still teaches it, unless a plan takes it out."""
    q: float = Field(default=0.05, gt=0, lt=1)
    """A change has a q below this (Benjamini-Hochberg over the changes tested together)."""
    min_points: float = Field(default=2.0, ge=0)
    """A change is at least this large: effects that are shares of rows, in points."""
    min_sd: float = Field(default=0.1, ge=0)
    """The same of all other effects, in standard deviations of the pair's difference."""
    must_see: float = Field(default=10.0, gt=0)
    """Points: where the smallest change that can be seen is larger (median over concepts), the gate cannot decide."""


class Rule(Record):
    """One `[[rule]]` of offtarget.toml: how far a concept may lean over the whole set, or in one context."""

    concept: str = Field(min_length=1)
    """Id of a concept, or a pattern such as `surface:*`."""
    context: str | None = None
    """Id of a context, such as `meta:vendor=acme`, whose view is among `views`; the effect is then that of its rows less
    that of the others. None: over the whole set."""
    max_effect: float = Field(ge=0)
    """Of shares of rows: points. Of lengths and counts: by how many per cent the larger of the two means that the report
    prints, chosen's and rejected's, is above the smaller (50: half as much again); over the whole set alone. Of all others
    the unit in which the audit prints the effect, such as per 100 words."""
    direction: Direction | None = None
    """The side that may not have more; None: neither."""
    min_rows: int = Field(default=0, ge=0)
    """With fewer pairs the gate cannot decide."""
    q: float = Field(default=0.05, gt=0, lt=1)
    """Only an effect whose q is below this is over the limit."""
    severity: Literal["warn", "error"] = "error"


class GateConfig(Record):
    """The whole of offtarget.toml."""

    gate: Settings = Settings()
    rule: tuple[Rule, ...] = ()
    review: dict[str, Any] = Field(default_factory=dict)
    """Settings of the review page; not read here."""


class Entry(Record):
    """One effect of the baseline, with the sums of `audit.diff.sums.Sums`."""

    view: View
    concept: str
    context: str | None = None
    label: str
    where: str
    unit: str
    effect: float
    ci: tuple[float, float]
    q: float
    """1 where it was not tested."""
    se: float
    squares: float
    n: int
    n_outside: int
    active: int
    active_all: int
    showing: int
    prompts: int
    prompts_all: int
    k2: float
    k4: float
    rates: Rates | None = None
    """Of effects over the whole set that are on log(1 + n)."""

    @property
    def place(self) -> Place:
        """What it is known by."""
        return self.view, self.concept, self.context


class Baseline(Record):
    """What the data taught when it was last accepted, in memory; `baseline_file.BaselineFile` is how it is written."""

    schema_version: Literal[1, 2] = 2
    vocabulary: str
    lens: tuple[str, ...]
    dataset: str
    audit: str
    """Key of the audit that it was made from; empty once a part was pruned, since it is then of no one audit."""
    rows: int
    prompts: int
    views: tuple[View, ...]
    entries: tuple[Entry, ...]
    """Every effect of these views that the audit tested, and concepts that no row showed."""


class Change(Record):
    """An effect beside what it was, and the test that it is the same."""

    old: float
    difference: float
    ci: tuple[float, float]
    """95 %."""
    d: float
    """In standard deviations of u."""
    p: float
    q: float
    detectable: float
    """The smallest change that would be found with 80 % power."""


class Outcome(Record):
    """What the gate says of one finding, or of one rule on one concept."""

    id: str
    """`overall:surface:bold`, `global:surface:bold@topic:1`, `rule 1:surface:bold`."""
    by: Literal["verdicts", "baseline", "rule"]
    """What it was judged by."""
    status: Status
    severity: Severity
    view: View
    concept: str
    label: str
    context: str | None
    where: str
    unit: str
    effect: float
    ci: tuple[float, float]
    q: float
    n: int
    message: str
    """What is the case, in one sentence without the concept."""
    change: Change | None = None
    """Beside the baseline, or what was seen when it was decided."""
    rule: int | None = None
    """Number of the rule, from 1."""
    command: str = ""
    """Shows the rows behind it."""
    rows: tuple[str, ...] = ()
    """Pair ids, the largest part in the effect first; at most 50."""


class Sees(Record):
    """The smallest change (without a baseline: lean) that these rows would show with 80 % power, in points."""

    median: float
    """Over the concepts whose effect is a share of rows, those that hardly a row shows among them: all of them, or those that
    could be tested, whichever sees less."""
    low: float
    high: float
    of: Literal["change", "lean"]
    by: Literal["rows", "sums"] = "rows"
    """Of changes: by the rows of both audits, with the rows and prompts that both have, or by the sums of a baseline."""


class GateReport(Record):
    """All that `offtarget gate` says."""

    schema_version: Literal[1] = 1
    result: Literal["pass", "fail", "undecided"]
    exit_code: Literal[0, 1, 3]
    dataset: str
    audit: str
    """Key of the audit that was judged."""
    audit_dir: str
    vocabulary: str
    rows: int
    prompts: int
    against: tuple[str, ...]
    """What it was judged by, in words."""
    counts: dict[Status, int]
    outcomes: tuple[Outcome, ...]
    """Errors first, then what could not be decided, warnings, and what passed; of each, limits last, and the smallest q
    first."""
    sees: Sees | None
    not_judged: dict[str, int]
    """Findings of views that are not gated, counted by view."""
    not_tested: tuple[View, ...] = ()
    """Views that are neither gated nor tested in this audit, so that their findings cannot be counted. A baseline holds
    topics, prompt groups and columns of metadata only where `views` has them."""
    decide: str = ""
    """Command that opens the page to decide on what failed; empty where no decision changes it."""
    again: str = ""
    """Command that makes and judges the same audit on another machine, such as a person's own after a failure in CI; empty
    where an audit was judged that only this machine may have."""
    notes: tuple[str, ...] = ()
    """What a reader must know before believing it."""

    def of(self, *severities: Severity) -> tuple[Outcome, ...]:
        """The outcomes of some severities."""
        return tuple(o for o in self.outcomes if o.severity in severities)
