"""What a comparison says."""

from typing import Literal

from offtarget.evals.compare import Margins, PairedDifference
from offtarget.evals.floor import NullShifts
from offtarget.records import Record


class Compared(Record):
    """One run, or one protocol with its seeds, against the first."""

    b: str
    """As a person would say it: `filter 0.3, seeds 0, 1, 2`."""
    of_protocols: bool
    """Whether all intervals, p and q hold the noise of training seeds."""
    about: str
    """What they hold, and so what they are about, in words."""
    differences: tuple[PairedDifference, ...]
    """b − a, one a behaviour."""
    nulls: dict[str, NullShifts] = {}
    """Behaviour -> what null adapters of b's size do; only where the first run is b's start model."""
    warnings: tuple[str, ...] = ()
    """What a reader must know before believing it."""


class Comparison(Record):
    """What `offtarget compare` says; q-values are over all of it."""

    schema_version: Literal[2] = 2
    a: str
    """What the others are compared with."""
    margins: Margins
    comparisons: tuple[Compared, ...]
