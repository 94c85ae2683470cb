"""Means and differences of policies, with all that their error is made of: prompts, sampling and training seeds.

A protocol is what its training gives with any seed, asked on any prompt of the same kind. So the variance of a
difference D between policies a and b, on the same prompts, is

    V = V_prompts + s²_a/S_a + s²_b/S_b

V_prompts: of the difference averaged over seeds, clustered by prompt, G/(G − 1) · Σ_g (Σ_{i∈g} (d_i − D))²/n².
s²: sample variance of a policy's mean over its S training seeds; the start model has none. Sampling noise is in
both terms, so V is a little too large. Where both policies are shares, V_prompts holds two further prompts, one
changed up and one down (Bonett and Price 2012): without them n prompts that all agree would prove that none can differ.

The seeds' part V_seeds = Σ s²/S has the degrees of freedom k of Satterthwaite (1946), V_seeds²/Σ (s²/S)²/(S − 1). The
interval of level 1 − α is D ± h with

    h² = t²(1 − α/2, G − 1) · V_prompts + t²(1 − α/2, k) · V_seeds

and p is the α at which h = |D|. Each part has its own t (Banerjee 1961): for a trained policy against start that holds
at every level, since P(z² > u) is convex in u. One t with Satterthwaite's degrees of freedom for all of V does not: by
chance three seeds lie close together, V_seeds seems small beside V_prompts, the degrees of freedom large, and the size
was up to 1.5 times 0.05 and 4.6 times 0.05/8 (tests/bench/bench_calibration_board.py).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from offtarget.evals.panel import Floats, Panel
from offtarget.evals.rates import effective_n, wilson
from offtarget.evals.scores import cluster_of

SEEDS_NEEDED = 3
"""From this many training seeds on, their noise is estimated; with fewer nothing is claimed of a protocol."""
LEVEL = 0.95


@dataclass(frozen=True)
class Contrast:
    """A linear combination of policies' mean scores."""

    value: float
    prompts: Mapping[str, float]
    """Prompt -> its part of the error: V_prompts is the sum of the squares."""
    seeds: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    """Trained policy -> training seed -> the policy's part of the value in that seed."""
    n_prompts: float = 0.0
    """Effective number of prompts, (Σ n_g)²/Σ n_g²: unequal ones count for fewer."""

    @property
    def told(self) -> bool:
        """Whether the noise of training seeds is in the error: every trained policy has enough of them."""
        return all(len(s) >= SEEDS_NEEDED for s in self.seeds.values())

    @cached_property
    def v_prompts(self) -> float:
        """Variance by prompts, and by sampling."""
        return sum(e * e for e in self.prompts.values())

    @cached_property
    def v_seeds(self) -> float:
        """Variance by training seeds, of the policies that have more than one."""
        return sum(v for v, _ in self._policies)

    @property
    def variance(self) -> float:
        """V = V_prompts + V_seeds."""
        return self.v_prompts + self.v_seeds

    @property
    def seeds_df(self) -> float:
        """Satterthwaite's degrees of freedom of V_seeds, at least 1; those of the fewest seeds where it is 0."""
        if self.v_seeds > 0:
            return max(1.0, 1 / sum((v / self.v_seeds) ** 2 / k for v, k in self._policies))
        return min((k for _, k in self._policies), default=1.0)

    @cached_property
    def _policies(self) -> list[tuple[float, float]]:
        """(s²/S, S − 1) of each trained policy with more than one seed."""
        return [(_seed_covariance(self, self, p), len(s) - 1.0) for p, s in self.seeds.items() if len(s) > 1]

    def t(self) -> float:
        """The value in standard errors; infinite where it has no error and is not 0."""
        if self.variance == 0:
            return 0.0 if self.value == 0 else math.copysign(math.inf, self.value)
        return self.value / math.sqrt(self.variance)

    def half(self, level: float = LEVEL) -> float:
        """Half the width of the interval, h."""
        square = _quantile(level, self.n_prompts - 1) ** 2 * self.v_prompts
        if self.v_seeds > 0:
            square += _quantile(level, self.seeds_df) ** 2 * self.v_seeds
        return math.sqrt(square)

    def p(self) -> float | None:
        """Two-sided p of 0; None below two prompts.

        Where every prompt changed by the same, the error says nothing: then the p is that of all prompts going one
        way by chance, 2^(1 − G).
        """
        if self.n_prompts < 2:
            return None
        if self.variance == 0:
            return 1.0 if self.value == 0 else float(min(1.0, 2.0 ** (1 - self.n_prompts)))
        if self.v_seeds == 0:
            return _tail(abs(self.t()), self.n_prompts - 1)
        return self._p_of_both()

    def _p_of_both(self) -> float:
        """The α at which h = |D|, between those of t with the most and the fewest degrees of freedom."""
        from scipy.special import stdtrit

        of_prompts, of_seeds = float(self.n_prompts - 1), float(self.seeds_df)
        size, square = abs(self.t()), self.value**2
        ends = max(of_prompts, of_seeds), min(of_prompts, of_seeds)
        low, high = (math.log(max(_tail(size, k), 1e-300)) for k in ends)
        if low == high:
            return math.exp(low)

        def over(log_alpha: float) -> float:
            tail = math.exp(log_alpha) / 2
            half = stdtrit(of_prompts, tail) ** 2 * self.v_prompts + stdtrit(of_seeds, tail) ** 2 * self.v_seeds
            return math.log(half / square) if half > 0 else -math.inf

        at_low, at_high = over(low), over(high)
        # regula falsi as Illinois has it: the end that stays has its value halved
        for _ in range(60):
            new = (low + high) / 2
            if math.isfinite(at_low) and math.isfinite(at_high) and at_low != at_high:
                new = high - at_high * (high - low) / (at_high - at_low)
            at_new = over(new)
            if at_new * at_high <= 0:
                low, at_low = high, at_high
            else:
                at_low /= 2
            moved, high, at_high = abs(new - high), new, at_new
            if moved < 1e-10 or abs(at_new) < 1e-13:
                break
        return math.exp(high)

    def interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """D ± h; None below two prompts, and where no sample differs from another."""
        if self.n_prompts < 2 or self.variance == 0:
            return None
        half = self.half(level)
        return self.value - half, self.value + half

    def scaled(self, factor: float) -> "Contrast":
        """All of it times a number."""
        return Contrast(
            self.value * factor,
            {k: e * factor for k, e in self.prompts.items()},
            {a: {s: v * factor for s, v in own.items()} for a, own in self.seeds.items()},
            self.n_prompts,
        )


def level_of(x: Panel, name: str = "row") -> Contrast:
    """A policy's mean on one behaviour."""
    prompts, n = _influence(x.ids, x.by_sample)
    return Contrast(x.mean, prompts, _seeds(x, name, 1.0), n)


def difference(x: Panel, y: Panel, *, of: str, to: str) -> Contrast:
    """Mean of x minus mean of y, on the same samples.

    Args:
        x: a policy.
        y: another; both on the same samples (see `panel.common`).
        of: name of the policy x: contrasts that share a policy share its seeds' noise.
        to: name of the policy y.
    """
    if not x.ids:
        return Contrast(0.0, {}, _seeds(x, of, 1.0) | _seeds(y, to, -1.0))
    change = x.by_sample - y.by_sample
    prompts, n = _influence(x.ids, change)
    if x.rate and y.rate:
        groups = len(_prompts(x.ids)[0])
        shrunk = math.sqrt(groups * (groups - 1) / ((groups + 1) * (groups + 2)))
        prompts = {k: e * shrunk for k, e in prompts.items()}
        extra = 1 / math.sqrt((groups + 1) * (groups + 2))
        prompts |= {f"\x00up {x.ids[0]}": extra, f"\x00down {x.ids[0]}": -extra}
    return Contrast(x.mean - y.mean, prompts, _seeds(x, of, 1.0) | _seeds(y, to, -1.0), n)


def total(contrasts: Sequence[Contrast]) -> Contrast:
    """The sum; errors of one prompt, and of one policy's seed, add up before they are squared."""
    prompts: dict[str, float] = {}
    seeds: dict[str, dict[int, float]] = {}
    for c in contrasts:
        for k, e in c.prompts.items():
            prompts[k] = prompts.get(k, 0.0) + e
    for policy in dict.fromkeys(p for c in contrasts for p in c.seeds):
        own = [c.seeds[policy] for c in contrasts if policy in c.seeds]
        shared = set.intersection(*(set(o) for o in own))
        seeds[policy] = {s: sum(o[s] for o in own) for s in sorted(shared)}
    return Contrast(sum(c.value for c in contrasts), prompts, seeds, min((c.n_prompts for c in contrasts), default=0.0))


def mean_interval(x: Panel, level: float = LEVEL) -> tuple[float, float] | None:
    """Interval of a policy's mean score: Wilson on the effective n for shares, else t.

    None below two prompts, and where values are no shares and all the same. Below `SEEDS_NEEDED` seeds of a trained
    policy it is about that policy alone: another training is not in it.
    """
    c = level_of(x)
    if not x.rate:
        found = c.interval(level)
        if found is not None and x.values.min() >= 0:  # counts and lengths
            return max(0.0, found[0]), found[1]
        return found
    if c.n_prompts < 2:
        return None
    z, t = _quantile(level, math.inf), _quantile(level, c.n_prompts - 1)
    # the variance at which t of the prompts alone would be as wide as prompts and seeds are
    variance = (c.half(level) / t) ** 2
    n = effective_n(c.value, variance, unknown=c.n_prompts, most=x.values.size)
    return wilson(c.value, n * (z / t) ** 2, z=z)


def ratio_interval(over: Contrast, under: Contrast, level: float = LEVEL) -> tuple[float, float] | None:
    """Fieller's (1954) set of a ratio of two contrasts that share prompts and policies.

    All r for which 0 is in the interval of over − r·under (see `Contrast.half`).

    Returns:
        The set where it is an interval; None where it is not bounded, since `under` is not clearly other than 0.
    """
    n = min(over.n_prompts, under.n_prompts)
    if n < 2 or under.value == 0 or under.value**2 <= under.half(level) ** 2:
        return None
    prompts = [_prompt_covariance(x, y) for x, y in ((over, over), (over, under), (under, under))]
    policies = [
        (
            [_seed_covariance(x, y, p) for x, y in ((over, over), (over, under), (under, under))],
            min(len(c.seeds[p]) for c in (over, under) if p in c.seeds) - 1,
        )
        for p in dict.fromkeys((*over.seeds, *under.seeds))
    ]
    t_prompts = _quantile(level, n - 1) ** 2

    def outside(r: float) -> float:
        """(over − r·under)² − h²: above 0 where r does not belong to the set."""
        parts = [(a - 2 * r * b + r * r * c, k) for (a, b, c), k in policies if k > 0]
        seeds = sum(v for v, _ in parts)
        a, b, c = prompts
        wide = t_prompts * (a - 2 * r * b + r * r * c)
        if seeds > 0:
            df = max(1.0, 1 / sum((v / seeds) ** 2 / k for v, k in parts))
            wide += _quantile(level, df) ** 2 * seeds
        return float((over.value - r * under.value) ** 2 - wide)

    centre = over.value / under.value
    return _root(outside, centre, -1.0), _root(outside, centre, 1.0)


def _root(outside: Callable[[float], float], centre: float, step: float) -> float:
    """Where a function that is not above 0 at the centre becomes so, going one way in growing steps."""
    near, far = centre, centre + step * 0.01
    while outside(far) <= 0 and abs(far) < 1e12:
        near, far = far, centre + 2 * (far - centre)
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (middle, far) if outside(middle) <= 0 else (near, middle)
    return far


def covariance(a: Contrast, b: Contrast) -> float:
    """Covariance of two contrasts: what they share of prompts and of policies' seeds."""
    return _prompt_covariance(a, b) + sum(_seed_covariance(a, b, p) for p in a.seeds)


def _prompt_covariance(a: Contrast, b: Contrast) -> float:
    return sum(e * b.prompts[k] for k, e in a.prompts.items() if k in b.prompts)


def _seed_covariance(a: Contrast, b: Contrast, policy: str) -> float:
    both = sorted(a.seeds.get(policy, {}).keys() & b.seeds.get(policy, {}).keys())
    if len(both) < 2:
        return 0.0
    x, y = ([c.seeds[policy][s] for s in both] for c in (a, b))
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((u - mx) * (v - my) for u, v in zip(x, y, strict=True)) / (len(both) - 1) / len(both)


def _seeds(x: Panel, name: str, sign: float) -> dict[str, dict[int, float]]:
    if not x.trained:
        return {}
    return {name: {s: sign * float(v.mean()) if v.size else 0.0 for s, v in zip(x.seeds, x.values, strict=True)}}


def _influence(ids: tuple[str, ...], values: Floats) -> tuple[dict[str, float], float]:
    """Each prompt's part of the error of a mean, and the effective number of prompts."""
    if not ids:
        return {}, 0.0
    names, code, effective = _prompts(ids)
    groups = len(names)
    sums = np.bincount(code, weights=values - values.mean(), minlength=groups)
    factor = math.sqrt(groups / (groups - 1)) if groups > 1 else 0.0
    return dict(zip(names, (factor * sums / len(ids)).tolist(), strict=True)), effective


@lru_cache(maxsize=256)
def _prompts(ids: tuple[str, ...]) -> tuple[tuple[str, ...], NDArray[np.int64], float]:
    """The prompts of some samples, which of them each sample is of, and their effective number."""
    names, code = np.unique([cluster_of(i) for i in ids], return_inverse=True)
    sizes = np.bincount(code, minlength=len(names))
    return tuple(names.tolist()), code, float(sizes.sum() ** 2 / (sizes**2).sum())


def _tail(t: float, df: float) -> float:
    """Two-sided p of t."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -t))


@lru_cache(maxsize=65536)
def _quantile(level: float, df: float) -> float:
    """Two-sided quantile of t; of the normal for infinite degrees of freedom."""
    from scipy.special import ndtri, stdtrit

    tail = 0.5 + level / 2
    return float(ndtri(tail) if math.isinf(df) else stdtrit(df, tail))
