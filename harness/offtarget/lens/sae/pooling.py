"""From latents on tokens to features of spans: the strongest firing and its token, and the share that fire."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from offtarget.lens.activations import Segment
from offtarget.lens.features import Span, Stat, peak_code
from offtarget.lens.tokens import TokenisedPairs

if TYPE_CHECKING:
    import torch

CHUNK_VALUES = 2**21
"""Latent values held at once while encoding (8 MiB in float32, so that they stay in a processor's cache)."""
SAMPLED_TOKENS = 2048
"""Response tokens, spread evenly, on which the variance explained is measured."""


class Pool:
    """Collects, for each distinct text, the latents that fire in it."""

    def __init__(self, sae: Any, stride: int, tokens: TokenisedPairs) -> None:
        self.sae, self.stride, self.latents = sae, stride, int(sae.cfg.d_sae)
        self.texts = tokens
        self.found: dict[tuple[int, int], tuple[NDArray[Any], ...]] = {}
        self.alive = np.zeros(self.latents, dtype=bool)
        self.tokens = self.active = self.sampled = 0
        self.sum: Any = 0.0
        self.square = self.error = 0.0

    def take(self, acts: "torch.Tensor", segments: list[Segment]) -> None:
        """Encode a batch of activations, as many whole texts at a time as fit."""
        room = max(1, CHUNK_VALUES // self.latents)
        first = 0
        while first < len(segments):
            last = first + 1
            while last < len(segments) and segments[last].stop - segments[first].start <= room:
                last += 1
            start, stop = segments[first].start, segments[last - 1].stop
            x = acts[start:stop].float()
            latents = self.sae.encode(x)
            for s in segments[first:last]:
                self._text(s, x[s.start - start : s.stop - start], latents[s.start - start : s.stop - start])
            first = last

    def _text(self, segment: Segment, x: "torch.Tensor", latents: "torch.Tensor") -> None:
        fires = (latents > 0).sum(0)
        index = fires.nonzero()[:, 0]
        key = (segment.conversation, segment.response)
        strongest = latents.max(0)
        self.found[key] = (
            index.cpu().numpy().astype(np.int32),
            strongest.values[index].cpu().numpy(),
            (fires[index] / len(x)).float().cpu().numpy(),
            self._peaks(segment)[strongest.indices[index].cpu().numpy()],
        )
        if segment.response < 0:
            return
        self.alive[self.found[key][0]] = True
        self.active += int(fires.sum())
        pick = slice(-self.tokens % self.stride, None, self.stride)
        self.tokens += len(x)
        x = x[pick]
        if len(x):
            self.sampled += len(x)
            # encoded again: SAEs that normalise their input decode with what they saw last
            rebuilt = self.sae.decode(self.sae.encode(x))
            self.error += float((x - rebuilt).double().square().sum())
            self.square += float(x.double().square().sum())
            self.sum = self.sum + x.double().sum(0)

    def _peaks(self, segment: Segment) -> NDArray[np.int32]:
        """The place of each token of a text that was kept, as `peak_code` writes it."""
        conversation = self.texts.conversations[segment.conversation]
        piece = conversation.prompt if segment.response < 0 else conversation.responses[segment.response]
        kept = [p for p, content in zip(piece.places, piece.content, strict=True) if content]
        return np.array([peak_code(*p) for p in kept], dtype=np.int32)

    def fit(self) -> dict[str, Any]:
        """How well the SAE fits the responses that were read (None where there were none)."""
        n = self.tokens
        variance = self.square - float(self.sum.square().sum()) / self.sampled if self.sampled else 0.0
        return {
            "variance_explained": 1 - self.error / variance if variance > 0 else None,
            "l0": self.active / n if n else None,
            "share_alive": float(self.alive.mean()) if n else None,
            "n_response_tokens": n,
        }

    def matrices(self) -> dict[tuple[Span, Stat], Any]:
        """Sparse matrices `(n_pairs, latents)` for each span and statistic."""
        tokens = self.texts
        out: dict[tuple[Span, Stat], Any] = {}
        spans: tuple[Span, ...] = ("prompt", "chosen", "rejected")
        for k, span in enumerate(spans):
            keys = [(w[0], -1 if k == 0 else w[k]) for w in tokens.where]
            # a response of no turns has the number -1, which would be the prompt's
            rows = [None if k and r < 0 else self.found.get((c, r)) for c, r in keys]
            out[span, "max"], out[span, "freq"], out[span, "peak"] = _stack(rows, self.latents)
        return out


def _stack(rows: Sequence[Any], width: int) -> tuple[Any, ...]:
    from scipy.sparse import csr_matrix

    filled = [r for r in rows if r is not None]
    indptr = np.cumsum([0, *(0 if r is None else len(r[0]) for r in rows)])
    indices = np.concatenate([r[0] for r in filled]) if filled else np.zeros(0, np.int32)
    kinds = (np.float32, np.float32, np.int32)
    data = [
        np.concatenate([r[j] for r in filled]).astype(kind) if filled else np.zeros(0, kind)
        for j, kind in enumerate(kinds, start=1)
    ]
    shape = (len(rows), width)
    return tuple(csr_matrix((values, indices, indptr), shape=shape) for values in data)
