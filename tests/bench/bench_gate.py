"""Is the gate red when it should be, and green when it should be? On real pairs, where what changed is known.

    python tests/bench/bench_gate.py            # all of it, and results/gate/README.md
    python tests/bench/bench_gate.py --runs 5   # a look, written nowhere

- halves: a real set split into halves by prompt; one is the baseline, the other is judged. Nothing changed: red is an error.
- planted: a sentence put at the end of 10 % of the chosen answers of 2,000 new pairs, by the rows of the lens.
- seed: the same pairs, audited with another seed.
- small: drops of 35 to 1,000 pairs beside half of the set, all of whose findings are allowed as they were seen; as they are, and
  with the sentence in 15 % of chosen answers.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.data.loading import load_pairs
from offtarget.errors import UndecidedError
from offtarget.gate.baseline import baseline_of, text_of
from offtarget.gate.criteria import Criteria
from offtarget.gate.measure import measure
from offtarget.gate.records import GateReport
from offtarget.gate.run import gate
from offtarget.lens import surface
from offtarget.lens.features import FeatureMatrix
from offtarget.store import write_atomic

REPO = Path(__file__).parents[2]
TABLE = REPO / "results" / "gate" / "README.md"
SHARED = REPO.parent / "shared" / "data"
SENTENCE = "\n\nI hope this helps! Let me know if you have any other questions."
ROWS, POINTS = 2000, 0.10
SMALL, SMALL_POINTS, SMALL_RUNS = (35, 60, 100, 300, 1000), 0.15, 0.3
"""Sizes of small drops, the share of chosen answers with the sentence, and how many of the runs each has."""


class Bench:
    """A real set and its features, read once."""

    def __init__(self, name: str, tmp: Path, limit: int | None) -> None:
        self.pairs = load_pairs(str(SHARED / name), limit=limit)
        self.features = surface.encode(self.pairs.pairs)
        self.tmp = tmp
        _, codes = np.unique([p.group for p in self.pairs.pairs], return_inverse=True)
        self.rows = [np.flatnonzero(codes == k) for k in range(codes.max() + 1)]

    def whole_prompts(self, rng: np.random.Generator, *sizes: int) -> list[np.ndarray]:
        """Disjoint rows of whole prompts drawn at random, about so many each."""
        order = rng.permutation(len(self.rows))
        out, k = [], 0
        for size in sizes:
            rows: list[int] = []
            while len(rows) < size and k < len(order):
                rows += self.rows[order[k]].tolist()
                k += 1
            out.append(np.array(rows))
        return out

    def audit(self, rows: np.ndarray, features: FeatureMatrix | None = None, seed: int = 0) -> AuditFolder:
        """An audit of some rows, without topics."""
        part = replace(self.pairs, pairs=[self.pairs.pairs[i] for i in rows])
        found = audit(part, [features or self.features.select(rows)], seed=seed, like=self.like)
        folder = AuditFolder(self.tmp / "x", found.audit)
        folder.__dict__["workings"], folder.__dict__["vocabulary"] = found.workings, found.vocabulary
        return folder

    @property
    def like(self) -> Path:
        """A vocabulary without topics: what lies beside a baseline."""
        folder = self.tmp / "like"
        if not folder.exists():
            rows = self.whole_prompts(np.random.default_rng(0), 200)[0]
            part = replace(self.pairs, pairs=[self.pairs.pairs[i] for i in rows])
            found = audit(part, [self.features.select(rows)], seed=0)
            folder.mkdir()
            replace(found.vocabulary, topics=None, kinds=()).save(folder)
        return folder

    def judge(self, old: AuditFolder, new: AuditFolder, *, decided: bool = False) -> GateReport:
        """By a baseline that was written and read again; `decided`: all its findings are allowed as they were seen."""
        path = self.tmp / "baseline.json"
        path.write_text(text_of(baseline_of(old, measure(old, ["overall"]), ["overall"])))
        return gate(new, Criteria(baseline=path, verdicts=self.allowed(old) if decided else None))

    def allowed(self, old: AuditFolder) -> Path:
        """A verdicts file that allows every finding over the whole set."""
        audit = old.audit
        lines = [
            {
                "concept": h.concept,
                "decision": "allow",
                "seen": {
                    "effect": h.effect,
                    "ci": list(h.ci),
                    "n": h.n_inside,
                    "unit": audit.concept(h.concept).evidence.effect_unit,
                    "audit": audit.key,
                    "vocabulary": audit.vocabulary,
                },
            }
            for h in audit.findings
            if h.context is None
        ]
        head = {"schema_version": 1, "vocabulary": audit.vocabulary, "by": "bench", "date": "2026-01-01"}
        return write_atomic(self.tmp / "verdicts.yaml", yaml.safe_dump({**head, "verdicts": lines}))

    def planted(self, rows: np.ndarray, rng: np.random.Generator, share: float = POINTS) -> FeatureMatrix:
        """The features of rows in which a share of chosen answers end in the sentence."""
        chosen = set(rng.choice(len(rows), round(share * len(rows)), replace=False).tolist())
        pairs = [self.pairs.pairs[i] for i in rows]
        out = []
        for k, p in enumerate(pairs):
            last = {**p.chosen[-1], "content": p.chosen[-1]["content"] + SENTENCE}
            out.append(replace(p, chosen=[*p.chosen[:-1], last]) if k in chosen else p)
        marked = sorted(chosen)
        fresh = surface.encode([out[k] for k in marked])
        return mixed(self.features.select(rows), fresh, np.array(marked))


def mixed(plain: FeatureMatrix, fresh: FeatureMatrix, at: np.ndarray) -> FeatureMatrix:
    """Some rows of a matrix replaced."""
    from scipy.sparse import vstack

    order = np.arange(len(plain))
    order[at] = len(plain) + np.arange(len(at))
    values = {k: vstack([m, fresh.values[k]], format="csr")[order] for k, m in plain.values.items()}
    unread = plain.unread
    if unread is not None and fresh.unread is not None:
        unread = vstack([unread, fresh.unread], format="csr")[order]
    return replace(plain, values=values, unread=unread)


def small(bench: Bench, runs: int) -> list[str]:
    """Rows of the table: drops of few pairs, as they are and with the sentence."""
    n, lines = len(bench.pairs), []
    base, rest = bench.whole_prompts(np.random.default_rng(0), n // 2, n)
    old, others = bench.audit(base), [r for r in bench.rows if r[0] in set(rest.tolist())]
    for size in SMALL:
        for what in ("as it is", "planted"):
            reports: list[GateReport | None] = []
            for run in range(runs):
                rng = np.random.default_rng(1000 * size + run)
                order = rng.permutation(len(others))
                rows = np.concatenate([others[k] for k in order[:size]])[:size]
                features = bench.planted(rows, rng, SMALL_POINTS) if what == "planted" else None
                try:
                    reports.append(bench.judge(old, bench.audit(rows, features), decided=True))
                except UndecidedError:  # fewer than 10 prompts' worth: there is no audit to judge
                    reports.append(None)
                found = reports[-1]
                errors = [f"{o.concept} {o.status}" for o in found.of("error")] if found else []
                print("small", size, what, run, found.result if found else "no audit", errors, flush=True)
            lines.append(row_of(f"small, {size:,} pairs, {what}", reports))
            print(lines[-1], flush=True)
    return lines


def row_of(what: str, reports: list[GateReport | None]) -> str:
    """A row of the table."""
    there = [r for r in reports if r is not None]
    red, blind, names = tally(there)
    sees = float(np.median([r.sees.median for r in there if r.sees]))
    rows = int(np.median([r.rows for r in there]))
    passed = sum(r.exit_code == 0 for r in there)
    blind += len(reports) - len(there)
    return f"| {what} | {len(reports)} | {rows:,} | {passed} | {red} | {blind} | {sees:.1f} | {names or '-'} |"


def tally(reports: list[GateReport]) -> tuple[int, int, str]:
    """How many were red, how many could not decide, and the concepts that made them red."""
    red = [r for r in reports if r.exit_code == 1]
    names = sorted({o.concept for r in red for o in r.of("error")})
    return len(red), sum(r.exit_code == 3 for r in reports), ", ".join(names)


def main() -> None:
    """Run the four and print them; write the table after the whole number of runs."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--runs", type=int, default=100)
    ask.add_argument("--set", default="human_pairs_mix")
    ask.add_argument("--limit", type=int, help="pairs of the set, whole prompts drawn at random")
    ask.add_argument("--only", choices=["halves", "planted", "seed", "small"])
    ask.add_argument("--write", action="store_true", help="write results/gate/README.md")
    args = ask.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as tmp:
        bench = Bench(args.set, Path(tmp), args.limit)
        n = len(bench.pairs)
        for what in ("halves", "planted", "seed"):
            if args.only not in (None, what):
                continue
            reports, start = [], time.process_time()
            fixed: AuditFolder | None = None
            for run in range(args.runs):
                rng = np.random.default_rng(run)
                if what == "halves":
                    a, b = bench.whole_prompts(rng, n // 2, n)
                    old, new = bench.audit(a), bench.audit(b)
                elif what == "planted":
                    a, b = bench.whole_prompts(rng, ROWS, ROWS)
                    old, new = bench.audit(a), bench.audit(b, bench.planted(b, rng))
                else:
                    a = bench.whole_prompts(np.random.default_rng(0), ROWS)[0]
                    fixed = fixed or bench.audit(a)
                    old, new = fixed, bench.audit(a, seed=run + 1)
                reports.append(bench.judge(old, new))
                print(what, run, reports[-1].result, [o.concept for o in reports[-1].of("error")], flush=True)
            lines.append(row_of(what, list(reports)))
            print(lines[-1], f"{time.process_time() - start:.0f} s", flush=True)
        if args.only in (None, "small"):
            lines += small(bench, max(round(SMALL_RUNS * args.runs), 1))
    if args.write:
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        _, _, below = TABLE.read_text().partition(BELOW) if TABLE.is_file() else ("", "", "")
        TABLE.write_text(
            ABOUT.format(set=args.set, n=f"{n:,}", asked=f" --limit {args.limit}" if args.limit else "")
            + "\n".join(lines)
            + "\n"
            + (f"\n{BELOW}{below}" if below else "")
        )


BELOW = "## Small drops"
"""What the file goes on with, which is measured otherwise and stays."""
ABOUT = """# Is the gate red when it should be?

Made by `python tests/bench/bench_gate.py{asked} --write` on `{set}` ({n} pairs), with the settings that `offtarget gate init`
writes.

- halves: halves of the set by prompt, one as the baseline; nothing changed, so red is an error (at most 5 of 100 are wanted).
- planted: baseline and drop of 2,000 other pairs each; a sentence ("Let me know if you have any other questions.") ends a tenth
  of the drop's chosen answers (at least 95 of 100 are to be red).
- seed: the same 2,000 pairs, audited with another seed (none may be red).
- small: few pairs of other prompts beside half of the set, by the baseline and by decisions that allow all its findings at the
  size seen; as they are (red is an error; a pass is one only where too little can be seen), and with that sentence at the end of
  15 % of the chosen answers (a pass is an error).
- sees: the smallest change that the gate says it sees, in points, median over concepts and runs.

| what | runs | rows judged | passed | red | undecided | sees | concepts that made it red |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
"""

if __name__ == "__main__":
    main()
