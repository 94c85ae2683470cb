"""Workers read a large set for an audit: the audit is that of one process, and what cannot be is said."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import write_styled_pairs
from tests.engine.test_crew import Here, Killing

from offtarget.cli.main import call
from offtarget.data.loading import load_pairs
from offtarget.engine.auditing import audit_into
from offtarget.engine.executors import tasks
from offtarget.engine.executors.crew import Crew
from offtarget.engine.recipe import AuditOptions
from offtarget.errors import ConfigError
from offtarget.lens import shards
from offtarget.lens.reader import Reader
from offtarget.store import Store

SMALL = """
import offtarget.lens.shards
offtarget.lens.shards.SHARD_ROWS = 25
"""
"""What makes shards small in a worker's process, as `sitecustomize`."""


@pytest.fixture()
def large(tmp_path: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of four shards in an empty folder with an empty store, for this process and those it starts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shards, "SHARD_ROWS", 25)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SMALL)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
    write_styled_pairs(90)
    return tmp_path


def audited(folder: str) -> dict[str, Any]:
    """An audit's record, but for when it was made."""
    found = json.loads(Path(folder, "audit.json").read_text())
    return {k: v for k, v in found.items() if k not in ("created", "timing")}


def alone() -> dict[str, Any]:
    """The audit by one process with a store of its own."""
    os.environ["OFFTARGET_HOME"] = str(Path("another").resolve())  # the fixture of the store puts it back
    assert call(["audit", "pairs.jsonl", "--out", "alone"]) == 0
    return audited("alone")


def test_workers_read_the_shards_and_the_audit_is_that_of_one_process(
    large: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("offtarget.engine.executors.local.Local", Here)
    seen = {}
    end = Here.stop

    def look(self: Here) -> None:
        end(self)
        assert call(["status", "crewed", "--json"]) == 0
        (seen["state"],) = json.loads(capsys.readouterr().out).values()

    monkeypatch.setattr(Here, "stop", look)
    assert call(["audit", "pairs.jsonl", "--out", "crewed", "--engine", "local"]) == 0
    units = {u["name"]: u["status"] for u in seen["state"]["units"]}
    assert units == {f"surface-{k}-of-4": "done" for k in (1, 2, 3, 4)} and seen["state"]["noun"] == "shards"
    assert not Path("crewed.reading").exists() and audited("crewed") == alone()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["killed", "ray", "slurm"])
def test_every_engine_reads_what_one_process_reads(large: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "killed":
        monkeypatch.setattr("offtarget.engine.executors.local.Local", Killing)
        engine = "local"
    else:
        pytest.importorskip("ray" if engine == "ray" else "submitit")
        monkeypatch.setenv("OFFTARGET_SUBMITIT", "local")
    assert call(["audit", "pairs.jsonl", "--out", "crewed", "--engine", engine, "--workers", "2"]) == 0
    assert audited("crewed") == alone()


def test_shares_read_for_an_audit_that_then_reads_nothing(large: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["audit", "pairs.jsonl", "--engine", "shards:2", "--out", "o"]) == 0
    commands = capsys.readouterr().out.split("\n")[:2]
    assert commands == [f"offtarget audit pairs.jsonl --out o --shard {k}/2" for k in (1, 2)]
    for k in (1, 2):
        assert call([*commands[k - 1].split()[1:]]) == 0 and not Path("o").exists()
        assert "2 shards read; when every share has" in capsys.readouterr().err
    rows = Path(os.environ["OFFTARGET_HOME"], "surface-rows")
    before = {p.name: p.stat().st_ino for p in rows.iterdir()}
    assert len(before) == 4
    assert call([*commands[0].split()[1:]]) == 0 and "0 shards read" in capsys.readouterr().err
    assert call(["audit", "pairs.jsonl", "--out", "o"]) == 0
    made = [e for e in Store().events() if e["stage"] == "surface-rows" and e["event"] == "made"]
    assert len(made) == 4 and audited("o") == alone()


def test_a_share_writes_no_audit_and_replaces_none(large: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["audit", "pairs.jsonl"]) == 0
    shutil.copy("pairs.jsonl", "other.jsonl")
    Path("pairs.jsonl").write_text("".join(Path("other.jsonl").read_text().splitlines(True)[:60]))
    before = Path("audits/pairs/audit.json").read_bytes()
    capsys.readouterr()
    assert call(["audit", "pairs.jsonl", "--shard", "1/2"]) == 0
    assert "2 shards read" in (said := capsys.readouterr().err) and "replaced" not in said
    assert Path("audits/pairs/audit.json").read_bytes() == before


def test_a_lens_without_shards_is_said_to_be_read_here(
    large: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("offtarget.engine.executors.local.Local", Here)
    monkeypatch.chdir(large)
    Path("o").mkdir()
    assert call(["audit", "pairs.jsonl", "--lens", "surface,columns:index", "--engine", "local", "--out", "o"]) == 2
    # what it is asked for is not there, which is seen afterwards
    assert "lens columns:index has no shards: it is read by this process" in capsys.readouterr().err


def test_status_of_the_folder_one_stands_in(large: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["status", "."]) == 2
    assert "no crew works or worked here" in capsys.readouterr().err


def test_what_workers_are_asked_for_holds_in_any_folder(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = load_pairs("pairs.jsonl").asked
    assert tasks.absolute(asked).data == str(large / "pairs.jsonl")
    (large / "planted-style").mkdir()  # of the name of a set of the registry, which goes before it
    assert tasks.absolute(asked.model_copy(update={"data": "planted-style"})).data == "planted-style"
    monkeypatch.setenv("HOME", str(large))
    assert tasks.absolute(asked.model_copy(update={"data": "~/pairs.jsonl"})).data == str(large / "pairs.jsonl")
    assert tasks.placed_lens("sae:planted-style") == f"sae:{large / 'planted-style'}"
    assert tasks.placed_lens("sae:gemma-scope/x") == "sae:gemma-scope/x" and tasks.placed_lens("surface") == "surface"
    assert tasks.placed_model("smollm2-135m") == "smollm2-135m"


def test_rows_in_memory_are_not_for_workers(large: Path) -> None:
    rows = [json.loads(line) for line in Path("pairs.jsonl").read_text().splitlines()]
    with pytest.raises(ConfigError, match="these are in memory; write them to a file"):
        audit_into(
            Path("o"), load_pairs(rows), AuditOptions(lens=("surface",)), Reader(None, Store()), crew=Crew(Here(), 1)
        )
    assert not Path("o").exists()


def test_a_small_set_is_read_at_once_and_it_is_said(
    large: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shards, "SHARD_ROWS", 500)
    assert call(["audit", "pairs.jsonl", "--out", "o", "--engine", "local"]) == 0
    assert "90 rows: up to 500 are read at once" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_without_the_data_ends_the_audit_in_one_line(
    large: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Elsewhere(Here):
        def begin(self, request: Path, names: Any) -> Any:
            shutil.move("pairs.jsonl", "gone.jsonl")
            return super().begin(request, names)

        def ended(self) -> list[tuple[str, str]]:
            self.thread.join()
            (*mine,), self.names = self.names[:1], []
            return [(name, "") for name in mine]

    monkeypatch.setattr("offtarget.engine.executors.local.Local", Elsewhere)
    assert call(["audit", "pairs.jsonl", "--out", "o", "--engine", "local"]) != 0
    said = capsys.readouterr().err
    assert "no worker is left, and 4 of 4 shards are not made" in said and "pairs.jsonl" in said
    assert not Path("o").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--engine", "cloud"], "unknown engine 'cloud'"),
        (["--shard", "3/2"], "write it as i/n"),
        (["--engine", "local", "--shard", "1/2"], "give one of them"),
        (["--workers", "2"], "--workers: say where they run"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_read(
    large: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["audit", "pairs.jsonl", *more]) == 2
    assert said in capsys.readouterr().err and not Path("audits").exists()
