"""What the views share: the rows, the length control, the counts of a family of tests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import Contrasts
from offtarget.audit.records import Family, Hypothesis, LengthControlled, ShuffledFamily, SplitHalf, View
from offtarget.audit.statistics import length as controls
from offtarget.audit.statistics import means as st
from offtarget.audit.statistics.means import Floats, Ints
from offtarget.audit.stock import Stock
from offtarget.audit.stock_records import OnStock
from offtarget.data.pairs import Pair
from offtarget.lens.features import FeatureMatrix

MAX_CONTROLLED = 500
"""Of a view: this many of the smallest p get an interval from random draws and the length control."""
MAX_LISTED = 2000
"""Of a view: this many of the largest |z| are written out."""
NOISY = 0.1
"""A view is unreliable where its shuffles find something in more than this share."""
BEYOND = f"beyond the {MAX_CONTROLLED} smallest p of its view"


Control = tuple[LengthControlled | None, str | None]
"""The effect at equal length, or why there is none."""
CiMethod = Literal["flip", "dealt", "t"]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of an audit as the tests see them."""

    pair_ids: tuple[str, ...]
    codes: Ints
    half: NDArray[np.bool_]
    lengths: controls.Lengths
    stock: Stock = field(default_factory=Stock)
    """What a finding over the whole set must hold beside."""
    unit: str = "prompts"
    """What the codes number, in the plural."""

    def by(self, units: Sequence[str], stock: Stock, unit: str) -> "Rows":
        """The same rows in other units than their prompts, with their stock answers."""
        codes, half = st.group_codes(units), st.half_by_group(units)
        return replace(self, codes=codes, half=half, stock=stock, unit=unit)

    @classmethod
    def of(cls, pairs: Sequence[Pair], features: Iterable[FeatureMatrix] = ()) -> "Rows":
        """The rows of some pairs, in their order.

        Args:
            pairs: the rows.
            features: that were read of them.
        """
        groups = [p.group for p in pairs]
        lengths = controls.Lengths.of(pairs, features)
        return cls(tuple(p.id for p in pairs), st.group_codes(groups), st.half_by_group(groups), lengths)


def that_differ(c: Contrasts, among: Ints) -> Ints:
    """Of some concepts, by number, those with any difference in any row."""
    differ: NDArray[np.bool_] = np.asarray(c.u.any(axis=0))
    return among[differ[among]]


@dataclass(frozen=True, eq=False)
class ViewResult:
    """The hypotheses of one view."""

    hypotheses: tuple[Hypothesis, ...]
    family: Family


@dataclass(frozen=True, eq=False)
class Tested:
    """The tests of one view; every array is indexed by a cell: a concept number, or (context, concept)."""

    effect: Floats
    d: Floats
    z: Floats
    p: Floats
    q: Floats
    welch_z: Floats
    split: tuple[NDArray[np.bool_], Floats]
    """Agreement of two halves of the prompts, and the smaller effect (`means.agreement`)."""
    parity: tuple[NDArray[np.bool_], Floats]
    """The same by row number."""

    def sign(self, cell: Any) -> float:
        """+1 where chosen has more of the concept (or the same), -1 where rejected has."""
        return 1.0 if self.effect[cell] >= 0 else -1.0

    def hypothesis(
        self,
        cell: Any,
        *,
        view: View,
        concept: str,
        context: str | None,
        interval: tuple[float, float],
        ci_method: CiMethod,
        control: Control,
        n_inside: int,
        n_groups_inside: int,
        inside_mean: float,
        rows: Sequence[str],
        outside_mean: float | None = None,
        on_stock: OnStock | None = None,
    ) -> Hypothesis:
        """The record of one cell.

        Args:
            cell: index into the arrays.
            view: which view this is.
            concept: its id.
            context: its id, or None.
            interval: 95 %.
            ci_method: where the interval comes from.
            control: the length-controlled effect, or why there is none.
            n_inside: rows that the effect is on.
            n_groups_inside: their prompts.
            inside_mean: mean of u over them.
            rows: ids of those with the largest part in the effect.
            outside_mean: mean of u over the other rows, in a context.
            on_stock: what it would be if stock answers were rows like others.
        """
        return Hypothesis(
            id=f"{view}:{concept}" + ("" if context is None else f"@{context}"),
            view=view,
            concept=concept,
            context=context,
            direction="chosen" if self.sign(cell) > 0 else "rejected",
            effect=float(self.effect[cell]),
            ci=interval,
            ci_method=ci_method,
            d=float(self.d[cell]),
            z=float(self.z[cell]),
            p=float(self.p[cell]),
            q=float(self.q[cell]),
            welch_z=float(self.welch_z[cell]),
            split_half=SplitHalf(agree=bool(self.split[0][cell]), min=float(self.split[1][cell])),
            parity=SplitHalf(agree=bool(self.parity[0][cell]), min=float(self.parity[1][cell])),
            length_controlled=control[0],
            length_note=control[1],
            n_inside=n_inside,
            n_groups_inside=n_groups_inside,
            inside_mean=inside_mean,
            outside_mean=outside_mean,
            on_stock=on_stock,
            rows=tuple(rows),
        )


@dataclass(frozen=True, eq=False)
class Held:
    """The effects at equal length of some cells of a view, each array by cell."""

    effect: Floats
    ci: Floats
    """`(n_cells, 2)`"""
    p: Floats
    reason: Sequence[str | None]
    """Why a cell has none."""

    def records(self, family: int) -> list[Control]:
        """The record of each cell, q over the family (what was not computed counts as p = 1)."""
        done = [j for j, reason in enumerate(self.reason) if reason is None]
        q = dict(zip(done, st.bh_of_part(self.p[done], family), strict=True))
        return [
            (None, reason)
            if reason is not None
            else (
                LengthControlled(
                    effect=float(self.effect[j]),
                    ci=(float(self.ci[j, 0]), float(self.ci[j, 1])),
                    p=float(self.p[j]),
                    q=float(q[j]),
                ),
                None,
            )
            for j, reason in enumerate(self.reason)
        ]


def shuffled_family(findings: Sequence[int], kind: Literal["labels", "contexts"] = "labels") -> ShuffledFamily | None:
    """The record of a view's null from the number of findings in each shuffle; None of none."""
    if not len(findings):
        return None
    counts = np.asarray(findings, dtype=np.float64)
    return ShuffledFamily(
        kind=kind,
        n=len(counts),
        mean_findings=float(counts.mean()),
        q95_findings=float(np.quantile(counts, 0.95)),
        any_finding=float((counts > 0).mean()),
    )


def family_of(
    q: Floats, listed: int, controlled: int, left_out: dict[str, int], shuffled: ShuffledFamily | None = None
) -> Family:
    return Family(
        tested=len(q),
        findings=int((q < 0.05).sum()),
        listed=listed,
        controlled=controlled,
        left_out={reason: n for reason, n in left_out.items() if n},
        shuffled=shuffled,
        unreliable=shuffled is not None and shuffled.any_finding > NOISY,
    )
