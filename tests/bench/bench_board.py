"""How long a static site of boards takes: 500 cells, four sets of 14 protocols at three strengths with three seeds.

The whole command is timed, with the start of Python and the reading of files: `offtarget board CELLS --format html`.
The aim is under 5 seconds. Printed beside it: the seconds of a processor, which other programs on the machine change less, the
seconds of each part, and the size of what was written.

    python tests/bench/bench_board.py [--cells 500]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from offtarget.board.cell import Cell, CellManifest, CellSpec, Cost, PlanSummary, TrainingDigest
from offtarget.board.folder import read_folders, write_cell
from offtarget.board.rank import rank
from offtarget.board.site import write_site
from offtarget.evals.scores import BehaviourScore, Direction, Role
from offtarget.verdicts import Verdict

SETS, STRENGTHS, SEEDS, AIM = 4, (0.5, 1.0, 2.0), 3, 5.0
BEHAVIOURS: tuple[tuple[str, Role, Direction, int], ...] = (
    ("style", "target", "lower", 192),
    ("sycophancy", "off-target", "lower", 96),
    ("verbosity", "off-target", "lower", 192),
    ("refusal", "off-target", "lower", 96),
    ("capability", "capability", "higher", 96),
)


def cells(n: int) -> list[Cell]:
    """About n cells with random scores of five behaviours, 672 samples each."""
    rng = np.random.default_rng(0)
    protocols = max(1, round((n / SETS / SEEDS - 2) / len(STRENGTHS)))
    rows: list[tuple[str, float | None]] = [("start", None), ("dpo", None)]
    rows += [(f"protocol{i:02d}", s) for i in range(protocols) for s in STRENGTHS]
    return [_cell(rng, f"set{d}", p, s, seed) for d in range(SETS) for p, s in rows for seed in range(SEEDS)]


def _cell(rng: np.random.Generator, dataset: str, protocol: str, strength: float | None, seed: int) -> Cell:
    start = protocol == "start"
    scores = []
    for k, (name, role, direction, samples) in enumerate(BEHAVIOURS):
        rate = 0.2 if start else 0.5 if protocol == "dpo" else 0.2 + 0.3 * rng.random()
        values = {f"{name}-{i:03d}": float(v) for i, v in enumerate(rng.random(samples) < (rate if k < 4 else 0.8))}
        mean = float(np.mean(list(values.values())))
        scores.append(
            BehaviourScore(
                behaviour=name, task_version="1-A", direction=direction, role=role, metric="share of answers",
                unit="share of answers", value=mean, ci=(max(0.0, mean - 0.1), min(1.0, mean + 0.1)), n=samples,
                n_unscored=0, samples=values,
            )
        )  # fmt: skip
    return Cell(
        spec=CellSpec(
            dataset=dataset, model="tiny", protocol=protocol, seed=seed, behaviours=tuple(b[0] for b in BEHAVIOURS),
            parameters={} if strength is None else {"strength": strength},
            training={} if start else {"beta": 0.1, "max_steps": 40, "batch_size": 8, "gradient_accumulation": 1},
            verdicts=() if start else (Verdict(concept="surface:markdown", decision="suppress"),),
        ),
        manifest=CellManifest(
            dataset_revision="r1", rows_sha256=f"{dataset:0<64}", n_pairs=320, model_identity="b" * 64,
            task_versions={b[0]: "1-A" for b in BEHAVIOURS}, code_version="0.1.0",
        ),
        plan=None if start else PlanSummary(protocol=protocol, pairs=320, touched=100, hash="c" * 64),
        training=None if start else TrainingDigest(steps=40, loss_first=0.69, loss_last=0.4),
        behaviours=tuple(scores),
        budget="cpu",
        cost=Cost(seconds={"train": 40.0}),
    )  # fmt: skip


def main() -> None:
    """Time the command and its parts."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--cells", type=int, default=500)
    n = ask.parse_args().cells
    with tempfile.TemporaryDirectory() as at:
        folder, out = Path(at) / "cells", Path(at) / "out"
        made = cells(n)
        for cell in made:
            write_cell(folder, cell)
        began = time.perf_counter()
        command = [sys.executable, "-m", "offtarget", "board", str(folder), "--format", "html", "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        whole = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = used.ru_utime + used.ru_stime
        files = [f for f in out.rglob("*") if f.is_file()]
        size = sum(f.stat().st_size for f in files) / 2**20
        parts = []
        began = time.perf_counter()
        found = read_folders([folder])
        parts.append(("read", time.perf_counter() - began))
        began = time.perf_counter()
        boards = rank(found.cells)
        parts.append(("rank", time.perf_counter() - began))
        began = time.perf_counter()
        write_site(boards, found, Path(at) / "again", command="offtarget board")
        parts.append(("write", time.perf_counter() - began))
    said = f"{whole:.1f} s for the command, {processor:.1f} s of one processor (aim: under {AIM:g} s)"
    print(f"{len(made)} cells, {len(boards.boards)} boards: {said}")
    print("within one process: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in parts))
    print(f"{len(files)} files, {size:.1f} MiB")


if __name__ == "__main__":
    main()
