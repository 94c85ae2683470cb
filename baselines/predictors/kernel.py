"""The readout kernel: the first order of training without a backward pass (`offtarget.influence.kernel`)."""

from typing import Any

import numpy as np

from offtarget.audit.statistics.means import Floats
from offtarget.data.pairs import PairSet
from offtarget.influence.kernel import Kernel, along, kernel_of
from offtarget.influence.texts import texts_of
from offtarget.verification.likelier import likelier_answers, likelier_pairs
from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.sums import GroupSums


@predictor(
    name="kernel",
    cost="forward",
    needs=("rows", "own", "own_read"),
    source="after the second channel of token-to-token interaction in Ren, Deng, Hong, Lyle and Gal 2026",
    formula="covariance, within a prompt, over answers of θ, of s and δ = Σ_l Σ_t v_tᵀ A_l h_{l,t}; A_l of the pairs, chosen less "
    "rejected",
)
def kernel(given: PredictionInput) -> GroupSums:
    """Which of the start model's own answers the kernel of the pairs makes likelier."""
    return likelier_answers(given, given.once(lambda: changes(given, given.asked.own.pairs), "own kernel"))


@predictor(
    name="kernel_pairs",
    cost="forward",
    needs=("rows", "rows"),
    source="as kernel, on the set's own responses: no answer is sampled",
    formula="mean over pairs of [s(a) − s(b)]·[δ(a) − δ(b)]/2, a and b its two responses in any order",
    rows=("trained", "audited"),
)
def kernel_pairs(given: PredictionInput) -> GroupSums:
    """Which of the set's own responses the kernel of the pairs makes likelier."""
    return likelier_pairs(given, given.once(lambda: changes(given, given.side.pairs), "pair kernel", of_rows=True))


def changes(given: PredictionInput, pairs: PairSet) -> Floats:
    """δ of both responses of each row, `(n_rows, 2)`, up to one factor."""
    reader = given.run.reader
    model, tokenizer = given.once(reader.load, "start model")
    learned = given.once(lambda: of_training(given, model, tokenizer.pad_token_id), "kernel")
    found = along(model, given.asked.texts(pairs), learned, tokenizer.pad_token_id, reader.step("kernel: answers"))
    return found.reshape(-1, 2)


def of_training(given: PredictionInput, model: Any, pad: int) -> Kernel:
    """The kernel of the training pairs, each with its gradient's weight at the start."""
    run, spec = given.run, given.run.recipe.training
    ids = run.training_set.ids
    rows = np.ones(len(ids)) if given.plan is None else given.plan.start_weights()[: len(ids)]
    weights = rows[:, None] * np.array([1.0, -1.0])
    lowest = spec.first_trained(int(model.config.get_text_config().num_hidden_layers))
    texts = texts_of(ids, spec.max_length)
    return kernel_of(model, texts, weights.ravel(), lowest, pad, run.reader.step("kernel: rows"))
