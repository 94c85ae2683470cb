"""What a set looks like before any test: lengths, turns, markdown."""

from collections import Counter
from collections.abc import Sequence
from statistics import median

from offtarget.data import markup
from offtarget.data.debris import own_text
from offtarget.data.pairs import Message, Pair
from offtarget.records import Record


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
    """Share of chosen responses with a markdown heading, list item or bold text outside code (`Markup.is_marked`): what
    the audit counts as `surface:markdown`."""
    markdown_rejected: float
    code_chosen: float
    """Share of chosen responses with a block of fenced code."""
    code_rejected: float


def describe(pairs: Sequence[Pair]) -> Description:
    """Descriptive statistics of at least one pair."""
    n = len(pairs)
    groups = Counter(p.group for p in pairs)
    chosen, rejected = [own_text(p.prompt, p.chosen) for p in pairs], [own_text(p.prompt, p.rejected) for p in pairs]
    formed = [[markup.read(t) for t in texts] for texts in (chosen, rejected)]
    marked, fenced = ([sum(map(has, side)) / n for side in formed] for has in (_is_marked, _is_fenced))
    return Description(
        n_pairs=n,
        n_groups=len(groups),
        largest_group=max(groups.values()),
        prompt_chars=median(_chars(p.prompt) for p in pairs),
        chosen_chars=median(map(len, chosen)),
        rejected_chars=median(map(len, rejected)),
        chosen_longer=sum(len(c) > len(r) for c, r in zip(chosen, rejected, strict=True)) / n,
        multi_turn=sum(_multi_turn(p) for p in pairs) / n,
        system_turn=sum(any(m["role"] == "system" for m in p.prompt) for p in pairs) / n,
        markdown_chosen=marked[0],
        markdown_rejected=marked[1],
        code_chosen=fenced[0],
        code_rejected=fenced[1],
    )


def _chars(messages: Sequence[Message]) -> int:
    return sum(len(m["content"]) for m in messages)


def _multi_turn(p: Pair) -> bool:
    return any(m["role"] == "assistant" for m in p.prompt) or len(p.chosen) > 1 or len(p.rejected) > 1


def _is_marked(found: markup.Markup) -> bool:
    return found.is_marked


def _is_fenced(found: markup.Markup) -> bool:
    return found.code_blocks > 0
