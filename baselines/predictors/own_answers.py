"""Own answers: how far chosen is from what the start model says itself, and how far that is from rejected.

DPO raises chosen against rejected, yet a policy can only grow what it samples. So the start model answers the training prompts,
and its answers stand in for one side or the other. The two predictions add up to the disparity.
"""

from dataclasses import dataclass, replace

import numpy as np

from offtarget.audit.statistics.means import Ints
from offtarget.data.pairs import Message, Pair, PairSet
from offtarget.evals.policy import Sampling
from offtarget.evals.pool import rollouts
from offtarget.lens.table import features_of
from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.sides import Side
from offtarget.verification.sums import GroupSums


@dataclass(frozen=True, eq=False)
class Own:
    """The start model's answers to the training prompts."""

    rows: Ints
    """Those with an answer that is not empty."""
    against_rejected: Side
    """These rows with the own answer as chosen."""
    under_chosen: Side
    """These rows with the own answer as rejected: their lengths; no features."""


def own_answers(given: PredictionInput) -> Own:
    """Sample and read them, with a seed that no observed policy has."""
    run, options = given.run, given.run.recipe.verification
    sampling = Sampling(options.max_tokens, options.temperature, seed=given.asked.spare_seed() * 1000)
    pairs = given.side.pairs.pairs
    found = rollouts(run.reader.doing("own answers"), [p.prompt for p in pairs], sampling)
    up, down, rows = [], [], []
    for i, p in enumerate(pairs):
        answer = found.find(p.prompt, sampling)
        if answer is not None and answer.text.strip():
            own: list[Message] = [{"role": "assistant", "content": answer.text}]
            up.append(Pair(f"{p.id}#own", p.group, p.prompt, own, p.rejected))
            down.append(replace(up[-1], chosen=p.chosen, rejected=own))
            rows.append(i)
    name = f"own answers to {run.pairs.name}"
    features = features_of(PairSet(name, up), given.asked.lenses, run.reader.during("own answers"), run.features)
    return Own(np.array(rows, dtype=np.int64), Side.of(PairSet(name, up), features), Side.of(PairSet(name, down), ()))


@predictor(
    name="own_rejected",
    cost="forward",
    needs=("own_training",),
    source="the projection difference of arXiv 2507.21509, on the rejected side",
    formula="mean over pairs of s(own answer of the start model) − s(rejected)",
)
def own_rejected(given: PredictionInput) -> GroupSums:
    """How far the start model's own answers are from rejected."""
    side = given.once(lambda: own_answers(given), "own answers").against_rejected
    return side.sums(given.concepts.differences(side))


@predictor(
    name="own_chosen",
    cost="forward",
    needs=("own_training",),
    source="the projection difference of arXiv 2507.21509",
    formula="mean over pairs of s(chosen) − s(own answer of the start model)",
)
def own_chosen(given: PredictionInput) -> GroupSums:
    """How far chosen is from the start model's own answers."""
    own = given.once(lambda: own_answers(given), "own answers")
    whole = given.concepts.differences(given.side)[own.rows]
    return own.under_chosen.sums(whole - given.concepts.differences(own.against_rejected))
