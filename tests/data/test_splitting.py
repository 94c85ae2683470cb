"""Splits by group: whole groups, stable under growth, and shares that hold on average."""

from collections import Counter

import pytest

from offtarget.data.pairs import Pair, PairSet
from offtarget.data.splitting import split_by_group
from offtarget.errors import ConfigError

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


def pairs(groups: list[str]) -> PairSet:
    made = [
        Pair(f"p{i}", g, [{"role": "user", "content": g}], [{"role": "assistant", "content": "a"}],
             [{"role": "assistant", "content": "b"}])
        for i, g in enumerate(groups)
    ]  # fmt: skip
    return PairSet("toy", made, dropped=Counter({"tie": 3}))


def homes(parts: dict[str, PairSet]) -> dict[str, str]:
    return {p.group: name for name, part in parts.items() for p in part.pairs}


def test_every_row_goes_somewhere_once_and_groups_stay_whole() -> None:
    whole = pairs([f"g{i % 40}" for i in range(200)])
    parts = split_by_group(whole, SHARES)
    assert sorted(p.id for part in parts.values() for p in part.pairs) == sorted(p.id for p in whole.pairs)
    for g in {p.group for p in whole.pairs}:
        assert sum(any(p.group == g for p in part.pairs) for part in parts.values()) == 1
    assert [part.dropped.total() for part in parts.values()] == [0, 0, 0]


def test_new_rows_move_no_old_group() -> None:
    few = homes(split_by_group(pairs([f"g{i}" for i in range(100)]), SHARES))
    many = homes(split_by_group(pairs([f"g{i}" for i in range(500, -1, -1)]), SHARES))
    assert {g: many[g] for g in few} == few


def test_shares_and_seeds() -> None:
    whole = pairs([f"g{i}" for i in range(4000)])
    one, two = split_by_group(whole, SHARES, seed=0), split_by_group(whole, SHARES, seed=1)
    assert len(one["train"]) / 4000 == pytest.approx(0.8, abs=0.025)  # four standard errors
    assert len(one["test"]) / 4000 == pytest.approx(0.1, abs=0.019)
    before, after = homes(one), homes(two)
    moved = sum(before[g] != after[g] for g in before) / 4000
    assert moved == pytest.approx(1 - (0.8**2 + 0.1**2 + 0.1**2), abs=0.03)  # independent draws


@pytest.mark.parametrize("shares", [{}, {"a": 0.5}, {"a": 1.2, "b": -0.2}, {"a": 1.0, "b": 0.0}])
def test_shares_must_be_shares(shares: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="must be positive and sum to 1"):
        split_by_group(pairs(["g"]), shares)
