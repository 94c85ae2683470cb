"""What the surface lens measures in texts: many are read at once, as arrays over all of their tokens."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from offtarget.data import debris as unmeant
from offtarget.data import markup
from offtarget.data.language import Languages
from offtarget.lens.surface import debris, phrases
from offtarget.lens.surface.batch import Batch
from offtarget.lens.surface.columns import NAMES, RATES
from offtarget.lens.surface.prose import Prose
from offtarget.lens.surface.vocabulary import CAPITALS, CONTRACTED, COUNTED, LONG, NEGATED

MATTR_WINDOW = 50
TOGETHER = 400_000
"""Characters that are read together: more need more memory, fewer more time for each."""

_PARAGRAPH_END = re.compile(r"\n[ \t]*+(?=\n)")
ELLIPSIS = re.compile(r"…++|(?<!\.)\.{3,}+")
QUOTED = re.compile(r"\"[^\"\n]++\"|“[^“”\n]++”|«[^«»\n]++»|„[^„“”\n]++[“”]|「[^「」\n]++」")
PARENTHESES = re.compile(r"\([^()\n]++\)|（[^（）\n]++）")
_CLOSERS = frozenset("\"'”’»)]*_`")

# Emoji: signs shown as pictures by default, text signs asked to be pictures by U+FE0F, a few hearts and
# faces that models write without it, keycaps and flags. A sequence that makes one picture counts once.
_PICTURE = (
    "[\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2639\u263a\u2648-\u2653\u267f\u2693\u26a1"
    "\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b"
    "\u2728\u274c\u274e\u2753-\u2755\u2757\u2764\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55"
    "\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f900-\U0001faff]"
)
_ONE_EMOJI = rf"(?:{_PICTURE}\ufe0f?|[\u00a9\u00ae\u203c-\u3299]\ufe0f)[\U0001f3fb-\U0001f3ff]?"
EMOJI = re.compile(
    rf"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f\u20e3|{_ONE_EMOJI}(?>(?:\u200d(?:{_ONE_EMOJI}|[\u2640\u2642]))*)"
)

_FAR = re.compile("[\u203c-\U0010ffff]")


def features(text: str) -> dict[str, float]:
    """Every surface feature of one text.

    All is read in the text without its debris (`offtarget.data.debris`). Length counts all of that; sentences,
    phrases and punctuation are read in the prose that is left without code, web addresses and markdown markers. A
    line end is one character. The empty text is 0 everywhere.

    Args:
        text: a response or a prompt, in any script.

    Returns:
        Value by name, without the `surface:` of the column id, in the order of `COLUMNS`.
    """
    (found,) = features_of([text])
    return found


def features_of(texts: Sequence[str]) -> list[dict[str, float]]:
    """The same of several texts, which is much quicker than one after another."""
    return [dict(zip(NAMES, row, strict=True)) for row in read(texts).tolist()]


def read(texts: Sequence[str], languages: Languages | None = None) -> NDArray[np.float64]:
    """Every surface feature of texts, shape `(n_texts, n_columns)`.

    Args:
        texts: responses and prompts.
        languages: of texts that are known already; those that are read here join them.
    """
    languages = Languages() if languages is None else languages
    values = np.zeros((len(texts), len(NAMES)))
    for some in _portions(texts):
        values[some] = _read([texts[i] for i in some], languages)
    return values


def _portions(texts: Sequence[str]) -> Iterator[list[int]]:
    """The numbers of texts that are read together: those in ASCII apart from others."""
    portions: dict[bool, tuple[list[int], int]] = {}
    for i, text in enumerate(texts):
        kind = text.isascii()
        some, chars = portions.get(kind, ([], 0))
        if some and chars + len(text) > TOGETHER:
            yield some
            some, chars = [], 0
        some.append(i)
        portions[kind] = (some, chars + len(text))
    yield from (some for some, _ in portions.values())


def _read(texts: Sequence[str], languages: Languages) -> NDArray[np.float64]:
    whole = [markup.unify_line_ends(text) for text in texts]
    found, clean = zip(*unmeant.read_all(whole), strict=True)
    marks = [markup.read(text) for text in clean]
    columns = {name: np.zeros(len(texts)) for name in debris.NAMES}
    for i, kinds in enumerate(found):
        for name in kinds:
            columns[name][i] = 1.0
    columns |= _of_marks(marks) | _of_texts(clean, marks)
    columns["other_language"] = np.fromiter((languages[t] is False for t in clean), float, len(texts))
    ascii_prose = np.fromiter((m.prose.isascii() for m in marks), bool, len(marks))
    of_tokens = {name: np.zeros(len(texts)) for name in NAMES if name not in columns}
    for some in (np.flatnonzero(ascii_prose), np.flatnonzero(~ascii_prose)):
        if len(some):
            for name, values in _of_tokens([clean[i] for i in some], [marks[i] for i in some]).items():
                of_tokens[name][some] = values
    return np.column_stack([(columns | of_tokens)[name] for name in NAMES])


def _of_marks(marks: Sequence[markup.Markup]) -> dict[str, NDArray[np.float64]]:
    """Markdown, by the names of columns."""
    counts = np.array(
        [
            (
                m.is_marked, m.bold, m.italic, m.headings, m.bullets, m.glyph_bullets, m.numbered, m.tables, m.rules,
                m.inline_code, m.code_blocks, m.quote_lines, m.links, m.urls, m.opens_bold,
            )
            for m in marks
        ],
        float,
    )  # fmt: skip
    names = (
        "markdown", "bold", "italic", "heading", "bullets", "glyph_bullets", "numbered", "table", "rule",
        "inline_code", "code_block", "blockquote", "link", "url", "bold_opener",
    )  # fmt: skip
    return dict(zip(names, counts.T, strict=True))


def _of_texts(texts: Sequence[str], marks: Sequence[markup.Markup]) -> dict[str, NDArray[np.float64]]:
    """What is counted sign by sign."""
    rows = np.array([_signs(text, m.prose) for text, m in zip(texts, marks, strict=True)], float)
    names = (
        "characters", "paragraphs", "newline_density", "emoji", "em_dash", "exclamations", "questions", "ellipsis",
        "quotations", "parentheses", "ends_with_question",
    )  # fmt: skip
    return dict(zip(names, rows.T, strict=True))


def _signs(text: str, prose: str) -> tuple[float, ...]:
    chars, ascii_only = len(text), text.isascii()
    lines = "\n" in text
    return (
        chars,
        sum(1 for p in _PARAGRAPH_END.split(text) if p and not p.isspace())
        if lines
        else not (not text or text.isspace()),
        100.0 * text.strip().count("\n") / chars if lines else 0.0,
        0 if ascii_only else count_emoji(text),
        0 if ascii_only else prose.count("—") + prose.count("―"),
        prose.count("!") + (0 if ascii_only else prose.count("！")),
        prose.count("?") + (0 if ascii_only else prose.count("？") + prose.count("؟")),
        len(ELLIPSIS.findall(prose)) if "..." in prose or "…" in prose else 0,
        len(QUOTED.findall(prose)) if '"' in prose or not ascii_only else 0,
        len(PARENTHESES.findall(prose)) if "(" in prose or not ascii_only else 0,
        _last_sign(text) in ("?", "？", "؟"),
    )


def count_emoji(text: str) -> int:
    """Emoji; no text without a sign from U+203C on has one."""
    return len(EMOJI.findall(text)) if _FAR.search(text) else 0


def _of_tokens(texts: Sequence[str], marks: Sequence[markup.Markup]) -> dict[str, NDArray[np.float64]]:
    """What is counted in tokens and sentences, all of ASCII prose or all of other."""
    found = phrases.count([Prose(m.prose, m.quoted) for m in marks])
    batch, words = found.batch, found.vocabulary
    flags = words.flags[found.tokens]
    counted = (flags & COUNTED) > 0
    n_words, n_sentences = batch.sums(counted), batch.n_sentences
    out = {name: found.counts[:, k].astype(float) for k, name in enumerate(phrases.RULES)}
    out["contractions"] += batch.sums((flags & CONTRACTED) > 0)
    out["negation"] += batch.sums((flags & NEGATED) > 0)
    for name in RATES:
        out[name] = _share(100.0 * out[name], n_words)
    n_tokens, n_digits = batch.n_tokens, batch.n_digits
    changed = [i for i, (text, m) in enumerate(zip(texts, marks, strict=True)) if text != m.prose]
    if changed:
        whole = Batch([texts[i] for i in changed])
        n_tokens[changed], n_digits[changed] = whole.n_tokens, whole.n_digits
    lower = words.lower[found.tokens]
    return out | {
        "tokens": n_tokens.astype(float),
        "sentences": n_sentences.astype(float),
        "words_per_sentence": _share(n_words, n_sentences),
        "digits": _share(100.0 * n_digits, np.fromiter(map(len, texts), np.int64, len(texts))),
        "caps_words": _shouted(batch, flags).astype(float),
        "mattr": _mattr(lower[counted], n_words),
        "word_length": _share(batch.sums(np.where(counted, words.length[found.tokens], 0)), n_words),
    }


def _share(part: NDArray[np.generic], whole: NDArray[np.integer]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = np.where(whole > 0, part / np.maximum(whole, 1), 0.0)
    return out


def _shouted(batch: Batch, flags: NDArray[np.int32]) -> NDArray[np.int64]:
    """What `shouted` counts in each text."""
    capital = (flags & CAPITALS) > 0
    beside = np.zeros(len(capital), bool)
    beside[1:] |= capital[:-1]
    beside[:-1] |= capital[1:]
    return batch.sums(capital & (beside | ((flags & LONG) > 0)))


def _mattr(words: NDArray[np.int32], n_words: NDArray[np.int64], window: int = MATTR_WINDOW) -> NDArray[np.float64]:
    """`mattr` of each text.

    A word is new in all windows that it is in and that begin behind the place where it was before, so their number is
    added up word by word.

    Args:
        words: of all texts, by number.
        n_words: of each text.
        window: words per window.
    """
    first = np.concatenate([[0], np.cumsum(n_words)])
    text = np.repeat(np.arange(len(n_words)), n_words)
    place = np.arange(len(words)) - first[text]
    key = text * (int(words.max(initial=0)) + 1) + words
    order = np.argsort(key, kind="stable")
    before = np.full(len(words), -1)
    again = np.flatnonzero(np.diff(key[order]) == 0)
    before[order[again + 1]] = place[order[again]]
    n = n_words[text]
    short = n <= window
    begin = np.maximum(before, np.maximum(place - window, -1)) + 1
    new = np.where(short, before < 0, np.maximum(0, np.minimum(place, n - window) - begin + 1))
    total = np.concatenate([[0], np.cumsum(new)])[first]
    windows = np.where(n_words > window, window * (n_words - window + 1), n_words)
    return _share(np.diff(total), windows)


def mattr(words: Sequence[str], window: int = MATTR_WINDOW) -> float:
    """Moving-average type-token ratio: the mean share of different words over all windows.

    Unlike the plain ratio it does not fall with length. Texts no longer than one window get the plain
    ratio, so for them alone it still does. Source: Covington and McFall, "Cutting the Gordian Knot: The
    Moving-Average Type-Token Ratio (MATTR)", Journal of Quantitative Linguistics 17(2), 2010.

    Args:
        words: words in order, already in one case.
        window: words per window.
    """
    n = len(words)
    if n <= window:
        return len(set(words)) / n if n else 0.0
    counts: dict[str, int] = {}
    for word in words[:window]:
        counts[word] = counts.get(word, 0) + 1
    total = len(counts)
    for leaving, coming in zip(words, words[window:], strict=False):
        if counts[leaving] == 1:
            del counts[leaving]
        else:
            counts[leaving] -= 1
        counts[coming] = counts.get(coming, 0) + 1
        total += len(counts)
    return total / (window * (n - window + 1))


def shouted(tokens: Sequence[str]) -> list[int]:
    """Numbers of the words in capitals of at least five letters, or of at least two beside another such: not NASA or I."""
    capital = [len(t) > 1 and t.isupper() and t.isalpha() for t in tokens]
    if not any(capital):
        return []
    padded = [False, *capital, False]
    beside = zip(tokens, capital, padded, padded[2:], strict=False)
    return [i for i, (t, c, before, after) in enumerate(beside) if c and (len(t) >= 5 or before or after)]


def _last_sign(text: str) -> str:
    """The last character that is not space, closing quote or bracket, emphasis mark or emoji."""
    for char in reversed(text):
        if char.isspace() or char in _CLOSERS:
            continue
        if ord(char) > 127 and unicodedata.category(char) in ("So", "Sk", "Mn", "Cf"):
            continue
        return char
    return ""
