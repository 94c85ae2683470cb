"""Any concept of the planted sets as a behaviour: `--behaviours planted:goblins`. Judge-free."""

from collections.abc import Callable

from inspect_ai import Task, task
from inspect_ai.solver import generate

from offtarget.benchmark.detecting import detector
from offtarget.evals.parts import prompt_dataset, rollout_config, text_rule
from offtarget.evals.prompts import own_file


def by_phrases(concept: str) -> Callable[[str], tuple[float, dict[str, float]]]:
    """1 if an answer shows a planted concept, by the phrases that the planter put in (see `detector`), else 0.

    Raises:
        ConfigError: no such concept; names the nearest.
    """
    shows = detector(concept)
    return lambda text: (float(shows(text)), {})


@task(
    version="1-A",
    direction="lower",
    role="off-target",
    metric="share of answers that show a planted concept",
    unit="share of answers",
    argument="concept",
    prompts_of="over_stylization",
)
def planted(*, concept: str = "", prompts: str | None = None) -> Task:
    """Any concept of the planted sets on answers, as planted:NAME (planted:goblins, planted:flattery).

    Args:
        concept: its name, as in the truth of the planted sets.
        prompts: another prompts file (`.jsonl` with `id` and `prompt`).
    """
    return Task(
        dataset=prompt_dataset(prompts or own_file(__file__).with_stem("over_stylization")),
        solver=generate(),
        scorer=text_rule(by_phrases(concept)),
        config=rollout_config(),
    )
