"""The row-level numbers behind an audit, and the way from a row to the hypotheses it feeds."""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from offtarget.audit.records import Audit, Direction
from offtarget.audit.statistics import Ints
from offtarget.errors import ConfigError, unknown_name

ARRAYS = "workings.npz"
MAX_ROWS = 50


@dataclass(frozen=True, eq=False)
class Workings:
    """u of every row and concept, and the topic of every row."""

    pair_ids: tuple[str, ...]
    groups: tuple[str, ...]
    concepts: tuple[str, ...]
    u: NDArray[np.float32]
    """`(n_pairs, n_concepts)`, in the order of `concepts`."""
    context_ids: tuple[str, ...]
    contexts: Ints
    """Number of each row's context in `context_ids`, -1 for none."""
    family: dict[str, NDArray[Any]] = field(default_factory=dict)
    """The whole global family, each array (context, concept): effect, d, z, p, q, welch_z, agree, split_min,
    tested. Untested cells have q = 1."""

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
        return np.asarray(self.contexts == self.context_ids.index(context))

    def save(self, folder: Path) -> None:
        """Write `workings.npz`."""
        from scipy.sparse import csr_matrix

        sparse = csr_matrix(self.u)
        arrays: dict[str, Any] = {
            "pair_ids": np.array(self.pair_ids, dtype=np.str_),
            "groups": np.array(self.groups, dtype=np.str_),
            "concepts": np.array(self.concepts, dtype=np.str_),
            "context_ids": np.array(self.context_ids, dtype=np.str_),
            "contexts": self.contexts,
            "u.data": sparse.data,
            "u.indices": sparse.indices,
            "u.indptr": sparse.indptr,
            **{f"global.{name}": a for name, a in self.family.items()},
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

        try:
            with np.load(folder / ARRAYS, allow_pickle=False) as a:
                ids, concepts = a["pair_ids"], a["concepts"]
                u = csr_matrix((a["u.data"], a["u.indices"], a["u.indptr"]), shape=(len(ids), len(concepts)))
                return cls(
                    pair_ids=tuple(ids.tolist()),
                    groups=tuple(a["groups"].tolist()),
                    concepts=tuple(concepts.tolist()),
                    u=u.toarray(),
                    context_ids=tuple(a["context_ids"].tolist()),
                    contexts=a["contexts"],
                    family={n.removeprefix("global."): a[n] for n in a.files if n.startswith("global.")},
                )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ConfigError(
                f"{folder / ARRAYS}: the rows behind this audit cannot be read ({error}); make it again"
            ) from None


class Contribution(BaseModel):
    """One row's part in one hypothesis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hypothesis: str
    concept: str
    label: str
    context: str | None
    direction: Direction
    finding: bool
    q: float
    u: float
    """The row's own signed difference; it has the sign of the effect."""
    share: float
    """Its part of the sum of all rows' u that point the same way."""
    rank: int
    """1 + rows that contribute more; rows of equal u share a rank."""


def rank_rows(u: NDArray[Any], v: NDArray[Any], rows: Ints, sign: float, n: int = MAX_ROWS) -> Ints:
    """The rows that push a mean of u most in one direction; ties by v, then in row order.

    Args:
        u: `(n_pairs,)`.
        v: the unthresholded difference, `(n_pairs,)`.
        rows: row numbers to choose from.
        sign: +1 or -1, the direction.
        n: at most so many; rows that push the other way or not at all are never listed.
    """
    rows = rows[sign * u[rows] > 0]
    order = np.lexsort((rows, -sign * v[rows], -sign * u[rows]))
    return np.asarray(rows[order[:n]])


def why(audit_dir: Path, row_id: str) -> list[Contribution]:
    """Which of the listed hypotheses a row feeds: it lies inside, and its u has the sign of the effect.

    Returns:
        Findings first, then by share.

    Raises:
        ConfigError: if there is no such audit or row.
    """
    audit = Audit.read(audit_dir)
    workings = audit.workings
    if row_id not in workings.pair_ids:
        raise unknown_name("row", row_id, workings.pair_ids, hint=f"(rows of {audit.dataset.name})")
    row = workings.pair_ids.index(row_id)
    labels = {c.id: c.label for c in audit.concepts}
    inside_of: dict[str | None, NDArray[np.bool_]] = {None: workings.inside(None)}
    out = []
    for h in audit.hypotheses:
        if h.context not in inside_of:
            inside_of[h.context] = workings.inside(h.context)
        inside = inside_of[h.context]
        sign = 1.0 if h.direction == "chosen" else -1.0
        mine = float(workings.column(h.concept)[row])
        if not inside[row] or sign * mine <= 0:
            continue
        push = sign * workings.column(h.concept)[inside].astype(np.float64)
        out.append(
            Contribution(
                hypothesis=h.id,
                concept=h.concept,
                label=labels[h.concept],
                context=h.context,
                direction=h.direction,
                finding=h.finding,
                q=h.q,
                u=mine,
                share=float(sign * mine / push[push > 0].sum()),
                rank=1 + int((push > sign * mine).sum()),
            )
        )
    return sorted(out, key=lambda c: (not c.finding, -c.share, c.hypothesis))
