"""What a log says of work that takes a while."""

from collections.abc import Callable

import pytest

from offtarget.cli.ui import span, stage_lines


def lines(*reports: tuple[float, str, int, int]) -> list[str]:
    """What is written where reports come at these times (the clock begins at 0)."""
    now, out = 0.0, list[str]()
    clock: Callable[[], float] = lambda: now  # noqa: E731
    report = stage_lines(out.append, clock)
    for at, what, done, total in reports:
        now = at
        report(what, done, total)
    return out


def test_a_stage_is_one_line_with_the_time_since_the_one_before() -> None:
    steps = [(5.0 + i / 10, "sae features", i, 400) for i in range(401)]
    assert lines(*steps, (47.0, "training", 1, 2), (55.0, "training", 2, 2)) == [
        "sae features: 400 in 45 s\n",
        "training: 2 in 10 s\n",
    ]


def test_a_long_stage_says_what_is_left_after_two_four_and_eight_minutes() -> None:
    # 1,000 items of one second each, of which an earlier run had done 100 before the first report
    steps = [(float(i), "answers", 100 + i, 1000) for i in range(901)]
    assert lines(*steps) == [
        "answers: 220 of 1000, about 13 min left\n",  # 780 s
        "answers: 340 of 1000, about 11 min left\n",
        "answers: 580 of 1000, about 7 min left\n",
        "answers: 1000 in 15 min\n",
    ]


def test_what_takes_no_time_is_left_out_and_what_runs_again_is_said_again() -> None:
    assert lines((0.1, "rules", 0, 5), (0.2, "rules", 5, 5)) == []
    assert lines((3.0, "answers", 2, 2), (3.1, "answers", 2, 2), (4.0, "answers", 0, 2), (9.0, "answers", 2, 2)) == [
        "answers: 2 in 3 s\n",
        "answers: 2 in 6 s\n",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (99, "99 s"), (99.6, "2 min"), (7140, "119 min"), (7500, "2 h 5 min")]
)
def test_a_span_of_time(seconds: float, said: str) -> None:
    assert span(seconds) == said
