"""The three sentences at the end of the demo say what its audit and its cells hold."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from offtarget.audit.truth_records import KnownTruth, Planted
from offtarget.board.cell import Cell
from offtarget.cli.demo import ending


def planted(key: str, found_by: str | None, direction: Any = "chosen") -> Planted:
    return Planted(key=key, label=key, direction=direction, chosen_rate=0.2, rejected_rate=0.1, found_by=found_by)


def test_what_was_found_and_what_to_open(make_cell: Callable[..., Cell]) -> None:
    truth = KnownTruth(
        planted=(planted("bold", "h1"), planted("emoji", "h2"), planted("praise", None)),
        nulls=(planted("weather", None, None), planted("thanks", None, None)),
    )
    audit: Any = SimpleNamespace(truth=truth, dataset=SimpleNamespace(n_pairs=200))
    cells = [
        make_cell("start", style=0.3),
        make_cell("dpo", style=0.7),
        make_cell("reward_shaping", strength=2.0, style=0.4),
        make_cell("random_reweight", strength=2.0, style=0.6),
    ]
    # McNemar: 40 samples changed, all one way, p = 2 / 2**40; and 20 of shaped against control, p = 2 / 2**20
    assert ending(audit, cells, {"reward_shaping": "random_reweight"}, Path("out")) == [
        "The audit of 200 pairs found 2 of the 3 concepts that were planted in them, and none of the 2 nulls.",
        "Plain DPO took the share of answers from 30 % to 70 % (+40 points [+30, +50], p 1.8e-12); reward_shaping, with the "
        "verdicts on surface:bold, ended at 40 %, and random_reweight, its blind control, at 60 % (reward_shaping against "
        "random_reweight: -20 points [-28, -12], p 1.9e-06); one training seed, so this is about these policies.",
        "Open out/audit/report.html to see what the data rewards, and out/board.html to see what each protocol changed.",
    ]


def test_nothing_is_said_of_what_was_not_run(make_cell: Callable[..., Cell]) -> None:
    audit: Any = SimpleNamespace(truth=None)
    cells = [make_cell("start", style=0.3), make_cell("dpo", style=0.7)]
    first, last = ending(audit, cells, {"reward_shaping": "random_reweight"}, Path("out"))
    assert first.endswith("p 1.8e-12); one training seed, so this is about these policies.")
    assert last.startswith("Open ")


def test_without_a_blind_control_the_shaped_run_is_held_against_plain_dpo(make_cell: Callable[..., Cell]) -> None:
    audit: Any = SimpleNamespace(truth=None)
    cells = [make_cell("start", style=0.3), make_cell("dpo", style=0.7), make_cell("reward_shaping", style=0.4)]
    first, _ = ending(audit, cells, {"reward_shaping": "random_reweight"}, Path("out"))
    # 30 samples changed, all one way: exact McNemar p = 2 / 2**30
    assert (
        "; reward_shaping, with the verdicts on surface:bold, ended at 40 % (reward_shaping against dpo: -30 points ["
        in first
    )
    assert "p 1.9e-09); one training seed" in first
