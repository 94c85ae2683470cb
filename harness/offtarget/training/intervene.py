"""Hooks of a plan at work: a change of the output of a layer, its attention or its MLP, per row and position."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from offtarget.architecture import ATTENTION, MLP
from offtarget.errors import ConfigError
from offtarget.shaping.hooks import Ablate, Hook, Module
from offtarget.training.sides import Side, Sides, by_side

PLACES: dict[Module, tuple[str, ...]] = {"attention": ATTENTION, "mlp": MLP}
"""What models call them."""


def module_of(layer: Any, module: Module) -> Any:
    """The module of a decoder layer that a hook is put on.

    Raises:
        ConfigError: the layer has none by any name that is known.
    """
    if module == "layer":
        return layer
    for name in PLACES[module]:
        if hasattr(layer, name):
            return getattr(layer, name)
    raise ConfigError(
        f"{type(layer).__name__} has no {module} (looked for {', '.join(PLACES[module])}); hook the layer instead"
    )


class Intervention:
    """The forward hook of a plan's `Hook`. Does nothing until `rows` says which rows the batch holds."""

    def __init__(self, hook: Hook, sides: Sides, flip: NDArray[np.bool_]) -> None:
        self.array = torch.from_numpy(np.array(hook.directions, np.float32))
        self.ablates = isinstance(hook, Ablate)
        self.strength = torch.from_numpy(np.stack(by_side(flip, hook.chosen, hook.rejected), 1)).float()

        def first(side: Side) -> int:
            if hook.span == "all":
                return 0
            return side.last_turn if hook.span == "last_turn" else side.start(policy=True)

        self.first = torch.tensor([[first(a), first(b)] for a, b in sides])
        self.rows: Tensor | None = None

    def __call__(self, module: Any, args: Any, output: Any) -> Any:
        """Shift or project the output of the rows of the batch, `[chosen; rejected]`."""
        if self.rows is None:
            return output
        hidden = output[0] if isinstance(output, tuple) else output
        device = hidden.device
        strength = torch.cat([self.strength[self.rows, 0], self.strength[self.rows, 1]]).to(device)
        first = torch.cat([self.first[self.rows, 0], self.first[self.rows, 1]]).to(device)
        on = torch.arange(hidden.shape[1], device=device)[None] >= first[:, None]
        factor = (strength[:, None] * on)[..., None]
        array = self.array.to(device)
        if self.ablates:
            shift = -factor * ((hidden.float() @ array.T) @ array)
        else:
            shift = factor * array
        changed = hidden + shift.to(hidden.dtype)
        return (changed, *output[1:]) if isinstance(output, tuple) else changed
