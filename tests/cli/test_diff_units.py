"""Effects and their changes in `offtarget diff`: of lengths and counts on the scale that is tested, by its name, with the means."""

import pytest

from offtarget.audit.diff.records import EffectChange
from offtarget.audit.evidence import LOG, Rates
from offtarget.cli.diff import _either_way, _level, _means, _unit


@pytest.mark.parametrize(
    ("unit", "level", "either", "name"),
    [
        ("share of rows", "+12.3", "±12.3", "points"),
        ("words", "+0.123", "±0.123", "words"),
        (LOG, "+0.123", "±0.123", "log(1+n)"),
    ],
)
def test_effects_and_their_differences_are_in_one_unit(unit: str, level: str, either: str, name: str) -> None:
    assert (_level(0.123, unit), _either_way(-0.123, unit), _unit(unit)) == (level, either, name)
    assert _level(-1e-9, unit).startswith("+0.0")


def test_counts_are_said_by_their_means_too(capsys: pytest.CaptureFixture[str]) -> None:
    """0.048 of 0.096 is half, whatever the mean of log(1+n) is."""
    then, now = (Rates(chosen=c, rejected=0.096, unit="count per response") for c in (0.096, 0.048))
    e = EffectChange.model_construct(label="question marks", means=(then, now))
    _means([e, EffectChange.model_construct(label="bold", means=None)])
    assert capsys.readouterr().out == (
        "question marks: chosen against rejected 0.096 against 0.096 per response, ×1.00 → 0.048 against 0.096 per response, "
        "×0.50\n"
    )
