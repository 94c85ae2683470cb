"""Mean activation of every prompt and response: what directions and differences are read from.

The reading does not know which response was chosen: the two of a pair are read in the order of their text, so a
set and the same set with every label turned around share one artifact, bit for bit.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import Message, Pair, PairSet, reading
from offtarget.lens.activations import encode_spans
from offtarget.lens.reader import Reader
from offtarget.store import hash_of

if TYPE_CHECKING:
    import torch

VERSION = 4
FILE = "pooled.npz"
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PooledActivations:
    """One vector for each span of each pair; zeros for a span without a token."""

    layer: int
    """Decoder layer whose output was read, from 0."""
    chosen: Floats32
    """`(n_pairs, width)`"""
    rejected: Floats32
    prompt: Floats32
    n_truncated: int = 0
    """Pairs of which the prompt or a response was cut."""

    def save(self, out: Path) -> None:
        """Write it to a folder, its sides as first and second."""
        np.savez(
            out / FILE,
            prompt=self.prompt,
            first=self.chosen,
            second=self.rejected,
            n_truncated=np.array(self.n_truncated),
        )


def pooled_activations(
    reader: Reader, pairs: PairSet, layer: int, *, with_layers: Sequence[int] = (), first_half: bool = False
) -> PooledActivations:
    """Mean residual-stream activation over each span's content tokens, from the store or computed now.

    Args:
        reader: the model and how it reads.
        pairs: what to read.
        layer: decoder layer, from 0.
        with_layers: layers that will be asked for next; what is not in the store is read in the same pass.
        first_half: also the mean over the first half of a span's tokens; the width is then twice that of the model, with
            the mean over all tokens first.

    Raises:
        ConfigError: the model has no such layer.
        DataError: the template refuses a pair, or an activation is not finite.
    """
    blind, turned = _blind(pairs)
    same = {
        "rows": hash_of([[p.prompt, p.chosen, p.rejected] for p in blind.pairs]),
        **reader.inputs(),
        **({"first_half": True} if first_half else {}),
        **reading(blind.pairs),
    }
    reduce = _mean_and_first_half if first_half else _mean
    store = reader.store

    def folder(at: int, build: Callable[[Path], None]) -> Path:
        return store.get("pooled", VERSION, {**same, "layer": at}, build)

    others: list[PooledActivations] = []

    def build(out: Path) -> None:
        absent = [n for n in with_layers if not store.path("pooled", VERSION, {**same, "layer": n}).is_dir()]
        for read in _read(reader, blind, sorted({layer, *absent}), reduce):
            if read.layer == layer:
                read.save(out)
            else:
                others.append(read)

    found = folder(layer, build)
    for read in others:
        folder(read.layer, read.save)
    with np.load(found / FILE, allow_pickle=False) as z:
        return _turn_back(PooledActivations(layer, z["first"], z["second"], z["prompt"], int(z["n_truncated"])), turned)


def max_projections(reader: Reader, pairs: PairSet, layer: int, vectors: Floats32) -> PooledActivations:
    """The largest projection ⟨h_t, v⟩ over each span's content tokens (arXiv 2606.12360, section 2.1); not stored.

    Args:
        reader: the model and how it reads.
        pairs: what to read.
        layer: decoder layer, from 0.
        vectors: `(n_vectors, d_model)`, all read in one pass; the width of what comes back is `n_vectors`.
    """
    import torch

    to = torch.from_numpy(vectors)
    blind, turned = _blind(pairs)
    (read,) = _read(reader, blind, [layer], lambda h: (h @ to.to(h.device).T).amax(-2))
    return _turn_back(read, turned)


def _mean(hidden: "torch.Tensor") -> "torch.Tensor":
    return hidden.mean(-2)


def _mean_and_first_half(hidden: "torch.Tensor") -> "torch.Tensor":
    import torch

    return torch.cat([hidden.mean(-2), hidden[:, : max(1, hidden.shape[-2] // 2)].mean(-2)], dim=-1)


def _read(
    reader: Reader, pairs: PairSet, layers: Sequence[int], reduce: "Callable[[torch.Tensor], torch.Tensor]"
) -> list[PooledActivations]:
    """What `reduce` makes of each span's tokens, `(n_layers, n_tokens, d_model)`, layer by layer."""
    model, tokenizer = reader.load()
    found: dict[tuple[int, int], Floats32] = {}

    def consume(hidden: "torch.Tensor", segments: Any) -> None:
        for s in segments:
            found[s.conversation, s.response] = reduce(hidden[:, s.start : s.stop].float()).cpu().numpy()

    tokens = encode_spans(
        model, tokenizer, pairs.pairs, layers, consume,
        max_length=reader.max_length, progress=reader.step("activations"),
    )  # fmt: skip
    width = next(iter(found.values())).shape[1] if found else 0
    spans = np.zeros((len(layers), 3, len(pairs), width), dtype=np.float32)
    for i, (c, first, second) in enumerate(tokens.where):
        for k, r in enumerate((-1, first, second)):
            # a response of no turns has the number -1, which would be the prompt's
            if (c, r) in found and (k == 0 or r >= 0):
                spans[:, k, i] = found[c, r]
    return [
        PooledActivations(layer, chosen, rejected, prompt, tokens.n_truncated)
        for layer, (prompt, chosen, rejected) in zip(layers, spans, strict=True)
    ]


def _blind(pairs: PairSet) -> tuple[PairSet, NDArray[np.bool_]]:
    """The same pairs with responses in the order of their text, and which rows were turned for that."""
    rows, turned = [], np.zeros(len(pairs), dtype=bool)
    for i, p in enumerate(pairs.pairs):
        turned[i] = _key(p.rejected) < _key(p.chosen)
        a, b = (p.rejected, p.chosen) if turned[i] else (p.chosen, p.rejected)
        rows.append(Pair(p.id, p.group, p.prompt, a, b))
    return replace(pairs, pairs=rows), turned


def _key(turns: list[Message]) -> str:
    return json.dumps(turns, sort_keys=True)


def _turn_back(read: PooledActivations, turned: NDArray[np.bool_]) -> PooledActivations:
    at = turned[:, None]
    return replace(
        read, chosen=np.where(at, read.rejected, read.chosen), rejected=np.where(at, read.chosen, read.rejected)
    )
