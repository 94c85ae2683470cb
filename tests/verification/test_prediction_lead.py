"""A prediction board opens with the predictor that agrees best at equal length, and with what chance gives."""

import csv
import io
import json
from typing import Any

from offtarget.verification.board import prediction_lead, prediction_markdown, render_predictions
from offtarget.verification.records import Ceiling, Control, Fit, Null, Outcome, SignAgreement, Verification


def control(r: float, chance: float, p: float, concepts: int) -> Control:
    fit = Fit(r=r, r2=r * r, slope=1, intercept=0, r2_held_out=0, spearman=r)
    null = Null(n=500, mean_r2=0, q95_r2=chance, p=p)
    return Control(
        n_concepts=concepts, n_rows=10, n_prompts=10, raw=fit, raw_null=null, by_row=fit, by_row_null=null,
        by_concept=fit, by_concept_null=null, surest=SignAgreement(n=1, right=1),
    )  # fmt: skip


def verification(dataset: str, *found: tuple[str, float, float, float], family: str = "latents") -> Verification:
    """Outcomes from (predictor, r, chance, p) over 1,000 concepts; over clusters, ten of them, all are perfect."""
    about: dict[str, Any] = {"rows": "trained", "seed": 0}
    outcomes = [
        Outcome(family=family, predictor=name, statistic="sqrt_frequency", control=control(r, chance, p, 1000), **about)
        for name, r, chance, p in found
    ]
    outcomes += [
        Outcome(
            family="clusters", predictor=name, statistic="sqrt_frequency", control=control(1, 0.1, 0.002, 10), **about
        )
        for name, *_ in found
    ]
    ceiling = Ceiling(seeds_raw=0.9, seeds_by_row=0.8, halves_raw=0.9, halves_by_row=0.9)
    return Verification(
        offtarget_version="0", created="", key="k" * 64, dataset=dataset, protocol="dpo", seeds=(0, 1), audit="a",
        n_trained=10, n_prompts=10, sampling={}, answers={"characters_before": 1, "characters_after": 2, "cut_after": 0},
        outcomes=tuple(outcomes), ceilings={f"{f}/sqrt_frequency": ceiling for f in (family, "clusters")}, points=(),
    )  # fmt: skip


SETS = [
    verification("a", ("tilt", 0.5, 0.1, 0.002), ("disparity", 0.4, 0.02, 0.002), ("length", 0.9, 0, 0.002)),
    verification("b", ("tilt", 0.6, 0.2, 0.010), ("disparity", 0.3, 0.12, 0.060), ("length", 0.9, 0, 0.002)),
    verification("c", ("tilt", -0.9, 0.3, 0.002), ("disparity", 0.2, 0.05, 0.400), ("length", 0.9, 0, 0.002)),
]


def test_the_best_is_by_median_and_a_prediction_of_the_wrong_direction_counts_as_none() -> None:
    assert prediction_lead(SETS) == (
        "What `tilt` predicts agrees best with what training changed, over single latents, at equal length: "
        "median r² 0.25 over 3 sets (0.00 to 0.36), where swapped labels reach 0.10 to 0.30 in one case of twenty; beyond "
        "chance (p < 0.05) on 2 of 3 sets; then `disparity` 0.09 (1 of 3)."
    )


def test_one_set_has_no_median() -> None:
    lead = prediction_lead([verification("a", ("disparity", 0.5, 0.1, 0.002))])
    assert "at equal length: r² 0.25, where swapped labels reach 0.10 in one case of twenty; beyond" in lead
    assert lead.endswith("on 1 of 1 set.")


def test_where_nothing_is_beyond_chance_that_is_said() -> None:
    nothing = [verification(x, ("tilt", 0.3, 0.2, 0.2), ("disparity", 0.1, 0.2, 0.7)) for x in "ab"]
    assert prediction_lead(nothing) == (
        "No predictor agrees with what training changed beyond chance on any of 2 sets over single latents, at equal "
        "length; `tilt` comes nearest with a median r² 0.09 over 2 sets (0.09)."
    )


def test_markdown_has_the_figures_that_one_needs_first_and_csv_and_json_have_all() -> None:
    text = prediction_markdown(SETS, "c")
    assert f"**{prediction_lead(SETS)}**" in text.splitlines()
    assert text.index("## Over single latents") < text.index("## Over clusters of latents") < text.index("## The runs")
    assert "| b | disparity | 1,000 | 0.09 | +0.30 | 0.09 | 0.12 | 0.060 | 0.80 |" in text
    assert "| a | length | 1,000 | 0.81 | +0.90 | 0.81 | – | – | 0.80 |" in text
    assert max(line.count(" | ") for line in text.splitlines()) == 8
    (rows, _) = json.loads(render_predictions(SETS, "json", "c"))
    assert len(rows["head"]) == 21 and rows["about"].startswith(prediction_lead(SETS))
    assert next(csv.reader(io.StringIO(render_predictions(SETS, "csv", "c")))) == rows["head"]
