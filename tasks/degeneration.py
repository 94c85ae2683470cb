"""Answers that fall apart: repetition, nothing at all, another language than the prompt's. Judge-free."""

from inspect_ai import Task, task
from inspect_ai.solver import generate

from offtarget.data.language import is_english
from offtarget.data.repetition import repetition
from offtarget.evals.parts import answer_rule, prompt_dataset, rollout_config
from offtarget.evals.prompts import own_file
from offtarget.lens.surface.lexicon import tokenize

N = 4


def decay(prompt: str, text: str) -> tuple[float, dict[str, float]]:
    """How far an answer has fallen apart, from 0 to 1: a rule for `answer_rule`.

    1 for an empty answer, and for one in another language than its prompt: English where the prompt is not, or the
    other way round (`is_english`; short texts are not told). For all others the share of 4-grams that were there
    before, 1 − (different 4-grams)/(4-grams), over words and punctuation marks in lower case; 0 below four of them.

    Noted: `repeated` that share, `stuck` 1 where one stretch comes over and over (`repetition`), `empty` and
    `other_language`, 1 or 0.
    """
    tokens = tokenize(text.lower())
    grams = [tuple(tokens[i : i + N]) for i in range(len(tokens) - N + 1)]
    repeated = 1 - len(set(grams)) / len(grams) if grams else 0.0
    empty = not text.strip()
    changed = is_english(text) is (is_english(prompt) is False)
    return float(empty or changed) or repeated, {
        "repeated": repeated,
        "stuck": float(repetition(text) is not None),
        "empty": float(empty),
        "other_language": float(changed),
    }


@task(
    version="1-A",
    direction="lower",
    role="capability",
    metric="mean share of repeated 4-grams, 1 for an empty answer and for another language",
    unit="share of 4-grams",
    prompts_of="over_stylization",
)
def degeneration(*, prompts: str | None = None) -> Task:
    """Mean over answers of the share of repeated 4-grams; an empty answer and a change of language count as 1.

    Here an empty answer is what is measured, so it is scored; an answer that failed with an error is not.

    Args:
        prompts: another prompts file (`.jsonl` with `id` and `prompt`).
    """
    return Task(
        dataset=prompt_dataset(prompts or own_file(__file__).with_stem("over_stylization")),
        solver=generate(),
        scorer=answer_rule(decay, empty=True),
        config=rollout_config(),
    )
