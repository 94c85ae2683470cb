"""Answers as token ids behind their prompts, cut as training cuts them."""

from collections.abc import Sequence

from offtarget.training.tokens import TokenPair

Text = tuple[list[int], list[int]]
"""Token ids of a prompt and of an answer to it."""


def texts_of(ids: Sequence[TokenPair], max_length: int) -> list[Text]:
    """Chosen and rejected of the first row, then of the next; an answer for which no room is left has no token.

    Args:
        ids: the rows.
        max_length: tokens of prompt and answer together.
    """
    return [
        (t.prompt[:max_length], answer[: max(0, max_length - len(t.prompt))])
        for t in ids
        for answer in (t.chosen, t.rejected)
    ]
