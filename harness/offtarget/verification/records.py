"""What a verification says, as written in `verification.json`."""

from typing import Any, Literal

from offtarget.records import Record

FAMILIES = {"clusters": "clusters of latents", "latents": "single latents", "surface": "surface rules"}
"""Families of concepts in words."""


class Price(Record):
    """What one predictor costs."""

    tokens: float
    """Forward-equivalent tokens (`offtarget.verification.cost`)."""
    of_training: float
    """As a share of what training one policy costs."""


class Fit(Record):
    """Agreement of predicted (x) and observed (y) shifts over concepts."""

    r: float
    """Pearson correlation; its sign says whether the prediction has the right direction."""
    r2: float
    slope: float
    intercept: float
    r2_held_out: float
    """1 - SSE/SST, each concept predicted by the line fitted on the others; negative: worse than their mean."""
    spearman: float
    ci_concepts: tuple[float, float] | None = None
    """95 % of r when concepts are resampled."""
    ci_prompts: tuple[float, float] | None = None
    """95 % of r over the prompts of both sides (jackknife in blocks; a tilt is fitted again without each block)."""
    ci_seeds: tuple[float, float] | None = None
    """The same with the noise of training seeds added; None with one seed."""


class Scale(Record):
    """What a correlation over concepts is worth: concepts share rows and words, and a few frequent ones carry most of it."""

    effective_n: float
    """Independent concepts that would give r its spread under swapped labels, 1/var(r)."""
    r2_in_errors: float
    """r² with both sides in units of each concept's own error of observation, so that no frequent concept weighs more."""
    weighted_spearman: float
    """Rank correlation with each concept weighted by its reliability, τ²/(τ² + se²)."""
    spearman_by_firing: float | None = None
    """Rank correlation with each concept weighted by the share of responses in which it shows; None where concepts do not
    fire, and in records made before it was measured."""
    bands: tuple["Band", ...] = ()
    """r² among concepts of like firing frequency; empty where concepts do not fire."""


class Band(Record):
    """Concepts that show in a like share of responses."""

    above: float
    """Share of responses, exclusive."""
    up_to: float
    n: int
    r2: float


class OverLength(Record):
    """Does the prediction say more than length alone? r² raw of the prediction minus that of the predictor length."""

    difference: float
    ci: tuple[float, float]
    """95 % over the prompts of both sides (jackknife in blocks)."""


class Null(Record):
    """r² of the same prediction from randomly swapped labels."""

    n: int
    mean_r2: float
    q95_r2: float
    p: float
    """Share of shuffles with an r² at least as large, the observed one counted among them."""


class SignAgreement(Record):
    """Among the concepts predicted most surely (largest |x| at equal length): how many moved that way."""

    n: int
    right: float
    chance: tuple[float, float] | None = None
    """5th and 95th percentile of `right` where labels are swapped at random."""


class Control(Record):
    """One predictor against one observation, with and without length."""

    n_concepts: int
    n_rows: int
    """Pairs that the prediction rests on."""
    n_prompts: int
    """Held-out prompts of the observation."""
    raw: Fit
    raw_null: Null
    by_row: Fit
    """Length removed row by row: both sides are intercepts on the difference of log length."""
    by_row_null: Null
    by_concept: Fit
    """Length removed over concepts: both sides are residuals on each concept's sensitivity to length."""
    by_concept_null: Null
    surest: SignAgreement
    scale: Scale | None = None
    """Of the agreement at equal length; None in records made before it was measured."""
    over_length: OverLength | None = None
    """None for the predictor length itself, and in records made before it was measured."""


class Ceiling(Record):
    """How well the observed shifts agree with themselves."""

    seeds_raw: float | None
    """Correlation over concepts of the shifts that two training seeds show; None with one seed."""
    seeds_by_row: float | None
    halves_raw: float
    """Reliability from random halves of the prompts (Spearman-Brown)."""
    halves_by_row: float


class Outcome(Record):
    """One predictor on one family of concepts, against one training seed."""

    family: str
    """clusters, latents or surface."""
    predictor: str
    statistic: str
    """What a concept's value in a response is: presence, frequency or sqrt_frequency of its latents; value."""
    rows: Literal["trained", "audited"]
    """Which pairs the prediction was computed from; never any of a held-out prompt."""
    seed: int
    control: Control


class ConceptShift(Record):
    """One point of the scatter plot.

    Shifts are mean differences of the headline's statistic: of the pairs (chosen minus rejected) on the predicted side,
    of answers after and before training on the observed one. A tilt's prediction has no unit. None is the audit's
    expected shift, which is the mean of u in the concept's own unit.
    """

    concept: str
    label: str
    predicted: float
    predicted_ci: tuple[float, float] | None
    """None where the predictor gives none (tilt)."""
    observed: float
    observed_ci: tuple[float, float]
    predicted_at_equal_length: float
    observed_at_equal_length: float


class BehaviourShift(Record):
    """One behaviour under the model of one predictor, and under the trained policies; each less the start model's score."""

    behaviour: str
    predictor: str
    predicted: float
    predicted_ci: tuple[float, float] | None
    """95 % over prompts; None where no sample differs."""
    observed: float
    """Over all training seeds."""
    observed_ci: tuple[float, float] | None
    """95 % over prompts and, from three on, training seeds."""
    by_seed: tuple[float, ...]


class Verification(Record):
    """Predicted against observed shift of one policy: `verification.json`."""

    schema_version: Literal[1] = 1
    offtarget_version: str
    created: str
    key: str
    dataset: str
    model: str = ""
    """The start model; empty in records made before it was written."""
    protocol: str
    parameters: dict[str, Any] = {}
    """Of the protocol, as the recipe sets them."""
    seeds: tuple[int, ...]
    audit: str
    """Key of the audit whose concepts, fixed before training, are compared."""
    n_trained: int
    n_prompts: int
    sampling: dict[str, Any]
    answers: dict[str, float]
    """Mean length in characters and share of answers cut at the token limit, before and after."""
    outcomes: tuple[Outcome, ...]
    """The first is the headline."""
    ceilings: dict[str, Ceiling]
    """By `family/statistic`."""
    points: tuple[ConceptShift, ...]
    """The concepts of the headline."""
    behaviours: tuple[BehaviourShift, ...] = ()
    """Of every predictor that has a model."""
    costs: dict[str, Price] = {}
    """Of every predictor that was computed."""
    training_tokens: float | None = None
    """Forward-equivalent tokens of training one policy; None in records made before it was counted."""
    warnings: tuple[str, ...] = ()

    @property
    def headline(self) -> Outcome:
        """The outcome that is said first."""
        return self.outcomes[0]
