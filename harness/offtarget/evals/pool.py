"""One pool of answers per policy, sampled once; every rule on text scores the whole pool."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offtarget.data.pairs import Message
from offtarget.evals.policy import Completion, Policy, Sampling
from offtarget.evals.row_batches import batch_size, generation_batches
from offtarget.lens.reader import Reader
from offtarget.store import canonical_json, hash_of, write_atomic

if TYPE_CHECKING:
    from offtarget.evals.served import ServedPolicy

STAGE_VERSION = 1


@dataclass(frozen=True)
class Rollouts:
    """Answers of one policy under one sampling."""

    sampling: Sampling
    answers: dict[str, Completion]
    """By `prompt_key`."""

    def find(self, messages: Sequence[Message], sampling: Sampling) -> Completion | None:
        """The answer to a prompt, if it was sampled in exactly this way."""
        return self.answers.get(prompt_key(messages)) if sampling == self.sampling else None


def prompt_key(messages: Sequence[Message]) -> str:
    """Roles and contents of a prompt, as one string."""
    return canonical_json([[m["role"], m["content"]] for m in messages])


def _inputs(reader: Reader, keys: Iterable[str], sampling: Sampling) -> dict[str, Any]:
    return {**reader.identity(), "prompts": hash_of(sorted(keys)), "sampling": asdict(sampling), "batch": batch_size()}


def where_kept(reader: Reader, prompts: Sequence[Sequence[Message]], sampling: Sampling) -> Path:
    """The folder of the store that holds the answers of `rollouts`, once they are sampled."""
    inputs = _inputs(reader, {prompt_key(p) for p in prompts}, sampling)
    return reader.store.path("rollouts", STAGE_VERSION, inputs)


def rollouts(
    reader: Reader,
    prompts: Sequence[Sequence[Message]],
    sampling: Sampling,
    policy: "Callable[[], Policy | ServedPolicy] | None" = None,
) -> Rollouts:
    """The answers of a policy to some prompts, from the store where they were sampled before.

    A killed run keeps the batches that it finished.

    Args:
        reader: the model and how it is loaded, and the store.
        prompts: message lists; one that occurs twice is answered once.
        sampling: temperature, nucleus, limit and seed.
        policy: gives the loaded model; called only if something must be generated.
    """
    unique = {prompt_key(p): list(p) for p in prompts}
    inputs = _inputs(reader, unique, sampling)
    progress = reader.step("answers")

    def build(out: Path) -> None:
        loaded = policy() if policy else Policy(*reader.load())
        keys = sorted(unique)
        rows = [loaded.encode(unique[k]) for k in keys]
        done = 0
        for number, batch in enumerate(generation_batches(rows)):
            part = out / f"part-{number:04}.json"
            if not part.is_file():

                def report(n: int, _: int, before: int = done) -> None:
                    if progress:
                        progress(before + n, len(rows))

                answers = loaded.complete([rows[i] for i in batch], sampling, progress=report)
                entries = [{"prompt": json.loads(keys[i]), **asdict(a)} for i, a in zip(batch, answers, strict=True)]
                write_atomic(part, json.dumps(entries, ensure_ascii=False, indent=1))
            done += len(batch)

    path = reader.store.get("rollouts", STAGE_VERSION, inputs, build, resumable=True)
    answers: dict[str, Completion] = {}
    for part in sorted(path.glob("part-*.json")):
        for entry in json.loads(part.read_text(encoding="utf-8")):
            prompt = entry.pop("prompt")
            answers[canonical_json(prompt)] = Completion(**entry)
    return Rollouts(sampling, answers)
