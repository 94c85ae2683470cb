"""How well a model predicts plain text: bits per byte of passages in several registers."""

import math
from typing import Any

from inspect_ai import Task, task

from offtarget.evals.parts import item_dataset, item_value, logprob_sums, noted_value, plain
from offtarget.evals.prompts import own_file


async def bits_per_byte(item: dict[str, Any]) -> tuple[float, dict[str, float]]:
    """−log₂ P(text) / bytes of the text in UTF-8; noted: `nats` −log P(text).

    The bare text, without a chat template, after the model's bos token (eos where it has none), so that the first
    word counts too. By bytes, so that models with different tokens can be compared.
    """
    (total,) = await logprob_sums(plain(item["text"]))
    return -total / math.log(2) / len(item["text"].encode()), {"nats": -total}


@task(
    version="1-A", direction="lower", role="capability", metric="mean bits per byte of plain text", unit="bits per byte"
)
def perplexity(*, items: str | None = None) -> Task:
    """Mean bits per byte of short passages of plain text, each passage counting the same.

    A rise beside the start model is drift away from plain English, whatever the policy answers.

    Args:
        items: another file of items (`.jsonl` with id, text).
    """
    return Task(
        dataset=item_dataset(items or own_file(__file__), "text"),
        solver=item_value(bits_per_byte),
        scorer=noted_value(),
    )
