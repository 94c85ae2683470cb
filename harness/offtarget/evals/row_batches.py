"""Which rows run together: of similar length, and as many as memory and speed allow."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from offtarget import machine

BATCH, BATCH_ON_CUDA = 64, 256
"""Rows that are generated together: on a GPU a step takes as long for many as for few."""
FORWARD_TOKENS = 4096
"""Tokens of one forward pass without a cache, padding included."""
T = TypeVar("T")


def generation_batches(rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indices of rows of similar length, batch by batch; the longest first, to fail early if at all."""
    order = sorted(range(len(rows)), key=lambda i: (-len(rows[i]), i))
    size = batch_size()
    for k in range(0, len(order), size):
        yield order[k : k + size]


def batch_size() -> int:
    """How many rows are generated together on this machine."""
    return BATCH if machine.device() == "cpu" else BATCH_ON_CUDA


def filled(pieces: Sequence[T], lengths: Sequence[int], room: int) -> Iterator[list[T]]:
    """Pieces in their order, as many together as fit when each is padded to the longest; always at least one.

    Args:
        pieces: what is read.
        lengths: of each, in tokens.
        room: tokens of one batch.
    """
    batch: list[T] = []
    width = 0
    for piece, length in zip(pieces, lengths, strict=True):
        width = max(width, length)
        if batch and (len(batch) + 1) * width > room:
            yield batch
            batch, width = [], length
        batch.append(piece)
    if batch:
        yield batch
