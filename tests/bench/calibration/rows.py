"""Rows, responses and labels whose truth is known: prompts of any sizes, concepts of any shape, laws of taste.

Nothing is taken from the project's planted sets.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.length import Lengths

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PROMPTS: dict[str, Callable[[np.random.Generator], Sequence[int]]] = {
    "60 prompts of 1 row": lambda rng: [1] * 60,
    "30 prompts of 5": lambda rng: [5] * 30,
    "20 prompts of 1 to 50": lambda rng: rng.integers(1, 51, 20),
    "60 prompts, Zipf 1.6 up to 50": lambda rng: np.minimum(rng.zipf(1.6, 60), 50),
    "3 prompts of 50 and 97 of 1": lambda rng: [50] * 3 + [1] * 97,
    "one prompt of 116 and 29 of 1": lambda rng: [116] + [1] * 29,
}
"""How many rows prompts have."""
CONCEPTS = {
    "normal": (0.5, "normal"),
    "heavy tails": (0.7, "heavy"),
    "presence, differs in 30 %": (0.7, 0.3),
    "presence, differs in 3 %": (0.5, 0.03),
}
"""How rows of a prompt go together, and what a concept's u looks like."""


def codes_of(sizes: Sequence[int]) -> Ints:
    """The prompt of each row."""
    return np.repeat(np.arange(len(sizes)), sizes).astype(np.int64)


def null_rows(codes: Ints, icc: float, shape: str | float, m: int, rng: np.random.Generator) -> Floats:
    """(n, m) values with a distribution symmetric about 0, rows of a prompt correlated by `icc` before shaping.

    A number as shape: -1, 0 or 1, and not 0 in about that share of rows. `heavy`: sign(z)·(e^{1.3|z|} - 1).
    """
    from scipy.stats import norm

    z = np.sqrt(icc) * rng.standard_normal((codes.max() + 1, m))[codes]
    z = z + np.sqrt(1 - icc) * rng.standard_normal((len(codes), m))
    if shape == "normal":
        return z
    if shape == "heavy":
        return np.asarray(np.sign(z) * np.expm1(1.3 * np.abs(z)))
    cut = norm.isf(float(shape) / 2)
    return (z > cut).astype(float) - (z < -cut)


def one_long_writer(rng: np.random.Generator, n: int) -> Lengths:
    """One writer who is long, and others of all lengths."""
    return Lengths(*np.exp(np.stack([rng.normal(6, 0.4, n), rng.normal(4.8, 0.9, n)])).round())


def onset(rng: np.random.Generator, length: Floats, at: Floats) -> Floats:
    """Whether each answer shows concepts that set in at e^at characters, `(n, m)`."""
    return (rng.random((len(length), len(at))) < 0.8 / (1 + np.exp(-6 * (np.log(length)[:, None] - at)))).astype(float)


def any_place(rng: np.random.Generator, length: Floats, at: Floats) -> Floats:
    """Whether each answer shows concepts that turn up anywhere, once in e^at characters, `(n, m)`."""
    return (rng.random((len(length), len(at))) < 1 - np.exp(-np.exp(np.log(length)[:, None] - at))).astype(float)


def threshold_concepts(rng: np.random.Generator, lengths: Lengths, m: int) -> Floats:
    """u of concepts that set in at some length, `(n, m)`."""
    at = rng.uniform(3.5, 6.5, m)
    return onset(rng, lengths.chosen, at) - onset(rng, lengths.rejected, at)


LAWS: dict[str, Callable[[Lengths], Floats]] = {
    "logistic in log length": lambda a: 1.2 * a.difference,
    "the longer wins 80 %": lambda a: 1.386 * np.sign(a.difference),
    "logistic in characters": lambda a: (a.chosen - a.rejected) / 300,
    "the longer up to 1,000 characters": lambda a: (
        3 * np.log(np.minimum(a.chosen, 1000) / np.minimum(a.rejected, 1000))
    ),
}
"""Log odds that the first answer is chosen, where length alone decides."""


def label(u: Floats, lengths: Lengths, log_odds: Floats, rng: np.random.Generator) -> tuple[Floats, Lengths]:
    """The rows as a labeller leaves them: where he does not choose the first answer, the sides change places."""
    first = rng.random(len(u)) < 1 / (1 + np.exp(-np.clip(log_odds, -50, 50)))
    a, b = lengths.chosen, lengths.rejected
    turned = Lengths(np.where(first, a, b), np.where(first, b, a))
    return np.where(first, 1.0, -1.0)[:, None] * u, turned
