"""The two answers' lengths held fixed: one basis, one estimand and one test for everything that is said "at equal length".

Estimand: the mean difference of a concept, chosen minus rejected, among pairs whose answers are of equal length. It is a
direct effect. Where the concept itself makes answers longer and length is what is liked (a mediator), it is 0 although
training on the pairs still teaches the concept. Where quality makes answers longer (length is then a collider), a
concept that nobody minds can show a dislike: among answers of equal length the one without it was the better one.

Basis Z, odd: swapping the answers turns its sign. Differences of a natural cubic spline of each answer's log length, and
tanh(Δ/0.15), tanh(Δ/0.6) of the difference Δ of log lengths for tastes that are steps ("the longer one wins").

Test: P(chosen is chosen | the two answers) = σ(Zγ + βu), a conditional logit, which is fitted at β = 0 alone. The effective
score of a pair is s = (u - ZA)(1 - p), with p = σ(Zγ) and A the regression of u on Z weighted by p(1 - p). Its mean is 0
at β = 0 where either the taste for length or the concept's dependence on length is within the span of Z. Summed by prompt,
scores are flipped as labels are in the overall view (`flips`; Hemerik, Goeman and Finos 2020, doi 10.1111/rssb.12369), and
Σs / Σ2p(1 - p) is the effect in the unit of u: where no lengths differ it is the mean of u. The squared error is the larger of
Σ_g s_g² and what independent labels would bring, Σ (u - ZA)² p(1 - p): with few pairs that differ, the first can be far too small.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.arrays import Floats, Ints, column_blocks, group_sums
from offtarget.audit.statistics.flips import flip_p, refine, typical_values
from offtarget.audit.statistics.means import MIN_GROUPS, correlations, t_interval
from offtarget.data.debris import own_text
from offtarget.data.pairs import Pair
from offtarget.lens.features import LENGTHS, FeatureMatrix

SPLINE_DF = 5
STEPS = (0.15, 0.6)
"""Differences of log length within which a taste may turn."""
RIDGE = 1e-4
"""On the coefficients of the choice; it bounds them where length decides every one."""
COLLINEAR = 0.95
NOTHING_LEFT = 1 - COLLINEAR**2
"""Share of a concept's variance: with less left of it at equal length, it is length."""

EXTENT = frozenset(f"surface:{x}" for x in ("tokens", "characters", "sentences", "paragraphs", "newline_density"))
"""Rules that grow with length, though they measure it less closely than characters do."""
IS_LENGTH = "a measure of length itself"
DECIDED = "not estimable: length alone decides the choice"


@dataclass(frozen=True, eq=False)
class Lengths:
    """Characters of the chosen and of the rejected answer, row by row: `(n_rows,)` each."""

    chosen: Floats
    rejected: Floats

    @classmethod
    def of(cls, pairs: Sequence[Pair], features: Iterable[FeatureMatrix] = ()) -> "Lengths":
        """The lengths of some pairs, without debris (`debris.own_text`).

        Args:
            pairs: the rows.
            features: of them; a lens may have read the lengths already (`features.LENGTHS`).
        """
        for read in features:
            column = read.info.get(LENGTHS)
            if column in [c.id for c in read.columns]:
                at = read.position(str(column))
                return cls(*(read.values[side, "value"][:, [at]].toarray().ravel() for side in ("chosen", "rejected")))
        sides = ([len(own_text(p.prompt, getattr(p, side))) for p in pairs] for side in ("chosen", "rejected"))
        return cls(*(np.array(side, dtype=np.float64) for side in sides))

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def difference(self) -> Floats:
        """log(1 + characters) of chosen minus that of rejected."""
        return np.asarray(np.log1p(self.chosen) - np.log1p(self.rejected))

    @property
    def medians(self) -> tuple[float, float]:
        """Of chosen and of rejected."""
        return float(np.median(self.chosen)), float(np.median(self.rejected))

    def basis(self) -> Floats:
        """Odd functions of the two lengths, `(n_rows, 0 to 6)`; the first one is the difference of log length."""
        return odd_basis(self)


@dataclass(frozen=True, eq=False)
class Choice:
    """How length alone would choose."""

    basis: Floats
    """`(n_rows, k)`"""
    p: Floats
    """σ(Zγ), the chance that the chosen answer is the chosen one, `(n_rows,)`."""

    @property
    def weight(self) -> Floats:
        """p(1 - p): at most 1/4, where length has no say."""
        return np.asarray(self.p * (1 - self.p))

    @property
    def worth(self) -> float:
        """Pairs of equal length that all these are worth: Σ 4p(1 - p)."""
        return float(4 * self.weight.sum())

    def remainder(self, u: NDArray[Any]) -> Floats:
        """U - ZA: what length does not explain of it, `(n_rows, n_columns)`."""
        x = u.astype(np.float64)
        if self.basis.shape[1] == 0:
            return x
        weighted = self.basis * self.weight[:, None]
        gram = weighted.T @ self.basis
        ridge = 1e-9 * np.trace(gram) / len(gram) * np.eye(len(gram))
        return np.asarray(x - self.basis @ np.linalg.solve(gram + ridge, weighted.T @ x))


@dataclass(frozen=True, eq=False)
class EqualLength:
    """Effects at equal length, each array by column; of what cannot be told the effect is 0 and p is 1."""

    effect: Floats
    """In the unit of u."""
    ci: Floats
    """95 %, `(n_columns, 2)`."""
    p: Floats
    is_length: NDArray[np.bool_]
    decided: bool
    """Length alone decides the choice."""

    def reason(self, column: int) -> str | None:
        """Why a column has no effect at equal length; None where it has."""
        if self.is_length[column]:
            return IS_LENGTH
        return DECIDED if self.decided else None


def length_spline(lengths: Floats, df: int = SPLINE_DF) -> Floats:
    """Natural cubic spline of log(1 + characters), with an intercept in its span: `(n, at most df)`.

    The knots lie at quantiles. Where too few lengths are different, it is a line, or a constant.
    """
    x = np.log1p(lengths)
    different = len(np.unique(x))
    if different <= df:
        return np.stack([np.ones_like(x), x], axis=1)[:, : max(1, min(different, 2))]
    return _natural_spline(x, np.percentile(np.unique(x), np.linspace(0, 100, df)))


def _natural_spline(x: Floats, knots: Floats) -> Floats:
    """The natural cubic splines that are 1 at one knot and 0 at the others, `(n, n_knots)`.

    Between two knots a spline is given by its values and second derivatives there; these follow from the values by a
    tridiagonal system, and are 0 at the ends (Wood, Generalized Additive Models, 2nd ed., section 5.3.1). The same as
    `cr` of patsy and mgcv.

    Args:
        x: `(n,)`, none outside the knots.
        knots: three or more, rising.
    """
    k = len(knots)
    step = np.diff(knots)
    bend, slope = np.zeros((k - 2, k - 2)), np.zeros((k - 2, k))
    inner = np.arange(k - 2)
    bend[inner, inner] = (step[:-1] + step[1:]) / 3
    bend[inner[:-1], inner[1:]] = bend[inner[1:], inner[:-1]] = step[1:-1] / 6
    slope[inner, inner] = 1 / step[:-1]
    slope[inner, inner + 2] = 1 / step[1:]
    slope[inner, inner + 1] = -1 / step[:-1] - 1 / step[1:]
    second = np.zeros((k, k))
    second[1:-1] = np.linalg.solve(bend, slope)
    j = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, k - 2)
    h, left, right = step[j], knots[j + 1] - x, x - knots[j]
    out = (left**3 / h - h * left)[:, None] * second[j] / 6 + (right**3 / h - h * right)[:, None] * second[j + 1] / 6
    rows = np.arange(len(x))
    out[rows, j] += left / h
    out[rows, j + 1] += right / h
    return np.asarray(out)


def odd_basis(lengths: Lengths) -> Floats:
    """The basis of the two lengths, as the module says; `(n_rows, 0 to 6)`."""
    n, d = len(lengths), lengths.difference
    if not d.any():
        return np.zeros((n, 0))
    spline = length_spline(np.concatenate([lengths.chosen, lengths.rejected]))
    rest = spline[:n] - spline[n:]
    rest = rest - np.outer(d, d @ rest) / (d @ d)
    left, size, _ = np.linalg.svd(rest, full_matrices=False)
    rest = left[:, size > 1e-6 * np.sqrt(d @ d)] * np.sqrt(n)
    return np.concatenate([d[:, None], rest, np.stack([np.tanh(d / s) for s in STEPS], axis=1)], axis=1)


def answer_basis(lengths: Lengths) -> Floats:
    """Functions of length for every answer, the differences within a pair of which span the odd basis.

    Returns:
        `(2 n_rows, k)`: chosen answers, then rejected ones; a constant is in the span.
    """
    d = lengths.difference
    spline = length_spline(np.concatenate([lengths.chosen, lengths.rejected]))
    steps = np.stack([np.tanh(d / s) / 2 for s in STEPS], axis=1)
    return np.concatenate([spline, np.concatenate([steps, -steps])], axis=1)


def fit_choice(basis: Floats) -> Choice:
    """The conditional logit of the choice on length alone, by Newton's method.

    All outcomes are "chosen is chosen": the likelihood of a pair does not depend on which answer comes first.
    """
    n, k = basis.shape
    gamma = np.zeros(k)

    def loss(g: Floats) -> float:
        return float(np.logaddexp(0, -basis @ g).sum() + RIDGE / 2 * g @ g)

    now = loss(gamma)
    for _ in range(50 if k else 0):
        p = _sigmoid(basis @ gamma)
        hessian = (basis * (p * (1 - p))[:, None]).T @ basis + RIDGE * np.eye(k)
        step = np.linalg.solve(hessian, basis.T @ (1 - p) - RIDGE * gamma)
        while (new := loss(gamma + step)) > now + 1e-12 * abs(now) and np.abs(step).max() > 1e-8:
            step = step / 2
        gamma, now = gamma + step, new
        if np.abs(step).max() < 1e-8:
            break
    return Choice(basis, _sigmoid(basis @ gamma) if k else np.full(n, 0.5))


def _sigmoid(x: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(x))


def is_length(u: NDArray[Any], difference: Floats) -> NDArray[np.bool_]:
    """Columns that measure length: |Pearson r| with the log-length difference above 0.95."""
    if np.ptp(difference) == 0:
        return np.zeros(u.shape[1], dtype=bool)
    return np.asarray(np.abs(correlations(u, difference[:, None])[:, 0]) > COLLINEAR)


def at_equal_length(
    u: NDArray[Any], lengths: Lengths, codes: Ints, *, seed: int, drawn: Ints | None = None
) -> EqualLength:
    """The mean difference of every column among answers of equal length, as the module says.

    Args:
        u: `(n_rows, n_columns)`.
        lengths: of the same rows.
        codes: prompt group of each row.
        seed: of the random labellings.
        drawn: columns whose interval comes from random labellings, and a t interval for the others; None: all.
    """
    n_columns, n_groups = u.shape[1], int(codes.max()) + 1
    choice = fit_choice(lengths.basis())
    measures = is_length(u, lengths.difference)
    effect, ci, p = np.zeros(n_columns), np.zeros((n_columns, 2)), np.ones(n_columns)
    decided = choice.worth < MIN_GROUPS
    if decided:
        return EqualLength(effect, ci, p, measures, decided)
    weight = np.bincount(codes, 2 * choice.weight, minlength=n_groups).astype(np.float64)
    for cols in column_blocks(n_columns):
        s = scores(u[:, cols], choice, codes, n_groups)
        measures[cols] |= s.left < NOTHING_LEFT
        total = s.sums.sum(axis=0)
        effect[cols] = total / weight.sum()
        p[cols] = flip_p(s.sums, total / s.stretch)
        around = s.sums - weight[:, None] * effect[cols]
        se = s.stretch * np.sqrt(n_groups / max(n_groups - 1, 1) * (around**2).sum(axis=0)) / weight.sum()
        ci[cols] = t_interval(effect[cols], se, n_groups - 1)
        pick = np.arange(cols.start, cols.stop)
        pick = pick if drawn is None else pick[np.isin(pick, drawn)]
        if len(pick):
            at = pick - cols.start
            typical = typical_values(s.sums[:, at], weight, seed=seed, stretch=s.stretch[at])
            ci[pick], p[pick] = typical.ci, refine(typical, p[pick])
    effect[measures], ci[measures], p[measures] = 0.0, 0.0, 1.0
    return EqualLength(effect, ci, p, measures, decided)


@dataclass(frozen=True, eq=False)
class Scores:
    """The effective scores of some columns."""

    sums: Floats
    """By prompt, `(n_groups, n_columns)`."""
    stretch: Floats
    """How much larger the error of independent labels is than that of the scores as they are, at least 1."""
    left: Floats
    """Share of a column's variance that length does not explain."""


def scores(u: NDArray[Any], choice: Choice, codes: Ints, n_groups: int) -> Scores:
    """Effective scores by prompt.

    Args:
        u: `(n_rows, n_columns)`.
        choice: how length alone would choose these rows.
        codes: prompt group of each row.
        n_groups: how many there are.
    """
    rest = choice.remainder(u)
    sums = group_sums(rest * (1 - choice.p)[:, None], codes, n_groups)
    model = choice.weight @ rest**2
    before = choice.weight @ u.astype(np.float64) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        stretch = np.sqrt(np.maximum(1.0, np.nan_to_num(model / (sums**2).sum(axis=0), posinf=1.0)))
        left = np.where(before > 0, model / before, 0.0)
    return Scores(sums, stretch, left)
