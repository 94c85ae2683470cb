"""Behaviours: what a predictor's own model scores, beside what the trained policies score."""

from collections.abc import Mapping

from offtarget.engine.grid import measured
from offtarget.evals.contrast import Contrast, difference
from offtarget.evals.panel import Panel, common
from offtarget.models import ModelRef
from offtarget.verification.answers import Asked
from offtarget.verification.records import BehaviourShift


def behaviour_shifts(
    asked: Asked, predicted: Mapping[str, ModelRef], observed: Mapping[int, ModelRef]
) -> tuple[BehaviourShift, ...]:
    """Every behaviour of the recipe under every predictor that has a model, against all training seeds together.

    Args:
        asked: the run, and how it is asked.
        predicted: predictor -> the model that it expects training to lead to.
        observed: training seed -> the policy.
    """
    if not predicted:
        return ()
    spare, seeds = asked.spare_seed(), tuple(observed)
    seen = {b: _shift(asked, b, observed, "policy") for b in asked.run.recipe.behaviours}
    each = {s: {b: _shift(asked, b, {s: observed[s]}, "policy") for b in seen} for s in seeds}
    out = []
    for name, model in predicted.items():
        for b, y in seen.items():
            x = _shift(asked, b, {spare: model}, name)
            out.append(
                BehaviourShift(
                    behaviour=b,
                    predictor=name,
                    predicted=x.value,
                    predicted_ci=x.interval(),
                    observed=y.value,
                    observed_ci=y.interval(),
                    by_seed=tuple(each[s][b].value for s in seeds),
                )
            )
    return tuple(out)


def _shift(asked: Asked, behaviour: str, models: Mapping[int, ModelRef], what: str) -> Contrast:
    """A behaviour under models of several seeds, less the start model's with the same seeds of sampling."""
    run = asked.run

    def panel(of: Mapping[int, ModelRef], name: str) -> Panel:
        scores = [measured(run, model, seed, f"{name} seed {seed}")[behaviour] for seed, model in of.items()]
        return Panel.of(scores, tuple(of), trained=name != "start")

    both = common({"after": panel(models, what), "before": panel(dict.fromkeys(models, run.model), "start")})
    return difference(both["after"], both["before"], of=what, to="start")
