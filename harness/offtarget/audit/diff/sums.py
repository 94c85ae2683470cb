"""What a later two-sample test needs of one audit, without its rows: the sums of `Comparison` for audits that share none.

Two audits that share no prompt are two independent samples, and then all that `test.Comparison` uses of either is a few
numbers per effect. Whether rows or prompts are shared cannot be known from sums. Where some are, the covariance that the test
of both audits counts is left out. Of shared rows it is positive: the error is too large, so less is found, and nothing that
is not there. Of other answers to the same few prompts it may be of either sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from offtarget.audit.diff.test import Side
from offtarget.audit.statistics import tails
from offtarget.audit.statistics.inside import MIN_ACTIVE, ROUNDING
from offtarget.audit.statistics.means import D_CAP, MIN_GROUPS, TINY_P, Floats, Ints, group_codes, group_sums
from offtarget.audit.workings import Workings

WRITTEN = 1e-6
"""Relative: two effects that are as near are the same, since a baseline holds seven digits."""


@dataclass(frozen=True, eq=False)
class Sums:
    """One number per effect in each array, `(n_effects,)`."""

    effect: Floats
    """Mean of u; in a context inside minus outside."""
    se: Floats
    """Clustered by prompt, with G/(G-1), in a context also (N-1)/(N-2)."""
    squares: Floats
    """Residual sum of squares of u, in a context on both sides together."""
    n: Floats
    """Rows that the effect is on."""
    n_outside: Floats
    """Rows that it is compared with; 0 of the whole set."""
    active: Floats
    """Rows with u ≠ 0 among `n`."""
    active_all: Floats
    """The same among all rows."""
    showing: Floats
    """Prompts among those of `n` with such a row."""
    prompts: Floats
    """Prompts of `n`."""
    prompts_all: Floats
    """Prompts of all rows."""
    k2: Floats
    """Σ (m_g / n)² over the prompts, with m_g of the `n` rows in prompt g."""
    k4: Floats
    """Σ (m_g / n)⁴"""

    def take(self, at: Ints) -> "Sums":
        """Some of the effects, by number."""
        return Sums(**{f.name: getattr(self, f.name)[at] for f in fields(self)})

    @classmethod
    def joined(cls, parts: Sequence["Sums"]) -> "Sums":
        """Several as one."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})

    @property
    def sd(self) -> Floats:
        """Of u, within the sides."""
        used = np.where(self.n_outside > 0, 2, 1)
        return np.sqrt(self.squares / np.maximum(self.n + self.n_outside - used, 1))


def sums_of(w: Workings, cells: Sequence[tuple[str | None, Ints]]) -> list[Sums]:
    """The sums of some effects of an audit.

    Args:
        w: the rows behind it.
        cells: contexts (None: the whole set), each with the numbers of the concepts.
    """
    codes = group_codes(w.groups)
    side = Side(w.effects(), codes, int(codes.max()) + 1)
    return [_whole(side, cols) if context is None else _inside(side, w, context, cols) for context, cols in cells]


def _whole(side: Side, cols: Ints) -> Sums:
    x, n = side.u[:, cols].astype(np.float64), side.n
    mean = side.total[cols] / n
    influence = (side.sums[:, cols] - side.sizes[:, None] * mean) / n
    scale = side.n_groups / (side.n_groups - 1)
    return Sums(
        effect=mean,
        se=np.sqrt(scale * (influence**2).sum(axis=0)),
        squares=((x - mean) ** 2).sum(axis=0),
        active=side.active[cols].astype(np.float64),
        active_all=side.active[cols].astype(np.float64),
        showing=(group_sums(x != 0, side.codes, len(side.sizes)) > 0).sum(axis=0).astype(np.float64),
        **_constants(len(cols), n, 0, side.sizes, side.n_groups),
    )


def _inside(side: Side, w: Workings, context: str, cols: Ints) -> Sums:
    mask = w.inside(context)
    x, codes = side.u[np.ix_(mask, cols)].astype(np.float64), side.codes[mask]
    n, n_out, groups = len(x), side.n - len(x), len(side.sizes)
    sums, sizes = group_sums(x, codes, groups), np.bincount(codes, minlength=groups).astype(np.float64)
    mean = x.mean(axis=0)
    rest = (side.total[cols] - sums.sum(axis=0)) / n_out
    inside = (sums - sizes[:, None] * mean) / n
    outside = (side.sums[:, cols] - sums - (side.sizes - sizes)[:, None] * rest) / n_out
    scale = side.n_groups / (side.n_groups - 1) * (side.n - 1) / (side.n - 2)
    far = np.maximum(side.squares[cols] - (x**2).sum(axis=0) - n_out * rest**2, 0.0)
    return Sums(
        effect=mean - rest,
        se=np.sqrt(scale * ((inside - outside) ** 2).sum(axis=0)),
        squares=((x - mean) ** 2).sum(axis=0) + far,
        active=(x != 0).sum(axis=0).astype(np.float64),
        active_all=side.active[cols].astype(np.float64),
        showing=(group_sums(x != 0, codes, groups) > 0).sum(axis=0).astype(np.float64),
        **_constants(len(cols), n, n_out, sizes, side.n_groups),
    )


def _constants(k: int, n: int, n_out: int, sizes: Floats, groups: int) -> dict[str, Floats]:
    """What is the same for all concepts of one context."""
    weight = sizes / n
    values = {
        "n": n,
        "n_outside": n_out,
        "prompts": (sizes > 0).sum(),
        "prompts_all": groups,
        "k2": (weight**2).sum(),
        "k4": (weight**4).sum(),
    }
    return {name: np.full(k, float(value)) for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class TwoSample:
    """One test per effect, each array `(n_effects,)`."""

    difference: Floats
    """new - old"""
    se: Floats
    df: Floats
    p: Floats
    d: Floats
    """The difference over the sd of u within both audits; ±`D_CAP` where there is none, and at most so much."""
    testable: Floats


def two_sample(old: Sums, new: Sums) -> TwoSample:
    """Test that effects are the same in two audits without common rows or prompts: `Comparison.test`, from sums.

    Welch's test with the errors clustered by prompt. Degrees of freedom are the smaller of Welch-Satterthwaite's and
    Kish's effective number of prompts less one. Where fewer than 10 prompts of one side show the concept, the error is at
    least that of independent rows with pooled variance. Testable are effects on 10 prompts, of which 10 rows on either side
    show the concept, seen or expected from the share over all rows.
    """
    difference = new.effect - old.effect
    scale = np.maximum(np.abs(old.effect), np.abs(new.effect))
    difference = np.where(np.abs(difference) <= WRITTEN * scale, 0.0, difference)
    v_old, v_new = old.se**2, new.se**2
    robust = np.sqrt(v_old + v_new)
    used = np.where(old.n_outside > 0, 4, 2)
    rows = [s.n + s.n_outside for s in (old, new)]
    sd = np.sqrt((old.squares + new.squares) / np.maximum(rows[0] + rows[1] - used, 1))
    weight2 = _inverse(old.n) + _inverse(new.n) + _inverse(old.n_outside) + _inverse(new.n_outside)
    rare = np.minimum(old.showing, new.showing) < MIN_ACTIVE
    se = np.where(rare, np.maximum(robust, sd * np.sqrt(weight2)), robust)
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = (v_old + v_new) ** 2 / (v_old**2 / (old.prompts_all - 1) + v_new**2 / (new.prompts_all - 1))
        kish = (old.k2 + new.k2) ** 2 / (old.k4 + new.k4)
        t = np.where(se > 0, difference / se, 0.0)
    d = cohen_d(difference, sd)
    df = np.maximum(np.fmin(np.fmin(welch, kish - 1), old.prompts_all + new.prompts_all - 1), 1.0)
    p = 2 * tails.t_sf(np.abs(t), df)
    apart = (se <= ROUNDING * np.abs(difference)) & (difference != 0)
    p[apart] = _exchange_p(old.prompts_all, new.prompts_all)[apart]
    share = (old.active_all + new.active_all) / (rows[0] + rows[1])
    telling = np.minimum(np.maximum(old.active, old.n * share), np.maximum(new.active, new.n * share))
    enough = (telling >= MIN_ACTIVE) & (old.prompts + new.prompts >= MIN_GROUPS)
    return TwoSample(difference, se, df, p, d, enough & ((se > 0) | apart))


def cohen_d(difference: Floats | np.float64, sd: Floats | np.float64) -> Floats:
    """The difference in standard deviations; where nothing varies ±`D_CAP`, and at most so much."""
    with np.errstate(divide="ignore", invalid="ignore"):
        d = np.where(sd > 0, difference / sd, np.sign(difference) * D_CAP)
    return np.asarray(np.clip(d, -D_CAP, D_CAP))


def _inverse(n: Floats) -> Floats:
    return np.where(n > 0, 1 / np.maximum(n, 1), 0.0)


def _exchange_p(old: Floats, new: Floats) -> Floats:
    """Of audits whose values do not overlap: two arrangements of the prompts in all that there are."""
    from scipy.special import gammaln

    ways = gammaln(old + new + 1) - gammaln(old + 1) - gammaln(new + 1)
    return np.asarray(np.clip(2 * np.exp(-ways), TINY_P, 1.0))
