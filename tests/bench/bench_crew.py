"""Workers that are killed at random moments: is every cell made, once, and as by one undisturbed process?

A grid of eight cells on a random model is made by one process, and then by each engine while its workers are killed with −9 at random
moments, grid after grid, until enough were killed. Printed for each engine: kills, cells over all grids, cells that are missing,
cells that differ, and cells that two workers wrote.

    python tests/bench/bench_crew.py [--engines local,ray,slurm] [--workers 2] [--kills 50]
    python tests/bench/bench_crew.py --reading FILE [...]     # the same of the shards that the surface lens reads a large set in

`large_set.py` makes such a set. `slurm` is submitit's local executor here.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conftest import save_tiny_model, write_styled_pairs

from offtarget.board.cell import Cell, differences
from offtarget.board.folder import read_cells
from offtarget.cli.main import call
from offtarget.data.loading import load_pairs
from offtarget.engine.auditing import readers_of
from offtarget.engine.executors.engines import crew_of
from offtarget.engine.executors.leases import read
from offtarget.lens.reader import Reader
from offtarget.lens.table import features_of
from offtarget.store import Store

PROTOCOLS = [
    "dpo", {"filter": {"strength": 0.2}}, {"label_flip": {"strength": 0.1}}, "reward_shaping", "steering", "ablation",
    {"random_filter": {"strength": 0.2}},
]  # fmt: skip
PER_GRID = 6
"""Kills in one grid, so that no cell sees as many deaths as make it count as failed."""


def write_recipe(model: Path) -> None:
    """`recipe.yaml` and its pairs, in the working folder."""
    write_styled_pairs(60)
    recipe = {
        "title": "killed",
        "data": "pairs.jsonl",
        "model": str(model),
        "verdicts": [{"concept": "surface:markdown", "decision": "suppress"}],
        "training": {"max_steps": 12, "batch_size": 4, "max_length": 128, "lora_rank": 4, "lora_alpha": 8, "bf16": False,
                     "save_every": 3},
        "protocols": PROTOCOLS,
        "behaviours": ["over_stylization"],
        "evaluation": {"limit": 6, "max_tokens": 12},
        "budget": "test",
    }  # fmt: skip
    Path("recipe.yaml").write_text(json.dumps(recipe))


@contextmanager
def killer(out: Path, most: int, rng: random.Random) -> Iterator[list[str]]:
    """Kills random workers at random moments while the block runs; gives what each one was making."""
    killed: list[str] = []
    over = threading.Event()

    def run() -> None:
        while len(killed) < most and not over.wait(rng.uniform(0.2, 12.0)):
            said = [read(f) for f in (out / "crew" / "workers").glob("*.json")]
            alive = [s for s in said if "ended" not in s and "pid" in s and Path(f"/proc/{s['pid']}").exists()]
            if alive:
                chosen = rng.choice(alive)
                try:
                    os.kill(int(chosen["pid"]), signal.SIGKILL)
                    killed.append(str(chosen.get("unit")))
                except ProcessLookupError:
                    continue

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def cells(out: Path) -> dict[str, Cell]:
    """By key."""
    return {c.key: c for c in read_cells(out / "cells").cells}


def reading(file: Path, engines: Sequence[str], workers: int, kills: int, rng: random.Random) -> None:
    """Have a set read by one process, then by each engine while its workers are killed, until enough were killed."""
    pairs = load_pairs(str(file))
    (alone,) = features_of(pairs, ["surface"], Reader(None, Store(Path("alone"))))
    for engine in engines:
        killed: list[str] = []
        times = other = made = twice = 0
        began = time.monotonic()
        while len(killed) < kills:
            os.environ["OFFTARGET_HOME"] = str(Path(f"store-{engine}-{times}").resolve())
            store, out = Store(), Path(f"{engine}-{times}")
            with killer(readers_of(out), min(PER_GRID, kills - len(killed)), rng) as some:
                crew_of(engine, workers).read(pairs, ["surface"], Reader(None, store), out)
            killed += some
            times += 1
            (found,) = features_of(pairs, ["surface"], Reader(None, Store()))
            other += found.sha256 != alone.sha256 or found.info != alone.info
            events = [e["key"] for e in store.events() if e["stage"] == "surface-rows" and e["event"] == "made"]
            made += len(set(events))
            twice += len(events) - len(set(events))
        print(
            f"{engine}, {workers} workers: {len(killed)} killed ({sum(k != 'None' for k in killed)} of them reading a shard), "
            f"{made} shards in {times} readings of {len(pairs):,} pairs, {other} readings different, {twice} shards made twice, "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )


def main() -> None:
    """Make the grid alone, then under each engine."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--engines", default="local,ray,slurm")
    ask.add_argument("--workers", type=int, default=2)
    ask.add_argument("--kills", type=int, default=50)
    ask.add_argument("--reading", type=Path, help="a set of more than 4,096 pairs, whose shards are read")
    given = ask.parse_args()
    rng = random.Random(0)
    os.environ["OFFTARGET_SUBMITIT"] = "local"
    with tempfile.TemporaryDirectory() as at:
        file = given.reading and given.reading.resolve()
        os.chdir(at)
        if file:
            reading(file, given.engines.split(","), given.workers, given.kills, rng)
            return
        write_recipe(save_tiny_model(Path(at) / "model"))
        os.environ["OFFTARGET_HOME"] = str(Path(at) / "alone")
        assert call(["run", "recipe.yaml", "--out", "alone-out"]) == 0
        want = cells(Path("alone-out"))
        for engine in given.engines.split(","):
            kills: list[str] = []
            missing = other = made = twice = grids = 0
            began = time.monotonic()
            while len(kills) < given.kills:
                out = Path(f"{engine}-{grids}")
                os.environ["OFFTARGET_HOME"] = str(Path(at) / f"store-{engine}-{grids}")
                with killer(out, min(PER_GRID, given.kills - len(kills)), rng) as killed:
                    status = call(
                        ["run", "recipe.yaml", "--out", str(out), "--engine", engine, "--workers", str(given.workers)]
                    )
                kills += killed
                grids += 1
                found = cells(out) if (out / "cells").is_dir() else {}
                missing += sum(k not in found for k in want) + (status != 0)
                other += sum(bool(differences(want[k], c)) for k, c in found.items() if k in want)
                made += len(found)
                twice += sum(int(read(f).get("made", 0)) for f in (out / "crew" / "workers").glob("*.json")) > len(want)
            seconds = time.monotonic() - began
            print(
                f"{engine}, {given.workers} workers: {len(kills)} killed ({sum(k != 'None' for k in kills)} of them making a cell), "
                f"{made} cells in {grids} grids, {missing} missing, {other} different, {twice} grids with a cell made twice, "
                f"{seconds:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
