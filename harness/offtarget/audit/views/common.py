"""What the views share: the rows, the length control, the counts of a family of tests."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import Contrasts
from offtarget.audit.records import Family, Hypothesis, LengthControlled, ShuffledFamily, SplitHalf, View
from offtarget.audit.statistics import length as controls
from offtarget.audit.statistics import means as st
from offtarget.audit.statistics.means import Floats, Ints
from offtarget.data.pairs import Pair

MAX_CONTROLLED = 500
"""Of a view: so many of the largest |z| get a bootstrap interval and the length control."""
MAX_LISTED = 2000
"""Of a view: so many of the largest |z| are written out."""
BEYOND = f"beyond the {MAX_CONTROLLED} largest |z| of its view"


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of an audit as the tests see them."""

    pair_ids: tuple[str, ...]
    codes: Ints
    half: NDArray[np.bool_]
    length: Floats

    def by(self, units: Sequence[str]) -> "Rows":
        """The same rows in other units than their prompts."""
        return replace(self, codes=st.group_codes(units), half=st.half_by_group(units))

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> "Rows":
        """The rows of some pairs, in their order."""
        groups = [p.group for p in pairs]
        return cls(
            tuple(p.id for p in pairs),
            st.group_codes(groups),
            st.half_by_group(groups),
            controls.log_length_difference(pairs),
        )


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
        resampled: bool,
        control: tuple[LengthControlled | None, str | None],
        n_inside: int,
        n_groups_inside: int,
        inside_mean: float,
        rows: Sequence[str],
        outside_mean: float | None = None,
    ) -> Hypothesis:
        """The record of one cell.

        Args:
            cell: index into the arrays.
            view: which view this is.
            concept: its id.
            context: its id, or None.
            interval: 95 %.
            resampled: whether the interval comes from the bootstrap.
            control: the length-controlled effect, or why there is none.
            n_inside: rows that the effect stands on.
            n_groups_inside: their prompts.
            inside_mean: mean of u over them.
            rows: ids of those with the largest part in the effect.
            outside_mean: mean of u over the other rows, in a context.
        """
        return Hypothesis(
            id=f"{view}:{concept}" + ("" if context is None else f"@{context}"),
            view=view,
            concept=concept,
            context=context,
            direction="chosen" if self.sign(cell) > 0 else "rejected",
            effect=float(self.effect[cell]),
            ci=interval,
            ci_method="bootstrap" if resampled else "t",
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
            rows=tuple(rows),
        )


def controlled(
    cells: Sequence[tuple[int, NDArray[Any], NDArray[np.bool_] | None]],
    is_length: NDArray[np.bool_],
    length: Floats,
    codes: Ints,
    *,
    family: int,
    seed: int,
) -> dict[int, tuple[LengthControlled | None, str | None]]:
    """The length-controlled effect of each cell, q over the family (what was not fitted counts as p = 1)."""
    fits: dict[int, tuple[float, float] | str] = {}
    for number, u, inside in cells:
        fits[number] = (
            controls.IS_LENGTH
            if is_length[number]
            else controls.length_controlled(u, length, codes, inside=inside, seed=seed)
        )
    done = [number for number, fit in fits.items() if not isinstance(fit, str)]
    q = st.bh_of_part(np.array([float(fits[number][1]) for number in done]), family)
    q_of = dict(zip(done, q, strict=True))
    out: dict[int, tuple[LengthControlled | None, str | None]] = {}
    for number, fit in fits.items():
        if isinstance(fit, str):
            out[number] = (None, fit)
        else:
            out[number] = (LengthControlled(effect=fit[0], p=fit[1], q=float(q_of[number])), None)
    return out


def shuffled_family(findings: Sequence[int]) -> ShuffledFamily | None:
    """The record of a view's null from the number of findings in each shuffle; None of none."""
    if not len(findings):
        return None
    counts = np.asarray(findings, dtype=np.float64)
    return ShuffledFamily(
        n=len(counts),
        mean_findings=float(counts.mean()),
        q95_findings=float(np.quantile(counts, 0.95)),
        any_finding=float((counts > 0).mean()),
    )


def family_of(
    q: Floats,
    listed: int,
    controlled: int,
    left_out: dict[str, int],
    shuffled: ShuffledFamily | None = None,
) -> Family:
    return Family(
        tested=len(q),
        findings=int((q < 0.05).sum()),
        listed=listed,
        controlled=controlled,
        left_out={reason: n for reason, n in left_out.items() if n},
        shuffled=shuffled,
    )
