"""Cards: strict, honest about what was seen, and with errors that name file and key."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from offtarget.data.cards import HubSource, load_card, source_files
from offtarget.data.shapes import ADAPTERS
from offtarget.errors import ConfigError

BASE: dict[str, Any] = {
    "name": "toy",
    "title": "A toy set",
    "source": {"kind": "path", "path": "toy.jsonl"},
    "evidence": "written by hand",
    "licence": "CC0",
    "redistribution": "yes",
    "preference_source": "synthetic",
    "language": "en",
    "adapter": {"name": "chosen_rejected"},
}


def card_file(folder: Path, **change: Any) -> Path:
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump({**BASE, **change}))
    return path


def message(folder: Path, **change: Any) -> str:
    with pytest.raises(ConfigError) as error:
        load_card(card_file(folder, **change))
    assert error.value.exit_code == 2
    return str(error.value)


def test_every_shipped_card_loads_and_claims_no_revision_that_was_not_seen() -> None:
    folder = Path(__file__).resolve().parents[2] / "datasets_registry"
    hub = [c for c in map(load_card, sorted(folder.glob("*.yaml"))) if isinstance(c.source, HubSource)]
    names = {c.name for c in hub}
    assert names >= {
        "hh-rlhf", "dolci-instruct-dpo", "tulu3-8b-mix", "ultrafeedback-binarized", "helpsteer3",
        "arena-140k", "pku-saferlhf", "shp", "community-alignment", "reward-bench-2", "rm-bench",
    }  # fmt: skip
    for card in hub:
        assert (card.revision, card.verified) == (None, False), card.name
        assert "was not opened" in card.evidence, card.name
        assert card.splits, card.name


def test_unknown_key_names_file_and_nearest_key(tmp_path: Path) -> None:
    text = message(tmp_path, license="CC0")
    assert text == f"{tmp_path / 'toy.yaml'}: unknown key 'license'; did you mean licence?"


def test_unknown_key_of_a_part_is_compared_with_the_keys_of_that_part(tmp_path: Path) -> None:
    adapter = {"name": "two_responses", "label": "w", "a_win": [1], "b_wins": [0]}
    assert "unknown key 'adapter.a_win'; did you mean adapter.a_wins?" in message(tmp_path, adapter=adapter)
    source = {"kind": "hub", "id": "a/b", "data_file": "x"}
    assert "unknown key 'source.data_file'; did you mean source.data_files?" in message(tmp_path, source=source)


def test_every_problem_is_told_and_the_file_once(tmp_path: Path) -> None:
    said = message(tmp_path, titel="x", language=3, adapter={"name": "chosen"})
    lines = said.split(" · ")
    assert len(lines) == 3
    assert said.startswith(f"{tmp_path / 'toy.yaml'}: ") and said.count("toy.yaml") == 1
    assert any(f"key 'adapter.name' is 'chosen'; must be one of {', '.join(ADAPTERS)}" in x for x in lines)
    assert any("language: " in x and "(got '3')" in x for x in lines)


def test_missing_key(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in BASE.items() if k != "licence"}))
    with pytest.raises(ConfigError, match=r"toy\.yaml: key 'licence' is missing"):
        load_card(path)


@pytest.mark.parametrize("path", ["../toy.jsonl", "a/../../toy.jsonl", "/etc/passwd", "C:\\toy.jsonl"])
def test_a_source_path_may_not_leave_the_folder(tmp_path: Path, path: str) -> None:
    assert "must be relative to the card's folder" in message(tmp_path, source={"kind": "path", "path": path})


def test_nor_by_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside.jsonl"
    outside.write_text("{}")
    folder = tmp_path / "cards"
    folder.mkdir()
    (folder / "toy.jsonl").symlink_to(outside)
    with pytest.raises(ConfigError, match="leads out of"):
        source_files(folder / "toy.yaml", "toy.jsonl")
    with pytest.raises(ConfigError, match=r"'absent\.jsonl' is not there"):
        source_files(folder / "toy.yaml", "absent.jsonl")


@pytest.mark.parametrize(
    ("revision", "verified", "problem"),
    [
        ("main", True, "must be a full commit hash"),
        ("0123456789" * 4, False, "go together"),
        (None, True, "go together"),
    ],
)
def test_a_pin_is_a_commit_that_was_seen(tmp_path: Path, revision: str | None, verified: bool, problem: str) -> None:
    source = {"kind": "hub", "id": "org/name"}
    assert problem in message(tmp_path, source=source, revision=revision, verified=verified)


def test_bare_yes_of_yaml_is_understood(tmp_path: Path) -> None:
    path = card_file(tmp_path)
    path.write_text(path.read_text().replace("'yes'", "yes"))
    assert yaml.safe_load(path.read_text())["redistribution"] is True  # YAML 1.1 at work
    assert load_card(path).redistribution == "yes"


@pytest.mark.parametrize(("text", "problem"), [("- a\n- b\n", "is a mapping"), ("a: [1\nb: 2", "line 2: not YAML")])
def test_a_file_that_is_no_card(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=problem):
        load_card(path)


def test_yaml_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text("name: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ConfigError, match="not YAML"):
        load_card(path)
