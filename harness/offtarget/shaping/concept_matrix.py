"""All concepts of a set at once: how they differ between chosen and rejected, and what correlates with what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.lens.features import FeatureMatrix, Stat

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ConceptMatrix:
    """Every concept's own feature in every response: counts and lengths as log(1 + x), several features by their mean."""

    ids: list[str]
    members: Mapping[str, tuple[str, ...]]
    chosen: Any
    """Sparse (n_pairs, n_concepts)."""
    rejected: Any

    @classmethod
    def of(
        cls, features: Sequence[FeatureMatrix], members: Mapping[str, tuple[str, ...]], stat: Stat = "freq"
    ) -> "ConceptMatrix":
        """From the features of all lenses; a concept whose features were not all read is left out.

        Args:
            features: of all lenses.
            members: concept id -> its features, all of one lens.
            stat: "freq" or "max", where a lens has both.
        """
        from scipy.sparse import csc_matrix, hstack

        ids: list[str] = []
        parts: dict[str, list[Any]] = {"chosen": [], "rejected": []}
        for part in features:
            where = {c.id: j for j, c in enumerate(part.columns)}
            mine = [c for c, m in members.items() if m[0] in where and all(x in where for x in m)]
            if not mine:
                continue
            used = sorted({where[m] for c in mine for m in members[c]})
            at = {j: i for i, j in enumerate(used)}
            rows = [at[where[m]] for c in mine for m in members[c]]
            cols = [k for k, c in enumerate(mine) for _ in members[c]]
            size = [1.0 / len(members[c]) for c in mine for _ in members[c]]
            average = csc_matrix((size, (rows, cols)), shape=(len(used), len(mine)))
            only = part.kind != "latent"
            counted = [i for i, j in enumerate(used) if only and part.columns[j].contrast != "value"]
            for side in parts:
                values = part.values[(side, "value" if only else stat)]  # type: ignore[index]
                x = csc_matrix(values[:, used], dtype=np.float64, copy=True)
                for j in counted:
                    piece = slice(x.indptr[j], x.indptr[j + 1])
                    x.data[piece] = np.log1p(x.data[piece])
                parts[side].append(x @ average)
            ids += mine
        return cls(ids, members, hstack(parts["chosen"]).tocsc(), hstack(parts["rejected"]).tocsc())

    @property
    def difference(self) -> Any:
        """Sparse (n_pairs, n_concepts) chosen minus rejected."""
        return (self.chosen - self.rejected).tocsc()

    def correlated(self, concept: str, margin: Floats) -> list[tuple[str, float]]:
        """How a score's margin correlates with the pair difference of every other concept.

        The method assumes that concepts are independent (arXiv 2606.12360, section 2.1), so this is said before
        training.

        Args:
            concept: whose score it is.
            margin: (n_pairs,) of the score that is used.

        Returns:
            Concept and Pearson's r over pairs, the largest |r| first; concepts that never differ are left out.
        """
        centred = margin - margin.mean()
        if not centred.any():
            return []
        difference = self.difference
        n = len(margin)
        mean = _sums(difference) / n
        spread = np.sqrt(np.maximum(_sums(difference.multiply(difference)) - n * mean**2, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            r = (difference.T @ centred) / (spread * np.sqrt(centred @ centred))
        mine = set(self.members[concept])
        found = [
            (c, float(x))
            for c, x, s in zip(self.ids, r, spread, strict=True)
            if s > 1e-9 and c != concept and set(self.members[c]) != mine
        ]
        return sorted(found, key=lambda item: -abs(item[1]))


def _sums(matrix: Any) -> Floats:
    return np.asarray(matrix.sum(axis=0)).ravel()
