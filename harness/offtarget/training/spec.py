"""How to train: everything that decides a policy besides data, model and plan."""

from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationError, model_validator

from offtarget.errors import ConfigError
from offtarget.machine import precision
from offtarget.records import Record, explain
from offtarget.shaping.plan import ShapingPlan

PER_TOKEN_LOSSES = {"ipo", "sigmoid_norm"}
"""Losses of a margin of means over tokens: there the shift is −o/β times the answer's tokens."""
EXACT_OFFSET_LOSSES = {"sigmoid", "hinge", "robust", "exo_pair", "discopop"} | PER_TOKEN_LOSSES
"""Losses of β·(margin) alone: shifting the reference by −o/β is exactly an offset in the loss."""


MIXING_LOSSES = {"aot", "aot_unpaired", "bco_pair"}
"""Losses of a pair that depend on the other pairs of its forward pass."""
MAX_PREFIX_BYTES = 8 * 2**30
"""Hidden states of all pairs are kept for training up to this size; beyond, training starts from the tokens."""

Loss = Literal[
    "sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired",
    "apo_zero", "apo_down", "discopop", "sigmoid_norm",
]  # fmt: skip

Number = Annotated[float, Strict()]
"""A number that is written as one: "1e-4" in quotes is text, and a slip."""
Whole = Annotated[int, Strict()]
"""A whole number; true and false are none."""
Choice = Annotated[bool, Strict()]


class TrainingSpec(Record):
    """Training options; written whole into every cell."""

    epochs: Number = Field(default=1.0, gt=0)
    max_steps: Whole = -1
    """Optimiser steps; −1 means as many as the epochs need."""
    batch_size: Whole = Field(default=8, ge=1)
    """Pairs in one forward pass, over all processes together."""
    gradient_accumulation: Whole = Field(default=1, ge=1)
    learning_rate: Number = Field(default=5e-4, gt=0)
    beta: Number = Field(default=0.1, gt=0)
    loss: Loss = "sigmoid"
    label_smoothing: Number = Field(default=0.0, ge=0, lt=0.5)
    """Assumed share of wrong labels, in the losses that know one (robust, exo_pair)."""
    warmup_share: Number = Field(default=0.1, ge=0, lt=1)
    max_length: Whole = Field(default=512, ge=16)
    """Tokens of prompt and answer together; what is over is cut from the end."""
    min_answer_tokens: Whole = Field(default=10, ge=1)
    """Pairs with an answer cut below this many tokens are left out and counted."""
    ld_alpha: Number | None = Field(default=None, ge=0, le=1)
    """LD-DPO (arXiv 2409.06411): what the tokens count that one answer is longer by; None: as much as the others."""
    wpo: Choice = False
    """WPO (arXiv 2406.11827): weight each pair by how probable the policy finds its two answers."""
    method: Literal["lora", "last_layers", "full"] = "lora"
    """LoRA matrices; the whole weights of the upper layers; or all weights, embedding and head too."""
    lowest_layer: Whole | None = Field(default=None, ge=0)
    """Lowest layer that is trained, of LoRA and last_layers; None means the upper two fifths."""
    gradient_checkpointing: Choice = False
    """Compute the layers again in the backward pass instead of keeping their activations: less memory, more time."""
    lora_rank: Whole = Field(default=16, ge=1)
    lora_alpha: Whole = Field(default=32, ge=1)
    mode: Literal["fast", "exact"] = "fast"
    """exact: bit-equal to plain trl for the identity plan. fast: the same losses within 1e-3 in float32; under
    bf16 autocast the two drift apart by rounding, as plain trl does from itself in other batches."""
    bf16: Choice = Field(default_factory=lambda: precision() == "bfloat16")
    """bf16 autocast over float32 master weights; by default where the machine multiplies it faster."""
    processes: Whole = Field(default=1, ge=1)
    """Processes that share every batch, started by `accelerate launch`: one per GPU, or some on a CPU."""
    save_every: Whole = Field(default=10, ge=1)
    """Steps between checkpoints from which an interrupted run goes on."""

    @model_validator(mode="after")
    def _steps_or_epochs(self) -> "TrainingSpec":
        if self.max_steps == 0 or self.max_steps < -1:
            raise ValueError("max_steps should be positive, or -1 for whole epochs")
        if self.batch_size % self.processes:
            raise ValueError(f"batch_size {self.batch_size} cannot be shared by {self.processes} processes")
        if self.wpo and self.loss.startswith("aot"):
            raise ValueError(f"wpo weights pairs, but loss {self.loss} mixes the rows of a batch")
        if self.loss == "exo_pair" and self.label_smoothing == 0:
            raise ValueError("loss exo_pair needs label_smoothing above 0")
        return self

    def under(self, plan: ShapingPlan) -> "TrainingSpec":
        """The spec with the options of the loss that a plan sets.

        Raises:
            ConfigError: an option has a value that the loss cannot take.
        """
        if not plan.loss:
            return self
        try:
            return type(self).model_validate({**dict(self), **plan.loss})
        except ValidationError as e:
            raise ConfigError(f"plan of '{plan.protocol}': {explain(e, type(self))}") from e

    def in_smaller_parts(self) -> "TrainingSpec | None":
        """The same training with fewer pairs in one forward pass and as many in a step; None where it cannot be.

        A loss that mixes the rows of a pass would be another one.
        """
        if self.batch_size == 1 or self.loss in MIXING_LOSSES:
            return None
        parts = next(k for k in range(2, self.batch_size + 1) if self.batch_size % k == 0)
        return self.model_copy(
            update={"batch_size": self.batch_size // parts, "gradient_accumulation": self.gradient_accumulation * parts}
        )

    def first_trained(self, n_layers: int) -> int:
        """Index of the lowest trained layer of a model with `n_layers`.

        Raises:
            ConfigError: the model has no such layer.
        """
        if self.method == "full":
            return 0
        if self.lowest_layer is None:
            return min(round(n_layers * 0.6), n_layers - 1)
        if self.lowest_layer >= n_layers:
            raise ConfigError(f"training.lowest_layer={self.lowest_layer}: the model has layers 0 to {n_layers - 1}")
        return self.lowest_layer
