"""What a plan may do to the policy's forward pass while it trains: add a vector, or take directions out.

A hook acts on the output of a decoder layer, of its attention or of its MLP; with a coefficient for each row and
side, at the positions of its span. The reference never sees it, and it is gone after training.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from offtarget.errors import ConfigError

FloatRow = NDArray[np.float64]
Module = Literal["layer", "attention", "mlp"]
"""Whose output is changed; "layer" is the residual stream after the layer."""
Span = Literal["last_turn", "answer", "all"]
"""From the start of the last user turn to the end; the answer's tokens; every position."""

MODULES, SPANS = get_args(Module), get_args(Span)


@dataclass(frozen=True, eq=False, kw_only=True)
class Hook:
    """Base of the two kinds: where, and how strongly on each row."""

    layer: int
    """Index of the decoder layer, from 0."""
    chosen: FloatRow
    """(n_pairs,) coefficient on the chosen side."""
    rejected: FloatRow
    """(n_pairs,) coefficient on the rejected side."""
    module: Module = "layer"
    span: Span = "last_turn"

    directions: NDArray[np.float32]
    """What is added or taken out; its shape is that of the kind."""

    kind: ClassVar[str] = ""
    axes: ClassVar[int] = 1
    """Of `directions`."""

    @property
    def rows(self) -> NDArray[np.bool_]:
        """(n_pairs,) rows on which it does something."""
        acts: NDArray[np.bool_] = ((self.chosen != 0.0) | (self.rejected != 0.0)) & bool(self.directions.any())
        return acts

    def update(self, digest: Any) -> None:
        """Feed a hash with all that the hook asks."""
        where = "" if (self.module, self.span) == ("layer", "last_turn") else f" {self.module} {self.span}"
        digest.update(f"{self.kind} {self.layer}{where}".encode())
        for a in (self.directions.astype(np.float32), self.chosen, self.rejected):
            digest.update(np.ascontiguousarray(a).tobytes())

    def check(self, name: str) -> None:
        """Refuse a wrong shape or a value that is not a number.

        Raises:
            ConfigError: names the hook.
        """
        for what, value, known in (("module", self.module, MODULES), ("span", self.span, SPANS)):
            if value not in known:
                raise ConfigError(f"{name}: {what} {value!r} should be one of {', '.join(known)}")
        if not isinstance(self.directions, np.ndarray) or self.directions.ndim != self.axes:
            raise ConfigError(f"{name}: its {self.kind} directions should be an array of {self.axes} axes")
        if not np.isfinite(self.directions).all():
            raise ConfigError(f"{name}: its {self.kind} directions have values that are not numbers")


@dataclass(frozen=True, eq=False, kw_only=True)
class Steer(Hook):
    """h ← h + α v, with α the row's coefficient in units of the residual stream (arXiv 2606.12360, section 2.2).

    Its `directions` are v (d_model,), of unit norm.

    Example:
        >>> import numpy as np
        >>> import offtarget
        >>> v = np.array([0.6, 0.8], dtype=np.float32)
        >>> hook = offtarget.Steer(layer=12, directions=v, chosen=np.array([1.0, 0.0]), rejected=np.zeros(2))
        >>> hook.rows.tolist()
        [True, False]
    """

    kind: ClassVar[str] = "steer"


@dataclass(frozen=True, eq=False, kw_only=True)
class Ablate(Hook):
    """h ← h − α (h Qᵀ) Q, with α between 0 (nothing) and 1 (the whole projection) (CAFT, arXiv 2507.16795).

    Its `directions` are Q (k, d_model), orthonormal rows.

    Example:
        >>> import numpy as np
        >>> import offtarget
        >>> q = np.eye(1, 4, dtype=np.float32)
        >>> offtarget.Ablate(layer=12, directions=q, chosen=np.ones(2), rejected=np.ones(2)).check("hooks[0]")
        >>> offtarget.Ablate(layer=12, directions=2 * q, chosen=np.ones(2), rejected=np.ones(2)).check("hooks[0]")
        Traceback (most recent call last):
        ...
        offtarget.errors.ConfigError: hooks[0]: the rows of its directions are not orthonormal; pass them through a QR first
    """

    kind: ClassVar[str] = "ablate"
    axes: ClassVar[int] = 2

    def check(self, name: str) -> None:
        """As for every hook; and rows that are not orthonormal are refused, since they would not be projected out."""
        super().check(name)
        q = self.directions.astype(np.float64)
        if q.any() and not np.allclose(q @ q.T, np.eye(len(q)), atol=1e-4):
            raise ConfigError(f"{name}: the rows of its directions are not orthonormal; pass them through a QR first")
