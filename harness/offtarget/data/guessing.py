"""Which shape the rows of a file have, from all of them; checked again on each row when it is read.

Rows in which other columns are filled may have another shape: each such kind of row is decided by itself, so the order
of the rows makes no difference.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from pydantic import ValidationError

from offtarget.data import columns as names_of
from offtarget.data import labels
from offtarget.data.adapter_base import ALIASES, Adapter, said_by
from offtarget.data.adapters import tried
from offtarget.data.cells import Row, cell_of, label_key
from offtarget.data.evidence import (
    CONTENT,
    NUMBER,
    TALK,
    TEXT,
    TEXTS,
    Census,
    Column,
    Evidence,
    filled,
    key_of,
    values_of,
)
from offtarget.data.polarity import BETTER, WORSE, choice_named
from offtarget.data.serialised import texts_of
from offtarget.data.several_answers import Lists, OneOfMany, RatedTurns, ScoredList
from offtarget.data.shapes import ChosenRejected, Transcript, TwoResponses
from offtarget.data.transcripts import HH, parse_as
from offtarget.errors import ConfigError

FITS = 0.95
"""Share of sampled rows that a shape must read to be taken before any other is tried."""
_FEW_ROWS = 10
"""Rows below which it cannot be seen whether a column holds few different values."""
_TRIED = 100
"""Rows on which a shape is tried."""
_MANY = {"responses", "choice", "options", "scores", "ranks", "pairs"}


@dataclass(frozen=True)
class Layout:
    """One shape, and what was taken for what in it."""

    adapter: Adapter
    told: tuple[str, ...] = ()
    share: float = 0.0
    """Share of a sample of rows that it reads; 0 where it was not tried."""


@dataclass
class Shapes:
    """The shapes of a file: one for each set of filled columns that fits one, and one for all other rows."""

    main: Layout
    by_key: dict[frozenset[str], Layout] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    """What keeps rows of other columns from being read by their own shape."""

    def of(self, row: Row) -> Layout:
        """The shape of a row."""
        if not self.by_key:
            return self.main
        return self.by_key.get(key_of(filled(row)), self.main)

    @property
    def layouts(self) -> list[Layout]:
        """All that are used, the main one first."""
        out = [self.main]
        for layout in self.by_key.values():
            if layout not in out:
                out.append(layout)
        return out


@dataclass(frozen=True)
class NoShape:
    """Nothing fits: what is there of what is needed."""

    unclear: tuple[str, ...] = ()
    """Labels that may mean one thing or the opposite."""
    preferred: tuple[str, str] | None = None
    """Columns of the better and the worse answer, where there are such names."""
    answers: tuple[str, ...] = ()
    """Columns of answers to choose between."""


def decide(seen: Census, roles: Mapping[str, str]) -> Shapes | NoShape:
    """The shapes of a file.

    Args:
        seen: all its rows.
        roles: field of an adapter -> column, as the person said.

    Raises:
        ConfigError: a role that no shape has.
    """
    given = {ALIASES.get(k, k): v for k, v in roles.items()}
    whole = seen.whole
    found = _layout(whole, whole, given)
    unknown = isinstance(found, NoShape) and not found.unclear and not _in_mappings(found.preferred)
    if unknown and not given and (named := _by_names(seen)):
        found = named
    if len(seen.by_key) < 2:
        return found if isinstance(found, NoShape) else Shapes(found)
    by_key: dict[frozenset[str], Layout] = {}
    unread: list[str] = []
    for key, rows in seen.by_key.items():
        fits = isinstance(found, Layout) and tried(_some(rows), found.adapter) >= FITS
        layout = found if fits else _of_key(rows, whole, given)
        if isinstance(layout, Layout):
            by_key[key] = layout
        elif layout.unclear:
            unread.append(f"{rows.n} rows are not read by their own shape: {layout.unclear[0]}")
    if not by_key:
        return found if isinstance(found, NoShape) else Shapes(found)
    counts: Counter[str] = Counter()
    same: dict[str, Layout] = {}
    for key, layout in by_key.items():
        by_key[key] = same.setdefault(repr(layout.adapter), layout)
        counts[repr(layout.adapter)] += seen.by_key[key].n
    main = same[max(counts, key=lambda a: (counts[a], a))]
    return Shapes(main, {k: v for k, v in by_key.items() if v is not main}, tuple(unread))


def _of_key(rows: Evidence, whole: Evidence, given: Mapping[str, str]) -> Layout | NoShape:
    """The shape of rows that fill the same columns, which the shape of the whole does not read.

    What the person said of columns that these rows leave empty is about other rows; chosen and rejected answers are read
    then, but no other label is followed than the one that was named.
    """
    if not given or set(given.values()) & rows.columns.keys():
        return _layout(rows, whole, given, sure=True)
    layout = _layout(rows, whole, {}, sure=True)
    if isinstance(layout, Layout) and not isinstance(layout.adapter, ChosenRejected | Lists | Transcript):
        return NoShape()
    return layout


def _some(evidence: Evidence) -> list[Row]:
    """Rows drawn with a fixed seed: every n-th row would be all or none of those that come at regular distances."""
    n = len(evidence.rows)
    return [evidence.rows[i] for i in sorted(Random(0).sample(range(n), min(n, _TRIED)))]  # noqa: S311


def _layout(evidence: Evidence, whole: Evidence, given: Mapping[str, str], *, sure: bool = False) -> Layout | NoShape:
    """The first shape that reads nearly all rows of a sample; else that which reads most.

    Args:
        evidence: the rows in question.
        whole: all rows of the file, for what labels mean.
        given: field -> column, as the person said.
        sure: whether a shape that reads less than half of the rows is none.
    """
    rows = _some(evidence)
    problems: list[str] = []
    first: Layout | None = None
    best: Layout | None = None
    for layout in _candidates(evidence, whole, given, problems):
        share = tried(rows, layout.adapter)
        layout = replace(layout, share=share)
        if share >= FITS:
            return layout
        first = first or layout
        if best is None or share > best.share:
            best = layout
    if best is not None and best.share >= (0.5 if sure else 1e-9):
        return best
    pairs = names_of.preference_pairs(_content(evidence))
    answers = [a for a in names_of.numbered_answers(_content(evidence)) if all(map(names_of.is_plain, a))]
    if first is not None and not sure and _has_prompt(first.adapter):
        return first  # its rows say what is wrong with them
    return NoShape(tuple(dict.fromkeys(problems)), pairs[0] if pairs else None, answers[0] if answers else ())


def _in_mappings(pair: tuple[str, str] | None) -> bool:
    """Whether the answers are entries of mappings: `chosen.text`."""
    return pair is not None and all("." in column for column in pair)


def _by_names(seen: Census) -> Layout | None:
    """The shape that names alone say, whose rows will say what is wrong with them."""
    pairs = names_of.preference_pairs(seen.header)
    if not pairs:
        return None
    chosen, rejected = pairs[0]
    prompts = _likely_prompts(seen.whole, [c for c in seen.header if c not in pairs[0]])
    talks = all(c in seen.whole.names(TALK) for c in pairs[0])
    if not prompts and not talks:
        return None
    return Layout(ChosenRejected(prompt=prompts[0] if prompts else None, chosen=chosen, rejected=rejected))


def _has_prompt(adapter: Adapter) -> bool:
    return getattr(adapter, "prompt", None) is not None or isinstance(adapter, Transcript | RatedTurns)


def _content(evidence: Evidence) -> list[str]:
    return evidence.names(*CONTENT)


def _candidates(evidence: Evidence, whole: Evidence, given: Mapping[str, str], problems: list[str]) -> Iterator[Layout]:
    """Shapes that the names of the columns suggest, the likeliest first."""
    roles = set(given)
    if roles & labels.FIELDS:
        yield from _two(evidence, whole, given, problems)
        return
    if roles & _MANY:
        adapter = _one_of_many(given)
        taken = adapter.model_copy(update={"prompt": None}).used_columns()
        for prompt in _prompts(evidence, given, list(taken)):
            yield Layout(adapter.model_copy(update={"prompt": prompt}))
        return
    if "history" in roles:
        yield Layout(RatedTurns().with_columns(dict(given)))
        return
    if roles & {"chosen", "rejected", "pairing"}:
        yield from _preferred(evidence, given, likely=None)
        return
    yield from _preferred(evidence, given, likely=True)
    yield from _two(evidence, whole, given, problems)
    best = list(_many(evidence, whole, given, problems))
    yield from best
    if not problems and not best:  # columns chosen and rejected that hold labels are no answers
        yield from _preferred(evidence, given, likely=False)
    history = evidence.columns.get("conversation_history")
    if history is not None and not roles - {"prompt"}:
        yield Layout(RatedTurns())


def _one_of_many(given: Mapping[str, str]) -> OneOfMany | ScoredList:
    """The shape of several answers, by what the person said: answers in columns, or a list of them in one.

    Raises:
        ConfigError: they cannot be that.
    """
    if "|" not in given.get("responses", "|"):
        return _scored_list(given)
    if choice_named(given.get("choice", "")) == WORSE:
        raise ConfigError(
            f"--columns choice={given['choice']}: by its name the column holds the worse answer; choice is the column of the best one"
        )
    fields = {k: v.split("|") if k in ("responses", "options", "scores") else v for k, v in given.items()}
    try:
        return OneOfMany.model_validate(fields)
    except ValidationError as e:
        raise ConfigError(
            f"--columns: {said_by(e)}; several are written with bars, such as responses=r1|r2|r3"
        ) from None


def _scored_list(given: Mapping[str, str]) -> ScoredList:
    if given.keys().isdisjoint(("scores", "ranks")):
        raise ConfigError(
            f"--columns responses={given['responses']}: one column, of a list of answers or of one answer a row, needs their "
            "scores beside it: scores=NAME (the highest is best) or ranks=NAME (the lowest is). Answers in several columns are "
            "written with bars: responses=r1|r2|r3"
        )
    try:
        return ScoredList.model_validate({"prompt": None, **given})
    except ValidationError as e:
        raise ConfigError(f"--columns: {said_by(e)}") from None


def _prompts(evidence: Evidence, given: Mapping[str, str], taken: Sequence[str]) -> list[str | None]:
    """Columns that may hold the prompt, the likeliest first, and None: it may be within the answers."""
    if "prompt" in given:
        return [given["prompt"]]
    free = [c for c in _content(evidence) if c not in taken]
    return [*_likely_prompts(evidence, free), None]


def _likely_prompts(evidence: Evidence, columns: Sequence[str]) -> list[str]:
    """Columns by the name of a prompt; one that many kinds of thing are called (task) must hold many different texts."""
    sure = names_of.named(columns, names_of.SURE_PROMPT)
    few = evidence.n < _FEW_ROWS
    likely = [c for c in columns if c in sure or few or _is_answer(evidence.columns.get(c))]
    return names_of.named(likely, names_of.PROMPT)


def _preferred(evidence: Evidence, given: Mapping[str, str], *, likely: bool | None) -> Iterator[Layout]:
    """Shapes with a column of better and one of worse answers.

    Args:
        evidence: the rows.
        given: what the person said.
        likely: only pairs of columns whose cells look (or do not look) like answers, rather than labels; None for all.
    """
    pairs = names_of.preference_pairs(_content(evidence))
    if "chosen" in given or "rejected" in given:
        known = [p for p in pairs if given.get("chosen", p[0]) == p[0] and given.get("rejected", p[1]) == p[1]]
        pairs = known or [(given.get("chosen", "chosen"), given.get("rejected", "rejected"))]
    for chosen, rejected in pairs:
        if likely is not None and all(_is_answer(evidence.columns.get(c)) for c in (chosen, rejected)) != likely:
            continue
        fields = {**given, "chosen": chosen, "rejected": rejected}
        for prompt in _prompts(evidence, given, (chosen, rejected)):
            adapter: Adapter = ChosenRejected(prompt=prompt)
            if "pairing" in given or all(_is_list(evidence, c) for c in (chosen, rejected)):
                adapter = Lists(prompt=prompt)
            elif prompt is None and all(_is_hh(evidence, c) for c in (chosen, rejected)):
                adapter = Transcript()
            yield Layout(adapter.with_columns({k: v for k, v in fields.items() if k != "prompt"}))


def _is_answer(column: Column | None) -> bool:
    """Whether cells look like answers, not like labels, names or marks."""
    if column is None or column.kind in (TALK, TEXTS):
        return True
    if column.values and all(len(v) <= 2 for v in column.values):
        return False
    return column.values is None or len(column.values) > 0.2 * column.n or column.mean_chars > 25


def _is_list(evidence: Evidence, column: str) -> bool:
    found = evidence.columns.get(column)
    if found is None or found.kind == TEXTS:
        return found is not None
    cells = [cell_of(r, column) for r in evidence.rows]
    texts = [c for c in cells if isinstance(c, str)]
    return len(texts) == len(cells) > 0 and all(texts_of(t) for t in texts)


def _is_hh(evidence: Evidence, column: str) -> bool:
    cells = [cell_of(r, column) for r in evidence.rows]
    texts = [c for c in cells if isinstance(c, str)]
    if len(texts) < FITS * len(cells):
        return False  # some are lists of messages, and the shape of those reads such texts too
    return bool(texts) and sum(parse_as(t, HH) is not None for t in texts) >= 0.5 * len(texts)


def _two(evidence: Evidence, whole: Evidence, given: Mapping[str, str], problems: list[str]) -> Iterator[Layout]:
    """Shapes with two answers and a column that says who won."""
    pairs = [a for a in names_of.numbered_answers(_content(evidence)) if len(a) == 2]
    if "response_a" in given or "response_b" in given:
        fits = [p for p in pairs if given.get("response_a", p[0]) == p[0] and given.get("response_b", p[1]) == p[1]]
        pairs = fits or [(given.get("response_a", "response_a"), given.get("response_b", "response_b"))]
    for answers in pairs:
        for rule in labels.rules(answers, evidence, whole, given, problems):
            for prompt in _prompts(evidence, given, answers):
                fields = {**rule.fields, "prompt": prompt, "response_a": answers[0], "response_b": answers[1]}
                yield Layout(TwoResponses(**fields), (rule.told,) if rule.told else ())


def _many(evidence: Evidence, whole: Evidence, given: Mapping[str, str], problems: list[str]) -> Iterator[Layout]:
    """Shapes with three or more answers and a column that names the best one."""
    if set(given) - {"prompt"}:
        return
    for answers in names_of.numbered_answers(_content(evidence)):
        if len(answers) < 3:
            continue
        marks = names_of.side_marks(answers)
        named = [c for c in evidence.names(TEXT, NUMBER) if choice_named(c, marks) == BETTER]
        found = {c: options for c in named if (options := _options(answers, marks, values_of(whole, c)))}
        if conflict := _differ(found, evidence.rows):
            problems.append(conflict)
            continue
        for label in [*names_of.named(found, names_of.LABEL), *found][:1]:
            named_by: tuple[int | str, ...] = tuple(found[label])
            for prompt in _prompts(evidence, given, answers):
                told = f"column {label} names the best of {', '.join(answers)}"
                adapter = OneOfMany(prompt=prompt, responses=tuple(answers), choice=label, options=named_by)
                yield Layout(adapter, (told,))


def _options(answers: Sequence[str], marks: Sequence[str], values: Mapping[str, int]) -> list[str]:
    """How a label names several answers; empty where it holds something else."""
    known = [v for v in values if v]
    options = list(marks) if set(known) <= set(marks) else [_option(a, known) for a in answers]
    return options if known and set(known) <= set(options) else []


def _differ(found: Mapping[str, Sequence[str]], rows: Sequence[Row]) -> str | None:
    """What to say where columns name different answers as the best one; None if they do not."""
    apart = 0
    for row in rows:
        places = {
            options.index(key) for label, options in found.items() if (key := label_key(cell_of(row, label))) in options
        }
        apart += len(places) > 1
    if not apart:
        return None
    return (
        f"columns {', '.join(found)} name different answers as the best in {apart} of the {len(rows)} rows looked at; name "
        "the one that counts: --columns responses=A|B|C,choice=NAME (adapter one_of_many)"
    )


def _option(answer: str, values: Sequence[str]) -> str:
    """The value by which a label means an answer: its name, or the end of it."""
    words = names_of.words_of(answer)
    ends = [v for v in values if names_of.words_of(v) and words[-len(names_of.words_of(v)) :] == names_of.words_of(v)]
    return ends[0] if ends else answer
