"""Where an SAE's batches come from: activations that are held, or read again stretch by stretch where there are too many.

Each gives its batches again for the same seed, and goes on from any place that it said it was at.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import DataError
from offtarget.lens.activations import Segment, encode_spans
from offtarget.lens.reader import Reader
from offtarget.lens.sae.collect import NORM_CAP, Activations
from offtarget.lens.tokens import TokenisedPairs, tokenise_pairs

if TYPE_CHECKING:
    import torch

ROUGHLY = 512
"""Prompts whose tokens are counted, with their answers, to say how many all have."""
SCALED_BY = 20_000
"""Tokens that the mean and the scale of the activations are taken from."""

Position = tuple[int, ...]
"""Where a source is."""


class Source(Protocol):
    """Batches of activations."""

    tokens: int
    """Of one pass; of a stream about."""

    def sample(self) -> "torch.Tensor":
        """Some rows, float32, `(at most SCALED_BY, d_model)`."""

    def batches(self, size: int, position: Position = ()) -> "Iterator[tuple[torch.Tensor, Position]]":
        """Endless batches `(size, d_model)`, float32, and where the source is after each; from a place on."""

    def facts(self) -> dict[str, Any]:
        """What was read, for the record."""


class Held:
    """All rows within the norm cap, in memory; every row once per pass, in an order drawn again.

    Args:
        parts: what was collected.
        seed: of the order.
    """

    def __init__(self, parts: Sequence[Activations], seed: int) -> None:
        import torch

        typical = [part.typical() for part in parts]
        self._rows = torch.cat([part.rows(index).bfloat16() for part, index in zip(parts, typical, strict=True)])
        self._dropped = sum(len(part.bits) for part in parts) - len(self._rows)
        self._seed = seed
        self.tokens = len(self._rows)

    def sample(self) -> "torch.Tensor":
        """See `Source`."""
        import torch

        drawn = np.random.default_rng(self._seed).permutation(self.tokens)[:SCALED_BY]
        return self._rows[torch.from_numpy(drawn)].float()

    def batches(self, size: int, position: Position = ()) -> "Iterator[tuple[torch.Tensor, Position]]":
        """See `Source`; a position is the number of batches before it."""
        import torch

        generator = torch.Generator().manual_seed(self._seed)
        left = torch.zeros(0, dtype=torch.long)
        (before,) = position or (0,)
        number = 0
        while True:
            while len(left) < size:
                left = torch.cat([left, torch.randperm(self.tokens, generator=generator)])
            index, left = left[:size], left[size:]
            number += 1
            if number > before:
                yield self._rows[index].float(), (number,)

    def facts(self) -> dict[str, Any]:
        """See `Source`."""
        return {"tokens": self.tokens, "dropped_over_norm_cap": self._dropped}


class Streamed:
    """Rows that are read when they are needed: prompts in a drawn order, a stretch of them at a time, shuffled within it.

    The last tokens of a stretch, which fill no batch, are left out. Prompts are read again at each pass.

    Args:
        reader: the model and how it reads.
        data: the texts.
        layer: decoder layer after which the residual stream is read.
        held: tokens of a stretch, about.
        seed: of the order.
        threads: processor threads.
    """

    def __init__(
        self, reader: Reader, data: Sequence[PairSet], layer: int, held: int, seed: int, threads: int | None = None
    ) -> None:
        self._reader, self._layer, self._seed, self._threads = reader, layer, seed, threads
        self._model, self._tokenizer = reader.load()
        groups = _by_prompt(data)
        self._a_pair = tokens_of(reader, self._tokenizer, data) / sum(map(len, groups))
        self.tokens = round(self._a_pair * sum(map(len, groups)))
        self._stretch = n = max(1, int(held / self._a_pair))
        self._groups = [group[k : k + n] for group in groups for k in range(0, len(group), n)]
        self._read = self._dropped = 0

    def _stretches(self, number: int) -> list[list[Pair]]:
        """The prompts of a pass, in stretches."""
        order = np.random.default_rng([self._seed, number]).permutation(len(self._groups))
        out: list[list[Pair]] = [[]]
        for g in order:
            if out[-1] and len(out[-1]) + len(self._groups[g]) > self._stretch:
                out.append([])
            out[-1] += self._groups[g]
        return out

    def _rows_of(self, pairs: Sequence[Pair], what: str) -> "tuple[torch.Tensor, torch.Tensor]":
        """Activations, bfloat16, and the numbers of those within the norm cap."""
        import torch

        tokens = tokenise_pairs(self._tokenizer, pairs, max_length=self._reader.max_length)
        rows = torch.empty(_count(tokens), self._model.config.get_text_config().hidden_size, dtype=torch.bfloat16)
        n = 0

        def keep(acts: "torch.Tensor", _segments: list[Segment]) -> None:
            nonlocal n
            rows[n : n + len(acts)] = acts
            n += len(acts)

        encode_spans(
            self._model,
            self._tokenizer,
            tokens,
            self._layer,
            keep,
            threads=self._threads,
            progress=self._reader.step(what),
        )
        assert n == len(rows), "as many rows as tokens that count"
        norms = torch.cat([part.float().norm(dim=1) for part in rows.split(8192)])
        return rows, (norms <= NORM_CAP * norms.mean()).nonzero()[:, 0]

    def sample(self) -> "torch.Tensor":
        """See `Source`; of the first prompts of the first pass."""
        first = [pair for stretch in self._stretches(0) for pair in stretch]
        rows, kept = self._rows_of(first[: math.ceil(SCALED_BY / self._a_pair)], "reading a sample")
        return rows[kept[:SCALED_BY]].float()

    def batches(self, size: int, position: Position = ()) -> "Iterator[tuple[torch.Tensor, Position]]":
        """See `Source`.

        A position is a pass, a stretch of it, the batches before it in that stretch, and what was read and dropped in the stretches
        before.

        Raises:
            DataError: not one stretch of a pass fills a batch.
        """
        import torch

        number, at, before, self._read, self._dropped = position or (0, 0, 0, 0, 0)
        while True:
            given = bool(at or before)
            stretches = self._stretches(number)
            for k in range(at, len(stretches)):
                counts = self._read, self._dropped
                what = f"reading stretch {k + 1} of {len(stretches)}, pass {number + 1}"
                rows, kept = self._rows_of(stretches[k], what)
                self._read += len(rows)
                self._dropped += len(rows) - len(kept)
                name = int(np.random.default_rng([self._seed, number, k]).integers(2**31))
                order = kept[torch.randperm(len(kept), generator=torch.Generator().manual_seed(name))]
                for b in range(before, len(order) // size):
                    given = True
                    yield rows[order[b * size : (b + 1) * size]].float(), (number, k, b + 1, *counts)
                before = 0
                del rows  # before the next stretch is read
            if not given:
                raise DataError(
                    f"no stretch of {self._stretch} pairs has the {size} tokens of a batch: hold more tokens"
                )
            number, at = number + 1, 0

    def facts(self) -> dict[str, Any]:
        """See `Source`; what was read and dropped is over all passes."""
        return {"tokens": self.tokens, "tokens_read": self._read, "dropped_over_norm_cap": self._dropped}


def _by_prompt(data: Sequence[PairSet]) -> list[list[Pair]]:
    groups: dict[tuple[int, str], list[Pair]] = {}
    for k, part in enumerate(data):
        for pair in part.pairs:
            groups.setdefault((k, pair.group), []).append(pair)
    return list(groups.values())


def _count(tokens: TokenisedPairs) -> int:
    """Tokens that count, each distinct text once."""
    return sum(sum(piece.content) for c in tokens.conversations for piece in (c.prompt, *c.responses))


def tokens_of(reader: Reader, tokenizer: Any, data: Sequence[PairSet]) -> float:
    """About how many tokens some sets have, each text of a prompt once, by at most `ROUGHLY` prompts that lie evenly in them.

    Raises:
        DataError: there are none.
    """
    groups = _by_prompt(data)
    if not groups:
        raise DataError("there is no pair to train on")
    some = groups[:: -(-len(groups) // ROUGHLY)]
    found = tokenise_pairs(tokenizer, [pair for group in some for pair in group], max_length=reader.max_length)
    return max(1, _count(found)) * sum(map(len, groups)) / sum(map(len, some))
