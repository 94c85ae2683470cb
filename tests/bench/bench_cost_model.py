"""How far the model of costs (`offtarget.engine.scale`) is from what committed cells took.

Time is modelled as operations over a rate. So the seconds of training and of evaluation of every committed cell are divided by the
forward-equivalent tokens that the model counts, and by the median of its set: 1 is a cell that took what the model says. Printed: how
far cells are from 1, within a set (where the machine and other work beside it differ) and between sets (where lengths do).

    python tests/bench/bench_cost_model.py [CELLS ...]
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from offtarget.board.cell import Cell
from offtarget.board.cost import forward_equivalents
from offtarget.board.folder import read_folders


def tokens_trained(cell: Cell) -> float | None:
    """Forward-equivalent answer tokens of a training."""
    passes = forward_equivalents(cell)
    if cell.training is None or not cell.training.tokens or not passes:
        return None
    return passes * cell.training.tokens


def spread(ratios: dict[str, list[float]]) -> str:
    """10 and 90 % of ratios to the median of their set, and the range of medians over sets."""
    own = np.concatenate([np.array(r) / np.median(r) for r in ratios.values()])
    medians = np.array([np.median(r) for r in ratios.values()])
    low, high = np.quantile(own, [0.1, 0.9])
    apart = medians / np.exp(np.mean(np.log(medians)))
    return (
        f"{len(own)} cells of {len(medians)} sets: within a set 80 % lie between {low:.2f} and {high:.2f} times the model, sets between "
        f"{apart.min():.2f} and {apart.max():.2f}"
    )


def main() -> None:
    """Read the cells and print."""
    root = Path(__file__).resolve().parents[2] / "results"
    folders = [Path(f) for f in sys.argv[1:]] or [root / "cells", root / "reference" / "cells"]
    training: dict[str, list[float]] = defaultdict(list)
    for cell in read_folders([f for f in folders if f.is_dir()]).cells:
        tokens, seconds = tokens_trained(cell), cell.cost.seconds.get("train")
        if tokens and seconds:
            training[f"{cell.spec.dataset} {cell.spec.training.get('max_steps')}"].append(seconds / tokens)
    print("training,", spread({k: v for k, v in training.items() if len(v) >= 5}))


if __name__ == "__main__":
    main()
