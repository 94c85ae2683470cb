"""The surface lens: rules that read plain text, with no model.

Length, markdown element by element, punctuation, stock phrases, vocabulary and debris. Phrases and the
contractions are English, and do not apply to rows in another language; the rest holds for any script. Counts
are of the whole response without its debris; rates are per 100 words of prose (text outside code), so that
they do not merely follow length.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from offtarget.data import markup
from offtarget.data.debris import ECHO, OF_ANSWERS, without_echo
from offtarget.data.language import Languages, together
from offtarget.data.pairs import Pair, text_of
from offtarget.lens.features import LENGTHS, FeatureMatrix
from offtarget.lens.surface import debris
from offtarget.lens.surface.columns import COLUMNS, NAMES, PHRASES
from offtarget.lens.surface.measures import read
from offtarget.progress import Steps

VERSION = 3
"""Rises when a rule changes what it counts: results of two versions are not comparable."""

TOGETHER = 500
"""Pairs that are read together."""
NAMED_BY = 200
"""Answers of each side by which a kind of debris is named."""


def encode(
    pairs: Sequence[Pair], progress: Steps | None = None, known: Mapping[str, list[float]] | None = None
) -> FeatureMatrix:
    """Read all pairs: the last user turn of the prompt, the chosen and the rejected completion.

    Args:
        pairs: rows, in the order the matrix shall have.
        progress: called with rows done and rows in all, every few hundred rows.
        known: the values of texts that were read before, in the order of `COLUMNS`.

    Returns:
        Statistic `value` for the spans prompt, chosen and rejected, float64. In rows with a response that is not
        English the rules of `PHRASES` do not apply (`FeatureMatrix.unread`), and `info` says in how many they do. Responses
        that are too short to tell are taken to be in the language of most.
    """
    from scipy.sparse import csr_matrix

    spans = ("prompt", "chosen", "rejected")
    values = {s: np.zeros((len(pairs), len(COLUMNS))) for s in spans}
    echoes, language = NAMES.index(ECHO), NAMES.index("other_language")
    of_answers = [NAMES.index(name) for name in OF_ANSWERS]
    phrases = [i for i, name in enumerate(NAMES) if name in PHRASES]
    answers: list[list[str]] = []
    languages = Languages()
    seen: dict[str, Any] = dict(known or {})  # sets hold a prompt or a response more than once

    for begin in range(0, len(pairs), TOGETHER):
        if progress:
            progress(begin, len(pairs))
        some = [_texts(pair) for pair in pairs[begin : begin + TOGETHER]]
        fresh = [t for t in dict.fromkeys(row.read[span] for row in some for span in spans) if t not in seen]
        seen.update(zip(fresh, read(fresh, languages), strict=True))
        rows = slice(begin, begin + len(some))
        for span in spans:
            values[span][rows] = [seen[row.read[span]] for row in some]
            values[span][rows, echoes] = [span in row.echoes for row in some]
        answers += [row.answers for row in some]
    values["prompt"][:, of_answers] = 0.0
    foreign = {span: values[span][:, language] > 0 for span in spans}
    applies = _english_rows(answers, foreign["chosen"] | foreign["rejected"], languages)
    asked_in_english = _english_rows([[_last_user_turn(pair)] for pair in pairs], foreign["prompt"], languages)
    for span, read_in in (("prompt", asked_in_english), ("chosen", applies), ("rejected", applies)):
        values[span][np.ix_(~read_in, np.array(phrases))] = 0.0
    told = debris.language_note(int(applies.sum()), len(pairs), len(phrases), len(COLUMNS))
    return FeatureMatrix(
        lens="surface",
        columns=debris.named(COLUMNS, _holding(pairs, values)),
        values={(s, "value"): csr_matrix(values[s]) for s in ("prompt", "chosen", "rejected")},
        pair_ids=tuple(p.id for p in pairs),
        groups=tuple(p.group for p in pairs),
        info={
            "name": "surface",
            "version": VERSION,
            "features": len(COLUMNS),
            "rows_for_phrases": int(applies.sum()),
            LENGTHS: "surface:characters",
            "cautions": [told] if told else [],
        },
        unread=_unread(applies, phrases),
    )


class _Texts(NamedTuple):
    """The texts of one pair."""

    read: dict[str, str]
    """What is read of its prompt, chosen and rejected."""
    echoes: list[str]
    """The sides that repeat the prompt; they are read without it."""
    answers: list[str]
    """Both sides as they are."""


def _texts(pair: Pair) -> _Texts:
    sides = {"chosen": text_of(pair.chosen), "rejected": text_of(pair.rejected)}
    rest = {span: without_echo(pair.prompt, text) for span, text in sides.items()}
    echoes = [span for span in sides if rest[span] is not sides[span]]
    return _Texts({"prompt": _last_user_turn(pair), **rest}, echoes, [*sides.values()])


def _english_rows(rows: Sequence[Sequence[str]], foreign: NDArray[np.bool_], languages: Languages) -> NDArray[np.bool_]:
    """Whether the texts of each row are read as English.

    Rows of which no text tells go by all texts together, and are read as English where those do not tell either.

    Args:
        rows: the texts of each.
        foreign: whether one of them is in another language.
        languages: of texts.
    """
    told: NDArray[np.bool_] = foreign | np.array([any([languages[t] for t in texts]) for texts in rows], dtype=bool)
    if told.all() or together([t for texts in rows for t in texts], languages).is_english is not False:
        return np.logical_not(foreign)
    return np.logical_and(told, ~foreign)


def _unread(applies: NDArray[np.bool_], phrases: Sequence[int]) -> Any:
    """The cells of phrase rules in rows that they do not apply to; None where they apply to all."""
    from scipy.sparse import csr_matrix

    if applies.all():
        return None
    unread = np.zeros((len(applies), len(COLUMNS)), dtype=bool)
    unread[np.ix_(~applies, np.array(phrases))] = True
    return csr_matrix(unread)


def _holding(pairs: Sequence[Pair], values: Mapping[str, NDArray[np.float64]]) -> dict[str, list[str]]:
    """For each kind of debris the first answers of either side that hold it."""
    out: dict[str, list[str]] = {}
    for name in debris.NAMES:
        at = NAMES.index(name)
        out[name] = [
            markup.unify_line_ends(without_echo(pairs[i].prompt, text_of(getattr(pairs[i], side))))
            for side in ("chosen", "rejected")
            for i in np.flatnonzero(values[side][:, at])[:NAMED_BY]
        ]
    return out


def _last_user_turn(pair: Pair) -> str:
    return next((m["content"] for m in reversed(pair.prompt) if m["role"] == "user"), "")
