"""Does a protocol keep the promises that all protocols make? Tried on 64 planted pairs, without training.

The promises: positive strengths amplify and negative ones suppress; strength 0 is plain DPO; the same seed gives the same
plan (within one process); without a decision there is one readable line; the plan of a pair does not depend on the order of
the pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from offtarget.data.loading import load_pairs
from offtarget.data.pairs import PairSet
from offtarget.engine.planning import readings_of
from offtarget.errors import ConfigError, OfftargetError
from offtarget.lens import surface
from offtarget.lens.reader import Reader
from offtarget.models import EMBEDDED
from offtarget.registry import default
from offtarget.shaping.context import ShapingContext, Target, WordScores
from offtarget.shaping.plan import FloatRow, ShapingPlan
from offtarget.shaping.protocol import make_plan, needs_concept
from offtarget.shaping.readings import StoredReadings
from offtarget.store import Store

DATASET, PAIRS = "planted-style", 64
CONCEPT = "surface:markdown"
"""Planted in chosen more often than in rejected."""
TOKENS = 256
"""Of prompt and answer that are read of the embedded model."""
FEWEST = 8

Verdict = Literal["kept", "broken", "not asked"]


@dataclass(frozen=True)
class Check:
    """One promise, and what was seen."""

    name: str
    verdict: Verdict
    seen: str


def check_protocol(name: str, parameters: Mapping[str, Any], store: Store) -> list[Check]:
    """Try a protocol on 64 planted pairs.

    Args:
        name: of the protocol, as the registry knows it.
        parameters: its parameters; a strength among them is the one that is tried.
        store: where activations are kept, for protocols that read the embedded model.

    Returns:
        One entry for each promise.

    Raises:
        ConfigError: an unknown protocol or parameter, or a protocol that makes no plan at all for these pairs.
    """
    strength = parameters.get("strength", default().get("protocol", name).card["parameters"].get("strength"))
    tried = _Tried(name, dict(parameters), load_pairs(DATASET, head=PAIRS), store)
    plan = tried.plan(-1)
    return [
        _card(tried, strength),
        _sign(tried, strength),
        _turned(tried, strength),
        _zero(tried, strength),
        _same_seed(tried, plan),
        _empty(tried),
        _order(tried, plan),
    ]


@dataclass(frozen=True, eq=False)
class _Tried:
    """A protocol, and the pairs that it is tried on."""

    name: str
    parameters: dict[str, Any]
    pairs: PairSet
    store: Store

    @cached_property
    def readings(self) -> StoredReadings:
        """What the surface rules and the embedded model say of the pairs."""
        return self.read(self.pairs)

    def read(self, pairs: PairSet) -> StoredReadings:
        """The same of other pairs."""
        features = surface.encode(pairs.pairs)
        members = {c.id: (c.id,) for c in features.columns}
        reader = Reader(EMBEDDED, self.store, TOKENS)
        return readings_of(pairs, [features], members, ["surface"], reader)

    def plan(
        self, sign: Literal[-1, 0, 1], *, seed: int = 0, readings: StoredReadings | None = None, **more: Any
    ) -> ShapingPlan:
        """The plan where the concept is amplified (1), suppressed (-1), or nothing was decided (0)."""
        read = readings or self.readings
        targets = (Target(CONCEPT, sign),) if sign else ()
        context = ShapingContext(read.pairs.pairs, targets, seed=seed, min_pairs=FEWEST, readings=read)
        return make_plan(self.name, context, {**self.parameters, **more})

    @property
    def margin(self) -> FloatRow:
        """(n_pairs,) whether chosen shows the concept, minus whether rejected does."""
        chosen, rejected = self.readings.presence(CONCEPT)
        return np.subtract(chosen, rejected, dtype=np.float64)

    def taught(self, plan: ShapingPlan) -> float:
        """Mean of gradient x margin over the pairs: how much the rows still teach the concept at the first step.

        An answer that shows the concept counts as much as its words that show it weigh on average.
        """
        shown, read = self.readings.presence(CONCEPT), self.readings.words(CONCEPT)
        chosen, rejected = (
            seen * _weight_of(side, plan, name)
            for seen, side, name in zip(shown, read, ("chosen", "rejected"), strict=True)
        )
        return float((plan.start_weights()[: len(chosen)] * (chosen - rejected)).mean())


def _weight_of(read: Sequence[WordScores], plan: ShapingPlan, side: str) -> FloatRow:
    """(n_pairs,) mean weight of the words that score above the mean of all; 1 where none does."""
    out = np.ones(len(read))
    for i, (words, masked, weighted) in enumerate(zip(read, plan.masked(side), plan.token_weights(side), strict=False)):
        each = np.full(len(words.scores), np.inf)
        for a, b, weight in (*((a, b, 0.0) for a, b in masked), *weighted):
            touched = (words.spans[:, 0] < b) & (words.spans[:, 1] > a)
            each[touched] = np.minimum(each[touched], weight)
        each[np.isinf(each)] = 1.0
        if (loud := words.scores > 0).any():
            out[i] = each[loud].mean()
    return out


def _only_rows(plan: ShapingPlan) -> bool:
    """Whether a plan acts by factors on pairs alone."""
    return not (_unseen(plan) or plan.masked_rows.any() or plan.token_weighted_rows.any())


def _unseen(plan: ShapingPlan) -> bool:
    """Whether a plan acts by more than factors on pairs and on their words."""
    return bool(plan.hooks or plan.added or plan.loss or plan.prompted_rows.any())


def _is_control(protocol: str) -> bool:
    """Whether a protocol acts blindly, so that no decision decides what it does to a pair."""
    return bool(default().get("protocol", protocol).card.get("family") == "control")


def _refused(error: OfftargetError) -> Verdict:
    """Broken where the plan itself was wrong; a protocol that says no by itself means it."""
    return "broken" if str(error).startswith("plan of '") else "not asked"


def _card(tried: _Tried, strength: Any) -> Check:
    card = default().get("protocol", tried.name).card
    missing = [k for k in ("source", *(("unit",) if strength is not None else ())) if not card.get(k)]
    if missing:
        return Check("card", "broken", f"the decorator does not state {' and '.join(missing)}")
    unit = f", strength in {card['unit']}" if strength is not None else ", no strength"
    blind = f", blind control {card['control']}" if card.get("control") else ""
    return Check("card", "kept", f"source {card['source']}{unit}{blind}")


def _sign(tried: _Tried, strength: Any) -> Check:
    name = "a positive strength amplifies, suppress takes back"
    if strength is None or not needs_concept(tried.name) or _is_control(tried.name):
        return Check(name, "not asked", "the protocol carries out no decision on a concept")
    try:
        up, down = tried.plan(1), tried.plan(-1)
    except OfftargetError as error:
        return Check(name, _refused(error), f"one of the two decisions is refused: {error}")
    if up.hash == down.hash:
        return Check(name, "broken", "amplify and suppress give the same plan")
    if _unseen(up) or _unseen(down):
        return Check(
            name,
            "not asked",
            "the plans differ; they act by more than factors on pairs or words: training must show it",
        )
    plain = float(tried.margin.mean())
    a, b = tried.taught(up), tried.taught(down)
    if isinstance(strength, int | float) and strength < 0:
        a, b = b, a
    seen = f"pairs teach {CONCEPT} by {b:+.3f} suppressed, {plain:+.3f} under plain DPO, {a:+.3f} amplified"
    if b <= plain <= a and plain in (a, b) and not (_only_rows(up) and _only_rows(down)):
        return Check(name, "not asked", f"{seen}: they act on other words than those that show it")
    return Check(name, "kept" if b < plain < a else "broken", seen)


def _turned(tried: _Tried, strength: Any) -> Check:
    name = "a negative strength turns the decision round"
    if not isinstance(strength, int | float) or not strength or not needs_concept(tried.name):
        return Check(name, "not asked", "the protocol has no strength that turns a decision")
    try:
        same = tried.plan(1).hash == tried.plan(-1, strength=-strength).hash
    except OfftargetError as error:
        return Check(name, _refused(error), f"refused: {error}")
    seen = f"suppress at {-strength:g} and amplify at {strength:g} are {'the same plan' if same else 'two plans'}"
    return Check(name, "kept" if same else "broken", seen)


def _zero(tried: _Tried, strength: Any) -> Check:
    name = "strength 0 is plain DPO"
    if strength is None:
        return Check(name, "not asked", "the protocol has no strength")
    try:
        plan = tried.plan(-1, strength=0)
    except ConfigError as error:
        if "changes nothing" in str(error):
            return Check(name, "kept", "the plan changes nothing, which is refused as it should be")
        return Check(name, _refused(error), f"refused: {error}")
    touched = int(plan.touched.sum())
    return Check(name, "broken" if touched else "kept", f"{touched} of {len(plan.pair_ids)} pairs are touched")


def _same_seed(tried: _Tried, plan: ShapingPlan) -> Check:
    again, other = tried.plan(-1).hash == plan.hash, tried.plan(-1, seed=1).hash == plan.hash
    seen = "another seed gives the same plan" if other else "another seed gives another plan"
    return Check("the same seed gives the same plan", "kept" if again else "broken", seen)


def _empty(tried: _Tried) -> Check:
    name = "without a decision it says so, or does what it always does"
    if needs_concept(tried.name):
        try:
            tried.plan(0)
        except ConfigError as error:
            return Check(name, "kept", f"refused: {error}")
        return Check(name, "broken", "it made a plan without a decision; state needs_concept=False if that is meant")
    return Check(name, "kept", f"{int(tried.plan(0).touched.sum())} of {len(tried.pairs)} pairs are touched")


def _order(tried: _Tried, plan: ShapingPlan) -> Check:
    name = "the plan of a pair does not depend on the order of the pairs"
    if _is_control(tried.name):
        return Check(name, "not asked", "a control is dealt out by the order of the pairs")
    shuffled = np.random.default_rng(0).permutation(len(tried.pairs))
    here, moved = _by_pair(plan), set[str]()
    for order in (np.arange(len(tried.pairs))[::-1], shuffled):
        pairs = replace(tried.pairs, pairs=[tried.pairs.pairs[i] for i in order])
        there = _by_pair(tried.plan(-1, readings=tried.read(pairs)))
        moved |= {k for k, asked in here.items() if there.get(k) != asked}
    return Check(
        name, "broken" if moved else "kept", f"{len(moved)} of {len(here)} pairs are treated otherwise in another order"
    )


def _by_pair(plan: ShapingPlan) -> dict[str, Any]:
    """All that a plan asks of each pair, by its id; numbers to six digits."""
    columns: list[Any] = [np.round(plan.start_weights(), 6), np.round(plan.offset_chosen, 6), plan.keep, plan.flip]
    columns += [np.round(side, 6) for hook in plan.hooks for side in (hook.chosen, hook.rejected)]
    of_words = [plan.token_weights(side) for side in ("chosen", "rejected")]
    columns += [[[(a, b, round(w, 6)) for a, b, w in row] for row in side] for side in of_words]
    columns += [find(side) for find in (plan.masked, plan.policy_prompts) for side in ("chosen", "rejected")]
    return {pid: tuple(repr(c[i]) for c in columns) for i, pid in enumerate(plan.pair_ids)}
