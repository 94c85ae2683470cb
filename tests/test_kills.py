"""A process that dies at any change to the disk loses nothing, and leaves nothing behind after the next run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.kills import litter, run_killed

from offtarget import siblings
from offtarget.store import Store, output_dir, write_atomic


def at_every_change(function: Callable[[], object], check: Callable[[int], None]) -> int:
    """Kill it at each of its changes, and check what is then there; gives the number of changes."""
    at = 0
    while (seen := run_killed(function, at)) < 0:
        check(at)
        at += 1
    assert seen <= at
    return at


@pytest.mark.parametrize("exchange", [True, False])
def test_a_persons_file_is_there_at_every_moment_of_a_replacement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(siblings, "_exchange", lambda a, b: False)
    folder = tmp_path / "audits" / "mine"

    def make(text: str) -> None:
        with output_dir(folder, "audit.json") as tmp:
            (tmp / "features").mkdir()
            for name in ("audit.json", "features/a.npz"):
                (tmp / name).write_text(text)

    def person() -> None:
        make("old")
        (folder / "verdicts.yaml").write_text("decided")

    def check(at: int) -> None:
        if exchange:  # else the next run puts it back
            assert (folder / "verdicts.yaml").read_text() == "decided", f"lost at change {at}"
            assert (folder / "audit.json").read_text() in {"old", "new"}
            assert (folder / "audit.json").read_text() == (folder / "features/a.npz").read_text()
        make("new")
        assert (folder / "verdicts.yaml").read_text() == "decided", f"lost after change {at}"
        assert (folder / "features/a.npz").read_text() == "new"
        assert litter(tmp_path) == []
        person()

    person()
    assert at_every_change(lambda: make("new"), check) >= 15


def test_files_and_artifacts_are_whole_or_absent_whenever_their_maker_dies(tmp_path: Path) -> None:
    file, root = tmp_path / "board.md", tmp_path / "store"

    def build(out: Path) -> None:
        (out / "a").write_text("artifact")

    def make() -> None:
        write_atomic(file, "new")
        Store(root).get("stage", 1, {"x": 1}, build)

    def check(at: int) -> None:
        assert not file.exists() or file.read_text() in {"old", "new"}
        write_atomic(file, "old")
        # another artifact than the one that was being made: what was left of that is no longer wanted by anyone
        assert (Store(root).get("stage", 1, {"x": at + 2}, build) / "a").read_text() == "artifact"
        assert litter(tmp_path) == []
        assert all(e["event"] in {"made", "reused"} for e in Store(root).events())

    assert at_every_change(make, check) >= 8
