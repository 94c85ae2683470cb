"""The keys of the page, and `[review.keys]` of offtarget.toml, which gives them others."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from offtarget.errors import ConfigError, unknown_name
from offtarget.gate.config import CONFIG, read_config

KEYS: Mapping[str, str] = {
    "next": "j",
    "previous": "k",
    "allow": "a",
    "suppress": "s",
    "amplify": "m",
    "clear": "d",
    "strength_1": "1",
    "strength_2": "2",
    "strength_3": "3",
    "strength_4": "4",
    "strength_5": "5",
    "reason": "w",
    "here_only": "t",
    "undo": "u",
    "search": "/",
    "next_undecided": "n",
    "select": "x",
    "select_group": "g",
    "select_filter": "f",
    "help": "?",
}
"""What a key does, and which one it is."""
NAMED = ("Enter", "Backspace", "Delete", "Home", "End", "PageUp", "PageDown", "Insert")
"""Keys of more than one sign that may be given."""


def config_in(folders: Sequence[Path]) -> Path | None:
    """The first offtarget.toml in some folders."""
    return next((path for folder in folders if (path := folder / CONFIG).is_file()), None)


def keys_of(path: Path | None) -> dict[str, str]:
    """The key of every action: that of an offtarget.toml, or the usual one.

    Raises:
        ConfigError: not TOML, an unknown action, no key, or one key for two actions.
    """
    review = read_config(path).review if path else {}
    given = review.get("keys", {})
    if not isinstance(given, dict):
        raise ConfigError(f'{path}: [review.keys] must be a table such as allow = "y"')
    for key in review:
        if key != "keys":
            raise unknown_name("key", f"review.{key}", ["review.keys"], hint=f"(in {path})")
    out = dict(KEYS)
    for action, key in given.items():
        if action not in KEYS:
            raise unknown_name("action", action, KEYS, hint=f"(in [review.keys] of {path})")
        if not isinstance(key, str) or (len(key) != 1 and key not in NAMED) or not key.strip():
            raise ConfigError(f"{path}: [review.keys] {action} = {key!r}: give one sign, or one of {', '.join(NAMED)}")
        out[action] = key
    owner: dict[str, str] = {}
    for action, key in out.items():
        if key in owner:
            raise ConfigError(f"{path}: [review.keys] gives '{key}' to {owner[key]} and {action}; give each its own")
        owner[key] = action
    return out
