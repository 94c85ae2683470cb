"""One pass of the frozen start model over all training pairs: what every cell of a dataset shares.

Gives the reference log-probability of every answer token, and the hidden states that enter the lowest
trained layer. Filter, flip, shaping, seeds and strengths all read the same numbers; trl's own cache misses
on each of these. Below the lowest trained layer (and the lowest hook) nothing changes during training, so
the layers there run once per dataset instead of once per step.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from offtarget.models import ModelRef, template_hash
from offtarget.store import Store, hash_of, write_atomic
from offtarget.training.head import completion_logprobs
from offtarget.training.tokens import TokenPair
from offtarget.versions import package_versions

VERSION = 2
BATCH_TOKENS = 6144
MAX_PREFIX_BYTES = 8 * 2**30
DONE = "batches-done"
"""How many batches an interrupted pass had finished."""
SAVE_SECONDS = 20.0


@dataclass(frozen=True)
class Reference:
    """What the start model says of each answer; rows are pairs, in the order they were given."""

    chosen: NDArray[np.float64]
    """(n_pairs,) summed log-probability of the chosen answer, nats."""
    rejected: NDArray[np.float64]
    prefix: "Prefix | None"


@dataclass(frozen=True)
class Prefix:
    """Hidden states that enter layer `layer`, for every token of every sequence."""

    layer: int
    states: NDArray[np.float32]
    """(all tokens, d_model), memory-mapped."""
    bounds: NDArray[np.int64]
    """(2 n_pairs + 1,): sequence k (chosen 0, rejected 0, chosen 1, ...) is states[bounds[k]:bounds[k+1]]."""

    def rows(self, index: Sequence[int], sides: Sequence[int]) -> list[torch.Tensor]:
        """States (seq, d_model) of the given (pair, side) sequences; side 0 is chosen."""
        out = []
        for i, s in zip(index, sides, strict=True):
            k = 2 * i + s
            out.append(torch.from_numpy(np.array(self.states[self.bounds[k] : self.bounds[k + 1]])))
        return out


def length_batches(lengths: Sequence[int], budget: int = BATCH_TOKENS) -> list[list[int]]:
    """Indices packed by length: each batch holds at most `budget` padded tokens, or one sequence."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    batches: list[list[int]] = []
    current: list[int] = []
    for i in order:
        if current and lengths[current[0]] * (len(current) + 1) > budget:
            batches.append(current)
            current = []
        current.append(i)
    if current:
        batches.append(current)
    return batches


def reference(
    model: Any,
    tokenizer: Any,
    ref: ModelRef,
    ids: Sequence[TokenPair],
    *,
    max_length: int,
    bf16: bool,
    prefix_layer: int | None,
    store: Store,
    progress: Any = None,
) -> Reference:
    """Reference log-probabilities and cached lower layers, from the store or computed now.

    Args:
        model: the start model in float32, frozen.
        tokenizer: its tokenizer (for the key, and the padding id).
        ref: the model's identity.
        ids: the training pairs.
        max_length: where sequences are cut.
        bf16: run under bf16 autocast, as training will.
        prefix_layer: layer whose inputs are kept; None or 0 keeps none.
        store: where the result lies.
        progress: called with (done, total) sequences.
    """
    sequences = [t.sequence(side, max_length) for t in ids for side in ("chosen", "rejected")]
    starts = [len(t.prompt) for t in ids for _ in (0, 1)]
    width = int(model.config.hidden_size)
    size = sum(map(len, sequences)) * width * 4
    keep_prefix = bool(prefix_layer) and size <= MAX_PREFIX_BYTES
    inputs = {
        "model": ref.identity,
        "template": template_hash(tokenizer),
        "ids": hash_of([sequences, starts]),
        "dtype": "bf16-autocast" if bf16 else "float32",
        "device": next(model.parameters()).device.type,
        "prefix": prefix_layer if keep_prefix else None,
        "packages": package_versions("torch", "transformers"),
    }

    def build(out: Path) -> None:
        _compute(model, sequences, starts, out, prefix_layer if keep_prefix else None, bf16, progress)

    folder = store.get("reference", VERSION, inputs, build, resumable=True)
    tokens = np.load(folder / "logprobs.npy", allow_pickle=False)
    bounds = np.concatenate([[0], np.cumsum([len(s) - p for s, p in zip(sequences, starts, strict=True)])])
    sums = (
        np.add.reduceat(tokens.astype(np.float64), bounds[:-1]) if len(tokens) else np.zeros(len(sequences))
    )
    prefix = None
    if keep_prefix:
        assert prefix_layer is not None
        cut = np.concatenate([[0], np.cumsum([len(s) for s in sequences])])
        states = np.load(folder / "prefix.npy", mmap_mode="r", allow_pickle=False)
        prefix = Prefix(prefix_layer, states, cut)
    return Reference(sums[0::2], sums[1::2], prefix)


class _Grab:
    """A pre-hook that keeps what enters a layer."""

    def __init__(self) -> None:
        self.states: torch.Tensor | None = None

    def __call__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.states = args[0] if args else kwargs["hidden_states"]


def _array(path: Path, shape: tuple[int, ...], *, new: bool) -> Any:
    """A float32 array on disk, its space taken at once: a sparse file would end in a bus error on a full disk."""
    array = np.lib.format.open_memmap(path, mode="w+" if new else "r+", dtype=np.float32, shape=shape)
    if new and hasattr(os, "posix_fallocate"):
        with path.open("r+b") as f:
            os.posix_fallocate(f.fileno(), 0, f.seek(0, 2))
    return array


def _flush(*arrays: Any) -> None:
    for array in arrays:
        if array is not None:
            array.flush()


@torch.inference_mode()
def _compute(
    model: Any,
    sequences: list[list[int]],
    starts: list[int],
    out: Path,
    prefix_layer: int | None,
    bf16: bool,
    progress: Any,
) -> None:
    lengths = [len(s) for s in sequences]
    answer = np.concatenate([[0], np.cumsum([n - p for n, p in zip(lengths, starts, strict=True)])])
    whole = np.concatenate([[0], np.cumsum(lengths)])
    finished = int((out / DONE).read_text()) if (out / DONE).is_file() else 0
    logprobs = _array(out / "logprobs.npy", (int(answer[-1]),), new=not finished)
    grab, handle, states = _Grab(), None, None
    if prefix_layer is not None:
        shape = (int(whole[-1]), int(model.config.hidden_size))
        states = _array(out / "prefix.npy", shape, new=not finished)
        handle = model.model.layers[prefix_layer].register_forward_pre_hook(grab, with_kwargs=True)
    device = next(model.parameters()).device
    done = 0
    saved = time.monotonic()
    try:
        for number, batch in enumerate(length_batches(lengths)):
            done += len(batch)
            if number < finished:  # by a run that was interrupted
                continue
            longest = lengths[batch[0]]
            ids = torch.zeros(len(batch), longest, dtype=torch.long)
            labels = torch.full((len(batch), longest), -100)
            mask = torch.zeros(len(batch), longest, dtype=torch.long)
            for row, k in enumerate(batch):
                ids[row, : lengths[k]] = torch.tensor(sequences[k])
                labels[row, starts[k] : lengths[k]] = ids[row, starts[k] : lengths[k]]
                mask[row, : lengths[k]] = 1
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                hidden = model.model(
                    input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False
                ).last_hidden_state
                scores = completion_logprobs(hidden, model.lm_head.weight, labels.to(device)).cpu()
            for row, k in enumerate(batch):
                logprobs[answer[k] : answer[k + 1]] = scores[row, starts[k] - 1 : lengths[k] - 1].numpy()
                if states is not None:
                    assert grab.states is not None
                    states[whole[k] : whole[k + 1]] = grab.states[row, : lengths[k]].float().cpu().numpy()
            if time.monotonic() - saved > SAVE_SECONDS:
                _flush(logprobs, states)
                write_atomic(out / DONE, str(number + 1))
                saved = time.monotonic()
            if progress:
                progress(done, len(sequences))
    finally:
        if handle is not None:
            handle.remove()
    _flush(logprobs, states)
    (out / DONE).unlink(missing_ok=True)
    (out / "about.json").write_text(json.dumps({"sequences": len(sequences), "tokens": int(whole[-1])}))
