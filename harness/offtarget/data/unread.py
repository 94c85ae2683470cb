"""Columns that no shape reads, but that a decision on the pairs should know of: who won, and what the prompt needs."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from offtarget.data import columns as names_of
from offtarget.data.cards import RowColumns
from offtarget.data.collecting import Collector
from offtarget.data.evidence import OTHER, TALK, Census, shown_of, values_of
from offtarget.data.guessing import Shapes
from offtarget.data.labels import read_winner
from offtarget.data.pairs import Pair, prompt_group, text_of
from offtarget.data.polarity import choice_named
from offtarget.data.several_answers import Lists
from offtarget.data.shapes import ChosenRejected
from offtarget.data.winners import LabelRule, Unclear
from offtarget.errors import DataError

_LONG = 60
"""Mean characters from which a text column is no label."""
_PHRASE = 3
"""Mean words from which it may be one that the prompt needs, whatever its name."""
_SOME = 5
"""Prompts within which it must change then."""
_ALIKE = 0.3
"""Share of the words of two texts that are in both (Jaccard) from which on they say much the same."""
_LOOKED_AT = 500
_WORD = re.compile(r"\w+")


def cautions(collector: Collector, given: Mapping[str, str], ignored: Sequence[str], seen: Census) -> Iterator[str]:
    """What a decision on the pairs should know of the reading."""
    yield from _unread_winner(collector.rules.shapes, given, ignored, seen)
    yield from _unread_context(collector.pairs, collector.rules.columns, ignored)


def _unread_winner(shapes: Shapes, given: Mapping[str, str], ignored: Sequence[str], seen: Census) -> Iterator[str]:
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
        marks = names_of.side_marks(answers)
        named = [c for c in seen.whole.columns if choice_named(c, marks)]
        for label in [c for c in named if not names_of.has_counterpart(c, marks, seen.whole.columns)]:
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
        if len(found) < 0.5 * len(pairs) or not (known or (words >= _PHRASE and not names_of.speaks_about(name))):
            continue
        changes, prompts = _changes_within(pairs, name)
        ways = f"--columns context={name} puts it before the prompt"
        if changes and (known or changes >= max(_SOME, 0.5 * prompts)):
            said = (
                f"column {name} changes within {changes} of the {prompts} prompts that come more than once, and is not read: "
                "rows that differ in it count as one prompt"
            )
            if not known and _is_answer(pairs, name):
                yield (
                    f"{said}; it reads like another answer: --columns ignore={name} goes on without it; were it part of the prompt, "
                    f"context={name} would put it before that"
                )
            else:
                yield f"{said}; {ways}, system={name} makes it a system turn, ignore={name} goes on without it"
        elif known and length >= _LONG:
            yield (
                f"column {name} (text, {length:.0f} characters) is not read; if the answers rest on it, {ways}, if not, "
                f"ignore={name} goes on without it"
            )


def _is_answer(pairs: Sequence[Pair], column: str) -> bool:
    """Whether most texts of a column share a good part of their words with one of the two answers of their row."""
    alike = n = 0
    for p in pairs[:_LOOKED_AT]:
        text = p.meta.get(column)
        if not isinstance(text, str):
            continue
        own, n = _words(text), n + 1
        sides = [_words(text_of(side)) for side in (p.chosen, p.rejected)]
        alike += any(len(own & s) >= _ALIKE * len(own | s) > 0 for s in sides)
    return alike > 0.5 * n


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


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
