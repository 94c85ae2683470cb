"""Predictors that need no firing of latents: activations before the autoencoder, and the logit-linear score."""

from dataclasses import replace
from typing import Any

import numpy as np

from offtarget.lens.names import which_of
from offtarget.lens.table import sae_lens
from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.sums import GroupSums


def autoencoder(given: PredictionInput) -> Any:
    """The sparse autoencoder whose latents the concepts are made of; None for concepts of another lens."""
    which = which_of(given.run.recipe.audit.lens, "sae")
    return None if which is None or given.concepts.lens != "sae" else sae_lens(which, given.run.model)


@predictor(
    name="activation",
    cost="forward",
    needs=("rows",),
    source="disparity without the autoencoder's threshold",
    formula="mean over pairs of (h̄(chosen) − h̄(rejected)) · encoder of the concept, h̄ the mean activation",
    statistics=("sqrt_frequency",),
)
def activation(given: PredictionInput) -> GroupSums | None:
    """The difference of mean activations along each concept's encoder."""
    from offtarget.lens.pooled import pooled_activations

    if (sae := autoencoder(given)) is None:
        return None
    reader = replace(given.run.reader, max_length=given.run.recipe.training.max_length)
    pooled = given.once(lambda: pooled_activations(reader, given.side.pairs, sae.layer), "pooled")
    return given.side.sums((pooled.chosen - pooled.rejected) @ (sae.encoder @ given.concepts.member))


@predictor(
    name="logit_linear",
    cost="gradient",
    needs=("rows", "rows"),
    source="after arXiv 2602.04863; the score A of arXiv 2606.12360, appendix A, in its local regime",
    formula="mean over pairs of ∇ₕ[log p(chosen) − log p(rejected)] · decoder of the concept, per token",
    statistics=("sqrt_frequency",),
)
def logit_linear(given: PredictionInput) -> GroupSums | None:
    """How much steering toward each concept would favour chosen over rejected."""
    from offtarget.lens.gradients import response_gradients

    if (sae := autoencoder(given)) is None:
        return None
    reader = replace(given.run.reader, max_length=given.run.recipe.training.max_length)
    slopes = given.once(lambda: response_gradients(reader, given.side.pairs, sae.layer), "slopes")
    tokens = np.maximum(slopes.chosen_tokens + slopes.rejected_tokens, 1)[:, None]
    return given.side.sums((slopes.chosen - slopes.rejected) @ (sae.decoder @ given.concepts.member) / tokens)
