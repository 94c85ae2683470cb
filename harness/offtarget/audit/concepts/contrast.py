"""u: the signed difference between chosen and rejected, one column per concept.

Everything the audit tests is a statement about u:

- a column with contrast `presence`: 1{x_c > τ} - 1{x_r > τ}, in {-1, 0, 1};
- `log`: log(1 + x_c) - log(1 + x_r);
- `value`: x_c - x_r;
- latents: firing frequency thresholded at τ = 0.01 as for presence, averaged over the members of a cluster
  (arXiv 2606.12360: u_{i,m} = 1/t_m Σ_{g∈T_m} [1{c_{i,g} > τ} - 1{r_{i,g} > τ}], in [-1, 1]);
- response clusters of the local view: the mean standardised difference of firing frequencies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.embedding import MIN_SD
from offtarget.audit.concepts.vocabulary import ConceptSpec, is_latent
from offtarget.audit.statistics.means import Floats
from offtarget.errors import DataError
from offtarget.lens.features import Column, FeatureMatrix

TAU = 0.01
"""Share of a response's tokens on which a latent must fire to count as present."""
LATENT_UNIT = "share of tokens on which it fires"


@dataclass(frozen=True, eq=False)
class Contrasts:
    """u and its descriptive companions, in the order of the concepts."""

    u: NDArray[np.float32]
    """`(n_pairs, n_concepts)`"""
    v: NDArray[np.float32]
    """The unthresholded difference x_c - x_r (clusters: summed over members), to order rows of equal u."""
    units: tuple[str, ...]
    contrasts: tuple[str, ...]
    chosen_mean: Floats
    rejected_mean: Floats
    chosen_rate: Floats
    rejected_rate: Floats


def contrasts(features: Sequence[FeatureMatrix], concepts: Sequence[ConceptSpec]) -> Contrasts:
    """Compute u for every concept.

    Args:
        features: one matrix per lens, over the same rows.
        concepts: what to contrast; those of one lens need not stand together.

    Raises:
        DataError: if the lenses read different rows, or a value is not finite.
    """
    first = features[0]
    for other in features[1:]:
        if other.pair_ids != first.pair_ids:
            raise DataError(
                f"lenses '{first.lens}' and '{other.lens}' read different rows; run both on the same pairs"
            )
    n, m = len(first), len(concepts)
    u, v = np.zeros((n, m), dtype=np.float32), np.zeros((n, m), dtype=np.float32)
    means, rates = np.zeros((2, m)), np.zeros((2, m))
    units, kinds = [""] * m, [""] * m
    for part in features:
        at = [j for j, c in enumerate(concepts) if c.lens == part.lens]
        if not at:
            continue
        mine = [concepts[j] for j in at]
        if is_latent(part):
            u[:, at], v[:, at], means[:, at], rates[:, at] = _latents(part, mine)
            for j in at:
                units[j] = LATENT_UNIT
                kinds[j] = "presence" if concepts[j].kind == "feature" else "cluster"
                if concepts[j].local:
                    kinds[j] = "standardised"
        else:
            for j, concept in zip(at, mine, strict=True):
                where = part.position(concept.members[0])
                column = part.columns[where]
                c, r = (_column(part, side, where) for side in ("chosen", "rejected"))
                u[:, j], v[:, j] = _difference(c, r, column), c - r
                means[:, j] = c.mean(), r.mean()
                rates[:, j] = (c > column.tau).mean(), (r > column.tau).mean()
                units[j], kinds[j] = column.unit, column.contrast
    return Contrasts(u, v, tuple(units), tuple(kinds), means[0], means[1], rates[0], rates[1])


def response_values(
    features: Sequence[FeatureMatrix], concepts: Sequence[ConceptSpec]
) -> NDArray[np.float64]:
    """Plain columns response by response, chosen above rejected: `(2 n_pairs, n_concepts)`.

    Each as its contrast takes it (presence, log or value), so that u is the difference of the two halves.
    """
    by_lens = {f.lens: f for f in features}
    out = np.zeros((2 * len(features[0]), len(concepts)))
    for j, concept in enumerate(concepts):
        part = by_lens[concept.lens]
        where = part.position(concept.members[0])
        x = np.concatenate([_column(part, side, where) for side in ("chosen", "rejected")])
        out[:, j] = _difference(x, np.zeros_like(x), part.columns[where])
    return out


def symmetric_activity(part: FeatureMatrix, concepts: Sequence[ConceptSpec]) -> NDArray[np.float32]:
    """s_{i,m}: firing frequency of both responses, summed over members: `(n_pairs, n_concepts)`."""
    total = part.values["chosen", "freq"] + part.values["rejected", "freq"]
    return np.asarray((total @ _membership(part, concepts)).todense(), dtype=np.float32)


def _standardised(part: FeatureMatrix, concepts: Sequence[ConceptSpec]) -> NDArray[np.float32]:
    from scipy.sparse import csr_matrix

    place = {c.id: j for j, c in enumerate(part.columns)}
    rows, columns, weights, centre = [], [], [], np.zeros(len(concepts))
    for m, concept in enumerate(concepts):
        for g, (mean, sd) in zip(concept.members, concept.moments, strict=True):
            weight = 1 / max(sd, MIN_SD) / len(concept.members)
            rows.append(place[g])
            columns.append(m)
            weights.append(weight)
            centre[m] += mean * weight
    to = csr_matrix((weights, (rows, columns)), shape=(len(place), len(concepts)))
    difference = part.values["chosen", "freq"] - part.values["rejected", "freq"]
    return np.asarray((difference @ to).toarray() - centre, dtype=np.float32)


def _difference(c: Floats, r: Floats, column: Column) -> Floats:
    if column.contrast == "presence":
        return (c > column.tau).astype(np.float64) - (r > column.tau)
    if column.contrast == "log":
        return np.asarray(np.log1p(c) - np.log1p(r))
    return c - r


def _column(part: FeatureMatrix, side: Any, where: int) -> Floats:
    values = np.asarray(part.values[side, "value"][:, [where]].todense(), dtype=np.float64).ravel()
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise DataError(
            f"feature '{part.columns[where].id}' of pair '{part.pair_ids[bad[0]]}' ({side}) is not a finite "
            f"number; mend the lens ({len(bad)} such rows)"
        )
    return values


def _membership(part: FeatureMatrix, concepts: Sequence[ConceptSpec]) -> Any:
    """Sparse 0/1 matrix `(n_columns, n_concepts)`."""
    from scipy.sparse import csr_matrix

    place = {c.id: j for j, c in enumerate(part.columns)}
    cells = [(place[g], m) for m, concept in enumerate(concepts) for g in concept.members]
    rows, columns = zip(*cells, strict=True) if cells else ((), ())
    return csr_matrix(
        (np.ones(len(cells), dtype=np.float32), (rows, columns)), shape=(len(place), len(concepts))
    )


def _latents(
    part: FeatureMatrix, concepts: Sequence[ConceptSpec]
) -> tuple[NDArray[np.float32], NDArray[np.float32], Floats, Floats]:
    """u, v, mean firing frequencies and mean presences (chosen, rejected) of clusters and single latents.

    For a response cluster of the local view u is Σ_g (D_{i,g} - μ_g)/max(σ_g, 1e-6) / |R_m|, with D the
    difference in firing frequency and the moments of the reference corpus.
    """
    member = _membership(part, concepts)
    size = np.asarray(member.sum(axis=0)).ravel()
    sides = [part.values["chosen", "freq"], part.values["rejected", "freq"]]
    present = [((x > TAU).astype(np.float32) @ member) for x in sides]
    summed = [(x.astype(np.float32) @ member) for x in sides]
    u = np.asarray((present[0] - present[1]).todense(), dtype=np.float32)
    u /= size.astype(np.float32)
    local = [j for j, c in enumerate(concepts) if c.local]
    if local:
        u[:, local] = _standardised(part, [concepts[j] for j in local])
    v = np.asarray((summed[0] - summed[1]).todense(), dtype=np.float32)
    rates = np.stack([np.asarray(x.mean(axis=0)).ravel() / size for x in present])
    means = np.stack([np.asarray(x.mean(axis=0)).ravel() / size for x in summed])
    return u, v, means.astype(np.float64), rates.astype(np.float64)
