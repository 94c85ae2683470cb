"""The surface lens: rules that read plain text, with no model.

Length, markdown element by element, punctuation, stock phrases, vocabulary and debris. Phrases and the
contractions are English, and do not apply to rows in another language; the rest holds for any script. Counts
are of the whole response without its debris; rates are per 100 words of prose (text outside code), so that
they do not merely follow length.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.data import markup
from offtarget.data.debris import ECHO, OF_ANSWERS, without_echo
from offtarget.data.language import is_english, together
from offtarget.data.pairs import Pair, text_of
from offtarget.lens.features import Column, FeatureMatrix
from offtarget.lens.surface import debris
from offtarget.lens.surface.lexicon import tokenize
from offtarget.lens.surface.phrases import RULES, count
from offtarget.lens.surface.prose import Prose
from offtarget.progress import Steps

VERSION = 3
"""Rises when a rule changes what it counts: results of two versions are not comparable."""

MATTR_WINDOW = 50
TOGETHER = 50
"""Pairs that are read together."""
NAMED_BY = 200
"""Answers of each side by which a kind of debris is named."""


def _column(
    name: str, label: str, unit: str = "count per response", contrast: Literal["presence", "value", "log"] = "presence"
) -> Column:
    return Column(f"surface:{name}", label, unit, contrast)


_RATE = "per 100 words"
_FLAG = "1 if there"

COLUMNS: tuple[Column, ...] = (
    _column("tokens", "length in words and punctuation marks", "tokens", "log"),
    _column("characters", "length in characters", "characters", "log"),
    _column("sentences", "sentences", "sentences", "log"),
    _column("words_per_sentence", "words per sentence", "words", "value"),
    _column("paragraphs", "paragraphs (blocks between blank lines)", "paragraphs", "log"),
    _column("newline_density", "line breaks", "per 100 characters", "value"),
    _column("markdown", "any markdown heading, list or bold", _FLAG),
    _column("bold", "bold text"),
    _column("italic", "italic text"),
    _column("heading", "markdown headings"),
    _column("bullets", "bullet list items"),
    _column("glyph_bullets", "typographic bullets (•), not markdown"),
    _column("numbered", "numbered list items"),
    _column("table", "tables"),
    _column("rule", "horizontal rules"),
    _column("inline_code", "inline code"),
    _column("code_block", "fenced code blocks"),
    _column("blockquote", "block-quoted lines"),
    _column("link", "markdown links"),
    _column("url", "web addresses"),
    _column("bold_opener", "opens with bold text or a heading", _FLAG),
    _column("emoji", "emoji"),
    _column("em_dash", "em-dashes"),
    _column("exclamations", "exclamation marks", contrast="log"),
    _column("questions", "question marks", contrast="log"),
    _column("ellipsis", "ellipses"),
    _column("quotations", "text in double quotation marks", contrast="log"),
    _column("parentheses", "text in parentheses", contrast="log"),
    _column("digits", "digits", "per 100 characters", "value"),
    _column("caps_words", "shouted words in capitals"),
    _column("ends_with_question", "ends with a question", _FLAG),
    _column("hedges", "hedges (perhaps, might, I think)", _RATE, "value"),
    _column("boosters", "certainty and emphasis (definitely, of course)", _RATE, "value"),
    _column("flattery_opener", "praise of the user or the question in the opening words"),
    _column("agreement_opener", "agreement in the opening words (you're right)"),
    _column("compliance_opener", "compliance in the opening words (sure, here is)"),
    _column("follow_up_offer", "offers of more help in the closing words (let me know)"),
    _column("summary_closer", "summing up in the closing words, marked as such (in conclusion, overall)"),
    _column("apology", "apologies (I'm sorry)"),
    _column("refusal", "refusals (I can't help with that)"),
    _column("ai_disclaimer", "speaks of itself as an AI (as an AI, I have no opinions)"),
    _column("professional_referral", "referrals to a professional (see a doctor)"),
    _column("caution", "cautions and notes (it is important to)"),
    _column("empathy", "empathy (I understand how, you are not alone)"),
    _column("first_person", "first person singular (I, my)", _RATE, "value"),
    _column("second_person", "second person (you, your)", _RATE, "value"),
    _column("politeness", "politeness (please, thank you)"),
    _column("transitions", "transitions (however, furthermore)", _RATE, "value"),
    _column("examples", "examples (for example, such as)"),
    _column("attribution", "appeals to sources (according to, studies show)"),
    _column("enthusiasm", "enthusiasm (amazing, wonderful)"),
    _column("profanity", "profanity"),
    _column("negation", "negation", _RATE, "value"),
    _column("contractions", "contractions (don't, it's)", _RATE, "value"),
    _column("mattr", "lexical variety (moving-average type-token ratio)", "share of words", "value"),
    _column("word_length", "word length", "characters per word", "value"),
    _column("other_language", "text in another language than English", _FLAG),
    *(_column(name, label, _FLAG) for name, label in debris.NAMES.items()),
)

_NAMES = tuple(c.id.removeprefix("surface:") for c in COLUMNS)
_RATES = frozenset(n for n, c in zip(_NAMES, COLUMNS, strict=True) if c.unit == _RATE)
PHRASES = frozenset(RULES)
"""Rules that read English alone."""

_PARAGRAPH_END = re.compile(r"\n[ \t]*+(?=\n)")
ELLIPSIS = re.compile(r"…++|(?<!\.)\.{3,}+")
QUOTED = re.compile(r"\"[^\"\n]++\"|“[^“”\n]++”|«[^«»\n]++»|„[^„“”\n]++[“”]|「[^「」\n]++」")
PARENTHESES = re.compile(r"\([^()\n]++\)|（[^（）\n]++）")
_DIGIT = re.compile(r"\d")
_CAPITALS = re.compile("[A-Z]{2}")
"""What is shouted in ASCII has them."""
CONTRACTION = re.compile(
    r"(?:[a-z]+(?:n't|'(?:re|ve|ll|d|m))|(?:it|that|there|here|what|who|where|how|why|when|let|he|she|this)'s)(?:'ve)?"
)
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
    """The same of several texts, which is quicker: each reads one thing of all of them before the next one is read."""
    clean = [debris.read(markup.unify_line_ends(text)) for text in texts]
    marks = [markup.read(text) for _, text in clean]
    views = [Prose(m.prose, m.quoted) for m in marks]
    counts = count(views)
    return [_features(*one) for one in zip(clean, marks, views, counts, strict=True)]


def _features(
    clean: tuple[dict[str, float], str], marks: markup.Markup, view: Prose, counts: Mapping[str, int]
) -> dict[str, float]:
    unmeant, text = clean
    chars = len(text)
    ascii_only = text.isascii()
    prose, tokens = view.text, view.tokens
    words = [t for t in view.lower if t[0].isalnum() or len(t) > 1]
    n_sentences = len(view.sentences)

    found = {name: float(n) for name, n in counts.items()}
    apostrophes = [w for w in words if "'" in w]
    found["contractions"] += sum(1 for w in apostrophes if CONTRACTION.fullmatch(w))
    found["negation"] += sum(1 for w in apostrophes if w.endswith("n't"))
    for name in _RATES:
        found[name] = 100.0 * found[name] / len(words) if words else 0.0

    found |= unmeant | {
        "tokens": len(tokens) if prose == text else len(tokenize(text)),
        "characters": chars,
        "sentences": n_sentences,
        "words_per_sentence": len(words) / n_sentences if n_sentences else 0.0,
        "paragraphs": sum(1 for p in _PARAGRAPH_END.split(text) if p and not p.isspace()),
        "newline_density": 100.0 * text.strip().count("\n") / chars if chars else 0.0,
        "markdown": float(marks.is_marked),
        "bold": marks.bold,
        "italic": marks.italic,
        "heading": marks.headings,
        "bullets": marks.bullets,
        "glyph_bullets": marks.glyph_bullets,
        "numbered": marks.numbered,
        "table": marks.tables,
        "rule": marks.rules,
        "inline_code": marks.inline_code,
        "code_block": marks.code_blocks,
        "blockquote": marks.quote_lines,
        "link": marks.links,
        "url": marks.urls,
        "bold_opener": float(marks.opens_bold),
        "emoji": _count_emoji(text, ascii_only),
        "em_dash": 0 if ascii_only else prose.count("—") + prose.count("―"),
        "exclamations": prose.count("!") + (0 if ascii_only else prose.count("！")),
        "questions": prose.count("?") + (0 if ascii_only else prose.count("？") + prose.count("؟")),
        "ellipsis": len(ELLIPSIS.findall(prose)) if "..." in prose or "…" in prose else 0,
        "quotations": len(QUOTED.findall(prose)),
        "parentheses": len(PARENTHESES.findall(prose)),
        "digits": 100.0 * len(_DIGIT.findall(text)) / chars if chars else 0.0,
        "caps_words": len(shouted(tokens)) if _CAPITALS.search(prose) or not ascii_only else 0,
        "ends_with_question": float(_last_sign(text) in ("?", "？", "؟")),
        "mattr": mattr(words),
        "word_length": sum(map(len, words)) / len(words) if words else 0.0,
        "other_language": float(is_english(text) is False),
    }
    return {name: float(found[name]) for name in _NAMES}


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


def encode(
    pairs: Sequence[Pair], progress: Steps | None = None, known: Mapping[str, list[float]] | None = None
) -> FeatureMatrix:
    """Read all pairs: the last user turn of the prompt, the chosen and the rejected completion.

    Args:
        pairs: rows, in the order the matrix shall have.
        progress: called with rows done and rows in all, every hundred rows.
        known: the values of texts that were read before, in the order of `COLUMNS`.

    Returns:
        Statistic `value` for the spans prompt, chosen and rejected, float64. In rows with a response that is not
        English the rules of `PHRASES` do not apply (`FeatureMatrix.unread`), and `info` says in how many they do. Responses
        that are too short to tell are taken to be in the language of most.
    """
    from scipy.sparse import csr_matrix

    spans = ("prompt", "chosen", "rejected")
    values = {s: np.zeros((len(pairs), len(COLUMNS))) for s in spans}
    echoes, language = _NAMES.index(ECHO), _NAMES.index("other_language")
    of_answers = [_NAMES.index(name) for name in OF_ANSWERS]
    phrases = [i for i, name in enumerate(_NAMES) if name in PHRASES]
    answers: list[list[str]] = []
    seen = dict(known or {})  # sets hold a prompt or a response more than once

    for begin in range(0, len(pairs), TOGETHER):
        if progress and begin % 100 == 0:
            progress(begin, len(pairs))
        rows = list(enumerate(pairs[begin : begin + TOGETHER], begin))
        told_of = [_texts(pair) for _, pair in rows]
        fresh = [text for text in dict.fromkeys(t for row in told_of for t in row[:3]) if text not in seen]
        seen.update(zip(fresh, (list(f.values()) for f in features_of(fresh)), strict=True))
        for (i, pair), (asked, chosen, rejected, echoed) in zip(rows, told_of, strict=True):
            values["prompt"][i] = seen[asked]
            values["prompt"][i, of_answers] = 0.0
            for span, text in (("chosen", chosen), ("rejected", rejected)):
                values[span][i] = seen[text]
                values[span][i, echoes] = span in echoed
            answers.append([text_of(pair.chosen), text_of(pair.rejected)])
    foreign = {span: values[span][:, language] > 0 for span in spans}
    applies = _english_rows(answers, foreign["chosen"] | foreign["rejected"])
    asked_in_english = _english_rows([[_last_user_turn(pair)] for pair in pairs], foreign["prompt"])
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
            "cautions": [told] if told else [],
        },
        unread=_unread(applies, phrases),
    )


def _texts(pair: Pair) -> tuple[str, str, str, set[str]]:
    """What is read of a pair: prompt, chosen and rejected, and the sides that repeat the prompt, read without it."""
    sides = {"chosen": text_of(pair.chosen), "rejected": text_of(pair.rejected)}
    rest = {span: without_echo(pair.prompt, text) for span, text in sides.items()}
    return _last_user_turn(pair), rest["chosen"], rest["rejected"], {s for s in sides if rest[s] is not sides[s]}


def _english_rows(rows: Sequence[Sequence[str]], foreign: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the texts of each row are read as English.

    Rows of which no text tells go by all texts together, and are read as English where those do not tell either.

    Args:
        rows: the texts of each.
        foreign: whether one of them is in another language.
    """
    english = {t: is_english(t) for t in dict.fromkeys(t for texts in rows for t in texts)}
    told: NDArray[np.bool_] = foreign | np.array([any(english[t] for t in texts) for texts in rows], dtype=bool)
    if told.all() or together([t for texts in rows for t in texts]).is_english is not False:
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
        at = _NAMES.index(name)
        out[name] = [
            markup.unify_line_ends(without_echo(pairs[i].prompt, text_of(getattr(pairs[i], side))))
            for side in ("chosen", "rejected")
            for i in np.flatnonzero(values[side][:, at])[:NAMED_BY]
        ]
    return out


def _last_user_turn(pair: Pair) -> str:
    return next((m["content"] for m in reversed(pair.prompt) if m["role"] == "user"), "")


def _count_emoji(text: str, ascii_only: bool) -> int:
    return 0 if ascii_only else sum(1 for _ in EMOJI.finditer(text))


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
