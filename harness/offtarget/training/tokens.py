"""Pairs as token ids, cut as the trainer will cut them, with every lost row counted by reason.

The ids are the ones trl makes (prompt with the generation prompt; the answer starts where the prompt's
ids and the conversation's ids part). trl drops some rows without a word; here they are named.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from offtarget.data.pairs import Message, Pair


@dataclass(frozen=True)
class TokenPair:
    """One pair as ids."""

    id: str
    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    last_turn: int
    """Index of the first token of the last user turn; of its text where no turn comes before it, since what a template
    puts in front of the first turn cannot be told from its header."""

    def sequence(self, side: str, max_length: int) -> list[int]:
        """Prompt and answer of one side, cut from the end."""
        return (self.prompt + (self.chosen if side == "chosen" else self.rejected))[:max_length]


@dataclass(frozen=True)
class TrainingSet:
    """The pairs that can be trained on, their ids, and what was lost."""

    pairs: list[Pair]
    ids: list[TokenPair]
    lost: Counter[str]
    rows_sha256: str


def _ids(tokenizer: Any, messages: list[Message], generation: bool) -> list[int]:
    out = tokenizer.apply_chat_template(messages, add_generation_prompt=generation, tokenize=True, return_dict=True)
    return list(out["input_ids"])


def _common(a: list[int], b: list[int]) -> int:
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n


def tokenise(tokenizer: Any, pair: Pair) -> TokenPair:
    """The ids of one pair, uncut."""
    prompt = _ids(tokenizer, pair.prompt, True)
    chosen = _ids(tokenizer, pair.prompt + pair.chosen, False)
    rejected = _ids(tokenizer, pair.prompt + pair.rejected, False)
    n = min(_common(prompt, chosen), _common(prompt, rejected))
    try:
        before = _ids(tokenizer, pair.prompt[:-1], False) if len(pair.prompt) > 1 else []
    except TemplateError:  # some refuse a conversation that ends in a system turn
        before = []
    if not before:  # templates may add their own system turn: find what two prompts share
        other = _ids(tokenizer, [*pair.prompt[:-1], {"role": "user", "content": "\x00"}], True)
        before = prompt[: _common(prompt, other)]
    return TokenPair(pair.id, prompt[:n], chosen[n:], rejected[n:], min(_common(prompt, before), n))


def trainable(
    pairs: Sequence[Pair], tokenizer: Any, *, max_length: int, min_answer_tokens: int
) -> tuple[list[Pair], list[TokenPair], Counter[str]]:
    """The pairs that can be trained on, their ids, and why the others cannot.

    A short answer is fine as long as it is whole; an answer that truncation cuts below
    `min_answer_tokens` is not.

    Returns:
        kept pairs, their ids (same order), and counts by reason: `refused by the chat template`,
        `prompt fills max_length`, `equal after truncation`, `answer cut below N tokens`.
    """
    kept, ids, lost = [], [], Counter[str]()
    for pair in pairs:
        try:
            t = tokenise(tokenizer, pair)
        except TemplateError:
            lost["refused by the chat template"] += 1
            continue
        room = max_length - len(t.prompt)
        if room <= 0:
            lost["prompt fills max_length"] += 1
        elif t.chosen[:room] == t.rejected[:room]:
            lost["equal after truncation"] += 1
        elif any(room < min_answer_tokens and len(a) > room for a in (t.chosen, t.rejected)):
            lost[f"answer cut below {min_answer_tokens} tokens"] += 1
        else:
            kept.append(pair)
            ids.append(t)
    return kept, ids, lost
