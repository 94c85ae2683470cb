"""What a policy cost, in a measure that no machine is in: passes of the model over its training pairs."""

from offtarget.board.cell import Cell

BACKWARD = {"lora": 1.0, "full": 2.0}
"""A backward pass in forward passes: one for the gradient of activations and one for that of weights (Kaplan et al. 2020,
arXiv 2001.08361, table 1). Weights that LoRA leaves frozen need none, so of theirs the first remains."""


def forward_equivalents(cell: Cell) -> float | None:
    """Forward passes over all training pairs, both sides, that making the policy is worth.

    One for the reference log-probabilities, and for each time that the pairs were trained on a forward and a backward pass
    (`BACKWARD`). Steering and cached lower layers change the seconds and not this number; sampling of answers is not in it.

    Returns:
        0 for the model before training; None where the cell does not say how many pairs a step takes.
    """
    if cell.training is None:
        return 0.0
    spec = cell.spec.training
    per_step = [spec.get("batch_size"), spec.get("gradient_accumulation", 1), spec.get("processes", 1)]
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in per_step) or not cell.manifest.n_pairs:
        return None
    pairs = cell.training.steps
    for n in per_step:
        pairs *= int(str(n))
    passes = pairs / cell.manifest.n_pairs
    return 1.0 + passes * (1.0 + BACKWARD.get(str(spec.get("method", "lora")), 2.0))


def seconds_in_words(cells_seconds: float, n: int) -> str:
    """Mean wall-clock seconds of a cell: `10 min`, `42 s`; a dash where all of it came from the store."""
    if not n or not cells_seconds:
        return "–"
    mean = cells_seconds / n
    return f"{mean:.0f} s" if mean < 99.5 else f"{mean / 60:.0f} min" if mean < 5970 else f"{mean / 3600:.1f} h"
