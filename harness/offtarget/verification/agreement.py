"""How well predicted shifts agree with observed ones, over concepts.

x is the predicted, y the observed shift of each concept. r² is the squared Pearson correlation (what
arXiv 2606.12360 most plausibly calls R²); `r2_held_out` is 1 - SSE/SST where each concept is predicted by the
line fitted on all the others, against the mean of the others, so it can be negative.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from offtarget.audit.statistics.means import Floats
from offtarget.verification.records import Band, Control, Fit, Null, OverLength, Scale, SignAgreement
from offtarget.verification.sums import GroupSums, Shift

SHUFFLES = 500
RESAMPLES = 500
BLOCKS = 20
"""Of prompts, left out one by one."""
BANDS = (0.0, 0.05, 0.2, 1.0)
"""Edges of firing bands: shares of responses."""
FEWEST_IN_A_BAND = 8
SUREST = 0.05
"""Share of concepts, by size of the prediction, of which the sign is checked."""


def pearson(x: Floats, y: Floats) -> Floats:
    """Correlation along the last axis; 0 where one side is constant. Shapes broadcast."""
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    norm = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(norm > 0, (x * y).sum(axis=-1) / norm, 0.0))


def residual(x: Floats, on: Floats) -> Floats:
    """What is left of x, `(..., m)`, after a regression with intercept on `on`, `(m,)`."""
    on = on - on.mean()
    x = x - x.mean(axis=-1, keepdims=True)
    total = float(on @ on)
    return x if total == 0 else np.asarray(x - (x @ on / total)[..., None] * on)


def held_out_r2(x: Floats, y: Floats) -> float:
    """1 - SSE/SST where every y is predicted by the line through all other concepts.

    With leverage h_i = 1/m + (x_i - x̄)²/S_xx, the residual left out is e_i/(1 - h_i); that of the mean of the
    others is (y_i - ȳ)·m/(m - 1).
    """
    m = len(x)
    dx, dy = x - x.mean(), y - y.mean()
    s_xx = float(dx @ dx)
    if m < 3 or s_xx == 0 or not dy.any():
        return 0.0
    rest = 1 - 1 / m - dx**2 / s_xx
    if rest.min() < 1e-9:  # one concept holds the line alone: without it there is none
        return 0.0
    left_out = (dy - dx * (dx @ dy) / s_xx) / rest
    return float(1 - (left_out**2).sum() / ((dy * m / (m - 1)) ** 2).sum())


class Prediction(Protocol):
    """What a prediction must be able to say; `GroupSums` of per-row contributions, or `Tilt`."""

    @property
    def n_rows(self) -> int:
        """Pairs that it rests on."""

    def __len__(self) -> int:
        """Prompts that it rests on."""

    def shift(self) -> Shift:
        """The predicted shift of every concept."""

    def shuffled(self, signs: Floats) -> Shift:
        """The same from labels swapped by whole prompts."""

    def resampled(self, weights: Floats) -> Shift:
        """The same from prompts that count as often as the weights say."""


@dataclass(frozen=True)
class Compared:
    """One predictor against one observation, over the same concepts in the same order."""

    predicted: Prediction
    observed: GroupSums
    sensitivity: Floats
    """How much each concept grows with log length in the data, `(n_concepts,)`."""
    frequency: Floats | None = None
    """Share of the data's responses in which each concept shows, `(n_concepts,)`; None where concepts do not fire."""


def fit(x: Floats, y: Floats) -> Fit:
    """The agreement of one pair of vectors, without intervals."""
    from scipy import stats

    r = float(pearson(x, y))
    spread = float(x.std())
    slope = r * float(y.std()) / spread if spread > 0 else 0.0
    rank = stats.spearmanr(x, y).statistic if x.any() and y.any() and np.ptp(x) and np.ptp(y) else 0.0
    return Fit(
        r=r,
        r2=r * r,
        slope=slope,
        intercept=float(y.mean() - slope * x.mean()),
        r2_held_out=held_out_r2(x, y),
        spearman=float(rank),
    )


def compare(c: Compared, *, seed: int, shuffles: int = SHUFFLES, resamples: int = RESAMPLES) -> Control:
    """Agreement raw, with length removed in both ways, each with its shuffle null and its intervals.

    Length is removed row by row (x and y are intercepts on the difference of log length, each over its own
    rows), and concept by concept (x and y are residuals of a regression over concepts on their sensitivity
    to length).

    Args:
        c: sums of both sides.
        seed: of shuffles and resamples.
        shuffles: labellings of the null; chosen and rejected are swapped by whole prompts.
        resamples: of concepts, and of the prompts of both sides.
    """
    rng = np.random.default_rng(seed)
    x, y = c.predicted.shift(), c.observed.shift()
    signs = (rng.integers(0, 2, (shuffles, len(c.predicted))) * 2 - 1).astype(np.float64)
    chance = c.predicted.shuffled(signs)
    pick = rng.integers(0, len(x.raw), (resamples, len(x.raw)))

    def one(kind: str) -> tuple[Fit, Null]:
        a, b = _both(x, y, kind, c.sensitivity)
        found = fit(a, b)
        over_concepts = pearson(a[pick], b[pick])
        null = pearson(_side(chance, kind, c.sensitivity), b)
        found = found.model_copy(
            update={"ci_concepts": _interval(over_concepts), "ci_prompts": _over_prompts(c, x, y, kind, found.r, rng)}
        )
        return found, _null(null, found.r)

    fits = {kind: one(kind) for kind in ("raw", "by_row", "by_concept")}
    return Control(
        n_concepts=len(x.raw),
        n_rows=c.predicted.n_rows,
        n_prompts=len(c.observed),
        raw=fits["raw"][0],
        raw_null=fits["raw"][1],
        by_row=fits["by_row"][0],
        by_row_null=fits["by_row"][1],
        by_concept=fits["by_concept"][0],
        by_concept_null=fits["by_concept"][1],
        surest=_signs(x.at_equal_length, y.at_equal_length, chance.at_equal_length),
        scale=_scale(c, x, y, chance),
    )


def _scale(c: Compared, x: Shift, y: Shift, chance: Shift) -> Scale:
    """What the correlation at equal length is worth."""
    a, b = x.at_equal_length, y.at_equal_length
    spread = float(np.var(pearson(chance.at_equal_length, b)))
    error = _errors(c.observed)
    usable = error > 0
    unit = np.where(usable, error, 1.0)
    reliable = max(float(np.var(b) - np.mean(error**2)), 0.0)
    weight = reliable / (reliable + error**2) if reliable > 0 else np.ones_like(error)
    bands = []
    if c.frequency is not None:
        for low, high in itertools.pairwise(BANDS):
            inside = (c.frequency > low) & (c.frequency <= high)
            if inside.sum() >= FEWEST_IN_A_BAND:
                r = float(pearson(a[inside], b[inside]))
                bands.append(Band(above=low, up_to=high, n=int(inside.sum()), r2=r * r))
    return Scale(
        effective_n=1 / spread if spread > 0 else float(len(a)),
        r2_in_errors=float(pearson((a / unit)[usable], (b / unit)[usable])) ** 2 if usable.any() else 0.0,
        weighted_spearman=weighted_spearman(a, b, weight),
        spearman_by_firing=None if c.frequency is None else weighted_spearman(a, b, c.frequency),
        bands=tuple(bands),
    )


def weighted_spearman(x: Floats, y: Floats, weight: Floats) -> float:
    """Pearson correlation of the ranks of x and y under weights; with equal weights it is Spearman's."""
    from scipy.stats import rankdata

    a, b = rankdata(x), rankdata(y)
    w = weight / weight.sum()
    a, b = a - w @ a, b - w @ b
    size = np.sqrt((w @ a**2) * (w @ b**2))
    return float(w @ (a * b) / size) if size > 0 else 0.0


def _errors(observed: GroupSums) -> Floats:
    """Standard error of each concept's shift at equal length over prompts, by a jackknife in blocks: `(n_concepts,)`."""
    blocks = min(BLOCKS, len(observed))
    left_out = observed.resampled(_without_blocks(len(observed), blocks, np.random.default_rng(0))).at_equal_length
    return np.asarray(np.sqrt((blocks - 1) / blocks * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)))


def _without_blocks(n: int, blocks: int, rng: np.random.Generator) -> Floats:
    """Weights that leave out one block of prompts each: `(blocks, n)`."""
    weights = np.ones((blocks, n))
    for k, rows in enumerate(np.array_split(rng.permutation(n), blocks)):
        weights[k, rows] = 0.0
    return weights


def over_length(c: Compared, length: Compared, *, seed: int) -> OverLength:
    """By how much r² raw of a prediction exceeds that of length alone, with its interval over prompts.

    Swapped labels are no null for this question: where length alone decides, they are far below both. So both are held
    against the same observation, and one block of prompts after the other is left out of both on each side.

    Args:
        c: the prediction.
        length: what length alone says, against the same observation.
        seed: of the blocks.
    """
    from scipy import stats

    def r2(x: Floats, y: Floats) -> Floats:
        return np.asarray(pearson(x, y) ** 2)

    rng = np.random.default_rng(seed)
    x, alone, y = c.predicted.shift().raw, length.predicted.shift().raw, c.observed.shift().raw

    def without(n: int, gap: Callable[[Floats], Floats]) -> float:
        blocks = min(BLOCKS, n)
        found = gap(_without_blocks(n, blocks, rng))
        return (blocks - 1) / blocks * float(((found - found.mean()) ** 2).sum())

    def of_prediction(weights: Floats) -> Floats:
        return r2(c.predicted.resampled(weights).raw, y)

    def of_length(weights: Floats) -> Floats:
        return r2(length.predicted.resampled(weights).raw, y)

    def of_observation(weights: Floats) -> Floats:
        seen = c.observed.resampled(weights).raw
        return r2(x, seen) - r2(alone, seen)

    n, n_length = len(c.predicted), len(length.predicted)
    if n == n_length:  # the same rows: what they share falls out of the difference
        variance = without(n, lambda w: of_prediction(w) - of_length(w))
    else:  # a prediction from answers to other prompts
        variance = without(n, of_prediction) + without(n_length, of_length)
    variance += without(len(c.observed), of_observation)
    found = float(r2(x, y) - r2(alone, y))
    fewest = min(BLOCKS, n, n_length, len(c.observed))
    half = float(stats.t.ppf(0.975, fewest - 1) * np.sqrt(variance))
    return OverLength(difference=found, ci=(found - half, found + half))


def with_seeds(fits: Sequence[Fit]) -> list[Fit]:
    """Fits of one prediction to several training seeds, each with `ci_seeds`: what another seed may give.

    On Fisher's z the variance over prompts (from `ci_prompts`) and that between seeds add up; degrees of freedom by
    Welch and Satterthwaite.
    """
    from scipy import stats

    if len(fits) < 2:
        return list(fits)
    z = np.arctanh(np.clip([f.r for f in fits], -0.999999, 0.999999))
    seeds, over_seeds = len(z), float(z.var(ddof=1))
    out = []
    for f, centre in zip(fits, z, strict=True):
        assert f.ci_prompts is not None
        low, high = np.arctanh(np.clip(f.ci_prompts, -0.999999, 0.999999))
        prompts = float(((high - low) / 2 / stats.t.ppf(0.975, BLOCKS - 1)) ** 2)
        total = prompts + over_seeds
        if total == 0:
            out.append(f.model_copy(update={"ci_seeds": f.ci_prompts}))
            continue
        df = total**2 / (prompts**2 / (BLOCKS - 1) + over_seeds**2 / (seeds - 1))
        half = stats.t.ppf(0.975, df) * np.sqrt(total)
        ci = (float(np.tanh(centre - half)), float(np.tanh(centre + half)))
        out.append(f.model_copy(update={"ci_seeds": ci}))
    return out


def ceiling(a: GroupSums, b: GroupSums, sensitivity: Floats, kind: str) -> float:
    """Correlation over concepts of the shifts that two training seeds show.

    No prediction can be expected to agree better with one of them than its square root.
    """
    return float(pearson(*_both(a.shift(), b.shift(), kind, sensitivity)))


def halves(observed: GroupSums, sensitivity: Floats, kind: str, *, seed: int, draws: int = 50) -> float:
    """Reliability of one observation from its prompts.

    The mean correlation of random halves, stepped up to the whole by Spearman and Brown, 2r/(1 + r).
    """
    rng = np.random.default_rng(seed)
    n = len(observed)
    weights = np.zeros((draws, n))
    for row in weights:
        row[rng.permutation(n)[: n // 2]] = 1.0
    r = pearson(*_both(observed.resampled(weights), observed.resampled(1 - weights), kind, sensitivity))
    mean = float(np.mean(r))
    return max(2 * mean / (1 + mean), -1.0) if mean > -1 else -1.0


def _side(shift: Shift, kind: str, sensitivity: Floats) -> Floats:
    if kind == "by_row":
        return shift.at_equal_length
    return residual(shift.raw, sensitivity) if kind == "by_concept" else shift.raw


def _both(x: Shift, y: Shift, kind: str, sensitivity: Floats) -> tuple[Floats, Floats]:
    return _side(x, kind, sensitivity), _side(y, kind, sensitivity)


def _over_prompts(
    c: Compared, x: Shift, y: Shift, kind: str, r: float, rng: np.random.Generator
) -> tuple[float, float]:
    """95 % interval of r over the prompts of both sides, by a jackknife in blocks on Fisher's z.

    Drawing prompts with replacement would add as much noise again as is there and so lower every r; leaving out
    one block of `BLOCKS` hardly changes it. The variances of both sides add up.
    """
    from scipy import stats

    variance = 0.0
    for side in ("predicted", "observed"):
        sums = c.predicted if side == "predicted" else c.observed
        blocks = min(BLOCKS, len(sums))
        left_out = _without_blocks(len(sums), blocks, rng)
        drawn = _side(sums.resampled(left_out), kind, c.sensitivity)
        other = _side(y if side == "predicted" else x, kind, c.sensitivity)
        z = np.arctanh(np.clip(pearson(drawn, other), -0.999999, 0.999999))
        variance += (blocks - 1) / blocks * float(((z - z.mean()) ** 2).sum())
    fewest = min(BLOCKS, len(c.predicted), len(c.observed))
    half = stats.t.ppf(0.975, fewest - 1) * np.sqrt(variance)
    centre = np.arctanh(np.clip(r, -0.999999, 0.999999))
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))


def _interval(draws: Floats) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def _null(r: Floats, observed: float) -> Null:
    r2 = r**2
    return Null(
        n=len(r2),
        mean_r2=float(r2.mean()),
        q95_r2=float(np.quantile(r2, 0.95)),
        p=float((1 + (r2 >= observed**2 * (1 - 1e-9)).sum()) / (1 + len(r2))),
    )


def _signs(x: Floats, y: Floats, chance: Floats) -> SignAgreement:
    """Signs of the concepts predicted most surely, and how many would be right by chance.

    Args:
        x: predicted, `(n_concepts,)`.
        y: observed.
        chance: predicted from swapped labels, `(n_draws, n_concepts)`.
    """

    def right(row: Floats) -> tuple[int, float]:
        top = np.argsort(-np.abs(row), kind="stable")[: max(1, round(SUREST * len(row)))]
        top = top[row[top] != 0]
        return len(top), float((np.sign(row[top]) == np.sign(y[top])).mean()) if len(top) else 0.0

    n, share = right(x)
    drawn = [right(row)[1] for row in chance]
    low, high = np.quantile(drawn, [0.05, 0.95]) if n and drawn else (0.0, 0.0)
    return SignAgreement(n=n, right=share, chance=(float(low), float(high)) if n else None)
