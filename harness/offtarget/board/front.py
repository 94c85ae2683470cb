"""Which rows no other beats, and in what share of draws of their noise that is so."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from offtarget.board.estimate import draw_means
from offtarget.board.measure import Measured, decides
from offtarget.board.records import Row
from offtarget.evals.panel import Floats, Panel
from offtarget.evals.scores import MANY_UNSCORED

DRAWS = 1000
SOLID = 0.5
"""From this share of draws on, a row is marked as on the front."""


def front_shares(rows: Sequence[Row], work: Sequence[Mapping[str, Measured]]) -> list[float | None]:
    """The share of draws in which each row is on the front of its intent; None for rows that are no candidates.

    In a draw, every policy's means move by the noise of prompts, sampling and training seeds, start's and plain DPO's
    alike for all rows. Suppressing rows are compared by recovery, amplifying ones by amplification, both by drift and
    capability against start. Plain DPO takes part without being marked; start does not: it learned nothing.

    Args:
        rows: of one board.
        work: what was measured of each, by behaviour.
    """
    out: list[float | None] = [None] * len(rows)
    for amplify in (False, True):
        asked = [i for i, r in enumerate(rows) if _candidate(r) and (r.intent == "amplify") == amplify]
        plain = [i for i, r in enumerate(rows) if r.kind == "plain" and not r.provisional]
        points = [(i, p) for i in [*plain, *asked] if (p := _draws(rows[i], work[i], amplify)) is not None]
        if not any(i in asked for i, _ in points):
            continue
        on = unbeaten(np.stack([p for _, p in points], axis=1)).mean(axis=0)
        for (i, _), share in zip(points, on, strict=True):
            if i in asked:
                out[i] = float(share)
    return out


def _candidate(r: Row) -> bool:
    return r.kind == "protocol" and not r.provisional and r.unscored <= MANY_UNSCORED


def _draws(row: Row, work: Mapping[str, Measured], amplify: bool) -> Floats | None:
    """(draws, coordinates) of a row: gain, −drift, and capability where it is measured; None where one is missing."""
    targets = [w for w in work.values() if w.card.role == "target"]
    off = [w for w in work.values() if w.card.role == "off-target"]
    cap = [w for w in work.values() if w.card.role == "capability"]
    if row.drift.value is None or (cap and row.capability_vs_start.value is None):
        return None
    name = "dpo" if row.kind == "plain" else f"row {row.cells[0]}"
    if row.kind == "plain":
        gain: Floats = np.zeros(DRAWS)
    elif amplify:
        if row.amplification.value is None:
            return None
        gain = np.mean([_drawn(w, name, "dpo") / w.panels["dpo"].spread for w in targets], axis=0)
    else:
        if row.recovery.value is None:
            return None
        gain = np.mean([_recovered(w, name) for w in targets if w.recovery_parts is not None], axis=0)
    drift = np.mean([np.abs(_drawn(w, name, "start")) / (w.sd[0] or 1.0) for w in off], axis=0)
    found = [gain, -drift]
    if cap:
        sign = [1 if w.card.direction == "higher" else -1 for w in cap]
        found.append(
            np.mean([s * _drawn(w, name, "start") / (w.sd[0] or 1.0) for s, w in zip(sign, cap, strict=True)], axis=0)
        )
    return np.stack(found, axis=1)


def _drawn(w: Measured, name: str, ref: str) -> Floats:
    """(draws,) of row − reference; the row's seeds are drawn by its name."""
    means = draw_means(_named(w.panels, name), resamples=DRAWS)
    return np.asarray(means[name] - means[ref])


def _recovered(w: Measured, name: str) -> Floats:
    means = draw_means({k: _judging(p) for k, p in _named(w.panels, name).items()}, resamples=DRAWS)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (means["dpo"] - means[name]) / (means["dpo"] - means["start"])
    return np.asarray(np.nan_to_num(share, nan=0.0, posinf=0.0, neginf=0.0))


@lru_cache(maxsize=64)
def _judging(panel: Panel) -> Panel:
    """A panel on the prompts that do not decide whether there is a signal; kept, since rows share their references."""
    return panel.at([i for i in panel.ids if not decides(i)])


def _named(panels: Mapping[str, Panel], name: str) -> dict[str, Panel]:
    """The panels with the row under its own name; plain DPO's row is plain DPO."""
    out = {k: p for k, p in panels.items() if k != "row"}
    out.setdefault(name, panels["row"])
    return out


def unbeaten(points: Floats) -> NDArray[np.bool_]:
    """(draws, points) whether no other point of the draw beats it; points of equal worth do not beat each other."""
    draws, n, coordinates = points.shape
    as_good, better = np.ones((draws, n, n), dtype=np.bool_), np.zeros((draws, n, n), dtype=np.bool_)
    for k in range(coordinates):
        a, b = points[:, :, None, k], points[:, None, :, k]
        as_good &= a >= b
        better |= a > b
    return np.asarray(~(as_good & better).any(axis=1), dtype=np.bool_)
