"""The lens `columns`: what the source says of either response beside its text, as concepts.

Its concepts are no property of a text: a score, the model that wrote it, its votes. Amounts are compared as they are (or
on a log scale where they are wide), truths and names by presence. Of a row in which one side says nothing a
column was not read (`FeatureMatrix.unread`); both sides have the mean of all others there (amounts), or neither shows
anything (truths, names). Columns that hold for the whole pair (source, annotator) cannot lean; they are contexts (`audit --by`).
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.columns import numbered_answers
from offtarget.data.pairs import Pair, PairSet
from offtarget.data.scores import finite
from offtarget.data.sides import names_of, side_words, stems_of
from offtarget.errors import ConfigError, DataError, unknown_name
from offtarget.lens.column_kinds import REST, Cells, Variable, decide, fewest, is_mixed, is_there, text, truth, value_id
from offtarget.lens.features import METADATA, Column, FeatureMatrix, Span

LENS = "columns"
VERSION = 1
"""Rises when a cell is read otherwise: results of two versions are not comparable."""
SOURCE_OF_LABEL = 0.95
"""What is higher in chosen (or lower), or true of it alone, in more of the rows is likely what the label was made from."""
MOST_COMPARED = 50
"""Texts of a column that holds for the whole pair; more of them are names of rows."""
NAMED = 8
"""Columns that one line names."""
SIDES: tuple[Span, Span] = ("chosen", "rejected")
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Read:
    """One variable over all rows."""

    variable: Variable
    columns: tuple[Column, ...]
    values: Floats
    """`(2, n_rows, n_columns)`: of chosen, of rejected."""
    there: NDArray[np.bool_]
    """Rows that say it of both sides, `(n_rows,)`."""
    unreadable: int
    """Rows with a cell on both sides, one of which cannot be read."""
    mixed: bool = False
    """Whether names are numbers in part."""


def encode(pairs: PairSet, which: str = "", fitted: FeatureMatrix | None = None) -> FeatureMatrix:
    """Read the columns of the two sides.

    Args:
        pairs: the rows, with what the reader found of either side in `Pair.sides`.
        which: names of columns, separated by commas; empty: all of them.
        fitted: an earlier reading, whose columns and values are read again.

    Returns:
        Statistic `value` for the spans chosen and rejected, float64. `info` says of each column in how many rows it
        applies.

    Raises:
        ConfigError: `which` names a column that is not there, or others than the earlier reading.
        DataError: no column speaks of one side, or none of them can be a concept.
    """
    cells = _cells(pairs.pairs)
    names = _names(cells)
    asked = ["_".join(side_words(w)) for w in which.split(",") if w.strip()]
    left: dict[str, str] = {}
    if fitted is not None:
        variables = _again(fitted, asked)
        known = {v.name for v in variables}
        left = {n: "not read in the earlier audit" for n in names.values() if n not in known and not asked}
    else:
        if not cells:
            raise DataError(_nothing(pairs))
        for name in asked:
            if name not in names.values():
                raise unknown_name(f"column of --lens {LENS}", name, names.values(), _of_rows(pairs))
        decided = {n: decide(n, stem, cells[stem]) for stem, n in names.items() if not asked or n in asked}
        variables = [v for v in decided.values() if isinstance(v, Variable)]
        left = {n: v for n, v in decided.items() if isinstance(v, str)}
        if not variables:
            raise DataError(f"lens '{LENS}': {_left_out(left)}; nothing else in {pairs.name} speaks of one side")
    by_name = {name: cells[stem] for stem, name in names.items()}
    nothing = [(None, None)] * len(pairs)
    read = [_read(v, cells.get(v.stem) or by_name.get(v.name, nothing)) for v in variables]
    return _matrix(pairs, read, left)


def read_again(info: dict[str, Any]) -> list[Variable]:
    """The variables behind a reading, from its `info`.

    Raises:
        DataError: they are not there as they were written.
    """
    try:
        return [Variable(**{**v["variable"], "values": tuple(v["variable"]["values"])}) for v in info["variables"]]
    except (KeyError, TypeError) as e:
        raise DataError(f"the earlier reading of lens '{LENS}' is damaged ({e}); make that audit again") from None


def offer(pairs: PairSet) -> str | None:
    """One line for those who audit without this lens; None where no column speaks of one side."""
    cells = _cells(pairs.pairs)
    names = [n for s, n in _names(cells).items() if isinstance(decide(n, s, cells[s]), Variable)]
    if not names:
        return None
    return f"columns that speak of one side: {_listed(names)}; --lens surface,{LENS} tests them too"


def _cells(pairs: Sequence[Pair]) -> dict[str, Cells]:
    """Stem -> what every row says of either side."""
    stems = dict.fromkeys(stem for p in pairs for stem in p.sides)
    return {stem: [p.sides.get(stem, (None, None)) for p in pairs] for stem in stems}


def _names(stems: Iterable[str]) -> dict[str, str]:
    """Stem -> name: without the word for the side, or with `side` in its place where two would share a name."""
    alike = Counter(names_of(stem)[0] for stem in stems)
    return {s: names_of(s)[alike[names_of(s)[0]] > 1] for s in stems}


def _again(fitted: FeatureMatrix, asked: Sequence[str]) -> list[Variable]:
    variables = read_again(fitted.info)
    names = [v.name for v in variables]
    if asked and set(asked) != set(names):
        raise ConfigError(
            f"--lens {LENS}:{','.join(asked)}: the earlier audit read {', '.join(names)}; name the same columns"
        )
    return variables


def _read(v: Variable, cells: Cells) -> _Read:
    columns = tuple(_columns(v))
    said = np.array([is_there(a) and is_there(b) for a, b in cells], dtype=bool)
    values = np.zeros((2, len(cells), len(columns)))
    if v.kind == "amount":
        numbers = np.array([[_or_nan(v.number(x)) for x in pair] for pair in cells]).reshape(-1, 2)
        there = said & np.isfinite(numbers).all(axis=1)
        numbers[~there] = _middle(numbers[there], v.log)
        values[:, :, 0] = numbers.T
        return _Read(v, columns, values, there, int((said & ~there).sum()))
    at = {value: k for k, value in enumerate(v.values)}
    there = said.copy()
    for i in np.flatnonzero(said).tolist():
        found = [truth(x) if v.kind == "truth" else text(x) for x in cells[i]]
        if None in found:
            there[i] = False
            continue
        for side, x in enumerate(found):
            k = 0 if v.kind == "truth" else at.get(str(x), len(at) if v.rest else -1)
            if k >= 0:
                values[side, i, k] = float(x is not False)
    names = v.kind == "name" and is_mixed(cells)
    return _Read(v, columns, values, there, int((said & ~there).sum()), names)


def _columns(v: Variable) -> Iterator[Column]:
    """The concepts of a variable."""
    said = v.name.replace("_", " ")
    if v.kind == "amount":
        yield Column(f"{LENS}:{v.name}", said, v.unit, "log" if v.log else "value")
    elif v.kind == "truth":
        yield Column(f"{LENS}:{v.name}", f"{said.removeprefix('is ')} is true", "1 if so", "presence")
    else:
        for value in (*v.values, *([REST] if v.rest else [])):
            label = f"{said} is {'any other' if value == REST else value}"
            yield Column(f"{LENS}:{v.name}={value_id(value)}", label, "1 if so", "presence")


def _or_nan(x: float | None) -> float:
    return np.nan if x is None else x


def _middle(numbers: Floats, log: bool) -> float:
    """What is on both sides of a row that does not say it: the mean of the others, on their scale."""
    if not numbers.size:
        return 0.0
    return float(np.expm1(np.log1p(numbers).mean()) if log else numbers.mean())


def _matrix(pairs: PairSet, read: Sequence[_Read], left: dict[str, str]) -> FeatureMatrix:
    from scipy.sparse import csr_matrix

    sides = {
        (side, "value"): csr_matrix(np.concatenate([r.values[k] for r in read], axis=1)) for k, side in enumerate(SIDES)
    }
    return FeatureMatrix(
        lens=LENS,
        columns=tuple(c for r in read for c in r.columns),
        values=sides,  # type: ignore[arg-type]
        pair_ids=tuple(p.id for p in pairs.pairs),
        groups=tuple(p.group for p in pairs.pairs),
        info={
            "name": LENS,
            "version": VERSION,
            METADATA: True,
            "values_sha256": _hash(read),
            "variables": [_told(r) for r in read],
            "left_out": left,
            "row_level": row_level(pairs),
            "cautions": list(_cautions(pairs, read, left)),
        },
        unread=_unread(read),
    )


def _unread(read: Sequence[_Read]) -> Any:
    """The cells of rows that do not say it of both sides."""
    from scipy.sparse import csr_matrix

    if all(r.there.all() for r in read):
        return None
    return csr_matrix(np.concatenate([np.tile(~r.there[:, None], len(r.columns)) for r in read], axis=1))


def _hash(read: Sequence[_Read]) -> str:
    digest = hashlib.sha256()
    for r in read:
        digest.update(np.ascontiguousarray(r.values).data)
    return digest.hexdigest()


def _told(r: _Read) -> dict[str, Any]:
    """What audit.json says of a variable; means are over the rows that say it of both sides."""
    out: dict[str, Any] = {"variable": asdict(r.variable), "rows": int(r.there.sum())}
    if r.variable.kind == "amount" and r.there.any():
        chosen, rejected = r.values[:, r.there, 0]
        out |= {
            "chosen_mean": float(chosen.mean()),
            "rejected_mean": float(rejected.mean()),
            "higher_in_chosen": float((chosen > rejected).mean()),
            "lower_in_chosen": float((chosen < rejected).mean()),
        }
    return out


def _cautions(pairs: PairSet, read: Sequence[_Read], left: dict[str, str]) -> Iterator[str]:
    n = len(pairs)
    partly = [f"{r.variable.name} in {n - k:,} of {n:,}" for r in read if 0 < (k := int(r.there.sum())) < n]
    if partly:
        yield (
            f"columns that say nothing of a side in some rows: {_listed(partly)}; effects and shares are over the rows with both"
        )
    for r in read:
        name = f"column {r.variable.name}"
        if not r.there.any():
            yield f"{name} of the earlier audit says nothing of both sides in any row here"
        if r.unreadable:
            what = "no amount that can be compared" if r.variable.kind == "amount" else "neither true nor false"
            yield f"{name}: {what} in {r.unreadable:,} rows, which are left out"
        if r.mixed:
            yield f"{name} holds numbers and other text: each of its values is read as a name"
        yield from _source_of_label(r)
    if left:
        yield f"no concepts of lens '{LENS}': {_left_out(left)}"
    if unsided := _two_answers(pairs.pairs):
        yield unsided


def _source_of_label(r: _Read) -> Iterator[str]:
    if r.variable.kind == "name" or r.there.sum() < fewest(len(r.there)):
        return
    chosen, rejected = r.values[:, r.there, 0]
    more, less = ("higher", "lower") if r.variable.kind == "amount" else ("true", "false")
    for how, share in ((more, (chosen > rejected).mean()), (less, (chosen < rejected).mean())):
        where = "in chosen" if r.variable.kind == "amount" else "of chosen and not of rejected"
        if share > SOURCE_OF_LABEL:
            yield (
                f"{r.variable.name} is {how} {where} in {share:.1%} of the {int(r.there.sum()):,} rows that have it: it is "
                "likely what the label was made from, so its lean says how pairs were made, not what else they teach"
            )


def row_level(pairs: PairSet) -> list[str]:
    """Columns of metadata that hold for the whole pair and whose values can be compared: few of them, or numbers."""
    stems = {stem for p in pairs.pairs for stem in p.sides}
    values: dict[str, Counter[Any]] = defaultdict(Counter)
    for p in pairs.pairs:
        for name, value in p.meta.items():
            values[name][value] += 1
    skipped = {"split"} if pairs.split_column else set()

    def comparable(found: Counter[Any]) -> bool:
        numbers = all(finite(value) is not None for value in found)
        return 1 < len(found) <= (0.5 * found.total() if numbers else MOST_COMPARED)

    return [
        name
        for name, found in values.items()
        if name not in skipped and not stems & stems_of(name) and comparable(found)
    ]


def _two_answers(pairs: Sequence[Pair]) -> str | None:
    """Columns for two answers, of which it is not known which was chosen."""
    stems = {stem for p in pairs for stem in p.sides}
    names = dict.fromkeys(name for p in pairs for name in p.meta)
    found = [a for a in numbered_answers(list(names), about=True) if not stems & stems_of(a[0])]
    if not found:
        return None
    return (
        f"{' and '.join(found[0])} name two answers, but the rows are read as chosen and rejected, so which of them is the "
        f"chosen one's is not known and lens '{LENS}' leaves them out"
    )


def _of_rows(pairs: PairSet) -> str:
    """What there is of metadata that holds for the whole pair, and what to do with it."""
    names = row_level(pairs)
    if not names:
        return ""
    shown = ",".join(names[:NAMED])
    return f"({_listed(names)} hold{'' if len(names) > 1 else 's'} for the whole pair: use --by {shown})"


def _nothing(pairs: PairSet) -> str:
    lead = (
        f"lens '{LENS}': no column of {pairs.name} says something of each side, as chosen_score and rejected_score do"
    )
    if unsided := _two_answers(pairs.pairs):
        return f"{lead}; {unsided}"
    there = _of_rows(pairs)
    known = sorted({name for p in pairs.pairs for name in p.meta})
    if there:
        return f"{lead} {there}"
    if not known:
        return f"{lead}; it has nothing but prompt, answers, id and group"
    return f"{lead}; what it has ({_listed(known)}) holds for the whole pair"


def _left_out(left: dict[str, str]) -> str:
    return _listed([f"{name} ({why})" for name, why in left.items()])


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
