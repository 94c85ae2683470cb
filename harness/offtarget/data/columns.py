"""What columns are usually called, by role: names alone; whether the cells fit is for others to see."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

PROMPT = (
    "prompt", "input.messages", "question", "instruction", "query", "prompts", "user_prompt", "user_query",
    "user_message", "user_input", "question_text", "prompt_text", "request", "messages", "conversations",
    "conversation", "dialogue", "chat", "input", "context", "history", "post", "problem", "task",
    "first_turn_prompt", "human", "user", "prompt_messages",
)  # fmt: skip
"""Columns of the prompt, the surest first."""
SURE_PROMPT = (
    "prompt",
    "question",
    "instruction",
    "query",
    "messages",
    "conversations",
    "conversation",
    "input.messages",
)
"""Those of them that mean nothing else, however few different prompts there are."""
SYSTEM = ("system", "system_prompt", "system_message", "system_instruction", "sys", "sys_prompt")
CONTEXT = (
    "context", "contexts", "persona", "personas", "document", "documents", "passage", "background", "profile",
    "user_profile", "character", "scenario", "reference_text", "article", "knowledge", "facts", "evidence",
    "source_text", "instruction_context", "system_context", "memory", "role_description", "table", "schema",
    "code_context", "preamble",
)  # fmt: skip
"""Columns that a prompt may not be understood without."""
LABEL = (
    "label", "labels", "winner", "preferred", "preference", "better_response_id", "better_response", "better",
    "choice", "chosen", "chosen_response", "selected", "selection", "vote", "verdict", "judgment",
    "judgement", "decision", "outcome", "result", "human_preference", "human_pref", "human_label",
    "human_choice", "annotator_preference", "annotation", "gold", "gold_label", "target", "answer",
    "overall_preference", "preference_label", "preferred_response", "preferred_answer", "which_better",
    "best", "winning", "picked", "rating", "preference_strength", "user_preference", "pref", "winner_id",
    "preferred_id", "is_a_better", "final_preference",
)  # fmt: skip
"""Columns that say which of two answers won."""
WINNER = (
    "label", "labels", "winner", "preferred", "preference", "better_response_id", "better_response", "better",
    "choice", "vote", "verdict", "human_preference", "human_pref", "human_label", "human_choice",
    "annotator_preference", "preference_label", "preferred_response", "preferred_answer", "which_better",
    "user_preference", "pref", "winner_id", "preferred_id", "final_preference",
)  # fmt: skip
"""Those of them that hardly mean anything else."""
_WON = {
    "chosen", "winner", "winning", "win", "won", "preferred", "preference", "better", "accepted", "accept",
    "selected", "good", "positive", "pos", "best", "favored", "favoured", "w",
}  # fmt: skip
_LOST = {
    "rejected", "reject", "loser", "losing", "lose", "lost", "dispreferred", "nonpreferred", "unpreferred",
    "worse", "unaccepted", "unselected", "bad", "negative", "neg", "worst", "disfavored", "disfavoured", "l",
    "discarded", "inferior", "unchosen", "nonchosen", "nonselected", "eliminated",
}  # fmt: skip
_CONTENT = {
    "response", "responses", "answer", "answers", "output", "outputs", "completion", "completions", "text",
    "message", "messages", "reply", "replies", "content", "summary", "conversation", "conversations", "turns",
    "y", "generation", "dialogue", "ref", "human", "first", "turn",
}  # fmt: skip
_ASIDE = {
    "score", "scores", "rating", "ratings", "model", "models", "source", "id", "ids", "name", "rank",
    "tokens", "length", "len", "reward", "rewards", "logps", "policy", "avg", "mean", "count", "votes",
    "reason", "rationale", "explanation", "feedback", "critique", "judge", "annotator", "author", "prompt",
    "question", "type", "label", "strength", "margin", "style", "language", "lang", "url", "win", "rate",
    "elo", "vote",
}  # fmt: skip
"""Words that say that a column speaks about an answer and is none."""
_WRITERS = {"model", "models", "source", "policy", "author", "name", "id", "ids"}
_JUDGES = {
    "judge",
    "judges",
    "annotator",
    "annotators",
    "rater",
    "labeler",
    "labeller",
    "reviewer",
    "label",
    "vote",
    "votes",
}
_SIDES = (
    ("a", "b", "c", "d", "e", "f"), ("1", "2", "3", "4", "5", "6"), ("0", "1", "2", "3", "4", "5"), ("left", "right"),
    ("first", "second", "third", "fourth"), ("one", "two", "three", "four"),
)  # fmt: skip
_MARKS = {"a", "b", "left", "right", "first", "second"}


@lru_cache(maxsize=4096)
def may_have_role(column: str) -> bool:
    """Whether a name is like those of prompts, answers, labels or what goes with a prompt."""
    words = set(words_of(column))
    usual = (*PROMPT, *SYSTEM, *LABEL)
    return bool(words & (_WON | _LOST | _CONTENT | _MARKS) - _ASIDE) or bool(named([column], usual))


def parted(column: str) -> list[str]:
    """The words of a name in lower case as they are written: "notChosen" -> not, chosen."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Z])(?=[0-9])", " ", column)
    return [w for w in re.split(r"[^A-Za-z0-9]+", apart.lower()) if w]


@lru_cache(maxsize=4096)
def words_of(column: str) -> tuple[str, ...]:
    """The words of a column's name in lower case: "ChosenResponse", "chosen-response" -> (chosen, response)."""
    words = parted(column)
    merged: list[str] = []
    for word in words:
        if merged and merged[-1] in ("non", "not", "dis", "un"):
            merged[-1] = "non" + word if merged[-1] in ("non", "not") else merged[-1] + word
        else:
            merged.append(word)
    return tuple("nonpreferred" if w == "notpreferred" else w for w in merged)


def named(columns: Iterable[str], names: Sequence[str]) -> list[str]:
    """The columns whose names are among some, in the order of those."""
    by_words = {words_of(n): i for i, n in enumerate(names)}
    found = [(by_words[words_of(c)], c) for c in columns if words_of(c) in by_words]
    return [c for _, c in sorted(found)]


def preference_pairs(columns: Sequence[str]) -> list[tuple[str, str]]:
    """(chosen, rejected) columns whose names differ in one word that says who won; the plainest names first."""
    found = []
    for one in columns:
        for other in columns:
            a, b = words_of(one), words_of(other)
            if one == other or len(a) != len(b):
                continue
            apart = [i for i in range(len(a)) if a[i] != b[i]]
            if len(apart) != 1 or a[apart[0]] not in _WON or b[apart[0]] not in _LOST:
                continue
            rest = [w for i, w in enumerate(a) if i != apart[0]]
            if set(rest) & _ASIDE:
                continue
            plain = (a, b) != (("chosen",), ("rejected",))
            found.append(((plain, sum(w not in _CONTENT for w in rest), len(rest)), (one, other)))
    return [pair for _, pair in sorted(found, key=lambda x: x[0])]


def numbered_answers(columns: Sequence[str], *, about: bool = False) -> list[tuple[str, ...]]:
    """Columns that hold answers to choose between, as a/b, 1/2, left/right: sets of two or more, the plainest first.

    Args:
        columns: all names.
        about: look for columns that speak about the answers (model_a, score_a) instead of the answers.
    """
    found: dict[tuple[str, ...], tuple[int, int, int]] = {}
    for kind, marks in enumerate(_SIDES):
        stems: dict[tuple[str, ...], dict[str, str]] = {}
        for column in columns:
            words = words_of(column)
            for i, word in enumerate(words):
                if word in marks:
                    stems.setdefault((*words[:i], "*", *words[i + 1 :]), {})[word] = column
        for stem, by_mark in stems.items():
            rest = set(stem) - {"*"}
            aside = rest & _ASIDE - ({"model", "models", "human"} if rest & _CONTENT else set())
            members = [by_mark[m] for m in marks if m in by_mark]
            whole = len(members) >= 2 and all(m in by_mark for m in marks[: len(members)])
            if whole and bool(aside) is about:
                found.setdefault(tuple(members), (sum(w not in _CONTENT for w in rest), len(rest), kind))
    ranked = sorted(found, key=lambda m: found[m])
    return [m for m in ranked if not any(set(m) < set(o) for o in ranked)]


def has_counterpart(column: str, marks: Sequence[str], columns: Iterable[str]) -> bool:
    """Whether a column speaks of one of two answers and another column says the same of the other: rank_1 and rank_2."""
    words = words_of(column)
    others = {words_of(c) for c in columns if c != column}
    turned = {m: o for m, o in zip(marks, reversed(marks), strict=True) if m}
    return any((*words[:i], turned[w], *words[i + 1 :]) in others for i, w in enumerate(words) if w in turned)


def names_writer(column: str) -> bool:
    """Whether a name says that a column names who or what wrote an answer (model_a), and not who judged it."""
    words = set(words_of(column))
    return bool(words & _WRITERS) and not words & _JUDGES


def is_plain(column: str) -> bool:
    """Whether a name, or that of an entry, has only words that answers are called by: response_a, not user_pushback_1."""
    own = words_of(column.rpartition(".")[2])
    return all(w in _CONTENT or any(w in marks for marks in _SIDES) for w in own)


def side_marks(members: Sequence[str]) -> list[str]:
    """The words in which the names of some answers differ: response_a, response_b -> a, b."""
    words = [words_of(m) for m in members]
    apart = [i for i in range(len(words[0])) if any(w[i] != v[i] for w, v in pairwise(words))]
    return [w[apart[0]] for w in words] if apart else ["" for _ in words]


def speaks_about(column: str) -> bool:
    """Whether a name says that a column speaks about answers (a rationale, a score) and is no part of them."""
    return bool(set(words_of(column)) & _ASIDE)


def looks_like_header(cells: Sequence[str]) -> bool:
    """Whether the cells of a line are names of columns of pairs."""
    names = list(dict.fromkeys(c.strip() for c in cells if c.strip()))
    return bool(named(names, PROMPT) and (preference_pairs(names) or numbered_answers(names)))
