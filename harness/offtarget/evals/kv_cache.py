"""Key-value caches of batches: rows that begin alike share that beginning, and a token more copies nothing.

A module of its own, since the layer below needs transformers when it is defined; `policy` imports it when it first answers.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from offtarget.architecture import windows

WORTH = 8
"""Tokens from which reading a common beginning once pays for a forward pass of its own."""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values in memory that has room for all tokens to come.

    The layer of transformers copies all that it holds at each token, a fifth of the time of decoding with a small model.

    Args:
        keys: (rows, heads, tokens, width).
        values: (rows, heads, tokens, width).
        room: tokens that will be held in the end, at most.
    """

    def __init__(self, keys: Any, values: Any, room: int) -> None:
        super().__init__()
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self._all = [_in_room(t, room) for t in (keys, values)]
        self._show(keys.shape[-2])

    def _show(self, tokens: int) -> None:
        self.keys, self.values = (t[:, :, :tokens] for t in self._all)

    def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Append in place; what is returned is a view of all tokens so far."""
        past = self.keys.shape[-2]
        tokens = past + key_states.shape[-2]
        for held, new in zip(self._all, (key_states, value_states), strict=True):
            held[:, :, past:tokens] = new
        self._show(tokens)
        return self.keys, self.values

    def batch_select_indices(self, indices: Any) -> None:
        """Keep these rows alone."""
        tokens = self.keys.shape[-2]
        self._all = [t[indices] for t in self._all]
        self._show(tokens)


def _in_room(held: Any, room: int) -> Any:
    rows, heads, tokens, width = held.shape
    out = held.new_empty((rows, heads, room, width))
    out[:, :, :tokens] = held
    return out


def give_room(cache: Any, room: int) -> Any:
    """The same cache, whose growing layers have room for `room` tokens. Layers of another kind stay as they are."""
    if type(cache) is DynamicCache:
        for k, layer in enumerate(cache.layers):  # one after another, so that the one before is freed
            if type(layer) is DynamicLayer and layer.is_initialized:
                cache.layers[k] = RoomyLayer(layer.keys, layer.values, room)
    return cache


def is_plain(model: Any) -> bool:
    """Whether each layer sees all tokens before, so that padding between tokens changes nothing.

    A sliding window counts places, padding included.
    """
    seen = windows(model)
    return seen is not None and not any(seen)


def common_beginning(rows: Iterable[Sequence[int]]) -> list[int]:
    """Tokens that all rows begin with, at most all but one of the shortest; none where it would not pay."""
    lists = [list(row) for row in rows]
    if len(lists) < 2:
        return []
    low, high = min(lists), max(lists)  # what these two share all rows share
    end = max(0, min(map(len, lists)) - 1)
    n = next((k for k in range(end) if low[k] != high[k]), end)
    return low[:n] if n >= WORTH else []


def read_once(reader: Any, beginning: Sequence[int], rows: int, device: Any, **options: Any) -> Any:
    """A cache of `rows` rows that hold the same tokens, read in one forward pass of a single row.

    Args:
        reader: a model (`is_plain`) or its backbone.
        beginning: at least one token.
        rows: of the batch.
        device: of the model.
        options: more for the forward pass.

    Returns:
        What the model keeps; None where there is no beginning.
    """
    if not beginning:
        return None
    cache = reader(input_ids=torch.tensor([list(beginning)], device=device), use_cache=True, **options).past_key_values
    cache.batch_repeat_interleave(rows)
    return cache
