"""What a forecast says, as written in `forecast.json`."""

from typing import Any, Literal

from offtarget.records import Record
from offtarget.verification.records import Price


class Shift(Record):
    """An expected change, from the start model to the trained one."""

    value: float
    ci: tuple[float, float]
    """95 % over prompts."""
    at_equal_length: float
    """What is left where length is held fixed, row by row."""


class ConceptForecast(Record):
    """What training is expected to do to one concept."""

    concept: str
    label: str
    family: str
    """latents, clusters, or the lens whose columns they are."""
    plain: Shift
    """Under plain DPO, in the predictor's unit."""
    q: float
    """Benjamini-Hochberg over the family: whether it moves at all."""
    planned: Shift | None = None
    """Under the plan; None without one."""
    difference: Shift
    """Chosen minus rejected in the training rows: a rule's value in its spread over pairs, of latents the square root of the share
    of tokens on which they fire."""
    difference_q: float
    writers: Shift | None = None
    """What the writers of chosen show more of than those of rejected in their responses to other prompts, in the same unit; None
    where rows do not name them."""
    writers_q: float | None = None


class BehaviourForecast(Record):
    """What training is expected to do to one behaviour: the score of the predictor's model less the start model's."""

    behaviour: str
    unit: str
    direction: str
    start: float
    n: int
    """Prompts or items that both have scored."""
    plain: float
    plain_ci: tuple[float, float] | None
    planned: float | None = None
    planned_ci: tuple[float, float] | None = None


class Validity(Record):
    """How well the predictor did where it was held against training: from the predictor board."""

    known: bool
    """Whether it was tried on this start model."""
    sets: tuple[str, ...] = ()
    family: str = ""
    r2: tuple[float, ...] = ()
    """r² of each set."""
    r2_equal: tuple[float, ...] = ()
    """The same at equal length."""
    surest: tuple[float, ...] = ()
    """Of the surest twentieth, the share that moved as predicted."""
    note: str = ""


class Forecast(Record):
    """`forecast.json`."""

    schema_version: Literal[1] = 1
    offtarget_version: str
    created: str
    key: str
    dataset: str
    model: str
    level: str
    predictor: str
    formula: str
    protocol: str | None = None
    """Whose plan stands beside plain DPO."""
    parameters: dict[str, Any] = {}
    plan: str | None = None
    """Hash of the plan."""
    audit: str
    n_rows: int
    """Pairs that would be trained on."""
    n_prompts: int
    """Prompts that the forecast rests on."""
    concepts: tuple[ConceptForecast, ...]
    """By family, the surest first."""
    behaviours: tuple[BehaviourForecast, ...] = ()
    cautions: tuple[str, ...] = ()
    validity: Validity
    price: Price
