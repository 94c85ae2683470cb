"""How strongly each response expresses a concept: from a lens's features, or along a direction.

Both readouts come from the start model or from rules, before training, and never change. A direction is
the difference of mean activations between the responses that show the concept most and least
(difference of means, arXiv 2606.12360 section 2.6).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError, unknown_name
from offtarget.lens.features import FeatureMatrix
from offtarget.models import ModelRef, template_hash
from offtarget.shaping.context import ConceptScores
from offtarget.store import Store, hash_of
from offtarget.versions import package_versions

POOL_VERSION = 1
Floats = NDArray[np.float64]


def feature_scores(features: Sequence[FeatureMatrix], members: Sequence[str]) -> ConceptScores:
    """Scores of a concept from the features it is made of, z-scored over all 2N responses.

    Counts and lengths enter as log(1 + x), rates as they are; a cluster of latents by the mean firing
    frequency of its members.

    Raises:
        ConfigError: no lens at hand has these features, or they never vary.
    """
    chosen, rejected = raw_scores(features, members)
    return ConceptScores.standardise(chosen, rejected)


def raw_scores(features: Sequence[FeatureMatrix], members: Sequence[str]) -> tuple[Floats, Floats]:
    """(n_pairs,) readouts of chosen and rejected before standardising."""
    for part in features:
        where = {c.id: j for j, c in enumerate(part.columns)}
        if members[0] not in where:
            continue
        missing = [m for m in members if m not in where]
        if missing:
            raise ConfigError(
                f"lens '{part.lens}' has no feature '{missing[0]}': the audit was made with another lens"
            )
        index = [where[m] for m in members]
        column = part.columns[index[0]]
        stat = "value" if ("chosen", "value") in part.values else "freq"
        out = []
        for span in ("chosen", "rejected"):
            x = part.values[(span, stat)][:, index].toarray().astype(float)  # type: ignore[index]
            if stat == "value" and column.contrast != "value":
                x = np.log1p(x)
            out.append(x.mean(axis=1))
        return out[0], out[1]
    known = [c.id for part in features for c in part.columns]
    raise unknown_name("feature", members[0], known)


@dataclass(frozen=True)
class PooledActivations:
    """Mean residual-stream activation over each response's tokens."""

    layer: int
    chosen: NDArray[np.float32]
    """(n_pairs, d_model)"""
    rejected: NDArray[np.float32]


def pooled_activations(
    model_ref: ModelRef,
    pairs: Sequence[Pair],
    rows_sha256: str,
    layer: int,
    max_length: int,
    store: Store,
    template: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PooledActivations:
    """Mean activations of both answers of every pair after a layer, from the store or computed now."""
    from offtarget.models import load, load_tokenizer

    inputs = {
        "model": model_ref.identity,
        "template": template_hash(load_tokenizer(model_ref, store, template=template)),
        "rows": hash_of([rows_sha256, [p.id for p in pairs]]),
        "layer": layer,
        "max_length": max_length,
        "packages": package_versions("torch", "transformers"),
    }

    def build(out: Path) -> None:
        model, tokenizer = load(model_ref, dtype="bfloat16", store=store, template=template)
        np.savez(out / "pooled.npz", **_pool(model, tokenizer, pairs, layer, max_length, progress))

    folder = store.get("pooled", POOL_VERSION, inputs, build)
    with np.load(folder / "pooled.npz", allow_pickle=False) as z:
        return PooledActivations(layer, z["chosen"], z["rejected"])


def _pool(
    model: Any,
    tokenizer: Any,
    pairs: Sequence[Pair],
    layer: int,
    max_length: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Any]:
    from offtarget.lens.activations import encode_spans

    means: dict[tuple[int, int], NDArray[np.float32]] = {}

    def consume(hidden: Any, segments: Any) -> None:
        for s in segments:
            if s.response >= 0:
                means[(s.conversation, s.response)] = hidden[s.start : s.stop].float().mean(0).numpy()

    tokens = encode_spans(model, tokenizer, pairs, layer, consume, max_length=max_length, progress=progress)
    nothing = np.zeros(int(model.config.hidden_size), np.float32)
    chosen = np.stack([means.get((c, a), nothing) for c, a, _ in tokens.where])
    rejected = np.stack([means.get((c, b), nothing) for c, _, b in tokens.where])
    return {"chosen": chosen, "rejected": rejected}


def mean_difference(
    pooled: PooledActivations, chosen: Floats, rejected: Floats
) -> tuple[NDArray[np.float32], float]:
    """Unit direction of a concept, and the spread of the responses along it.

    Args:
        pooled: mean activations.
        chosen: (n_pairs,) raw readout of the concept; where it is mostly zero the concept is present
            where it is above zero, else the upper third is set against the lower third.
        rejected: (n_pairs,)

    Returns:
        v (d_model,) of unit norm, and the standard deviation of ⟨mean h, v⟩ over all responses.

    Raises:
        ConfigError: fewer than 8 responses on one side of the comparison.
    """
    x = np.concatenate([chosen, rejected])
    h = np.concatenate([pooled.chosen, pooled.rejected])
    if (x <= 0).mean() > 0.4:
        high, low = x > 0, x <= 0
    else:
        low_cut, high_cut = np.quantile(x, [1 / 3, 2 / 3])
        # where many values tie at both cuts, those belong to neither side
        high, low = (x >= high_cut, x <= low_cut) if low_cut < high_cut else (x > high_cut, x < low_cut)
    if min(high.sum(), low.sum()) < 8:
        raise ConfigError(
            f"the concept is shown by {int(high.sum())} responses and absent from {int(low.sum())}: "
            "at least 8 of each are needed for a direction"
        )
    v = h[high].mean(0) - h[low].mean(0)
    v = v / np.linalg.norm(v)
    return v.astype(np.float32), float((h @ v).std())


def direction_scores(pooled: PooledActivations, v: NDArray[np.float32]) -> ConceptScores:
    """Scores ⟨mean h, v⟩ of every response, z-scored."""
    return ConceptScores.standardise((pooled.chosen @ v).astype(float), (pooled.rejected @ v).astype(float))
