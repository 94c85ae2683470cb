"""Synthetic pairs and features whose truth is known."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from offtarget.data.pairs import Pair, PairSet
from offtarget.lens.features import Column, FeatureMatrix

TOPIC_WORDS = (
    ["cooking", "recipe", "oven", "flour", "butter", "sugar", "baking", "dough", "kitchen", "bread"],
    ["python", "function", "variable", "compiler", "loop", "integer", "array", "debug", "module", "thread"],
    ["planet", "orbit", "galaxy", "telescope", "comet", "gravity", "asteroid", "moon", "stellar", "nebula"],
)


def _pairs(groups: Sequence[str], topics: Sequence[int] | None = None, seed: int = 0) -> PairSet:
    rng = np.random.default_rng(seed)
    topics = [0] * len(groups) if topics is None else topics

    def text(words: list[str], n: int) -> str:
        return " ".join(rng.choice(words, n))

    prompts = {g: text(TOPIC_WORDS[t], 6) for g, t in zip(groups, topics, strict=True)}
    pairs = []
    for i, (g, t) in enumerate(zip(groups, topics, strict=True)):
        c, r = (text(TOPIC_WORDS[t], int(rng.integers(15, 40))) for _ in range(2))
        pairs.append(
            Pair(
                f"row{i}",
                g,
                [{"role": "user", "content": prompts[g]}],
                [{"role": "assistant", "content": c}],
                [{"role": "assistant", "content": r}],
            )
        )
    return PairSet("synthetic", pairs)


def _surface(pairs: PairSet, chosen: np.ndarray, rejected: np.ndarray, names: Sequence[str]) -> FeatureMatrix:
    return FeatureMatrix(
        lens="surface",
        columns=tuple(Column(f"surface:{n}", n, "count per response", "presence") for n in names),
        values={
            ("prompt", "value"): csr_matrix(np.zeros_like(chosen)),
            ("chosen", "value"): csr_matrix(chosen),
            ("rejected", "value"): csr_matrix(rejected),
        },
        pair_ids=tuple(p.id for p in pairs.pairs),
        groups=tuple(p.group for p in pairs.pairs),
        info={"version": 1},
    )


def _latents(pairs: PairSet, chosen: np.ndarray, rejected: np.ndarray) -> FeatureMatrix:
    return FeatureMatrix(
        lens="sae",
        columns=tuple(Column(f"sae:{j}", f"latent {j}", "activation", "presence") for j in range(chosen.shape[1])),
        values={
            (span, stat): csr_matrix(x)
            for span, x in (("prompt", 0 * chosen), ("chosen", chosen), ("rejected", rejected))
            for stat in ("max", "freq")
        },
        pair_ids=tuple(p.id for p in pairs.pairs),
        groups=tuple(p.group for p in pairs.pairs),
        info={"identity": "test-sae", "variance_explained": 0.4},
        kind="latent",
        reads_model=True,
    )


@pytest.fixture(scope="session")
def make_pairs() -> Callable[..., PairSet]:
    """(groups, topics, seed) -> pairs whose words are of their topic."""
    return _pairs


@pytest.fixture(scope="session")
def make_surface() -> Callable[..., FeatureMatrix]:
    """(pairs, chosen, rejected, names) -> a lens of plain counts, tested by presence."""
    return _surface


@pytest.fixture(scope="session")
def make_latents() -> Callable[..., FeatureMatrix]:
    """(pairs, chosen, rejected) -> a lens of latents with these firing frequencies."""
    return _latents
