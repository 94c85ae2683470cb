"""What a prediction costs, in the measure in which training is counted: tokens that pass forward through the model.

A forward pass counts each of its tokens once, a backward pass as in `offtarget.board.cost`. A sampled token is one pass of one
token, though it takes longer. Nothing is counted for the features of the data, which the audit has read, nor for reading answers
by the lenses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from offtarget.board.cost import BACKWARD
from offtarget.engine.run import Run
from offtarget.verification.records import Price

Need = Literal["rows", "own", "own_read", "own_training", "gradient", "answers", "steps:4", "steps:8", "steps:16"]
"""rows: a forward pass over the training rows. own: the start model's own answers to the held-out prompts, sampled; own_read: read
once more; own_training: one sampled to each training row. gradient: the mean gradient of the training loss. answers: those of
another model and of the start model to the held-out prompts. steps: of training."""


@dataclass(frozen=True)
class Work:
    """How much there is to pass through the model."""

    rows: float
    """Tokens of the training rows, both sides with their prompts."""
    n_rows: int
    held: float
    """Tokens of the held-out prompts."""
    n_held: int
    answer: float
    """Tokens of an answer, on average."""
    samples: int
    """Answers of a policy to each held-out prompt."""
    own_samples: int
    """Answers of the start model to each."""
    steps: float
    """Training steps."""
    batch: int
    """Pairs in one."""
    backward: float
    """A backward pass in forward passes."""

    @classmethod
    def of(cls, run: Run, held: Sequence[int], answer: float) -> "Work":
        """The work of a run.

        Args:
            run: it.
            held: tokens of each held-out prompt.
            answer: tokens of an answer, on average.
        """
        spec, options = run.recipe.training, run.recipe.verification
        rows = sum(
            len(t.sequence(side, spec.max_length)) for t in run.training_set.ids for side in ("chosen", "rejected")
        )
        batch = spec.batch_size * spec.gradient_accumulation
        n = len(run.training_set.ids)
        return cls(
            rows=rows,
            n_rows=n,
            held=sum(held),
            n_held=len(held),
            answer=answer,
            samples=options.samples,
            own_samples=options.own_samples,
            steps=spec.max_steps if spec.max_steps > 0 else spec.epochs * n / batch,
            batch=batch,
            backward=BACKWARD.get(spec.method, 2.0),
        )

    @property
    def training(self) -> float:
        """One policy: the reference, then forward and backward for every pair of every step."""
        return self.rows * (1 + self._passes(self.steps) * (1 + self.backward))

    def _passes(self, steps: float) -> float:
        """Over all rows."""
        return steps * self.batch / self.n_rows

    def of_need(self, need: Need) -> float:
        """Forward-equivalent tokens of one thing."""
        asked = self.held + self.n_held * self.answer
        if need.startswith("steps:"):
            return self.rows * min(1.0, self._passes(int(need[6:]))) * (2 + self.backward)
        return {
            "rows": self.rows,
            "own": self.own_samples * asked,
            "own_read": self.own_samples * asked,
            "own_training": self.rows / 2 + self.n_rows * self.answer / 2,
            "gradient": self.rows * (2 + self.backward),
            "answers": 2 * self.samples * asked,
        }[need]

    def price(self, needs: Sequence[Need]) -> Price:
        """Of a predictor that needs these."""
        tokens = sum(self.of_need(need) for need in needs)
        return Price(tokens=round(tokens), of_training=round(tokens / self.training, 4))
