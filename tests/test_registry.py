"""Content is found by path, read without being run, and refused where names clash."""

import os
import sys
from pathlib import Path

import pytest

from offtarget.errors import ConfigError
from offtarget.registry import Registry, builtin_root, load_function, load_module

PROTOCOL = '''"""A file."""
raise_on_import = 1 / {zero}

@protocol(name="{name}", family="data", source="x", unit="y")
def anything(ctx, *, strength: float = 0.5, side: str = "both", computed=1 + 1):
    """First line.

    More.
    """
'''


def root(tmp_path: Path, name: str, zero: int = 0) -> Path:
    folder = tmp_path / "mine"
    (folder / "baselines").mkdir(parents=True, exist_ok=True)
    (folder / "baselines" / "one.py").write_text(PROTOCOL.format(name=name, zero=zero))
    return folder


def test_a_card_is_read_without_running_the_file(tmp_path: Path) -> None:
    entry = Registry([root(tmp_path, "mine")]).get("protocol", "mine")
    assert entry.summary == "First line." and not entry.builtin
    assert entry.card["parameters"] == {"strength": 0.5, "side": "both", "computed": None}
    assert (entry.card["family"], entry.card["unit"]) == ("data", "y")


def test_a_file_that_fails_when_run_is_named(tmp_path: Path) -> None:
    entry = Registry([root(tmp_path, "mine")]).get("protocol", "mine")
    with pytest.raises(ConfigError, match=r"one.py: cannot be loaded \(ZeroDivisionError"):
        load_function(entry)


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    """Neither of the two is taken for what was meant; all others go on."""
    registry = Registry([root(tmp_path, "reward_shaping")])
    with pytest.raises(ConfigError, match="'reward_shaping' is already defined in"):
        registry.get("protocol", "reward_shaping")
    assert registry.get("protocol", "filter").builtin
    assert len(registry.problems) == 1 and "rename one of them" in registry.problems[0]


def test_a_broken_card_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    folder = root(tmp_path, "mine")
    (folder / "datasets_registry").mkdir()
    (folder / "datasets_registry" / "bad.yaml").write_text("name: [unclosed\n")
    (folder / "datasets_registry" / "good.yaml").write_text("name: good\ntitle: A good one\n")
    found = Registry([folder])
    assert found.get("dataset", "good").summary == "A good one"
    assert len(found.problems) == 1 and "bad.yaml" in found.problems[0]


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean reward_shaping"):
        Registry().get("protocol", "rewardshaping")


def test_an_edited_file_is_run_anew_in_the_same_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "content.py"
    file.write_text("VALUE = 1\n")
    assert load_module(file).VALUE == 1
    written = file.stat().st_mtime_ns
    file.write_text("VALUE = 2\n")
    os.utime(file, ns=(written, written))  # edited within one second: not to be told by time or length
    assert load_module(file).VALUE == 2


@pytest.mark.parametrize(
    ("text", "says"), [("raise SystemExit(3)\n", r"SystemExit: 3"), ("x = '\0'\n", r"content\.py: cannot be loaded")]
)
def test_a_file_that_cannot_be_run_is_refused_each_time(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "content.py"
    file.write_text(text)
    for _ in range(2):
        with pytest.raises(ConfigError, match=says):
            load_module(file)


def test_an_unknown_protocol_says_which_files_could_not_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "baselines"
    folder.mkdir()
    (folder / "mine.py").write_text("def mine(:\n")
    with pytest.raises(ConfigError, match=r"unknown protocol 'mine'.*mine\.py, line 1"):
        Registry([tmp_path]).get("protocol", "mine")


def test_a_folder_named_twice_is_searched_once() -> None:
    registry = Registry([builtin_root(), builtin_root() / "tasks" / ".."])
    assert registry.roots == [builtin_root()]
    assert registry.get("protocol", "dpo").builtin


def test_a_package_that_announces_what_is_not_there_is_a_problem_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    point = importlib.metadata.EntryPoint("lost", "no_such_package.inner", "offtarget.registry")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    registry = Registry()
    assert registry.get("protocol", "dpo").name == "dpo"
    assert registry.problems == [
        "entry point 'lost': No module named 'no_such_package'; this package's content is left out"
    ]
