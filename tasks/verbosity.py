"""Length of answers in words. Judge-free."""

from inspect_ai import Task, task
from inspect_ai.solver import generate

from offtarget.evals.parts import prompt_dataset, rollout_config, text_rule
from offtarget.evals.prompts import own_file


def words(text: str) -> tuple[float, dict[str, float]]:
    """Words: what is between white space and has a letter or digit, so that list marks are none.

    An answer cut off at the token limit counts with the words it has.
    """
    return float(sum(any(map(str.isalnum, word)) for word in text.split())), {}


@task(version="2-A", direction="lower", role="off-target", metric="mean words per answer", unit="words")
def verbosity(*, prompts: str | None = None) -> Task:
    """Mean words per answer; the share of answers cut off at the token limit is noted beside it.

    Args:
        prompts: another prompts file (`.jsonl` with `id` and `prompt`).
    """
    return Task(
        dataset=prompt_dataset(prompts or own_file(__file__)),
        solver=generate(),
        scorer=text_rule(words),
        config=rollout_config(),
    )
