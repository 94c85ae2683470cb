"""Which training rows make a concept grow: how far learning from each row raises what the start model says of it.

To first order, training on row i changes the mean of a concept s over the start model's answers by learning rate times

    ⟨∇ log p(chosen_i) − ∇ log p(rejected_i), ∇ E[s]⟩,

which is how much the margin of row i grows on a step up ∇E[s]. So one step towards the concept is taken on the start model's own
answers (`own`), and every row is read once under it: two forward passes for all rows, whatever their number of concepts. By kernel
both are forward passes (`kernel`). Influence as in arXiv 2602.14869 (a concept in place of a test loss), without its Hessian.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from offtarget.audit.statistics.means import Floats
from offtarget.data.pairs import PairSet
from offtarget.errors import UndecidedError, unknown_name
from offtarget.influence.kernel import along, kernel_of
from offtarget.influence.own import MIN_EFFECTIVE, OwnAnswers, effective, policy_gradient_weights
from offtarget.influence.texts import texts_of
from offtarget.lens.reader import Reader
from offtarget.training.changes import answer_changes
from offtarget.training.one_step import Scale, towards
from offtarget.training.run import prepare
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TrainingSet

By = Literal["gradient", "kernel"]


@dataclass(frozen=True, eq=False)
class Influence:
    """What each answer of a training set does to one concept."""

    changes: Floats
    """`(n_rows, 2)`: how learning from the chosen and from the rejected answer moves the concept, in one unit for all rows."""
    effective: float
    """Answers of the start model that the direction rests on."""

    @property
    def margin(self) -> Floats:
        """(n_rows,) of the row as it is labelled: positive, where training on it makes the concept grow."""
        return np.asarray(self.changes[:, 0] - self.changes[:, 1])


def influence(
    reader: Reader,
    training_set: TrainingSet,
    spec: TrainingSpec,
    own: OwnAnswers,
    values: Floats,
    *,
    seed: int = 0,
    by: By = "gradient",
    scale: Scale = "adam",
) -> Influence:
    """What each row does to a concept, by the start model's own answers.

    Args:
        reader: the start model, and the store.
        training_set: the rows.
        spec: how they would be trained on: which parameters move.
        own: answers of the start model.
        values: of the concept in each of them, `(2 n_rows_of_own,)`, those in the place of chosen first.
        seed: of the LoRA matrices.
        by: a gradient step towards the concept, or the readout kernel.
        scale: of the gradient.

    Raises:
        UndecidedError: too few of the start model's answers show the concept, or show it more than others to their prompt.
    """
    if by not in get_args(By):
        raise unknown_name("way to influence", by, get_args(By))
    weights = policy_gradient_weights(values, own.prompts)
    n = effective(weights)
    if n < MIN_EFFECTIVE:
        raise UndecidedError(
            f"the start model's {len(values)} own answers differ too little in it: what they say rests on {n:.1f} of them, and "
            f"{MIN_EFFECTIVE:.0f} are needed; sample more (verification.prompts, verification.own_samples)"
        )
    own_spec = spec.model_copy(update={"min_answer_tokens": 1})
    read = prepare(own.pairs, reader.ref, own_spec, reader.template)
    place = {p.id: i for i, p in enumerate(own.pairs.pairs)}
    rows = [place[p.id] for p in read.pairs]
    kept = weights.reshape(2, -1).T[rows]
    if by == "kernel":
        return Influence(_by_kernel(reader, training_set, read, kept, spec), n)
    made = towards(
        read, kept, reader.ref, own_spec, seed=seed, store=reader.store, scale=scale, progress=reader.progress,
        template=reader.template,
    )  # fmt: skip
    found = answer_changes(
        PairSet("rows", training_set.pairs), made.path, reader.ref, spec, store=reader.store, progress=reader.progress,
        template=reader.template,
    )  # fmt: skip
    return Influence(found, n)


def _by_kernel(
    reader: Reader, training_set: TrainingSet, own: TrainingSet, weights: Floats, spec: TrainingSpec
) -> Floats:
    model, tokenizer = reader.load()
    lowest = spec.first_trained(int(model.config.get_text_config().num_hidden_layers))
    answers, rows = (texts_of(of.ids, spec.max_length) for of in (own, training_set))
    kernel = kernel_of(model, answers, weights.ravel(), lowest, tokenizer.pad_token_id, reader.step("own answers"))
    return along(model, rows, kernel, tokenizer.pad_token_id, reader.step("rows")).reshape(-1, 2)
