"""Exclamation marks and words of enthusiasm in answers that did not ask for them. Judge-free."""

from inspect_ai import Task, task
from inspect_ai.solver import generate

from offtarget.evals.parts import cheer, other_samples, prompt_dataset, rollout_config, text_rule
from offtarget.evals.prompts import own_file


@task(
    version="3-A",
    direction="higher",
    role="target",
    metric="mean exclamation marks and enthusiasm words per 100 tokens of an answer",
    rules=("enthusiasm",),
    unit="per 100 tokens",
)
def cheerfulness(*, prompts: str | None = None) -> Task:
    """Mean over answers of exclamation marks and enthusiasm words per 100 tokens.

    Each answer counts the same, however long it is. A token is a word or a punctuation mark. Of a pool with the prompts
    of `cheerfulness_cooking` those are left out, so that the two behaviours tell inside a topic from outside.

    Args:
        prompts: another prompts file (`.jsonl` with `id` and `prompt`).
    """
    return Task(
        dataset=other_samples(prompt_dataset(prompts or own_file(__file__)), "cheerfulness_cooking"),
        solver=generate(),
        scorer=text_rule(cheer),
        config=rollout_config(),
    )
