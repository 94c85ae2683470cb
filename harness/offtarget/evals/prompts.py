"""Reading the prompts file of a behaviour, and which part of it is asked."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from offtarget.errors import ConfigError
from offtarget.evals.scores import cluster_of

Part = Literal["dev", "test"]
Row = Mapping[str, Any]
STRATA = ("phenomenon", "kind")
"""Keys of a row that name its stratum: a limit takes as large a share of each."""
WITHIN = ("topic",)
"""Keys by which the rows of a stratum are spread in turn."""


def read_rows(path: Path | str) -> list[dict[str, Any]]:
    """The rows of a prompts file (`.jsonl`, each with an `id`), in order.

    Raises:
        ConfigError: no such file, a line that is no object, or an id that is missing or twice there.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such prompts file")
    rows: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as e:
            raise ConfigError(f"{path}, line {number}: not JSON ({e.msg})") from e
        if not isinstance(row, dict) or not row.get("id"):
            raise ConfigError(f"{path}, line {number}: needs an object with an 'id'")
        if str(row["id"]) in rows:
            raise ConfigError(f"{path}, line {number}: the id '{row['id']}' occurs twice")
        rows[str(row["id"])] = row
    return list(rows.values())


def in_part(row_id: str, part: Part | None) -> bool:
    """Whether a prompt or item belongs to a part: a third, by a hash of its id, is for development.

    Items of one prompt (`prompt#1`, `prompt#2`) belong to the same part.

    What is chosen (a strength, a threshold) is chosen on `dev`; what is reported is measured on `test`.
    """
    if part is None:
        return True
    dev = int(hashlib.sha256(f"part:{cluster_of(row_id)}".encode()).hexdigest()[:8], 16) < 2**32 / 3
    return dev == (part == "dev")


def stratum_of(row: Row) -> str:
    """The stratum that a row names (`phenomenon`, `kind`); empty where it names none."""
    return "/".join(str(row[k]) for k in STRATA if row.get(k) not in (None, ""))


def ordered(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows in an order of which every beginning is a fair share of the file: so a limit cuts strata, not the file.

    Units (rows whose ids share what is before `#`) stay together. Within a stratum they are ordered by a hash of
    their id, spread over their topics; strata are then interleaved, the j-th of m units at the place (j + ½)/m.
    """
    units: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        units.setdefault(cluster_of(str(row["id"])), []).append(row)
    keys: list[tuple[str, ...]] = [STRATA, WITHIN]
    return [row for unit in _spread(units, list(units), keys) for row in units[unit]]


def _spread(units: Mapping[str, Sequence[Row]], names: Sequence[str], keys: Sequence[tuple[str, ...]]) -> list[str]:
    """Names of units, spread evenly over the values of the first keys, and within each over those of the next."""
    if not keys:
        return sorted(names, key=_hash)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault("/".join(str(units[name][0].get(k, "")) for k in keys[0]), []).append(name)
    places = []
    for group, members in groups.items():
        inside = _spread(units, members, keys[1:])
        places += [((j + 0.5) / len(inside), _hash(group), name) for j, name in enumerate(inside)]
    return [name for *_, name in sorted(places)]


def _hash(name: str) -> str:
    return hashlib.sha256(f"order:{name}".encode()).hexdigest()


def asked(rows: Sequence[dict[str, Any]], limit: int | None = None, part: Part | None = None) -> list[dict[str, Any]]:
    """The rows that are asked: of a part, in the order of `ordered`, whole units up to a limit (at least one unit)."""
    found = ordered([r for r in rows if in_part(str(r["id"]), part)])
    if limit is None or limit >= len(found):
        return found
    unit = [cluster_of(str(r["id"])) for r in found]
    end = limit
    while end and unit[end - 1] == unit[end]:
        end -= 1
    return found[:end] if end else [r for r, u in zip(found, unit, strict=True) if u == unit[0]]


def own_file(task_file: str) -> Path:
    """The prompts beside a task file: the same name with `.jsonl`."""
    return Path(task_file).with_suffix(".jsonl")


def messages_of(prompt: Any) -> list[dict[str, str]]:
    """A prompt of a prompts file, a string or a message list, as a message list."""
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
