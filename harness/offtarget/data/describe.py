"""What a set looks like before any test: lengths, turns, markdown."""

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median

from offtarget.data.code_lines import has_fence, without_code
from offtarget.data.debris import own_text
from offtarget.data.pairs import Message, Pair, text_of
from offtarget.records import Record

_MARKDOWN = re.compile(r"(?m)^[ \t]*+(?:#{1,6}[ \t]|[-*][ \t]|\d+\.[ \t])|\*\*[^*\n]+\*\*")


class Description(Record):
    """Descriptive statistics of a set of pairs.

    Lengths are characters, those of the answers without debris (`debris.own_text`); shares are of pairs.
    """

    n_pairs: int
    n_groups: int
    largest_group: int
    """Pairs in the group that has most: the rows are not independent where this is large."""
    prompt_chars: float
    """Median over pairs, all turns of the prompt together."""
    chosen_chars: float
    rejected_chars: float
    chosen_longer: float
    """Share of pairs whose chosen side has more characters; 0.5 is balance."""
    multi_turn: float
    """Share with an assistant turn in the prompt, or more than one turn in a response."""
    system_turn: float
    markdown_chosen: float
    """Share of chosen responses with a markdown heading, list item or bold text outside code, by a plain pattern; the
    audit's rule is stricter."""
    markdown_rejected: float
    code_chosen: float
    """Share of chosen responses with a block of fenced code."""
    code_rejected: float


def describe(pairs: Sequence[Pair]) -> Description:
    """Descriptive statistics of at least one pair."""
    n = len(pairs)
    groups = Counter(p.group for p in pairs)
    chosen = [len(own_text(p.prompt, p.chosen)) for p in pairs]
    rejected = [len(own_text(p.prompt, p.rejected)) for p in pairs]
    return Description(
        n_pairs=n,
        n_groups=len(groups),
        largest_group=max(groups.values()),
        prompt_chars=median(_chars(p.prompt) for p in pairs),
        chosen_chars=median(chosen),
        rejected_chars=median(rejected),
        chosen_longer=sum(c > r for c, r in zip(chosen, rejected, strict=True)) / n,
        multi_turn=sum(_multi_turn(p) for p in pairs) / n,
        system_turn=sum(any(m["role"] == "system" for m in p.prompt) for p in pairs) / n,
        markdown_chosen=sum(_markdown(p.chosen) for p in pairs) / n,
        markdown_rejected=sum(_markdown(p.rejected) for p in pairs) / n,
        code_chosen=sum(_fenced(p.chosen) for p in pairs) / n,
        code_rejected=sum(_fenced(p.rejected) for p in pairs) / n,
    )


def _chars(messages: Sequence[Message]) -> int:
    return sum(len(m["content"]) for m in messages)


def _multi_turn(p: Pair) -> bool:
    return any(m["role"] == "assistant" for m in p.prompt) or len(p.chosen) > 1 or len(p.rejected) > 1


def _markdown(messages: Sequence[Message]) -> bool:
    text = text_of(messages)
    if not _MARKDOWN.search(text):
        return False
    return _MARKDOWN.search(without_code(_line_feeds(text))) is not None


def _fenced(messages: Sequence[Message]) -> bool:
    return has_fence(_line_feeds(text_of(messages)))


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
