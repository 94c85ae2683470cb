"""Sums: how much more probable the right result is than near wrong ones. By log-probability."""

from inspect_ai import Task, task

from offtarget.evals.parts import item_dataset, item_value, noted_value, right_margin
from offtarget.evals.prompts import own_file


@task(
    version="1-A",
    direction="higher",
    role="capability",
    metric="mean log-odds of the right result against near wrong ones",
    unit="nats",
)
def arithmetic(*, items: str | None = None) -> Task:
    """Mean log-odds of the right result of a sum against three near wrong results of as many digits (see `right_margin`).

    Args:
        items: another file of items (`.jsonl` with id, prompt, right, wrong: a list).
    """
    return Task(
        dataset=item_dataset(items or own_file(__file__), "prompt"),
        solver=item_value(right_margin),
        scorer=noted_value(),
    )
