"""Time and memory of a whole audit at the scale of arXiv 2606.12360 (limits: 25 minutes, 12 GiB on 2 cores).

    python tests/bench/bench_scale.py [--rows 10000,100000] [--out DIR] [--work DIR] [--keep]

The paper's size is `--rows 259842`: 65,536 latents, at least 3,000 on each response, 512 topics; its features take 15 GB of
disk under --work. They are simulated (`simulated_features.py`) and written once in the form that `FeatureMatrix.load` maps;
`--keep` leaves them there for the next run. Making them, and making the pairs' texts, is not part of the figure.

Each size is measured in its own process, whose files the system has been asked to forget: `engine.auditing.audit_into` with the
surface lens, which reads the texts, and with these latents: vocabulary, views, page and folder. `seconds` are those of a clock,
`cpu` those of the processor; memory is the process's peak, texts of the pairs included. A planted cell is found if a concept
most of whose latents are its cluster's leans the right way, at q < 0.05, in the topic that holds most of its rows. With --out the
table is written as JSON and drawn as `scale.svg`.
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
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

MINUTES, GIB = 25, 12
STAGES = (
    "surface features", "vocabulary", "contrasts", "overall view", "global view", "local view", "labels",
    "page", "folder and rest",
)  # fmt: skip
SEED = 0


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


def measure(folder: Path, n_rows: int, work: Path) -> dict[str, Any]:
    """Audit as `offtarget audit --lens surface,sae` does; what it took, and what it found."""
    from simulated_features import pairs_of, world

    from offtarget.engine import auditing
    from offtarget.engine.recipe import AuditOptions
    from offtarget.lens import table
    from offtarget.lens.features import FeatureMatrix
    from offtarget.lens.reader import Reader
    from offtarget.store import Store

    w = world(n_rows, SEED)
    pairs = pairs_of(w, SEED)
    planted, truth, clusters = w.planted, w.topic, w.clusters
    del w
    forget(folder)
    before, seconds, kept = peak_gib(), {}, {}
    table.LENSES["sae"] = replace(
        table.LENSES["sae"], read=lambda *_: FeatureMatrix.load(folder), reads_model=False, shards=None
    )

    def timed(function: str, stage: str) -> None:
        inner: Callable[..., Any] = getattr(auditing, function)

        def outer(*args: Any, **kw: Any) -> Any:
            start = time.perf_counter()
            kept[stage] = found = inner(*args, **kw)
            seconds[stage] = time.perf_counter() - start
            return found

        setattr(auditing, function, outer)

    for function, stage in (("features_of", "surface features"), ("run_audit", "audit"), ("render_audit", "page")):
        timed(function, stage)
    start, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(dir=work) as temporary:
        options, reader = AuditOptions(lens=("surface", "sae")), Reader(None, Store(Path(temporary) / "store"))
        auditing.audit_into(Path(temporary) / "audit", pairs, options, reader)
        size = (Path(temporary) / "audit" / "audit.json").stat().st_size
    total = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    found = kept["audit"]
    stages = {k: v for k, v in found.audit.timing.items() if k in STAGES}
    stages |= {k: v for k, v in seconds.items() if k != "audit"}
    stages["folder and rest"] = total["seconds"] - sum(stages.values())
    family = found.workings.families["global"]
    missed, others = check(planted, truth, clusters, found, family)
    return {
        "rows": n_rows,
        "topics": sum(c.kind == "topic" for c in found.audit.contexts),
        "concepts": len(found.audit.concepts),
        "tested": {view: f.tested for view, f in found.audit.families.items()},
        "findings": int((family["tested"] & (family["q"] < 0.05)).sum()),
        "planted": len(planted),
        "missed": missed,
        "other_findings": others,
        "stages": {k: round(v, 2) for k, v in stages.items()},
        **{k: round(v, 1) for k, v in total.items()},
        "peak_gib": round(peak_gib(), 3),
        "texts_gib": round(before, 3),
        "audit_json_mb": round(size / 1e6, 2),
    }


def check(planted: Any, truth: Any, clusters: Any, found: Any, family: Any) -> tuple[list[Any], int]:
    """Which planted cells were not found, and how many findings are of concepts of other latents."""
    members = [
        {int(m.split(":")[1]) for m in c.members} if c.lens == "sae" else set() for c in found.vocabulary.concepts
    ]
    where = found.workings.membership
    topics = [k for k, name in enumerate(found.workings.context_ids) if name.startswith("topic:")]
    hit = family["tested"] & (family["q"] < 0.05)
    missed, touched = [], np.zeros(len(members), dtype=bool)
    for topic, cluster, sign in planted:
        own = set(clusters[cluster].tolist())
        mine = np.array([bool(m) and 2 * len(m & own) >= len(m) for m in members])
        touched |= np.array([bool(m & own) for m in members])
        k = max(topics, key=lambda k: int((truth[where[k].indices] == topic).sum()))
        if not (hit[k] & mine & (np.sign(family["effect"][k]) == sign)).any():
            missed.append((topic, cluster, sign))
    return missed, int(hit[:, ~touched].sum())


def report(found: list[dict[str, Any]], out: Path | None) -> None:
    """The table of cost against n, and its plot."""
    print(f"\n{'stage':<16}" + "".join(f"{r['rows']:>12,}" for r in found))
    for stage in STAGES:
        print(f"{stage:<16}" + "".join(f"{r['stages'].get(stage, 0.0):>10.1f} s" for r in found))
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
        cost.plot(n, [max(r["stages"].get(stage, 0.0), 1e-2) for r in found], "o-", ms=3, lw=1, label=stage)
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
    parser.add_argument(
        "--rows",
        default="100000",
        help="sizes, separated by commas; at 10,000 topics are too small to show three of the planted cells",
    )
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
            print(json.dumps(measure(folder, n_rows, args.work)))
        return
    found = []
    for n_rows in [int(n) for n in args.rows.split(",")]:
        folder = args.work / f"offtarget-scale-{n_rows}"
        if not (folder / "features.json").exists():
            need, free = n_rows * 7 * 3200 * 8 // 3, shutil.disk_usage(args.work).free
            print(f"{n_rows} rows: {need / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB free", flush=True)
            if need > 0.95 * free:
                sys.exit(f"{args.work}: too little room; choose another folder with --work, or fewer --rows")
            print(in_process("--part", "simulate", str(folder), str(n_rows)), flush=True)
        result = json.loads(in_process("--part", "measure", str(folder), str(n_rows), "--work", str(args.work)))
        found.append(result)
        fits = result["seconds"] < MINUTES * 60 and result["peak_gib"] < GIB
        print(
            f"{n_rows} rows, {result['topics']} topics, {result['concepts']:,} concepts, {sum(result['tested'].values()):,} hypotheses on "
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
