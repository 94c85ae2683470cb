"""From a set and a plan to what training is expected to do: the best predictor of a level, under plain DPO and under the plan."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from offtarget.audit.statistics.means import Floats, bh
from offtarget.engine.grid import measured, parameters_of, plan_of
from offtarget.engine.recipe import ProtocolRun
from offtarget.engine.run import Run, start
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.evals.contrast import Contrast, difference
from offtarget.evals.panel import Panel, common
from offtarget.forecast.question import Question
from offtarget.forecast.records import BehaviourForecast, ConceptForecast, Forecast, Shift
from offtarget.forecast.validity import validity_of
from offtarget.models import ModelRef
from offtarget.progress import Progress
from offtarget.registry import Entry, default
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import Store, hash_of, write_atomic
from offtarget.verification.answers import Asked
from offtarget.verification.concepts import Concepts, families
from offtarget.verification.predictor import LEVELS, POLICY, PredictionInput, predict
from offtarget.verification.run import held_out_prompts, labels_of, lenses_of_text, rows_of
from offtarget.verification.sides import Side
from offtarget.verification.sums import GroupSums
from offtarget.verification.writers import from_writers, resampled

FILE = "forecast.json"
PREDICTORS = {"data": "disparity", "forward": "kernel_pairs", "gradient": "one_gradient", "pulse": "pulse_8"}
"""Level -> the predictor that speaks for it."""
STATISTICS = ("sqrt_frequency", "value")
"""Of latents, and of columns of values."""
DRAWS = 500
WRITER_DRAWS = 200
SURE = 0.05
PLAIN = ProtocolRun(protocol="dpo")


def forecast(
    question: Question,
    out: Path | None = None,
    *,
    level: str = "gradient",
    store: Store,
    progress: Progress | None = None,
) -> Forecast:
    """What training on a set is expected to do, before it is trained on.

    Args:
        question: the set, the recipe that is meant (under `verification`: how the start model is asked), and the plan that
            stands beside plain DPO.
        out: folder for the audit and the forecast; None: the question's own.
        level: data, forward, gradient or pulse: what may be spent. Only a level with a model in it has behaviours.
        store: where everything is kept.
        progress: called with (what, done, total).

    Raises:
        ConfigError: an unknown level, a plan that the level cannot carry, or no lens that can read new answers.
        UndecidedError: too few rows, concepts or held-out prompts, or another set or start model than the plan's.
    """
    if level not in LEVELS:
        raise unknown_name("level", level, LEVELS)
    entry = default().get("predictor", PREDICTORS[level])
    with_model = level in ("gradient", "pulse")
    item, base, folder = question.item, question.base, out or question.folder
    recipe = question.recipe.model_copy(update={"protocols": (PLAIN, *((item,) if item else ())), "selection": None})
    lenses = lenses_of_text(recipe)
    run = start(recipe, base, folder, store=store, progress=progress)
    question.require_same(run)
    prompts = tuple(held_out_prompts(run, recipe.verification.prompts)) if with_model else ()
    asked = Asked(run, prompts, lenses)
    held = {p.group for p in prompts}
    audited = rows_of(run, [p for p in run.audited.pairs if p.group not in held], run.features, run.audited)
    trained = rows_of(run, run.trained_pairs.pairs, run.readings.features, run.trained_pairs)
    found = [c for c in families(run.audit_folder.vocabulary.concepts, trained, audited) if c.statistic in STATISTICS]
    if not found:
        raise UndecidedError("too few concepts move in these rows: there is nothing to forecast")
    seed = question.exported.seed if question.exported else asked.spare_seed()
    plan = None if item is None else plan_of(run, item, seed)
    if plan is not None and not with_model and (beyond := plan.beyond_rows()):
        raise ConfigError(
            f"--level {level} cannot carry what {plan.protocol} asks for ({', '.join(beyond)}): use --level gradient"
        )
    one = _Under(asked, trained, None, entry)
    other = None if plan is None else _Under(asked, trained, plan, entry)
    families_there = {c.family for c in found}
    concepts = [c for family in found for c in _concepts(run, family, (trained, audited), one, other)]
    models = {} if not with_model else {"plain": one.model(), **({} if other is None else {"planned": other.model()})}
    work = asked.work(float(recipe.verification.max_tokens) if with_model else 0.0)
    return Forecast(
        offtarget_version=version("offtarget"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        key=hash_of([run.audit.key, run.trained_pairs.rows_sha256, recipe.model_dump(mode="json"), level]),
        dataset=run.pairs.name,
        model=recipe.model,
        level=level,
        predictor=entry.name,
        formula=entry.card["formula"],
        protocol=None if item is None else item.protocol,
        parameters={} if item is None else parameters_of(item),
        plan=None if plan is None else plan.hash,
        audit=run.audit.key,
        n_rows=len(run.trained_pairs),
        n_prompts=len(prompts) or len({p.group for p in run.trained_pairs.pairs}),
        concepts=tuple(concepts),
        behaviours=_behaviours(asked, models),
        cautions=(*(cautions(concepts) if with_model else ()), *cautions_of_writers(concepts)),
        validity=validity_of(entry.name, recipe.model, "latents" if "latents" in families_there else found[0].family),
        price=work.price(entry.card.get("needs", ())),
    )


def write(found: Forecast, folder: Path) -> Path:
    """Write `forecast.json`; returns the file."""
    return write_atomic(folder / FILE, found.model_dump_json(indent=1) + "\n")


class _Under:
    """One plan (None: plain DPO), and what the predictor expects of it."""

    def __init__(self, asked: Asked, trained: Side, plan: ShapingPlan | None, entry: Entry) -> None:
        self.asked, self.trained, self.plan, self.entry = asked, trained, plan, entry
        self._kept: dict[Any, Any] = {}

    def of(self, concepts: Concepts) -> GroupSums:
        """The prediction."""
        given = PredictionInput(self.asked, self.plan, self.trained, "trained", concepts, self._kept)
        found = predict(self.entry, given)
        if not isinstance(found, GroupSums):
            raise UndecidedError(
                f"predictor '{self.entry.name}' says nothing here: training is as short as its own steps; use --level gradient"
            )
        return found

    def model(self) -> ModelRef:
        """The model that the predictor expects; it is there once a concept was predicted."""
        found: ModelRef = next(made for key, made in self._kept.items() if POLICY in key and key[-1] == self.entry.name)
        return found


def _concepts(
    run: Run, family: Concepts, rows: tuple[Side, Side], one: _Under, other: _Under | None
) -> list[ConceptForecast]:
    """One family, the surest first; `rows`: of training, and all that were audited."""
    trained, audited = rows
    labels = labels_of(run)
    plain, q = _shifts(one.of(family))
    planned = None if other is None else _shifts(other.of(family))[0]
    seen, seen_q = _shifts(trained.sums(family.differences(trained)))
    written, written_q = _of_writers(family, trained, audited)
    out = [
        ConceptForecast(
            concept=name,
            label=labels.get(name, name),
            family=family.family,
            plain=plain[j],
            q=float(q[j]),
            planned=None if planned is None else planned[j],
            difference=seen[j],
            difference_q=float(seen_q[j]),
            writers=None if written is None else written[j],
            writers_q=None if written_q is None else float(written_q[j]),
        )
        for j, name in enumerate(family.names)
    ]
    sure = {c.concept: abs(c.plain.value) / max(c.plain.ci[1] - c.plain.ci[0], 1e-12) for c in out}
    return sorted(out, key=lambda c: -sure[c.concept])


def _shifts(found: GroupSums) -> tuple[list[Shift], Floats]:
    """Every concept's shift with its interval over prompts, and the q of the family."""
    at, n = found.shift(), len(found)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=DRAWS).astype(np.float64)
    drawn = found.resampled(weights).raw
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    shifts = [
        Shift(value=float(v), ci=(float(a), float(b)), at_equal_length=float(e))
        for v, a, b, e in zip(at.raw, low, high, at.at_equal_length, strict=True)
    ]
    return shifts, bh(_p_of(at.raw, drawn))


def _of_writers(family: Concepts, trained: Side, audited: Side) -> tuple[list[Shift] | None, Floats | None]:
    """What the writers say of every concept; None where rows do not name them."""
    of_writers = from_writers(family, trained, audited)
    drawn = None if of_writers is None else resampled(family, trained, audited, WRITER_DRAWS)
    if of_writers is None or drawn is None:
        return None, None
    at = of_writers.shift()
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return [
        Shift(value=float(v), ci=(float(a), float(b)), at_equal_length=float(e))
        for v, a, b, e in zip(at.raw, low, high, at.at_equal_length, strict=True)
    ], bh(_p_of(at.raw, drawn))


def _p_of(values: Floats, drawn: Floats) -> Floats:
    """Two-sided p of 0, by the spread of draws."""
    se = drawn.std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(se > 0, 2 * norm.sf(np.abs(values) / se), 1.0))


def _behaviours(asked: Asked, models: Mapping[str, ModelRef]) -> tuple[BehaviourForecast, ...]:
    """Every behaviour of the recipe, measured on the models that are expected."""
    if not models:
        return ()
    run, seed = asked.run, asked.spare_seed()
    scores = {name: measured(run, model, seed, f"{name} forecast") for name, model in models.items()}
    before = measured(run, run.model, seed, "start")
    out = []
    for name, card in before.items():
        panels = common({"start": Panel.of([card], (seed,), trained=False)} | {
            k: Panel.of([s[name]], (seed,)) for k, s in scores.items()
        })  # fmt: skip
        shift = {k: difference(panels[k], panels["start"], of=k, to="start") for k in models}
        out.append(
            BehaviourForecast(
                behaviour=name,
                unit=card.unit,
                direction=card.direction,
                start=panels["start"].mean,
                n=len(panels["start"].ids),
                plain=shift["plain"].value,
                plain_ci=shift["plain"].interval(),
                **_planned(shift),
            )
        )
    return tuple(out)


def _planned(shift: Mapping[str, Contrast]) -> dict[str, Any]:
    found = shift.get("planned")
    return {} if found is None else {"planned": found.value, "planned_ci": found.interval()}


def cautions(concepts: Sequence[ConceptForecast]) -> tuple[str, ...]:
    """Where silence of the data is no all-clear: the model is expected to move, the rows do not differ or differ the other way."""
    out = []
    for c in concepts:
        if c.q >= SURE:
            continue
        seen, moves = c.difference, c.plain
        numbers = (
            f"chosen − rejected {seen.value:+.3g} [{seen.ci[0]:+.3g}, {seen.ci[1]:+.3g}], forecast {moves.value:+.3g} "
            f"[{moves.ci[0]:+.3g}, {moves.ci[1]:+.3g}]"
        )
        if c.difference_q >= SURE:
            out.append(
                f"{c.label}: the rows do not clearly differ in it (q {c.difference_q:.2g}), and the model is expected to move: {numbers}"
            )
        elif np.sign(seen.value) != np.sign(moves.value):
            out.append(f"{c.label}: the model is expected to move against the rows' difference: {numbers}")
    return tuple(out)


def cautions_of_writers(concepts: Sequence[ConceptForecast]) -> tuple[str, ...]:
    """Where who is chosen differs in what the training rows do not show: writers bring their habits with them."""
    out = []
    for c in concepts:
        if c.writers is None or c.writers_q is None or c.writers_q >= SURE or c.difference_q < SURE:
            continue
        seen, habits = c.difference, c.writers
        if seen.ci[0] <= habits.value <= seen.ci[1]:  # the rows may show as much
            continue
        out.append(
            f"{c.label}: the rows do not clearly differ in it (q {c.difference_q:.2g}), and the writers that are chosen do in their "
            "responses to other prompts: "
            f"chosen − rejected {seen.value:+.3g} [{seen.ci[0]:+.3g}, {seen.ci[1]:+.3g}], writers {habits.value:+.3g} "
            f"[{habits.ci[0]:+.3g}, {habits.ci[1]:+.3g}]"
        )
    return tuple(out)
