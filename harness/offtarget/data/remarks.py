"""What is said about a reading: the shape, and what was taken for what."""

from collections import defaultdict
from collections.abc import Iterator

from offtarget.data.adapter_base import Adapter
from offtarget.data.cards import RowColumns
from offtarget.data.collecting import Collector
from offtarget.data.decoding import PROMPT, SERIALISED, Decoder
from offtarget.data.evidence import Census, values_of
from offtarget.data.guessing import Layout, Shapes
from offtarget.data.pairs import prompt_group, spoken
from offtarget.data.rated_rows import told as scored_rows_told
from offtarget.data.row_roles import BY_PROMPT
from offtarget.data.several_answers import ScoredRows


def told(adapter: Adapter, how: str) -> str:
    """An adapter in words: its name, its columns, and who says so."""
    fields = {k: v for k, v in adapter.model_dump().items() if k != "name" and v not in (None, ())}
    columns = ", ".join(f"{k}={'|'.join(map(str, v)) if isinstance(v, tuple | list) else v}" for k, v in fields.items())
    return f"{adapter.model_dump()['name']} ({how}): {columns}"


def only_adapter(shapes: Shapes, collector: Collector) -> Adapter | None:
    """The adapter that read all rows; None where there were several."""
    layouts = _used(shapes, collector)
    return layouts[0].adapter if len(layouts) == 1 else None


def _used(shapes: Shapes, collector: Collector) -> list[Layout]:
    """The layouts by which rows were read; the main one where none was."""
    return [x for x in shapes.layouts if collector.by_shape[id(x)]] or [shapes.main]


def read_as(shapes: Shapes, collector: Collector, how: str) -> str:
    """The shapes by which rows were read, with the number of rows of each where there are several."""
    layouts = _used(shapes, collector)
    if len(layouts) == 1:
        return told(layouts[0].adapter, how)
    return "; ".join(
        told(x.adapter, f"{how}, {collector.by_shape[id(x)]} of them")
        for x in sorted(layouts, key=lambda x: (-collector.by_shape[id(x)], repr(x.adapter)))
    )


def notes(collector: Collector, seen: Census) -> Iterator[str]:
    """What was taken for what, one line each."""
    rules = collector.rules
    used = [x for x in rules.shapes.layouts if collector.by_shape[id(x)]]
    if len(used) > 1:
        names = [str(x.adapter.model_dump()["name"]) for x in used]
        parts = " and ".join(
            f"{collector.by_shape[id(x)]} rows as {_apart(x.adapter, name, names)}"
            for x, name in zip(used, names, strict=True)
        )
        yield f"rows of {len(used)} shapes: {parts}; each was read by its own"
    for layout in used:
        yield from layout.told
        if isinstance(layout.adapter, ScoredRows):
            yield scored_rows_told(layout.adapter)
    yield from _decoded(rules.decoder)
    led_on = sum(not all((*spoken(p.chosen), *spoken(p.rejected))) for p in collector.pairs)
    if led_on:
        yield (
            f"chosen and rejected part before the last turn in {led_on} pairs: of these answers what the assistant says is "
            "read, not the turns of the user or of tools among them"
        )
    columns = rules.columns
    if columns.system and columns.system in seen.whole.columns:
        yield f"system: column {columns.system}, a turn before the prompt"
    if columns.context:
        yield f"context: column {columns.context}, put before the prompt"
    if columns.input and columns.input in seen.whole.columns:
        yield f"input: column {columns.input}, put behind the prompt on its own line"
    if columns.earlier and columns.earlier in seen.whole.columns:
        yield f"earlier turns: column {columns.earlier}, put before the prompt"
    if unit := unit_of(collector):
        yield f"unit: {unit}; `--columns group=prompt` for prompts"
    if columns.id in seen.whole.columns and (columns.id != RowColumns().id or collector.renamed):
        again = f", {len(collector.renamed)} of which came before" if collector.renamed else ""
        yield f"ids: column {columns.id}{again}"
    if columns.split in seen.whole.columns:
        values = list(values_of(seen.whole, columns.split))
        shown = ", ".join(sorted(values)[:6]) or "many values"
        if rules.split_column:
            yield f"splits: column {columns.split} ({shown})"
        else:
            yield (
                f"column {columns.split} holds {shown}: taken as a label of rows, not as splits; "
                f"`--columns split={columns.split}` for splits"
            )


def _apart(adapter: Adapter, name: str, names: list[str]) -> str:
    """The name of a shape, with its columns where another one is called so too."""
    columns = ", ".join(adapter.column_fields().values())
    return f"{name} ({columns})" if names.count(name) > 1 else name


def _decoded(decoder: Decoder) -> Iterator[str]:
    """What texts were taken as conversations, and what was cut off."""
    columns: dict[tuple[str, int], list[str]] = defaultdict(list)
    for (column, form), n in sorted(decoder.seen.items()):
        if form == PROMPT:
            yield f"both answers begin with their prompt in {n} pairs: it was cut off"
        else:
            columns[form, n].append(column)
    for (form, n), names in sorted(columns.items()):
        where = f"column {names[0]}: {n} cells" if len(names) == 1 else f"columns {', '.join(names)}: {n} cells each"
        what = "a conversation as a text of" if form == SERIALISED else "a conversation as running text with"
        yield f"{where} hold {what} {form}; parsed into turns"


def unit_of(collector: Collector) -> str:
    """The column whose values are the unit of splitting and clustering, in words; empty where prompts are."""
    column = collector.rules.columns.group
    if not collector.grouped or column == BY_PROMPT:
        return ""
    n_groups = len({p.group for p in collector.pairs})
    n_prompts = len({prompt_group(p.prompt) for p in collector.pairs})
    return f"column {column}, {n_groups} values ({n_prompts} prompts)"
