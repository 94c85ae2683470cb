"""Time and memory of the global view at the scale of arXiv 2606.12360 (limits: 15 minutes, 12 GiB on 2 cores).

    python tests/bench/bench_scale.py [--rows 6500,13000,26000] [--out DIR] [--work DIR] [--keep]

The paper's size is `--rows 259842`: 65,536 latents, at least 3,000 on each response, 814 clusters, 512 topics;
its features take 13 GB of disk under --work. They are simulated (`simulated_features.py`) and written once in
the form that `FeatureMatrix.load` maps; `--keep` leaves them there for the next run. Making them, and making
the pairs' texts, is not part of the figure and is told apart.

Each size is measured in its own process, whose files the system has been asked to forget: features opened,
topics, contrasts, and the global view with all its tests, by the functions of `offtarget.audit.run`. Every
planted effect must be found. `seconds` are those of a clock, `cpu` those of the processor (they part where
other work runs beside it or the disk is slow); memory is the process's peak, texts of the pairs included. With
--out the table is written as JSON and drawn as `scale.svg`.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

MINUTES, GIB = 15, 12
STAGES = ("features", "topics", "contrasts", "tests", "halves", "bootstrap", "length control", "rows and q")
SEED = 0


class Clock:
    """Seconds, processor seconds and peak memory by stage; what a stage calls as another is taken off it."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, float]] = {}
        self._inner: list[list[float]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter(), time.process_time()
        self._inner.append([0.0, 0.0])
        yield
        spent = time.perf_counter() - start[0], time.process_time() - start[1]
        inner = self._inner.pop()
        if self._inner:
            self._inner[-1] = [a + b for a, b in zip(self._inner[-1], spent, strict=True)]
        found = self.stages.setdefault(name, {"seconds": 0.0, "cpu": 0.0, "peak_gib": 0.0})
        found["seconds"] += spent[0] - inner[0]
        found["cpu"] += spent[1] - inner[1]
        found["peak_gib"] = round(peak_gib(), 3)

    def watch(self, module: Any, function: str, name: str) -> None:
        """Time a function of a module as a stage wherever that module calls it."""
        inner: Callable[..., Any] = getattr(module, function)

        def timed(*args: Any, **kw: Any) -> Any:
            with self.stage(name):
                return inner(*args, **kw)

        setattr(module, function, timed)


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def simulate(folder: Path, n_rows: int) -> None:
    """Write the features of one size (its own process: its memory is not the measured one's)."""
    from simulated_features import world, write_features

    start = time.perf_counter()
    entries = write_features(folder, world(n_rows, SEED), SEED)
    print(
        f"{n_rows} rows: {entries / 2 / n_rows:.0f} latents a response, {entries * 8 / 1e9:.2f} GB, simulated in "
        f"{time.perf_counter() - start:.0f} s",
        flush=True,
    )


def forget(folder: Path) -> None:
    """Ask the system to drop the folder's files from its cache, so that the disk is read."""
    for file in folder.iterdir():
        fd = os.open(file, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def measure(folder: Path, n_rows: int) -> dict[str, Any]:
    """Run the global view as the audit does; what it took, and what it found."""
    from simulated_features import concepts_of, pairs_of, world

    from offtarget.audit.concepts.contrast import contrasts
    from offtarget.audit.concepts.topics import SILENT
    from offtarget.audit.run import topics_of
    from offtarget.audit.statistics.inside import partition
    from offtarget.audit.views import contexts
    from offtarget.audit.views.common import Rows, that_differ
    from offtarget.lens.features import FeatureMatrix

    w = world(n_rows, SEED)
    pairs, concepts = pairs_of(w, SEED), concepts_of(w)
    planted, truth = w.planted, w.topic
    del w
    forget(folder)
    clock, before = Clock(), peak_gib()
    for function, name in (
        ("inside_test", "tests"),
        ("half_differences", "halves"),
        ("judge", "contexts dealt out"),
        ("_held", "length control"),
    ):
        clock.watch(contexts, function, name)
    with clock.stage("features"):
        features = FeatureMatrix.load(folder)
    rows, names = Rows.of(pairs.pairs), [c.id for c in concepts]
    with clock.stage("topics"):
        topics, codes = topics_of(pairs, [features], concepts, seed=SEED)
    assert topics is not None
    with clock.stage("contrasts"):
        c = contrasts([features], concepts)
    with clock.stage("rows and q"):
        tested = that_differ(c, np.arange(len(concepts)))
        membership, pool = partition(codes, len(topics)), np.flatnonzero(codes != SILENT)
        view, family = contexts.context_view("global", rows, names, c, membership, pool, topics.ids, tested, seed=SEED)
    missed, others = check(planted, truth, codes, family)
    total = {k: sum(s[k] for s in clock.stages.values()) for k in ("seconds", "cpu")}
    return {
        "rows": n_rows,
        "topics": len(topics),
        "tested": view.family.tested,
        "findings": view.family.findings,
        "planted": len(planted),
        "missed": missed,
        "other_findings": others,
        "stages": clock.stages,
        **total,
        "peak_gib": peak_gib(),
        "texts_gib": before,
    }


def check(planted: Any, truth: Any, codes: Any, family: Any) -> tuple[list[Any], int]:
    """Which planted cells were not found, and how many findings are of clusters that nothing was planted in."""
    found = family["tested"] & (family["q"] < 0.05)
    missed = []
    for topic, cluster, sign in planted:
        mine = codes[(truth == topic) & (codes >= 0)]
        context = int(np.bincount(mine).argmax())
        if not found[context, cluster] or np.sign(family["effect"][context, cluster]) != sign:
            missed.append((topic, cluster, sign))
    touched = {cluster for _, cluster, _ in planted}
    return missed, int(found[:, [m for m in range(found.shape[1]) if m not in touched]].sum())


def report(found: list[dict[str, Any]], out: Path | None) -> None:
    """The table of cost against n, and its plot."""
    print(f"\n{'stage':<16}" + "".join(f"{r['rows']:>12,}" for r in found))
    for stage in STAGES:
        print(f"{stage:<16}" + "".join(f"{r['stages'][stage]['seconds']:>10.1f} s" for r in found))
    print(f"{'all':<16}" + "".join(f"{r['seconds']:>10.1f} s" for r in found))
    print(f"{'all, processor':<16}" + "".join(f"{r['cpu']:>10.1f} s" for r in found))
    print(f"{'peak memory':<16}" + "".join(f"{r['peak_gib']:>8.2f} GiB" for r in found))
    if out is None:
        return
    import matplotlib as mpl
    from matplotlib.figure import Figure

    out.mkdir(parents=True, exist_ok=True)
    (out / "scale.json").write_text(json.dumps(found, indent=1) + "\n")
    n = [r["rows"] for r in found]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    cost, memory = figure.subplots(1, 2)
    for stage in STAGES:
        cost.plot(n, [max(r["stages"][stage]["seconds"], 1e-2) for r in found], "o-", ms=3, lw=1, label=stage)
    cost.plot(n, [r["seconds"] for r in found], "ko-", lw=2, label="all")
    cost.plot(n, [r["cpu"] for r in found], "ko:", lw=1, ms=3, label="all, processor")
    memory.plot(n, [r["peak_gib"] for r in found], "ko-", lw=2, label="peak")
    memory.plot(n, [r["texts_gib"] for r in found], "o-", ms=3, lw=1, label="before (texts, code)")
    for axes, limit, what in ((cost, MINUTES * 60, "seconds"), (memory, GIB, "GiB")):
        axes.axhline(limit, color="tab:red", ls="--", lw=1, label="limit")
        axes.set(xscale="log", yscale="log", xlabel="pairs", ylabel=what)
        axes.set_xticks(n, [f"{x:,}" for x in n])
        axes.minorticks_off()
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    with mpl.rc_context({"svg.hashsalt": "scale"}):
        figure.savefig(out / "scale.svg", metadata={"Date": None})
    print(f"wrote {out / 'scale.json'} and {out / 'scale.svg'}")


def in_process(*argv: str) -> str:
    """This script again, in its own process; the last line it prints."""
    lines = subprocess.run(
        [sys.executable, __file__, *argv], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    return lines[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="6500,13000,26000", help="sizes, separated by commas")
    parser.add_argument("--out", type=Path, help="folder for scale.json and scale.svg")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()), help="where features lie")
    parser.add_argument("--keep", action="store_true", help="leave the features there")
    parser.add_argument("--part", nargs=3, metavar=("WHAT", "FOLDER", "ROWS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        what, folder, n_rows = args.part[0], Path(args.part[1]), int(args.part[2])
        if what == "simulate":
            simulate(folder, n_rows)
        else:
            print(json.dumps(measure(folder, n_rows)))
        return
    found = []
    for n_rows in [int(n) for n in args.rows.split(",")]:
        folder = args.work / f"offtarget-scale-{n_rows}"
        if not (folder / "features.json").exists():
            need, free = n_rows * 2 * 3200 * 8, shutil.disk_usage(args.work).free
            print(f"{n_rows} rows: {need / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB free", flush=True)
            if need > 0.95 * free:
                sys.exit(f"{args.work}: too little room; choose another folder with --work, or fewer --rows")
            print(in_process("--part", "simulate", str(folder), str(n_rows)), flush=True)
        result = json.loads(in_process("--part", "measure", str(folder), str(n_rows)))
        found.append(result)
        fits = result["seconds"] < MINUTES * 60 and result["peak_gib"] < GIB
        print(
            f"{n_rows} rows, {result['topics']} topics, {result['tested']:,} hypotheses on "
            f"{len(os.sched_getaffinity(0))} cores: {result['seconds']:.0f} s (processor {result['cpu']:.0f} s, limit "
            f"{MINUTES * 60}), peak {result['peak_gib']:.2f} GiB (limit {GIB}): {'ok' if fits else 'OVER'}; "
            f"planted {result['planted'] - len(result['missed'])} of {result['planted']} found, "
            f"{result['other_findings']} findings elsewhere",
            flush=True,
        )
        if not args.keep:
            shutil.rmtree(folder)
    report(found, args.out)
    if any(result["missed"] for result in found):
        sys.exit(f"not found (topic, cluster, side): {[result['missed'] for result in found]}")


if __name__ == "__main__":
    main()
