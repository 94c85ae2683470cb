"""The page of a verification: did the policy move as the data predicted, beyond chance and length?"""

from pathlib import Path

from markupsafe import Markup

from offtarget.board.tables import as_html
from offtarget.report.html import environment, fixed, percent, render_page
from offtarget.store import write_atomic
from offtarget.verification.plots import Against, Cloud, against_null, clouds
from offtarget.verification.predictor_board import behaviour_table
from offtarget.verification.records import FAMILIES, Outcome, Verification

VERIFY_REPORT = "verification.html"
CONCEPTS = 60
"""Concepts in the table, those predicted most surely first."""


X_AXIS = {"tilt": "what a reward fitted to the data would bring (tilt)", "disparity": "mean of chosen − rejected"}


def render_verification(result: Verification, out: Path) -> Path:
    """Write the page of a verification."""
    return write_atomic(out, verification_page(result))


def verification_page(v: Verification) -> str:
    """The page as text; it loads nothing and runs no script but its own."""
    first = [o for o in v.outcomes if o.seed == v.seeds[0]]
    return render_page(
        environment(Path(__file__).parent),
        "verification.html.j2",
        v=v,
        head=v.headline,
        ceiling=v.ceilings[f"{v.headline.family}/{v.headline.statistic}"],
        verdict=verdict(v),
        scatter=_scatter(v),
        behaviours=as_html(table) if (table := behaviour_table([v])) else "",
        predictors=_predictors(v, [o for o in first if leading(o)]),
        first=[o for o in first if leading(o)],
        others=[o for o in v.outcomes if o.seed != v.seeds[0] or not leading(o)],
        name_of=outcome_name,
        units=units(v.headline),
        concepts=sorted(v.points, key=lambda p: -abs(p.predicted_at_equal_length))[:CONCEPTS],
    )


def verdict(v: Verification) -> list[tuple[str, str]]:
    """What the verification says, as (tone, sentence)."""
    c = v.headline.control
    out = []
    for what, one, null in (("As it is", c.raw, c.raw_null), ("At equal length", c.by_row, c.by_row_null)):
        chance = f"shuffled labels reach {percent(null.q95_r2, 0)} in one case of twenty"
        r = f"r {fixed(one.r, 2, sign=True)}"
        if one.r <= 0 and null.p < 0.05:
            tone, text = ("down", f"{what}, {c.n_concepts} concepts moved against the prediction ({r}); {chance}.")
        else:
            beyond = one.r > 0 and null.p < 0.05
            tone = "up" if beyond else "plain"
            text = f"{what}, the prediction explains {percent(one.r2, 0)} of how {c.n_concepts} concepts moved ({r}); "
            text += f"{chance}." if beyond else f"{chance}, so this is no more than chance would give."
        out.append((tone, text))
    if c.raw.r2 - c.by_row.r2 > 0.1:
        out.append(("down", "Much of the raw agreement is length: longer answers show more of nearly everything."))
    ceiling = v.ceilings[f"{v.headline.family}/{v.headline.statistic}"]
    if ceiling.seeds_by_row is not None:
        out.append(
            (
                "plain",
                f"A second training seed agrees with the first at r {fixed(ceiling.seeds_by_row, 2)} (at equal length): "
                "no prediction can be expected to reach an r² above that.",
            )
        )
    return out


UNITS = {
    "presence": "share of responses in which its latents fire on more than 1 % of tokens",
    "frequency": "share of a response's tokens on which its latents fire",
    "sqrt_frequency": "square root of the share of a response's tokens on which its latents fire",
    "value": "the rule's own unit",
}


def units(o: Outcome) -> tuple[str, str]:
    """What the predicted and the observed shifts of an outcome are measured in; none is the audit's expected shift."""
    unit = UNITS.get(o.statistic, o.statistic.replace("_", " "))
    predicted = f"chosen − rejected, {unit}"
    if o.predictor == "tilt":
        predicted = "no unit: a tilt says which concepts move more and which way, not how far"
    return predicted, f"after − before, {unit}"


def leading(o: Outcome) -> bool:
    """Whether an outcome is in the first table: one statistic, and the paper's own; from what was trained on."""
    paper = o.statistic == "presence" and o.predictor == "disparity"
    return o.rows == "trained" and (o.statistic in ("sqrt_frequency", "value") or paper)


def outcome_name(o: Outcome) -> str:
    """An outcome in words."""
    rows = "" if o.rows == "trained" else ", from all audited pairs"
    return (
        f"{o.predictor.replace('_', ' ')} of {FAMILIES.get(o.family, o.family)}, {o.statistic.replace('_', ' ')}{rows}"
    )


def _scatter(v: Verification) -> Markup:
    c, labels = v.headline.control, [p.label for p in v.points]
    return clouds(
        [
            Cloud(
                [p.predicted for p in v.points],
                [p.observed for p in v.points],
                labels,
                c.raw.slope,
                c.raw.intercept,
                f"raw: r² {c.raw.r2:.2f}, shuffled labels up to {c.raw_null.q95_r2:.2f}",
            ),
            Cloud(
                [p.predicted_at_equal_length for p in v.points],
                [p.observed_at_equal_length for p in v.points],
                labels,
                c.by_row.slope,
                c.by_row.intercept,
                f"at equal length: r² {c.by_row.r2:.2f}, shuffled labels up to {c.by_row_null.q95_r2:.2f}",
            ),
        ],
        name="verification",
        x_label=f"predicted: {X_AXIS.get(v.headline.predictor, v.headline.predictor)}",
        y_label="observed: mean of after − before",
        alt="Predicted against observed shift of every concept, raw and at equal length",
    )


def _predictors(v: Verification, first: list[Outcome]) -> Markup:
    rows = [Against(outcome_name(o), o.control.by_row.r2, o.control.by_row_null.q95_r2) for o in first]
    ceiling = v.ceilings[f"{v.headline.family}/{v.headline.statistic}"].seeds_by_row
    return against_null(
        rows,
        None if ceiling is None else max(ceiling, 0.0),
        name="predictors",
        x_label="r² at equal length (bar: 95th percentile of shuffled labels; dashed: second seed)",
        alt="r² of every predictor at equal length beside its null",
    )
