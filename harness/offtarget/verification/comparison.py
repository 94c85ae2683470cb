"""Every predictor on every family of concepts, against what was observed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from offtarget.audit.statistics.means import Floats
from offtarget.engine.grid import plan_of
from offtarget.engine.recipe import ProtocolRun
from offtarget.errors import UndecidedError
from offtarget.models import ModelRef
from offtarget.registry import default
from offtarget.verification import agreement
from offtarget.verification.agreement import Prediction
from offtarget.verification.answers import Asked
from offtarget.verification.concepts import FEWEST, Concepts, families
from offtarget.verification.predictor import LEVELS, POLICY, Cost, PredictionInput, Rows, length_alone, predict
from offtarget.verification.records import Ceiling, Control, Outcome
from offtarget.verification.sides import Side
from offtarget.verification.sums import GroupSums

FEW_CONCEPTS = 80
HEADLINE_STATISTIC = "sqrt_frequency"
"""Of the statistics the one that was predicted best on the set it was chosen on (alpaca_eval_gpt4_pairs)."""
LENGTH = "length"
"""The predictor that the others are held against."""


class Comparison:
    """All predictors on all families of concepts.

    Args:
        asked: the held-out prompts, and the run whose policies were observed on them.
        item: the protocol of these policies.
        trained: the rows of training.
        audited: all audited rows, without the prompts that are answered.
        observed: answers after and before training, one side for each training seed of the recipe.
        level: the dearest predictors that are computed.
        controls: whether controls are computed, too.
    """

    def __init__(
        self,
        asked: Asked,
        item: ProtocolRun,
        trained: Side,
        audited: Side,
        observed: Sequence[Side],
        level: Cost = LEVELS[-1],
        controls: bool = False,
    ) -> None:
        costs = LEVELS[: LEVELS.index(level) + 1]
        self.entries = [
            e
            for e in default().entries("predictor")
            if e.card["cost"] in costs and (controls or not e.card.get("control"))
        ]
        self.asked, self.run, self.observed = asked, asked.run, observed
        self.plan = plan_of(self.run, item, asked.spare_seed())
        self.sides: dict[Rows, Side] = {"trained": trained, "audited": audited}
        self.outcomes: tuple[Outcome, ...] = ()
        self.ceilings: dict[str, Ceiling] = {}
        self.kept: dict[str, tuple[tuple[str, ...], Prediction, GroupSums]] = {}
        """By `family/statistic/predictor`: concept ids, the prediction, and the first seed's observation."""
        self.policies: dict[str, ModelRef] = {}
        """Predictor -> the model that it expects training to lead to."""

    def all(self) -> "Comparison":
        """Every outcome, the headline first."""
        outcomes: list[Outcome] = []
        kept: dict[Any, Any] = {}
        for concepts in families(
            self.run.audit_folder.vocabulary.concepts, self.sides["trained"], self.sides["audited"]
        ):
            outcomes += self._outcomes(concepts, kept)
        self.policies = {key[-1]: made for key, made in kept.items() if POLICY in key}
        if not outcomes:
            raise UndecidedError(f"fewer than {FEWEST} concepts move in this set: nothing can be compared")
        self.outcomes = tuple(sorted(outcomes, key=_rank))
        return self

    def _outcomes(self, concepts: Concepts, kept: dict[Any, Any]) -> list[Outcome]:
        """Every predictor on one family, against every training seed."""
        seen = [side.sums(concepts.differences(side)) for side in self.observed]
        sensitivity = self.sides["audited"].sums(concepts.differences(self.sides["audited"])).sensitivity()
        where = f"{concepts.family}/{concepts.statistic}"
        self.ceilings[where] = _ceiling(seen, sensitivity)
        alone = [agreement.Compared(length_alone(self.sides["trained"], concepts), y, sensitivity) for y in seen]
        seeds = self.run.recipe.seeds
        out = []
        for entry in self.entries:
            asked: tuple[Rows, ...] = entry.card.get("rows", ("trained",))
            for rows in asked:
                found = predict(entry, PredictionInput(self.asked, self.plan, self.sides[rows], rows, concepts, kept))
                if found is None:
                    continue
                if rows == "trained":
                    self.kept[f"{where}/{entry.name}"] = (concepts.names, found, seen[0])
                sides = [agreement.Compared(found, y, sensitivity, concepts.frequency) for y in seen]
                controls = [agreement.compare(c, seed=s) for c, s in zip(sides, seeds, strict=True)]
                if entry.name != LENGTH and rows == "trained":
                    controls = [
                        control.model_copy(update={"over_length": agreement.over_length(c, b, seed=s)})
                        for control, c, b, s in zip(controls, sides, alone, seeds, strict=True)
                    ]
                out += [
                    Outcome(
                        family=concepts.family,
                        predictor=entry.name,
                        statistic=concepts.statistic,
                        rows=rows,
                        seed=seed,
                        control=control,
                    )
                    for seed, control in zip(seeds, _with_seeds(controls), strict=True)
                ]
        return out


def _rank(o: Outcome) -> tuple[int, bool, int, bool]:
    """The headline first: clusters where there are enough of them, else single latents; the tilt of sqrt frequency."""
    enough = o.control.n_concepts >= FEW_CONCEPTS
    family = {"clusters": 0 if enough else 2, "latents": 1}.get(o.family, 3)
    predictor = {"tilt": 0, "disparity": 1}.get(o.predictor, 2)
    return family, o.statistic != HEADLINE_STATISTIC, predictor, o.rows == "audited"


def _with_seeds(controls: Sequence[Control]) -> list[Control]:
    """The controls of one prediction against each seed, with intervals that hold the noise of seeds."""
    fits = {
        kind: agreement.with_seeds([getattr(c, kind) for c in controls]) for kind in ("raw", "by_row", "by_concept")
    }
    return [c.model_copy(update={kind: of[k] for kind, of in fits.items()}) for k, c in enumerate(controls)]


def _ceiling(seen: Sequence[GroupSums], sensitivity: Floats) -> Ceiling:
    def over_seeds(kind: str) -> float | None:
        found = [agreement.ceiling(a, b, sensitivity, kind) for i, a in enumerate(seen) for b in seen[i + 1 :]]
        return float(np.mean(found)) if found else None

    return Ceiling(
        seeds_raw=over_seeds("raw"),
        seeds_by_row=over_seeds("by_row"),
        halves_raw=agreement.halves(seen[0], sensitivity, "raw", seed=0),
        halves_by_row=agreement.halves(seen[0], sensitivity, "by_row", seed=0),
    )
