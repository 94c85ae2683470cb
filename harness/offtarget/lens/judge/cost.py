"""What asking a judge would cost, before it is asked: requests and tokens, counted from characters."""

from collections.abc import Sequence

from offtarget.lens.cost import CHARACTERS_A_TOKEN

TOKENS_A_CONCEPT = 8
"""Of a judging answer, about: a number, a side and four signs for each concept."""
NAMING_TOKENS = 250
"""Of an answer that names concepts, about."""


def in_words(prompts: Sequence[str], answer_tokens: float) -> str:
    """Requests and tokens of some prompts: "1,320 requests, about 1.9M tokens in and 63k out"."""
    characters = sum(map(len, prompts))
    return amounts(len(prompts), characters / CHARACTERS_A_TOKEN, len(prompts) * answer_tokens)


def amounts(requests: int, tokens_in: float, tokens_out: float) -> str:
    """The same from its three numbers."""
    what = "request" if requests == 1 else "requests"
    return f"{requests:,} {what}, about {short(tokens_in)} tokens in and {short(tokens_out)} out"


def short(n: float) -> str:
    """A count as people say it: 870, 63k, 1.9M."""
    if n < 1000:
        return f"{n:.0f}"
    return f"{n / 1000:.0f}k" if n < 999_500 else f"{n / 1e6:.1f}M"
