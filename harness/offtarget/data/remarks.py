"""What is said about a reading: what was taken for what, and what a decision on the pairs should know."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from offtarget.data import columns as names_of
from offtarget.data.cards import RowColumns
from offtarget.data.collecting import BY_PROMPT, Collector
from offtarget.data.decoding import PROMPT, SERIALISED, Decoder, last_turn, repeated
from offtarget.data.drops import WARNED
from offtarget.data.evidence import OTHER, TALK, TEXT, Census, shown_of, values_of
from offtarget.data.guessing import Shapes, read_winner
from offtarget.data.messages import Drop
from offtarget.data.pairs import Pair, prompt_group
from offtarget.data.serialised import looks_like_talk
from offtarget.data.shapes import Adapter, ChosenRejected, Lists, cell_of
from offtarget.data.splits import is_split_name
from offtarget.data.transcripts import FORMS, Marks, alternates, parse, parse_as
from offtarget.data.winners import LabelRule, Unclear
from offtarget.errors import DataError

_ALL = 0.95
_MOSTLY = 0.5
_MANY = 0.2
_NEARLY_ALL = 0.9
_LONG = 60
"""Mean characters from which a text column is no label."""
_PHRASE = 3
"""Mean words from which it may be one that the prompt needs, whatever its name."""
_SOME = 5
"""Prompts within which it must change then."""


def decoder_of(shapes: Shapes, seen: Census, cautions: list[str]) -> Decoder:
    """How the texts of a file are to be taken, by a sample of its rows; what is unclear goes to `cautions`."""
    cells: dict[str, list[str]] = defaultdict(list)
    n = both = both_short = 0
    plain = Decoder()
    for row in seen.whole.rows:
        try:
            candidates = shapes.of(row).adapter.candidates(row)
        except (Drop, DataError):
            continue
        for c in candidates[:1]:
            for column, cell in zip(c.columns, (c.prompt, c.chosen, c.rejected), strict=True):
                if isinstance(cell, str):
                    cells[column].append(cell)
            if c.columns[0] and isinstance(c.chosen, str) and isinstance(c.rejected, str):
                n += 1
                taken, chosen, rejected = plain.candidate(c.prompt, (c.chosen, c.rejected), c.columns)
                if isinstance(chosen, str) and isinstance(rejected, str):
                    both += repeated(c.prompt, last_turn(taken), chosen, rejected) is not None
                    both_short += (
                        repeated(c.prompt, last_turn(taken), chosen, rejected, short=True) is not None
                    )
    written = frozenset(
        column for column, texts in cells.items() if sum(map(looks_like_talk, texts)) >= _MOSTLY * len(texts)
    )
    unsure = {column: marks for column, texts in cells.items() if (marks := _marks(column, texts, cautions))}
    if n and WARNED < both / n < _MANY:
        cautions.append(
            f"both answers begin with their prompt in {both / n:.0%} of the rows looked at: they are read as they are"
        )
    return Decoder(
        unsure,
        written,
        cut=n > 0 and both_short >= _MANY * n,
        cut_short=n > 0 and both_short >= _NEARLY_ALL * n,
    )


def _marks(column: str, texts: Sequence[str], cautions: list[str]) -> Marks | None:
    """Marks of plain words that nearly all texts of a column use; where a part of them does, a caution says so."""
    texts = [t for t in texts if parse(t) is None]
    for marks in FORMS:
        if marks.sure or not texts:
            continue
        talks = [parse_as(t, marks) for t in texts]
        n = sum(t is not None and alternates(t) for t in talks)
        if n >= _ALL * len(texts):
            return marks
        if n > max(1, WARNED * len(texts)):
            cautions.append(
                f"column {column}: {n} of {len(texts)} texts looked at are written as a conversation ({marks.shown}), the "
                "others are not; all are read as plain text"
            )
            return None
    return None


def row_columns(
    given: Mapping[str, str], stated: RowColumns | None, shapes: Shapes, seen: Census, split: str | None
) -> RowColumns:
    """Which columns speak of a row as a whole.

    Args:
        given: role -> column, as the person said.
        stated: what a card says; then nothing is guessed.
        shapes: the shapes of the rows; columns that they read are not taken twice.
        seen: all rows.
        split: the split that was asked for.
    """
    if stated is not None:
        return stated.model_copy(update=dict(given))
    used: set[str] = set().union(*(layout.adapter.used_columns() for layout in shapes.layouts))
    free = [c for c in seen.whole.names(TEXT, TALK) if c not in used and c not in given.values()]
    guessed: dict[str, str] = {}
    systems = names_of.named(free, names_of.SYSTEM)
    if systems:
        guessed["system"] = systems[0]
    prompts = {str(getattr(layout.adapter, "prompt", "")).lower() for layout in shapes.layouts}
    if "instruction" in prompts and (inputs := names_of.named(free, ("input",))):
        guessed["input"] = inputs[0]
    earlier = [
        c for c in seen.whole.columns if c.lower() == "history" and c not in used and _is_earlier(seen, c)
    ]
    if earlier:
        guessed["earlier"] = earlier[0]
    return RowColumns(**{**guessed, **given})


def _is_earlier(seen: Census, column: str) -> bool:
    cells = [cell_of(r, column) for r in seen.whole.rows if r.get(column)]
    return bool(cells) and all(
        isinstance(cell, list) and all(isinstance(x, list) and len(x) == 2 for x in cell) for cell in cells
    )


def holds_splits(columns: RowColumns, given: Mapping[str, str], seen: Census, split: str | None) -> bool:
    """Whether the split column holds splits: by what it is called in the call, or by its values."""
    if split is not None or "split" in given:
        return True
    return all(map(is_split_name, values_of(seen.whole, columns.split)))


def told(adapter: Adapter, how: str) -> str:
    """An adapter in words: its name, its columns, and who says so."""
    fields = {k: v for k, v in adapter.model_dump().items() if k != "name" and v not in (None, ())}
    columns = ", ".join(
        f"{k}={'|'.join(map(str, v)) if isinstance(v, tuple | list) else v}" for k, v in fields.items()
    )
    return f"{adapter.model_dump()['name']} ({how}): {columns}"


def read_as(shapes: Shapes, collector: Collector, how: str) -> str:
    """The shapes by which rows were read, with the number of rows of each where there are several."""
    layouts = [x for x in shapes.layouts if collector.by_shape[id(x)]] or [shapes.main]
    if len(layouts) == 1:
        return told(layouts[0].adapter, how)
    return "; ".join(
        told(x.adapter, f"{how}, {collector.by_shape[id(x)]} of them")
        for x in sorted(layouts, key=lambda x: (-collector.by_shape[id(x)], repr(x.adapter)))
    )


def notes(collector: Collector, given: Mapping[str, str], seen: Census) -> Iterator[str]:
    """What was taken for what, one line each."""
    rules = collector.rules
    used = [x for x in rules.shapes.layouts if collector.by_shape[id(x)]]
    if len(used) > 1:
        parts = " and ".join(
            f"{collector.by_shape[id(x)]} rows as {x.adapter.model_dump()['name']}" for x in used
        )
        yield f"rows of {len(used)} shapes: {parts}; each was read by its own"
    for layout in used:
        yield from layout.told
    yield from _decoded(rules.decoder)
    columns = rules.columns
    if columns.system and columns.system in seen.whole.columns:
        yield f"system: column {columns.system}, a turn before the prompt"
    if columns.context:
        yield f"context: column {columns.context}, put before the prompt"
    if columns.input and columns.input in seen.whole.columns:
        yield f"input: column {columns.input}, put behind the prompt on a line of its own"
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


def _decoded(decoder: Decoder) -> Iterator[str]:
    """What texts were taken as conversations, and what was cut off."""
    columns: dict[tuple[str, int], list[str]] = defaultdict(list)
    for (column, form), n in sorted(decoder.seen.items()):
        if form == PROMPT:
            yield f"both answers begin with their prompt in {n} pairs: it was cut off"
        else:
            columns[form, n].append(column)
    for (form, n), names in sorted(columns.items()):
        where = (
            f"column {names[0]}: {n} cells"
            if len(names) == 1
            else f"columns {', '.join(names)}: {n} cells each"
        )
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


def cautions(
    collector: Collector, given: Mapping[str, str], ignored: Sequence[str], seen: Census
) -> Iterator[str]:
    """What a decision on the pairs should know of the reading."""
    yield from _unread_winner(collector.rules.shapes, given, ignored, seen)
    yield from _unread_context(collector.pairs, collector.rules.columns, ignored)


def _unread_winner(
    shapes: Shapes, given: Mapping[str, str], ignored: Sequence[str], seen: Census
) -> Iterator[str]:
    """Columns that say who won and that no shape reads.

    Raises:
        DataError: the person named two answers as chosen and rejected, and such a column says otherwise.
    """
    read: set[str] = set().union(*(layout.adapter.used_columns() for layout in shapes.layouts))
    for layout in shapes.layouts:
        adapter = layout.adapter
        if not isinstance(adapter, ChosenRejected | Lists):
            continue
        answers = (adapter.chosen, adapter.rejected)
        numbered = any(set(answers) <= set(s) for s in names_of.numbered_answers(list(seen.whole.columns)))
        used = read | set(ignored) | set(given.values())
        for label in names_of.named(seen.whole.columns, names_of.LABEL):
            values = values_of(seen.whole, label)
            usual = bool(names_of.named([label], names_of.WINNER)) and set(values) <= {"-1", "0", "1", "2"}
            if label in used or seen.whole.columns[label].kind in (TALK, OTHER):
                continue
            rule = read_winner(label, answers, seen.whole, seen.whole.rows)
            if not isinstance(rule, LabelRule) and not (isinstance(rule, Unclear) and usual):
                continue
            says = isinstance(rule, LabelRule) and _names_them(rule, answers)
            if (numbered and "chosen" in given) or says:
                if isinstance(rule, LabelRule) and not rule.fields.get("b_wins", True):
                    continue
                raise DataError(
                    f"column {label} says who won and would not be read, since {answers[0]} is taken as the better answer of every "
                    f"row. Use --columns a={answers[0]},b={answers[1]},label={label} to follow it, or ignore={label} if it means "
                    "something else"
                )
            if len(values) > 1:
                written = shown_of(seen.whole, label)
                most = sorted(values.items(), key=lambda x: -x[1])[:4]
                shown = ", ".join(f"{written.get(v, v)} in {n}" for v, n in most)
                yield (
                    f"column {label} ({shown} rows) may say who won and is not read: {answers[0]} is taken as the better answer "
                    f"throughout; --columns ignore={label} if it means something else"
                )


def _names_them(rule: LabelRule, answers: tuple[str, str]) -> bool:
    """Whether a label speaks of the two columns by their names."""
    labels = (*rule.fields.get("a_wins", ()), *rule.fields.get("b_wins", ()))
    names = {names_of.words_of(a) for a in answers}
    return bool(labels) and all(names_of.words_of(str(v)) in names for v in labels)


def _unread_context(pairs: Sequence[Pair], columns: RowColumns, ignored: Sequence[str]) -> Iterator[str]:
    """Text columns that go with the prompt, that no shape reads: the model that is trained never sees them."""
    texts: dict[str, list[str]] = defaultdict(list)
    for p in pairs:
        for name, value in p.meta.items():
            if isinstance(value, str) and name not in ignored and name != columns.split:
                texts[name].append(value)
    usual = set(names_of.named(texts, names_of.CONTEXT))
    for name, found in texts.items():
        words, length = (sum(f(t) for t in found) / len(found) for f in (lambda t: len(t.split()), len))
        known = name in usual
        if len(found) < 0.5 * len(pairs) or not (
            known or (words >= _PHRASE and not names_of.speaks_about(name))
        ):
            continue
        changes, prompts = _changes_within(pairs, name)
        if changes and (known or changes >= max(_SOME, 0.5 * prompts)):
            yield (
                f"column {name} changes within {changes} of the {prompts} prompts that come more than once, and is not read: "
                f"rows that differ in it count as one prompt; --columns context={name} puts it before the prompt, "
                f"system={name} makes it a system turn"
            )
        elif known and length >= _LONG:
            yield (
                f"column {name} (text, {length:.0f} characters) is not read; if the answers rest on it, "
                f"--columns context={name} puts it before the prompt"
            )


def _changes_within(pairs: Sequence[Pair], column: str) -> tuple[int, int]:
    """(prompts within which a column of the metadata changes, prompts that come more than once)."""
    found: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for p in pairs:
        key = prompt_group(p.prompt)
        counts[key] += 1
        found[key].add(str(p.meta.get(column)))
    repeated_prompts = [k for k, n in counts.items() if n > 1]
    return sum(len(found[k]) > 1 for k in repeated_prompts), len(repeated_prompts)
