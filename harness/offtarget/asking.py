"""Asking a language model that Inspect knows: the one door for labels, rewritten answers and judgements.

Each answer is kept in the store under what decides it (model, prompt, settings): work that was interrupted goes on from
there, and what was asked once is not asked again. The prompts go to the model's provider.
"""

import asyncio
import json
import re
import threading
from collections.abc import Coroutine, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from offtarget.errors import UndecidedError
from offtarget.progress import Steps
from offtarget.store import Store, hash_of, write_atomic

VERSION = 1
"""Rises when the same question is put to a model otherwise than before."""


def model_name(model: Any) -> str:
    """The name `provider/model` of an Inspect model, or of its name."""
    return model if isinstance(model, str) else str(model)


def ask_all(
    model: Any,
    prompts: Sequence[str],
    *,
    max_tokens: int,
    store: Store,
    what: str = "model",
    remedy: str = "",
    connections: int | None = None,
    progress: Steps | None = None,
) -> list[str]:
    """The answers to some prompts, each asked once, at temperature 0.

    Args:
        model: an Inspect model, or its name.
        prompts: one user turn each; equal ones are asked once.
        max_tokens: most tokens of an answer.
        store: where answers are kept; those that are empty are not.
        what: what the model is here, for messages: "label model".
        remedy: what else to do where it is not available: "or leave --label-model out".
        connections: most requests at once; None: what Inspect takes for the provider.
        progress: called with (answers that are there, answers in all).

    Returns:
        One answer for each prompt, in their order, without white space around it.

    Raises:
        UndecidedError: the model is not set up, cannot be reached, or refuses; what it answered is kept.
    """
    files = {p: _file(model, p, max_tokens, store) for p in dict.fromkeys(prompts)}
    found = {p: answer for p, file in files.items() if (answer := _kept(file)) is not None}
    left = [p for p in files if p not in found]
    if progress and files:
        progress(len(found), len(files))
    if left:
        service = _Service(_found(model, what, remedy), model_name(model), what, max_tokens, connections)

        def keep(prompt: str, answer: str) -> None:
            found[prompt] = answer
            if answer:
                write_atomic(files[prompt], json.dumps({"answer": answer}, ensure_ascii=False))
            if progress:
                progress(len(found), len(files))

        _run(service.ask(left, keep))
    return [found[p] for p in prompts]


def unanswered(model: Any, prompts: Sequence[str], *, max_tokens: int, store: Store) -> list[str]:
    """Which of some prompts `ask_all` would have to ask, each once."""
    return [p for p in dict.fromkeys(prompts) if _kept(_file(model, p, max_tokens, store)) is None]


def plain(error: Exception) -> str:
    """An error of Inspect's on one line, without the markup of its console."""
    return " ".join(re.sub(r"\[/?[a-z ]+\]", "", str(error)).split())[:300].rstrip(".")


def _file(model: Any, prompt: str, max_tokens: int, store: Store) -> Path:
    settings = {"max_tokens": max_tokens, "temperature": 0.0}
    key = hash_of({"version": VERSION, "model": model_name(model), "prompt": prompt, "settings": settings})
    return store.root / "asked" / key[:2] / f"{key[2:34]}.json"


def _kept(file: Path) -> str | None:
    try:
        answer = json.loads(file.read_text(encoding="utf-8"))["answer"]
    except (OSError, ValueError, KeyError, TypeError):  # not asked before, or damaged: it is asked again
        return None
    return answer if isinstance(answer, str) else None


def _found(model: Any, what: str, remedy: str) -> Any:
    from inspect_ai.model import get_model

    if not isinstance(model, str):
        return model
    try:
        return get_model(model)
    except Exception as e:  # Inspect raises errors of its own kinds for keys, names and packages
        more = f", {remedy}" if remedy else ""
        raise UndecidedError(f"{what} '{model}' is not available: {plain(e)}; set it up as Inspect asks{more}") from e


class _Service:
    """A model with the settings that it is asked with."""

    def __init__(self, model: Any, name: str, what: str, max_tokens: int, connections: int | None) -> None:
        from inspect_ai.model import GenerateConfig

        self.model, self.name, self.what, self.n_answered = model, name, what, 0
        self.config = GenerateConfig(max_tokens=max_tokens, temperature=0.0)
        if connections:
            self.config.max_connections = connections

    async def ask(self, prompts: Sequence[str], keep: Any) -> None:
        """Ask all at once, as far as Inspect lets them through; the first that fails ends the others."""

        async def one(prompt: str) -> None:
            try:
                output = await self.model.generate(prompt, config=self.config)
            except Exception as e:
                kept = f"; the {self.n_answered} answers before that are kept" if self.n_answered else ""
                raise UndecidedError(f"{self.what} '{self.name}' does not answer: {plain(e)}{kept}") from e
            self.n_answered += 1
            keep(prompt, str(output.completion).strip())

        try:
            async with asyncio.TaskGroup() as group:
                for prompt in prompts:
                    group.create_task(one(prompt))
        except ExceptionGroup as e:
            raise e.exceptions[0] from e


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Do something in the one loop of this process: a provider's connections belong to the loop they were made in."""
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        future.result()
    except BaseException:
        future.cancel()
        raise


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="offtarget-asking", daemon=True).start()
    return loop
