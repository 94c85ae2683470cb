"""Families of concepts that are predicted and observed, and what a concept is worth in a row of any side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import contrasts, member_weights, response_values
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.statistics.means import Floats
from offtarget.lens.features import FeatureMatrix
from offtarget.verification.contributions import STATISTICS, concept_differences, latent_specs, latent_values, spread
from offtarget.verification.sides import Side

SPANS: tuple[Literal["chosen", "rejected"], ...] = ("chosen", "rejected")
FEWEST = 8
"""Concepts below which nothing can be compared."""


@dataclass(frozen=True, eq=False)
class Concepts:
    """The concepts of one family, in one statistic."""

    family: str
    """clusters, latents, or the lens whose columns they are."""
    statistic: str
    """What a concept's value in a response is: presence, frequency or sqrt_frequency of its latents; value."""
    lens: str
    specs: tuple[ConceptSpec, ...]
    member: Any = None
    """Of latents: sparse `(n_latents, n_concepts)`, the weights of each concept's latents; None for columns of values."""
    scale: Floats | float = 1.0
    """Of columns of values: the unit of each, its spread over pairs."""
    frequency: Floats | None = None
    """Share of the audited responses in which each concept shows, `(n_concepts,)`; None where concepts do not fire."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their ids."""
        return tuple(s.id for s in self.specs)

    def differences(self, side: Side) -> NDArray[Any]:
        """Chosen minus rejected in each row, `(n_rows, n_concepts)`."""
        if self.member is not None:
            return concept_differences(side.lens(self.lens), self.specs, self.statistic)
        return np.asarray(contrasts([side.lens(self.lens)], self.specs).u / self.scale)

    def of_responses(self, side: Side, span: Literal["chosen", "rejected"]) -> NDArray[Any]:
        """The value of each concept in one response of each row, `(n_rows, n_concepts)`."""
        if self.member is not None:
            return np.asarray((latent_values(side.lens(self.lens), span, self.statistic) @ self.member).todense())
        both = np.split(response_values([side.lens(self.lens)], self.specs) / self.scale, 2)
        return both[SPANS.index(span)]

    def values(self, side: Side) -> tuple[NDArray[Any], NDArray[Any]]:
        """Chosen and rejected: what is fitted on, each `(n_rows, n_latents)`, or `(n_rows, n_concepts)` without latents."""
        if self.member is not None:
            found = [latent_values(side.lens(self.lens), s, self.statistic).toarray() for s in SPANS]
            return found[0], found[1]
        chosen, rejected = np.split(response_values([side.lens(self.lens)], self.specs) / self.scale, 2)
        return chosen, rejected


def families(specs: Sequence[ConceptSpec], trained: Side, audited: Side) -> list[Concepts]:
    """Every family with enough concepts that move, in every statistic.

    Args:
        specs: the audit's concepts.
        trained: the rows of training.
        audited: all rows that were audited, without the prompts that are answered.
    """
    out: list[Concepts] = []
    for part in trained.features:
        mine = [s for s in specs if s.lens == part.lens and not s.local]
        if part.kind != "latent":
            out += _of_values(part.lens, mine, trained, audited)
            continue
        by_name = {
            "latents": latent_specs(audited.lens(part.lens)),
            "clusters": tuple(s for s in mine if s.kind == "cluster"),
        }
        for statistic in STATISTICS:
            for family, found in by_name.items():
                if len(found) >= FEWEST:
                    member = member_weights(part, [s.members for s in found])
                    shown = _frequency(audited.lens(part.lens), member)
                    out.append(Concepts(family, statistic, part.lens, found, member, frequency=shown))
    return out


def _of_values(lens: str, specs: Sequence[ConceptSpec], trained: Side, audited: Side) -> list[Concepts]:
    """Columns of a lens of values, in units of their spread over pairs."""
    u = [contrasts([side.lens(lens)], specs).u for side in (trained, audited)]
    moving = np.flatnonzero(u[0].any(axis=0) & u[1].any(axis=0))
    if len(moving) < FEWEST:
        return []
    return [Concepts(lens, "value", lens, tuple(specs[int(j)] for j in moving), scale=spread(u[1][:, moving]))]


def _frequency(audited: FeatureMatrix, member: Any) -> Floats:
    """Share of the audited responses in which a concept fires, averaged over its latents."""
    fired = sum(np.asarray((audited.values[s, "freq"] > 0).sum(axis=0), np.float64).ravel() for s in SPANS)
    return np.asarray(member.T @ (fired / (2 * len(audited))), dtype=np.float64)
