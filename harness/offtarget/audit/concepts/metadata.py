"""Metadata of rows as contexts: the rows that say `vendor: acme` against all others.

A column is what the source says of a row beside its texts (`Pair.meta`). Values are as they are; a column of
many different numbers is cut into four bins of about equal size. The vocabulary knows nothing of it.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.context_records import Overlap
from offtarget.audit.statistics.inside import MIN_ROWS
from offtarget.audit.statistics.means import MIN_GROUPS, Ints
from offtarget.data.pairs import Pair
from offtarget.data.sides import names_one_side
from offtarget.errors import ConfigError, unknown_name

PREFIX = "meta:"
"""Of the ids of contexts that are values of metadata."""
MISSING = "(none)"
"""The value of rows that say nothing in a column."""
MAX_LEVELS = 12
"""A column of more different numbers than this is cut into bins."""
BINS = 4
MOVED = 0.01
"""Share of rows that rounding a cut may move to another bin."""
FEW_VALUES = 20
"""A column with at most this many values is offered for `--by`."""
MOST_VALUES = 50
"""Values of a column that a record lists."""
MOSTLY = 0.9
"""A context with at least this share of one value is said to stand for it, if less than `ELSEWHERE` of all rows have it."""
ELSEWHERE = 0.5
_ID_CHARACTERS = 80


@dataclass(frozen=True, eq=False)
class Column:
    """One column of metadata over some rows."""

    name: str
    cuts: tuple[float, ...]
    """Upper ends of all bins but the last; empty where values are as they are."""
    values: tuple[str, ...]
    """Bins in their order; else the value of most rows first."""
    codes: Ints
    """Number of each row's value, `(n_rows,)`."""
    n_prompts: Ints
    """Prompts of each value."""

    @property
    def n_rows(self) -> Ints:
        """Rows of each value."""
        return np.bincount(self.codes, minlength=len(self.values)).astype(np.int64)

    @property
    def testable(self) -> Ints:
        """Numbers of the values with enough rows and prompts, inside and outside, to be tested."""
        n = self.n_rows
        enough = (n >= MIN_ROWS) & (self.n_prompts >= MIN_GROUPS) & (len(self.codes) - n >= MIN_ROWS)
        return np.flatnonzero(enough)

    def context_id(self, value: int) -> str:
        """`meta:vendor=acme`; what is too long ends in a hash."""
        name = f"{PREFIX}{self.name}={self.values[value]}"
        if len(name) <= _ID_CHARACTERS:
            return name
        return f"{name[:_ID_CHARACTERS]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    def label(self, value: int) -> str:
        """`vendor is acme`; `score is up to 3`."""
        return f"{self.name} is {self.values[value]}"

    @property
    def of_one_side(self) -> bool:
        """Whether its name says that it speaks of one response, so that its values may depend on the choice."""
        return names_one_side(self.name)

    def why_not(self) -> str | None:
        """Why no value, or not every value, can be tested; None where all can."""
        n, k = len(self.codes), len(self.values)
        name = f"column '{self.name}'"
        need = f"{MIN_ROWS} rows from {MIN_GROUPS} prompts"
        if k == 1:
            return f"{name} says '{self.values[0]}' in every row, so there is nothing to compare"
        if not len(self.testable):
            if k > n / 2:
                return f"{name} has {k:,} values in {n:,} rows, nearly one for each row: none has the {need} that a test needs"
            if self.n_rows.max() > n - MIN_ROWS:
                most, rest = int(self.n_rows.argmax()), n - int(self.n_rows.max())
                return f"{name}: '{self.values[most]}' has all rows but {rest:,}, too few to compare with"
            have = f"the most are {self.n_rows.max():,} rows and {self.n_prompts.max():,} prompts"
            return f"{name}: none of its {k:,} values has {need} ({have}), so none is tested"
        short = k - len(self.testable)
        if short:
            lost = int(self.n_rows.sum() - self.n_rows[self.testable].sum())
            return f"{name}: {short:,} of its {k:,} values ({lost:,} rows) have fewer than {need} and are not tested by themselves"
        return None


def column_of(context: str) -> str:
    """The column of a context id such as `meta:vendor=acme`; empty of other contexts."""
    return context.removeprefix(PREFIX).partition("=")[0] if context.startswith(PREFIX) else ""


def read_columns(
    pairs: Sequence[Pair], names: Iterable[str], cuts: Mapping[str, tuple[float, ...]] | None = None
) -> tuple[Column, ...]:
    """The columns of these names, each once.

    Args:
        pairs: the rows.
        names: of columns.
        cuts: the bins of an earlier audit by column, so that the same bins are compared; an empty tuple says that
            values stood as they were.

    Raises:
        ConfigError: a name that no row has; offers the nearest.
    """
    known = {key for p in pairs for key in p.meta}
    out = []
    for name in dict.fromkeys(names):
        if name not in known:
            if not known:
                raise ConfigError(
                    f"--by {name}: the rows carry no metadata, only what was read as prompt, answers, id and group"
                )
            raise unknown_name("metadata column", name, known, hint="(--by)")
        out.append(_read(pairs, name, (cuts or {}).get(name)))
    return tuple(out)


def offered(pairs: Sequence[Pair], taken: Iterable[str] = ()) -> tuple[Column, ...]:
    """The columns of few values, at least one of which could be tested, that were not asked for."""
    known = {key for p in pairs for key in p.meta} - set(taken)
    found = []
    for name in sorted(known):
        if len({_text(p.meta.get(name)) for p in pairs[: 50 * FEW_VALUES]}) > FEW_VALUES:
            continue
        column = _read(pairs, name, ())
        if 2 <= len(column.values) <= FEW_VALUES and len(column.testable) and not column.of_one_side:
            found.append(column)
    return tuple(found)


def rows_with(pairs: Sequence[Pair], context: str, cuts: tuple[float, ...]) -> NDArray[np.bool_]:
    """Which rows lie in a context such as `meta:vendor=acme`, whether an audit saw them or not: `(n_rows,)`.

    Args:
        pairs: the rows.
        context: its id.
        cuts: the bins of its column in the audit that named it.
    """
    column = _read(pairs, column_of(context), cuts)
    inside = [k for k in range(len(column.values)) if column.context_id(k) == context]
    return np.isin(column.codes, inside)


def place(columns: Sequence[Column]) -> tuple[tuple[str, ...], tuple[str, ...], Any]:
    """The values that can be tested: their ids, their labels, and sparse `(n_contexts, n_rows)` which rows are inside."""
    from scipy.sparse import csr_matrix

    cells = [(c, int(k)) for c in columns for k in c.testable]
    inside = [np.flatnonzero(c.codes == k) for c, k in cells]
    n = len(columns[0].codes) if columns else 0
    rows = np.concatenate(inside) if inside else np.zeros(0, dtype=np.int64)
    indptr = np.cumsum([0, *(len(x) for x in inside)])
    matrix = csr_matrix((np.ones(len(rows), dtype=bool), rows, indptr), shape=(len(cells), n))
    return tuple(c.context_id(k) for c, k in cells), tuple(c.label(k) for c, k in cells), matrix


def mostly(inside: Ints, columns: Sequence[Column]) -> Overlap | None:
    """The value that nearly all rows of a context have and most rows of the set do not; None where there is none.

    Args:
        inside: numbers of the context's rows.
        columns: where to look; of several values the one that stands out most from its share of all rows.
    """
    if len(inside) < MIN_ROWS:
        return None
    found: list[tuple[float, Overlap]] = []
    for c in columns:
        counts = np.bincount(c.codes[inside], minlength=len(c.values))
        k = int(counts.argmax())
        share, elsewhere = counts[k] / len(inside), c.n_rows[k] / len(c.codes)
        if share >= MOSTLY and elsewhere < ELSEWHERE and c.values[k] != MISSING:
            overlap = Overlap(column=c.name, value=c.values[k], share=float(share))
            found.append((float(share / elsewhere), overlap))
    return max(found, key=lambda f: f[0])[1] if found else None


def _read(pairs: Sequence[Pair], name: str, cuts: tuple[float, ...] | None) -> Column:
    raw = [p.meta.get(name) for p in pairs]
    found = _binned(raw, cuts) if cuts or cuts is None else None
    if found is not None:
        codes, values, cuts = found
    else:
        texts = [_text(v) for v in raw]
        counts = Counter(texts)
        values = tuple(sorted(counts, key=lambda v: (-counts[v], v)))
        at = {v: k for k, v in enumerate(values)}
        codes, cuts = np.array([at[t] for t in texts], dtype=np.int64), ()
    prompts: list[set[str]] = [set() for _ in values]
    for p, k in zip(pairs, codes, strict=True):
        prompts[k].add(p.group)
    return Column(name, cuts or (), values, codes, np.array([len(s) for s in prompts], dtype=np.int64))


def _text(value: Any) -> str:
    """A value as it is shown and compared."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(str(value).split()) or MISSING


def _number(value: Any) -> float:
    """NaN for what is no number."""
    if isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _binned(
    raw: Sequence[Any], cuts: tuple[float, ...] | None
) -> tuple[Ints, tuple[str, ...], tuple[float, ...]] | None:
    """A column of many numbers in bins; None where it is no such column.

    Whole numbers that are all different number the rows, and are left as they are (a value for each row).
    """
    there = [i for i, v in enumerate(raw) if _text(v) != MISSING]
    numbers: NDArray[np.float64] = np.array([_number(raw[i]) for i in there], dtype=np.float64)
    if not len(there) or not np.isfinite(numbers).all():
        return None
    different = np.unique(numbers)
    if not cuts:
        whole = bool((numbers == np.round(numbers)).all())
        if len(different) <= MAX_LEVELS or (whole and len(different) == len(numbers)):
            return None
        cuts = _cuts(numbers)
        if not cuts:
            return None
    codes = np.full(len(raw), len(cuts) + 1, dtype=np.int64)
    codes[there] = np.searchsorted(cuts, numbers, side="left")
    ends = [f"{x:.10g}" for x in cuts]
    values = [f"up to {ends[0]}", *(f"over {a} up to {b}" for a, b in pairwise(ends))]
    values += [f"over {ends[-1]}", MISSING]
    if len(there) == len(raw):
        values.pop()
    return codes, tuple(values), cuts


def _cuts(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    """The quartiles, with as few digits as move no more than a hundredth of the rows to another bin."""
    at = np.unique(np.quantile(numbers, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    at = at[at < numbers.max()]
    exact = np.searchsorted(at, numbers, side="left")
    for digits in range(2, 10):
        short = np.array([float(f"{x:.{digits}g}") for x in at])
        if len(np.unique(short)) == len(at):
            moved = np.searchsorted(short, numbers, side="left") != exact
            if moved.mean() <= MOVED:
                return tuple(short.tolist())
    return tuple(at.tolist())
