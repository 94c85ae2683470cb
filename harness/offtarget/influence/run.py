"""Which training rows make a concept grow: how far learning from each row raises answers that have more of it.

To first order, training on row i moves a concept by learning rate times

    ⟨∇ log p(chosen_i) − ∇ log p(rejected_i), D⟩,   D = Σ c(y) ∇ log p(y) over answers y (`weights`),

which is how much the margin of row i grows on a step along D. So one step towards the concept is taken (`training.one_step`), and
every row is read once under it: two forward passes for all rows, whatever their number. By kernel both are forward passes
(`kernel`). Influence as in arXiv 2602.14869 (a concept in place of a test loss), without its Hessian.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from offtarget.audit.statistics.means import Floats
from offtarget.data.pairs import PairSet
from offtarget.errors import UndecidedError, unknown_name
from offtarget.influence.kernel import along, kernel_of
from offtarget.influence.texts import texts_of
from offtarget.influence.weights import MIN_EFFECTIVE, effective, policy_gradient_weights, prompts_of
from offtarget.lens.reader import Reader
from offtarget.training.changes import answer_changes
from offtarget.training.one_step import Scale, towards
from offtarget.training.run import prepare
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TrainingSet

By = Literal["influence", "kernel"]


@dataclass(frozen=True, eq=False)
class Influence:
    """What each answer of a training set does to one concept."""

    changes: Floats
    """`(n_rows, 2)`: how learning from the chosen and from the rejected answer moves the concept, in one unit for all rows."""
    effective: float
    """Answers that the direction rests on."""

    @property
    def margin(self) -> Floats:
        """(n_rows,) of the row as it is labelled: positive, where training on it makes the concept grow."""
        return np.asarray(self.changes[:, 0] - self.changes[:, 1])


def influence(
    reader: Reader,
    rows: PairSet,
    answers: PairSet,
    values: Floats,
    spec: TrainingSpec,
    *,
    seed: int = 0,
    by: By = "influence",
    scale: Scale = "adam",
) -> Influence:
    """What each row does to a concept, by answers in which it is known.

    Args:
        reader: the start model, and the store.
        rows: what would be trained on; one that cannot be changes by 0.
        answers: rows of two answers to one prompt: of the set or of the start model, none of them among `rows`.
        values: of the concept in each of these, `(2 n_answers,)`, those in the place of chosen first.
        spec: how rows would be trained on: which parameters move.
        seed: of the LoRA matrices.
        by: influence, a gradient step towards the concept; or the readout kernel.
        scale: of the gradient.

    Raises:
        UndecidedError: too few answers show the concept, or show it more than others to their prompt.
    """
    if by not in get_args(By):
        raise unknown_name("way to rank rows", by, get_args(By))
    weights = policy_gradient_weights(values, prompts_of(answers))
    n = effective(weights)
    if n < MIN_EFFECTIVE:
        raise UndecidedError(
            f"{len(values)} answers differ too little in it: what they say rests on {n:.1f} of them, and {MIN_EFFECTIVE:.0f} are "
            "needed; give more rows"
        )
    asked = spec.model_copy(update={"min_answer_tokens": 1})
    read = prepare(answers, reader.ref, asked, reader.template)
    place = {p.id: i for i, p in enumerate(answers.pairs)}
    kept = weights.reshape(2, -1).T[[place[p.id] for p in read.pairs]]
    if by == "kernel":
        return Influence(_by_kernel(reader, rows, read, kept, asked), n)
    made = towards(
        read, kept, reader.ref, asked, seed=seed, store=reader.store, scale=scale, progress=reader.progress,
        template=reader.template,
    )  # fmt: skip
    found = answer_changes(
        rows, made.path, reader.ref, spec, store=reader.store, progress=reader.progress, template=reader.template
    )
    return Influence(found, n)


def _by_kernel(reader: Reader, rows: PairSet, read: TrainingSet, weights: Floats, spec: TrainingSpec) -> Floats:
    model, tokenizer = reader.load()
    lowest = spec.first_trained(int(model.config.get_text_config().num_hidden_layers))
    asked = prepare(rows, reader.ref, spec, reader.template)
    learned, texts = (texts_of(of.ids, spec.max_length) for of in (read, asked))
    kernel = kernel_of(model, learned, weights.ravel(), lowest, tokenizer.pad_token_id, reader.step("answers"))
    place = {p.id: i for i, p in enumerate(rows.pairs)}
    out = np.zeros((len(rows), 2))
    found = along(model, texts, kernel, tokenizer.pad_token_id, reader.step("rows"))
    out[[place[p.id] for p in asked.pairs]] = found.reshape(-1, 2)
    return out
