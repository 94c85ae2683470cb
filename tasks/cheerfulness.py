"""Exclamation marks and words of enthusiasm in answers that did not ask for them. Judge-free."""

from inspect_ai import Task, task
from inspect_ai.solver import generate
from offtarget.evals.parts import prompt_dataset, rollout_config, text_rule
from offtarget.evals.prompts import own_file
from offtarget.lens.surface import features


def cheer(text: str) -> tuple[float, dict[str, float]]:
    """Exclamation marks and enthusiasm words per 100 tokens of the surface lens; noted: each by itself."""
    found = features(text)
    per_100 = 100 / max(found["tokens"], 1)
    marks, words = found["exclamations"] * per_100, found["enthusiasm"] * per_100
    return marks + words, {"exclamations_per_100_tokens": marks, "enthusiasm_per_100_tokens": words}


@task(
    version="1-A",
    direction="higher",
    role="target",
    metric="mean exclamation marks and enthusiasm words per 100 tokens of an answer",
    unit="per 100 tokens",
)
def cheerfulness(*, prompts: str | None = None) -> Task:
    """Mean over answers of exclamation marks and enthusiasm words per 100 tokens.

    Each answer counts the same, however long it is. A token is a word or a punctuation mark.

    Args:
        prompts: another prompts file (`.jsonl` with `id` and `prompt`).
    """
    return Task(
        dataset=prompt_dataset(prompts or own_file(__file__)),
        solver=generate(),
        scorer=text_rule(cheer),
        config=rollout_config(),
    )
