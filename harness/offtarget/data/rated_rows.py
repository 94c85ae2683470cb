"""Tables with one answer a row and a score of it, several rows a prompt: which columns these are, and the rows put together."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from offtarget.data import columns as names_of
from offtarget.data.adapter_base import said_by
from offtarget.data.amounts import amount_of
from offtarget.data.cells import Row, cell_of, has, is_empty
from offtarget.data.evidence import CONTENT, TALK, TEXT, Census
from offtarget.data.guessing import Layout
from offtarget.data.identity import normalise
from offtarget.data.located import BadRow, LocatedRow
from offtarget.data.nested import LOW, is_amount
from offtarget.data.several_answers import ScoredRows, Several
from offtarget.data.sides import SCORE_WORDS
from offtarget.errors import ConfigError, DataError

ANSWERS = ("completion", "response", "output", "answer", "reply", "generation", "text", "chosen")
"""What the column of the one answer of a row is called."""
_ROLES = frozenset({"prompt", "responses", "scores", "ranks", "pairs", "pairing"})
_RIVALS = 0.2
"""Share of rows with another row of the same prompt from which on a table is taken for such, unless a person says so."""


def asked_for(roles: Mapping[str, str], seen: Census) -> bool:
    """Whether a person named one column as that of the answers, and its cells hold one answer each."""
    answer = seen.whole.columns.get(roles.get("responses", ""))
    return answer is not None and answer.kind in (TEXT, TALK) and set(roles) <= _ROLES


def rated_rows(roles: Mapping[str, str], seen: Census, rows: Iterable[LocatedRow]) -> Layout | None:
    """How a table with one answer and its score a row is read; None where it is no such table.

    Args:
        roles: field -> column, as the person said.
        seen: all rows.
        rows: the same, to see which prompts come more than once.

    Raises:
        ConfigError: the person said what cannot be.
        DataError: it is one, and several columns may be the score.
    """
    if not set(roles) <= _ROLES:
        return None
    told = asked_for(roles, seen)
    content = seen.whole.names(*CONTENT)
    if not told and (names_of.preference_pairs(content) or names_of.numbered_answers(content)):
        return None
    answers = [roles["responses"]] if told else names_of.named(seen.whole.names(TEXT, TALK), ANSWERS)
    prompts = [roles["prompt"]] if "prompt" in roles else names_of.named(content, names_of.PROMPT)
    prompts = [c for c in prompts if c not in answers[:1]]
    if not answers or not prompts:
        return None
    scores = [roles[r] for r in ("scores", "ranks") if r in roles] or _scores(seen)
    if not scores or not (told or _rivals(prompts[0], rows)):
        return None
    if len(scores) > 1 and not roles.keys() & {"scores", "ranks"}:
        raise DataError(
            f"one answer a row ({answers[0]}), several rows a prompt, and several columns that may be its score "
            f"({', '.join(scores)}); say which with --columns responses={answers[0]},scores={scores[0]} (the highest is the "
            f"best) or --columns responses={answers[0]},ranks={scores[0]} (the lowest is)"
        )
    by_rank = "ranks" in roles or ("scores" not in roles and bool(set(names_of.words_of(scores[0])) & LOW))
    named = {"ranks" if by_rank else "scores": scores[0]}
    if roles.keys() >= {"scores", "ranks"}:
        named = {r: roles[r] for r in ("scores", "ranks")}
    pairs = roles.get("pairs", roles.get("pairing", "best_worst"))
    try:
        adapter = ScoredRows.model_validate({"prompt": prompts[0], "response": answers[0], **named, "pairs": pairs})
    except ValueError as e:
        raise ConfigError(f"--columns: {said_by(e)}") from None  # type: ignore[arg-type]
    return Layout(adapter)


def _scores(seen: Census) -> list[str]:
    """Columns of numbers whose names say that they are scores or ranks."""
    words = SCORE_WORDS | LOW
    return [
        c
        for c, column in seen.whole.columns.items()
        if column.n and set(names_of.words_of(c)) & words and is_amount(seen.whole, c)
    ]


def _rivals(prompt: str, rows: Iterable[LocatedRow]) -> bool:
    """Whether many rows have another row of the same prompt."""
    counts = Counter(_key(row, (prompt,)) for _, row in rows if not isinstance(row, BadRow))
    return sum(n for n in counts.values() if n > 1) > _RIVALS * max(counts.total(), 1)


def told(adapter: ScoredRows) -> str:
    """One line on how such a table is read."""
    column, top = (adapter.scores, "highest") if adapter.scores else (adapter.ranks, "lowest")
    which = {
        "best_worst": f"the answer with the {top} is chosen, the one at the other end rejected, one pair a prompt; "
        "`--columns pairs=all` compares every two that differ",
        "best": f"the answer with the {top} is preferred to each other one",
        "all": f"every answer is preferred to each with a {'lower' if adapter.scores else 'higher'} one",
    }[adapter.pairs]
    return (
        f"one answer a row ({adapter.response}) with its {'score' if adapter.scores else 'rank'} ({column}): rows of one "
        f"prompt were put together, {which}"
    )


def by_prompt(rows: Iterable[LocatedRow], adapter: ScoredRows, apart: Sequence[str]) -> Iterator[LocatedRow]:
    """One row a prompt, where its first row is; what differs between the rows of a prompt is a list with one for each.

    Args:
        rows: one answer each.
        adapter: how they are read.
        apart: columns besides the prompt whose rows are put together only where they agree.
    """
    found: dict[str, list[tuple[str, Row]]] = {}
    for where, row in rows:
        if isinstance(row, BadRow) or not all(has(row, c) for c in adapter.needed()) or not _is_scored(row, adapter):
            yield where, row  # what is wrong with it is said of it alone
            continue
        found.setdefault(_key(row, (adapter.prompt, *apart)), []).append((where, row))
    for members in found.values():
        together = [row for _, row in members]
        columns = dict.fromkeys(c for row in together for c in row)
        cells = {c: [row.get(c) for row in together] for c in columns}
        varied = {
            c: v for c, v in cells.items() if c in adapter.needed()[1:] or any(_text(x) != _text(v[0]) for x in v[1:])
        }
        varied.pop(adapter.prompt, None)
        yield members[0][0], {**together[0], **{c: Several(v) for c, v in varied.items()}}


def _is_scored(row: Row, adapter: ScoredRows) -> bool:
    value = cell_of(row, adapter.needed()[2])
    return not is_empty(value) and amount_of(value) is not None


def _key(row: Row, columns: Sequence[str]) -> str:
    return json.dumps([_text(cell_of(row, c)) if has(row, c) else None for c in columns])


def _text(value: Any) -> str:
    return normalise(value) if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
