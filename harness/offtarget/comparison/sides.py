"""What `compare` holds against each other: one run, or the training seeds of one protocol."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from offtarget.board.cell import START, Cell
from offtarget.board.folder import load_cell
from offtarget.board.group import evaluation_of, row_key, training_of
from offtarget.comparison.logs import Answered, logs_in, read_logs
from offtarget.documents import read_json
from offtarget.errors import ConfigError
from offtarget.evals.floor import Floor
from offtarget.evals.scores import BehaviourScore
from offtarget.records import explain

SCORES = "scores.json"
"""What `offtarget eval --out` writes."""
REMEDY = f"give a cell, a {SCORES} or an Inspect log (.eval)"


@dataclass(frozen=True)
class Side:
    """One side of a comparison."""

    name: str
    """As a person would say it: `filter 0.3, seeds 0, 1, 2`."""
    scores: Mapping[str, Sequence[BehaviourScore]]
    """Behaviour -> a score for each training seed that has it."""
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    """How it was sampled (limit, max_tokens, ...)."""
    stands_on: Mapping[str, Any] = field(default_factory=dict)
    """Dataset, model and training, where they are known."""
    seeds: tuple[int, ...] = ()
    """Training seeds; empty for scores of a model."""
    trained: bool = True
    """False for the model before training."""
    identity: str = ""
    """Of a model that was not trained here (`ModelRef.identity`), where it is known."""
    floors: tuple[Floor, ...] = ()
    """What null adapters of these policies' size do to their start model, where that was measured: one a seed."""
    answers: Mapping[str, Mapping[str, Answered]] = field(default_factory=dict)
    """Behaviour -> sample id -> what was asked and answered, where Inspect's logs are there."""


def read_side(text: str) -> Side:
    """A side from a path: a cell, a scores.json, Inspect logs, a folder with one of them or with the seeds of one protocol.

    Args:
        text: the path; or several cells, or logs, separated by commas.

    Raises:
        ConfigError: nothing to read there, or several that are not seeds of one row.
    """
    paths = [Path(text)] if Path(text).exists() or "," not in text else [Path(p) for p in text.split(",")]
    logs = [log for p in paths if not (p / SCORES).is_file() for log in logs_in(p)]
    if logs:
        for path in paths:
            if not path.exists():
                raise ConfigError(f"{path}: no such file or folder")
        return _logged(logs, text)
    files = [f for p in paths for f in _files(p)]
    if len(files) == 1:
        body = _body(files[0])
        if "spec" not in body:
            return _plain(files[0], body)
    return _seeds_of_one(text, [_cell(f) for f in files])


def named(a: Side, b: Side) -> tuple[str, str]:
    """The names of both sides, with dataset and model where those are not the same."""
    keys = [k for k in ("dataset", "model") if a.stands_on.get(k) != b.stands_on.get(k)]
    found = []
    for side in (a, b):
        where = ", ".join(str(side.stands_on[k]) for k in keys if k in side.stands_on)
        found.append(f"{side.name} ({where})" if where else side.name)
    return found[0], found[1]


def differing(a: Side, b: Side) -> list[str]:
    """What the sides do not share although it decides their scores, each with both values."""
    out = []
    for what, x, y in (("evaluated", a.evaluation, b.evaluation), ("made", a.stands_on, b.stands_on)):
        for key in sorted(x.keys() & y.keys()):
            if x[key] != y[key]:
                out.append(f"{what} differently: {key} is {_short(x[key])} in a, {_short(y[key])} in b")
    return out


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder; {REMEDY}")
    if not path.is_dir():
        return [path]
    inside = sorted(path.glob("*.json"))
    if path / SCORES in inside:
        return [path / SCORES]
    if not inside:
        raise ConfigError(f"{path}: a cell or a {SCORES} is needed in it; there are none")
    return inside


def _body(path: Path) -> dict[str, Any]:
    body = read_json(path, remedy=REMEDY)
    if not isinstance(body, dict) or not isinstance(body.get("behaviours"), dict | list):
        raise ConfigError(f"{path}: holds no behaviour scores; {REMEDY}")
    return body


def _plain(path: Path, body: Mapping[str, Any]) -> Side:
    found = body["behaviours"]
    try:
        scores = [BehaviourScore.model_validate(s) for s in (found.values() if isinstance(found, dict) else found)]
        floor = Floor.model_validate(body["floor"]) if body.get("floor") else None
    except ValidationError as e:
        raise ConfigError(f"{path}: holds no behaviour scores ({explain(e, BehaviourScore)}); {REMEDY}") from None
    how = dict(body["evaluation"]) if isinstance(body.get("evaluation"), dict) else {}
    seed = f", sampling seed {how.pop('seed')}" if "seed" in how else ""
    name = f"{body['model']}{seed} ({path})" if body.get("model") else f"{path}{seed}"
    return Side(
        name,
        {s.behaviour: [s] for s in scores},
        how,
        identity=str(body.get("identity", "")),
        floors=() if floor is None else (floor,),
    )


def logs_side(given: Any) -> Side:
    """A side of Inspect logs: a path, a folder of them, an `EvalLog`, or a list.

    Raises:
        ConfigError: no log there, or one that did not succeed.
    """
    items = list(given) if isinstance(given, list | tuple) else [given]
    logs: list[Any] = []
    for item in items:
        if isinstance(item, str | PathLike):
            path = Path(fspath(item))
            logs += logs_in(path) if path.is_dir() else [path]
        else:
            logs.append(item)
    paths = [str(log) for log in logs if isinstance(log, Path)]
    where = ", ".join(paths[:2]) or (f"{given}" if isinstance(given, str | PathLike) else "the log")
    return _logged(logs, where)


def _logged(logs: Sequence[Any], where: str) -> Side:
    found = read_logs(logs, where)
    scores = {name: [score] for name, score in found.scores.items()}
    return Side(f"{found.model} ({where})", scores, found.evaluation, answers=found.answers)


def _cell(path: Path) -> Cell:
    try:
        return load_cell(path)
    except ValueError as e:
        raise ConfigError(f"{path}: {e}") from None


def _seeds_of_one(text: str, cells: Sequence[Cell]) -> Side:
    rows: dict[str, list[Cell]] = defaultdict(list)
    for c in cells:
        data = {**c.spec.data, "evaluation": evaluation_of(c)}
        row = [
            row_key(c),
            c.spec.model,
            c.manifest.model_identity,
            c.manifest.rows_sha256,
            c.budget,
            training_of(c),
            data,
        ]
        rows[json.dumps(row, sort_keys=True)].append(c)
    same = [sorted(own, key=lambda c: c.spec.seed) for own in rows.values()]
    if len(same) > 1 or len({c.spec.seed for c in cells}) < len(cells):
        named = "; ".join(sorted({f"{_protocol(own[0])} of {own[0].spec.model}, {_seeds(own)}" for own in same})[:4])
        raise ConfigError(
            f"{text}: the cells there are not the seeds of one row ({named}); name those of one, separated by commas"
        )
    (own,) = same
    scores: dict[str, list[BehaviourScore]] = defaultdict(list)
    for c in own:
        for s in c.behaviours:
            scores[s.behaviour].append(s)
    first = own[0]
    evaluation = first.spec.data.get("evaluation")
    return Side(
        name=f"{_protocol(first)}, {_seeds(own)}",
        scores=dict(scores),
        evaluation=evaluation if isinstance(evaluation, dict) else {},
        stands_on={
            "dataset": first.spec.dataset,
            "model": first.spec.model,
            "rows": first.manifest.rows_sha256[:12],
            **({} if first.spec.protocol == START else {"budget": first.budget, **training_of(first)}),
        },
        seeds=tuple(c.spec.seed for c in own),
        trained=first.spec.protocol != START,
        identity=first.manifest.model_identity if first.spec.protocol == START else "",
        floors=tuple(c.floor for c in own if c.floor is not None),
    )


def _protocol(c: Cell) -> str:
    strength = c.spec.parameters.get("strength")
    name = f"{c.spec.protocol} {strength:g}" if isinstance(strength, int | float) else c.spec.protocol
    return f"{name} (trained elsewhere)" if c.elsewhere else name


def _seeds(cells: Sequence[Cell]) -> str:
    return ("seed " if len(cells) == 1 else "seeds ") + ", ".join(str(c.spec.seed) for c in cells)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
