"""The committed prediction board was made from the verifications beside it, by the command that stands on it."""

from pathlib import Path

import pytest
from offtarget.board.predictions import prediction_markdown, read_verifications

FOLDER = Path(__file__).resolve().parents[2] / "results" / "prediction"


def test_the_board_is_rendered_from_the_verifications() -> None:
    if not FOLDER.is_dir():
        pytest.skip("no verification is committed yet")
    found = read_verifications(FOLDER)
    command = "offtarget board results/prediction --predictions --out results/prediction"
    assert (FOLDER / "board.md").read_text(encoding="utf-8") == prediction_markdown(found, command)
    for v in found:
        assert v.points == (), "labels and single concepts stay in the run's own folder"
        assert v.outcomes[0].control.raw_null.n >= 200
