"""Pinning writes a revision only after rows of it were read."""

from pathlib import Path
from typing import Any

import datasets
import pytest

from offtarget.data import pin as pinning
from offtarget.data.cards import load_card
from offtarget.data.pin import pin
from offtarget.errors import ConfigError, DataError, UndecidedError

SHA = "0123456789abcdef0123456789abcdef01234567"
CARD = """\
name: toy
title: Toy
# a comment that stays
source: {kind: hub, id: org/toy}
revision: null
verified: false
evidence: none
licence: MIT
preference_source: human
language: en
adapter: {name: chosen_rejected}
splits: [train, test]
"""


@pytest.fixture()
def card(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(CARD)
    return path


def answer(monkeypatch: pytest.MonkeyPatch, row: dict[str, Any]) -> list[tuple[str, str]]:
    asked: list[tuple[str, str]] = []

    def load_dataset(_: str, *, split: str, revision: str, **__: Any) -> list[dict[str, Any]]:
        asked.append((split, revision))
        return [row]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(pinning, "newest_revision", lambda hub_id: SHA)
    return asked


def test_two_lines_change_and_nothing_else(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, {"prompt": "q", "chosen": "a", "rejected": "b"})
    assert pin(card) == SHA
    assert asked == [("train", SHA), ("test", SHA)]
    loaded = load_card(card)
    assert (loaded.revision, loaded.verified) == (SHA, True)
    changed = [(a, b) for a, b in zip(CARD.split("\n"), card.read_text().split("\n"), strict=True) if a != b]
    assert [a for a, _ in changed] == ["revision: null", "verified: false"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "q", "chosn": "a", "rejected": "b"}, "no column 'chosen'.*not pinned"),
        ({"prompt": "q", "chosen": "a", "rejected": "a"}, "no usable pair"),
    ],
)
def test_a_card_that_does_not_fit_stays_as_it_was(
    card: Path, monkeypatch: pytest.MonkeyPatch, row: dict[str, Any], message: str
) -> None:
    answer(monkeypatch, row)
    with pytest.raises(DataError, match=message):
        pin(card)
    assert card.read_text() == CARD


def test_without_the_hub_nothing_is_written(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UndecidedError, match="org/toy: the hub cannot be reached"):
        pin(card)
    assert card.read_text() == CARD


def test_a_card_of_files_has_no_revision(card: Path) -> None:
    card.write_text(CARD.replace("{kind: hub, id: org/toy}", "{kind: path, path: a.jsonl}"))
    with pytest.raises(ConfigError, match="there is no revision to pin"):
        pin(card)
