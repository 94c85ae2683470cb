"""Links to the store: they follow what the last run made, and leave alone what is not theirs."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from offtarget.engine.links import Kept, clear_broken, link_kept, names_of

KEY = "0123456789abcdef" * 2


@pytest.fixture()
def store(tmp_path: Path) -> Path:
    for name in ("policy-a", "policy-b", "answers-a"):
        (tmp_path / "store" / KEY / name).mkdir(parents=True)
    for name in ("a.eval", "b.eval"):
        (tmp_path / "store" / KEY / name).write_text(name)
    return tmp_path / "store" / KEY


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir() or p.is_symlink())


def test_the_links_of_a_cell_are_those_of_the_last_run(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = Kept(store / "policy-a", store / "answers-a", {"refusal": store / "a.eval", "rule:bold": store / "b.eval"})
    for _ in range(2):
        link_kept(out, "dpo-s0", first)
        assert len(names(out)) == 4
        assert (out / "policies/dpo-s0").resolve() == (store / "policy-a").resolve()
    link_kept(out, "dpo-s0", Kept(store / "policy-b", logs={"refusal": store / "b.eval"}))
    assert names(out) == ["logs/dpo-s0/refusal.eval", "policies/dpo-s0"]
    assert (out / "policies/dpo-s0").resolve() == (store / "policy-b").resolve()
    assert (out / "logs/dpo-s0/refusal.eval").read_text() == "b.eval"
    link_kept(out, "dpo-s0", Kept())
    assert names(out) == []
    assert (store / "a.eval").read_text() == "a.eval", "the store keeps its files"


def test_links_to_what_the_store_lost_go(store: Path, tmp_path: Path) -> None:
    link_kept(tmp_path, "dpo-s0", Kept(store / "policy-a", store / "answers-a"))
    (store / "policy-a").rmdir()
    clear_broken(tmp_path)
    assert names(tmp_path / "policies") == [] and names(tmp_path / "answers") == ["dpo-s0"]


def test_where_there_are_no_links_a_text_file_holds_the_path(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("a disk without links")

    with monkeypatch.context() as m:
        m.setattr(Path, "symlink_to", refuse)
        m.setattr("os.link", refuse)
        for target in ("policy-b", "policy-a", "policy-a"):
            link_kept(tmp_path, "dpo-s0", Kept(store / target, logs={"refusal": store / "a.eval"}))
    assert names(tmp_path / "policies") == ["dpo-s0.txt"]
    assert (tmp_path / "policies/dpo-s0.txt").read_text() == f"{store / 'policy-a'}\n"
    assert (tmp_path / "logs/dpo-s0/refusal.eval").read_text() == "a.eval"
    link_kept(tmp_path, "dpo-s0", Kept(store / "policy-b"))
    assert names(tmp_path / "policies") == ["dpo-s0"], "links are made where the next run can"


def test_a_persons_folder_of_that_name_is_left_alone(store: Path, tmp_path: Path) -> None:
    mine = tmp_path / "policies" / "dpo-s0"
    mine.mkdir(parents=True)
    (mine / "notes").write_text("mine")
    link_kept(tmp_path, "dpo-s0", Kept(store / "policy-a"))
    clear_broken(tmp_path)
    assert names(tmp_path / "policies") == ["dpo-s0/notes"]


def test_two_cells_of_one_name_have_their_keys_in_it() -> None:
    def asked(protocol: str, key: str, **parameters: Any) -> Any:
        return SimpleNamespace(key=key * 64, spec=SimpleNamespace(protocol=protocol, seed=1, parameters=parameters))

    grid = [
        asked("dpo", "a"),
        asked("steer", "b", strength=-2.0),
        asked("f", "c", strength=1),
        asked("f", "d", strength=1),
    ]
    assert names_of(grid) == ["dpo-s1", "steer-minus2.0-s1", "f-1-s1-cccccccccccc", "f-1-s1-dddddddddddd"]


def test_files_and_links_of_people_stay(store: Path, tmp_path: Path) -> None:
    link_kept(tmp_path, "dpo-s0", Kept(store / "policy-a"))
    policies = tmp_path / "policies"
    (policies / "notes.txt").write_text("the second one is best")
    (policies / "latin.txt").write_bytes(b"caf\xe9")
    (policies / "long.txt").write_text("x" * 9000)
    (policies / "best").symlink_to("dpo-s0")
    (policies / "gone").symlink_to("/nowhere/at/all")
    before = names(policies)
    clear_broken(tmp_path)
    assert names(policies) == before
