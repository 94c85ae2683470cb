"""What the files of a behaviour hold: its card, its task, and the prompts or items beside it."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, get_args

from offtarget import registry
from offtarget.errors import ConfigError, OfftargetError
from offtarget.evals.prompts import Part, asked, messages_of, read_rows, stratum_of
from offtarget.evals.scores import Direction, Role
from offtarget.store import file_sha256


def measurable(names: Sequence[str]) -> tuple[list[str], list[OfftargetError]]:
    """Which of some behaviours can be measured, and what is wrong with the files of the others.

    Raises:
        ConfigError: there is no behaviour of a name, or nothing of the name after the colon.
    """
    entries = [registry.default().get("behaviour", b) for b in dict.fromkeys(names)]
    ready, broken = [], []
    for entry in entries:
        try:
            check_card(entry)
            registry.load_function(entry)
        except OfftargetError as e:
            broken.append(e)
            continue
        try:
            task_of(entry, {})
        except OfftargetError as e:
            if entry.bound:  # `rule:bolt` is a slip of the pen, not a broken file
                raise
            broken.append(e)
        else:
            ready.append(entry.name)
    return ready, broken


def task_of(entry: registry.Entry, arguments: dict[str, str]) -> Any:
    """The Inspect task of a behaviour.

    Raises:
        ConfigError: its file cannot be loaded, it has no samples, or it breaks.
    """
    if entry.prompts_file.is_file() and not read_rows(entry.prompts_file):
        raise ConfigError(
            f"{entry.prompts_file}: has no prompts or items, so behaviour '{entry.name}' has no samples; write some, one JSON "
            "object a line"
        )
    function = registry.load_function(entry)
    try:
        return function(**arguments)
    except OfftargetError:
        raise
    except Exception as e:  # whatever a file of a person's own raises
        said = " ".join(str(e).split())[:300]
        raise ConfigError(
            f"{entry.path}: behaviour '{entry.name}' cannot be set up ({type(e).__name__}: {said})"
        ) from e


def check_card(entry: registry.Entry) -> None:
    """Refuse a card without version, direction and role.

    Raises:
        ConfigError: names the key and what it may be.
    """
    for key, allowed in (("version", None), ("direction", get_args(Direction)), ("role", get_args(Role))):
        value = entry.card.get(key)
        if not isinstance(value, str) or (allowed and value not in allowed):
            wanted = f"one of {', '.join(allowed)}" if allowed else "text like '1-A'"
            raise ConfigError(f"{entry.path}: @task of '{entry.name}' needs a literal {key}= ({wanted}), not {value!r}")


def content_hash(entry: registry.Entry) -> dict[str, str]:
    """Hash of the task file and of the files beside it that begin with its name."""
    files = {*entry.path.parent.glob(f"{entry.path.stem}.*"), entry.prompts_file}
    return {p.name: file_sha256(p) for p in sorted(files) if p.is_file()}


def _own_rows(entry: registry.Entry) -> list[dict[str, Any]]:
    """The rows of the file beside a task; of a family whose argument chooses among them, those of the argument."""
    if not entry.prompts_file.is_file():
        return []
    rows, key = read_rows(entry.prompts_file), entry.card.get("chosen_by")
    wanted = entry.bound.get(entry.card.get("argument", ""))
    return rows if key is None or wanted is None else [r for r in rows if r.get(key) == wanted]


def sample_ids(entry: registry.Entry, limit: int | None, part: Part | None) -> Any:
    """The ids of a task's own rows that are asked; None for a task without its own file and no part.

    Raises:
        ConfigError: the task has no rows beside it, so its samples cannot be told apart.
    """
    path = entry.prompts_file
    if rows := _own_rows(entry):
        return [str(r["id"]) for r in asked(rows, limit, part)]
    if part is None:
        return None
    raise ConfigError(
        f"behaviour '{entry.name}' has no {path.name} beside it, so no part of it can be kept for development"
    )


def strata_of(entry: registry.Entry, lead: str = "") -> list[str]:
    """All strata of the file beside a task; in the pool each is led by the behaviour's name."""
    found = {stratum_of(r) for r in _own_rows(entry)}
    return sorted("/".join(filter(None, (lead, s))) for s in found if s or lead)


def pool_rows(entries: Sequence[registry.Entry], limit: int | None, part: Part | None) -> list[dict[str, Any]]:
    """Prompts of all behaviours that are scored on text: (id, prompt, kind), ids and kinds led by the behaviour's name."""
    found: dict[str, dict[str, Any]] = {}
    for entry in sorted(entries, key=lambda e: e.name):
        path = entry.prompts_file
        if "prompts" not in entry.card["parameters"] or not path.is_file():
            continue
        for row in asked(read_rows(path), limit, part):
            if "prompt" not in row:
                raise ConfigError(f"{path}: row '{row['id']}' has no 'prompt'")
            prompt = messages_of(row["prompt"])
            key = hashlib.sha256(json.dumps(prompt).encode()).hexdigest()
            lead = path.stem  # of the file, so that a prompt has one id whoever asks it
            kind = "/".join(filter(None, (lead, stratum_of(row))))
            found.setdefault(key, {"id": f"{lead}/{row['id']}", "prompt": prompt, "kind": kind})
    return list(found.values())
