"""Messages of the engine name the options of the command line; to a program they name the arguments of the function."""

import re
from collections.abc import Callable, Collection
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar

from offtarget.errors import OfftargetError

P = ParamSpec("P")
R = TypeVar("R")

OPTION = re.compile(
    r"(`[a-z][^`]*`)|--([a-z][a-z-]*)(?:[ =](\w+=[\w.]+(?:,\w+=[\w.]+)*|[\w:]+(?:,\w+)+|[A-Z]{2}[\w.]*|[\w.,]+(?=:)))?"
)
"""A whole command in backticks; or an option, and its value where that is plainly one: `vendor,source`, `a=left,b=right`,
`FILE`."""
LOADING = frozenset({"columns", "split", "limit", "limit_seed", "head", "card", "skip_bad_rows", "allow_drops"})
"""Arguments of `load_pairs`, which a function that takes pairs leaves to it."""


def speaks_python(function: Callable[P, R]) -> Callable[P, R]:
    """Let the errors of a function name its arguments: `model` for `--model`; other options stay as they are."""
    own = frozenset(signature(function).parameters)
    own |= LOADING if "pairs" in own else frozenset()

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except OfftargetError as error:
            if error.args and isinstance(error.args[0], str):
                error.args = (as_arguments(error.args[0], own), *error.args[1:])
            raise

    return call


def as_arguments(message: str, own: Collection[str]) -> str:
    """A message with the options of the command line as arguments, as far as the function has them."""

    def argument(found: re.Match[str]) -> str:
        command, option, value = found.groups()
        name = {"chat-template": "template"}.get(option, (option or "").replace("-", "_"))
        if command or name not in own:
            return found[0]
        if value is None:
            return f"`{name}`"
        if "=" in value:
            return f"{name}={dict(part.split('=') for part in value.split(','))}".replace("'", '"')
        return f"{name}={value}" if value.isdigit() or value[:2].isupper() else f'{name}="{value}"'

    return OPTION.sub(argument, message)
