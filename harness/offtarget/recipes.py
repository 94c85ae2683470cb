"""Recipe files before they are checked: found by name, read, overridden from the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from offtarget.documents import parse_yaml, read_yaml
from offtarget.errors import ConfigError
from offtarget.registry import Kind, default


def read_mapping(kind: Kind, name: str, overrides: Sequence[str] = ()) -> tuple[dict[str, Any], Path]:
    """The mapping of a recipe file, by registry name or path, with overrides.

    Raises:
        ConfigError: no such recipe, or not YAML.
    """
    path = Path(name)
    if not path.is_file():
        if "/" in name or path.suffix == ".yml":
            raise ConfigError(f"recipe '{name}': there is no such file")
        path = default().get(kind, name.removesuffix(".yaml")).path
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: a recipe is a mapping of keys, such as `data:` and `protocols:`")
    for item in overrides:
        override(raw, item)
    return raw, path


def override(raw: dict[str, Any], item: str) -> None:
    """Set one key of a mapping from `key=value`; dotted keys reach inner ones.

    Raises:
        ConfigError: the text is no such pair, or a key on the way holds no group of keys.
    """
    key, eq, value = item.partition("=")
    if not eq or not key:
        raise ConfigError(f"--set {item}: write it as key=value, for instance --set training.max_steps=20")
    at = raw
    *parents, last = key.split(".")
    for part in parents:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            raise ConfigError(f"--set {item}: '{part}' is not a group of keys")
    at[last] = parse_yaml(value, f"--set {key}") if value[:1] in "[{" else parse_parameter(value)


def long_forms(value: Any, key: str) -> Any:
    """A list of names and of `{name: parameters}` as mappings with `key` and `parameters`; others stay as they are."""
    if not isinstance(value, list | tuple):
        return value
    out: list[Any] = []
    for item in value:
        if isinstance(item, str):
            out.append({key: item})
        elif isinstance(item, dict) and len(item) == 1 and key not in item:
            ((name, parameters),) = item.items()
            out.append({key: name, "parameters": parameters or {}})
        else:
            out.append(item)
    return out


def parse_parameter(text: str) -> Any:
    """The value of `-P key=value`: a number, true/false, none, or the text itself."""
    lowered = text.strip().lower()
    if lowered in {"true", "false"}:
        return lowered == "true"
    if lowered in {"none", "null"}:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
