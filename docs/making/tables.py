"""Tables of results, made from the committed records under results/."""

import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from making.text import cell, table
from offtarget.benchmark.records import AuditBoard
from offtarget.board.estimate import Estimate, Scored
from offtarget.board.folder import read_cells
from offtarget.board.rank import rank
from offtarget.board.records import BehaviourRow, Board, Row
from offtarget.claims.page import check_claims, lead, said_of
from offtarget.engine.scale import Rows, Size, duration, scaled, stages, total
from offtarget.lens.surface.quality import measured
from offtarget.registry import builtin_root
from offtarget.verification.board import read_verifications

RESULTS = builtin_root() / "results"


REFERENCE = "reference/cells"
"""The folder of the reference board's cells, under results/."""


@cache
def boards(cells: str = "cells") -> tuple[Board, ...]:
    """Every board of the committed cells, or of those in another folder of results/."""
    found = read_cells(RESULTS / cells)
    return rank(found.cells, found.problems).boards


def board_of(dataset: str, target: str, cells: str = "cells") -> Board:
    """The board of a set and a target behaviour; of several the one with the most pairs, then cells."""
    fits = [b for b in boards(cells) if b.dataset == dataset and target in b.signal]
    return max(fits, key=lambda b: (b.n_pairs, sum(len(r.seeds) for r in b.rows)))


def number(value: float, places: int = 3) -> str:
    """A number with a true minus sign."""
    said = f"{value:.{places}f}".replace("-", "−")
    return said if any(c in "123456789" for c in said) else said.removeprefix("−")


def interval(ci: Sequence[float] | None, places: int = 3) -> str:
    """` [low, high]`, or nothing."""
    return "" if ci is None else f" [{number(ci[0], places)}, {number(ci[1], places)}]"


def estimate(e: Estimate, places: int = 3) -> str:
    """Value and interval; an interval of prompts and sampling alone is in round brackets."""
    if e.value is None:
        return e.note
    said = number(e.value, places) + interval(e.ci, places)
    if isinstance(e, Scored) and e.ci is None and e.sampling_ci:
        said += f" ({number(e.sampling_ci[0], places)} to {number(e.sampling_ci[1], places)})"
    return said


def _label(row: Row) -> str:
    return cell(row.label.replace("readout feature, ", ""))


def _targets(row: Row) -> list[BehaviourRow]:
    return [b for b in row.behaviours if b.role == "target"]


def protocols(dataset: str, target: str, cells: str = "cells") -> str:
    """The rows of a board with three seeds or more: score, difference from plain DPO, recovery, blind control, drift."""
    board = board_of(dataset, target, cells)
    rows = []
    for r in board.rows:
        if r.provisional:
            continue
        (b,) = [b for b in r.behaviours if b.behaviour == target]
        plain = r.kind == "protocol"
        control = b.vs_control
        against = "" if not plain else control.note if control.value is None else estimate(control)
        if control.value is not None and b.q_control is not None:
            against += f", q {b.q_control:.2g}"
        rows.append(
            (
                _label(r),
                estimate(b.score),
                estimate(b.vs_dpo) if plain else "",
                estimate(r.recovery, 2) if plain else "",
                against,
                estimate(r.drift, 2) if r.kind != "start" else "",
            )
        )
    head = ("protocol", _name(board, target), "minus plain DPO", "recovery", "against its blind control", "drift")
    return table(head, rows, numbers=5)


def taught(dataset: str, target: str, cells: str = "cells") -> str:
    """Plain DPO minus start on the target, over all seeds and seed by seed."""
    board = board_of(dataset, target, cells)
    (plain,) = [b for r in board.rows if r.kind == "plain" for b in r.behaviours if b.behaviour == target]
    rows = [("all", estimate(plain.vs_start), "" if plain.q_start is None else f"{plain.q_start:.2g}")]
    rows += [
        (str(t.seed), number(t.difference) + interval(t.ci), "" if t.q is None else f"{t.q:.2g}")
        for t in board.taught
        if t.behaviour == target and t.difference is not None
    ]
    return table(("training seed", f"plain DPO minus start, {target}", "q"), rows, numbers=2)


REFERENCE_SETS = (
    ("planted-style", "over_stylization", "a planted style"),
    ("counterfactual-flattery", "praise", "flattery"),
    ("community_alignment_en", "over_stylization", "markdown in votes"),
    ("hh_rlhf_harmless_base_test", "refusal", "refusals (amplified)"),
)
"""Set, target and heading of each part of the reference board, in the order of the table."""


def reference(short: bool = False) -> str:
    """Every protocol on every set of the reference board: recovery, or where the concept is amplified, target minus plain DPO.

    The short one leaves out strengths, and sets and protocols without a number on a set where something is to be taken back.
    """
    sets = [s for s in REFERENCE_SETS if not short or _has_recoveries(*s[:2])]
    columns = [_reference_column(dataset, target, not short) for dataset, target, _ in sets]
    names = {name for column in columns for name in column}
    order = [*FIRST, *sorted(names - set(FIRST), key=lambda n: (n.startswith("random_"), n))]
    rows = [(name, *(column.get(name, "") for column in columns)) for name in order]
    return table(("protocol", *(heading for *_, heading in sets)), rows, numbers=len(columns))


def _has_recoveries(dataset: str, target: str) -> bool:
    return any(r.recovery.value is not None for r in board_of(dataset, target, REFERENCE).rows)


FIRST = ("score of start", "score under plain DPO", "training seeds")


def _reference_column(dataset: str, target: str, strengths: bool) -> dict[str, str]:
    board = board_of(dataset, target, REFERENCE)
    out = {}
    for row in board.rows:
        (b,) = [b for b in row.behaviours if b.behaviour == target]
        if row.kind != "protocol":
            out["score of start" if row.kind == "start" else "score under plain DPO"] = number(b.score.value or 0)
            out["training seeds"] = str(len(row.seeds))
            continue
        side, strength = row.parameters.get("side"), row.parameters.get("strength")
        name = row.protocol + (f" ({side})" if row.protocol == "steering" and side != "auto" else "")
        value = b.vs_dpo if row.intent == "amplify" else row.recovery
        said = (row.provisional and "under three seeds") or estimate(value, 3 if row.intent == "amplify" else 2)
        out[name] = "; ".join(
            filter(None, (out.get(name, ""), f"{said} at {strength:g}" if strength and strengths else said))
        )
    return out


def scores(dataset: str, target: str, provisional: bool | None = None, cells: str = "cells") -> str:
    """All scores of a board; with `provisional` only the rows of fewer than three seeds (or only the others)."""
    board = board_of(dataset, target, cells)
    behaviours = sorted(
        {b.behaviour for r in board.rows for b in r.behaviours}, key=lambda b: (b not in board.signal, b)
    )
    rows = []
    for r in board.rows:
        if provisional is not None and bool(r.provisional) != provisional and r.kind != "start":
            continue
        by_name = {b.behaviour: b for b in r.behaviours}
        rows.append(
            (_label(r), *(estimate(by_name[b].score, _places(by_name[b])) if b in by_name else "" for b in behaviours))
        )
    return table(("protocol", *(_name(board, b) for b in behaviours)), rows, numbers=len(behaviours))


def _places(b: BehaviourRow) -> int:
    return 1 if "words" in b.unit or (b.score.value or 0) >= 10 else 3


def _name(board: Board, behaviour: str) -> str:
    found = next(b for r in board.rows for b in r.behaviours if b.behaviour == behaviour)
    return f"{behaviour}{' (target)' if behaviour in board.signal else ''}, {found.direction} is better"


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
