"""What the frozen start model says of sequences: log-probabilities of answers, and what enters a layer.

Those of a whole set are one artifact (a pass); those that a plan adds are kept one by one, so that another strength
computes only what is new.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from offtarget.architecture import parts_of
from offtarget.machine import in_halves
from offtarget.models import ModelRef, template_hash
from offtarget.store import Store, hash_of, write_atomic
from offtarget.training.head import completion_logprobs
from offtarget.training.spec import MAX_PREFIX_BYTES
from offtarget.versions import package_versions

VERSION = 2
BATCH_TOKENS = 6144
DONE = "batches-done"
"""How many batches an interrupted pass had finished."""
SAVE_SECONDS = 20.0


@dataclass(frozen=True)
class Pass:
    """What the start model says of some sequences."""

    logprobs: NDArray[np.float32]
    """(all answer tokens,) log-probabilities, nats."""
    answers: NDArray[np.int64]
    """(n_sequences + 1,) bounds of each sequence's answer in `logprobs`."""
    layer: int | None
    """The layer whose inputs are kept; None keeps none."""
    states: NDArray[np.float32] | None
    """(all tokens, d_model) what enters that layer, memory-mapped."""
    bounds: NDArray[np.int64]
    """(n_sequences + 1,) bounds of each sequence in `states`."""

    def __len__(self) -> int:
        return len(self.answers) - 1

    def answer(self, k: int) -> NDArray[np.float64]:
        """(answer tokens,) log-probabilities of the answer of sequence k."""
        return np.asarray(self.logprobs[self.answers[k] : self.answers[k + 1]], np.float64)

    def inputs(self, k: int) -> torch.Tensor:
        """(tokens, d_model) what enters the layer, for sequence k."""
        assert self.states is not None
        return torch.from_numpy(np.array(self.states[self.bounds[k] : self.bounds[k + 1]]))


@dataclass(frozen=True)
class Rows:
    """What the start model says of some sequences, each with its own folder."""

    folders: tuple[Path, ...]
    layer: int | None

    def __len__(self) -> int:
        return len(self.folders)

    def answer(self, k: int) -> NDArray[np.float64]:
        """(answer tokens,) log-probabilities of the answer of sequence k."""
        return np.asarray(np.load(self.folders[k] / "logprobs.npy", allow_pickle=False), np.float64)

    def inputs(self, k: int) -> torch.Tensor:
        """(tokens, d_model) what enters the layer, for sequence k."""
        return torch.from_numpy(np.load(self.folders[k] / "prefix.npy", allow_pickle=False))


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


@dataclass(frozen=True)
class StartReader:
    """The frozen start model, and how it is read.

    Args:
        model: in float32, frozen.
        tokenizer: its tokenizer (for the keys).
        ref: its identity.
        bf16: run under bf16 autocast, as training will.
        prefix_layer: layer whose inputs are kept; None or 0 keeps none.
        store: where results lie.
        progress: called with (done, total) sequences.
    """

    model: Any
    tokenizer: Any
    ref: ModelRef
    bf16: bool
    prefix_layer: int | None
    store: Store
    progress: Any = None

    def whole(self, sequences: Sequence[list[int]], starts: Sequence[int]) -> Pass:
        """Of a whole set, as one artifact; without what enters the layer where that is too much to keep.

        Args:
            sequences: prompt and answer of each, cut.
            starts: where each answer starts.
        """
        sequences, starts = [list(s) for s in sequences], list(starts)
        size = sum(map(len, sequences)) * int(self.model.config.hidden_size) * 4
        layer = self.prefix_layer if self.prefix_layer and size <= MAX_PREFIX_BYTES else None

        def build(out: Path) -> None:
            _compute(self.model, sequences, starts, out, layer, self.bf16, self.progress)

        key = self._key([sequences, starts], layer)
        return _as_pass(self.store.get("reference", VERSION, key, build, resumable=True), sequences, starts, layer)

    def one_by_one(self, sequences: Sequence[list[int]], starts: Sequence[int]) -> Rows:
        """Each sequence as its own artifact; those that are not there yet are computed together."""
        layer = self.prefix_layer or None
        given = [(list(s), n) for s, n in zip(sequences, starts, strict=True)]
        keys = [self._key(list(one), layer) for one in given]
        missing = [k for k, key in enumerate(keys) if not self.store.path("reference-row", VERSION, key).is_dir()]
        self.store.root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.store.root, prefix="reading-") as scratch:

            def read(which: Sequence[int], name: str) -> Pass:
                out = Path(scratch) / name
                out.mkdir()
                some, at = [given[k][0] for k in which], [given[k][1] for k in which]
                _compute(self.model, some, at, out, layer, self.bf16, self.progress)
                return _as_pass(out, some, at, layer)

            together = read(missing, "missing") if missing else None
            place = {k: i for i, k in enumerate(missing)}

            def build(out: Path, k: int) -> None:
                # one that is there and yet has to be built was damaged: it is read again by itself
                found, i = (together, place[k]) if together and k in place else (read([k], f"again-{k}"), 0)
                np.save(out / "logprobs.npy", found.answer(i).astype(np.float32))
                if layer:
                    np.save(out / "prefix.npy", found.inputs(i).numpy())

            folders = tuple(
                self.store.get("reference-row", VERSION, key, partial(build, k=k)) for k, key in enumerate(keys)
            )
        return Rows(folders, layer)

    def _key(self, ids: Any, layer: int | None) -> dict[str, Any]:
        return {
            "model": self.ref.identity,
            "template": template_hash(self.tokenizer),
            "ids": hash_of(ids),
            "dtype": "bf16-autocast" if self.bf16 else "float32",
            "device": next(self.model.parameters()).device.type,
            "prefix": layer,
            "packages": package_versions("torch", "transformers"),
        }


def _as_pass(folder: Path, sequences: Sequence[list[int]], starts: Sequence[int], layer: int | None) -> Pass:
    """What `_compute` left in a folder."""
    lengths = [len(s) for s in sequences]
    answers = [n - p for n, p in zip(lengths, starts, strict=True)]
    return Pass(
        np.load(folder / "logprobs.npy", allow_pickle=False),
        np.concatenate([[0], np.cumsum(answers)]).astype(np.int64),
        layer,
        None if layer is None else np.load(folder / "prefix.npy", mmap_mode="r", allow_pickle=False),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )


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
    parts = parts_of(model)
    grab, handle, states = _Grab(), None, None
    if prefix_layer is not None:
        shape = (int(whole[-1]), parts.width)
        states = _array(out / "prefix.npy", shape, new=not finished)
        handle = parts.layers[prefix_layer].register_forward_pre_hook(grab, with_kwargs=True)
    device = next(model.parameters()).device

    def read(batch: Sequence[int]) -> list[tuple[Any, Any]]:
        """Of each sequence: log-probabilities of its answer, and what enters the layer."""
        longest = max(lengths[k] for k in batch)
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        labels = torch.full((len(batch), longest), -100)
        mask = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, k in enumerate(batch):
            ids[row, : lengths[k]] = torch.tensor(sequences[k])
            labels[row, starts[k] : lengths[k]] = ids[row, starts[k] : lengths[k]]
            mask[row, : lengths[k]] = 1
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            hidden = parts.body(
                input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False
            ).last_hidden_state
            scores = completion_logprobs(hidden, parts.head.weight, labels.to(device)).cpu()
        entering = None if grab.states is None else grab.states.float().cpu().numpy()
        return [
            (
                scores[row, starts[k] - 1 : lengths[k] - 1].numpy(),
                None if entering is None else entering[row, : lengths[k]],
            )
            for row, k in enumerate(batch)
        ]

    done = 0
    saved = time.monotonic()
    try:
        for number, batch in enumerate(length_batches(lengths)):
            done += len(batch)
            if number < finished:  # by a run that was interrupted
                continue
            for k, (scores, entering) in zip(batch, in_halves(batch, read, "reference"), strict=True):
                logprobs[answer[k] : answer[k + 1]] = scores
                if states is not None:
                    states[whole[k] : whole[k + 1]] = entering
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
