"""What the policy and the reference read of each answer under a plan, in tokens.

The two read the same answer tokens whatever the plan does to the prompt: an answer is cut so that it fits behind
the longer of the two prompts, and a masked token counts for neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import TemplateError
from numpy.typing import NDArray

from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError
from offtarget.lens.tokens import tokenise_pairs
from offtarget.shaping.plan import ShapingPlan, Spans
from offtarget.training.tokens import TokenPair, tokenise

LEAST_ROOM = 10
"""Tokens of an answer that a prompt of the policy's own must leave room for; else the row keeps its prompt."""
LONG = 2**20
"""Tokens that no text has: the places of tokens are looked up before anything is cut."""


@dataclass(frozen=True)
class Side:
    """One answer as it is trained on."""

    prompt: list[int]
    """What the reference reads before it."""
    policy_prompt: list[int]
    """What the policy reads before it."""
    answer: list[int]
    """Cut to what both have room for."""
    counts: NDArray[np.bool_]
    """(len(answer),) tokens whose log-probability counts."""
    last_turn: int
    """Where the last user turn starts in what the policy reads."""
    source: int
    """0 for an answer that is chosen in the data, 1 for a rejected one; a flip does not change it."""

    def sequence(self, policy: bool) -> list[int]:
        """Prompt and answer as the policy or the reference reads them."""
        return (self.policy_prompt if policy else self.prompt) + self.answer

    def start(self, policy: bool) -> int:
        """Index of the answer's first token."""
        return len(self.policy_prompt if policy else self.prompt)


Sides = list[tuple[Side, Side]]
"""Of each pair the side trained as chosen and the one trained as rejected."""


def by_side(flip: NDArray[np.bool_], chosen: Any, rejected: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """What belongs to an answer follows it when the pair is flipped: (trained as chosen, as rejected)."""
    return np.where(flip, rejected, chosen), np.where(flip, chosen, rejected)


def sides_of(
    pairs: Sequence[Pair], ids: Sequence[TokenPair], plan: ShapingPlan, tokenizer: Any, max_length: int
) -> Sides:
    """Both sides of every row of a plan; those of a flipped row have changed places.

    Args:
        pairs: the training pairs, with those that the plan adds.
        ids: their tokens.
        plan: what masks and re-prompts them.
        tokenizer: a fast tokenizer with a chat template.
        max_length: tokens of prompt and answer together.

    Raises:
        ConfigError: a mask that leaves nothing of an answer, a policy prompt that the template refuses; names the row.
    """
    columns = [(plan.masked(side), plan.policy_prompts(side)) for side in ("chosen", "rejected")]
    out = []
    for i, (pair, tokens) in enumerate(zip(pairs, ids, strict=True)):
        sides = []
        for k, side in enumerate(("chosen", "rejected")):
            masks, prompts = columns[k]
            policy_prompt, last_turn = tokens.prompt, tokens.last_turn
            where = f"plan of '{plan.protocol}', row {pair.id}, {side} side"
            if (prompt := prompts[i]) is not None and plan.keep[i]:
                policy_prompt, last_turn = _policy_prompt(tokenizer, pair, list(prompt), where)
            answer = tokens.chosen if side == "chosen" else tokens.rejected
            room = max_length - max(len(policy_prompt), len(tokens.prompt))
            if room < min(len(answer), LEAST_ROOM) and policy_prompt != tokens.prompt:
                # nothing of the answer would be left: this one is read behind its own prompt
                policy_prompt, last_turn = tokens.prompt, tokens.last_turn
                room = max_length - len(tokens.prompt)
            answer = answer[:room]
            counts = np.ones(len(answer), bool)
            if masks[i] and plan.keep[i]:
                text, hidden = _masked(tokenizer, pair, tokens, side, masks[i], where)
                counts = ~hidden[: len(answer)]
                if not (counts & text[: len(answer)]).any():
                    raise ConfigError(
                        f"{where}: all of its text that fits max_length is masked; raise training.max_length, or leave "
                        "long answers out (train.max_characters)"
                    )
            sides.append(Side(tokens.prompt, policy_prompt, answer, counts, last_turn, k))
        out.append((sides[1], sides[0]) if plan.flip[i] else (sides[0], sides[1]))
    return out


def _policy_prompt(tokenizer: Any, pair: Pair, prompt: list[Any], where: str) -> tuple[list[int], int]:
    try:
        found = tokenise(tokenizer, Pair(pair.id, pair.group, prompt, pair.chosen, pair.rejected))
    except TemplateError as e:
        raise ConfigError(f"{where}: the chat template refuses the policy's prompt ({e})") from e
    return found.prompt, found.last_turn


def _masked(
    tokenizer: Any, pair: Pair, tokens: TokenPair, side: str, spans: Spans, where: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(answer tokens,) those that stand for text, and those that stand for any character of the spans."""
    alone = Pair(pair.id, pair.group, pair.prompt, getattr(pair, side), [])
    found = tokenise_pairs(tokenizer, [alone], max_length=LONG)
    piece = found.conversations[0].responses[0]
    if piece.ids != getattr(tokens, side):
        raise ConfigError(
            f"{where}: the chat template makes other tokens of this answer than of its text, so words of it cannot "
            "be masked; leave the row out"
        )
    text = np.array([b > a for a, b in piece.places])
    return text, np.array([any(a < stop and b > start for start, stop in spans) for a, b in piece.places])
