"""The decorator that makes a function a predictor of what training changes, and what such a function gets and gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from offtarget.audit.statistics.means import Floats
from offtarget.engine.run import Run
from offtarget.errors import ConfigError
from offtarget.models import ModelRef
from offtarget.registry import Entry, load_function, run_content
from offtarget.shaping.plan import ShapingPlan
from offtarget.verification.agreement import Prediction
from offtarget.verification.answers import Asked
from offtarget.verification.concepts import Concepts
from offtarget.verification.cost import Need
from offtarget.verification.sides import Side
from offtarget.verification.sums import GroupSums

Cost = Literal["data", "forward", "gradient", "pulse"]
"""The dearest thing that it needs: rows and their features; forward passes of the start model; gradients; training steps."""
POLICY = "policy"
"""First part of the name under which a predictor's model is kept."""
LEVELS: tuple[Cost, ...] = get_args(Cost)
"""The cheapest first."""
Rows = Literal["trained", "audited"]
T = TypeVar("T")


@dataclass(frozen=True)
class PredictorCard:
    """What a predictor says of itself, readable without running it."""

    name: str
    cost: Cost
    source: str
    """Where it comes from: a paper and its place there."""
    formula: str
    """The predicted shift of a concept."""
    needs: tuple[Need, ...] = ()
    """What it has to be made for it, beyond the data's features (`offtarget.verification.cost`)."""
    rows: tuple[Rows, ...] = ("trained",)
    """Which pairs it can predict from: those of training, or all that were audited."""
    statistics: tuple[str, ...] = ()
    """The statistics of a concept for which it is computed; empty: all."""
    control: bool = False
    """It is there to be held against; computed where controls are asked for."""


@dataclass(frozen=True, eq=False)
class PredictionInput:
    """What a predictor is given. No row has a prompt that the observed answers answer."""

    asked: Asked
    """Those prompts, and how a model's answers to them are read; never what the trained policies answered."""
    plan: ShapingPlan | None
    """What is trained, made with a seed that no observed policy has; None: plain DPO."""
    side: Side
    """The rows to predict from."""
    rows: Rows
    """Which rows these are."""
    concepts: Concepts
    """What is predicted."""
    _kept: dict[Any, Any] = field(default_factory=dict)

    @property
    def run(self) -> Run:
        """Start model, reader, recipe and store."""
        return self.asked.run

    def weights(self) -> Floats:
        """(n_rows,) gradient of each row at the start relative to plain DPO (`ShapingPlan.start_weights`); 1 for audited rows.

        What a plan does other than by rows is not in it (`ShapingPlan.beyond_rows`).
        """
        n = len(self.side.pairs)
        return np.ones(n) if self.plan is None or self.rows == "audited" else self.plan.start_weights()[:n]

    def once(self, make: Callable[[], T], *name: str, of_rows: bool = False) -> T:
        """What several families share, made when first asked for.

        Args:
            make: makes it.
            name: of it; with the lens and the statistic, where it depends on them.
            of_rows: whether it depends on which rows are predicted from.
        """
        key = (self.rows if of_rows else None, *name)
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found

    def policy(self, name: str, make: Callable[[], ModelRef]) -> ModelRef:
        """A model that a predictor expects training to lead to: its behaviours are measured as well.

        Args:
            name: of the predictor.
            make: makes it.
        """
        return self.once(make, POLICY, name)

    def answered(self, name: str, make: Callable[[], ModelRef]) -> GroupSums:
        """What such a model changes in the answers to the held-out prompts: its own less the start model's.

        Args:
            name: of the predictor.
            make: makes the model.
        """
        model, seed = self.policy(name, make), self.asked.spare_seed()
        side = self.once(lambda: self.asked.beside_start(model, seed, name)[0], "answers", name)
        return side.sums(self.concepts.differences(side))


Predicts = Callable[[PredictionInput], Prediction | None]


def predictor(
    *,
    name: str,
    cost: Cost,
    source: str,
    formula: str,
    needs: tuple[Need, ...] = (),
    rows: tuple[Rows, ...] = ("trained",),
    statistics: tuple[str, ...] = (),
    control: bool = False,
) -> Callable[[Predicts], Predicts]:
    """Declare a function of a file in `baselines/predictors/` as a predictor.

    Write the arguments as literals: they are read without running the file. The function takes a `PredictionInput` and
    gives per-row contributions whose mean is the predicted shift (`side.sums(values)`, with one column a concept), or
    None where it does not apply to these concepts.
    """  # fmt: skip

    def mark(function: Predicts) -> Predicts:
        function.__predictor__ = PredictorCard(name, cost, source, formula, needs, rows, statistics, control)  # type: ignore[attr-defined]
        return function

    return mark


def predict(entry: Entry, given: PredictionInput) -> Prediction | None:
    """The checked prediction of a predictor of the registry; None where it does not apply.

    Raises:
        ConfigError: the file failed, or gave something that is no prediction of these concepts.
    """
    statistics = entry.card.get("statistics", ())
    if statistics and given.concepts.statistic not in statistics:
        return None
    found = run_content(entry, load_function(entry), given)
    if found is None:
        return None
    where = f"{entry.path}: predictor '{entry.name}'"
    if not all(hasattr(found, part) for part in ("shift", "shuffled", "resampled", "n_rows")):
        raise ConfigError(f"{where} returned {type(found).__name__}; return side.sums(values) of per-row contributions")
    shift, n = found.shift(), len(given.concepts.specs)
    if shift.raw.shape != (n,):
        raise ConfigError(
            f"{where} predicts {shift.raw.shape} values, but there are {n} concepts; one column a concept"
        )
    if not np.isfinite(shift.raw).all() or not np.isfinite(shift.at_equal_length).all():
        raise ConfigError(f"{where} predicts shifts that are not finite numbers")
    made: Prediction = found
    return made


def length_alone(side: Side, concepts: Concepts) -> GroupSums:
    """What length alone says: each concept's regression on the basis of the two lengths, without its intercept."""
    return side.sums(side.basis @ side.sums(concepts.differences(side)).slopes())
