"""A dataset of the user's own after a plan: its rows as they are, left out, with sides changed, or added in its format."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from offtarget.data.asked import RowsAsked
from offtarget.data.loading import load_pairs
from offtarget.data.pairs import Message, Pair, PairSet
from offtarget.data.sides import side_columns
from offtarget.errors import ConfigError

if TYPE_CHECKING:
    from datasets import Dataset, Features

WRITTEN = ("weight", "offset_chosen", "offset_rejected")
"""Columns that a plan adds."""
ONE_PAIR_A_ROW = ("chosen_rejected", "transcript")
"""Shapes whose rows hold one pair, with a column for either side."""

Value = Any
"""What a cell of a dataset holds: text, or messages."""


@dataclass(frozen=True)
class OwnRows:
    """The pairs of a dataset, and where each is in it."""

    dataset: "Dataset"
    pairs: Sequence[Pair]
    rows: Sequence[int]
    """Of each pair, its row in `dataset`."""
    columns: Mapping[str, str] | None
    """prompt (where there is one), chosen, rejected -> column; None where a row is not one pair with two such columns."""

    def row(self, i: int, *, flip: bool) -> dict[str, Value]:
        """The user's own row of a pair; flipped, its two answers change places, with what other columns say of them."""
        row = dict(self.dataset[self.rows[i]])
        for up, down in self._exchanged if flip else ():
            row[up], row[down] = row[down], row[up]
        return row

    @cached_property
    def _exchanged(self) -> frozenset[tuple[str, str]]:
        """Columns of the two sides: the answers, and their scores or other marks."""
        assert self.columns is not None
        kinds = self.dataset.features
        of_sides = {(s.chosen, s.rejected) for s in side_columns(self.dataset.column_names)}
        alike = {(up, down) for up, down in of_sides if kinds[up] == kinds[down]}
        return frozenset({(self.columns["chosen"], self.columns["rejected"]), *alike})

    def writer(self, *, added: bool) -> Callable[[int, Pair, bool], dict[str, Value]]:
        """What gives the row of a pair, from (place in the plan, pair, whether it is flipped).

        Args:
            added: whether the plan keeps pairs that the dataset does not have.

        Raises:
            ConfigError: such pairs cannot be written in its format.
        """
        writers = self._writers() if added else {}
        typed = self.dataset.features.get("id")

        def row(i: int, pair: Pair, flip: bool) -> dict[str, Value]:
            if i < len(self.pairs):
                return self.row(i, flip=flip)
            # ids that are numbers, say: none is that of an added pair
            blank = {"id": None} if typed is not None and typed.dtype != "string" else {}
            return {column: write(pair) for column, write in writers.items()} | blank

        return row

    def features(self, names: Collection[str]) -> "Features":
        """The types of the columns that a shaped dataset has: its own, and those that a plan writes."""
        from datasets import Features, Value

        known = self.dataset.features
        order = [*(["id"] if "id" in names and "id" not in known else []), *(k for k in known if k in names), *WRITTEN]
        return Features({k: known.get(k) or Value("float64" if k in WRITTEN else "string") for k in order})

    def _writers(self) -> dict[str, Callable[[Pair], Value]]:
        """How a pair is written in the format of this dataset, by column: as all its own rows are.

        Raises:
            ConfigError: a column is in a format that is only read.
        """
        assert self.columns is not None
        found: dict[str, Callable[[Pair], Value]] = {}
        for role, column in self.columns.items():
            cells = self.dataset[:][column]
            for write in WRITERS[role]:
                if all(_plain(write(p)) == _plain(cells[i]) for p, i in zip(self.pairs, self.rows, strict=True)):
                    found[column] = write
                    break
            else:
                raise ConfigError(
                    f"the plan adds pairs, and column '{column}' holds {role} in a format that is only read, such as a "
                    "transcript: use apply() without a dataset, which gives messages"
                )
        return found


def own_rows(dataset: "Dataset", planned: PairSet) -> OwnRows:
    """Find the planned pairs in a dataset.

    Raises:
        ConfigError: it is not the dataset that was planned on, or has columns of the names that a plan writes.
    """
    from datasets import Dataset

    if not isinstance(dataset, Dataset):
        _require_same(load_pairs(dataset, **_how(planned.asked)), planned)
        raise ConfigError(f"apply takes a datasets.Dataset, not {type(dataset).__name__}")
    if taken := [c for c in WRITTEN if c in dataset.column_names]:
        raise ConfigError(f"the dataset has a column '{taken[0]}', which the plan would write over: rename it")
    plain = dataset.with_format(None)
    mark = "offtarget_row"
    while mark in plain.column_names:
        mark += "_"
    found = load_pairs(plain.add_column(mark, list(range(len(plain)))), **_how(planned.asked))
    _require_same(found, planned)
    rows = [int(p.meta[mark]) for p in found.pairs]
    columns = _columns(found, plain.column_names)
    return OwnRows(plain, found.pairs, rows, columns if len({*rows}) == len(rows) else None)


def _how(asked: RowsAsked | None) -> dict[str, Any]:
    return {} if asked is None else asked.model_dump(exclude={"data", "card"})


def _require_same(found: PairSet, planned: PairSet) -> None:
    if [_texts(x) for x in found.pairs] == [_texts(x) for x in planned.pairs]:
        return
    if planned.asked is not None and planned.asked.card:
        raise ConfigError(
            f"the planned pairs were read by card {planned.asked.card}, and a dataset in memory is read without one, as "
            "other pairs: make the plan from load_pairs(dataset, columns=...), or use apply() without a dataset"
        )
    raise ConfigError(
        f"this is not the dataset that was planned on ({planned.name}: {len(planned):,} pairs; here "
        f"{len(found):,}): its prompts or answers, or their order, differ; make the plan from it"
    )


def _texts(pair: Pair) -> tuple[Any, Any, Any]:
    return pair.prompt, pair.chosen, pair.rejected


def _columns(found: PairSet, there: Sequence[str]) -> dict[str, str] | None:
    """Role -> column of the dataset; None where a row is not one pair with a column for either side."""
    if found.adapter not in ONE_PAIR_A_ROW:
        return None
    roles = {role: found.columns[role] for role in ("prompt", "chosen", "rejected") if found.columns.get(role) in there}
    return roles if {"chosen", "rejected"} <= {*roles} else None


def _text(messages: Sequence[Message]) -> Value:
    return messages[0]["content"] if len(messages) == 1 else None


WRITERS: dict[str, tuple[Callable[[Pair], Value], ...]] = {
    "prompt": (lambda p: _text(p.prompt), lambda p: list(p.prompt)),
    "chosen": (lambda p: _text(p.chosen), lambda p: list(p.chosen), lambda p: [*p.prompt, *p.chosen]),
    "rejected": (lambda p: _text(p.rejected), lambda p: list(p.rejected), lambda p: [*p.prompt, *p.rejected]),
}
"""Formats that can be written: the text of one turn, messages, and messages with those of the prompt before them."""


def _plain(value: Value) -> Value:
    """A cell without differences of white space, which the reader strips."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return value
