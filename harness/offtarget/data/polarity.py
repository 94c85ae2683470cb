"""Whether words speak of the better of two answers or of the worse: the name of a column, or what a label says."""

from collections.abc import Iterable, Sequence

from offtarget.data.columns import LABEL, named, parted

BETTER, WORSE = 1, -1
_BETTER = {
    "winner", "winners", "winning", "win", "wins", "won", "preferred", "prefer", "prefers", "preferable", "better", "best",
    "chosen", "accepted", "accept", "favored", "favoured", "favorite", "favourite", "favor", "favors", "superior", "good",
    "positive", "pos", "beats", "beat",
}  # fmt: skip
_WORSE = {
    "loser", "losers", "losing", "lose", "loses", "lost", "rejected", "reject", "rejects", "rejection", "worse",
    "worst", "inferior", "bad", "negative", "neg", "discarded", "discard", "eliminated", "eliminate", "dropped", "dismissed",
    "declined", "refused", "excluded", "defeated", "beaten", "disliked", "runner",
}  # fmt: skip
_ASKS = {
    "label", "labels", "choice", "choices", "chose", "choose", "vote", "voted", "verdict", "judgment", "judgement",
    "judgments", "judgements", "decision", "selection", "selected", "select", "pick", "picked", "preference", "preferences",
    "pref", "prefs",
}  # fmt: skip
"""Words for a choice, which is of the better answer unless other words say otherwise."""
_NOT = {"not", "non", "un", "dis", "less", "least", "never", "isn", "isnt"}
_SECOND = {"second", "2nd"}
_AMOUNTS = {
    "score", "scores", "rating", "ratings", "rank", "ranks", "ranking", "tokens", "length", "len", "reward", "rewards",
    "logps", "count", "strength", "margin", "rate", "elo", "avg", "mean", "confidence", "votes", "loss", "degree",
}  # fmt: skip
_ASIDE = {
    "reason", "rationale", "explanation", "feedback", "critique", "type", "style", "language", "lang", "url", "prompt",
    "question", "source", "time", "date", "agreement", "category", "group", "set", "round", "dimension", "version", "arm",
    "condition", "variant", "batch", "split", "order", "by",
}  # fmt: skip
"""Words for what is told of a choice, or of an answer, and is not the choice."""


def is_amount_of(column: str) -> bool:
    """Whether a name says that a column holds amounts, such as scores or ranks."""
    return bool(set(parted(column)) & _AMOUNTS)


def lean(words: Iterable[str]) -> int:
    """`BETTER` or `WORSE`, by words that mean one of the two; 0 where none does or both are named.

    Each negation turns the meaning round, also one that is written together with its word: less preferred, unchosen.
    """
    found: set[int] = set()
    sign = 1
    for word in words:
        if word in _NOT:
            sign = -sign
        elif meaning := _meaning(word):
            found.add(meaning)
    return sign * found.pop() if len(found) == 1 else 0


def _meaning(word: str) -> int:
    for known, meaning in ((_BETTER, BETTER), (_WORSE, WORSE)):
        if word in known:
            return meaning
    for prefix in ("non", "not", "un", "dis", "less", "least"):
        rest = word.removeprefix(prefix)
        if rest != word and (rest in _BETTER or rest in _ASKS):
            return WORSE
    return 0


def choice_named(column: str, marks: Sequence[str] = ()) -> int:
    """Whether the name of a column says that it names the better answer (`BETTER`) or the worse; 0 if neither.

    Args:
        column: the name.
        marks: the words that tell the answers apart; where `second` is one, it does not mean a second choice.
    """
    words = parted(column)
    usual = bool(named([column], LABEL))
    if set(words) & (_AMOUNTS | _ASIDE) and not usual:
        return 0
    both = {_meaning(w) for w in words} >= {BETTER, WORSE}
    found = lean(words)
    if not found and not both and (usual or set(words) & _ASKS):
        found = BETTER * (-1) ** sum(w in _NOT for w in words)
    if not set(words) & _SECOND:
        return found
    if "second" in marks:  # a second choice, or a choice of the second
        return found if lean(words) else 0
    return -found


def is_firm(column: str) -> bool:
    """Whether a name that says who won hardly means anything else: `winner`, and not `target` or `result`."""
    words = parted(column)
    return bool(set(words) & _ASKS) or any(map(_meaning, words))
