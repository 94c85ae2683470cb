"""Drawing tokens so that an answer depends on its prompt and the seed, and on nothing beside it."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any


def draw(logits: Any, temperature: float, top_p: float, uniform: Any) -> Any:
    """One token for each row by inverse transform in its nucleus.

    The nucleus is the smallest set of most probable tokens whose mass reaches `top_p`.

    Args:
        logits: (rows, vocabulary), float32.
        temperature: 0 is greedy.
        top_p: mass of the nucleus.
        uniform: (rows,), numbers in [0, 1).

    Returns:
        Token ids, (rows,).
    """
    import torch

    if temperature == 0:
        return logits.argmax(-1)
    probs = torch.softmax(logits / temperature, -1)
    top, ids = probs.topk(min(256, probs.shape[-1]))
    token = _inverse(top, ids, top_p, uniform)
    wide = top.double().sum(-1) < top_p
    if bool(wide.any()):  # rare: the nucleus is longer than what was sorted
        top, ids = probs[wide].sort(-1, descending=True)
        token[wide] = _inverse(top, ids, top_p, uniform[wide])
    return token


def _inverse(top: Any, ids: Any, top_p: float, uniform: Any) -> Any:
    """Inverse transform over the tokens in the order of their ids.

    In the order of their probabilities, two that are nearly equal would change places at the slightest
    rounding, and the draw with them.
    """
    top = top.double()
    inside = top.cumsum(-1) - top < top_p
    ids, order = ids.sort(-1)
    mass = (top * inside).gather(-1, order).cumsum(-1)
    index = (mass <= uniform[:, None] * mass[:, -1:]).sum(-1, keepdim=True).clamp(max=ids.shape[-1] - 1)
    return ids.gather(-1, index)[:, 0]


def uniform_streams(rows: Sequence[Sequence[int]], seed: int, length: int) -> list[Any]:
    """`length` numbers in [0, 1) for each row, named by the seed, the prompt and its occurrence in the list.

    Args:
        rows: token ids of prompts.
        seed: of all streams.
        length: numbers for each row.
    """
    import numpy as np

    seen: Counter[str] = Counter()
    out = []
    for ids in rows:
        name = json.dumps([seed, list(ids)])
        digest = hashlib.sha256(f"{name}#{seen[name]}".encode()).digest()
        seen[name] += 1
        out.append(np.random.default_rng(int.from_bytes(digest[:16])).random(length))
    return out
