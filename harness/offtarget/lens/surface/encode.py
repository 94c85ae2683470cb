"""The surface lens: rules that read plain text, with no model.

Length, markdown element by element, punctuation, stock phrases, vocabulary and debris. Phrases and the
contractions are English, and do not apply to rows in another language; the rest holds for any script. Counts
are of the whole response without its debris; rates are per 100 words of prose (text outside code), so that
they do not merely follow length.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from offtarget.data import markup
from offtarget.data.debris import ECHO, OF_ANSWERS, without_echo
from offtarget.data.language import Languages, together
from offtarget.data.pairs import Pair, PairSet, text_of
from offtarget.lens.features import FILE_VERSION, LENGTHS, FeatureMatrix, Span
from offtarget.lens.reader import Reader
from offtarget.lens.shards import Shard, Stage, shards
from offtarget.lens.surface import debris
from offtarget.lens.surface.columns import COLUMNS, NAMES, PHRASES
from offtarget.lens.surface.measures import read
from offtarget.progress import Steps

STAGE, VERSION = "surface", 3
"""Rises when a rule changes what it counts: results of two versions are not comparable."""

SPANS: tuple[Span, ...] = ("prompt", "chosen", "rejected")
FILE = "rows.npz"
"""Of a shard."""
TOGETHER = 500
"""Pairs that are read together."""
NAMED_BY = 200
"""Answers of each side by which a kind of debris is named."""


@dataclass(frozen=True, eq=False)
class RowsRead:
    """What the rules read in rows, before what all rows together say of their language."""

    values: dict[Span, NDArray[np.float64]]
    """For the spans prompt, chosen and rejected `(n_rows, n_columns)`."""
    languages: NDArray[np.int8]
    """`(n_rows, 3)`: whether the last user turn, the chosen and the rejected answer are English: 1, 0, or -1 where they do not tell."""

    def save(self, out: Path) -> None:
        """Write it to a folder."""
        with (out / FILE).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, languages=self.languages, **self.values)

    @classmethod
    def load(cls, folder: Path) -> "RowsRead":
        """Read what `save` wrote."""
        with np.load(folder / FILE, allow_pickle=False) as arrays:
            return cls({s: arrays[s] for s in SPANS}, arrays["languages"])


def read_rows(
    pairs: Sequence[Pair], progress: Steps | None = None, known: Mapping[str, list[float]] | None = None
) -> RowsRead:
    """Read the last user turn of the prompt, the chosen and the rejected completion of rows, each by itself.

    Args:
        pairs: rows.
        progress: called with rows done and rows in all, every few hundred rows.
        known: the values of texts that were read before, in the order of `COLUMNS`.
    """
    values = {s: np.zeros((len(pairs), len(COLUMNS))) for s in SPANS}
    spoken = np.full((len(pairs), len(SPANS)), -1, dtype=np.int8)
    echoes = NAMES.index(ECHO)
    languages = Languages()
    seen: dict[str, Any] = dict(known or {})  # sets hold a prompt or a response more than once
    for begin in range(0, len(pairs), TOGETHER):
        if progress:
            progress(begin, len(pairs))
        some = [_texts(pair) for pair in pairs[begin : begin + TOGETHER]]
        fresh = [t for t in dict.fromkeys(row.read[span] for row in some for span in SPANS) if t not in seen]
        seen.update(zip(fresh, read(fresh, languages), strict=True))
        rows = slice(begin, begin + len(some))
        for span in SPANS:
            values[span][rows] = [seen[row.read[span]] for row in some]
            values[span][rows, echoes] = [span in row.echoes for row in some]
        spoken[rows] = [[_told(languages[t]) for t in (row.read["prompt"], *row.answers)] for row in some]
    return RowsRead(values, spoken)


def encode(
    pairs: Sequence[Pair],
    progress: Steps | None = None,
    known: Mapping[str, list[float]] | None = None,
    rows: RowsRead | None = None,
) -> FeatureMatrix:
    """Read all pairs: the last user turn of the prompt, the chosen and the rejected completion.

    Args:
        pairs: rows, in the order the matrix shall have.
        progress: called with rows done and rows in all, every few hundred rows.
        known: the values of texts that were read before, in the order of `COLUMNS`.
        rows: what was read in these rows; None: they are read.

    Returns:
        Statistic `value` for the spans prompt, chosen and rejected, float64. In rows with a response that is not
        English the rules of `PHRASES` do not apply (`FeatureMatrix.unread`), and `info` says in how many they do. Responses
        that are too short to tell are taken to be in the language of most.
    """
    from scipy.sparse import csr_matrix

    rows = read_rows(pairs, progress, known) if rows is None else rows
    values = rows.values
    language = NAMES.index("other_language")
    of_answers = [NAMES.index(name) for name in OF_ANSWERS]
    phrases = [i for i, name in enumerate(NAMES) if name in PHRASES]
    values["prompt"][:, of_answers] = 0.0
    foreign = {span: values[span][:, language] > 0 for span in SPANS}
    asked, answers = [[_last_user_turn(p)] for p in pairs], [[text_of(p.chosen), text_of(p.rejected)] for p in pairs]
    applies = _english_rows(answers, foreign["chosen"] | foreign["rejected"], rows.languages[:, 1:])
    asked_in_english = _english_rows(asked, foreign["prompt"], rows.languages[:, :1])
    for span, read_in in zip(SPANS, (asked_in_english, applies, applies), strict=True):
        values[span][np.ix_(~read_in, np.array(phrases))] = 0.0
    told = debris.language_note(int(applies.sum()), len(pairs), len(phrases), len(COLUMNS))
    return FeatureMatrix(
        lens="surface",
        columns=debris.named(COLUMNS, _holding(pairs, values)),
        values={(s, "value"): csr_matrix(values[s]) for s in SPANS},
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


def inputs_of(pairs: PairSet) -> dict[str, Any]:
    """What decides the features of a set besides `VERSION`, for keys of the store."""
    return {"rows": pairs.rows_sha256, "format": FILE_VERSION, "short texts": "in the language of most"}


def in_shards(pairs: PairSet, reader: Reader) -> list[Shard]:
    """The shards that a large set is read in."""
    whole = reader.store.path(STAGE, VERSION, inputs_of(pairs))

    def read_one(rows: PairSet, own: Reader, out: Path) -> None:
        read_rows(rows.pairs, own.step("surface features")).save(out)

    return shards(pairs, Stage("surface", f"{STAGE}-rows", VERSION), whole, reader, read_one)


def joined(parts: Sequence[Shard], n_rows: int) -> RowsRead:
    """What shards hold, as one; one of them is read at a time."""
    values = {span: np.empty((n_rows, len(COLUMNS))) for span in SPANS}
    languages = np.empty((n_rows, len(SPANS)), dtype=np.int8)
    at = 0
    for part in parts:
        read_in = RowsRead.load(part.make())
        rows = slice(at, at + len(read_in.languages))
        languages[rows] = read_in.languages
        for span in SPANS:
            values[span][rows] = read_in.values[span]
        at = rows.stop
    return RowsRead(values, languages)


def _told(english: bool | None) -> int:
    return -1 if english is None else int(english)


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


def _english_rows(
    rows: Sequence[Sequence[str]], foreign: NDArray[np.bool_], languages: NDArray[np.int8]
) -> NDArray[np.bool_]:
    """Whether the texts of each row are read as English.

    Rows of which no text tells go by all texts together, and are read as English where those do not tell either.

    Args:
        rows: the texts of each.
        foreign: whether one of them is in another language.
        languages: of each text, as in `RowsRead`.
    """
    told: NDArray[np.bool_] = foreign | (languages == 1).any(axis=1)
    if told.all():
        return np.logical_not(foreign)
    known = Languages()
    for texts, of_each in zip(rows, languages.tolist(), strict=True):
        known.update((t, None if x < 0 else bool(x)) for t, x in zip(texts, of_each, strict=True))
    if together([t for texts in rows for t in texts], known).is_english is not False:
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


def _holding(pairs: Sequence[Pair], values: Mapping[Span, NDArray[np.float64]]) -> dict[str, list[str]]:
    """For each kind of debris the first answers of either side that hold it."""
    out: dict[str, list[str]] = {}
    for name in debris.NAMES:
        at = NAMES.index(name)
        out[name] = [
            markup.unify_line_ends(without_echo(pairs[i].prompt, text_of(getattr(pairs[i], side))))
            for side in SPANS[1:]
            for i in np.flatnonzero(values[side][:, at])[:NAMED_BY]
        ]
    return out


def _last_user_turn(pair: Pair) -> str:
    return next((m["content"] for m in reversed(pair.prompt) if m["role"] == "user"), "")
