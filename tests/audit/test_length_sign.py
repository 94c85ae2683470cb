"""Chosen longer more often than by chance, where a few very short answers turn the mean of the log ratio."""

import numpy as np
import pytest
from scipy import stats

import offtarget
from offtarget.report.claims import glance

N, LONGER, TINY = 300, 180, 8


def test_a_lean_in_most_rows_is_said_where_the_mean_log_ratio_has_none() -> None:
    words = ["river", "stone", "cloud", "field", "beach", "woods", "ocean", "plain", "ridge", "brook"]
    rng = np.random.default_rng(3)

    def answer(n: int) -> str:
        return " ".join(rng.choice(words, n))

    rows = []
    for i in range(N):
        # 180 longer by an eighth, 112 shorter by an eighth, 8 a third as long: the logs cancel
        long, short = answer(45), answer(40)
        chosen, rejected = (
            (long, short)
            if i < LONGER
            else (f"{answer(3)} {i}", f"{answer(9)} {i}")
            if i >= N - TINY
            else (short, long)
        )
        rows.append({"prompt": f"{answer(6)} {i}?", "chosen": chosen, "rejected": rejected})
    audit = offtarget.audit(offtarget.load_pairs(rows), lens="surface").folder.audit
    d = audit.dataset
    assert (d.chosen_longer, d.chosen_shorter) == pytest.approx((0.6, 0.4), abs=0.01)
    assert d.longer_p == pytest.approx(stats.binomtest(LONGER, N).pvalue, rel=0.2)
    text = " ".join(s.text for s in glance(audit))
    assert "longer more often than by chance" in text
