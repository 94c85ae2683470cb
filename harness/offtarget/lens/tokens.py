"""Pairs as the model sees them: token ids per span, each distinct prompt and response once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from offtarget.data.pairs import JOINT, Message, Pair, spoken, text_of
from offtarget.errors import DataError
from offtarget.lens.reader import MAX_LENGTH


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of tokens, and which of them are words of the text."""

    ids: list[int]
    content: list[bool]
    """False for what the chat template adds (special tokens, role names, a default system turn) and for the
    first token of the whole sequence."""
    places: list[tuple[int, int]] = field(default_factory=list)
    """Where each token is in the text that `text_of` gives, as characters; (0, 0) where it is no part of it."""


@dataclass(slots=True)
class Conversation:
    """One distinct prompt with all distinct responses to it."""

    prompt: Piece
    responses: list[Piece] = field(default_factory=list)


@dataclass(frozen=True)
class TokenisedPairs:
    """A set of pairs in tokens. What occurs in several pairs is held, and later encoded, once.

    Token ids of a whole answer are `prompt.ids + response.ids`: the prompt rendered with the generation
    prompt, then what the chat template adds for the response, tokenised apart, which is how the model
    would meet the response when it writes one itself.
    """

    pair_ids: tuple[str, ...]
    conversations: list[Conversation]
    where: list[tuple[int, int, int]]
    """For each pair: its conversation, and the chosen and the rejected response in it (-1: none)."""
    max_length: int
    n_truncated: int
    """Pairs of which the prompt or a response was cut."""

    @property
    def n_tokens(self) -> int:
        """Tokens to encode when each distinct text is encoded once."""
        return sum(len(c.prompt.ids) + sum(len(r.ids) for r in c.responses) for c in self.conversations)

    @property
    def n_response_tokens(self) -> int:
        """Tokens of distinct responses that count as their text."""
        return sum(sum(r.content) for c in self.conversations for r in c.responses)


def tokenise_pairs(tokenizer: Any, pairs: Sequence[Pair], *, max_length: int = MAX_LENGTH) -> TokenisedPairs:
    """Render pairs with the tokenizer's chat template and tokenise them.

    A prompt longer than half of `max_length` loses its beginning; a response loses what then goes beyond
    `max_length`.

    Args:
        tokenizer: a fast transformers tokenizer with a chat template.
        pairs: the pairs; a response without turns gives an empty span.
        max_length: most tokens of prompt and response together.

    Raises:
        DataError: the template refuses a pair, or a prompt is empty; names the pair.
    """
    scaffolds: dict[tuple[str, ...], list[str] | None] = {}
    prompt_of: dict[str, int] = {}
    response_of: list[dict[str, int]] = []
    texts: list[list[_Text]] = []
    where = []
    for pair in pairs:
        prompt, *responses = _render(tokenizer, pair, scaffolds)
        c = prompt_of.setdefault(prompt.text, len(prompt_of))
        if c == len(texts):
            response_of.append({})
            texts.append([prompt])
        slots = []
        for response in responses:
            r = response_of[c].setdefault(response.text, len(response_of[c])) if response.text else -1
            if r == len(texts[c]) - 1:
                texts[c].append(response)
            slots.append(r)
        where.append((c, slots[0], slots[1]))
    pieces = iter(_tokenise(tokenizer, [text for many in texts for text in many]))
    conversations = [Conversation(next(pieces), [next(pieces) for _ in many[1:]]) for many in texts]
    cut = [_truncate(conversation, max_length) for conversation in conversations]
    n_truncated = sum(cut[c][0] or any(r >= 0 and cut[c][1][r] for r in (a, b)) for c, a, b in where)
    return TokenisedPairs(tuple(p.id for p in pairs), conversations, where, max_length, n_truncated)


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    content: list[tuple[int, int, int]]
    """Ranges of characters that come from the messages, not from the template, and where each begins in the
    messages' own text (-1: not known)."""


def _render(tokenizer: Any, pair: Pair, scaffolds: dict[tuple[str, ...], list[str] | None]) -> list[_Text]:
    """The prompt as text with the generation prompt, and what chosen and rejected each add to it."""
    try:
        prompt = tokenizer.apply_chat_template(pair.prompt, tokenize=False, add_generation_prompt=True)
        asked = _starts(pair.prompt)
        out = [_Text(prompt, _content(tokenizer, prompt, pair.prompt, asked, True, scaffolds))]
        for turns in (pair.chosen, pair.rejected):
            messages = [*pair.prompt, *turns]
            whole = tokenizer.apply_chat_template(messages, tokenize=False) if turns else prompt
            if whole.startswith(prompt):
                starts = [*asked, *_starts(turns)]
                ranges = _content(tokenizer, whole, messages, starts, False, scaffolds) if turns else []
                n = len(prompt)
                moved = [(a - n, b - n, at) for a, b, at in ranges if a >= n]
                if not moved:  # the template could not be taken apart
                    moved = [(max(a - n, 0), b - n, -1) for a, b, _ in ranges if b > n]
                out.append(_Text(whole[n:], moved))
            else:  # a template that rewrites earlier turns: the bare text follows the prompt
                text = text_of(turns)
                out.append(_Text(text, [(0, len(text), 0)]))
    except Exception as error:
        if type(error).__module__.startswith("jinja2"):
            raise DataError(
                f"pair '{pair.id}': the model's chat template refuses it ({error}); "
                "drop the pair or choose a model whose template takes these roles"
            ) from error
        raise
    if not prompt:
        raise DataError(f"pair '{pair.id}': the chat template makes an empty prompt of it; drop the pair")
    return out


def _starts(messages: Sequence[Message]) -> list[int | None]:
    """Where the content of each turn begins in `text_of` of them; None of a turn that is not read."""
    out: list[int | None] = []
    at = 0
    for message, read in zip(messages, spoken(messages), strict=True):
        out.append(at if read else None)
        at += (len(message["content"]) + len(JOINT)) * read
    return out


def _content(
    tokenizer: Any,
    text: str,
    messages: list[Message],
    starts: Sequence[int | None],
    generate: bool,
    scaffolds: dict[tuple[str, ...], list[str] | None],
) -> list[tuple[int, int, int]]:
    """Where the messages' contents are in a rendered text and in `text_of`; all of it where that cannot be told.

    Messages that are not read (`starts` is None) are left out.
    What the template puts around them is learned once per sequence of roles, from marks in their place.
    """
    key = (*(m["role"] for m in messages), str(generate))
    if key not in scaffolds:
        marked = [{"role": m["role"], "content": f"\ue000{i}\ue001"} for i, m in enumerate(messages)]
        shown = tokenizer.apply_chat_template(marked, tokenize=False, add_generation_prompt=generate)
        parts = re.split("\ue000(\\d+)\ue001", shown)
        in_order = parts[1::2] == [str(i) for i in range(len(messages))]
        scaffolds[key] = parts[::2] if in_order else None
    around = scaffolds[key]
    if around is None:
        return [(0, len(text), -1)]
    ranges, cursor = [], 0
    for before, message, own in zip(around, messages, starts, strict=False):
        start = cursor + len(before)
        for content in (message["content"], message["content"].strip()):
            if text.startswith(before, cursor) and text.startswith(content, start):
                cursor = start + len(content)
                break
        else:
            return [(0, len(text), -1)]
        stripped = len(message["content"]) - len(message["content"].lstrip())
        if own is not None:
            ranges.append((start, cursor, own + (0 if content == message["content"] else stripped)))
    return ranges


def _tokenise(tokenizer: Any, texts: list[_Text]) -> list[Piece]:
    if not texts:
        return []
    encoded = tokenizer([t.text for t in texts], add_special_tokens=False, return_offsets_mapping=True)
    special = set(tokenizer.all_special_ids)
    pieces = []
    for text, ids, offsets in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        content = [
            i not in special and any(a < end and b > start for start, end, _ in text.content)
            for i, (a, b) in zip(ids, offsets, strict=True)
        ]
        pieces.append(Piece(list(ids), content, [_place(a, b, text.content) for a, b in offsets]))
    return pieces


def _place(a: int, b: int, content: list[tuple[int, int, int]]) -> tuple[int, int]:
    """Characters a to b of a rendered text, in the messages' own text."""
    for start, stop, at in content:
        if at >= 0 and a < stop and b > start:
            return at + max(a - start, 0), at + min(b, stop) - start
    return 0, 0


def _truncate(conversation: Conversation, max_length: int) -> tuple[bool, list[bool]]:
    """Cut in place, and set the first token apart; returns whether the prompt and each response were cut."""
    prompt = conversation.prompt
    room = max(1, max_length // 2)
    cut_prompt = len(prompt.ids) > room
    if cut_prompt:
        conversation.prompt = prompt = Piece(prompt.ids[-room:], prompt.content[-room:], prompt.places[-room:])
    room = max(1, max_length - len(prompt.ids))
    cut = [len(r.ids) > room for r in conversation.responses]
    conversation.responses = [Piece(r.ids[:room], r.content[:room], r.places[:room]) for r in conversation.responses]
    prompt.content[0] = False  # models park attention on the first token: its activation is huge, and no word's
    return cut_prompt, cut
