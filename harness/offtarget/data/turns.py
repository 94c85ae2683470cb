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
_NAMED = re.compile(r"\s*(?:\*\*)?(?!Assistant|ASSISTANT|AI)[A-Z][\w .'’]{0,24}(?:\*\*)? ?:")
_SPEAKER = re.compile(
    r"(?:\#\#\# ?(?:Instruction|Response|Human|Assistant|User|System)|Human|Assistant|USER|ASSISTANT) ?:(?:[ \t]++|(?=\n)|\Z)"
)
"""Speakers as Alpaca, Vicuna and hh-rlhf write them; looked for where a text or a paragraph begins."""
_CLOSERS = "\"'”’»)]*_ \t\n"


def invented_turn(text: str) -> Place | None:
    """Where an answer goes on with a turn of the user: from the speaker's name to the end of the text.

    Args:
        text: with a line feed at every line end.
    """
    if ":" not in text:
        return None
    for m in _USER.finditer(text):
        before = text[: m.start()].rstrip()
        if not before or _is_dialogue(before) or before.rstrip(_CLOSERS)[-1:] in (":", "："):
            return None
        paragraph = text[m.start() - 1 : m.start()] == "\n" or m[0].startswith("\n\n")
        if (paragraph and (m[1] or m[2])) or _ANSWERER.search(text, m.end()) or not text[m.end() :].strip():
            return m.start() + len(m[0]) - len(m[0].lstrip()), len(text)
    return None


def _is_dialogue(text: str) -> bool:
    """Whether a text opens as a dialogue does, with the name of somebody who speaks."""
    return _NAMED.match(text) is not None


def speakers(text: str) -> Iterator[Place]:
    """Names of speakers where a text or a paragraph begins."""
    at = len(text) - len(text.lstrip())
    while at >= 0:
        if m := _SPEAKER.match(text, at):
            yield m.span()
        at = text.find("\n\n", at)
        at = at if at < 0 else at + 2
