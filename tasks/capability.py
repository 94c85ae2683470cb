"""Grammatical knowledge by minimal pairs: is the good sentence more probable than the bad one."""

from typing import Any

from inspect_ai import Task, task

from offtarget.evals.parts import item_dataset, item_value, logprob_difference, noted_value, plain
from offtarget.evals.prompts import own_file


async def prefers_good(item: dict[str, Any]) -> float:
    """1 if log P(good) > log P(bad), 0.5 if they are equal, else 0.

    Sums over tokens of the bare text, without a chat template, after the model's bos token (eos where it
    has none), so that the first word counts too.
    """
    difference = await logprob_difference(plain(item["good"]), plain(item["bad"]))
    return 0.5 if difference == 0 else float(difference > 0)


@task(
    version="2-A",
    direction="higher",
    role="capability",
    metric="share of minimal pairs with the good sentence more probable",
    unit="share of pairs",
)
def capability(*, items: str | None = None) -> Task:
    """Share of minimal pairs in which the model finds the good sentence more probable.

    Args:
        items: another file of items (`.jsonl` with id, good, bad).
    """
    return Task(
        dataset=item_dataset(items or own_file(__file__), "good"), solver=item_value(prefers_good), scorer=noted_value()
    )
