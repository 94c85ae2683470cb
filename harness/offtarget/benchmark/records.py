"""What an audit benchmark says, as written in `board.json`."""

from typing import Any, Literal

from offtarget.board.estimate import Estimate
from offtarget.records import Record

SCHEMA_VERSION: Literal[1] = 1


class MethodRow(Record):
    """One audit method, and what it costs."""

    method: str
    summary: str
    source: str
    lenses: tuple[str, ...]
    seconds: float | None
    """Processor seconds per 1,000 pairs of the method itself, median over all draws."""
    reading: float | None
    """Processor seconds per 1,000 pairs that the surface lens takes to read them, for methods that ask for it."""


class AimRow(Record):
    """The figures that the benchmark is held to, for one method."""

    method: str
    recall: Estimate
    """Recall at K from 5 points over at most 5 %, at 2,000 pairs."""
    recall_ruled: Estimate
    """The same of the concepts that a surface rule was written for."""
    recall_strict: Estimate
    """And if a claim must correlate with the concept at 0.3 to cover it."""
    fdp: Estimate
    """The largest mean false discovery proportion of all sets."""
    any_finding: Estimate
    """The largest share of shuffles with a finding."""


class PowerRow(Record):
    """One method at one point of the grid."""

    method: str
    pairs: int
    rejected: float
    """Per cent."""
    difference: float
    """Points."""
    draws: int
    recall: Estimate
    recall_ruled: Estimate
    detected: Estimate
    """Share of planted concepts that are covered by a finding (q < 0.05)."""
    detected_ruled: Estimate
    auroc: Estimate


class ConceptRow(Record):
    """How often one planted concept was found by one method, over the grid points that aims are about."""

    method: str
    concept: str
    ruled: bool
    recall: Estimate
    detected: Estimate


class DiscoveryRow(Record):
    """One method on many plantings at the same rates."""

    method: str
    planting: str
    pairs: int
    draws: int
    fdp: Estimate
    """Mean over draws; its interval is two standard errors each way."""
    fdp_with_grey: Estimate | None = None
    """The same if all grey ones are false: what it is at most; None on boards made before it was counted."""
    true: float
    """Discoveries (q < 0.1) a draw that cover a planted concept."""
    false: float
    """That are null, or name the side against which insertion moved them."""
    grey: float
    """Neither: insertion moved them to the side they name, but they correlate with no planted concept enough to cover
    it."""
    null_claims: int
    """Claims, over all draws, that are null: what could be falsely discovered."""
    grey_most: tuple[str, ...]
    """The grey ones that are discovered most often, with the movement in standard deviations."""
    false_most: tuple[str, ...]
    recall: Estimate
    recall_ruled: Estimate
    auroc: Estimate


class TopicRow(Record):
    """One topic-only concept, or one of the whole set beside them."""

    method: str
    concept: str
    draws: int
    recall: Estimate
    detected: Estimate


class ShuffleRow(Record):
    """One method where labels are given by a coin for each prompt."""

    method: str
    pairs: int
    shuffles: int
    any_finding: Estimate
    mean_findings: float | None


class AuditBoard(Record):
    """The audit board."""

    schema_version: Literal[1] = SCHEMA_VERSION
    rules: Literal[1, 2] = 1
    """By which rules claims were counted: 1, near-duplicates from r 0.5 on whatever side they name, each id its own
    discovery; 2, as `METHOD` says."""
    title: str
    command: str
    code: str
    planting: str
    """Hash of the responses, phrasings and scripts that the sets were made from."""
    packages: dict[str, str]
    recipe: dict[str, Any]
    methods: tuple[MethodRow, ...]
    aims: tuple[AimRow, ...]
    power: tuple[PowerRow, ...]
    concepts: tuple[ConceptRow, ...]
    discoveries: tuple[DiscoveryRow, ...]
    topics: tuple[TopicRow, ...]
    shuffles: tuple[ShuffleRow, ...]
