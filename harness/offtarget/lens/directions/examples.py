"""Contrastive examples of a concept: one YAML file each, written by a person."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from offtarget.data.pairs import Message, Pair, PairSet, prompt_group
from offtarget.documents import parse_yaml
from offtarget.errors import ConfigError, UndecidedError
from offtarget.records import Record, explain

SHIPPED = Path(__file__).parent / "shipped"
MIN_EXAMPLES = 8
"""Positive and negative examples each, below which no direction is fitted."""


class Example(Record):
    """One prompt, with an answer that shows the concept, one that does not, or both."""

    prompt: str = Field(min_length=1)
    positive: str | None = Field(default=None, min_length=1)
    negative: str | None = Field(default=None, min_length=1)


class ConceptExamples(Record):
    """What a concept file says."""

    concept: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """Name of the column: `direction:CONCEPT`."""
    label: str = Field(min_length=1)
    """What more of it means, in human words."""
    method: Literal["joint", "mean_difference", "probe"] = "joint"
    """`joint`: fitted together with the other concepts read with it, so that it answers to none of theirs."""
    pool: Literal["mean", "max"] = "mean"
    """How projections of a span's tokens become one value."""
    layer: int | None = Field(default=None, ge=0)
    """Decoder layer, from 0; None: two thirds up."""
    examples: tuple[Example, ...]
    held_out: tuple[Example, ...] = ()
    """More of them in another style, never fitted on: they show whether the direction carries over."""

    @property
    def sides(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which examples have a positive, and which a negative answer."""
        return (
            np.array([e.positive is not None for e in self.examples], dtype=bool),
            np.array([e.negative is not None for e in self.examples], dtype=bool),
        )

    @property
    def even(self) -> NDArray[np.bool_]:
        """Which examples make the first half: those of every second prompt, so no prompt is in both."""
        number: dict[str, int] = {}
        return np.array([number.setdefault(e.prompt, len(number)) % 2 == 0 for e in self.examples], dtype=bool)

    def as_pairs(self) -> PairSet:
        """The examples as pairs: positive as chosen, negative as rejected."""
        return _pairs(self.concept, self.examples)

    def held_out_pairs(self) -> PairSet:
        """Those that are never fitted on, likewise."""
        return _pairs(f"{self.concept}-held-out", self.held_out)


def _pairs(name: str, examples: Sequence[Example]) -> PairSet:
    def turn(role: str, text: str | None) -> list[Message]:
        return [] if text is None else [{"role": role, "content": text}]

    pairs = []
    for i, e in enumerate(examples):
        prompt = turn("user", e.prompt)
        sides = (turn("assistant", e.positive), turn("assistant", e.negative))
        pairs.append(Pair(f"{name}-{i}", prompt_group(prompt), prompt, *sides))
    return PairSet(name, pairs)


def read_concepts(where: str | Path = SHIPPED) -> tuple[ConceptExamples, ...]:
    """The concepts of a YAML file, or of all `.yaml` files of a folder.

    Raises:
        ConfigError: nothing is there, not YAML, an unknown or wrong key, a concept named twice, or examples of one
            kind only.
        UndecidedError: fewer than 8 examples of a kind.
    """
    path = Path(where)
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files or not path.exists():
        raise ConfigError(f"directions '{where}': there is no such file, or no .yaml file in that folder")
    found: dict[str, Path] = {}
    out = []
    for file in files:
        concept = _read_concept(file)
        if concept.concept in found:
            raise ConfigError(f"{file}: concept '{concept.concept}' is also in {found[concept.concept]}")
        found[concept.concept] = file
        out.append(concept)
    return tuple(out)


def _read_concept(file: Path) -> ConceptExamples:
    try:
        return _parse(file, file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{file}: cannot be read as YAML ({' '.join(str(e).split())})") from e


@lru_cache
def _parse(file: Path, text: str) -> ConceptExamples:
    raw = parse_yaml(text, str(file))
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: a concept is a mapping with concept, label and examples")
    try:
        concept = ConceptExamples.model_validate(raw)
    except ValidationError as e:
        raise ConfigError(f"{file}: {explain(e, ConceptExamples)}") from e
    kinds = dict(zip(("positive", "negative"), concept.sides, strict=True))
    for kind, side in kinds.items():
        if not side.any():
            raise ConfigError(f"{file}: no example has a {kind} answer; a direction needs both kinds")
    for kind, side in kinds.items():
        if side.sum() < MIN_EXAMPLES:
            raise UndecidedError(
                f"{file}: only {side.sum()} {kind} answers; give at least {MIN_EXAMPLES} (better 24) of each kind"
            )
        if not (side & concept.even).any() or not (side & ~concept.even).any():
            raise UndecidedError(
                f"{file}: the {kind} answers are to too few prompts to hold half of the prompts out; give more"
            )
    return concept
