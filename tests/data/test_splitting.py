"""Halves by group: whole groups, stable under growth, and about half of them."""

import numpy as np
import pytest

from offtarget.data.splitting import half_by_group


def test_all_rows_of_a_group_are_in_one_half() -> None:
    groups = [f"g{i % 40}" for i in range(200)]
    half = half_by_group(groups)
    assert [bool(x) for x in half] == [bool(half[groups.index(g)]) for g in groups]


def test_new_rows_and_another_order_move_no_group() -> None:
    few = [f"g{i}" for i in range(100)]
    many = [f"g{i}" for i in range(500, -1, -1)]
    later = dict(zip(many, half_by_group(many), strict=True))
    assert [later[g] for g in few] == half_by_group(few).tolist()


def test_half_of_the_groups_are_in_each() -> None:
    share = float(np.mean(half_by_group([f"g{i}" for i in range(4000)])))
    assert share == pytest.approx(0.5, abs=0.032)  # four standard errors
