"""Predicted against observed shift of a run: roll out before and after training, and compare concept by concept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.board.folder import slug
from offtarget.data.pairs import Pair, PairSet
from offtarget.engine.grid import origin_of, plan_of
from offtarget.engine.recipe import ProtocolRun, Recipe
from offtarget.engine.rows import normalised, shuffled_by_id
from offtarget.engine.run import Run, read_run, start
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.table import lens_of
from offtarget.models import ModelRef, resolve
from offtarget.progress import Progress
from offtarget.store import Store, hash_of, write_atomic
from offtarget.training.run import train
from offtarget.verification.agreement import Prediction
from offtarget.verification.answers import MIN_PROMPTS, Asked
from offtarget.verification.behaviours import behaviour_shifts
from offtarget.verification.comparison import FEW_CONCEPTS, Comparison
from offtarget.verification.predictor import LEVELS
from offtarget.verification.records import ConceptShift, Verification
from offtarget.verification.sides import Side
from offtarget.verification.tilt import Tilt

FOLDER, FILE = "verification", "verification.json"
MAX_PROMPT_CHARACTERS = 2000


def verify(
    folder: Path,
    *,
    protocol: str | None = None,
    prompts: int | None = None,
    level: str | None = None,
    controls: bool = False,
    store: Store,
    progress: Progress | None = None,
) -> Verification:
    """Hold the shifts that the data predicts against those that training brought about.

    Predictions come from rows of prompts that no rollout answers; concepts are clusters over all audited responses,
    fixed before training. Everything that was made
    before, policies and rollouts too, is read from the store.

    Args:
        folder: what `offtarget run` wrote.
        protocol: which row of the recipe; by default its first.
        prompts: held-out prompts, other than the recipe's number.
        level: the dearest predictors that are computed: data, forward, gradient or pulse. None: all; only those of the data
            where a lens asks a judge, which would have to read the answers that the others sample.
        controls: also compute predictors that are there to be held against: a random adapter, shuffled labels, another
            draw of answers, fluency.
        store: where artifacts lie.
        progress: called with (what, done, total).

    Raises:
        ConfigError: no run, no such protocol or level, or no lens that can read new answers.
        UndecidedError: fewer than 30 prompts are left that were not trained on.
    """
    if level is not None and level not in LEVELS:
        raise unknown_name("level", level, LEVELS)
    recipe, base, limit = read_run(folder)
    lenses = lenses_of_text(recipe)
    dearest = level or (LEVELS[0] if any(lens_of(name).asks for name in lenses) else LEVELS[-1])
    item = _item(recipe, protocol)
    run = start(recipe, base, folder, store=store, limit=limit, progress=progress)
    asked = Asked(run, tuple(held_out_prompts(run, prompts or recipe.verification.prompts)), lenses)
    held = {p.group for p in asked.prompts}
    options = recipe.verification
    observed, answers, policies = [], [], {}
    for seed in recipe.seeds:
        policies[seed] = _policy(run, item, seed)
        side, told = asked.beside_start(policies[seed], seed, item.protocol)
        observed.append(side)
        answers.append(told)
    audited = rows_of(run, [p for p in run.audited.pairs if p.group not in held], run.features, run.audited)
    trained = rows_of(run, run.trained_pairs.pairs, run.readings.features, run.trained_pairs)
    found = Comparison(asked, item, trained, audited, observed, dearest, controls).all()
    work = asked.work(float(np.mean([a["tokens_after"] for a in answers])))
    points = _points(run, found, recipe.seeds[0])
    made = {o.predictor for o in found.outcomes}
    warnings = (*_left_out(run), *_warnings(found, answers, len(asked.prompts)))
    return Verification(
        offtarget_version=version("offtarget"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        key=hash_of(
            {
                "audit": run.audit.key,
                "rows": run.trained_pairs.rows_sha256,
                "recipe": recipe.model_dump(mode="json"),
                "protocol": item.model_dump(mode="json"),
                "prompts": sorted(held),
                "level": dearest,
                "controls": controls,
            }
        ),
        dataset=run.pairs.name,
        model=recipe.model,
        protocol=item.protocol,
        parameters=item.parameters,
        seeds=recipe.seeds,
        audit=run.audit.key,
        n_trained=len(run.trained_pairs),
        n_prompts=len(asked.prompts),
        sampling=options.model_dump(mode="json"),
        answers={name: float(np.mean([a[name] for a in answers])) for name in answers[0]},
        outcomes=found.outcomes,
        ceilings=found.ceilings,
        points=points,
        behaviours=behaviour_shifts(asked, found.policies, policies),
        costs={e.name: work.price(e.card.get("needs", ())) for e in found.entries if e.name in made},
        training_tokens=round(work.training),
        warnings=warnings,
    )


def write(result: Verification, folder: Path) -> Path:
    """Write `verification/PROTOCOL/verification.json` into a run folder; returns the file."""
    path = folder / FOLDER / slug(result.protocol) / FILE
    return write_atomic(path, result.model_dump_json(indent=1) + "\n")


def _item(recipe: Recipe, protocol: str | None) -> ProtocolRun:
    if protocol is None:
        return recipe.protocols[0]
    for item in recipe.protocols:
        if item.protocol == protocol:
            return item
    there = ", ".join(i.protocol for i in recipe.protocols)
    raise ConfigError(f"--protocol {protocol}: this run has {there}")


def held_out_prompts(run: Run, n: int) -> list[Pair]:
    """One pair of each held-out prompt, in an order that depends on ids alone: none was trained on.

    Raises:
        UndecidedError: fewer than 30 are left.
    """
    seen = {p.group for p in run.trained_pairs.pairs}
    asked = {normalised(p.prompt[-1]["content"]) for p in run.trained_pairs.pairs}
    found: list[Pair] = []
    for p in shuffled_by_id(run.pairs.pairs):
        text = normalised(p.prompt[-1]["content"])
        short = sum(len(m["content"]) for m in p.prompt) <= MAX_PROMPT_CHARACTERS
        if p.group not in seen and text not in asked and short:
            seen.add(p.group)
            asked.add(text)
            found.append(p)
            if len(found) == n:
                break
    if len(found) < MIN_PROMPTS:
        raise UndecidedError(
            f"only {len(found)} prompts are left that were not trained on, at least {MIN_PROMPTS} are needed: "
            "train on fewer pairs (train.pairs, train.per_prompt)"
        )
    return found


def lenses_of_text(recipe: Recipe) -> tuple[str, ...]:
    """The lenses of a recipe that can read new answers.

    Raises:
        ConfigError: there is none.
    """
    found = tuple(name for name in recipe.audit.lens if lens_of(name).of_text)
    if not found:
        raise ConfigError(
            f"lens {', '.join(recipe.audit.lens)} reads columns of the data, which new answers do not have, so no shift can "
            "be observed; run the recipe with a lens that reads texts as well (audit.lens: [surface, columns])"
        )
    return found


def _left_out(run: Run) -> tuple[str, ...]:
    """One sentence for each lens whose concepts new answers cannot have."""
    return tuple(
        f"lens '{part.lens}' is left out: new answers have no columns, so nothing can be observed of its "
        f"{len(part.columns)} concept{'s' if len(part.columns) != 1 else ''}"
        for part in run.features
        if not part.of_text
    )


def _policy(run: Run, item: ProtocolRun, seed: int) -> ModelRef:
    """What training with a seed leaves."""
    policy = train(
        run.training_set,
        plan_of(run, item, seed),
        run.model,
        run.recipe.training,
        seed=seed,
        store=run.store,
        progress=run.progress,
        template=run.recipe.chat_template,
        origin=origin_of(run, item),
    )
    return resolve(str(policy.path), run.store)


def rows_of(run: Run, pairs: Sequence[Pair], features: Sequence[FeatureMatrix], of: PairSet) -> Side:
    """Some rows of a set, with their features by the lenses that read texts."""
    place = {p.id: i for i, p in enumerate(of.pairs)}
    rows = [place[p.id] for p in pairs]
    return Side.of(replace(of, pairs=list(pairs)), [f.select(rows) for f in features if f.of_text])


def labels_of(run: Run) -> dict[str, str]:
    """What concepts and latents are called, by id."""
    labels = {c.id: c.title for c in run.audit.concepts}
    for part in run.features:
        labels |= {c.id: f"{c.id} → {', '.join(c.hints[:3])}" for c in part.columns if c.hints}
    return labels


def _points(run: Run, found: Comparison, seed: int) -> tuple[ConceptShift, ...]:
    head = found.outcomes[0]
    names, x, y = found.kept[f"{head.family}/{head.statistic}/{head.predictor}"]
    labels = labels_of(run)
    rng = np.random.default_rng(seed)

    def intervals(sums: Prediction) -> NDArray[Any]:
        weights = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=500)
        return np.quantile(sums.resampled(weights.astype(np.float64)).raw, [0.025, 0.975], axis=0)

    wide = None if isinstance(x, Tilt) else intervals(x)
    seen = intervals(y)
    a, b = x.shift(), y.shift()
    return tuple(
        ConceptShift(
            concept=name,
            label=labels.get(name, name),
            predicted=float(a.raw[j]),
            predicted_ci=None if wide is None else (float(wide[0, j]), float(wide[1, j])),
            observed=float(b.raw[j]),
            observed_ci=(float(seen[0, j]), float(seen[1, j])),
            predicted_at_equal_length=float(a.at_equal_length[j]),
            observed_at_equal_length=float(b.at_equal_length[j]),
        )
        for j, name in enumerate(names)
    )


def _warnings(found: Comparison, answers: Sequence[dict[str, float]], n_prompts: int) -> tuple[str, ...]:
    out = []
    n = found.outcomes[0].control.n_concepts
    if n < FEW_CONCEPTS:
        out.append(f"only {n} concepts are compared: the correlation over them is itself uncertain")
    if len(answers) == 1:
        out.append("one training seed: there is no noise ceiling from a second one")
    cut = float(np.mean([a["cut_after"] for a in answers]))
    if cut > 0.2:
        out.append(
            f"{cut:.0%} of the answers after training were cut at the token limit, so growth beyond it is not seen"
        )
    empty = int(sum(a["empty"] for a in answers))
    if empty:
        out.append(f"{empty} answers were empty before or after training; their prompts are left out")
    if n_prompts < 100:
        out.append(f"only {n_prompts} held-out prompts: the observed shifts are noisy")
    return tuple(out)
