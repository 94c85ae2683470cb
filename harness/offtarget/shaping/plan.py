"""A shaping plan: everything a protocol may ask of the trainer, row by row.

Every protocol reduces to three things: *row edits* (leave a pair out, swap its sides, add one), *row columns*
(a weight for the pair's gradient, an offset for each side's reward, text of an answer that is not learned from or that
weighs more or less than the rest, a prompt that the policy alone sees), and *hooks* (a change of the policy's forward
pass while it trains). A relative of DPO's loss is a plan too: it names the loss. The trainer knows plans, not protocols.

The loss of a row is  −w · log σ(β Δ_θ + o⁺ − o⁻),  with Δ_θ the difference of the policy's log-ratios to
the reference (arXiv 2606.12360, section 2; offsets as its L_EA-DPO). A frozen offset rescales the pair's
gradient by σ(−(βΔ+o))/σ(−βΔ): between 0 and 2 times where Δ = 0. It never reverses a pair; a flip does.

With token weights the log-ratio of an answer is Σ_t w_t log(π(y_t)/π_ref(y_t)), for policy and reference alike: the
implicit reward is a weighted sum over tokens (as in TIS-DPO, arXiv 2410.04350, without its term of the sequential KL).
A masked token is one of weight 0.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import Message, Pair, text_of
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.shaping.hooks import Hook

FloatRow = NDArray[np.float64]
BoolRow = NDArray[np.bool_]
Spans = tuple[tuple[int, int], ...]
"""Ranges of characters in an answer's text (`data.pairs.text_of`), in order, none touching another."""
NOTHING: Spans = ()
WeightedSpans = tuple[tuple[int, int, float], ...]
"""Ranges of characters as in `Spans`, here allowed to touch, each with the weight of its tokens."""
OFFSETS = ("offset_chosen", "offset_rejected")
LEAST_WEIGHT = 0.01
"""Gradient relative to plain DPO's under which a pair is as good as left out."""
LOSS_OPTIONS = frozenset({"loss", "beta", "label_smoothing", "ld_alpha", "wpo"})
"""What of `training.spec.TrainingSpec` a plan may set."""


def sigmoid(x: FloatRow) -> FloatRow:
    """1/(1 + e^(−x)), for any x."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _in_order(spans: Any) -> bool:
    """Whether these are ranges of characters, each after the one before."""
    try:
        ends = [-1, *(int(x) for a, b in spans for x in (a, b))]
    except (TypeError, ValueError):
        return False
    return all(a < b for a, b in pairwise(ends))


def _wrong_weight(spans: Any) -> str:
    """What is wrong with ranges of characters that have weights; nothing: ""."""
    try:
        found = [(int(a), int(b), float(w)) for a, b, w in spans]
    except (TypeError, ValueError):
        return "should be ranges of characters with a weight each: (start, end, weight)"
    if any(a < 0 or a >= b for a, b, _ in found) or any(x[1] > y[0] for x, y in pairwise(found)):
        return "should be ranges of characters in order, none in another"
    bad = next((w for *_, w in found if not (np.isfinite(w) and w >= 0)), None)
    return "" if bad is None else f"has the weight {bad:g}; a weight is a finite number of at least 0"


def _is_prompt(prompt: Any) -> bool:
    """Whether an answer can follow it: turns with role and text, the last of a user."""
    turns = isinstance(prompt, list | tuple) and all(
        isinstance(t, Mapping) and {"role", "content"} <= t.keys() for t in prompt
    )
    return bool(turns and prompt and prompt[-1]["role"] == "user" and text_of(prompt))


@dataclass(frozen=True, eq=False)
class ShapingPlan:
    """What to do with each pair of a training set.

    Arrays and tuples have one entry a pair: the set's pairs in their order, then those of `added`. What belongs to
    an answer (offset, mask, token weights, prompt, coefficient of a hook) stays with that answer when the pair is flipped.

    Example:
        >>> import numpy as np
        >>> import offtarget
        >>> pairs = offtarget.load_pairs("planted-style", limit=60).pairs
        >>> keep = np.arange(len(pairs)) < 40
        >>> plan = offtarget.ShapingPlan.identity("the first forty", pairs).edit(keep=keep).check()
        >>> plan.summary()["left_out"]
        20
    """

    protocol: str
    pair_ids: tuple[str, ...]
    keep: BoolRow
    flip: BoolRow
    weight: FloatRow
    """Factor on the pair's gradient; rescaled to mean 1 over the kept rows by the trainer."""
    offset_chosen: FloatRow
    """o⁺ in nats, added inside the sigmoid."""
    offset_rejected: FloatRow
    """o⁻ in nats, subtracted inside the sigmoid."""
    mask_chosen: tuple[Spans, ...] | None = None
    """(n_pairs,) text of the chosen answer that counts neither for the policy nor for the reference."""
    mask_rejected: tuple[Spans, ...] | None = None
    """The same of the rejected answer."""
    token_weight_chosen: tuple[WeightedSpans, ...] | None = None
    """(n_pairs,) what tokens of the chosen answer weigh in its log-probability, of the policy and of the reference; text
    outside of all ranges weighs 1. A token weighs what the range weighs of which it stands for any character, of several
    the least. Weight 0 is a mask."""
    token_weight_rejected: tuple[WeightedSpans, ...] | None = None
    """The same of the rejected answer."""
    prompt_chosen: tuple[tuple[Message, ...] | None, ...] | None = None
    """(n_pairs,) what the policy reads before the chosen answer instead of the prompt; None: the prompt. The
    reference always reads the prompt."""
    prompt_rejected: tuple[tuple[Message, ...] | None, ...] | None = None
    """The same before the rejected answer."""
    added: tuple[Pair, ...] = ()
    """Pairs that the set does not have."""
    hooks: tuple[Hook, ...] = ()
    loss: Mapping[str, Any] = field(default_factory=dict)
    """Options of the loss instead of the recipe's: `LOSS_OPTIONS`."""
    control: bool = False
    """The protocol means to change nothing (plain DPO)."""
    notes: tuple[str, ...] = ()
    """What a person should know before training: correlations, rows that could not be scored."""
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def identity(cls, protocol: str, pairs: Sequence[Pair], **kw: Any) -> "ShapingPlan":
        """Plain DPO: every row as it is."""
        n = len(pairs)
        return cls(
            protocol=protocol,
            pair_ids=tuple(p.id for p in pairs),
            keep=np.ones(n, bool),
            flip=np.zeros(n, bool),
            weight=np.ones(n),
            offset_chosen=np.zeros(n),
            offset_rejected=np.zeros(n),
            **kw,
        )

    def edit(self, **changes: Any) -> "ShapingPlan":
        """A copy with some fields replaced."""
        return replace(self, **changes)

    @property
    def offset(self) -> FloatRow:
        """(n_pairs,) o⁺ − o⁻: positive means the pair is already explained, so it teaches less."""
        return self.offset_chosen - self.offset_rejected

    def add(self, pairs: Sequence[Pair]) -> "ShapingPlan":
        """A copy with more pairs at the end, trained on as they are.

        Raises:
            ConfigError: on a plan whose hooks, masks, token weights or prompts are set already; add pairs first.
        """
        if self.hooks or any(c is not None for c in self._answer_columns().values()):
            raise ConfigError(f"plan of '{self.protocol}': add pairs before hooks, masks, token weights and prompts")
        m = len(pairs)
        return replace(
            self,
            pair_ids=(*self.pair_ids, *(p.id for p in pairs)),
            keep=np.r_[self.keep, np.ones(m, bool)],
            flip=np.r_[self.flip, np.zeros(m, bool)],
            weight=np.r_[self.weight, np.ones(m)],
            offset_chosen=np.r_[self.offset_chosen, np.zeros(m)],
            offset_rejected=np.r_[self.offset_rejected, np.zeros(m)],
            added=(*self.added, *pairs),
        )

    def _answer_columns(self) -> dict[str, tuple[Any, ...] | None]:
        """The columns of masks, token weights and prompts, by name."""
        kinds = ("mask", "token_weight", "prompt")
        return {name: getattr(self, name) for kind in kinds for name in (f"{kind}_chosen", f"{kind}_rejected")}

    def masked(self, side: str) -> tuple[Spans, ...]:
        """(n_pairs,) the masked text of one side's answers."""
        found = self.mask_chosen if side == "chosen" else self.mask_rejected
        return (NOTHING,) * len(self.pair_ids) if found is None else found

    def token_weights(self, side: str) -> tuple[WeightedSpans, ...]:
        """(n_pairs,) the weighted text of one side's answers."""
        found = self.token_weight_chosen if side == "chosen" else self.token_weight_rejected
        return ((),) * len(self.pair_ids) if found is None else found

    def policy_prompts(self, side: str) -> tuple[tuple[Message, ...] | None, ...]:
        """(n_pairs,) the policy's own prompts before one side's answers; None where it reads the pair's."""
        found = self.prompt_chosen if side == "chosen" else self.prompt_rejected
        return (None,) * len(self.pair_ids) if found is None else found

    def _rows_with(self, column: str) -> BoolRow:
        """(n_pairs,) rows with a mask or their own prompt on either side."""
        both = [getattr(self, f"{column}_chosen"), getattr(self, f"{column}_rejected")]
        rows = np.zeros(len(self.pair_ids), bool)
        for side in both:
            if side is not None:
                rows |= np.array([bool(x) for x in side], bool)
        return rows

    @property
    def masked_rows(self) -> BoolRow:
        """(n_pairs,) rows of which some text is not learned from."""
        return self._rows_with("mask")

    @property
    def token_weighted_rows(self) -> BoolRow:
        """(n_pairs,) rows with text that weighs other than 1."""
        sides = [[any(w != 1 for *_, w in spans) for spans in self.token_weights(s)] for s in ("chosen", "rejected")]
        return np.asarray(np.array(sides, bool).reshape(2, -1).any(axis=0))

    @property
    def prompted_rows(self) -> BoolRow:
        """(n_pairs,) rows that the policy reads with another prompt."""
        return self._rows_with("prompt")

    @property
    def hooked_rows(self) -> BoolRow:
        """(n_pairs,) rows whose forward pass is changed."""
        rows = np.zeros(len(self.pair_ids), bool)
        for hook in self.hooks:
            rows |= hook.rows
        return rows

    @property
    def touched(self) -> BoolRow:
        """Rows that will not be trained on as plain DPO would."""
        changed = ~self.keep | self.flip | (self.relative_weight() != 1.0) | (self.offset != 0.0)
        changed |= self.masked_rows | self.token_weighted_rows | self.prompted_rows | self.hooked_rows
        if self.added:
            changed[-len(self.added) :] = True
        return np.asarray(changed | self.keep if self.loss else changed)

    def relative_weight(self) -> FloatRow:
        """(n_pairs,) weights as the trainer uses them: mean 1 over the kept rows."""
        kept = self.weight[self.keep]
        if len(kept) == 0 or kept.sum() <= 0 or (kept == kept[0]).all():
            return np.ones_like(self.weight)
        return np.asarray(self.weight / kept.mean())

    def start_weights(self) -> FloatRow:
        """(n_pairs,) gradient of each row at Δ = 0 relative to plain DPO: N/n_kept · w · 2σ(−o), 0 if left out.

        On average over an optimiser step: where rows are left out the others fill its batches, and added ones take their
        share of them, hence N/n_kept with N the set's own pairs and n_kept with those that are added. A training of whole
        epochs (max_steps −1) then takes fewer such steps; one of fixed steps sees the others more often.

        Negative for a flipped row: its gradient is reversed (and its offset with it, since an offset
        belongs to an answer). Hooks, masks, token weights and prompts are not in it: what they change is not a factor on
        a row.
        """
        offset = np.where(self.flip, -self.offset, self.offset)
        share = (len(self.keep) - len(self.added)) / max(1, int(self.keep.sum()))
        w = np.where(self.keep, share * self.relative_weight() * 2.0 * sigmoid(-offset), 0.0)
        return np.where(self.flip, -w, w)

    def beyond_rows(self) -> tuple[str, ...]:
        """What the plan asks for that is no weight on one of the set's rows, in words; nothing: `start_weights` says it all."""
        has = {
            "hooks on the forward pass": bool(self.hooks),
            "masked or weighted words": bool((self.masked_rows | self.token_weighted_rows).any()),
            "prompts of its own": bool(self.prompted_rows.any()),
            "added pairs": bool(self.added),
            "another loss": bool(self.loss),
        }
        return tuple(what for what, there in has.items() if there)

    def summary(self) -> dict[str, Any]:
        """Counts and the effective-weight histogram, as JSON values."""
        w = self.start_weights()
        edges = [-2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
        if len(w) and w.min() < edges[0]:
            edges.insert(0, float(w.min()))
        if len(w) and w.max() > edges[-1]:
            edges.append(float(w.max()))
        counts, _ = np.histogram(w, bins=edges)
        return {
            "protocol": self.protocol,
            "pairs": len(self.pair_ids),
            "touched": int(self.touched.sum()),
            "left_out": int((~self.keep).sum()),
            "flipped": int((self.flip & self.keep).sum()),
            "shifted": int((self.offset[self.keep] != 0).sum()),
            "masked": int((self.masked_rows & self.keep).sum()),
            "token_weighted": int((self.token_weighted_rows & self.keep).sum()),
            "prompted": int((self.prompted_rows & self.keep).sum()),
            "added": len(self.added),
            "steered": int((self.hooked_rows & self.keep).sum()),
            "loss": dict(self.loss),
            "start_weight": {
                "median": float(np.median(w)),
                "mean": float(w.mean()),
                "edges": edges,
                "counts": [int(c) for c in counts],
            },
            "notes": list(self.notes),
            "details": self.details,
            "hash": self.hash,
        }

    @property
    def hash(self) -> str:
        """SHA-256 of all that the plan asks: plans that ask the same have the same hash."""
        digest = hashlib.sha256()
        for pid in self.pair_ids:
            digest.update(pid.encode() + b"\0")
        for a in (self.keep, self.flip, self.weight, self.offset_chosen, self.offset_rejected):
            digest.update(np.ascontiguousarray(a).tobytes())
        for h in self.hooks:
            h.update(digest)
        # only what a plan has: one without masks, token weights, prompts and added pairs keeps the hash that it always had
        columns: dict[str, Any] = {k: v for k, v in self._answer_columns().items() if v is not None}
        if self.added:
            columns["added"] = [[p.id, p.prompt, p.chosen, p.rejected] for p in self.added]
        if self.loss:
            columns["loss"] = dict(self.loss)
        if columns:
            digest.update(json.dumps(columns, sort_keys=True, default=np.generic.item).encode())
        return digest.hexdigest()

    def check(self, *, min_pairs: int = 8) -> "ShapingPlan":
        """Refuse a plan that cannot be trained or that would do nothing; give the plan back.

        Raises:
            ConfigError: wrong lengths, a NaN, a negative weight, or no effect on any row.
            UndecidedError: fewer than `min_pairs` rows are left.
        """
        n = len(self.pair_ids)
        for name, kind in (("keep", "b"), ("flip", "b"), ("weight", "f"), *((o, "f") for o in OFFSETS)):
            self._check_column(name, getattr(self, name), kind)
        for i, h in enumerate(self.hooks):
            if not isinstance(h, Hook):
                raise ConfigError(
                    f"plan of '{self.protocol}': hooks[{i}] is {type(h).__name__}, not a Steer or an Ablate"
                )
            self._check_column(f"hooks[{i}].chosen", h.chosen, "f")
            self._check_column(f"hooks[{i}].rejected", h.rejected, "f")
            h.check(f"plan of '{self.protocol}': hooks[{i}]")
        for name, column in self._answer_columns().items():
            if column is not None and len(column) != n:
                raise ConfigError(f"plan of '{self.protocol}': {name} has {len(column)} rows, the set has {n}")
        if len(set(self.pair_ids)) != n:
            seen: set[str] = set()
            twice = next(pid for pid in self.pair_ids if pid in seen or seen.add(pid))  # type: ignore[func-returns-value]
            raise ConfigError(f"plan of '{self.protocol}': the pair id {twice} occurs twice")
        self._check_answers()
        if unknown := set(self.loss) - LOSS_OPTIONS:
            raise unknown_name("loss option", sorted(unknown)[0], LOSS_OPTIONS)
        if (self.weight < 0).any():
            raise ConfigError(f"plan of '{self.protocol}': a weight is negative; to reverse a pair, flip it")
        if self.keep.any() and self.weight[self.keep].sum() == 0:
            raise ConfigError(f"plan of '{self.protocol}': every weight is 0, so nothing would be learned")
        if not self.control and not self.touched.any():
            raise ConfigError(
                f"plan of '{self.protocol}' changes nothing: no row would train otherwise than under plain DPO; "
                "both answers of every pair show the concept equally, or the sign of the strength is wrong (positive "
                "amplifies, negative suppresses)"
            )
        kept = int((np.abs(self.start_weights()) >= LEAST_WEIGHT).sum())
        if kept < min_pairs:
            raise UndecidedError(
                f"plan of '{self.protocol}' leaves {kept} of {n} pairs any weight; at least {min_pairs} are needed: lower "
                "its strength"
            )
        return self

    def _check_column(self, name: str, column: Any, kind: str) -> None:
        """Refuse a column of another length or kind (`b` or `f`), or with values that are not numbers."""
        n = len(self.pair_ids)
        what = {"b": "booleans", "f": "floats"}[kind]
        if not isinstance(column, np.ndarray) or column.ndim != 1 or column.dtype.kind != kind:
            is_now = (
                f"an array of {column.dtype} with {column.ndim} axes"
                if isinstance(column, np.ndarray)
                else type(column).__name__
            )
            raise ConfigError(
                f"plan of '{self.protocol}': {name} is {is_now}; it should be an array of {what}, one a pair"
            )
        if len(column) != n:
            raise ConfigError(f"plan of '{self.protocol}': {name} has {len(column)} rows, the set has {n}")
        if kind == "f" and not np.isfinite(column).all():
            row = self.pair_ids[int(np.flatnonzero(~np.isfinite(column))[0])]
            raise ConfigError(f"plan of '{self.protocol}': {name} of row {row} is not a number")

    def _check_answers(self) -> None:
        """Refuse masks out of order, token weights that are none, and prompts that no answer can follow."""
        for side in ("chosen", "rejected"):
            columns = (self.masked(side), self.token_weights(side), self.policy_prompts(side))
            for pid, spans, weighted, prompt in zip(self.pair_ids, *columns, strict=True):
                if not _in_order(spans):
                    raise ConfigError(
                        f"plan of '{self.protocol}': mask_{side} of row {pid} should be ranges of characters in order"
                    )
                if wrong := _wrong_weight(weighted):
                    raise ConfigError(f"plan of '{self.protocol}': token_weight_{side} of row {pid} {wrong}")
                if prompt is not None and not _is_prompt(prompt):
                    raise ConfigError(
                        f"plan of '{self.protocol}': prompt_{side} of row {pid} should end in a user turn"
                    )
