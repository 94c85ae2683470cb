"""The committed prediction boards were made from the verifications beside them, by the command that is on them."""

from pathlib import Path

import pytest

from offtarget.verification.board import prediction_markdown, read_verifications

RESULTS = Path(__file__).resolve().parents[2] / "results" / "verification"


@pytest.mark.parametrize("name", ["prediction", "prediction_cpu"])
def test_the_board_is_rendered_from_the_verifications(name: str) -> None:
    found = read_verifications(RESULTS / name)
    command = f"offtarget board results/verification/{name} --predictions --out results/verification/{name}"
    assert (RESULTS / name / "board.md").read_text(encoding="utf-8") == prediction_markdown(found, command)
    assert len(found) == 5
    for v in found:
        assert v.points == (), "labels and single concepts stay in the run's own folder"
        assert v.outcomes[0].control.raw_null.n >= 200
