"""A shaping plan: everything a protocol may ask of the trainer, row by row.

Every protocol reduces to three things: *row edits* (leave a pair out, swap its sides), *row columns*
(a weight for the pair's gradient, an offset for each side's reward), and *hooks* (a vector added to the
residual stream of the policy while it trains). The trainer knows plans, not protocols.

The loss of a row is  −w · log σ(β Δ_θ + o⁺ − o⁻),  with Δ_θ the difference of the policy's log-ratios to
the reference (arXiv 2606.12360, section 2; offsets as its L_EA-DPO). A frozen offset rescales the pair's
gradient by σ(−(βΔ+o))/σ(−βΔ): between 0 and 2 times where Δ = 0. It never reverses a pair; a flip does.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError, UndecidedError

FloatRow = NDArray[np.float64]
BoolRow = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Steer:
    """Adds `alpha · vector` to the residual stream after a decoder layer, in the policy only.

    The vector is added at every position from the start of the last user turn to the end; the reference
    never sees it, and it is gone after training.
    """

    layer: int
    """Index of the decoder layer whose output is shifted."""
    vector: NDArray[np.float32]
    """(d_model,), of unit norm."""
    alpha_chosen: FloatRow
    """(n_pairs,) coefficient on the chosen side, in residual-stream units."""
    alpha_rejected: FloatRow
    """(n_pairs,) coefficient on the rejected side."""


@dataclass(frozen=True, eq=False)
class ShapingPlan:
    """What to do with each pair of a training set. Arrays have one entry a pair, in the set's order."""

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
    steer: tuple[Steer, ...] = ()
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

    @property
    def touched(self) -> BoolRow:
        """Rows that will not be trained on as plain DPO would."""
        weight = self.relative_weight()
        changed: BoolRow = ~self.keep | self.flip | (weight != 1.0) | (self.offset != 0.0)
        for hook in self.steer:
            if hook.vector.any():
                changed = changed | (hook.alpha_chosen != 0.0) | (hook.alpha_rejected != 0.0)
        return changed

    def relative_weight(self) -> FloatRow:
        """(n_pairs,) weights as the trainer uses them: mean 1 over the kept rows."""
        kept = self.weight[self.keep]
        if len(kept) == 0 or kept.sum() <= 0 or (kept == kept[0]).all():
            return np.ones_like(self.weight)
        return np.asarray(self.weight / kept.mean())

    def start_weights(self) -> FloatRow:
        """(n_pairs,) gradient of each row at Δ = 0 relative to plain DPO: w · 2σ(−o), 0 if left out.

        Negative for a flipped row: its gradient is reversed (and its offset with it, since an offset
        belongs to an answer). Hooks are not in it.
        """
        offset = np.where(self.flip, -self.offset, self.offset)
        w = np.where(self.keep, self.relative_weight() * 2.0 / (1.0 + np.exp(offset)), 0.0)
        return np.where(self.flip, -w, w)

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
            "steered": int(sum(((h.alpha_chosen != 0) | (h.alpha_rejected != 0)).sum() for h in self.steer)),
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
        for h in self.steer:
            digest.update(f"steer {h.layer}".encode())
            for b in (h.vector.astype(np.float32), h.alpha_chosen, h.alpha_rejected):
                digest.update(np.ascontiguousarray(b).tobytes())
        return digest.hexdigest()

    def check(self, *, min_pairs: int = 8) -> "ShapingPlan":
        """Refuse a plan that cannot be trained or that would do nothing; give the plan back.

        Raises:
            ConfigError: wrong lengths, a NaN, a negative weight, or no effect on any row.
            UndecidedError: fewer than `min_pairs` rows are left.
        """
        n = len(self.pair_ids)
        arrays: dict[str, NDArray[Any]] = {
            "keep": self.keep,
            "flip": self.flip,
            "weight": self.weight,
            "offset_chosen": self.offset_chosen,
            "offset_rejected": self.offset_rejected,
        }
        for i, h in enumerate(self.steer):
            arrays[f"steer[{i}].alpha_chosen"] = h.alpha_chosen
            arrays[f"steer[{i}].alpha_rejected"] = h.alpha_rejected
            if not np.isfinite(h.vector).all():
                raise ConfigError(
                    f"plan of '{self.protocol}': steer[{i}].vector has values that are not numbers"
                )
        for name, a in arrays.items():
            if a.shape != (n,):
                raise ConfigError(f"plan of '{self.protocol}': {name} has {a.shape[0]} rows, the set has {n}")
            if not np.isfinite(a.astype(float)).all():
                row = self.pair_ids[int(np.flatnonzero(~np.isfinite(a.astype(float)))[0])]
                raise ConfigError(f"plan of '{self.protocol}': {name} of row {row} is not a number")
        if len(set(self.pair_ids)) != n:
            raise ConfigError(f"plan of '{self.protocol}': a pair id occurs twice")
        if (self.weight < 0).any():
            raise ConfigError(f"plan of '{self.protocol}': a weight is negative; to reverse a pair, flip it")
        if self.keep.any() and self.weight[self.keep].sum() == 0:
            raise ConfigError(f"plan of '{self.protocol}': every weight is 0, so nothing would be learned")
        if not self.control and not self.touched.any():
            raise ConfigError(
                f"plan of '{self.protocol}' changes nothing: no row would train otherwise than under plain DPO; "
                "check the concept and the strength (positive amplifies, negative suppresses)"
            )
        kept = int(self.keep.sum())
        if kept < min_pairs:
            raise UndecidedError(
                f"plan of '{self.protocol}' leaves {kept} of {n} pairs; at least {min_pairs} are needed: lower its strength"
            )
        return self
