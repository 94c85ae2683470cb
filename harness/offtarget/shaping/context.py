"""What a protocol may look at: the pairs, what was decided, and the scores of concepts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError


@dataclass(frozen=True, eq=False)
class ConceptScores:
    """How strongly each response expresses a concept, read from the frozen start model or by rule.

    Both columns are z-scored together over all 2N responses and clipped at ±3 (`paper` choice 10), so a
    strength means the same for every concept.
    """

    chosen: NDArray[np.float64]
    """(n_pairs,)"""
    rejected: NDArray[np.float64]
    """(n_pairs,)"""

    @property
    def margin(self) -> NDArray[np.float64]:
        """(n_pairs,) chosen minus rejected."""
        return self.chosen - self.rejected

    @classmethod
    def standardise(
        cls, chosen: NDArray[np.float64], rejected: NDArray[np.float64], clip: float = 3.0
    ) -> "ConceptScores":
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
    """Handed to every protocol."""

    pairs: Sequence[Pair]
    """The training pairs, after rows that cannot be trained on were left out."""
    targets: tuple[Target, ...] = ()
    seed: int = 0
    min_pairs: int = 8
    score_of: Callable[[str, str], ConceptScores] | None = None
    """(concept id, readout) -> scores; readout is "feature" (the lens's own) or "direction"."""
    direction_of: Callable[[str], tuple[int, NDArray[np.float32], float]] | None = None
    """concept id -> (layer, unit vector (d_model,), standard deviation of the projection on it)."""
    notes: list[str] = field(default_factory=list)

    @cached_property
    def rng(self) -> np.random.Generator:
        """Random numbers for the controls, from the context's seed."""
        return np.random.default_rng(self.seed)

    def scores(self, concept: str, readout: str = "feature") -> ConceptScores:
        """Scores of a concept for every pair."""
        if self.score_of is None:
            raise ConfigError(
                f"no scores are at hand for concept '{concept}': run the audit with a lens that has it"
            )
        try:
            return self.score_of(concept, readout)
        except ConfigError as e:
            raise ConfigError(f"concept '{concept}', readout '{readout}': {e}") from e

    def direction(self, concept: str) -> tuple[int, NDArray[np.float32], float]:
        """Layer, unit direction and spread of a concept in the residual stream of the start model."""
        if self.direction_of is None:
            raise ConfigError(f"no direction is at hand for concept '{concept}': give a model")
        return self.direction_of(concept)

    def inside(self, target: Target) -> NDArray[np.bool_]:
        """(n_pairs,) the rows that a target speaks of."""
        return np.ones(len(self.pairs), bool) if target.rows is None else target.rows

    def against(self, strength: float, readout: str = "feature") -> NDArray[np.int64]:
        """The pairs that push most against what was decided, the worst first: their row numbers.

        A share `|strength|` of all pairs, but none that does not push against it.
        """
        push = self.rank_margin(strength, readout)
        n = min(round(abs(strength) * len(push)), int((push > 0).sum()))
        return np.argsort(-push, kind="stable")[:n]

    def rank_margin(self, strength: float, readout: str = "feature") -> NDArray[np.float64]:
        """(n_pairs,) how much each pair pushes against what was decided, summed over targets.

        A negative strength turns the decision round, as everywhere.

        Positive: the pair teaches a suppressed concept (or un-teaches an amplified one); zero outside a
        target's context.
        """
        if abs(strength) > 1:
            raise ConfigError(f"strength={strength} is a share of the pairs here: between -1 and 1")
        push = np.zeros(len(self.pairs))
        for t in self.targets:
            push -= (
                np.sign(t.effective(strength))
                * t.strength
                * self.scores(t.concept, readout).margin
                * self.inside(t)
            )
        return push
