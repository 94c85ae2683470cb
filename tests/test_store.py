"""Artifacts are whole or absent, keyed by what they depend on, and fixed when damaged."""

import json
import logging
import multiprocessing
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from offtarget import siblings
from offtarget.errors import ConfigError
from offtarget.store import Store, canonical_json, output_dir, require_intact, write_atomic


def build(out: Path) -> None:
    (out / "a.txt").write_text("hello")


def test_made_once_then_reused(tmp_path: Path) -> None:
    made = []

    def counted(out: Path) -> None:
        made.append(out)
        build(out)

    first = Store(tmp_path).get("stage", 1, {"x": 1}, counted)
    again = Store(tmp_path).get("stage", 1, {"x": 1}, counted)
    other = Store(tmp_path).get("stage", 1, {"x": 2}, counted)
    newer = Store(tmp_path).get("stage", 2, {"x": 1}, counted)
    assert first == again and len({first, other, newer}) == 3
    assert len(made) == 3
    assert [e["event"] for e in Store(tmp_path).events()] == ["made", "reused", "made", "made"]


@pytest.mark.parametrize("harm", ["change", "delete", "manifest", "null"])
def test_a_damaged_artifact_is_made_again(tmp_path: Path, harm: str) -> None:
    path = Store(tmp_path).get("stage", 1, {}, build)
    target = path / ("manifest.json" if harm in ("manifest", "null") else "a.txt")
    target.unlink() if harm == "delete" else target.write_text("null" if harm == "null" else "hullo")
    again = Store(tmp_path).get("stage", 1, {}, build)
    assert (again / "a.txt").read_text() == "hello"
    assert [e["event"] for e in Store(tmp_path).events()] == ["made", "damaged", "made"]


def test_a_failed_build_leaves_nothing_behind(tmp_path: Path) -> None:
    def fails(out: Path) -> None:
        (out / "half.txt").write_text("h")
        raise RuntimeError

    store = Store(tmp_path)
    with pytest.raises(RuntimeError):
        store.get("stage", 1, {}, fails)
    assert not store.path("stage", 1, {}).exists()
    assert not list((tmp_path / "building").iterdir())
    assert sorted(p.name for p in store.get("stage", 1, {}, build).iterdir()) == ["a.txt", "manifest.json"]


def test_a_resumable_build_finds_what_was_left(tmp_path: Path) -> None:
    seen = []

    def steps(out: Path) -> None:
        seen.append(sorted(p.name for p in out.iterdir()))
        (out / "one").write_text("1")
        if len(seen) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Store(tmp_path).get("stage", 1, {}, steps, resumable=True)
    Store(tmp_path).get("stage", 1, {}, steps, resumable=True)
    assert seen == [[], ["one"]]


def _slow(out: Path) -> None:
    import time

    (out / "pid").write_text(str(multiprocessing.current_process().pid))
    time.sleep(0.3)  # long enough for the others to come; too short a time would only make the test easier


def _want(root: Path) -> str:
    return (Store(root).get("stage", 1, {}, _slow) / "pid").read_text()


def test_two_processes_that_want_the_same_get_the_same(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(3) as pool:
        pids = pool.map(_want, [tmp_path] * 3, chunksize=1)
    assert len(set(pids)) == 1
    assert sum(e["event"] == "made" for e in Store(tmp_path).events()) == 1


def test_who_waits_for_another_process_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    inside, told = threading.Event(), threading.Event()

    class Tells(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.set()

    def until_told(out: Path) -> None:
        inside.set()
        told.wait()

    logger, handler = logging.getLogger("offtarget.store"), Tells(logging.WARNING)
    logger.addHandler(handler)
    try:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(Store(tmp_path).get, "stage", 1, {}, until_told)
            inside.wait()
            try:
                assert logger.isEnabledFor(logging.WARNING), "something silenced the store"
                assert Store(tmp_path).get("stage", 1, {}, build) == first.result()
            finally:
                told.set()  # whatever went wrong, the first one ends
    finally:
        logger.removeHandler(handler)
    assert "another process is making" in caplog.text
    Store(tmp_path).get("stage", 1, {}, build)
    assert len(caplog.records) == 1


HOLDS = """
import sys, time
from pathlib import Path
from offtarget.store import Store

def build(out):
    (out / "half").write_text("h")
    print("inside", flush=True)
    time.sleep(600)

Store(Path(sys.argv[1])).get("stage", 1, {}, build)
"""


def test_a_killed_process_leaves_no_lock_that_blocks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == "inside\n"
        assert not list(Store(tmp_path).root.glob("stage/*"))
        Store(tmp_path).get("stage", 1, {"x": 1}, build)  # sweeps: what is being built is left alone
        assert [p.name for p in (tmp_path / "building").glob("*/half")] == ["half"]
        owner.kill()
    assert (Store(tmp_path).get("stage", 1, {}, build) / "a.txt").read_text() == "hello"
    assert not list((tmp_path / "building").iterdir())
    assert not caplog.records  # nobody waited


def test_keys_do_not_depend_on_the_order_of_inputs() -> None:
    store = Store(Path("/nowhere"))
    assert store.key("s", 1, {"a": 1, "b": [1, 2]}) == store.key("s", 1, {"b": [1, 2], "a": 1})
    assert store.key("s", 1, {"a": 1}) != store.key("t", 1, {"a": 1})
    with pytest.raises(ValueError):
        canonical_json({"x": float("nan")})


def test_output_folders_and_files_change_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with output_dir(target, "a") as tmp:
        (tmp / "a").write_text("1")
    with pytest.raises(RuntimeError), output_dir(target, "a") as tmp:
        (tmp / "b").write_text("2")
        raise RuntimeError
    assert content(target) == {"a": "1"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    write_atomic(tmp_path / "f.json", json.dumps([1]))
    assert (tmp_path / "f.json").read_text() == "[1]"
    assert not list(tmp_path.glob(".f*"))


def content(folder: Path) -> dict[str, str]:
    """The files of an output folder but its manifest."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "manifest.json")
    return {p.relative_to(folder).as_posix(): p.read_text() for p in files}


def test_what_a_person_put_into_an_output_folder_outlives_it(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with output_dir(target, "a") as tmp:
        for name in ("a", "template.yaml", "gone"):
            (tmp / name).write_text(f"first {name}")
    (target / "verdicts.yaml").write_text("decided")
    (target / "notes").mkdir()
    (target / "notes" / "why.txt").write_text("because")
    (target / "template.yaml").write_text("edited by hand")
    with output_dir(target, "a") as tmp:
        for name in ("a", "template.yaml"):
            (tmp / name).write_text(f"second {name}")
    assert content(target) == {
        "a": "second a",
        "notes/why.txt": "because",
        "template.kept.yaml": "edited by hand",
        "template.yaml": "second template.yaml",
        "verdicts.yaml": "decided",
    }
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_before_manifests_keeps_all_that_is_not_made_again(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    for name in ("a", "verdicts.yaml"):
        (target / name).write_text("old")
    with output_dir(target, "a") as tmp:
        (tmp / "a").write_text("new")
    assert content(target) == {"a": "new", "verdicts.yaml": "old"}


def test_a_file_that_was_changed_since_its_folder_was_made_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with output_dir(target, "a") as tmp:
        (tmp / "sub").mkdir()
        for name in ("a", "sub/b"):
            (tmp / name).write_text("x")
    (target / "mine").write_text("no manifest lists it")
    for name in ("a", "sub/b", "mine"):
        require_intact(target / name)
    (target / "sub" / "b").write_text("y")
    with pytest.raises(ConfigError, match=r"b: damaged, or changed since it was made"):
        require_intact(target / "sub" / "b")


@pytest.mark.parametrize("what", ["folder", "file"])
def test_an_output_folder_never_replaces_what_is_not_its_own(tmp_path: Path, what: str) -> None:
    target = tmp_path / "docs"
    if what == "folder":
        target.mkdir()
        (target / "thesis.txt").write_text("x")
    else:
        target.write_text("x")
    with pytest.raises(ConfigError, match="choose another --out"), output_dir(target, "audit.json"):
        raise AssertionError("nothing should be built")
    assert (target / "thesis.txt" if what == "folder" else target).read_text() == "x"


def test_a_folder_that_cannot_be_replaced_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siblings, "_exchange", lambda a, b: False)  # a file system that cannot
    out = tmp_path / "out"
    out.mkdir()
    (out / "mark").write_text("old")
    (out / "verdicts.yaml").write_text("a person's work")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if target == out and self.name != "old":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), output_dir(out, "mark") as made:
        (made / "mark").write_text("new")
    assert (out / "verdicts.yaml").read_text() == "a person's work"
