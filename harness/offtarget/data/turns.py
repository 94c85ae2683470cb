"""Turns that an answer goes on with by itself: after its own it writes the user's next one, and often an answer to that.

A model does so that was trained on, or sampled from, conversations written as plain text. A dialogue that was asked for
looks alike, so a user's turn counts only behind a finished text that is no dialogue and does not announce one.
"""

import re
from collections.abc import Iterator

Place = tuple[int, int]
"""First character, and the one after the last."""

_USER = re.compile(
    r"\n[ \t]*(?:\*\*)?(?:(\#\#\# ?)(?:Instruction|Input|Human|User)|(Human|HUMAN)|(?:User|USER|user)) ?:(?=\s|\*\*|\Z)"
)
_ANSWERER = re.compile(
    r"\n[ \t]*(?:\*\*)?(?:\#\#\# ?)?(?:Assistant|ASSISTANT|assistant|AI|Bot|Chatbot|Model|ChatGPT|Response|Output) ?:"
)
_NAMED = re.compile(r"\s*(?:\*\*)?(?!Assistant|ASSISTANT|AI|Bot|Chatbot|ChatGPT)[A-Z][\w .'’]{0,24}(?:\*\*)? ?:")
_SPEAKER = re.compile(
    r"(?:\#\#\# ?(?:Instruction|Response|Human|Assistant|User|System)|Human|Assistant|USER|ASSISTANT) ?:(?:[ \t]++|(?=\n)|\Z)"
)
"""Speakers as Alpaca, Vicuna and hh-rlhf write them; looked for where a text or a paragraph begins."""
_FIRST_SPEAKER = re.compile(
    r"(?:AI|Bot|Chatbot|ChatGPT|assistant|<(?:human|user|bot|assistant)>) ?:(?:[ \t]++|(?=\n)|\Z)"
)
"""Others, looked for where a text begins."""
_ABOVE = 200
"""Characters above a turn in which the end of what is there is looked for."""
_CLOSERS = "\"'”’»)]*_ \t\n"


def invented_turn(text: str) -> Place | None:
    """Where an answer goes on with a turn of the user: from the speaker's name to the end of the text.

    Args:
        text: with a line feed at every line end.
    """
    if ":" not in text or _is_dialogue(text):
        return None
    last_answer: int | None = None
    end = len(text.rstrip())
    for m in _USER.finditer(text):
        before = text[max(0, m.start() - _ABOVE) : m.start()].rstrip(_CLOSERS)
        if not before or before[-1] in ":：":
            return None
        if last_answer is None:
            last_answer = max((a.start() for a in _ANSWERER.finditer(text, m.end())), default=-1)
        paragraph = text[m.start() - 1] == "\n"
        if (paragraph and (m[1] or m[2])) or last_answer >= m.end() or m.end() >= end:
            return m.start() + len(m[0]) - len(m[0].lstrip()), len(text)
    return None


def _is_dialogue(text: str) -> bool:
    """Whether a text opens as a dialogue does, with the name of somebody who speaks."""
    return _NAMED.match(text) is not None


def speakers(text: str) -> Iterator[Place]:
    """Names of speakers where a text or a paragraph begins."""
    at = len(text) - len(text.lstrip())
    if m := _FIRST_SPEAKER.match(text, at):
        yield m.span()
    while at >= 0:
        if m := _SPEAKER.match(text, at):
            yield m.span()
        at = text.find("\n\n", at)
        at = at if at < 0 else at + 2
