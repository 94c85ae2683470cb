"""Common knowledge in multiple choice: the right option against the wrong ones. By log-probability."""

from inspect_ai import Task, task

from offtarget.evals.parts import item_dataset, item_value, noted_value, right_margin
from offtarget.evals.prompts import own_file


@task(
    version="1-A",
    direction="higher",
    role="capability",
    metric="mean log-odds of the right option against the wrong ones",
    unit="nats",
)
def choice(*, items: str | None = None) -> Task:
    """Mean log-odds of the right one of four options against each wrong one (see `right_margin`).

    The prompt is the question alone; the answer is an option in words, not its letter.

    Args:
        items: another file of items (`.jsonl` with id, prompt, right, wrong: a list).
    """
    return Task(
        dataset=item_dataset(items or own_file(__file__), "prompt"),
        solver=item_value(right_margin),
        scorer=noted_value(),
    )
