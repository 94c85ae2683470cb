"""How far a judge may be believed on one concept: does it say the same when A and B are exchanged?

Measured on pairs of prompts that no concept was proposed from, asked in both orders. Cohen's kappa of the two answers
(one response has more, the other, neither) is 1 where they always agree and 0 where they agree as often as answers would
that know nothing of the pair. A judge that always says A names the other response each time: kappa is 0. No label enters,
so what is left out does not depend on labels, and p and q of what stays hold. A judge that goes by position or at random
would be no source of findings beyond chance either way, since a coin decides which response is A.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.lens.judge.judging import Floats, Judgements

KEPT, GOOD = 0.2, 0.6
"""Kappa below which a concept is left out, and below which it is a caution (Landis and Koch 1977: up to 0.2 slight, above
0.6 substantial)."""
FEWEST_BOTH = 10
"""Pairs read in both orders, below which nothing is known of the judge."""
SCORED = 0.5
"""Share of answers that must have been read."""
BY_POSITION, FEWEST_SIDED = 0.9, 20
"""Share of answers for one position, from which a judge is said to go by position, and answers that it takes to say so."""


@dataclass(frozen=True)
class Fidelity:
    """What is known of one concept's judgements, shares and kappa on held-out pairs."""

    kappa: float | None
    """None where too few pairs were read in both orders, or no response has more in any."""
    agreement: float | None
    """Share of them in which both answers are the same."""
    both: int
    """Held-out pairs read in both orders."""
    unscored: float
    """Share of held-out questions whose answer could not be read."""
    applies: float
    """Share of held-out pairs that were read in which one response has more."""
    n_unscored: int
    """Of all judged pairs: those with no answer that could be read."""
    n_scored: int
    """Of all judged pairs: those with one."""

    @property
    def why_not(self) -> str | None:
        """Why the concept is left out; None where it is not."""
        total = self.n_scored + self.n_unscored
        if self.n_scored < SCORED * total or not self.n_scored:
            return f"no answer could be read for {self.n_unscored} of {total} pairs"
        if self.both < FEWEST_BOTH:
            return f"only {self.both} held-out pairs could be read in both orders, at least {FEWEST_BOTH} are needed"
        if self.kappa is None:
            return f"neither response has more in any of the {self.both} held-out pairs asked in both orders"
        if self.kappa < KEPT:
            return (
                f"with A and B exchanged the answers agree hardly better than chance (kappa {self.kappa:.2f} over "
                f"{self.both} held-out pairs, under {KEPT})"
            )
        return None


def fidelity(found: Judgements, held_out: NDArray[np.bool_]) -> list[Fidelity]:
    """Of each concept, in their order.

    Args:
        found: the answers.
        held_out: `(n_pairs,)` rows of prompts that no concept was proposed from.
    """
    said, out = found.said, []
    tried = found.asked & held_out
    for j in range(said.shape[1]):
        x, y = found.once[:, j], found.swapped[:, j]
        both = tried & found.asked_twice & ~np.isnan(x) & ~np.isnan(y)
        questions = np.concatenate([x[tried], y[tried & found.asked_twice]])
        scored = tried & ~np.isnan(said[:, j])
        judged = found.asked | ~np.isnan(said[:, j])
        agreement, kappa = _kappa(x[both], y[both]) if both.sum() >= FEWEST_BOTH else (None, None)
        out.append(
            Fidelity(
                kappa=kappa,
                agreement=agreement,
                both=int(both.sum()),
                unscored=_share(np.isnan(questions)),
                applies=_share(said[scored, j] != 0),
                n_unscored=int((judged & np.isnan(said[:, j])).sum()),
                n_scored=int((~np.isnan(said[:, j])).sum()),
            )
        )
    return out


def _share(x: NDArray[Any]) -> float:
    return round(float(x.mean()), 4) if len(x) else 0.0


def _kappa(x: Floats, y: Floats) -> tuple[float, float | None]:
    """Share of equal answers, and Cohen's kappa; no kappa where all answers are "neither"."""
    observed = float((x == y).mean())
    by_chance = sum(float((x == k).mean() * (y == k).mean()) for k in (-1.0, 0.0, 1.0))
    if not x.any() and not y.any():
        return observed, None
    kappa = 1.0 if observed == 1 else (observed - by_chance) / (1 - by_chance)
    return round(observed, 4), round(kappa, 4)


def says_first(found: Judgements) -> float | None:
    """Share of the first answers for a side that are for A; None where there are too few to tell."""
    once = found.once[found.asked]
    sided = once[np.abs(once) == 1]
    return round(float((sided > 0).mean()), 4) if len(sided) >= FEWEST_SIDED else None
