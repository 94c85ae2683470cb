"""How well a forecast agrees with training here: plain DPO is trained with the recipe's seeds, and the forecast held against it."""

from collections.abc import Sequence
from pathlib import Path

from offtarget.forecast.records import Forecast, Validity
from offtarget.progress import Progress
from offtarget.store import Store
from offtarget.verification.predictor_board import STATISTICS
from offtarget.verification.records import Outcome
from offtarget.verification.run import verify, write


def calibrated(found: Forecast, folder: Path, store: Store, progress: Progress | None = None) -> Forecast:
    """The forecast with its validity measured on this set, beside `verification.json` in the same folder.

    Args:
        found: a forecast that was made in the folder.
        folder: of the forecast.
        store: where everything is kept.
        progress: called with (what, done, total).
    """
    seen = verify(folder, level=found.level, store=store, progress=progress)
    write(seen, folder)
    family = found.validity.family
    mine = [
        o
        for o in seen.outcomes
        if (o.predictor, o.family, o.rows) == (found.predictor, family, "trained") and o.statistic in STATISTICS
    ]
    if not mine:
        return found
    return found.model_copy(update={"validity": _of(found, mine)})


def _of(found: Forecast, outcomes: Sequence[Outcome]) -> Validity:
    return Validity(
        known=True,
        family=found.validity.family,
        sets=tuple(f"{found.dataset}, seed {o.seed}" for o in outcomes),
        r2=tuple(o.control.raw.r2 for o in outcomes),
        r2_equal=tuple(o.control.by_row.r2 for o in outcomes),
        surest=tuple(o.control.surest.right for o in outcomes),
    )
