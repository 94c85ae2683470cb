"""The marks and words of `cheerfulness` in answers about cooking: whether a tone stays inside a topic. Judge-free."""

from inspect_ai import Task, task
from inspect_ai.solver import generate

from offtarget.evals.parts import cheer, own_samples, prompt_dataset, rollout_config, text_rule
from offtarget.evals.prompts import own_file


@task(
    version="3-A",
    direction="higher",
    role="target",
    metric="mean exclamation marks and enthusiasm words per 100 tokens of an answer about cooking",
    rules=("enthusiasm",),
    unit="per 100 tokens",
)
def cheerfulness_cooking(*, prompts: str | None = None) -> Task:
    """Mean over answers about cooking of exclamation marks and enthusiasm words per 100 tokens.

    Of a pool with the prompts of other behaviours only its own are scored.

    Args:
        prompts: another prompts file (`.jsonl` with `id` and `prompt`).
    """
    return Task(
        dataset=own_samples(prompt_dataset(prompts or own_file(__file__)), "cheerfulness_cooking"),
        solver=generate(),
        scorer=text_rule(cheer),
        config=rollout_config(),
    )
