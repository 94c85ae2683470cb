"""The decorator that makes a function an audit method, and what such a method gets and says."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.records import Direction
from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError
from offtarget.lens.features import FeatureMatrix
from offtarget.registry import Entry, default, load_function, run_content


@dataclass(frozen=True)
class AuditCard:
    """What an audit method says of itself, readable without running it."""

    name: str
    source: str
    """Where the method comes from: a paper and its section."""
    lenses: tuple[str, ...] = ()
    """The lenses whose features it is given (`offtarget list lenses`)."""


@dataclass(frozen=True, eq=False)
class AuditInput:
    """What a method is given."""

    pairs: PairSet
    features: Mapping[str, FeatureMatrix]
    """By name of the lens: those that the method asked for, over exactly these rows."""
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Claim:
    """One thing that a method looked at, found or not: chosen has more (or less) of it than rejected."""

    id: str
    """The same id is the same reading of the rows in every set; a set without it has u = 0 in every row."""
    label: str
    score: float
    """Evidence with a sign, positive towards chosen; |score| is what claims are ranked by."""
    u: NDArray[Any]
    """How much more of it chosen has than rejected, row by row: `(n_pairs,)`."""
    q: float | None = None
    """What the method holds against a threshold: a q value, or a bare p where it corrects nothing. None: it names no
    findings, it only ranks."""
    context: NDArray[np.bool_] | None = None
    """The rows that the claim speaks of, `(n_pairs,)`, against the others; None for the whole set."""

    @property
    def direction(self) -> Direction:
        """The side that has more of it."""
        return "chosen" if self.score >= 0 else "rejected"


Method = Callable[..., Sequence[Claim]]


def audit_method(*, name: str, source: str, lenses: tuple[str, ...] = ()) -> Callable[[Method], Method]:
    """Declare a function of a file in `baselines/methods/` as an audit method.

    Write the arguments as literals: they are read without running the file. The function takes an
    `AuditInput` and gives a claim for everything it looked at, not for its findings alone: a ranking
    of findings only cannot be compared with others.

    Example:
        >>> import numpy as np
        >>> import offtarget
        >>> from offtarget.audit.method import AuditInput, Claim
        >>> @offtarget.audit_method(name="longer", source="an example")
        ... def longer(given):
        ...     u = np.array([len(p.chosen[0]["content"]) - len(p.rejected[0]["content"]) for p in given.pairs.pairs])
        ...     return [Claim("longer", "characters", float(u.mean()), u)]
        >>> (claim,) = longer(AuditInput(offtarget.load_pairs("planted-style", limit=60), {}))
        >>> claim.u.shape
        (60,)
    """

    def mark(function: Method) -> Method:
        function.__audit__ = AuditCard(name, source, lenses)  # type: ignore[attr-defined]
        return function

    return mark


def lenses_of(entry: Entry) -> tuple[str, ...]:
    """The lenses that a method asks for, from its card."""
    return tuple(entry.card.get("lenses", ()))


def run_method(name: str, given: AuditInput, params: Mapping[str, Any] | None = None) -> list[Claim]:
    """The checked claims of a method found by name.

    Raises:
        ConfigError: unknown method, a method that fails, or claims that cannot be scored.
        UndecidedError: too few rows.
    """
    entry = default().get("method", name)
    claims = run_content(entry, load_function(entry), given, **(params or {}))
    where = f"{entry.path}: audit method '{name}'"
    if not isinstance(claims, Sequence) or not all(isinstance(c, Claim) for c in claims):
        raise ConfigError(f"{where} returned something other than a list of claims")
    n = len(given.pairs)
    seen: set[str] = set()
    for c in claims:
        if c.id in seen:
            raise ConfigError(f"{where} gave two claims the id '{c.id}'; give each its own")
        seen.add(c.id)
        if c.u.shape != (n,) or (c.context is not None and c.context.shape != (n,)):
            raise ConfigError(
                f"{where}, claim '{c.id}': u has shape {c.u.shape}, but there are {n} pairs; one value a row"
            )
        if not math.isfinite(c.score) or not np.isfinite(c.u).all():
            raise ConfigError(f"{where}, claim '{c.id}': its score or u is not a finite number")
        if c.q is not None and not 0 <= c.q <= 1:
            raise ConfigError(f"{where}, claim '{c.id}': q is {c.q}, which is not between 0 and 1")
    return list(claims)
