"""How good the shipped directions are, what they answer to, and whether audits name the trait that a set differs in.

    python tests/bench/bench_directions.py [--parts fit,sets,speed] [--pairs 100] [--threads N] [--write]

fit: the shipped concepts at the lens's layer of the embedded model. For each the characters of its examples on both
sides, AUROC on held-out examples and on those in another style, Cohen's d on its own held-out contrast and the
contrast of another concept that it answers to most; then the means over all, for difference of means and for joint
fits with less and more ridge. `--write` puts the tables beside the fit that ships.

sets: `offtarget audit SET --lens surface,direction` of each counterfactual set: the place of the trait's own concept
among all by |d| over the whole set, and among the statements at the head of the report.

speed: seconds to read 1,000 pairs of the planted set along all directions, after the examples.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

RIDGES = (0.001, 0.01, 0.1, 1.0, 10.0)
OWN = {
    "length": ("surface:tokens", "surface:characters"),
    "structure": ("direction:structure", "surface:markdown"),
    "jargon": ("direction:jargon",),
    "flattery": ("direction:flattery",),
    "vagueness": ("direction:vagueness",),
    "agreement": ("direction:agreement",),
    "moralising": ("direction:moralising",),
    "confidence": ("direction:confidence",),
}
"""What counts as a trait's own concept; the first of several that is there."""


@dataclass(frozen=True)
class Means:
    """A way of fitting, over all directions."""

    name: str
    auroc: float
    lowest: float
    own: float
    others: float
    rows: int
    columns: int


def summary(name: str, fit: Any) -> Means:
    """Figures over all directions on the halves that were not fitted on."""
    m = np.abs(fit.unseen)
    k = len(m)
    own = np.diag(fit.unseen)
    off = m[~np.eye(k, dtype=bool)]
    aurocs = [d.auroc for d in fit.directions]
    return Means(
        name, float(np.mean(aurocs)), min(aurocs), float(np.median(own)), float(off.mean()),
        int((m.argmax(axis=1) == np.arange(k)).sum()), int((m.argmax(axis=0) == np.arange(k)).sum()),
    )  # fmt: skip


def fits() -> list[str]:
    """The tables of the first part, as lines of Markdown."""
    from offtarget.lens.activations import choose_layer
    from offtarget.lens.directions import joint
    from offtarget.lens.directions.examples import read_concepts
    from offtarget.lens.directions.fitted import fit_layer
    from offtarget.lens.reader import Reader
    from offtarget.models import EMBEDDED
    from offtarget.store import Store

    read = Reader(EMBEDDED, Store(), dtype="float32", progress=lambda _, done, total: progress(done, total))
    concepts, layer = read_concepts(), choose_layer(read.ref)
    shipped = fit_layer(concepts, layer, read)
    out = [
        f"{len(concepts)} directions after layer {layer} of {read.ref.name}.", "",
        "| direction | pairs | characters + / − | AUROC held out | other style | own d | most by another (d) "
        "| other style: own d | most by another (d) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for k, d in enumerate(shipped.directions):
        both = [e for e in d.concept.examples if e.positive and e.negative]
        chars = [np.mean([len(t) for e in both for t in [getattr(e, s)]]) for s in ("positive", "negative")]
        second = shipped.other_style[:, k].copy()
        own, second[k] = second[k], 0
        j = int(np.nanargmax(np.abs(second)))
        out.append(
            f"| {d.concept.concept} | {len(both)} | {chars[0]:.0f} / {chars[1]:.0f} | {d.auroc:.3f} | {d.other_style:.3f} | "
            f"{d.d:.2f} | {d.loudest[0]} ({d.loudest[1]:+.2f}) | {own:.2f} | {concepts[j].concept} ({second[j]:+.2f}) |"
        )
    out += [
        "",
        "Ways of fitting, on held-out halves: mean and lowest AUROC, median d on the own contrast, mean |d| on the contrasts of "
        "others, contrasts whose own direction answers most, directions that answer most to their own contrast.",
        "",
        "| fit | AUROC | lowest | own d | others' d | own first of a contrast | own first of a direction |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    alone = [c.model_copy(update={"method": "mean_difference"}) for c in concepts]
    ways = [summary("difference of means", fit_layer(alone, layer, read))]
    for ridge in RIDGES:
        joint.RIDGE, before = ridge, joint.RIDGE
        ways.append(summary(f"joint, ridge {ridge:g}", fit_layer(concepts, layer, read)))
        joint.RIDGE = before
    out += [
        f"| {w.name} | {w.auroc:.3f} | {w.lowest:.3f} | {w.own:.2f} | {w.others:.2f} | {w.rows} of {len(concepts)} "
        f"| {w.columns} of {len(concepts)} |"
        for w in ways
    ]
    return out


def sets(names: Sequence[str], n_pairs: int, lenses: str = "surface,direction") -> list[str]:
    """The table of the second part."""
    from offtarget.data.loading import load_pairs
    from offtarget.engine.auditing import audit_into
    from offtarget.engine.recipe import AuditOptions
    from offtarget.lens.reader import Reader
    from offtarget.models import EMBEDDED
    from offtarget.report.claims import glance
    from offtarget.store import Store

    reader = Reader(EMBEDDED, Store(), progress=lambda _, done, total: progress(done, total))
    options = AuditOptions(lens=tuple(lenses.split(",")))
    out = [
        f"Counterfactual sets of {n_pairs} pairs, lenses {lenses}.", "",
        "| set | own concept | d | place by absolute d | before it | statement |",
        "| --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for name in names:
        pairs = load_pairs(f"counterfactual-{name}", limit=n_pairs)
        with tempfile.TemporaryDirectory() as folder:
            audit = audit_into(Path(folder) / "audit", pairs, options, reader).audit
        overall = sorted((h for h in audit.hypotheses if h.view == "overall"), key=lambda h: -abs(h.d))
        order = [h.concept for h in overall]
        own = next((c for c in OWN[name] if c in order), None)
        if own is None:
            out.append(f"| {name} | none | | | | |")
            continue
        place = order.index(own)
        titles = {c.id: c.title for c in audit.concepts}
        said = [s.text for s in glance(audit)]
        words = [titles[c].lower()[:24] for c in OWN[name] if c in titles]
        where = next((i + 1 for i, t in enumerate(said) if any(w in t.lower() for w in words)), None)
        before = ", ".join(f"{h.concept} ({h.d:+.2f})" for h in overall[:place][:4])
        out.append(
            f"| {name} | {own} | {overall[place].d:+.2f} | {place + 1} of {len(order)} | {before} | {where or 'none'} |"
        )
        print(f"\n{name}", *(f"  {i + 1}. {t}" for i, t in enumerate(said)), sep="\n", file=sys.stderr)
    return out


def speed(n_pairs: int) -> list[str]:
    """Seconds for 1,000 pairs, read with an empty store."""
    from offtarget.data.loading import load_pairs
    from offtarget.lens.directions.encode import encode_directions
    from offtarget.lens.directions.examples import read_concepts
    from offtarget.lens.reader import Reader
    from offtarget.models import EMBEDDED, resolve
    from offtarget.store import Store

    model = resolve(EMBEDDED, Store())
    pairs = load_pairs("planted-style", limit=n_pairs)
    seen = [0]

    def count(_: str, done: int, total: int) -> None:
        seen[0] = total
        progress(done, total)

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        encode_directions(pairs, read_concepts(), Reader(model, Store(Path(folder)), progress=count))
        took = time.perf_counter() - began
    return [
        f"{len(pairs)} pairs of planted-style, {seen[0]} tokens along {len(read_concepts())} directions: {took:.1f} s, "
        f"{seen[0] / took:.0f} tokens a second, {1000 * took / len(pairs):.0f} s for 1,000 pairs "
        f"({os.environ.get('OMP_NUM_THREADS', 'all')} threads, load {os.getloadavg()[0]:.1f})"
    ]


def progress(done: int, total: int) -> None:
    """One line that is written over."""
    print(f"\r{done}/{total}   ", end="", file=sys.stderr, flush=True)


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="fit,sets,speed")
    parser.add_argument("--sets", default=",".join(OWN))
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--write", action="store_true", help="put the tables beside the fit that ships")
    args = parser.parse_args()
    if args.threads:
        os.environ["OMP_NUM_THREADS"] = str(args.threads)
    parts = args.parts.split(",")
    made: dict[str, list[str]] = {}
    if "fit" in parts:
        made["fit"] = fits()
    if "sets" in parts:
        made["sets"] = sets(args.sets.split(","), args.pairs)
    if "speed" in parts:
        made["speed"] = speed(args.pairs)
    for lines in made.values():
        print("\n" + "\n".join(lines))
    if args.write:
        from offtarget.lens.directions.fitted import SHIPPED_FIT

        for part, lines in made.items():
            (SHIPPED_FIT / f"{part}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
