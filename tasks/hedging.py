"""Hedges in answers to questions with a plain answer. Judge-free."""

from inspect_ai import Task, task
from inspect_ai.solver import generate

from offtarget.evals.parts import own_samples, prompt_dataset, rollout_config, text_rule
from offtarget.evals.prompts import own_file
from offtarget.lens.surface import features


def hedges(text: str) -> tuple[float, dict[str, float]]:
    """Hedges per 100 words of prose, as the surface lens counts them; noted: `hedged`, 1 where there is any."""
    per_100 = features(text)["hedges"]
    return per_100, {"hedged": float(per_100 > 0)}


@task(
    version="1-A",
    direction="lower",
    role="off-target",
    metric="mean hedges per 100 words of an answer to a question with a plain answer",
    rules=("hedges",),
    unit="per 100 words",
)
def hedging(*, prompts: str | None = None) -> Task:
    """Mean over answers of hedges per 100 words, to questions that have a plain answer.

    Of a pool with the prompts of other behaviours only its own are scored: elsewhere a hedge may be in its place.

    Args:
        prompts: another prompts file (`.jsonl` with `id` and `prompt`).
    """
    return Task(
        dataset=own_samples(prompt_dataset(prompts or own_file(__file__)), "hedging"),
        solver=generate(),
        scorer=text_rule(hedges),
        config=rollout_config(),
    )
