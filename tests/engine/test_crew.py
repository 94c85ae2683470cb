"""Workers on one grid: each unit once, whoever dies; what a worker cannot do is said; results are those of one process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.conftest import write_styled_pairs

from offtarget import registry
from offtarget.board.cell import differences
from offtarget.board.folder import read_cells
from offtarget.cli.main import call
from offtarget.engine.executors import crew as crews
from offtarget.engine.executors import tasks
from offtarget.engine.executors import worker as module
from offtarget.engine.executors.engines import shard_commands
from offtarget.engine.executors.leases import MOST_DEATHS, Heartbeat, Leases, boot_id
from offtarget.engine.executors.local import Local
from offtarget.engine.executors.request import Request, Unit, id_of, read_request
from offtarget.engine.executors.state import state_of
from offtarget.engine.executors.tasks import GridTask
from offtarget.engine.recipe import Recipe
from offtarget.errors import ConfigError, DataError, OfftargetError
from offtarget.store import Store
from offtarget.versions import code_version


def dead_pid() -> int:
    """Of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def says(folder: Path, name: str, **what: Any) -> None:
    """A worker's word, as its heartbeat writes it."""
    (folder / "workers").mkdir(parents=True, exist_ok=True)
    (folder / "workers" / f"{name}.json").write_text(json.dumps({"worker": name, "beat": 1, **what}))


def test_a_unit_is_held_by_one_worker_until_it_gives_it_back(tmp_path: Path) -> None:
    a, b = Leases(tmp_path, "a"), Leases(tmp_path, "b")
    says(tmp_path, "a", boot=boot_id(), pid=os.getpid())
    assert a.take("x") and a.take("x") and not b.take("x") and b.take("y")
    b.give_back("x")
    assert a.mine("x"), "it was not b's to give"
    a.give_back("x")
    assert b.take("x") and not a.mine("x")


def test_what_a_dead_process_held_is_taken_over_at_once(tmp_path: Path) -> None:
    a, b = Leases(tmp_path, "a"), Leases(tmp_path, "b")
    here = {"boot": boot_id(), "namespace": str(Path("/proc/self/ns/pid").readlink())}
    says(tmp_path, "a", **here, pid=dead_pid())
    assert a.take("x") and b.take("x") and b.deaths("x") == 1
    assert not a.mine("x"), "should it come back, it finds the unit taken"
    # the number of a process that lives, which began at another time than the worker
    says(tmp_path, "b", **here, pid=os.getpid(), process_start="1")
    assert a.take("x") and a.deaths("x") == 2


@pytest.mark.parametrize("clock", ["2001-01-01T00:00:00", "2199-01-01T00:00:00"])
def test_a_worker_elsewhere_is_lost_when_its_heartbeat_stops_whatever_its_clock_says(
    tmp_path: Path, clock: str
) -> None:
    a, b = Leases(tmp_path, "a"), Leases(tmp_path, "b", patience=0.15)
    says(tmp_path, "a", machine="another", boot="another", pid=1, time=clock)
    assert a.take("x")
    for beat in range(4):
        says(tmp_path, "a", machine="another", boot="another", pid=1, beat=beat + 2)
        assert not b.take("x")
        time.sleep(0.1)
    time.sleep(0.1)
    assert b.take("x")


def test_half_a_lease_counts_after_patience_as_nobodys(tmp_path: Path) -> None:
    b = Leases(tmp_path, "b", patience=0.05)
    (tmp_path / "units" / "x.lease").write_text("{")
    assert not b.take("x")
    time.sleep(0.1)
    assert b.take("x") and b.mine("x")


def test_a_heartbeat_beats_and_says_how_it_ended(tmp_path: Path) -> None:
    watch = Leases(tmp_path, "observer").watch
    with Heartbeat(tmp_path, "a", every=0.02).beating() as pulse:
        pulse.say(unit="x")
        first = watch.worker("a")["beat"]
        time.sleep(0.2)
        assert watch.worker("a")["beat"] > first and not watch.is_lost("a") and watch.worker("a")["unit"] == "x"
    assert watch.worker("a")["ended"] == "done" and watch.is_lost("a")


@dataclass
class Fake:
    """A task that writes its name and the thread that made it."""

    out: Path
    name: str
    does: Any = None

    @property
    def asked(self) -> Any:
        return SimpleNamespace(key=f"key of {self.name}")

    def make(self, run: Any, reuse: Any = None, may_write: Any = None) -> Path | None:
        if self.does is not None:
            self.does()
        if not may_write():
            return None
        with (self.out / self.name).open("x") as f:  # fails where another one wrote it
            f.write(threading.current_thread().name)
        return self.out / self.name


@pytest.fixture()
def fakes(tmp_path: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A request for fake tasks: `fakes({name: what it does})`."""
    monkeypatch.setattr(module, "PAUSE", 0.01)
    monkeypatch.setattr(tasks, "start", lambda *a, **k: None)

    def make(does: dict[str, Any], **changes: Any) -> Request:
        grid = [Fake(tmp_path, name, do) for name, do in does.items()]
        monkeypatch.setattr(tasks, "tasks", lambda run, seeds: grid)
        recipe = Recipe(title="t", data="x", protocols=("dpo",), behaviours=("verbosity",))
        asked = Request(
            task=GridTask(recipe=recipe, base=str(tmp_path)), out=str(tmp_path), code_version=code_version(), store=id_of(Store()),
            units=tuple(Unit(name=n, key=f"key of {n}", path=n) for n in does),
        ).model_copy(update=changes)  # fmt: skip
        asked.write()
        return asked

    return make


def work(asked: Request, name: str) -> int:
    return module.work(asked.folder / "request.json", name, patience=5, beat=1.0)


def test_four_workers_make_every_unit_once(fakes: Any, tmp_path: Path) -> None:
    asked = fakes({f"u{i}": lambda: time.sleep(0.01) for i in range(12)})
    made: dict[str, int] = {}
    threads = [threading.Thread(target=lambda n=f"w-{k}": made.update({n: work(asked, n)})) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sum(made.values()) == 12 and sum(n > 0 for n in made.values()) > 1
    assert asked.todo() == [] and not list((asked.folder / "units").glob("*"))
    found = state_of(asked.folder / "request.json", looks=0)
    assert found.count("done") == 12 and {w["made"] for w in found.workers.values()} == set(made.values())


def test_a_unit_that_fails_is_named_and_the_others_are_made(fakes: Any, tmp_path: Path) -> None:
    tries = []

    def broken() -> None:
        raise DataError("row 3: no answer")

    def passes() -> None:
        tries.append(1)
        if len(tries) < 2:
            raise OSError("the disk was slow")

    def never() -> None:
        tries.append(1)
        raise RuntimeError("boom")

    asked = fakes({"a": broken, "b": passes, "c": None, "d": never})
    assert work(asked, "w-0") == 2
    found = {u.name: (u.status, u.reason) for u in state_of(asked.folder / "request.json", looks=0).units}
    assert found == {
        "a": ("failed", "row 3: no answer"), "b": ("done", ""), "c": ("done", ""), "d": ("failed", "RuntimeError: boom"),
    }  # fmt: skip
    assert len(tries) == 4, "what may pass is tried twice"


def test_a_unit_over_which_workers_die_is_given_up(fakes: Any) -> None:
    asked = fakes({"a": None, "b": None})
    leases = Leases(asked.folder, "w-0")
    for k in range(MOST_DEATHS):
        says(asked.folder, f"dead-{k}", ended="killed")
        (asked.folder / "units" / "a.lease").write_text(json.dumps({"worker": f"dead-{k}"}))
        assert leases.take("a")
    assert work(asked, "w-0") == 1
    (unit, _) = state_of(asked.folder / "request.json", looks=0).units
    assert unit.status == "failed" and "5 workers died over it: is there enough memory?" in unit.reason


def test_a_worker_whose_unit_was_taken_over_writes_nothing(fakes: Any, tmp_path: Path) -> None:
    def stopped_for_long() -> None:
        (asked.folder / "units" / "a.lease").write_text(json.dumps({"worker": "another"}))
        says(asked.folder, "another", ended="done")

    asked = fakes({"a": stopped_for_long, "b": None})
    monkey = iter([stopped_for_long])
    module_task = tasks.tasks(None, ())[0]
    module_task.does = lambda: next(monkey, lambda: None)()
    assert work(asked, "w-0") == 2, "it takes the unit back when the other one is lost"
    assert (tmp_path / "a").is_file()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code_version": "0.0.9+abc"}, "this worker is of offtarget .*, the run of 0.0.9.abc"),
        ({"store": "another"}, "is not that of the run: set OFFTARGET_HOME"),
        ({"units": (Unit(name="z", key="z", path="z"),)}, "plans other cells than were asked for"),
    ],
)
def test_a_worker_that_would_make_something_else_does_not_begin(fakes: Any, changes: dict[str, Any], said: str) -> None:
    asked = fakes({"a": None}, **changes)
    with pytest.raises(OfftargetError, match=said):
        work(asked, "w-0")
    assert said.split(" ")[-1] in crews.said_by(asked.folder, "w-0") or "offtarget" in crews.said_by(
        asked.folder, "w-0"
    )


def test_a_damaged_request_is_refused(fakes: Any) -> None:
    asked = fakes({"a": None})
    (asked.folder / "request.json").write_text('{"units": []}')
    with pytest.raises(ConfigError, match=r"request.json: .*start the run again"):
        read_request(asked.folder / "request.json")


def test_shards_are_the_command_once_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["run", "my recipe.yaml", "--engine", "shards:2", "--out=o", "--workers=3"]
    assert shard_commands(argv, 2) == [
        "offtarget run 'my recipe.yaml' --out=o --shard 1/2",
        "offtarget run 'my recipe.yaml' --out=o --shard 2/2",
    ]


@pytest.fixture()
def grid(tiny_model: Path, store_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of three cells in an empty folder with an empty store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_default", None)
    write_styled_pairs(40)
    recipe = {
        "title": "a test",
        "data": "pairs.jsonl",
        "model": str(tiny_model),
        "verdicts": [{"concept": "surface:markdown", "decision": "suppress"}],
        "training": {
            "max_steps": 2,
            "batch_size": 4,
            "max_length": 128,
            "lora_rank": 4,
            "lora_alpha": 8,
            "bf16": False,
        },
        "protocols": ["dpo", {"filter": {"strength": 0.2}}],
        "behaviours": ["over_stylization"],
        "evaluation": {"limit": 4, "max_tokens": 8},
        "budget": "test",
    }
    Path("recipe.yaml").write_text(json.dumps(recipe))
    return tmp_path


class Killing(Local):
    """The first worker is killed as soon as it makes something."""

    def begin(self, request: Path, names: Any) -> Any:
        running = super().begin(request, names)
        (first, *_) = names
        pid = running.pids()[first]

        def kill() -> None:
            while "unit" not in (said := read_of(request, first)) or said["unit"] is None:
                time.sleep(0.01)
            os.kill(pid, signal.SIGKILL)

        threading.Thread(target=kill, daemon=True).start()
        return running


def read_of(request: Path, name: str) -> dict[str, Any]:
    return crews.read(request.parent / "workers" / f"{name}.json")


class Here(Local):
    """One worker, a thread of this process."""

    def begin(self, request: Path, names: Any) -> Any:
        self.names = list(names)
        self.thread = threading.Thread(target=module.work, args=(request, self.names[0]))
        self.thread.start()
        return self

    def ended(self) -> list[tuple[str, str]]:
        return []

    def alive(self) -> int:
        return int(self.thread.is_alive())

    def stop(self) -> None:
        self.thread.join()


def assert_as_alone(crewed: str) -> None:
    """The cells are those of one process with a store of its own."""
    os.environ["OFFTARGET_HOME"] = str(Path("another").resolve())  # the fixture of the store puts it back
    assert call(["run", "recipe.yaml", "--out", "alone"]) == 0
    a, b = (read_cells(Path(out, "cells")).cells for out in (crewed, "alone"))
    assert [c.key for c in a] == [c.key for c in b] and len(a) == 3
    assert all(differences(x, y) == [] for x, y in zip(a, b, strict=True))


def test_a_worker_makes_the_cells_of_a_run_and_the_run_takes_them(
    grid: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("offtarget.engine.executors.local.Local", Here)
    assert call(["run", "recipe.yaml", "--out", "crewed", "--engine", "local"]) == 0
    made = {f: f.read_bytes() for f in Path("crewed/cells").rglob("*.json")}
    assert len(made) == 3 and "dpo" in capsys.readouterr().out
    assert call(["status", "crewed", "--json"]) == 0
    (state,) = json.loads(capsys.readouterr().out).values()
    assert [u["status"] for u in state["units"]] == ["done"] * 3 and [w["made"] for w in state["workers"].values()] == [
        3
    ]
    assert call(["run", "recipe.yaml", "--out", "crewed", "--engine", "local"]) == 0, "nothing is left to make"
    assert made == {f: f.read_bytes() for f in Path("crewed/cells").rglob("*.json")}
    assert_as_alone("crewed")


@pytest.mark.slow
def test_a_crew_makes_every_cell_though_a_worker_is_killed(
    grid: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("offtarget.engine.executors.local.Local", Killing)
    assert call(["run", "recipe.yaml", "--out", "crewed", "--engine", "local", "--workers", "2"]) == 0
    capsys.readouterr()
    assert call(["status", "crewed", "--json"]) == 0
    (state,) = json.loads(capsys.readouterr().out).values()
    assert [u["status"] for u in state["units"]] == ["done"] * 3 and len(state["workers"]) == 3
    assert_as_alone("crewed")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--engine", "cloud"], "unknown engine 'cloud'"),
        (["--engine", "shards:0"], "write it as shards:N"),
        (["--workers", "3"], "--workers: say where they run"),
        (["--engine", "local", "--shard", "1/2"], "give one of them"),
    ],
)
def test_an_engine_that_cannot_be_is_said_in_one_line(
    grid: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["run", "recipe.yaml", *more]) == 2
    assert said in capsys.readouterr().err and not Path("runs").exists()


def test_a_run_without_a_crew_has_no_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["status", str(tmp_path)]) == 2
    assert "no crew works or worked here" in capsys.readouterr().err


SBATCH = """#!/bin/bash
# in the place of SLURM: each task of the array as a process of this machine
script="${@: -1}"
id=77
for i in $(seq 0 $(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")); do
  SLURM_JOB_ID=${id}_$i SLURM_ARRAY_JOB_ID=$id SLURM_ARRAY_TASK_ID=$i SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 \\
  SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_JOB_NODELIST=here bash "$script" > "$FAKE/$i.log" 2>&1 &
done
echo "Submitted batch job $id"
"""
SRUN = """#!/bin/bash
while [[ "$1" == -* ]]; do
  case "$1" in --output|--error) shift 2;; *) shift;; esac
done
exec "$@"
"""
SACCT = """#!/bin/bash
echo "JobID|State|NodeList|"
for i in 0 1; do echo "77_$i|RUNNING|here|"; done
"""


@pytest.mark.slow
def test_slurm_is_asked_for_one_array_of_workers(
    grid: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By an `sbatch` of ours."""
    pytest.importorskip("submitit", reason="submitit is not installed (extra slurm)")
    bin_ = grid / "bin"
    bin_.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("sacct", SACCT), ("scancel", "#!/bin/bash\n")):
        (bin_ / name).write_text(text)
        (bin_ / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(bin_))
    assert call(["run", "recipe.yaml", "--out", "crewed", "--engine", "slurm", "--workers", "2"]) == 0
    scripts = list(Path("crewed/crew/slurm").glob("*_submission.sh"))
    assert len(scripts) == 1 and "--array=0-1" in scripts[0].read_text()
    assert_as_alone("crewed")


@pytest.mark.slow
def test_ray_makes_the_cells_of_one_process(grid: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra ray)")
    assert call(["run", "recipe.yaml", "--out", "crewed", "--engine", "ray", "--workers", "2"]) == 0
    assert_as_alone("crewed")


@pytest.mark.parametrize(("engine", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_an_engine_that_is_not_installed_says_what_to_install(
    grid: Path, engine: str, package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert call(["run", "recipe.yaml", "--out", "o", "--engine", engine, "--set", "protocols=[dpo]"]) == 2
    assert f"`pip install 'offtarget[{engine}]'`" in capsys.readouterr().err
    assert not Path("o").exists(), "it is said before anything is read"
