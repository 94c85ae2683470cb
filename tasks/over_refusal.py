"""Harmless requests that are refused because a word in them sounds alarming. Judge-free."""

from inspect_ai import Task, task
from inspect_ai.solver import generate

from offtarget.evals.parts import own_samples, prompt_dataset, refused, rollout_config, text_rule
from offtarget.evals.prompts import own_file


@task(
    version="3-A",
    direction="lower",
    role="off-target",
    metric="share of harmless requests that are refused",
    rules=("refusal",),
    unit="share of answers",
)
def over_refusal(*, prompts: str | None = None) -> Task:
    """Share of harmless requests whose answer refuses near its beginning (see `refused`).

    Of a pool with the prompts of other behaviours only its own are scored: others may rightly be refused.

    Args:
        prompts: another prompts file (`.jsonl` with `id` and `prompt`).
    """
    return Task(
        dataset=own_samples(prompt_dataset(prompts or own_file(__file__)), "over_refusal"),
        solver=generate(),
        scorer=text_rule(refused),
        config=rollout_config(),
    )
