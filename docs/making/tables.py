"""Tables of results, made from the committed records under results/."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from making.board_tables import REFERENCE, RESULTS, estimate, number, protocols, reference, scores, taught
from making.text import cell, table
from offtarget.benchmark.records import AuditBoard
from offtarget.claims.page import check_claims, lead, said_of
from offtarget.engine.scale import Rows, Size, duration, scaled, stages, total
from offtarget.lens.surface.quality import measured
from offtarget.verification.board import read_verifications


def claims(paper: str) -> str:
    """The claims of one paper: theirs, ours with the interval, status."""
    rows = []
    for c in check_claims(RESULTS / "claims.yaml"):
        if c.paper.id == paper:
            seen = [said_of(f) for f in c.figures] or [c.claim.not_testable or f"would test it: {c.claim.would_test}"]
            control = "Control: " if c.claim.control else ""
            rows.append((cell(control + c.claim.claim), cell(c.claim.theirs), cell("; ".join(seen)), c.status))
    return table(("claim", "theirs", "ours", "status"), rows)


def claims_lead() -> str:
    """How many claims there are of each status."""
    return lead(check_claims(RESULTS / "claims.yaml"))


def prediction() -> str:
    """r² of predicted against observed shifts over single latents, first seed, for every set."""
    rows = []
    for v in read_verifications(RESULTS / "verification" / "prediction"):
        found = {
            o.predictor: o.control
            for o in v.outcomes
            if (o.family, o.statistic, o.rows, o.seed) == ("latents", "sqrt_frequency", "trained", v.seeds[0])
        }
        tilt, disparity, length = found["tilt"], found["disparity"], found["length"]
        rows.append(
            (
                cell(v.dataset),
                f"{tilt.raw.r2:.2f} ({tilt.raw_null.q95_r2:.2f})",
                f"{disparity.raw.r2:.2f} ({disparity.raw_null.q95_r2:.2f})",
                f"{length.raw.r2:.2f}",
                f"{tilt.by_row.r2:.2f} ({tilt.by_row_null.q95_r2:.2f})",
                f"{disparity.by_row.r2:.2f} ({disparity.by_row_null.q95_r2:.2f})",
                f"{tilt.surest.right:.0%}",
                f"{v.ceilings['latents/sqrt_frequency'].seeds_by_row:.2f}",
                f"{v.answers['characters_before']:.0f} → {v.answers['characters_after']:.0f}",
            )
        )
    head = (
        "set",
        "tilt",
        "disparity",
        "length alone",
        "tilt, equal length",
        "disparity, equal length",
        "surest, right sign",
        "second seed",
        "characters",
    )
    return table(head, rows, numbers=8)


def clusters() -> str:
    """The same over clusters of latents, for the predictor tilt."""
    rows = []
    for v in read_verifications(RESULTS / "verification" / "prediction"):
        (c,) = [
            o.control
            for o in v.outcomes
            if (o.family, o.predictor, o.statistic, o.rows, o.seed)
            == ("clusters", "tilt", "sqrt_frequency", "trained", v.seeds[0])
        ]
        rows.append(
            (
                cell(v.dataset),
                f"{c.n_concepts}",
                f"{c.raw.r2:.2f} ({c.raw_null.q95_r2:.2f})",
                f"{c.by_row.r2:.2f} ({c.by_row_null.q95_r2:.2f})",
            )
        )
    return table(("set", "clusters", "tilt", "tilt, equal length"), rows, numbers=3)


def benchmark(name: str) -> str:
    """The aims of one board of the audit benchmark."""
    path = RESULTS / "benchmark" / name / "board.json"
    found = AuditBoard.model_validate_json(path.read_text(encoding="utf-8"))
    rows = [
        (
            f"`{a.method}`",
            *(
                estimate(e, p)
                for e, p in ((a.recall, 2), (a.recall_ruled, 2), (a.recall_strict, 2), (a.fdp, 3), (a.any_finding, 3))
            ),
        )
        for a in found.aims
    ]
    head = ("method", "in its top K", "with a rule", "strictly", "false discoveries", "shuffled labels with a finding")
    return table(head, rows, numbers=5)


def power(name: str, method: str) -> str:
    """What one method finds at each point of the grid of a board of the audit benchmark."""
    path = RESULTS / "benchmark" / name / "board.json"
    found = AuditBoard.model_validate_json(path.read_text(encoding="utf-8"))
    rows = [
        (
            f"{p.pairs:,}",
            f"{p.rejected:g} %",
            f"{p.difference:g}",
            estimate(p.recall, 2),
            estimate(p.recall_ruled, 2),
            estimate(p.detected, 2),
        )
        for p in found.power
        if p.method == method
    ]
    head = (
        "pairs",
        "rate in rejected",
        "points more in chosen",
        "in its top K",
        "top K, with a rule",
        "found at q < 0.05",
    )
    return table(head, rows, numbers=6)


def rules() -> str:
    """Recall and precision of every phrase rule on held-out text."""
    rows = [
        (f"`{name}`", f"{q.hits + q.misses}", f"{q.recall:.2f}", f"{q.hits + q.false_alarms}", f"{q.precision:.2f}")
        for name, q in sorted(measured().items())
    ]
    return table(("rule", "texts with it", "recall", "found", "precision"), rows, numbers=4)


def calibration() -> str:
    """How many simulated claims hold, are conservative or miss, and which miss."""
    rows = []
    for name in ("audit", "board"):
        found = _claims(name)
        counts = [sum(c["verdict"].startswith(v) for c in found) for v in ("holds", "conservative", "misses")]
        rows.append((f"`results/calibration/{name}.md`", *map(str, counts)))
    return table(("claims of", "hold", "conservative", "miss"), rows, numbers=3)


def misses() -> str:
    """The claims that miss."""
    rows = [
        (
            cell(c["claim"]),
            cell(c["simulated"]),
            f"{c['nominal']:g}",
            number(c["measured"]),
            cell(c.get("why") or c.get("note") or ""),
        )
        for name in ("audit", "board")
        for c in _claims(name)
        if c["verdict"].startswith("misses")
    ]
    return table(("claim", "simulated", "nominal", "measured", "why"), rows)


def _claims(name: str) -> list[dict[str, Any]]:
    lines = (RESULTS / "calibration" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [found for line in lines if "claim" in (found := json.loads(line))]


def scale() -> str:
    """What a whole audit costs at each number of rows."""
    found = json.loads((RESULTS / "scale" / "scale.json").read_text(encoding="utf-8"))
    rows = [
        (
            f"{r['rows']:,}",
            f"{r['topics']}",
            f"{r['concepts']:,}",
            f"{sum(r['tested'].values()):,}",
            f"{r['seconds']:.0f}",
            f"{r['peak_gib']:.1f}",
            f"{r['planted'] - len(r['missed'])} of {r['planted']}",
            f"{r['other_findings']}",
            f"{r['audit_json_mb']:.1f}",
        )
        for r in found
    ]
    head = (
        "pairs", "topics", "concepts", "cells tested", "seconds", "peak memory, GiB", "planted cells found",
        "other findings by topic", "audit.json, MB",
    )  # fmt: skip
    return table(head, rows, numbers=9)


def costs() -> str:
    """What a run of one policy and start costs by the model of costs, at sizes of data and of models."""
    rows = []
    for pairs in (1e4, 2.6e5, 1e7):
        for name, weights in (("135M", 1.35e8), ("8B", 8e9), ("70B", 7e10)):
            found = {s.name: s for s in stages(Size.of_weights(weights), Rows(pairs, pairs), policies=1)}
            _, dollars, _ = total(list(found.values()))
            gpu = [duration(found[k].seconds) for k in ("SAE features", "reference", "training")]
            rows.append(
                (f"{pairs:,.0f}", name, duration(found["audit"].seconds), *gpu, f"{scaled(found['SAE features'].disk)}B",
                 f"{scaled(found['training'].memory)}B", f"${dollars:,.0f}" if dollars >= 1 else f"${dollars:.2f}")
            )  # fmt: skip
    head = (
        "pairs",
        "model",
        "audit, one core",
        "SAE features",
        "reference",
        "training, LoRA",
        "features on disk",
        "GPU memory",
        "all",
    )
    return table(head, rows, numbers=0)


TABLES: dict[str, Callable[[], str]] = {
    "planted-traits": partial(protocols, "planted-style", "over_stylization"),
    "planted-traits-taught": partial(taught, "planted-style", "over_stylization"),
    "planted-traits-one-seed": partial(scores, "planted-style", "over_stylization", True),
    "reference": reference,
    "reference-short": partial(reference, True),
    "reference-style-taught": partial(taught, "planted-style", "over_stylization", REFERENCE),
    "reference-style": partial(protocols, "planted-style", "over_stylization", REFERENCE),
    "reference-refusal-taught": partial(taught, "hh_rlhf_harmless_base_test", "refusal", REFERENCE),
    "reference-refusal": partial(scores, "hh_rlhf_harmless_base_test", "refusal", None, REFERENCE),
    "reference-votes-taught": partial(taught, "community_alignment_en", "over_stylization", REFERENCE),
    "reference-votes": partial(protocols, "community_alignment_en", "over_stylization", REFERENCE),
    "flattery-taught": partial(taught, "counterfactual-flattery", "praise", REFERENCE),
    "flattery": partial(protocols, "counterfactual-flattery", "praise", REFERENCE),
    "style-votes": partial(scores, "community_alignment_en", "over_stylization"),
    "style-gpt4": partial(scores, "alpaca_eval_gpt4_pairs", "over_stylization"),
    "safeguards": partial(scores, "hh_rlhf_harmless_base_test", "refusal"),
    "personality": partial(scores, "planted-style", "cheerfulness"),
    "personality-gated": partial(scores, "planted-style", "cheerfulness_cooking"),
    "sycophancy": partial(scores, "antisyc_pairs", "sycophancy"),
    "sycophancy-reversed": partial(scores, "antisyc_pairs, reversed", "sycophancy"),
    "claims-lead": claims_lead,
    "claims-anatomy": partial(claims, "arXiv 2606.12360"),
    "claims-neutral": partial(claims, "arXiv 2608.31079"),
    "prediction": prediction,
    "prediction-clusters": clusters,
    "benchmark-aims": partial(benchmark, "aims"),
    "benchmark-large": partial(power, "large", "overall"),
    "benchmark-latents": partial(benchmark, "latents"),
    "rules": rules,
    "calibration": calibration,
    "calibration-misses": misses,
    "scale": scale,
    "costs": costs,
}
"""Name in `<!-- table: NAME -->` -> what makes it."""
