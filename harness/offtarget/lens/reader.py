"""How a frozen model reads texts: which model, how much of a text, in what precision, and where that is kept.

Lenses, readouts and evaluations take one `Reader` instead of these one by one. It is the only place that writes them into a
key of the store.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from offtarget.errors import ConfigError
from offtarget.machine import device, precision
from offtarget.models import ModelRef, configuration, load, resolve, template_key
from offtarget.progress import Progress, Steps, steps_of
from offtarget.store import Store
from offtarget.versions import package_versions

MAX_LENGTH = 512
"""Most tokens of prompt and response together, where nobody says otherwise."""


@dataclass(frozen=True)
class Reader:
    """A model and how it reads.

    A model that is given by its name is looked for when it is first needed, so that a reader for lenses without a model
    costs nothing.
    """

    model: ModelRef | str | None
    """The model, or its name as `models.resolve` takes it; None where no lens reads one."""
    store: Store
    """Where everything that was read is kept."""
    max_length: int = MAX_LENGTH
    """Most tokens of prompt and response together."""
    dtype: str | None = None
    """The model's precision; None: what suits the machine (`machine.precision`)."""
    template: str | None = None
    """Path of a Jinja chat template, for models without one."""
    progress: Progress | None = None
    """Called with (what, done, total)."""
    server: str | None = None
    """Address of a server that answers for the model (`evals.served`); None: it is loaded here."""

    @cached_property
    def ref(self) -> ModelRef:
        """The model, found.

        Raises:
            ConfigError: there is none, or no model of that name.
            UndecidedError: its package is not installed, or the hub cannot be reached.
        """
        if self.model is None:
            raise ConfigError("this reads a model's activations: give --model")
        return resolve(self.model, self.store) if isinstance(self.model, str) else self.model

    @property
    def template_key(self) -> str:
        """Short hash of the chat template that is used."""
        return template_key(self.ref, self.template)

    def identity(self, *packages: str) -> dict[str, Any]:
        """What decides any number that the model gives, for keys of the store: `inputs` but for the length that is read."""
        return {
            "model": self.ref.identity,
            "template": self.template_key,
            "dtype": precision(self.dtype),
            "device": device(),
            "packages": package_versions("torch", "transformers", *packages),
            **({"served": True} if self.server else {}),
        }

    def inputs(self, *packages: str) -> dict[str, Any]:
        """What decides a reading, but for the texts: model, template, length, precision, device and versions.

        Args:
            packages: others than torch and transformers whose version decides the numbers.
        """
        windowed = {"attention": "by window"} if _names_a_window_alone(self.ref) else {}
        return {**self.identity(*packages), "max_length": self.max_length, **windowed}

    def load(self) -> tuple[Any, Any]:
        """Model and tokenizer, ready to read."""
        return load(self.ref, dtype=self.dtype, store=self.store, template=self.template)

    def step(self, what: str) -> Steps | None:
        """What reports one kind of work; None where nobody listens."""
        return steps_of(self.progress, what)

    def doing(self, what: str) -> "Reader":
        """The same reader, all of whose work is reported under one name."""
        return self.reporting(None if self.progress is None else _under(self.progress, lambda _: what))

    def during(self, what: str) -> "Reader":
        """The same reader, whose work is reported as a part of something: `rollouts: surface features`."""
        return self.reporting(None if self.progress is None else _under(self.progress, lambda part: f"{what}: {part}"))

    def reporting(self, progress: Progress | None) -> "Reader":
        """The same reader, heard by another one. A model that was found is not looked for again."""
        return replace(self, model=self.__dict__.get("ref", self.model), progress=progress)


@lru_cache
def _names_a_window_alone(ref: ModelRef) -> bool:
    """Whether a model's configuration has a window and does not say which layers it is for, as Mistral's and Phi-3's.

    Such models were read without it before; what was kept then has another key.
    """
    file = Path(ref.path) / "config.json"
    if file.is_file():
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:  # said by who loads the model
            return False
    elif ref.revision:
        found = configuration(ref).to_dict()
    else:
        return False
    return isinstance(found, dict) and bool(found.get("sliding_window")) and not found.get("layer_types")


def _under(progress: Progress, name: Callable[[str], str]) -> Progress:
    return lambda what, done, total: progress(name(what), done, total)
