"""The `embedding` lens: in which ways the two responses of a pair differ, learnt from the set itself.

A response's embedding is its mean activation after a layer, brought to unit length; e_Δ = e_chosen - e_rejected. The
distinct differences, with both signs, are coded by a signed SAE (arXiv 2510.26202) or by principal components. So
the fit cannot see which response was chosen: labels turned around, for one row or for all, give the same code.

A column lives on pairs, not on single texts. It is put into a `FeatureMatrix` so that chosen minus rejected is the
signed latent z: the chosen span holds max(z, 0) and the rejected span max(-z, 0), the side that has more of the
concept than the other. There is no value for prompts. Which pole of a latent is positive has no meaning.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import PairSet
from offtarget.errors import UndecidedError, unknown_name
from offtarget.lens.activations import choose_layer
from offtarget.lens.features import FILE_VERSION, Column, FeatureMatrix, Span, Stat
from offtarget.lens.pooled import pooled_activations
from offtarget.lens.reader import Reader
from offtarget.lens.sae.signed import DifferenceCode, SignedSaeRecipe, fit_pca, fit_signed_sae
from offtarget.machine import precision
from offtarget.store import hash_of

VERSION = 1
CODES = ("sae", "pca")
RECIPE = SignedSaeRecipe()
MIN_DIFFERENCES = 2 * RECIPE.latents
MIN_GROUPS = 10
HELD_OUT = 10
"""One prompt in this many is not trained on: it decides when training stops."""
GOOD_VARIANCE = 0.3

Floats32 = NDArray[np.float32]


def encode_embedding(
    pairs: PairSet, reader: Reader, code: str = "sae", fitted: FeatureMatrix | None = None
) -> FeatureMatrix:
    """The signed latents of every pair's difference, as chosen and rejected values.

    Args:
        pairs: what to read.
        reader: the model whose activations are the embeddings, and how it reads.
        code: "sae" or "pca".
        fitted: an earlier reading whose code is used again instead of a new fit.

    Returns:
        Statistic "value" of chosen and rejected; `fitted` holds the code, `info` how much of the differences it
        explains.

    Raises:
        ConfigError: an unknown code.
        UndecidedError: too few distinct differences or prompts, or `fitted` was read from another model, layer or
            template, or with another code.
    """
    if code not in CODES:
        raise unknown_name("code of lens 'embedding'", code, CODES)
    layer = choose_layer(reader.ref)
    reads = {
        "code": code, "layer": layer, "model_identity": reader.ref.identity, "template": reader.template_key,
    }  # fmt: skip
    if fitted is not None:
        _require_same(reads, fitted)
    inputs = {
        "rows": pairs.rows_sha256,
        "code": code,
        "layer": layer,
        "fitted": fitted.info["identity"] if fitted else None,
        "format": FILE_VERSION,
        **reader.inputs("numpy"),
    }

    def build(out: Path) -> None:
        read = pooled_activations(reader, pairs, layer)
        x = differences(read.chosen, read.rejected)
        groups = tuple(p.group for p in pairs.pairs)
        use = DifferenceCode.restore(fitted.fitted) if fitted else fit_code(x, groups, code)
        explained = use.variance_explained(x)
        info = {
            "name": "embedding",
            **reads,
            "identity": _identity(use),
            "version": VERSION,
            "model": reader.ref.name,
            "latents": len(use.encoder),
            "difference_variance_explained": round(explained, 4),
            "fitted_here": fitted is None,
            "dtype": precision(reader.dtype),
            "max_length": reader.max_length,
            "n_truncated": read.n_truncated,
        }
        if explained < GOOD_VARIANCE:
            info["cautions"] = [
                f"lens 'embedding' explains {explained:.0%} of how the responses' embeddings differ, under "
                f"{GOOD_VARIANCE:.0%}: what it misses, this audit misses"
            ]
        z = use.latents(x)
        ids = tuple(p.id for p in pairs.pairs)
        FeatureMatrix(
            "embedding", columns(z.shape[1]), as_sides(z), ids, groups, info, use.arrays(),
            kind="signed", reads_model=True,
        ).save(out)  # fmt: skip

    return FeatureMatrix.load(reader.store.get("embedding-features", VERSION, inputs, build))


def columns(n: int) -> tuple[Column, ...]:
    """`embedding:0` to `embedding:<n - 1>`, without their own names."""
    return tuple(
        Column(f"embedding:{j}", f"difference {j}", "root mean square of the latent", "value") for j in range(n)
    )


def as_sides(z: Floats32) -> dict[tuple[Span, Stat], Any]:
    """Signed latents `(n_pairs, n)` as values of chosen and rejected, whose difference they are."""
    from scipy.sparse import csr_matrix

    return {("chosen", "value"): csr_matrix(np.maximum(z, 0)), ("rejected", "value"): csr_matrix(np.maximum(-z, 0))}


def differences(chosen: Floats32, rejected: Floats32) -> Floats32:
    """e_chosen - e_rejected of embeddings brought to unit length, `(n_pairs, width)`; empty responses are 0."""
    unit = [x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (chosen, rejected)]
    return np.asarray(unit[0] - unit[1], dtype=np.float32)


def fit_code(x: Floats32, groups: Sequence[str], code: str = "sae") -> DifferenceCode:
    """Fit a code to the distinct differences of a set, in an order and with signs that know no label.

    Args:
        x: `(n_pairs, width)`.
        groups: prompt of each pair.
        code: "sae" or "pca".

    Raises:
        UndecidedError: fewer than 64 distinct differences, or fewer than 10 prompts.
    """
    found, rows = distinct(x)
    if len(found) < MIN_DIFFERENCES:
        raise UndecidedError(
            f"lens 'embedding': {len(found)} pairs with distinct differences are too few to learn "
            f"{RECIPE.latents} latents from; at least {MIN_DIFFERENCES} are needed"
        )
    order = sorted(set(groups), key=lambda g: hashlib.sha256(g.encode()).hexdigest())
    if len(order) < MIN_GROUPS:
        raise UndecidedError(f"lens 'embedding': {len(order)} prompts are too few; at least {MIN_GROUPS} are needed")
    if code == "pca":
        return fit_pca(found, RECIPE.latents)
    spared = set(order[::HELD_OUT])
    held_out = np.array([groups[i] in spared for i in rows], dtype=bool)
    return fit_signed_sae(found, held_out, RECIPE)


def distinct(x: Floats32) -> tuple[Floats32, NDArray[np.int64]]:
    """The differences that are not zero, each once whatever its sign, sorted; and a row of x for each.

    The sign kept is the one whose first coordinate other than zero is positive.
    """
    filled = np.flatnonzero(x.any(axis=1))
    first = x[filled, (x[filled] != 0).argmax(axis=1)]
    found, at = np.unique(x[filled] * np.sign(first)[:, None], axis=0, return_index=True)
    return found, filled[at]


def _identity(code: DifferenceCode) -> str:
    return hash_of({k: hashlib.sha256(v.tobytes()).hexdigest() for k, v in code.arrays().items()})


def _require_same(reads: dict[str, Any], fitted: FeatureMatrix) -> None:
    other = [name for name, value in reads.items() if fitted.info.get(name) != value]
    if other:
        raise UndecidedError(
            f"lens 'embedding' was fitted with another {other[0].removesuffix('_identity')} before; use the same, or "
            "audit without --like"
        )
