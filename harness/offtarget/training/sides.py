"""What the policy and the reference read of each answer under a plan, in tokens.

The two read the same answer tokens whatever the plan does to the prompt: an answer is cut so that it fits behind
the longer of the two prompts, and a token weighs the same for both; a masked one weighs 0.
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
from offtarget.shaping.plan import ShapingPlan, WeightedSpans
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
    weights: NDArray[np.float64]
    """(len(answer),) factor on the log-probability of each token."""
    last_turn: int
    """Where the last user turn starts in what the policy reads."""
    source: int
    """0 for an answer that is chosen in the data, 1 for a rejected one; a flip does not change it."""

    @property
    def counts(self) -> NDArray[np.bool_]:
        """(len(answer),) tokens whose log-probability counts: those of any weight."""
        return self.weights > 0

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
        plan: what masks, weights and re-prompts them.
        tokenizer: a fast tokenizer with a chat template.
        max_length: tokens of prompt and answer together.

    Raises:
        ConfigError: a mask that leaves nothing of an answer, a policy prompt that the template refuses; names the row.
    """
    columns = [(_weighted(plan, side), plan.policy_prompts(side)) for side in ("chosen", "rejected")]
    out = []
    for i, (pair, tokens) in enumerate(zip(pairs, ids, strict=True)):
        sides = []
        for k, side in enumerate(("chosen", "rejected")):
            spans, prompts = columns[k]
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
            weights = np.ones(len(answer))
            if spans[i] and plan.keep[i]:
                text, found = _token_weights(tokenizer, pair, tokens, side, spans[i], where)
                weights = found[: len(answer)]
                if not ((weights > 0) & text[: len(answer)]).any():
                    raise ConfigError(
                        f"{where}: all of its text that fits max_length is masked; raise training.max_length, or leave "
                        "long answers out (train.max_characters)"
                    )
            sides.append(Side(tokens.prompt, policy_prompt, answer, weights, last_turn, k))
        out.append((sides[1], sides[0]) if plan.flip[i] else (sides[0], sides[1]))
    return out


def _policy_prompt(tokenizer: Any, pair: Pair, prompt: list[Any], where: str) -> tuple[list[int], int]:
    try:
        found = tokenise(tokenizer, Pair(pair.id, pair.group, prompt, pair.chosen, pair.rejected))
    except TemplateError as e:
        raise ConfigError(f"{where}: the chat template refuses the policy's prompt ({e})") from e
    return found.prompt, found.last_turn


def _weighted(plan: ShapingPlan, side: str) -> list[WeightedSpans]:
    """(n_pairs,) the weighted text of one side's answers, with the masked as text of weight 0."""
    both = zip(plan.masked(side), plan.token_weights(side), strict=True)
    return [(*((a, b, 0.0) for a, b in masked), *weighted) for masked, weighted in both]


def _token_weights(
    tokenizer: Any, pair: Pair, tokens: TokenPair, side: str, spans: WeightedSpans, where: str
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(answer tokens,) those that stand for text, and what each weighs: the least of the spans of which it has a character."""
    alone = Pair(pair.id, pair.group, pair.prompt, getattr(pair, side), [])
    found = tokenise_pairs(tokenizer, [alone], max_length=LONG)
    piece = found.conversations[0].responses[0]
    if piece.ids != getattr(tokens, side):
        raise ConfigError(
            f"{where}: the chat template makes other tokens of this answer than of its text, so words of it cannot "
            "be masked or weighted; leave the row out"
        )
    places = np.array(piece.places, np.int64).reshape(-1, 2)
    least = np.full(len(places), np.inf)
    for start, stop, weight in spans:
        touched = (places[:, 0] < stop) & (places[:, 1] > start)
        least[touched] = np.minimum(least[touched], weight)
    return places[:, 1] > places[:, 0], np.where(np.isfinite(least), least, 1.0)
