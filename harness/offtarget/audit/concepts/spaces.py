"""Spaces in which rows lie close together when both of their responses share something.

Clustering on a signed difference would make the test of inside against outside circular (arXiv 2606.12360), so a
space never sees which response was chosen: everything here is symmetric in the two.

- `latents`: the root of the firing frequency of every latent, √(c_{i,g} + r_{i,g}), weighted by how few rows it fires
  in, brought to unit length, on the leading principal components. Latents that fire in more than half of
  the rows, which tell form rather than subject, are left out.
- `clusters`: the symmetric activity of clusters of latents, s_{i,m} = Σ_{g∈T_m} (c_{i,g} + r_{i,g}), as in the paper.
- `words`: the words of prompt and both responses (TF-IDF, then SVD).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.words import WORD_PATTERN
from offtarget.audit.statistics.means import Floats
from offtarget.data.pairs import Pair, text_of
from offtarget.lens.features import FeatureMatrix

By = Literal["latents", "clusters", "words"]
"""What rows can be clustered by."""
SILENT_PERCENTILE = 5
MIN_ROWS_WITH = 3
MAX_SHARE_WITH = 0.5
"""Words and latents that are in fewer rows or in a larger share of them do not tell rows apart."""
WORD_DIMENSIONS, LATENT_DIMENSIONS = 64, 32
MAX_TERMS = 20_000
FITTED_ROWS = 8192
"""Rows, spread evenly, from which a space of latents is learned."""


@dataclass(frozen=True, eq=False)
class Points:
    """Rows in a space."""

    at: NDArray[np.float32]
    """Unit rows, `(n_rows, n_dims)`."""
    silent: NDArray[np.bool_]
    """Rows that show too little to be placed, `(n_rows,)`."""


@dataclass(frozen=True, eq=False)
class WordSpace:
    """By the words of prompt and both responses."""

    terms: tuple[str, ...]
    idf: NDArray[np.float32]
    """`(n_terms,)`"""
    components: NDArray[np.float32]
    """`(n_dims, n_terms)`"""
    by: ClassVar[By] = "words"

    @classmethod
    def fit(cls, pairs: Sequence[Pair], seed: int) -> "tuple[WordSpace, Points] | None":
        """The space of these rows, and where they lie in it; None where they share fewer than three words."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import CountVectorizer

        vectorizer = CountVectorizer(
            token_pattern=WORD_PATTERN,
            stop_words="english",
            min_df=MIN_ROWS_WITH,
            max_df=MAX_SHARE_WITH,
            max_features=MAX_TERMS,
        )
        try:
            counts = vectorizer.fit_transform(_texts(pairs))
        except ValueError:
            return None
        terms = tuple(vectorizer.get_feature_names_out())
        if len(terms) < 3:
            return None
        idf = _idf(np.bincount(counts.indices, minlength=len(terms)), len(pairs))
        svd = TruncatedSVD(min(WORD_DIMENSIONS, len(terms) - 1), random_state=seed)
        svd.fit(_weighed(counts, idf))
        space = cls(terms, idf, svd.components_.astype(np.float32))
        return space, space._points(counts)

    def points(self, pairs: Sequence[Pair]) -> Points:
        """Where rows lie; those without a known word are silent."""
        from sklearn.feature_extraction.text import CountVectorizer

        counter = CountVectorizer(token_pattern=WORD_PATTERN, vocabulary=list(self.terms))
        return self._points(counter.transform(_texts(pairs)))

    def _points(self, counts: Any) -> Points:
        at = unit(_weighed(counts, self.idf) @ self.components.T)
        return Points(at.astype(np.float32), np.asarray(~at.any(axis=1)))

    def table(self) -> dict[str, Any]:
        """The part for `vocabulary.json`."""
        return {"terms": self.terms}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The part for `vocabulary.npz`."""
        return {"idf": self.idf, "components": self.components}

    @classmethod
    def restore(cls, table: dict[str, Any], arrays: dict[str, Any]) -> "WordSpace":
        """The inverse of `table` and `arrays`."""
        return cls(tuple(table["terms"]), arrays["idf"], arrays["components"])


@dataclass(frozen=True, eq=False)
class ClusterSpace:
    """By the symmetric activity of clusters of latents, `(n_rows, n_clusters)`."""

    silent_below: float
    """Rows whose activity has a norm of no more than this are silent."""
    by: ClassVar[By] = "clusters"

    @classmethod
    def fit(cls, activity: NDArray[np.float32], seed: int) -> "tuple[ClusterSpace, Points] | None":
        """The space of these rows, and where they lie in it. Nothing of it is random."""
        space = cls(float(np.percentile(_norms(activity), SILENT_PERCENTILE)))
        return space, space.points(activity)

    def points(self, activity: NDArray[np.float32]) -> Points:
        """Where rows lie."""
        norm = _norms(activity)
        return Points(activity / np.where(norm > 0, norm, 1.0).astype(np.float32)[:, None], norm <= self.silent_below)

    def table(self) -> dict[str, Any]:
        """The part for `vocabulary.json`."""
        return {"silent_below": self.silent_below}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The part for `vocabulary.npz`."""
        return {}

    @classmethod
    def restore(cls, table: dict[str, Any], arrays: dict[str, Any]) -> "ClusterSpace":
        """The inverse of `table` and `arrays`."""
        return cls(table["silent_below"])


@dataclass(frozen=True, eq=False)
class LatentSpace:
    """By the single latents of a lens."""

    silent_below: float
    """Rows whose weighed activity has a norm of no more than this are silent."""
    weights: NDArray[np.float32]
    """Inverse document frequency of each latent, `(n_latents,)`; 0 of those that do not tell rows apart."""
    axes: NDArray[np.float32]
    """Principal components, `(n_latents, n_dims)`."""
    offset: NDArray[np.float32]
    """The mean row on the components, `(n_dims,)`."""
    by: ClassVar[By] = "latents"

    @classmethod
    def fit(cls, part: FeatureMatrix, seed: int) -> "tuple[LatentSpace, Points] | None":
        """The space of these rows, and where they lie in it; None where fewer than three latents tell rows apart.

        It is learned from `FITTED_ROWS` of the rows; frequencies may lie on disk and are gone through once, by blocks.
        """
        from sklearn.decomposition import PCA

        sample = np.arange(0, len(part), -(-len(part) // FITTED_ROWS))
        chosen, rejected = (part.values[side, "freq"][sample] for side in ("chosen", "rejected"))
        both = _sum(chosen, rejected)
        firing = np.bincount(both.indices, minlength=both.shape[1])
        kept = (firing >= MIN_ROWS_WITH) & (firing <= MAX_SHARE_WITH * len(sample))
        if kept.sum() < 3:
            return None
        weights = np.where(kept, _idf(firing, len(sample)), 0).astype(np.float32)
        rows = _weighed_latents(both, weights)[0][:, kept].astype(np.float64)
        dims = min(LATENT_DIMENSIONS, int(kept.sum()) - 1, len(sample) - 1)
        pca = PCA(dims, svd_solver="arpack", random_state=seed).fit(rows)
        axes = np.zeros((both.shape[1], dims), dtype=np.float32)
        axes[kept] = pca.components_.T
        offset = (pca.components_ @ pca.mean_).astype(np.float32)
        at, norms = cls(0.0, weights, axes, offset)._project(part)
        silent_below = float(np.percentile(norms, SILENT_PERCENTILE))
        return cls(silent_below, weights, axes, offset), Points(at, norms <= silent_below)

    def points(self, part: FeatureMatrix) -> Points:
        """Where rows lie, read block by block."""
        at, norms = self._project(part)
        return Points(at, norms <= self.silent_below)

    def _project(self, part: FeatureMatrix) -> tuple[NDArray[np.float32], Floats]:
        at = np.zeros((len(part), self.axes.shape[1]), dtype=np.float32)
        norms = np.zeros(len(part))
        for rows, sides in part.row_blocks(("chosen", "freq"), ("rejected", "freq")):
            weighed, norms[rows] = _weighed_latents(_sum(*sides), self.weights)
            at[rows] = unit(weighed @ self.axes - self.offset)
        return at, norms

    def table(self) -> dict[str, Any]:
        """The part for `vocabulary.json`."""
        return {"silent_below": self.silent_below}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The part for `vocabulary.npz`."""
        return {"weights": self.weights, "axes": self.axes, "offset": self.offset}

    @classmethod
    def restore(cls, table: dict[str, Any], arrays: dict[str, Any]) -> "LatentSpace":
        """The inverse of `table` and `arrays`."""
        return cls(table["silent_below"], arrays["weights"], arrays["axes"], arrays["offset"])


Space = WordSpace | ClusterSpace | LatentSpace
SPACES: dict[By, Any] = {s.by: s for s in (WordSpace, ClusterSpace, LatentSpace)}


def unit(x: NDArray[Any]) -> Floats:
    """Rows brought to unit length; zeros stay."""
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(np.divide(x, norm, out=np.zeros_like(x, dtype=np.float64), where=norm > 0))


def _sum(chosen: Any, rejected: Any) -> Any:
    """C + r of some rows, sparse, with no stored zeros."""
    both = (chosen + rejected).tocsr()
    both.eliminate_zeros()
    return both


def _weighed_latents(both: Any, weights: NDArray[np.float32]) -> tuple[Any, Floats]:
    """Roots times weights in unit rows, instead of what was given, and each row's norm before."""
    both.data = np.sqrt(both.data) * weights[both.indices]
    square = np.concatenate([[0.0], np.cumsum(both.data.astype(np.float64) ** 2)])
    norm = np.sqrt(np.maximum(np.diff(square[both.indptr]), 0.0))
    both.data /= np.repeat(np.where(norm > 0, norm, 1.0), np.diff(both.indptr)).astype(np.float32)
    return both, norm


def _idf(rows_with: NDArray[Any], n_rows: int) -> NDArray[np.float32]:
    return np.asarray(np.log((1 + n_rows) / (1 + rows_with)) + 1, dtype=np.float32)


def _weighed(counts: Any, idf: NDArray[np.float32]) -> Any:
    """Sublinear TF-IDF with unit rows, sparse."""
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    weighted = csr_matrix(counts, dtype=np.float32, copy=True)
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    return normalize(weighted, copy=False)


def _texts(pairs: Sequence[Pair]) -> list[str]:
    return [f"{text_of(p.prompt)}\n{text_of(p.chosen)}\n{text_of(p.rejected)}" for p in pairs]


def _norms(activity: NDArray[np.float32]) -> Floats:
    """Euclidean norm of each row, in float64 and without a copy of the whole."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", activity, activity, dtype=np.float64)))
