"""One pass of the frozen start model over all training pairs: what every cell of a dataset shares.

Gives the reference log-probability of every answer token, and the hidden states that enter the lowest
trained layer. Filter, flip, mask, shaping, seeds and strengths all read the same numbers; trl's own cache misses
on each of these. Below the lowest trained layer (and the lowest hook) nothing changes during training, so
the layers there run once per dataset instead of once per step. Pairs that a plan adds, and answers that the policy
reads behind another prompt, are kept one by one: another strength adds some of them or takes some away.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from offtarget.models import ModelRef
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import Store
from offtarget.training.passes import Pass, Rows, StartReader
from offtarget.training.sides import Side, Sides, by_side
from offtarget.training.spec import PER_TOKEN_LOSSES
from offtarget.training.tokens import TokenPair


class Reference:
    """The reference of every answer of a plan, and the states from which the policy goes on.

    Args:
        trained: of all pairs that the plan may train on, those it adds last: chosen and rejected of each in turn.
        prompted: of answers behind prompts that the policy alone sees.
        where: (row, 0 for chosen or 1 for rejected) -> its sequence in `prompted`.
    """

    def __init__(
        self,
        trained: Sequence[Pass | Rows],
        prompted: Rows | None = None,
        where: dict[tuple[int, int], int] | None = None,
    ) -> None:
        self._passes = trained
        self._starts = np.cumsum([0, *(len(p) // 2 for p in trained)])
        self._prompted, self._where = prompted, where or {}
        kept = [p.layer for p in (*trained, *([prompted] if prompted else []))]
        self.layer: int | None = kept[0] if all(layer == kept[0] for layer in kept) else None
        """The layer that training starts from; None where it starts from the tokens."""

    def _find(self, row: int, side: int) -> tuple[Pass | Rows, int]:
        which = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self._passes[which], 2 * (row - int(self._starts[which])) + side

    def answer(self, row: int, side: int) -> NDArray[np.float64]:
        """(answer tokens,) reference log-probabilities of one answer behind its own prompt, before any mask."""
        found, k = self._find(row, side)
        return found.answer(k)

    def inputs(self, row: int, side: int) -> torch.Tensor:
        """(tokens, d_model) what enters `layer` as the policy reads one answer."""
        if self._prompted is not None and (row, side) in self._where:
            return self._prompted.inputs(self._where[row, side])
        found, k = self._find(row, side)
        return found.inputs(k)


def reference(
    model: Any,
    tokenizer: Any,
    ref: ModelRef,
    ids: Sequence[TokenPair],
    *,
    sides: Sides | None = None,
    n_added: int = 0,
    max_length: int,
    bf16: bool,
    prefix_layer: int | None,
    store: Store,
    progress: Any = None,
) -> Reference:
    """The reference of every pair, and of what the policy reads where that is something else.

    Args:
        model: the start model in float32, frozen.
        tokenizer: its tokenizer.
        ref: the model's identity.
        ids: the training pairs, those that a plan adds last.
        sides: what a plan makes of them; None: what they are.
        n_added: how many pairs the plan adds; they are kept one by one.
        max_length: where sequences are cut.
        bf16: run under bf16 autocast, as training will.
        prefix_layer: layer whose inputs are kept; None or 0 keeps none.
        store: where the result is kept.
        progress: called with (done, total) sequences.
    """
    reader = StartReader(model, tokenizer, ref, bf16, prefix_layer, store, progress)
    own = len(ids) - n_added

    def answers(some: Sequence[TokenPair]) -> tuple[list[list[int]], list[int]]:
        sequences = [t.sequence(side, max_length) for t in some for side in ("chosen", "rejected")]
        return sequences, [len(t.prompt) for t in some for _ in (0, 1)]

    first = reader.whole(*answers(ids[:own]))
    # where it is too much to keep, training starts from the tokens
    reader = replace(reader, prefix_layer=first.layer)
    trained: list[Pass | Rows] = [first]
    if n_added:
        trained.append(reader.one_by_one(*answers(ids[own:])))
    changed = [(i, s.source, s) for i, both in enumerate(sides or []) for s in both if s.policy_prompt != s.prompt]
    if not changed or not first.layer:
        return Reference(trained)
    prompted = reader.one_by_one(
        [s.sequence(policy=True) for *_, s in changed], [s.start(policy=True) for *_, s in changed]
    )
    return Reference(trained, prompted, {(i, source): k for k, (i, source, _) in enumerate(changed)})


def summed(reference: Reference, row: int, sides: tuple[Side, Side], ld_alpha: float | None) -> tuple[float, float]:
    """Reference log-probability of the side trained as chosen, and of the other: the weighted sum over its tokens, in nats.

    Args:
        reference: of every answer of the plan.
        row: the pair.
        sides: its answers as they are trained on.
        ld_alpha: LD-DPO: what the tokens count that one answer is longer by; None: as much as the others.
    """
    shared = min(int(s.counts.sum()) for s in sides)

    def total(side: Side) -> float:
        weight = side.weights.copy()
        if ld_alpha is not None:
            weight[np.cumsum(side.counts) > shared] *= ld_alpha
        return float(reference.answer(row, side.source)[: len(side.answer)] @ weight)

    return total(sides[0]), total(sides[1])


def offsets_in_loss(
    plan: ShapingPlan, sides: Sides, losses: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n_pairs,) offset of the side trained as chosen, and of the other: −o/β of it shifts the reference.

    A loss that takes the mean over an answer's tokens needs it times their number.

    Args:
        plan: whose offsets.
        sides: every row's answers in tokens.
        losses: names of trl's losses.
    """
    up, down = by_side(plan.flip, plan.offset_chosen, plan.offset_rejected)
    if not PER_TOKEN_LOSSES & {*losses}:
        return up, down
    tokens = np.array([[s.counts.sum() for s in both] for both in sides], dtype=float).reshape(-1, 2)
    return up * tokens[:, 0], down * tokens[:, 1]
