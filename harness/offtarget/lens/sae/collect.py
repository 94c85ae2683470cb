"""Activations of many texts on disk, as the raw material of an SAE: one row per token, shuffled later."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import Pair, PairSet, prompt_group
from offtarget.lens.activations import Segment, encode_spans
from offtarget.lens.reader import Reader
from offtarget.lens.tokens import tokenise_pairs

if TYPE_CHECKING:
    import torch

VERSION = 3
NORM_CAP = 6.0
"""Tokens whose norm is over this many times the mean are left out (arXiv 2606.12360, appendix)."""


@dataclass(frozen=True)
class Activations:
    """Residual-stream rows of one set of texts, `(n_tokens, d_model)`, in bfloat16 bit patterns."""

    bits: NDArray[np.uint16]
    info: dict[str, Any]
    """Model, layer, data name and hash, numbers of texts and tokens."""

    def rows(self, index: NDArray[np.integer[Any]]) -> "torch.Tensor":
        """Some rows as float32."""
        import torch

        chosen = np.ascontiguousarray(self.bits[index])
        return torch.from_numpy(chosen.view(np.int16)).view(torch.bfloat16).float()

    def typical(self) -> NDArray[np.int64]:
        """Numbers of the rows whose norm is at most `NORM_CAP` times the mean norm."""
        norms = np.concatenate(
            [
                self.rows(np.arange(a, min(a + 8192, len(self.bits)))).norm(dim=1).numpy()
                for a in range(0, len(self.bits), 8192)
            ]
        )
        return np.flatnonzero(norms <= NORM_CAP * norms.mean())


def held_out(group: str, share: float = 0.1) -> bool:
    """Whether a prompt group is kept from SAE training: the same answer on every machine and in every set."""
    return int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) < share * 2**32


def text_pairs(name: str, texts: Sequence[str], chunk: int = 1200) -> PairSet:
    """Plain text as pairs without responses: each stretch of about `chunk` characters is a user turn."""
    pairs = []
    for i, text in enumerate(texts):
        for j in range(0, len(text), chunk):
            prompt: list[Any] = [{"role": "user", "content": text[j : j + chunk]}]
            pairs.append(Pair(f"{name}-{i}-{j}", prompt_group(prompt), prompt, [], []))
    return PairSet(name, pairs)


def collect(reader: Reader, data: PairSet, layer: int, *, threads: int | None = None) -> Activations:
    """The activations of all prompts and responses of a set, encoded once and kept in the store.

    Args:
        reader: the model and how it reads; its store takes about 1.2 kB a token at width 576.
        data: the texts.
        layer: decoder layer after which the residual stream is read.
        threads: processor threads.
    """
    inputs = {"rows": data.rows_sha256, "layer": layer, **reader.inputs()}

    def build(out: Path) -> None:
        import torch

        model, tokenizer = reader.load()
        tokens = tokenise_pairs(tokenizer, data.pairs, max_length=reader.max_length)
        n = width = 0
        with (out / "activations.bin").open("wb") as file:

            def write(acts: "torch.Tensor", segments: list[Segment]) -> None:
                nonlocal n, width
                n, width = n + len(acts), acts.shape[1]
                file.write(acts.to(torch.bfloat16).view(torch.int16).cpu().numpy().tobytes())

            encode_spans(
                model, tokenizer, tokens, layer, write, threads=threads, progress=reader.step(f"reading {data.name}")
            )
        info = {
            "data": data.name,
            "rows_sha256": data.rows_sha256,
            "pairs": len(data),
            "texts": sum(1 + len(c.responses) for c in tokens.conversations),
            "tokens": n,
            "width": width,
            "truncated": tokens.n_truncated,
        }
        (out / "info.json").write_text(json.dumps(info, indent=1))

    folder = reader.store.get("sae-activations", VERSION, inputs, build)
    info = json.loads((folder / "info.json").read_text())
    shape = (info["tokens"], info["width"])
    return Activations(np.memmap(folder / "activations.bin", dtype=np.uint16, mode="r", shape=shape), info)
