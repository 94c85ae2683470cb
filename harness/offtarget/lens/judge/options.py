"""What is after `judge:` in the name of the lens: `PROVIDER/MODEL,key=value,...`.

judge:openai/gpt-5-mini
judge:openai/gpt-5-mini,most=8,swapped=1
judge:anthropic/claude-haiku-4-5,concepts=concepts.yaml,pairs=2000
judge:offtarget/smollm2-135m,concepts=concepts.yaml,characters=300,at_once=1,tokens=16

In a recipe the name is quoted, since YAML has its own commas: `lens: [surface, "judge:openai/gpt-5-mini,most=8"]`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offtarget.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from inspect_ai.model import Model

HOW = "write it as judge:PROVIDER/MODEL, with a model that Inspect knows (judge:openai/gpt-5-mini,most=8)"


@dataclass(frozen=True)
class JudgeOptions:
    """Which model judges, what, and how it is asked."""

    model: "str | Model"
    """A name that Inspect knows, `provider/model`, or a model of it."""
    concepts: str | None = None
    """YAML file of own concepts, name: definition; None: the model proposes them."""
    most: int = 12
    """Concepts that are kept of those proposed."""
    pairs: int | None = None
    """Pairs that are judged, drawn by whole prompts; None: all."""
    swapped: float = 0.2
    """Share of them that is asked in both orders; at least 30 pairs are, where there are that many."""
    characters: int = 2000
    """Of each response, and of the prompt, that are shown."""
    at_once: int = 6
    """Concepts in one request: fewer cost more, and small models answer better."""
    tokens: int = 0
    """Most tokens of an answer; 0: what a list of the concepts asked for takes. Models that think aloud need more."""
    connections: int = 0
    """Most requests at once; 0: what Inspect takes for the provider."""
    seed: int = 0
    """Of the order of responses and concepts, and of which pairs are taken."""

    @classmethod
    def parse(cls, which: str) -> "JudgeOptions":
        """From what is after the colon.

        Raises:
            ConfigError: no model, an unknown key, or a value that cannot be.
        """
        model, *rest = [part.strip() for part in which.split(",")]
        provider, slash, name = model.partition("/")
        if not (provider and slash and name) or "=" in provider:
            raise ConfigError(f"lens 'judge' asks a model, and '{model}' names none: {HOW}")
        found: dict[str, Any] = {}
        for part in rest:
            key, eq, value = part.partition("=")
            key = key.strip()
            if key not in _KEYS:
                raise unknown_name("option of lens 'judge'", key, _KEYS)
            if not eq or not value.strip():
                raise ConfigError(f"lens 'judge': option '{part}' has no value; write it as {key}=VALUE")
            if key in found:
                raise ConfigError(f"lens 'judge': option '{key}' is given twice; give it once")
            found[key] = _KEYS[key](key, value.strip())
        return cls(model, **found)


def _text(_: str, value: str) -> str:
    return value


def _number(low: float, high: float, kind: type = int) -> Callable[[str, str], float]:
    def read(key: str, value: str) -> float:
        try:
            number: float = kind(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            what = "a whole number" if kind is int else "a number"
            raise ConfigError(f"lens 'judge': {key}={value} is not {what} from {low:g} to {high:g}")
        return number

    return read


_KEYS: dict[str, Callable[[str, str], Any]] = {
    "concepts": _text,
    "most": _number(1, 100),
    "pairs": _number(30, 1e9),
    "swapped": _number(0, 1, float),
    "characters": _number(100, 1e6),
    "at_once": _number(1, 20),
    "tokens": _number(16, 1e6),
    "connections": _number(1, 1e4),
    "seed": _number(0, 2**32 - 1),
}
