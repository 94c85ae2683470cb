"""What a set is made of by metadata, in sentences and tables: a lean that one source teaches and another takes back."""

from collections.abc import Mapping
from dataclasses import dataclass

from offtarget.audit.context_records import Context, MetadataColumn, MetadataValue, ValueEffect
from offtarget.audit.records import Audit
from offtarget.data.pairs import Pair, text_of
from offtarget.report.amounts import in_unit, parts
from offtarget.report.claims import brief

STATEMENTS = 5
"""Sentences about one column."""
BALANCED = 0.5
"""How large the smaller of two opposite leans must be beside the larger for it to be asked whether labels were turned."""
PROMPT_CHARACTERS = 60


@dataclass(frozen=True)
class Head:
    """A concept's column of a table."""

    title: str
    unit: str
    """Of its effects in the record."""

    @property
    def shown(self) -> str:
        """The unit that its cells are shown in."""
        return parts(0.0, self.unit)[1]

    def cell(self, value: float) -> str:
        """One of its effects as a number in that unit."""
        return parts(value, self.unit)[0]


@dataclass(frozen=True)
class Composition:
    """The table of one metadata column."""

    column: MetadataColumn
    heads: tuple[Head, ...]
    statements: tuple[str, ...]
    n_rows: int
    rest_values: int
    """Values that the record does not list."""
    rest_rows: int


def compositions(audit: Audit) -> list[Composition]:
    """One table for each column of metadata that was asked for, but for those with a value for nearly each row."""
    concepts = {c.id: c for c in audit.concepts}
    out = []
    for column in audit.metadata:
        if column.n_values > audit.dataset.n_pairs / 2:
            continue
        listed = sum(v.n for v in column.values)
        out.append(
            Composition(
                column,
                tuple(Head(brief(concepts[m].title), concepts[m].evidence.effect_unit) for m in column.concepts),
                tuple(statements(audit, column)),
                audit.dataset.n_pairs,
                column.n_values - len(column.values),
                audit.dataset.n_pairs - listed,
            )
        )
    return out


def statements(audit: Audit, column: MetadataColumn, most: int = STATEMENTS) -> list[str]:
    """How the main concepts differ between the values of a column; those whose lean turns around come first.

    Each names the values of the largest and the smallest effect among those that differ from all other rows (q below
    0.05); where that is one value, the mean of the other rows is beside it.

    Args:
        audit: the record.
        column: one of its metadata columns.
        most: how many sentences.
    """
    concepts = {c.id: c for c in audit.concepts}
    in_all = {h.concept: h.effect for h in audit.hypotheses if h.view == "overall"}
    elsewhere = {(h.concept, h.context): h.outside_mean for h in audit.hypotheses if h.view == "metadata"}
    found: list[tuple[bool, str]] = []
    for m in column.concepts:
        apart = [(e, v) for v in column.tested for e in v.effects if e.concept == m and e.q is not None and e.q < 0.05]
        if not apart:
            continue
        high = max(apart, key=lambda t: t[0].effect)
        low = min(apart, key=lambda t: t[0].effect)
        unit = concepts[m].evidence.effect_unit
        turns = high[0].ci[0] > 0 > low[0].ci[1]
        if high is low:
            other = elsewhere.get((m, high[1].context))
            text = _where(column, unit, *high) + (
                f", {in_unit(other, unit)} in the other rows" if other is not None else ""
            )
        else:
            first, second = sorted((high, low), key=lambda t: -abs(t[0].effect))
            text = f"{_where(column, unit, *first)}, {_where(column, unit, *second)}"
        whole = f"; {in_unit(in_all[m], unit)} in all" if m in in_all else ""
        sizes = abs(high[0].effect), abs(low[0].effect)
        if turns and min(sizes) >= BALANCED * max(sizes):
            whole += ". It turns round: a matter of taste, or of labels the wrong way round"
        found.append((turns, f"{_capital(brief(concepts[m].title))}: {text}{whole}."))
    found.sort(key=lambda t: not t[0])
    return [text for _, text in found[:most]]


def _where(column: MetadataColumn, unit: str, effect: ValueEffect, value: MetadataValue) -> str:
    return f"{in_unit(effect.effect, unit)} where {column.name} is {value.value}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def typical_prompts(context: Context, by_id: Mapping[str, Pair]) -> tuple[str, ...]:
    """The typical prompts of a context, shortened; none where the rows are not there."""
    return tuple(shortened(text_of(by_id[i].prompt[-1:])) for i in context.typical if i in by_id)


def shortened(text: str, limit: int = PROMPT_CHARACTERS) -> str:
    """The first words of a text on one line, with an ellipsis where something is left out."""
    words = " ".join(text.split())
    if len(words) <= limit:
        return words
    cut = words[: limit - 1].rsplit(" ", 1)[0]
    return (cut if len(cut) > limit / 2 else words[: limit - 1]).rstrip(",;:.") + "…"


def told(context: Context, by_id: Mapping[str, Pair]) -> str:
    """A context's name, and what its prompts are like where the rows are there."""
    like = " and ".join(f"“{t}”" for t in typical_prompts(context, by_id))
    return f"{context.title}: prompts like {like}" if like else context.title
