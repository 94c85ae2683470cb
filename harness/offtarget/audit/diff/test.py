"""Did an effect change between two audits? For all concepts at once, over rows that may overlap.

Estimand: the effect in the population that the new rows were drawn from minus that in the population of the
old rows. The effect is the mean of u (overall), or the mean inside a context minus the mean of the other rows.

The error comes from influences summed by prompt over the union of both audits: a prompt's influence on the new
effect minus its influence on the old one. Where no prompt is in both, the variance is the sum of the two
clustered variances (a two-sample test). Where prompts or rows are shared, their covariance is counted: rows
that did not change cancel, and with the same prompts on both sides it is the paired test, with its power, unless
fewer than ten prompts show the concept. A test that took overlapping audits for two samples would see far too little.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics import tails
from offtarget.audit.statistics.inside import MIN_ACTIVE, ROUNDING
from offtarget.audit.statistics.means import D_CAP, MIN_GROUPS, TINY_P, Floats, Ints, column_blocks, group_sums

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DifferenceTest:
    """One test per concept, each array `(n_concepts,)`."""

    old: Floats
    new: Floats
    difference: Floats
    """new - old"""
    se: Floats
    t: Floats
    p: Floats
    df: Floats
    d: Floats
    """Difference over the sd of u within both audits."""
    differs: Mask
    """Whether any row that the effect is on is other than before."""
    testable: Mask


class Side:
    """The rows of one audit, and their sums by prompt."""

    def __init__(self, u: NDArray[Any], codes: Ints, n_groups: int) -> None:
        self.u, self.codes = u, codes
        self.n = len(u)
        self.sizes = np.bincount(codes, minlength=n_groups).astype(np.float64)
        self.sums = group_sums(u, codes, n_groups)
        self.total = self.sums.sum(axis=0)
        self.n_groups = int((self.sizes > 0).sum())
        self.active = (u != 0).sum(axis=0)
        self.squares = np.einsum("ij,ij->j", u, u, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Inside:
    """Some rows of one side in some columns, by the prompts that have rows inside on either side."""

    x: Floats
    rows: Ints
    n: int
    codes: Ints
    """Prompt of each row, among those that have rows inside on either side."""
    sizes: Floats
    """`(n_prompts, 1)`"""
    sums: Floats
    """`(n_prompts, n_columns)`"""
    mean: Floats


class Comparison:
    """Two sets of rows with the same concepts, of which some may be the same; prompts may be shared."""

    def __init__(
        self,
        old: tuple[NDArray[Any], Ints],
        new: tuple[NDArray[Any], Ints],
        same: Ints,
        n_groups: int,
        as_read: tuple[NDArray[Any], NDArray[Any]] | None = None,
    ) -> None:
        """Sum up what all tests share.

        Args:
            old: u of the old rows, `(n_rows, n_concepts)`, and the prompt of each.
            new: the same of the new rows; an equal number is the same prompt.
            same: for each old row the number of the new row that has the same id and prompt, or -1.
            n_groups: how many prompts there are in both together.
            as_read: the values by which a row counts as unchanged; by default u.
        """
        self.n_groups = n_groups
        self.sides = (Side(*old, n_groups), Side(*new, n_groups))
        self.pairs = np.stack([np.flatnonzero(same >= 0), same[same >= 0]])
        before, after = as_read or (old[0], new[0])
        self.equal = before[self.pairs[0]] == after[self.pairs[1]]
        self.kept = self.equal.sum(axis=0)
        a, b = self.sides
        # Σ over prompts of the products of (sum, size) of either side with each other
        self._products = {
            (j, k): (
                np.einsum("ij,ij->j", x.sums, y.sums),
                y.sizes @ x.sums,
                x.sizes @ y.sums,
                float(x.sizes @ y.sizes),
            )
            for (j, x), (k, y) in (((0, a), (0, a)), ((0, a), (1, b)), ((1, b), (1, b)))
        }

    def test(self, columns: Ints, in_old: Mask | None = None, in_new: Mask | None = None) -> DifferenceTest:
        """Test for some concepts that the effect is the same on both sides.

        With s_g the influence of prompt g, the variance is Σ_g (s_g,new - s_g,old)², each side times its own
        G/(G-1), for a context also (N-1)/(N-2), as in the audit's own tests. Where hardly a prompt shows the concept this
        is far too small (zero, if no row of one side has it). So with fewer than 10 such prompts among those that could
        tell, the larger of it and the error of independent rows with pooled variance is used, in which a row that is
        unchanged on both sides weighs |1/N_new - 1/N_old|; with more it would only take back what pairing brings.
        Degrees of freedom are the smallest of Welch-Satterthwaite's, the number of prompts less one, and Kish's
        effective number of prompts (inside) less one, where what did not change weighs as little as in the error.

        A concept is testable if at least 10 prompts have rows (inside) that are not the same on both sides, and
        if 10 rows could tell: rows that changed, rows replaced by others of the same prompt that differ in it (without
        ids a changed text is another row), and on each side with rows of its own as many active ones, seen
        or expected from the share over all rows. Where u is constant on each side, p is that of exchanging
        prompts between the audits: 2 / (2^b · C(o + n, n)) for b prompts in both, o and n in one alone.

        Args:
            columns: numbers of the concepts.
            in_old: old rows inside the context, some and not all; None: the effect is the mean over all rows.
            in_new: new rows inside it.
        """
        masks = tuple(
            np.ones(side.n, dtype=bool) if mask is None else mask
            for side, mask in zip(self.sides, (in_old, in_new), strict=True)
        )
        parts = [self._block(columns[cols], masks, in_old is not None) for cols in column_blocks(len(columns))]
        out = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        difference = out["new"] - out["old"]
        scale = np.maximum(np.abs(out["old"]), np.abs(out["new"]))
        difference = np.where(np.abs(difference) <= ROUNDING * scale, 0.0, difference)  # two means of one value
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(out["se"] > 0, difference / out["se"], 0.0)
            d = np.where(out["sd"] > 0, difference / out["sd"], np.sign(difference) * D_CAP)
        p = 2 * tails.t_sf(np.abs(t), out["df"])
        apart = (out["se"] <= ROUNDING * np.abs(difference)) & (difference != 0)
        p[apart] = out["p_apart"][apart]
        t[apart] = np.sign(difference[apart]) * tails.normal_isf(p[apart] / 2)
        enough = (out["n_telling"] >= MIN_ACTIVE) & (out["n_prompts"] >= MIN_GROUPS)
        return DifferenceTest(
            old=out["old"],
            new=out["new"],
            difference=difference,
            se=out["se"],
            t=t,
            p=p,
            df=out["df"],
            d=np.clip(d, -D_CAP, D_CAP),
            differs=out["differs"],
            testable=enough & out["differs"] & ((out["se"] > 0) | apart),
        )

    def _block(self, cols: Ints, masks: tuple[Mask, ...], context: bool) -> dict[str, Any]:
        """All that the test needs of some columns."""
        rows = [np.flatnonzero(mask) for mask in masks]
        touched = np.unique(np.concatenate([s.codes[r] for s, r in zip(self.sides, rows, strict=True)]))
        inside = [self._inside(k, rows[k], cols, touched) for k in (0, 1)]
        at = masks[0][self.pairs[0]] & masks[1][self.pairs[1]]
        equal = self.equal[np.ix_(at, cols)]
        where = np.searchsorted(touched, self.sides[0].codes[self.pairs[0][at]])
        out = self._telling(inside, equal, self.pairs[:, at], where, cols, len(touched))
        weight2 = _row_weights(inside[0].n, inside[1].n, equal.sum(axis=0))
        effect = [part.mean for part in inside]
        influence = [(part.sums - part.sizes * part.mean) / part.n for part in inside]
        residual = sum(((part.x - part.mean) ** 2).sum(axis=0) for part in inside)
        scale = [np.sqrt(side.n_groups / (side.n_groups - 1)) for side in self.sides]
        untouched = [np.zeros(len(cols))] * 3
        if context:
            near = (masks[0][self.pairs[0]]) | (masks[1][self.pairs[1]])
            kept = self.kept[cols] - self.equal[np.ix_(near, cols)].sum(axis=0)
            n_out = [side.n - part.n for side, part in zip(self.sides, inside, strict=True)]
            weight2 = weight2 + _row_weights(n_out[0], n_out[1], kept)
            out["differs"] |= (kept < n_out[0]) | (kept < n_out[1])
            means, far = [], []
            for k, (side, part, n) in enumerate(zip(self.sides, inside, n_out, strict=True)):
                sums, sizes = side.sums[np.ix_(touched, cols)], side.sizes[touched, None]
                mean = (side.total[cols] - part.sums.sum(axis=0)) / n
                rest = (sums - part.sums - (sizes - part.sizes) * mean) / n
                scale[k] *= np.sqrt((side.n - 1) / (side.n - 2))
                effect[k] = effect[k] - mean
                influence[k] = influence[k] - rest
                far.append(-(sums - sizes * mean) / n * scale[k])
                means.append(mean)
                squares = side.squares[cols] - (part.x**2).sum(axis=0) - n * mean**2
                residual = residual + np.maximum(squares, 0.0)
            untouched = self._untouched(cols, means, n_out, scale, far)
        scaled = [i * s for i, s in zip(influence, scale, strict=True)]
        v_old, v_new = ((i**2).sum(axis=0) + far for i, far in zip(scaled, untouched[:2], strict=True))
        robust = np.sqrt(((scaled[1] - scaled[0]) ** 2).sum(axis=0) + untouched[2])
        sd = np.sqrt(residual / (sum(side.n for side in self.sides) - (4 if context else 2)))
        dof = [side.n_groups - 1 for side in self.sides]
        with np.errstate(divide="ignore", invalid="ignore"):
            welch = (v_old + v_new) ** 2 / (v_old**2 / dof[0] + v_new**2 / dof[1])
        df = np.fmin(np.fmin(welch, out.pop("kish") - 1), self.n_groups - 1)
        return {
            "old": effect[0],
            "new": effect[1],
            "se": np.where(out.pop("n_showing") < MIN_ACTIVE, np.maximum(robust, sd * np.sqrt(weight2)), robust),
            "sd": sd,
            "df": np.maximum(df, 1.0),
            **out,
        }

    def _inside(self, k: int, rows: Ints, cols: Ints, touched: Ints) -> _Inside:
        side = self.sides[k]
        x = side.u[np.ix_(rows, cols)].astype(np.float64)
        codes = np.searchsorted(touched, side.codes[rows])
        sizes = np.bincount(codes, minlength=len(touched)).astype(np.float64)[:, None]
        return _Inside(x, rows, len(rows), codes, sizes, group_sums(x, codes, len(touched)), x.mean(axis=0))

    def _telling(
        self, inside: list[_Inside], equal: Mask, both: Ints, where: Ints, cols: Ints, n_touched: int
    ) -> dict[str, Any]:
        """Which rows and prompts could tell a change: those that changed or were replaced, and those of one side alone."""
        kept = group_sums(equal, where, n_touched)
        a, b = inside
        n_kept = equal.sum(axis=0)
        weight = (a.sizes - kept) / a.n + (b.sizes - kept) / b.n + kept * abs(1 / b.n - 1 / a.n)
        with np.errstate(divide="ignore", invalid="ignore"):
            kish = (weight**2).sum(axis=0) ** 2 / (weight**4).sum(axis=0)
        share = sum(side.active[cols] for side in self.sides) / sum(side.n for side in self.sides)
        own = [~np.isin(part.rows, shared) for part, shared in zip(inside, both, strict=True)]
        replaced, in_prompts, at = _replaced(inside, own, n_touched)
        alone, showing = [], []
        for part, rows in zip(inside, own, strict=True):
            rows &= ~at[part.codes]
            if rows.any():
                alone.append(np.maximum((part.x[rows] != 0).sum(axis=0), rows.sum() * share))
                showing.append((group_sums(part.x[rows] != 0, part.codes[rows], n_touched) > 0).sum(axis=0))
        changed = (~equal).sum(axis=0)
        changing = (group_sums(~equal, where, n_touched) > 0).sum(axis=0)
        return {
            "kish": kish,
            "n_showing": changing + in_prompts + (np.min(showing, axis=0) if showing else 0),
            "n_telling": changed + replaced + (np.min(alone, axis=0) if alone else 0.0),
            "n_prompts": ((a.sizes > kept) | (b.sizes > kept)).sum(axis=0),
            "differs": (n_kept < a.n) | (n_kept < b.n),
            "p_apart": np.full(len(cols), _exchange_p(a.sizes > 0, b.sizes > 0)),
        }

    def _untouched(
        self, cols: Ints, means: list[Floats], n: list[int], scale: list[float], far: list[Floats]
    ) -> list[Floats]:
        """Σ over prompts without rows inside of their squared influence: old, new, and new - old.

        All prompts are summed up from products made once, and those that do have rows inside are taken off.

        Args:
            cols: columns.
            means: mean of the rows outside, on each side.
            n: how many they are.
            scale: the small-sample factor of each side.
            far: what the prompts with rows inside would have if all their rows were outside.
        """
        sums = []
        for j, k in ((0, 0), (1, 1), (0, 1)):
            xy, x_size, size_y, sizes = self._products[j, k]
            cross = xy[cols] - means[k] * x_size[cols] - means[j] * size_y[cols]
            cross = cross + means[j] * means[k] * sizes
            sums.append(cross * scale[j] * scale[k] / (n[j] * n[k]) - (far[j] * far[k]).sum(axis=0))
        old, new, product = sums
        return [np.maximum(x, 0.0) for x in (old, new, old + new - 2 * product)]


def _replaced(inside: list[_Inside], own: list[Mask], n_prompts: int) -> tuple[Floats, Ints, Mask]:
    """Rows in whose place there is another one of the same prompt.

    Args:
        inside: the rows of both sides.
        own: which of them the other side does not have.
        n_prompts: number of prompts.

    Returns:
        `(n_columns,)` how many rows were replaced by such as differ on average, at most those that show the concept;
        `(n_columns,)` in how many prompts;
        `(n_prompts,)` the prompts in which both sides have rows of their own.
    """
    n = [np.bincount(part.codes[rows], minlength=n_prompts) for part, rows in zip(inside, own, strict=True)]
    at: Mask = (n[0] > 0) & (n[1] > 0)
    means = [
        group_sums(part.x[rows], part.codes[rows], n_prompts)[at] / count[at, None]
        for part, rows, count in zip(inside, own, n, strict=True)
    ]
    differ = means[0] != means[1]
    # two rows of which none shows the concept are the same: no more differ than show it
    active = sum(
        group_sums(part.x[rows] != 0, part.codes[rows], n_prompts)[at] for part, rows in zip(inside, own, strict=True)
    )
    replaced = np.minimum(np.minimum(*n)[at, None], active) * differ
    return replaced.sum(axis=0).astype(np.float64), differ.sum(axis=0), at


POWER = 0.8


def detectable(se: Floats, df: Floats, family: int, power: float = POWER) -> Floats:
    """The smallest change that a test of this error would find with a given power.

    (t_{1 - α/2} + t_{power}) · se with α = 0.05/m (Bloom 1995, "Minimum detectable effects", Evaluation Review 19: a
    multiple of the standard error). α is the p below which the only change among the m effects of a view has q < 0.05.
    The error is that of the effects as they are: of a concept that hardly occurs it would grow with the change.

    Args:
        se: standard errors of the differences, `(n,)`.
        df: their degrees of freedom.
        family: m, the tests of the view.
        power: chance that the change is found.
    """
    alpha = 0.05 / max(family, 1)
    return np.asarray((tails.t_ppf(1 - alpha / 2, df) + tails.t_ppf(power, df)) * se)


def _row_weights(a: int, b: int, kept: NDArray[Any]) -> Floats:
    """Σ of squared weights of rows in a difference of means, of which `kept` are unchanged on both sides."""
    return np.asarray((a - kept) / a**2 + (b - kept) / b**2 + kept * (1 / b - 1 / a) ** 2)


def _exchange_p(in_old: Mask, in_new: Mask) -> float:
    """The p of audits whose values do not overlap: two arrangements of the prompts in all that there are."""
    from scipy.special import gammaln

    shared = int((in_old & in_new).sum())
    first, second = int((in_old & ~in_new).sum()), int((in_new & ~in_old).sum())
    ways = shared * np.log(2) + gammaln(first + second + 1) - gammaln(first + 1) - gammaln(second + 1)
    return float(min(1.0, max(2 * np.exp(-ways), TINY_P)))
