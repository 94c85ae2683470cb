"""Tails without `scipy.stats`, the spline without patsy, and lengths that the lens has read already."""

import numpy as np
import pytest

from offtarget.audit.statistics import tails
from offtarget.audit.statistics.length import Lengths, length_spline
from offtarget.data.debris import own_text
from offtarget.data.pairs import Pair
from offtarget.lens import surface


def test_tails_and_quantiles_are_those_of_scipy_stats_to_the_last_bit() -> None:
    from scipy import stats

    rng = np.random.default_rng(0)
    z = np.concatenate([4 * rng.normal(size=5000), [0.0, 40.0, -40.0, np.inf, -np.inf, np.nan]])
    p = np.concatenate([rng.random(5000), 10.0 ** -rng.uniform(0, 300, 1000), [0.0, 1.0, np.nan]])
    df = np.concatenate([rng.uniform(1, 1e5, 5000), [1.0, 2.5, 9.0, 1e9, np.inf, 30.0]])
    q = np.concatenate([rng.uniform(0.001, 0.999, 5000), [0.975, 0.5, 0.8, 0.2, 0.999, 0.1]])
    for ours, theirs in (
        (tails.normal_sf(z), stats.norm.sf(z)),
        (tails.normal_isf(p), stats.norm.isf(p)),
        (tails.t_sf(z, df), stats.t.sf(z, df)),
        (tails.t_ppf(q, df), stats.t.ppf(q, df)),
    ):
        assert np.array_equal(ours, theirs, equal_nan=True)
    assert tails.t_ppf(0.975, 9) == pytest.approx(2.262157, abs=1e-6)  # from a table
    assert tails.normal_isf(0.025) == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("n", [12, 60, 4000])
def test_the_spline_is_the_cr_of_patsy(n: int) -> None:
    from patsy import dmatrix

    lengths = np.round(np.exp(np.random.default_rng(n).normal(5, 1.5, n)))
    theirs = np.asarray(dmatrix("cr(x, df=5) - 1", {"x": np.log1p(lengths)}))
    assert length_spline(lengths, 5) == pytest.approx(theirs, abs=1e-12)


def test_lengths_that_the_lens_has_read_are_those_of_the_texts() -> None:
    def pair(k: int, asked: str, chosen: str, rejected: str) -> Pair:
        sides = ([{"role": "assistant", "content": t}] for t in (chosen, rejected))
        return Pair(str(k), str(k), [{"role": "user", "content": asked}], *sides)  # type: ignore[arg-type]

    asked = "How do I clean an old kettle?"
    pairs = [
        pair(0, asked, "Use vinegar.</s>", "Use\r\nlemon&nbsp;juice."),
        pair(1, asked, f"{asked} Boil it.", "<think>hm</think>Boil it.\x00"),
        pair(2, asked, "", "é — “ok”"),
    ]
    read = Lengths.of(pairs, [surface.encode(pairs)])
    alone = Lengths.of(pairs)
    for side in ("chosen", "rejected"):
        own = [len(own_text(p.prompt, getattr(p, side))) for p in pairs]
        assert getattr(read, side).tolist() == getattr(alone, side).tolist() == own
    assert read.chosen.tolist() == [12.0, 8.0, 0.0]
