"""u: the signed difference between chosen and rejected, one column per concept.

Everything the audit tests is a statement about u:

- a column with contrast `presence`: 1{x_c > τ} - 1{x_r > τ}, in {-1, 0, 1};
- `log`: log(1 + x_c) - log(1 + x_r);
- `value`: x_c - x_r;
- latents: firing frequency thresholded at τ = 0.01 as for presence, averaged over the members of a cluster
  (arXiv 2606.12360: u_{i,m} = 1/t_m Σ_{g∈T_m} [1{c_{i,g} > τ} - 1{r_{i,g} > τ}], in [-1, 1]);
- response clusters of the local view: the mean standardised difference of firing frequencies.

Of a row that a column could not read (`FeatureMatrix.unread`) u is 0. Effects are means over the rows that were read:
`over_read` divides u by their share, so that its mean over all rows is that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.embedding import MIN_SD
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.statistics.means import D_CAP, Floats, Ints
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
    read: Floats
    """Share of rows that were read; means and rates are over these."""
    unread: Mapping[int, NDArray[np.bool_]]
    """By concept, where there are any: the rows that were not."""

    def of_all(self, concepts: Ints) -> NDArray[np.float32]:
        """The u of some concepts, of which the mean is the effect: `(n_pairs, n_concepts)`."""
        return over_read(np.ascontiguousarray(self.u[:, concepts]), self.read[concepts])

    def of_parts(self, rows: Ints, concepts: Ints) -> NDArray[np.float32]:
        """The u of some rows and concepts, to compare parts of the rows: `(n_rows, n_concepts)`.

        A row that was not read has the mean of those that were, so that a part is not told from others by how much of it
        was read; u of the others lies 1/share as far from that mean.
        """
        u = np.ascontiguousarray(self.u[np.ix_(rows, concepts)])
        for m, j in enumerate(concepts.tolist()):
            if (gone := self.unread.get(j)) is None:
                continue
            mean = self.u[:, j].sum(dtype=np.float64) / max(len(gone) - gone.sum(), 1)
            u[:, m] = np.where(gone[rows], mean, mean + (u[:, m] - mean) / max(self.read[j], 1 / len(gone)))
        return u

    def d_of_read(self, d: Floats, mean: Floats, concepts: Ints) -> Floats:
        """Mean over sd of the rows that were read, from those of u over all rows; `(n_concepts,)` each.

        With share s: the variance over all rows is (σ² + mean²)/s - mean².
        """
        share = self.read[concepts]
        some = (share < 1) & (d != 0)
        if not some.any():
            return d
        out = d.copy()
        m2 = mean[some] ** 2
        variance = np.maximum((m2 / d[some] ** 2 + m2) * share[some] - m2, m2 / D_CAP**2)
        out[some] = np.sign(d[some]) * np.sqrt(m2 / variance)
        return out


def over_read(u: NDArray[np.float32], read: Floats) -> NDArray[np.float32]:
    """Divide the columns of an array by the share of rows that were read, in place: `(n_rows, n_concepts)`."""
    some = np.flatnonzero(read < 1)
    u[:, some] /= np.maximum(read[some], 1 / max(len(u), 1))
    return u


def contrasts(features: Sequence[FeatureMatrix], concepts: Sequence[ConceptSpec]) -> Contrasts:
    """Compute u for every concept.

    Args:
        features: one matrix per lens, over the same rows.
        concepts: what to contrast; those of one lens need not are together.

    Raises:
        DataError: if the lenses read different rows, or a value is not finite.
    """
    first = features[0]
    for other in features[1:]:
        if other.pair_ids != first.pair_ids:
            raise DataError(f"lenses '{first.lens}' and '{other.lens}' read different rows; run both on the same pairs")
    n, m = len(first), len(concepts)
    u, v = np.zeros((n, m), dtype=np.float32), np.zeros((n, m), dtype=np.float32)
    means, rates = np.zeros((2, m)), np.zeros((2, m))
    units, kinds = [""] * m, [""] * m
    read, unread = np.ones(m), {}
    for part in features:
        at = [j for j, c in enumerate(concepts) if c.lens == part.lens]
        if not at:
            continue
        mine = [concepts[j] for j in at]
        if part.kind == "latent":
            means[:, at], rates[:, at] = _latents(part, mine, np.array(at), u, v)
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
                if (gone := part.not_read(where)) is not None:
                    u[gone, j] = v[gone, j] = 0.0
                    read[j], unread[j] = 1 - gone.mean(), gone
                    c, r = (c[~gone], r[~gone]) if read[j] else (np.zeros(1), np.zeros(1))
                means[:, j] = c.mean(), r.mean()
                rates[:, j] = (c > column.tau).mean(), (r > column.tau).mean()
                units[j], kinds[j] = column.unit, column.contrast
    return Contrasts(u, v, tuple(units), tuple(kinds), means[0], means[1], rates[0], rates[1], read, unread)


def response_values(features: Sequence[FeatureMatrix], concepts: Sequence[ConceptSpec]) -> NDArray[np.float64]:
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


def member_weights(part: FeatureMatrix, members: Sequence[Sequence[str]]) -> Any:
    """Sparse `(n_columns, n_concepts)`: 1/|members| where a column belongs to a concept, so a product is a mean."""
    from scipy.sparse import csr_matrix

    place = {c.id: j for j, c in enumerate(part.columns)}
    cells = [(place[g], m, 1.0 / len(names)) for m, names in enumerate(members) for g in names]
    rows, columns, weights = zip(*cells, strict=True) if cells else ((), (), ())
    return csr_matrix((np.array(weights, np.float32), (rows, columns)), shape=(len(place), len(members)))


def symmetric_activity(part: FeatureMatrix, concepts: Sequence[ConceptSpec]) -> NDArray[np.float32]:
    """s_{i,m}: firing frequency of both responses, summed over members: `(n_pairs, n_concepts)`."""
    layers = _layers(part, dict(enumerate(concepts)), len(concepts))
    s = np.zeros((len(part), len(concepts)), dtype=np.float32)
    for rows, sides in part.row_blocks(("chosen", "freq"), ("rejected", "freq")):
        for x in sides:
            for layer in layers:
                s[rows] += _summed(x, x.data, layer, len(concepts))
    return s


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
            f"number; fix the lens ({len(bad)} such rows)"
        )
    return values


@dataclass(frozen=True, eq=False)
class _Layer:
    """Concepts of which no two share a column."""

    concept: NDArray[np.int32]
    """For each column the number of its concept, or the number of all concepts where it has none."""
    weight: Floats
    """1/σ_g/|R_m| of each column in a concept with moments; else 0."""


def _layers(part: FeatureMatrix, concepts: Mapping[int, ConceptSpec], none: int) -> list[_Layer]:
    """Concepts by number, in about as many layers as a column has concepts (usually one)."""
    place = {c.id: j for j, c in enumerate(part.columns)}
    layers: list[_Layer] = []
    for m, concept in concepts.items():
        at = [place[g] for g in concept.members]
        free = (layer for layer in layers if (layer.concept[at] == none).all())
        layer = next(free, None)
        if layer is None:
            layer = _Layer(np.full(len(place), none, dtype=np.int32), np.zeros(len(place)))
            layers.append(layer)
        layer.concept[at] = m
        if concept.local:
            layer.weight[at] = [1 / max(sd, MIN_SD) / len(at) for _, sd in concept.moments]
    return layers


def _summed(x: Any, values: NDArray[Any], layer: _Layer, n_concepts: int) -> NDArray[Any]:
    """One value for each stored entry of x, added up by concept: dense `(n_rows, n_concepts)`.

    The entries' columns are replaced by the numbers of their concepts, and writing them out dense adds what
    then is in one place: 4 times as fast as a product with a membership matrix, and the same sums.
    """
    from scipy.sparse import csr_matrix

    cells = csr_matrix((values, layer.concept[x.indices], x.indptr), shape=(x.shape[0], n_concepts + 1))
    return np.asarray(cells.toarray()[:, :n_concepts])


def _latents(
    part: FeatureMatrix, concepts: Sequence[ConceptSpec], at: Ints, u: NDArray[np.float32], v: NDArray[np.float32]
) -> tuple[Floats, Floats]:
    """Fill u and v of clusters and single latents by blocks of rows.

    For a response cluster of the local view u is Σ_g (D_{i,g} - μ_g)/max(σ_g, 1e-6) / |R_m|, with D the
    difference in firing frequency and the moments of the reference corpus.

    Args:
        part: the lens.
        concepts: what to contrast.
        at: their columns in u and v.
        u: `(n_pairs, n_columns)`, written.
        v: `(n_pairs, n_columns)`, written.

    Returns:
        Mean firing frequencies and mean presences, chosen and rejected, each `(2, n_concepts)`.
    """
    m = len(concepts)
    layers = _layers(part, dict(enumerate(concepts)), len(concepts))
    local = {j: c for j, c in enumerate(concepts) if c.local}
    where, standardising = np.array(list(local), dtype=np.int64), _layers(part, local, m)
    size = np.array([len(c.members) for c in concepts], dtype=np.float32)
    centre = [sum(mean / max(sd, MIN_SD) for mean, sd in c.moments) / len(c.members) for c in local.values()]
    means, rates = np.zeros((2, m)), np.zeros((2, m))
    for rows, sides in part.row_blocks(("chosen", "freq"), ("rejected", "freq")):
        shape = (rows.stop - rows.start, m)
        present, summed = (np.zeros((2, *shape), dtype=np.float32) for _ in range(2))
        shift = np.zeros((2, *shape) if local else (2, 0, 0))
        for k, x in enumerate(sides):
            fires, values = (x.data > TAU).astype(np.float32), x.data.astype(np.float32, copy=False)
            for layer in layers:
                present[k] += _summed(x, fires, layer, m)
                summed[k] += _summed(x, values, layer, m)
            for layer in standardising:
                shift[k] += _summed(x, x.data * layer.weight[x.indices], layer, m)
        means += summed.sum(axis=1, dtype=np.float64)
        rates += present.sum(axis=1, dtype=np.float64)
        u[rows, at] = (present[0] - present[1]) / size
        v[rows, at] = summed[0] - summed[1]
        if local:
            u[rows, at[where]] = (shift[0] - shift[1])[:, where] - centre
    return means / size / len(part), rates / size / len(part)
