"""A recipe of the audit benchmark: which methods are run on which planted sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from offtarget.errors import ConfigError
from offtarget.recipes import long_forms, read_mapping
from offtarget.records import Record, explain
from offtarget.registry import check_parameters, default

Points = Annotated[float, Field(ge=0, le=100)]
Rates = dict[str, tuple[Points, Points]]
NamedRates = Literal["style", "topics", "null"]
"""The rates of the planted sets that ship."""
Pairs = Annotated[int, Field(ge=30)]


class _Part(Record):
    skip: tuple[str, ...] = ()
    """Methods that are not run on this part, for instance because they take long; all others are."""


class Power(_Part):
    """Concepts planted at a grid of differences and rates: recall, power, AUROC."""

    planted: int = Field(default=4, ge=1, le=9)
    """Concepts of one set, drawn again for each; every second one leans to rejected."""
    nulls: Points = 20.0
    """Per cent of both sides that show each of the four concepts planted equally."""
    differences: tuple[Points, ...] = (2, 5, 10, 20, 40)
    """Points by which the leading side has it more often."""
    rejected: tuple[Points, ...] = (0, 5, 30)
    """Per cent of the other side."""
    pairs: tuple[Pairs, ...] = (500, 2000, 8000)
    draws: int = Field(default=6, ge=1)


class Discoveries(_Part):
    """Many plantings at the same rates: the false discovery proportion."""

    sets: dict[str, NamedRates | Rates]
    """By name: per cent of chosen and of rejected that show each concept."""
    pairs: Pairs = 2000
    draws: int = Field(default=100, ge=2)


class Topics(_Part):
    """Concepts planted in one topic only."""

    draws: int = Field(default=10, ge=1)


class Shuffles(_Part):
    """Labels given by a coin for each prompt: what a method finds where there is nothing."""

    pairs: tuple[Pairs, ...] = (2000,)
    draws: int = Field(default=500, ge=1)
    plantings: int = Field(default=5, ge=1)
    """The shuffles are shared out over this many plantings (at the rates of `style`)."""


class MethodRun(Record):
    """One method with its parameters."""

    method: str
    parameters: dict[str, Any] = {}

    @property
    def label(self) -> str:
        """What it is called on the board."""
        inside = ", ".join(f"{k} {v}" for k, v in self.parameters.items())
        return f"{self.method} ({inside})" if inside else self.method


class BenchRecipe(Record):
    """One audit benchmark."""

    title: str
    methods: tuple[MethodRun, ...] = Field(min_length=1)
    power: Power | None = None
    discoveries: Discoveries | None = None
    topics: Topics | None = None
    shuffles: Shuffles | None = None
    model: str = "smollm2-135m"
    """Whose activations the sae lens reads, for methods that ask for it."""
    seed: int = Field(default=0, ge=0, lt=2**20)

    @field_validator("methods", mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        """Accept `naive`, `{words: {min_texts: 5}}` and the long form."""
        return long_forms(value, "method")

    def methods_of(self, part: _Part) -> tuple[MethodRun, ...]:
        """The methods that are run on one part."""
        return tuple(m for m in self.methods if m.method not in part.skip)


def read_bench(name: str, overrides: Sequence[str] = ()) -> tuple[BenchRecipe, Path]:
    """A recipe by registry name or path, with `key=value` overrides.

    Raises:
        ConfigError: no such recipe, not YAML, an unknown or wrong key, an unknown method.
    """
    raw, path = read_mapping("benchmark", name, overrides)
    return validate_bench(raw, str(path)), path


def validate_bench(raw: Mapping[str, Any], where: str) -> BenchRecipe:
    """A recipe from a mapping; every method and parameter in it is looked up at once."""
    try:
        recipe = BenchRecipe.model_validate(raw)
    except ValidationError as e:
        raise ConfigError(f"{where}: {explain(e, BenchRecipe)}") from e
    for run in recipe.methods:
        check_parameters(default().get("method", run.method), run.parameters)
    labels = [m.label for m in recipe.methods]
    if len(set(labels)) < len(labels):
        raise ConfigError(f"{where}: methods: one occurs twice with the same parameters")
    parts_given = [p for p in (recipe.power, recipe.discoveries, recipe.topics, recipe.shuffles) if p]
    if not parts_given:
        raise ConfigError(f"{where}: nothing to run; give power, discoveries, topics or shuffles")
    for part in parts_given:
        for method in part.skip:
            default().get("method", method)
    return recipe
