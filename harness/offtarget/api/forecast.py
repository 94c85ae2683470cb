"""The forecast in a program."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from offtarget.api.wording import speaks_python
from offtarget.forecast.records import Forecast
from offtarget.progress import Progress
from offtarget.store import Store


@speaks_python
def forecast(
    dataset: str | PathLike[str],
    *,
    recipe: str | PathLike[str] = "prediction_cpu",
    overrides: Mapping[str, Any] | None = None,
    part: str | None = None,
    level: str = "gradient",
    protocol: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    verdicts: str | PathLike[str] | None = None,
    plan: str | PathLike[str] | None = None,
    behaviours: str | Sequence[str] | None = None,
    calibrate: bool = False,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Forecast:
    """What DPO on a set will do to each concept and behaviour, before it is trained on, and what a plan would change.

    Args:
        dataset: a registry name, a file, or an hf: id.
        recipe: a recipe file, or the name of one: its model, lenses, training and way of asking are meant, its data is not.
        overrides: keys of the recipe with other values: `{"train.pairs": 200}`.
        part: of a recipe in parts, the one that is meant.
        level: what may be spent: data (the rows alone), forward (passes of the start model), gradient (one step, and its
            answers) or pulse (the first steps of training).
        protocol: whose plan stands beside plain DPO.
        parameters: of the protocol: `{"strength": 1.0}`.
        verdicts: a verdicts.yaml that the plan carries out.
        plan: a folder that `plan(...).export` wrote, with protocol, parameters and verdicts in it.
        behaviours: names; by default those of the recipe.
        calibrate: also train plain DPO with the recipe's seeds, and say how well the forecast agrees with it.
        out: folder for the audit, forecast.json and verification; by default forecasts/NAME.
        progress: called with (what, done, total).

    Returns:
        `concepts` and `behaviours` with their expected shifts under plain DPO and under the plan, `cautions` where the rows
        do not show what the model is expected to do, and `validity`: how the method did where training was observed.

    Raises:
        ConfigError: an unknown name, or a plan that the level cannot carry.
        UndecidedError: too few rows, concepts or held-out prompts, or another set or start model than the plan's.

    Example:
        `forecast("pairs.jsonl", level="data").concepts[0].plain.value` is what the rows alone say. A level that does not
        exist is refused before anything is read:

        >>> import offtarget
        >>> offtarget.forecast("planted-style", level="gradients")
        Traceback (most recent call last):
        ...
        offtarget.errors.ConfigError: unknown level 'gradients': did you mean gradient?...
    """
    from offtarget.forecast.calibration import calibrated
    from offtarget.forecast.question import question
    from offtarget.forecast.run import forecast as made
    from offtarget.forecast.run import write

    asked = question(
        fspath(dataset),
        fspath(recipe),
        [f"{k}={v}" for k, v in (overrides or {}).items()],
        part=part,
        protocol=protocol,
        parameters=parameters,
        verdicts=None if verdicts is None else Path(verdicts),
        plan=None if plan is None else Path(plan),
        behaviours=[behaviours] if isinstance(behaviours, str) else behaviours,
    )
    folder = asked.folder if out is None else Path(out)
    found = made(asked, folder, level=level, store=Store(), progress=progress)
    if calibrate:
        found = calibrated(found, folder, Store(), progress)
    write(found, folder)
    return found
