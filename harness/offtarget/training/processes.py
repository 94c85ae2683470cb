"""Training on several processes: `accelerate launch` of this module, each process with its part of every batch.

    python -m offtarget.training.processes JOB      (started by `launch`, once per process)

On a CPU the processes talk by gloo, on GPUs by nccl. A configuration file of accelerate says how they share the model (FSDP, say).
What is random (order, LoRA matrices) comes from the seed alone, so the losses are those of one process, up to the order in which
gradients are summed, and but for the last batch of an epoch where it cannot be shared evenly: its rows are then made up with others.
"""

import json
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from offtarget.data.pairs import Pair
from offtarget.documents import read_yaml
from offtarget.errors import ConfigError, OfftargetError, UndecidedError
from offtarget.machine import cores, device
from offtarget.models import ModelRef
from offtarget.progress import Progress
from offtarget.shaping.plan_file import read_plan, write_plan
from offtarget.store import Store, write_atomic
from offtarget.training.job import Job
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TokenPair, TrainingSet

FOLDER, JOB, LOG = "job", "job.json", "processes.log"
CONFIG = "OFFTARGET_ACCELERATE_CONFIG"
"""Variable that holds a configuration file of accelerate: how processes share the model, which no result depends on."""
_ERRORS: dict[str, type[OfftargetError]] = {c.__name__: c for c in (ConfigError, UndecidedError, OfftargetError)}


def launch(job: Job) -> None:
    """Train with `spec.processes` processes.

    Raises:
        OfftargetError: what a process said, or that one ended without a word.
    """
    folder, n = job.out / FOLDER, job.spec.processes
    folder.mkdir(exist_ok=True)
    write_plan(job.plan, folder)
    write_atomic(folder / JOB, json.dumps(_as_json(job)))
    given = os.environ.get(CONFIG)
    how = ["--config_file", given] if given and not _of_cpu(Path(given)) else ["--multi_gpu", "--num_machines", "1"]
    command = [  # precision is the spec's, whatever a file says: it is in the key of the policy
        sys.executable, "-m", "accelerate.commands.launch", *how, "--mixed_precision", "no", "--dynamo_backend", "no",
        "--num_processes", str(n), "--main_process_port", str(_free_port()), "-m", "offtarget.training.processes", str(folder),
    ]  # fmt: skip
    environment = dict(os.environ)
    if device() == "cpu":
        threads = max(1, cores() // n)
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
                elif job.progress:
                    job.progress(*event["progress"])
        except BaseException:
            running.terminate()
            raise
    if said is not None:
        raise _ERRORS.get(said["kind"], OfftargetError)(said["error"])
    if running.returncode != 0:
        lines = (folder / LOG).read_text(errors="replace").strip().splitlines()
        tail = [x for x in lines if re.search(r"\w(Error|Exception|Interrupt)\b", x)][:1] or lines[-1:]
        raise OfftargetError(
            f"one of {n} training processes ended with status {running.returncode}"
            f"{': ' + tail[0] if tail else ''}; all they said is in {folder / LOG}"
        )


def _of_cpu(file: Path) -> bool:
    """Whether a configuration file says that processes are on a CPU, and so nothing of how they share the model.

    accelerate would start a single one by it, where there is no mpirun.
    """
    found = read_yaml(file)
    return bool(found.get("use_cpu")) or str(found.get("distributed_type")) in ("MULTI_CPU", "NO")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and ({"progress"} <= event.keys() or {"error"} <= event.keys()) else None


def _say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def _as_json(job: Job) -> dict[str, Any]:
    """All of a job but its plan, which has its own file; metadata of pairs is not trained on."""
    given = job.training_set
    return {
        "ref": asdict(job.ref),
        "spec": job.spec.model_dump(mode="json"),
        "seed": job.seed,
        "store": str(job.store.root.resolve()),
        "out": str(job.out.resolve()),
        "template": job.template,
        "key": job.key,
        "pairs": [[p.id, p.group, p.prompt, p.chosen, p.rejected] for p in given.pairs],
        "ids": [asdict(t) for t in given.ids],
        "lost": dict(given.lost),
        "rows_sha256": given.rows_sha256,
    }


def _from_json(folder: Path, progress: Progress) -> Job:
    written = json.loads((folder / JOB).read_text(encoding="utf-8"))
    return Job(
        TrainingSet(
            [Pair(*p) for p in written["pairs"]],
            [TokenPair(**t) for t in written["ids"]],
            Counter(written["lost"]),
            written["rows_sha256"],
        ),
        read_plan(folder),
        ModelRef(**{**written["ref"], "adapters": tuple(written["ref"]["adapters"])}),
        TrainingSpec.model_validate(written["spec"]),
        written["seed"],
        Store(Path(written["store"])),
        Path(written["out"]),
        progress,
        written["template"],
        written["key"],
    )


def main(folder: Path) -> None:
    """One process of a job."""
    from offtarget.training.here import train_here

    first = int(os.environ.get("RANK", "0")) == 0

    def progress(what: str, done: int, total: int) -> None:
        if first:
            _say({"progress": [what, done, total]})

    try:
        job = _from_json(folder, progress)
        if (n := int(os.environ.get("WORLD_SIZE", "1"))) != job.spec.processes:
            raise ConfigError(
                f"training.processes is {job.spec.processes}, and accelerate started {n}: check --accelerate-config, or leave it out"
            )
        train_here(job)
    except OfftargetError as e:
        _say({"error": str(e), "kind": type(e).__name__})
        sys.exit(e.exit_code)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
