"""Reading the prompts file of a behaviour."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from offtarget.errors import ConfigError
from offtarget.evals.scores import cluster_of

Part = Literal["dev", "test"]


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


def own_file(task_file: str) -> Path:
    """The prompts beside a task file: the same name with `.jsonl`."""
    return Path(task_file).with_suffix(".jsonl")


def messages_of(prompt: Any) -> list[dict[str, str]]:
    """A prompt of a prompts file, a string or a message list, as a message list."""
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
