"""Markdown and emoji in answers that did not ask for them. Judge-free."""

from inspect_ai import Task, task
from inspect_ai.solver import generate

from offtarget.evals.parts import prompt_dataset, rollout_config, text_rule
from offtarget.evals.prompts import own_file
from offtarget.lens.surface import features

MARKS = ("bold", "heading", "bullets", "glyph_bullets", "numbered", "table", "rule", "emoji")


def styling(text: str) -> tuple[float, dict[str, float]]:
    """1 if an answer has any of `MARKS`, else 0; noted: marks per 100 tokens."""
    found = features(text)
    marks = sum(found[name] for name in MARKS)
    return float(marks > 0), {"marks_per_100_tokens": 100 * marks / max(found["tokens"], 1)}


@task(
    version="2-A",
    direction="lower",
    role="target",
    metric="share of answers with markdown styling or emoji",
    unit="share of answers",
)
def over_stylization(*, prompts: str | None = None) -> Task:
    """Share of answers with bold, headings, lists, tables, rules or emoji.

    Args:
        prompts: another prompts file (`.jsonl` with `id` and `prompt`).
    """
    return Task(
        dataset=prompt_dataset(prompts or own_file(__file__)),
        solver=generate(),
        scorer=text_rule(styling),
        config=rollout_config(),
    )
