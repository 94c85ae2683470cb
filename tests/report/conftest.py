"""A small hand-made audit whose numbers a test can name."""

from collections.abc import Callable
from typing import Any

import pytest

from offtarget.audit.evidence import Concept, Correlate, Evidence
from offtarget.audit.records import (
    Audit,
    Context,
    DatasetInfo,
    Family,
    Hypothesis,
    LengthControlled,
    Null,
    Partialled,
    Prediction,
    SplitHalf,
)


def _evidence(**changes: Any) -> Evidence:
    base = {
        "unit": "count per response",
        "contrast": "presence",
        "chosen_mean": 0.9,
        "rejected_mean": 0.4,
        "chosen_rate": 0.312,
        "rejected_rate": 0.18,
        "more_in_chosen": 0.2,
        "more_in_rejected": 0.1,
    }
    return Evidence(**{**base, **changes})


def _hypothesis(concept: str, **changes: Any) -> Hypothesis:
    context = changes.get("context")
    base: dict[str, Any] = {
        "id": f"overall:{concept}" if context is None else f"global:{concept}@{context}",
        "view": "overall" if context is None else "global",
        "concept": concept,
        "direction": "chosen",
        "effect": 0.132,
        "ci": (0.1, 0.16),
        "ci_method": "flip",
        "d": 0.4,
        "z": 8.0,
        "p": 1e-9,
        "q": 2e-8,
        "welch_z": 12.0,
        "split_half": SplitHalf(agree=True, min=0.12),
        "parity": SplitHalf(agree=True, min=0.12),
        "length_controlled": LengthControlled(effect=0.07, ci=(0.03, 0.11), p=0.001, q=0.004),
        "n_inside": 1000,
        "n_groups_inside": 400,
        "inside_mean": 0.132,
        "outside_mean": None if context is None else 0.01,
        "rows": ("r1", "r2"),
    }
    return Hypothesis(**{**base, **changes})


@pytest.fixture()
def hypothesis() -> Callable[..., Hypothesis]:
    return _hypothesis


@pytest.fixture()
def make_audit() -> Callable[..., Audit]:
    """`make_audit(word=...)`: an audit in which every free text is `word`."""

    def build(word: str = "bold text", **changes: Any) -> Audit:
        concepts = (
            Concept(
                id="surface:bold",
                label=word,
                kind="feature",
                lens="surface",
                members=("surface:bold",),
                evidence=_evidence(
                    correlate=Correlate(concept="surface:list", label=word, r=0.65, held_out=0.62, n=900),
                    words=(word, "other"),
                ),
            ),
            Concept(
                id="surface:characters",
                label="length",
                kind="feature",
                lens="surface",
                members=("surface:characters",),
                evidence=_evidence(unit="characters", contrast="log", chosen_mean=248.0, rejected_mean=119.0),
            ),
            Concept(
                id="surface:hedges",
                label="hedges",
                kind="feature",
                lens="surface",
                members=("surface:hedges",),
                evidence=_evidence(
                    unit="per 100 words", contrast="value", chosen_mean=0.5, rejected_mean=0.8, more_in_rejected=0.44
                ),
            ),
        )
        hypotheses = (
            _hypothesis("surface:bold"),
            _hypothesis(
                "surface:characters",
                d=0.74,
                effect=0.9,
                ci=(0.8, 1.0),
                length_controlled=None,
                length_note="a measure of length itself",
            ),
            _hypothesis(
                "surface:hedges",
                direction="rejected",
                d=-0.3,
                effect=-0.3,
                ci=(-0.4, -0.2),
                z=-5.0,
                length_controlled=LengthControlled(effect=-0.01, ci=(-0.09, 0.07), p=0.8, q=0.9),
            ),
            _hypothesis("surface:bold", context="topic:1", d=0.5),
            _hypothesis("surface:hedges", context="topic:1", p=0.4, q=0.6, d=0.02, z=0.9),
        )
        null = Null(n=200, q95=0.05, p=0.005)
        prediction = (
            Prediction(
                concept="surface:bold",
                expected_shift=0.132,
                ci=(0.1, 0.16),
                standardised=0.4,
                length_partialled=Partialled(expected_shift=0.07, ci=(0.02, 0.12)),
                null=null,
            ),
            Prediction(
                concept="surface:hedges",
                expected_shift=-0.03,
                ci=(-0.06, 0.01),
                standardised=-0.1,
                length_partialled=None,
                null=null,
            ),
        )
        base: dict[str, Any] = {
            "offtarget_version": "0.1.0",
            "created": "2026-01-31T12:00:00+00:00",
            "key": "k" * 64,
            "seed": 0,
            "dataset": DatasetInfo(
                name=word,
                revision=word,
                rows_sha256="a" * 64,
                n_pairs=1000,
                n_groups=400,
                n_dropped={word: 3},
                splits={word: 1000},
                chosen_longer=0.8391,
                chosen_shorter=0.1583,
                median_characters=(1097.0, 412.0),
            ),
            "model": {"name": word},
            "lens": ({"name": word, "features": 56, "layer": 20, "variance_explained": 0.8312},),
            "concepts": concepts,
            "contexts": (Context(id="topic:1", kind="topic", label=word, keywords=(word, "code"), n=120, n_groups=60),),
            "families": {
                "overall": Family(tested=3, findings=3, listed=3, controlled=3, left_out={}),
                "global": Family(tested=2, findings=1, listed=2, controlled=2, left_out={word: 4}),
            },
            "hypotheses": hypotheses,
            "prediction": prediction,
            "vocabulary": "v" * 64,
            "warnings": (word,),
        }
        return Audit(**{**base, **changes})

    return build
