"""What a protocol may look at: the pairs, what was decided, and the scores of concepts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.length import Lengths, answer_basis
from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError

Floats = NDArray[np.float64]
MOST_NATS, NATS = 100.0, "nats per standard deviation"
"""Beyond it every pair whose sides differ at all has a weight of 0 or 2."""
MOST_SD, SD = 50.0, "standard deviations of the projection"
"""Beyond it a steered forward pass says nothing."""
CLIP = 3.0
"""Standard deviations at which a score is cut off (`paper`, choice 10)."""


@dataclass(frozen=True, eq=False)
class ConceptScores:
    """How strongly each response expresses a concept, read from the frozen start model or by rule.

    Both columns are z-scored together over all 2N responses and clipped at ±3, so a strength means the same for
    every concept.
    """

    chosen: Floats
    """(n_pairs,)"""
    rejected: Floats
    """(n_pairs,)"""

    @property
    def margin(self) -> Floats:
        """(n_pairs,) chosen minus rejected."""
        return self.chosen - self.rejected

    @property
    def both(self) -> Floats:
        """(2 n_pairs,) chosen, then rejected."""
        return np.concatenate([self.chosen, self.rejected])

    @classmethod
    def standardise(cls, chosen: Floats, rejected: Floats, clip: float = CLIP) -> "ConceptScores":
        """z-score raw readouts over both sides together, then clip.

        Raises:
            ConfigError: the readout is constant or not finite, so it cannot tell responses apart.
        """
        both = np.concatenate([chosen, rejected]).astype(float)
        if not np.isfinite(both).all():
            raise ConfigError("a concept score is not a finite number")
        sd = both.std()
        if sd < 1e-12:
            raise ConfigError(
                "never varies over the training pairs, so it cannot be shaped; choose another concept or more pairs"
            )
        z = np.clip((both - both.mean()) / sd, -clip, clip)
        return cls(z[: len(chosen)], z[len(chosen) :])

    def without(
        self, others: Sequence["ConceptScores"], lengths: Lengths | None = None, clip: float = CLIP
    ) -> "ConceptScores":
        """What is left of the scores once those of other concepts are held fixed, standardised again.

        A linear regression over all 2N responses with an intercept (`paper`, choices 10 and 18). Length is held fixed by
        the functions that "at equal length" means in an audit, not by its logarithm alone.

        Args:
            others: the other concepts.
            lengths: the answers' lengths, where they are to be held fixed.
            clip: standard deviations at which what is left is cut off.

        Raises:
            ConfigError: nothing is left.
        """
        held = [answer_basis(lengths)] if lengths is not None else []
        x = np.column_stack([np.ones(len(self.both)), *(o.both for o in others), *held])
        left = self.both - x @ np.linalg.lstsq(x, self.both, rcond=None)[0]
        if left.std() < 1e-6:
            raise ConfigError("nothing is left of it once the other concepts are held fixed")
        n = len(self.chosen)
        return ConceptScores.standardise(left[:n], left[n:], clip)


@dataclass(frozen=True, eq=False)
class WordScores:
    """How strongly each word of one response expresses a concept."""

    spans: NDArray[np.int64]
    """(n_words, 2) first character of each word in the response's text, and the one after its last."""
    scores: Floats
    """(n_words,) in standard deviations over all words of all responses; the largest of its tokens."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A concept's direction in the residual stream of the start model."""

    layer: int
    vector: NDArray[np.float32]
    """(d_model,) of unit norm."""
    spread: float
    """Standard deviation of the responses' mean projection on it."""
    margin: Floats
    """(n_pairs,) mean projection of the chosen minus that of the rejected response."""


class Readings(Protocol):
    """Where a context gets what it hands out. Everything is computed once and kept."""

    def scores(self, concept: str, readout: str) -> ConceptScores:
        """Scores of every pair."""

    def length(self) -> Lengths:
        """How long the responses are."""

    def words(self, concept: str, readout: str = "feature") -> tuple[list[WordScores], list[WordScores]]:
        """Scores of every word of chosen and rejected."""

    def direction(self, concept: str, layer: int | None = None) -> Direction:
        """The concept's direction."""

    def directions(self, concept: str, layers: Sequence[int]) -> list[Direction]:
        """The concept's directions at several layers."""

    def layer(self, concept: str) -> int:
        """The layer at which the concept is read where none is named."""

    def presence(self, concept: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which chosen and which rejected responses show the concept at all."""

    def rewrite(
        self, concept: str, sign: int, responses: Sequence[tuple[Pair, str]], role: str | None
    ) -> list[str | None]:
        """Responses with the concept taken out (sign −1) or put in (+1), all else kept; None where it cannot be."""


class NoReadings:
    """Where nothing was read: every question about a concept is an error."""

    def __getattr__(self, name: str) -> Any:
        """A reading that refuses to be asked."""
        if name.startswith("_"):
            raise AttributeError(name)
        return _nothing_read


def _nothing_read(concept: str = "length", *_: object, **__: object) -> None:
    raise ConfigError(f"no scores are available for concept '{concept}': run the audit with a lens that has it")


@dataclass(frozen=True, eq=False)
class Target:
    """One decision to carry out: a concept, where, and how strongly."""

    concept: str
    sign: int
    """+1 amplify, −1 suppress."""
    strength: float = 1.0
    """The verdict's own factor."""
    context: str | None = None
    rows: NDArray[np.bool_] | None = None
    """(n_pairs,) rows inside the context; None means all."""

    def effective(self, strength: float) -> float:
        """Protocol strength × verdict strength × sign: positive amplifies, negative explains away."""
        return strength * self.strength * self.sign


@dataclass(eq=False)
class ShapingContext:
    """Handed to every protocol: the training pairs, what was decided, and the scores of concepts.

    Example:
        >>> import offtarget
        >>> pairs = offtarget.load_pairs("planted-style", limit=60).pairs
        >>> ctx = offtarget.ShapingContext(pairs, seed=1)
        >>> bool(ctx.rng.random() == offtarget.ShapingContext(pairs, seed=1).rng.random())
        True
    """

    pairs: Sequence[Pair]
    """The training pairs, after rows that cannot be trained on were left out."""
    targets: tuple[Target, ...] = ()
    seed: int = 0
    min_pairs: int = 8
    readings: Readings = field(default_factory=lambda: cast(Readings, NoReadings()))
    """Words, directions, layers, presence and rewriting of concepts."""

    @cached_property
    def rng(self) -> np.random.Generator:
        """Random numbers for the controls, from the context's seed."""
        return np.random.default_rng(self.seed)

    def scores(self, concept: str, readout: str = "feature", free_of: str = "") -> ConceptScores:
        """Scores of a concept for every pair.

        Args:
            concept: its id.
            readout: how it is read (`offtarget.shaping.readings`).
            free_of: what is held fixed, separated by commas: concept ids, or "length".

        Raises:
            ConfigError: no such concept or readout, or scores that tell nothing apart.
        """
        try:
            found = self.readings.scores(concept, readout)
            others = [o.strip() for o in free_of.split(",") if o.strip()]
            if not others:
                return found
            return found.without(
                [self.readings.scores(o, "feature") for o in others if o != "length"],
                self.readings.length() if "length" in others else None,
            )
        except ConfigError as e:
            free = f", free of {free_of}" if free_of else ""
            raise ConfigError(f"concept '{concept}', readout '{readout}'{free}: {e}") from e

    def ranked(self, size: Floats) -> NDArray[np.int64]:
        """(n_pairs,) row numbers, the largest size first; equal ones by a hash of the pair's id.

        So the order of the rows in a file plays no part: a cut among equals does not fall on one source.
        """
        ids = np.array([hashlib.sha256(p.id.encode("utf-8", "surrogatepass")).hexdigest() for p in self.pairs])
        return np.lexsort((ids, -size))

    def inside(self, target: Target) -> NDArray[np.bool_]:
        """(n_pairs,) the rows that a target speaks of."""
        return np.ones(len(self.pairs), bool) if target.rows is None else target.rows

    def gain(self, strength: float, readout: str = "feature", free_of: str = "") -> Floats:
        """(n_pairs,) Σ γ (s⁺ − s⁻) over targets, with γ the effective strength: −(o⁺ − o⁻) of reward shaping."""
        gain = np.zeros(len(self.pairs))
        for t in self.targets:
            within(t.effective(strength), MOST_NATS, NATS)
            margin = self.scores(t.concept, readout, free_of).margin
            gain += t.effective(strength) * margin * self.inside(t)
        return gain

    def worst(
        self, strength: float, readout: str = "feature", free_of: str = "", push: Floats | None = None
    ) -> NDArray[np.int64]:
        """The pairs that push most against what was decided, the worst first: their row numbers.

        A share of all pairs, the strength with that of the strongest verdict, but none that does not push against it.

        Args:
            strength: a share; negative turns the decision round.
            readout: of the scores.
            free_of: what is held fixed in them.
            push: (n_pairs,) how much each pair pushes, if not by scores.
        """
        if push is None:
            push = self.push(strength, readout, free_of)
        n = min(self.asked(strength), int((push > 0).sum()))
        return self.ranked(push)[:n]

    def asked(self, strength: float) -> int:
        """How many pairs a share asks for, with that of the strongest verdict."""
        most = max((abs(t.effective(strength)) for t in self.targets), default=abs(strength))
        return round(share(most) * len(self.pairs))

    def fewer(self, strength: float, n: int, done: str) -> tuple[str, ...]:
        """A note where fewer pairs than a share asks for teach against what the plan is to do.

        Args:
            strength: the share.
            n: pairs that were taken.
            done: what was done to them.
        """
        asked = self.asked(strength)
        if n >= asked:
            return ()
        ways = dict.fromkeys(("more" if t.effective(strength) < 0 else "less", t.concept) for t in self.targets)
        what = " or ".join(f"{way} of {concept}" for way, concept in ways) or "against it"
        return (f"{n} pairs {done}, not the {asked} asked for: no other pair teaches {what}",)

    def push(self, strength: float, readout: str = "feature", free_of: str = "") -> Floats:
        """(n_pairs,) how much each pair pushes against what was decided, summed over targets.

        A negative strength turns the decision round, as everywhere.

        Positive: the pair teaches a suppressed concept (or un-teaches an amplified one); zero outside a
        target's context.
        """
        push = np.zeros(len(self.pairs))
        for t in self.targets:
            push -= (
                np.sign(t.effective(strength))
                * t.strength
                * self.scores(t.concept, readout, free_of).margin
                * self.inside(t)
            )
        return push


def share(strength: float) -> float:
    """The share of pairs that a strength asks for.

    Raises:
        ConfigError: it is none.
    """
    if abs(strength) > 1:
        raise ConfigError(
            f"strength {strength:g} (with the verdict's own) is a share of the pairs here: between -1 and 1"
        )
    return abs(strength)


def within(strength: float, limit: float, unit: str) -> float:
    """A strength (with the verdict's own), unless it is beyond all sense.

    Raises:
        ConfigError: it is over the limit either way.
    """
    if abs(strength) > limit:
        raise ConfigError(
            f"strength {strength:g} (with the verdict's own) is out of range: between {-limit:g} and {limit:g} {unit}"
        )
    return strength
