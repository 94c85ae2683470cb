"""The row-level numbers behind an audit."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import over_read
from offtarget.audit.statistics.means import Floats, Ints
from offtarget.documents import UNREADABLE, one_line
from offtarget.errors import ConfigError, unknown_name
from offtarget.store import require_intact

ARRAYS = "workings.npz"
MAX_ROWS = 50
"""Rows that a finding names."""
FEW_ROWS = 6
"""Rows that a hypothesis names that is no finding: there are thousands, and few are asked for."""


@dataclass(frozen=True, eq=False)
class Workings:
    """u of every row and concept, and the contexts of every row."""

    pair_ids: tuple[str, ...]
    groups: tuple[str, ...]
    concepts: tuple[str, ...]
    u: NDArray[np.float32]
    """`(n_pairs, n_concepts)`, in the order of `concepts`."""
    context_ids: tuple[str, ...]
    membership: Any
    """Sparse `(n_contexts, n_pairs)`: which rows lie in which context. Topics do not overlap, kinds of prompt do."""
    families: dict[str, dict[str, NDArray[Any]]] = field(default_factory=dict)
    """The whole families of the views by context, each array `(n_contexts of the view, n_concepts)`: effect, d, z, p, q,
    welch_z, agree, split_min, tested. Untested cells have q = 1."""
    share_read: Floats | None = None
    """Share of rows that were read, by concept; None: all. Of the others u is 0."""

    def effects(self) -> NDArray[np.float32]:
        """The u of which the mean is the effect: over the rows that were read."""
        return (
            self.u
            if self.share_read is None or (self.share_read == 1).all()
            else over_read(self.u.copy(), self.share_read)
        )

    def column(self, concept: str) -> NDArray[np.float32]:
        """The u of one concept, `(n_pairs,)`.

        Raises:
            ConfigError: if the audit has no such concept.
        """
        if concept not in self.concepts:
            raise unknown_name("concept", concept, self.concepts)
        return self.u[:, self.concepts.index(concept)]

    def inside(self, context: str | None) -> NDArray[np.bool_]:
        """Rows in a context; all rows for None.

        Raises:
            ConfigError: if the audit has no such context.
        """
        if context is None:
            return np.ones(len(self.pair_ids), dtype=bool)
        if context not in self.context_ids:
            raise unknown_name("context", context, self.context_ids)
        inside = np.zeros(len(self.pair_ids), dtype=bool)
        inside[self.membership[self.context_ids.index(context)].indices] = True
        return inside

    def save(self, folder: Path) -> None:
        """Write `workings.npz`."""
        from scipy.sparse import csr_matrix

        sparse = csr_matrix(self.u)
        arrays: dict[str, Any] = {
            "pair_ids": np.array(self.pair_ids, dtype=np.str_),
            "groups": np.array(self.groups, dtype=np.str_),
            "concepts": np.array(self.concepts, dtype=np.str_),
            "context_ids": np.array(self.context_ids, dtype=np.str_),
            "membership.indices": self.membership.indices,
            "membership.indptr": self.membership.indptr,
            "u.data": sparse.data,
            "u.indices": sparse.indices,
            "u.indptr": sparse.indptr,
            "read": np.ones(len(self.concepts)) if self.share_read is None else self.share_read,
            **{f"family.{view}.{name}": a for view, family in self.families.items() for name, a in family.items()},
        }
        with (folder / ARRAYS).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def read(cls, folder: Path) -> "Workings":
        """Read `workings.npz` of an audit directory.

        Raises:
            ConfigError: if it is absent or damaged.
        """
        from scipy.sparse import csr_matrix

        require_intact(folder / ARRAYS)
        try:
            with (folder / ARRAYS).open("rb") as raw, np.load(raw, allow_pickle=False) as a:
                ids, concepts = a["pair_ids"], a["concepts"]
                families: dict[str, dict[str, NDArray[Any]]] = {}
                for name in a.files:
                    if name.startswith("family."):
                        _, view, what = name.split(".")
                        families.setdefault(view, {})[what] = a[name]
                indices, indptr = a["membership.indices"], a["membership.indptr"]
                cells = (np.ones(len(indices), dtype=bool), indices, indptr)
                u = csr_matrix((a["u.data"], a["u.indices"], a["u.indptr"]), shape=(len(ids), len(concepts)))
                groups, contexts = a["groups"], a["context_ids"]
                if len(groups) != len(ids) or len(contexts) != len(indptr) - 1:
                    raise ValueError("its parts are of different lengths")
                return cls(
                    pair_ids=tuple(ids.tolist()),
                    groups=tuple(groups.tolist()),
                    concepts=tuple(concepts.tolist()),
                    u=u.toarray(),
                    context_ids=tuple(contexts.tolist()),
                    membership=csr_matrix(cells, shape=(len(indptr) - 1, len(ids))),
                    families=families,
                    share_read=a["read"],
                )
        except UNREADABLE as error:
            raise ConfigError(
                f"{folder / ARRAYS}: the rows behind this audit cannot be read ({one_line(error)}); make it again"
            ) from None


def rank_rows(u: NDArray[Any], v: NDArray[Any], rows: Ints, sign: float, n: int = MAX_ROWS) -> Ints:
    """The rows that push a mean of u most in one direction; ties by v, then in row order.

    Args:
        u: `(n_pairs,)`.
        v: the unthresholded difference, `(n_pairs,)`.
        rows: row numbers to choose from.
        sign: +1 or -1, the direction.
        n: at most this many; rows that push the other way or not at all are never listed.
    """
    rows = rows[sign * u[rows] > 0]
    order = np.lexsort((rows, -sign * v[rows], -sign * u[rows]))
    return np.asarray(rows[order[:n]])
