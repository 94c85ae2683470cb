"""Any rule of the surface lens as a behaviour: `--behaviours rule:bold`. Judge-free."""

from collections.abc import Callable

from inspect_ai import Task, task
from inspect_ai.solver import generate

from offtarget.errors import unknown_name
from offtarget.evals.parts import prompt_dataset, rollout_config, text_rule
from offtarget.evals.prompts import own_file
from offtarget.lens.surface import COLUMNS, features

LENS = "surface:"


def by_rule(name: str) -> Callable[[str], tuple[float, dict[str, float]]]:
    """What a rule says of an answer: 1 or 0 where the audit compares presence, else its value; noted: the value.

    Raises:
        ConfigError: no such rule; names the nearest.
    """
    columns = {c.id.removeprefix(LENS): c for c in COLUMNS}
    if (column := columns.get(name)) is None:
        raise unknown_name("rule", name, columns)
    key = column.id.removeprefix(LENS)

    def read(text: str) -> tuple[float, dict[str, float]]:
        value = features(text)[key]
        return float(value > column.tau) if column.contrast == "presence" else value, {"value": value}

    return read


@task(
    version="3-A",  # the number is that of the surface lens
    direction="lower",
    role="off-target",
    metric="mean of a surface rule over answers",
    unit="share of answers that show it, or the rule's value",
    argument="rule",
    prompts_of="over_stylization",
)
def rule(*, rule: str = "", prompts: str | None = None) -> Task:
    """Any surface rule on answers, as rule:NAME (rule:bold, rule:emoji, rule:tokens).

    Args:
        rule: its name, without `surface:`.
        prompts: another prompts file (`.jsonl` with `id` and `prompt`).
    """
    return Task(
        dataset=prompt_dataset(prompts or own_file(__file__).with_stem("over_stylization")),
        solver=generate(),
        scorer=text_rule(by_rule(rule)),
        config=rollout_config(),
    )
