"""The predictor board: how well each predictor agrees with training, against what it costs."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from markupsafe import Markup

from offtarget.board.tables import Entry, Table, Value, ours, shift_entry, table
from offtarget.report.html import fixed, percent
from offtarget.report.plots.naming import Point
from offtarget.report.plots.scatters import Panel, scatter
from offtarget.verification.records import FAMILIES, BehaviourShift, Outcome, Verification

HEAD = (
    "predictor", "level", "of training", "sets", "r²", "of ceiling", "r² =len", "of ceiling =len", "surest", "slope",
    "ranks by firing",
)  # fmt: skip
ABOUT = (
    "Medians over sets, in brackets the smallest and the largest; of each set the mean over training seeds. *of training*: "
    "forward-equivalent tokens, as a share of training one policy. *r²*: of predicted against observed shifts over concepts, 0 "
    "where they moved against the prediction; *=len*: length removed row by row. *of ceiling*: divided by the correlation of two "
    "training seeds. *surest*: of the twentieth predicted most surely, the share that moved as predicted. *slope*: observed shift "
    "for a predicted one of 1; 1 is the right size, a dash: the predictor has no unit. *ranks by firing*: rank correlation with "
    "each concept weighted by how often it shows."
)
WITHOUT_UNIT = ("tilt", "kernel", "kernel_pairs", "first_order_pairs", "activation", "logit_linear")
VALIDITY = "validity.json"
"""In `baselines/predictors/`: what `offtarget forecast` says of its predictors."""
STATISTICS = ("sqrt_frequency", "value")
GOAL_RAW, GOAL_EQUAL = 0.9, 0.8
"""Shares of the ceiling that are aimed at (raw, at equal length)."""


@dataclass(frozen=True)
class Measured:
    """One predictor over one family of concepts, on one set."""

    dataset: str
    model: str
    predictor: str
    family: str
    r2: float
    r2_equal: float
    ceiling: float | None
    ceiling_equal: float | None
    surest: float
    slope: float
    ranks: float | None
    cost: float | None

    @property
    def share(self) -> float | None:
        """r² as a share of its ceiling."""
        return self.r2 / self.ceiling if self.ceiling and self.ceiling > 0 else None

    @property
    def share_equal(self) -> float | None:
        """The same at equal length."""
        return self.r2_equal / self.ceiling_equal if self.ceiling_equal and self.ceiling_equal > 0 else None


def measured(found: Sequence[Verification]) -> list[Measured]:
    """Every predictor from the rows of training, over every family, on every set; the mean over its training seeds."""
    out = []
    for v in found:
        groups: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
        for o in v.outcomes:
            if o.rows == "trained" and o.statistic in STATISTICS:
                groups[o.predictor, o.family].append(o)
        for (predictor, family), mine in groups.items():
            top = v.ceilings[f"{family}/{mine[0].statistic}"]
            ranks = [s.spearman_by_firing for o in mine if (s := o.control.scale) and s.spearman_by_firing is not None]
            price = v.costs.get(predictor)
            out.append(
                Measured(
                    dataset=v.dataset,
                    model=v.model,
                    predictor=predictor,
                    family=family,
                    r2=fmean(o.control.raw.r2 if o.control.raw.r > 0 else 0.0 for o in mine),
                    r2_equal=fmean(o.control.by_row.r2 if o.control.by_row.r > 0 else 0.0 for o in mine),
                    ceiling=top.seeds_raw,
                    ceiling_equal=top.seeds_by_row,
                    surest=fmean(o.control.surest.right for o in mine),
                    slope=fmean(o.control.raw.slope for o in mine),
                    ranks=fmean(ranks) if ranks else None,
                    cost=price.of_training if price else None,
                )
            )
    return out


def predictor_tables(found: Sequence[Verification], levels: dict[str, str]) -> list[Table]:
    """One table for each family of concepts, the cheapest predictor first.

    Args:
        found: verifications.
        levels: predictor -> its level.
    """
    every = measured(found)
    out: list[Table] = []
    for family in dict.fromkeys(m.family for m in every):
        rows = []
        for name in sorted({m.predictor for m in every if m.family == family}, key=lambda p: (_cost(every, p), p)):
            mine = [m for m in every if (m.family, m.predictor) == (family, name)]
            rows.append(_row(name, levels.get(name, "–"), mine))
        out.append(
            table(f"Over {FAMILIES.get(family, family)}", HEAD, rows, about="" if out else ABOUT, words=HEAD[:2])
        )
    return out


def _cost(every: Sequence[Measured], predictor: str) -> float:
    costs = [m.cost for m in every if m.predictor == predictor and m.cost is not None]
    return median(costs) if costs else 0.0


def _row(name: str, level: str, mine: Sequence[Measured]) -> list[Value]:
    costs = [m.cost for m in mine if m.cost is not None]
    return [
        ours(name),
        ours(level),
        _spread(costs, lambda x: percent(x, 0)),
        len(mine),
        _spread([m.r2 for m in mine]),
        _spread([m.share for m in mine]),
        _spread([m.r2_equal for m in mine]),
        _spread([m.share_equal for m in mine]),
        _spread([m.surest for m in mine], lambda x: percent(x, 0)),
        Entry("–", key="") if name in WITHOUT_UNIT else _spread([m.slope for m in mine]),
        _spread([m.ranks for m in mine]),
    ]


def _spread(values: Sequence[float | None], say: Callable[[float], str] = lambda x: fixed(x, 2)) -> Entry:
    there = [v for v in values if v is not None]
    if not there:
        return Entry("–", key="")
    low, mid, high = say(min(there)), say(median(there)), say(max(there))
    return Entry(mid if low == high else f"{mid} ({low} to {high})", key=median(there))


def reached(found: Sequence[Verification], family: str, within: float = 0.25) -> str:
    """On how many sets a prediction at a cost comes to the aims, in one sentence.

    Args:
        found: verifications.
        family: of concepts.
        within: share of the training's cost.
    """
    mine = [m for m in measured(found) if m.family == family and m.share is not None and m.share_equal is not None]
    sets = sorted({m.dataset for m in mine})
    cheap = [m for m in mine if m.cost is not None and m.cost <= within and m.predictor != "length"]
    best = {m.predictor for m in cheap}
    if not sets or not best:
        return "No predictor was tried on sets of which two training seeds are known."

    def hits(name: str) -> int:
        return sum(
            (m.share or 0) >= GOAL_RAW and (m.share_equal or 0) >= GOAL_EQUAL for m in cheap if m.predictor == name
        )

    first = max(sorted(best), key=hits)
    return (
        f"Aim: {GOAL_RAW:g} of the ceiling raw and {GOAL_EQUAL:g} at equal length, at {percent(within, 0)} of the training's cost "
        f"at most. Over {FAMILIES.get(family, family)}, `{first}` reaches it on {hits(first)} of {len(sets)} sets."
    )


def behaviour_table(found: Sequence[Verification]) -> Table | None:
    """Behaviours as forecast by predictors that have a model, beside what training did; None where none was measured."""
    rows = [_behaviour(v, b) for v in found for b in v.behaviours]
    head = ("set", "behaviour", "predictor", "predicted", "observed", "each seed", "right way")
    about = (
        "Scores of the predictor's own model and of the trained policies, each less the start model's, with 95 % intervals. "
        "*right way*: a dash where the observed interval holds 0."
    )
    return table("Behaviours", head, rows, about=about, words=head[:3]) if rows else None


def _behaviour(v: Verification, b: BehaviourShift) -> list[Value]:
    moved = b.observed_ci is not None and (b.observed_ci[0] > 0 or b.observed_ci[1] < 0)
    right = "–" if not moved else "yes" if b.predicted * b.observed > 0 else "no"
    return [
        v.dataset,
        b.behaviour,
        ours(b.predictor),
        shift_entry(b.predicted, b.predicted_ci),
        shift_entry(b.observed, b.observed_ci),
        ours(", ".join(fixed(x, 3, sign=True) for x in b.by_seed)),
        ours(right),
    ]


def cost_plot(found: Sequence[Verification], family: str) -> Markup:
    """Shares of the ceiling against cost, raw and at equal length: a point for each predictor, a bar over its sets."""
    every = [m for m in measured(found) if m.family == family and m.cost is not None]
    panels = []
    for title, share in (("raw", "share"), ("at equal length", "share_equal")):
        points = []
        for name in sorted({m.predictor for m in every}):
            mine = [m for m in every if m.predictor == name and getattr(m, share) is not None]
            if shares := [getattr(m, share) for m in mine]:
                at = median(m.cost or 0.0 for m in mine)
                points.append(Point(name, at, median(shares), y_ci=(min(shares), max(shares))))
        panels.append(Panel(points, "cost, as a share of training one policy", "r² as a share of its ceiling", title))
    return scatter(panels, name="accuracy-cost", alt="Agreement of every predictor with training against its cost")


def validity_json(found: Sequence[Verification]) -> str:
    """What `offtarget forecast` says of its predictors: one row for each, over a family of concepts on a set."""
    rows = [
        {
            "set": m.dataset,
            "model": m.model,
            "predictor": m.predictor,
            "family": m.family,
            "r2": round(m.r2, 4),
            "r2_equal": round(m.r2_equal, 4),
            "surest": round(m.surest, 4),
        }
        for m in sorted(measured(found), key=lambda m: (m.predictor, m.family, m.dataset))
        if m.model
    ]
    return json.dumps({"rows": rows}, indent=1) + "\n"
