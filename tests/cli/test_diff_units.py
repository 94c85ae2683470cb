"""Effects and their changes in `offtarget diff`: per cent and factors of what is measured on a log scale."""

import math

import pytest

from offtarget.audit.evidence import LOG
from offtarget.cli.diff import _change, _either_way, _factors, _level, _unit


def test_an_effect_on_a_log_scale_is_per_cent_and_its_change_a_factor() -> None:
    """Chosen 25 % longer before and 10 % shorter now: the ratio is 0.9 / 1.25 = 0.72 of what it was."""
    before, now = math.log(1.25), math.log(0.9)
    assert (_level(before, LOG), _level(now, LOG), _unit(LOG)) == ("+25.0", "-10.0", "%")
    assert _change(now - before, LOG) == "×0.72"
    assert _either_way(math.log(1.3), LOG) == "×/÷1.30"
    assert _level(-1e-9, LOG) == "+0.0"


@pytest.mark.parametrize(
    ("unit", "level", "either"), [("share of rows", "+12.3", "±12.3"), ("words", "+0.123", "±0.123")]
)
def test_other_effects_stay_differences(unit: str, level: str, either: str) -> None:
    assert _level(0.123, unit) == _change(0.123, unit) == level
    assert _either_way(0.123, unit) == either


def test_a_factor_is_explained_where_one_stands(capsys: pytest.CaptureFixture[str]) -> None:
    _factors(["words", "share of rows"])
    assert capsys.readouterr().out == ""
    _factors(["words", LOG])
    assert capsys.readouterr().out.startswith("(%: how much more chosen has than rejected; ×: ")
