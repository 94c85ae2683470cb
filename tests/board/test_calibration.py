"""Simulated boards whose truth is known: what is claimed of protocols holds at its rate.

Small and seeded; each bound is the nominal rate and three Monte Carlo errors. The large table is
`tests/bench/bench_calibration_board.py`.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from offtarget.board.rank import rank

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from calibration.boards import Policy, cells
from calibration.table import Line, markdown

STYLE = ("style", "target", "share of answers")
START, DPO, GOOD = Policy(-5.2), Policy(-0.38, 0.55), Policy(-2.9, 0.55)
RUNS = 40


def _boards(policies: dict[str, Policy], seeds: int, runs: int, seed: int, n: int = 128) -> list:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(runs):
        prompts = rng.standard_normal(n)
        made = [c for name, p in policies.items() for c in cells(name, {STYLE: p.draw(prompts, seeds, rng)})]
        found.append(rank(made, controls={}).boards[0])
    return found


def _row(board, name):
    return next(r for r in board.rows if r.protocol == name)


def _most(nominal: float, n: int) -> float:
    return nominal + 3 * (nominal * (1 - nominal) / n) ** 0.5


@pytest.fixture(scope="module")
def three_seeds() -> list:
    """Boards with a protocol that is plain DPO in distribution, and one whose recovery is 0.76."""
    return _boards({"start": START, "dpo": DPO, "same": DPO, "good": GOOD}, 3, RUNS, seed=1)


def test_q_is_not_fooled_by_the_luck_of_training(three_seeds) -> None:
    """F3: without the noise of seeds q < 0.05 came in half of such boards."""
    q = [_row(b, "same").behaviours[0].q_dpo for b in three_seeds]
    assert sum(v < 0.05 for v in q) / RUNS <= _most(0.05, RUNS)


def test_intervals_of_scores_differences_and_recovery_cover(three_seeds) -> None:
    truth = {"dpo": DPO.truth(), "good": GOOD.truth(), "start": START.truth()}
    want = (truth["dpo"] - truth["good"]) / (truth["dpo"] - truth["start"])
    missed = {"score": 0, "vs_dpo": 0, "recovery": 0, "none": 0}
    heard = 0
    for b in three_seeds:
        good, same = _row(b, "good"), _row(b, "same")
        low, high = _row(b, "dpo").behaviours[0].score.ci
        missed["score"] += not low <= truth["dpo"] <= high
        low, high = same.behaviours[0].vs_dpo.ci
        missed["vs_dpo"] += not low <= 0 <= high
        if b.signal["style"]:
            heard += 1
            for key, row, value in (("recovery", good, want), ("none", same, 0.0)):
                ci = row.recovery.ci
                missed[key] += ci is not None and not ci[0] <= value <= ci[1]
    assert heard > 0.8 * RUNS
    assert all(n / RUNS <= _most(0.05, RUNS) for n in missed.values()), missed


def test_a_control_recovers_nothing_where_plain_dpo_only_seems_to_move() -> None:
    """F4: among boards that passed for a signal, controls used to recover +0.4 to +0.8."""
    shown = []
    for start, dpo in ((START, Policy(-4.4, 0.5)), (Policy(-2.4), Policy(-2.4, 0.55))):
        for b in _boards({"start": start, "dpo": dpo, "same": dpo}, 3, RUNS, seed=2):
            if _row(b, "same").recovery.value is not None:
                shown.append(_row(b, "same").recovery)
    assert len(shown) <= 0.05 * 2 * RUNS
    assert sum(e.ci[0] > 0 for e in shown) <= 1


@pytest.mark.parametrize(("behaviours", "seed_sd"), [(1, 0.2), (3, 0.2), (8, 0.2)])
def test_drift_of_what_does_not_drift(behaviours: int, seed_sd: float) -> None:
    """F12: the interval left out 0 in up to 0.66 of boards, and something `drifted` in 0.64."""
    rng = np.random.default_rng(3)
    out = some = 0
    for _ in range(RUNS):
        start, moved = {}, {}
        for k in range(behaviours):
            key = (f"b{k}", "off-target", "words")
            prompts = rng.standard_normal(60)
            start[key] = prompts + rng.standard_normal((3, 60))
            moved[key] = prompts + rng.standard_normal((3, 60)) + seed_sd * 2**0.5 * rng.standard_normal((3, 1))
        row = _row(rank([*cells("start", start), *cells("x", moved)], controls={}).boards[0], "x")
        out += row.drift.ci[0] > 0
        some += bool(row.drifted)
    assert out / RUNS <= _most(0.05, RUNS) and some / RUNS <= _most(0.05, RUNS)


def test_a_table_says_which_rates_are_missed() -> None:
    lines = [
        Line("size", "x", 0.05, 0.06, 400, "above"),  # 0.9 errors of 0.0109 above
        Line("size", "x", 0.05, 0.09, 400, "above"),
        Line("size", "x", 0.05, 0.01, 400, "above"),
        Line("coverage", "x", 0.95, 0.91, 400, "below", note="few prompts"),
        Line("bias", "x", 0.0, 0.2, 50, "away", error=0.1),
    ]
    assert [x.verdict for x in lines] == ["holds", "misses", "conservative", "misses", "holds"]
    text = markdown("T", ["about"], "python x.py", lines)
    assert "0.090 ± 0.011" in text and "misses: few prompts" in text and "5 claims, 2 of them missed" in text
