"""Boards, compare and scores where the truth is known: sizes, coverage and bias, with Monte Carlo errors.

Whole boards are ranked (`board.rank`), as `offtarget board` does; nothing is taken from the project's planted sets.

Run `python tests/bench/bench_calibration_board.py --runs 400 --out results/calibration` to make that table again
(about five quiet minutes; `--runs 60` for a look).
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from calibration.boards import Floats, Policy, cells, score
from calibration.table import Line, main

from offtarget.board.rank import rank
from offtarget.evals.compare import paired
from offtarget.evals.scoring import make_score

SHARE = ("style", "target", "share of answers")
START, DPO, GOOD = Policy(-5.2), Policy(-0.38, 0.55), Policy(-2.9, 0.55)
N = 192
SEED_NOTE = "seed sd of plain DPO's score 0.09, as in results/planted-style"


def board(policies: dict[str, Policy], seeds: int, rng: np.random.Generator, controls: Any = None) -> dict[str, Any]:
    """One simulated board: rows by protocol, and whether there is signal."""
    prompts = rng.standard_normal(N)
    made = []
    for name, p in policies.items():
        own = {} if name in ("start", "dpo") else {"strength": 1.0}
        made += cells(name, {SHARE: p.draw(prompts, seeds, rng)}, **own)
    found = rank(made, controls=controls or {}).boards[0]
    return {"signal": found.signal["style"], **{r.protocol: r for r in found.rows}}


def share(hits: Iterable[bool]) -> tuple[float, int]:
    """A rate and how many it is of."""
    found = list(hits)
    return (float(np.mean(found)), len(found)) if found else (0.0, 0)


def holds(ci: tuple[float, float] | None, truth: float) -> bool:
    """Whether an interval covers; one without bounds does."""
    return ci is None or ci[0] <= truth <= ci[1]


def seeds_lines(runs: int) -> list[Line]:
    """F3: a protocol that is plain DPO in distribution, and one whose recovery is known."""
    truth = {k: p.truth() for k, p in (("start", START), ("dpo", DPO), ("good", GOOD))}
    want = (truth["dpo"] - truth["good"]) / (truth["dpo"] - truth["start"])
    out = []
    for seeds in (3, 5):
        rng = np.random.default_rng(11 + seeds)
        what = f"{seeds} seeds, {N} prompts; {SEED_NOTE}"
        policies = {"start": START, "dpo": DPO, "same": DPO, "good": GOOD, "blind": GOOD}
        made = [board(policies, seeds, rng, {"good": "blind"}) for _ in range(runs)]
        same = [b["same"].behaviours[0] for b in made]
        good = [b["good"].behaviours[0] for b in made]
        heard = [b for b in made if b["signal"]]
        lines: list[tuple[str, float, tuple[float, int], str]] = [
            ("q against plain DPO < 0.05, protocol = plain DPO", 0.05, share(x.q_dpo < 0.05 for x in same), "above"),
            ("interval against plain DPO covers 0", 0.95, share(holds(x.vs_dpo.ci, 0) for x in same), "below"),
            ("interval of plain DPO's score covers", 0.95,
             share(holds(b["dpo"].behaviours[0].score.ci, truth["dpo"]) for b in made), "below"),
            ("interval of a low score covers", 0.95, share(holds(x.score.ci, truth["good"]) for x in good), "below"),
            ("interval against start covers", 0.95,
             share(holds(x.vs_start.ci, truth["good"] - truth["start"]) for x in good), "below"),
            ("q against the blind control < 0.05, equal in truth", 0.05, share(x.q_control < 0.05 for x in good), "above"),
            ("recovery interval covers a true 0", 0.95, share(holds(b["same"].recovery.ci, 0) for b in heard), "below"),
            (f"recovery interval covers a true {want:.2f}", 0.95,
             share(holds(b["good"].recovery.ci, want) for b in heard), "below"),
        ]  # fmt: skip
        out += [Line(claim, what, nominal, m, n, wrong) for claim, nominal, (m, n), wrong in lines]  # type: ignore[arg-type]
    return out


def one_seed_lines(runs: int) -> list[Line]:
    """Under three seeds nothing is claimed."""
    out = []
    for seeds in (1, 2):
        rng = np.random.default_rng(20 + seeds)
        made = [board({"start": START, "dpo": DPO, "same": DPO}, seeds, rng) for _ in range(max(runs // 10, 10))]

        def claims(b: dict[str, Any]) -> bool:
            row, x = b["same"], b["same"].behaviours[0]
            return any(
                v is not None
                for v in (x.q_dpo, x.q_start, x.q_control, x.vs_dpo.ci, row.recovery.value, row.front_share)
            )

        m, n = share(claims(b) for b in made)
        out.append(Line("any q, interval of a difference, recovery or front", f"{seeds} seed(s)", 0.0, m, n, "above"))
    return out


def signal_lines(runs: int) -> list[Line]:
    """F4: what a control that takes back nothing recovers, where plain DPO passed for a signal."""
    out = []
    cases = [
        ("weak, no seed noise", START, Policy(-4.4)),
        ("weak, seed sd 0.5 logits", START, Policy(-4.4, 0.5)),
        ("no effect, no seed noise", Policy(-2.4), Policy(-2.4)),
        ("no effect, seed sd 0.55 logits", Policy(-2.4), Policy(-2.4, 0.55)),
        ("middling, seed sd 0.5 logits", START, Policy(-3.0, 0.5)),
        ("strong, seed sd 0.55 logits", START, DPO),
    ]
    for seeds in (3, 5):
        for title, start, dpo in cases:
            rng = np.random.default_rng(31 + seeds)
            made = [board({"start": start, "dpo": dpo, "same": dpo}, seeds, rng) for _ in range(runs)]
            heard = [b["same"].recovery for b in made if b["signal"]]
            shown = [e for e in heard if e.value is not None]
            what = f"{title}: start {start.truth():.3f}, dpo {dpo.truth():.3f}; {seeds} seeds, {N} prompts"
            if start == dpo or "no effect" in title:
                m, n = share(bool(b["signal"]) for b in made)
                out.append(Line("signal where there is none", what, 0.05, m, n, "above"))
            m, n = share(e.ci is not None and e.ci[0] > 0 for e in heard)
            note = f"signal in {len(heard)} of {runs} boards, recovery shown in {len(shown)}"
            if n >= 20:
                out.append(
                    Line(
                        "a control's recovery lies wholly above 0, of boards with signal",
                        what,
                        0.025,
                        m,
                        n,
                        "above",
                        note=note,
                    )
                )
            m, n = share(e.ci is not None and e.ci[0] > 0 for e in (b["same"].recovery for b in made))
            out.append(
                Line("a control's recovery lies wholly above 0, of all boards", what, 0.025, m, n, "above", note=note)
            )
            if len(shown) >= 100:
                values = np.array([e.value for e in shown])
                error = 1.2533 * float(values.std(ddof=1)) / len(values) ** 0.5
                median = float(np.median(values))
                out.append(
                    Line(
                        "median recovery of that control",
                        what,
                        0.0,
                        median,
                        len(values),
                        "away",
                        error,
                        _bias(median, error),
                    )
                )
    return out


def _bias(median: float, error: float) -> str:
    if abs(median) <= 3 * error:
        return ""
    return (
        "the training seeds of plain DPO are common to both halves, and boards are shown where they came out high; "
        "the interval holds"
    )


def drift_lines(runs: int) -> list[Line]:
    """F12: drift of a policy that is start in expectation."""
    out = []
    for behaviours in (1, 3, 8):
        for tau in (0.0, 0.1, 0.2):
            rng = np.random.default_rng(61 + behaviours)
            made = [_drifting(behaviours, tau, 0.0, rng) for _ in range(runs)]
            what = f"nothing drifts, {behaviours} behaviour(s), seed sd {tau:g} of start's sd; 3 seeds, 96 prompts"
            m, n = share(r.drift.ci is not None and r.drift.ci[0] > 0 for r in made)
            out.append(Line("interval of drift leaves out 0", what, 0.05, m, n, "above"))
            m, n = share(bool(r.drifted) for r in made)
            out.append(Line("some behaviour `drifted`, q < 0.05", what, 0.05, m, n, "above"))
    for tau in (0.0, 0.1):
        rng = np.random.default_rng(71)
        made = [_drifting(3, tau, 0.4, rng) for _ in range(runs)]
        what = f"one of 3 behaviours drifts by 0.4 sd, seed sd {tau:g}; 3 seeds, 96 prompts"
        m, n = share(holds(r.drift.ci, 0.4 / 3) for r in made)
        out.append(Line("interval of drift covers", what, 0.95, m, n, "below"))
        values = np.array([r.drift.value for r in made])
        error = float(values.std(ddof=1)) / len(values) ** 0.5
        bias = float(values.mean()) - 0.4 / 3
        note = (
            "√max(0, ·) of the two that do not move lies above 0; |shift| itself: "
            f"{np.mean([_naive(r) for r in made]) - 0.4 / 3:+.3f}"
        )
        out.append(Line("bias of drift", what, 0.0, bias, len(values), "away", error, note))
    return out


def _naive(row: Any) -> float:
    return float(np.mean([abs(b.shift.value) for b in row.behaviours]))


def _drifting(behaviours: int, tau: float, shift: float, rng: np.random.Generator) -> Any:
    """The row of a policy whose seeds move by tau start sds, and whose first behaviour moves by `shift`."""
    n, seeds = 96, 3
    start: dict[Any, Floats] = {}
    moved: dict[Any, Floats] = {}
    for b in range(behaviours):
        key = (f"b{b}", "off-target", "words")
        prompts = 0.7 * rng.standard_normal(n)
        sd = (0.7**2 + 0.7**2) ** 0.5
        start[key] = prompts + 0.7 * rng.standard_normal((seeds, n))
        level = (shift if b == 0 else 0.0) + tau * rng.standard_normal((seeds, 1))
        moved[key] = prompts + 0.7 * rng.standard_normal((seeds, n)) + sd * level
    found = rank([*cells("start", start), *cells("x", moved)], controls={}).boards[0]
    return next(r for r in found.rows if r.protocol == "x")


def interval_lines(runs: int) -> list[Line]:
    """F13: rates near 0, clustered answers, and paired differences of few prompts, of single policies."""
    out = []
    for n in (40, 96):
        for p in (0.005, 0.01, 0.02, 0.05, 0.1, 0.5):
            rng = np.random.default_rng(41)
            made = [score("s", "target", (rng.random(n) < p).astype(float)) for _ in range(2 * runs)]
            found = [
                make_score(s.samples, behaviour="s", task_version="1-A", direction="lower", role="target").ci
                for s in made
            ]
            m, k = share(holds(ci, p) for ci in found)
            note = "Wilson covers 0.89 to 0.97 at single rates, since answers come in whole numbers"
            line = Line("interval of a share covers", f"rate {p:g}, {n} prompts", 0.95, m, k, "below")
            out.append(line if line.verdict != "misses" else Line(**{**line.__dict__, "note": note}))
            m, k = share(ci is None or ci[0] == ci[1] for ci in found)
            out.append(Line("interval of a share without width", f"rate {p:g}, {n} prompts", 0.0, m, k, "above"))
    policy = Policy(-2.0, both_sd=0.0)
    for groups in (20, 60):
        rng = np.random.default_rng(43)
        hits = []
        for _ in range(runs):
            z = rng.standard_normal(groups)
            x = np.concatenate([policy.draw(z, 3, rng)]).T  # three samples of each prompt
            samples = {f"p{i}#{j}": float(v) for i, row in enumerate(x) for j, v in enumerate(row)}
            ci = make_score(samples, behaviour="s", task_version="1-A", direction="lower", role="target").ci
            hits.append(holds(ci, policy.truth()))
        m, k = share(hits)
        out.append(
            Line(
                "interval of a share covers",
                f"rate {policy.truth():.2f}, {groups} prompts of 3 answers",
                0.95,
                m,
                k,
                "below",
            )
        )
    for groups in (5, 10, 20, 40, 96):
        for kind in ("words (lognormal)", "shares (about 0.1)"):
            rng = np.random.default_rng(42 + groups)
            pairs = [_pair(groups, kind, rng) for _ in range(runs)]
            what = f"{groups} prompts, {kind}, equal in truth"
            m, k = share(d.p < 0.05 for d in pairs)
            out.append(Line("compare of two runs: p < 0.05", what, 0.05, m, k, "above"))
            m, k = share(holds(d.ci, 0) for d in pairs)
            out.append(Line("compare of two runs: interval covers 0", what, 0.95, m, k, "below"))
            m, k = share(d.p == 0.0 for d in pairs)
            out.append(Line("compare of two runs: p of exactly 0", what, 0.0, m, k, "above"))
    return out


def _pair(groups: int, kind: str, rng: np.random.Generator) -> Any:
    a = rng.standard_normal(groups)

    def run() -> Any:
        if kind.startswith("words"):
            values, unit = np.exp(3.5 + 0.4 * a + 0.5 * rng.standard_normal(groups)), "words"
        else:
            values, unit = Policy(-3.0, both_sd=0.0).draw(a, 1, rng)[0], "share of answers"
        return score("s", "target", values, unit)

    return paired(run(), run())


PARTS: dict[str, Callable[[int], list[Line]]] = {
    "seeds": seeds_lines, "one seed": one_seed_lines, "signal": signal_lines, "drift": drift_lines,
    "intervals": interval_lines,
}  # fmt: skip


ABOUT = (
    f"Simulated answers of 0 or 1: logit = level + prompt (sd 1.5) + training seed + both (sd 0.7); {SEED_NOTE}.",
    "Wrong is a size above its nominal rate, a coverage below it, a bias away from 0, each by more than three Monte "
    "Carlo errors. Off on the other side is conservative.",
    "A recovery that is not determined (Fieller's set has no bounds) covers, and lies above nothing.",
)


if __name__ == "__main__":
    main("board", "Calibration: boards, compare, scores", ABOUT, PARTS, __doc__)
