"""What a board says of policies that another program trained."""

from collections.abc import Iterable

from offtarget.board.cell import Cell


def trained_elsewhere(cells: Iterable[Cell]) -> list[str]:
    """One line where another program trained policies of a board: under which plans, as their owner says."""
    claimed = set()
    for c in cells:
        if c.elsewhere:
            strength = c.spec.parameters.get("strength")
            name = f"{c.spec.protocol} {strength:g}" if isinstance(strength, int | float) else c.spec.protocol
            besides = "".join(f"; trl's DPOTrainer would not carry out {reason}" for reason in c.elsewhere.ignored)
            claimed.add(f"{name} ({c.elsewhere.plan_sha256[:12]}{besides})")
    if not claimed:
        return []
    return [
        "Trained elsewhere: another program trained these policies. That it did so under the plans that are named, and on their "
        f"rows, is their owner's word: {', '.join(sorted(claimed))}."
    ]
