"""Training on several processes: `accelerate launch` of this module, each process with its part of every batch.

    python -m offtarget.training.processes JOB      (started by `launch`, once per process)

On a CPU the processes talk by gloo, on GPUs by nccl. What is random (order, LoRA matrices) comes from the seed alone,
so the losses are those of one process, up to the order in which gradients are summed, and but for the last batch of an
epoch where it cannot be shared evenly: its rows are then made up with others.
"""

import json
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError, OfftargetError, UndecidedError
from offtarget.models import ModelRef, device
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.plan_file import read_plan, write_plan
from offtarget.store import Store, write_atomic
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TokenPair, TrainingSet

JOB, LOG = "job.json", "processes.log"
_ERRORS: dict[str, type[OfftargetError]] = {
    c.__name__: c for c in (ConfigError, UndecidedError, OfftargetError)
}

Progress = Callable[[str, int, int], None]


def launch(
    training_set: TrainingSet,
    plan: ShapingPlan,
    ref: ModelRef,
    spec: TrainingSpec,
    seed: int,
    store: Store,
    out: Path,
    progress: Progress | None,
    template: str | None,
) -> None:
    """Train into `out` with `spec.processes` processes.

    Raises:
        OfftargetError: what a process said, or that one ended without a word.
    """
    folder = out / "job"
    folder.mkdir(exist_ok=True)
    write_plan(plan, folder)
    job = {
        "ref": asdict(ref),
        "spec": spec.model_dump(mode="json"),
        "seed": seed,
        "store": str(store.root.resolve()),
        "out": str(out.resolve()),
        "template": template,
        "pairs": [asdict(p) for p in training_set.pairs],
        "ids": [asdict(t) for t in training_set.ids],
        "lost": dict(training_set.lost),
        "rows_sha256": training_set.rows_sha256,
    }
    write_atomic(folder / JOB, json.dumps(job))
    command = [
        sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(spec.processes),
        "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port",
        str(_free_port()), "-m", "offtarget.training.processes", str(folder),
    ]  # fmt: skip
    environment = dict(os.environ)
    if device() == "cpu":
        threads = max(1, len(os.sched_getaffinity(0)) // spec.processes)
        environment |= {"ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": ""}
        environment.setdefault("OMP_NUM_THREADS", str(threads))
    said: dict[str, str] | None = None
    with (
        (folder / LOG).open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True) as running,
    ):
        assert running.stdout is not None
        try:
            for line in running.stdout:
                event = _event(line)
                if event is None:
                    log.write(line)
                elif "error" in event:
                    said = said or event
                elif progress:
                    progress(*event["progress"])
        except BaseException:
            running.terminate()
            raise
    if said is not None:
        raise _ERRORS.get(said["kind"], OfftargetError)(said["error"])
    if running.returncode != 0:
        lines = (folder / LOG).read_text(errors="replace").strip().splitlines()
        tail = [x for x in lines if re.search(r"\w(Error|Exception|Interrupt)\b", x)][:1] or lines[-1:]
        raise OfftargetError(
            f"one of {spec.processes} training processes ended with status {running.returncode}"
            f"{': ' + tail[0] if tail else ''}; all they said is in {folder / LOG}"
        )


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return (
        event
        if isinstance(event, dict) and ({"progress"} <= event.keys() or {"error"} <= event.keys())
        else None
    )


def _say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def main(folder: Path) -> None:
    """One process of a job."""
    from offtarget.training.here import train_here

    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    ref = ModelRef(**{**job["ref"], "adapters": tuple(job["ref"]["adapters"])})
    training_set = TrainingSet(
        [Pair(**p) for p in job["pairs"]],
        [TokenPair(**t) for t in job["ids"]],
        Counter(job["lost"]),
        job["rows_sha256"],
    )
    first = int(os.environ.get("RANK", "0")) == 0

    def progress(what: str, done: int, total: int) -> None:
        if first:
            _say({"progress": [what, done, total]})

    try:
        train_here(
            training_set, read_plan(folder), ref, TrainingSpec.model_validate(job["spec"]), job["seed"],
            Store(Path(job["store"])), Path(job["out"]), progress, job["template"],
        )  # fmt: skip
    except OfftargetError as e:
        _say({"error": str(e), "kind": type(e).__name__})
        sys.exit(e.exit_code)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
