"""Kill commands at their changes to the disk and at random moments, run them again, and compare with the undisturbed run.

python tests/bench/bench_kills.py --points 60 --moments 50 --write results/faults/kills.md

Three commands on 60 pairs and a random model: `audit` into a fresh folder, `audit` instead of an earlier one that holds
a person's verdicts.yaml, `run` of two cells, `verify`. Each is killed by SIGKILL just before one of its changes to the disk
(as Python's audit events show them: opening for writing, renaming, removing, making folders; all of them, or this many spread
evenly), then run again to its end. Then the same with SIGKILL, SIGINT and SIGTERM at random moments of a longer audit. What
is checked: the verdicts are there at every moment, results equal those of a run that nobody disturbed, nothing half made is
left behind, and how long a signal takes.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conftest import save_tiny_model
from tests.kills import litter, run_killed

VERDICTS = "decided by a person\n"
VOLATILE = {"created", "timing", "cost", "hardware", "seconds"}


def command(*argv: str) -> Callable[[], None]:
    def run() -> None:
        from offtarget.cli.main import call

        sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for the life of the child
        code = call(list(argv))
        assert code == 0, f"{argv[0]} ended with {code}"

    return run


def in_child(function: Callable[[], object]) -> None:
    assert run_killed(function, 10**9) >= 0


def results(folder: Path) -> dict[str, Any]:
    """What a command made, without times: the text of every file, JSON records without what varies."""
    out: dict[str, Any] = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if (
            not file.is_file()
            or file.name == "manifest.json"
            or name.endswith(".eval")
            or "store" in name.split("/")[0]
        ):
            continue
        if file.suffix == ".json":
            out[name] = _settled(json.loads(file.read_text()))
        elif file.suffix not in {".html", ".md"}:
            out[name] = file.read_bytes()
        else:
            out[name] = "a page"
    return out


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _settled(v) for k, v in value.items() if k not in VOLATILE}
    return [_settled(v) for v in value] if isinstance(value, list) else value


def write_inputs(home: Path) -> None:
    rows = []
    for i in range(60):
        styled = f"**Answer {i}.** It is here!\n\n- one thing\n- another thing, because it is so"
        plain = f"Answer {i}. It is here, with one thing and another."
        chosen, rejected = (styled, plain) if i % 5 else (plain, styled)
        rows.append({"id": f"r{i}", "prompt": f"What about subject {i}?", "chosen": chosen, "rejected": rejected})
    (home / "pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    recipe = {
        "title": "kills", "data": str(home / "pairs.jsonl"), "model": str(home / "model"),
        "verdicts": [{"concept": "surface:markdown", "decision": "suppress"}],
        "train": {"pairs": 16},
        "training": {"max_steps": 2, "batch_size": 4, "max_length": 96, "lora_rank": 2, "lora_alpha": 4},
        "protocols": ["dpo", {"filter": {"strength": 0.2}}], "behaviours": ["over_stylization"],
        "evaluation": {"limit": 4, "max_tokens": 4}, "verification": {"prompts": 30, "max_tokens": 6}, "budget": "test",
    }  # fmt: skip
    (home / "recipe.yaml").write_text(json.dumps(recipe))
    save_tiny_model(home / "model")


def cases(home: Path) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Name -> the command that is killed, and what was run before it."""
    audit = ["audit", str(home / "pairs.jsonl"), "--out", str(home / "audit")]
    run = ["run", str(home / "recipe.yaml"), "--out", str(home / "run")]
    return {
        "audit, fresh": (audit, []),
        "audit in place of an earlier one": ([*audit, "--seed", "1"], [audit]),
        "run of two cells": (run, []),
        "verify": (["verify", str(home / "run")], [run]),
    }


def warm_up() -> None:
    """Run all of them once in this process, so that no fork has to import, compile or hash what each of them needs."""
    kept = sys.stdout, sys.stderr
    with tempfile.TemporaryDirectory() as top:
        home = Path(top) / "home"
        home.mkdir()
        write_inputs(home)
        os.environ["OFFTARGET_HOME"] = str(home / "store")
        for name in ("run of two cells", "verify"):
            command(*cases(home)[name][0])()
    sys.stdout, sys.stderr = kept


def kill_everywhere(home: Path, argv: list[str], before: list[list[str]], points: int) -> dict[str, Any]:
    fresh = home.with_name(home.name + "-fresh")
    store = home / "store"
    os.environ["OFFTARGET_HOME"] = str(store)
    for earlier in before:
        in_child(command(*earlier))
    kept = home / "audit" / "verdicts.yaml"
    decided = kept.parent.is_dir()
    if decided:
        kept.write_text(VERDICTS)
    shutil.copytree(home, fresh, symlinks=True)
    total = run_killed(command(*argv), 10**9)
    wanted = results(home)
    found = {"changes": total, "killed": 0, "verdicts lost": 0, "results differ": 0, "litter": 0}
    steps = sorted(
        {round(k * (total - 1) / max(1, points - 1)) for k in range(points)} if points < total else range(total)
    )
    for n, at in enumerate(steps):
        shutil.rmtree(home)
        shutil.copytree(fresh, home, symlinks=True)
        if run_killed(command(*argv), at) >= 0:
            continue
        found["killed"] += 1
        found["verdicts lost"] += decided and not (kept.is_file() and kept.read_text() == VERDICTS)
        in_child(command(*argv))
        found["verdicts lost"] += decided and not (kept.is_file() and kept.read_text() == VERDICTS)
        found["results differ"] += results(home) != wanted | (
            {"audit/verdicts.yaml": VERDICTS.encode()} if decided else {}
        )
        left = litter(home)
        found["litter"] += bool(left)
        if left:
            print(f"  litter after change {at}: {left[:3]}", flush=True)
        if n % 20 == 19:
            print(f"  {n + 1} of {len(steps)}", flush=True)
    return found


def kill_at_moments(home: Path, moments: int, seed: int) -> dict[str, Any]:
    """Signals at random moments of an audit of 3,000 pairs, instead of an earlier one with verdicts."""
    rng = random.Random(seed)
    rows = [
        {"id": f"r{i}", "prompt": f"Question {i} of {i % 37}?", "chosen": f"**Yes** {i}, perhaps. " * (1 + i % 4),
         "rejected": f"No {i}. " * (1 + i % 3)}
        for i in range(3000)
    ]  # fmt: skip
    data, out = home / "many.jsonl", home / "large"
    data.write_text("".join(json.dumps(r) + "\n" for r in rows))
    environment = {**os.environ, "OFFTARGET_HOME": str(home / "large-store")}

    def start() -> "subprocess.Popen[bytes]":
        argv = [sys.executable, "-m", "offtarget", "audit", str(data), "--out", str(out)]
        return subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def whole() -> float:
        shutil.rmtree(home / "large-store", ignore_errors=True)
        begun = time.monotonic()
        assert start().wait() == 0
        return time.monotonic() - begun

    seconds = whole()
    wanted = results(out)
    (out / "verdicts.yaml").write_text(VERDICTS)
    names = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}
    found: dict[str, Any] = {"seconds undisturbed": round(seconds, 1), "signals": 0, "verdicts lost": 0, "results differ": 0,
                             "litter": 0, "other codes": 0, "slowest end, s": 0.0}  # fmt: skip
    for k in range(moments):
        number = list(names)[k % 3]
        shutil.rmtree(home / "large-store", ignore_errors=True)
        process = start()
        time.sleep(rng.uniform(0.2, seconds))
        if process.poll() is not None:
            continue
        found["signals"] += 1
        process.send_signal(number)
        begun = time.monotonic()
        code = process.wait()
        if number != signal.SIGKILL and code != 0:
            found["slowest end, s"] = round(max(found["slowest end, s"], time.monotonic() - begun), 2)
        # until a command has set its handlers the system ends it: to a shell that is 130 and 143 too
        found["other codes"] += code not in {names[number], -number, 0}
        found["verdicts lost"] += (out / "verdicts.yaml").read_text() != VERDICTS
        assert start().wait() == 0
        found["verdicts lost"] += (out / "verdicts.yaml").read_text() != VERDICTS
        found["results differ"] += results(out) != {**wanted, "verdicts.yaml": VERDICTS.encode()}
        found["litter"] += bool(litter(out.parent))
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--points", type=int, default=60, help="changes at which each command is killed, spread evenly"
    )
    options.add_argument("--moments", type=int, default=48, help="signals at random moments of a longer audit")
    options.add_argument("--only", default="", help="part of the name of the one case to run")
    options.add_argument("--write", type=Path, help="file for the table")
    given = options.parse_args()
    import torch

    torch.set_num_threads(1)
    warm_up()
    lines = [
        "| command | killed at | verdicts lost | results differ | litter after the next run |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in cases(Path()):
        if given.only not in name:
            continue
        with tempfile.TemporaryDirectory() as top:
            home = Path(top) / "home"
            home.mkdir()
            write_inputs(home)
            argv, before = cases(home)[name]
            begun = time.perf_counter()
            found = kill_everywhere(home, argv, before, given.points)
            print(f"{name}: {found}, {time.perf_counter() - begun:.0f} s", flush=True)
        lines.append(f"| {name} | {found['killed']} of its {found['changes']} changes to the disk | "
                     f"{found['verdicts lost']} | {found['results differ']} | {found['litter']} |")  # fmt: skip
    if given.moments:
        with tempfile.TemporaryDirectory() as top:
            found = kill_at_moments(Path(top), given.moments, 0)
        print(f"random moments: {found}")
        lines.append(f"| audit of 3,000 pairs, KILL, INT and TERM in turn | {found['signals']} random moments | {found['verdicts lost']} | "
                     f"{found['results differ']} | {found['litter']} |")  # fmt: skip
        lines.append("")
        lines.append(f"Other exit codes than 130 and 143: {found['other codes']}. Slowest end after INT or TERM: "
                     f"{found['slowest end, s']} s.")  # fmt: skip
    text = "\n".join(lines) + "\n"
    print(text)
    if given.write:
        options_given = f"--points {given.points} --moments {given.moments} --write results/faults/kills.md"
        head = f"# Kills\n\nMade by `python tests/bench/bench_kills.py {options_given}`.\n\n"
        given.write.parent.mkdir(parents=True, exist_ok=True)
        given.write.write_text(head + text)


if __name__ == "__main__":
    main()
