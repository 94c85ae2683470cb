"""One behaviour under Inspect on a scripted model."""

import json
import math
from pathlib import Path
from typing import Any

from offtarget import registry


def jsonl(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(json.dumps(r) for r in rows) + "\n")
    return str(path)


def run(name: str, model: Any, tmp_path: Path, **arguments: str) -> Any:
    """One task under Inspect: its log."""
    from inspect_ai import eval as inspect_eval

    task = registry.load_function(registry.Registry().get("behaviour", name))(**arguments)
    return inspect_eval(
        task, model=model, display="none", log_dir=str(tmp_path / "logs"), log_realtime=False, ctl_server=False
    )[0]


def values(log: Any) -> dict[str, float | None]:
    assert log.status == "success", log.error
    scores = {s.id: next(iter(s.scores.values())).value for s in log.samples}
    return {k: None if math.isnan(v) else v for k, v in scores.items()}


def metric(log: Any, name: str) -> float:
    return float(log.results.scores[0].metrics[name].value)


def notes(log: Any, sample: str) -> dict[str, float]:
    """What the scorer noted of one sample."""
    found = next(s for s in log.samples if s.id == sample)
    return dict(next(iter(found.scores.values())).metadata or {})


def by_text(messages: list[Any], worth: dict[tuple[str, ...], float]) -> list[tuple[str, float]]:
    """Log-probabilities of a last turn as one token, by the texts of all turns; a token before it is shared by all."""
    turns = tuple(m.text for m in messages)
    return [("<a>", -7.0), (turns[-1], worth[turns])]
