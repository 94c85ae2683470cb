"""Audits, `diff` and `verify` where the truth is known: sizes, coverage and power, with Monte Carlo errors.

What is tried is what the commands run: the views of an audit, the comparison of two, the agreement of shifts. The parts
that need real answers read the data folder beside the project, and are left out with a line where it is absent.

Run `python tests/bench/bench_calibration_audit.py --runs 1600 --out results/calibration` to make that table again, in about 15 minutes
(`--runs 40` for a look).
"""

import itertools
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parent))
from calibration.rows import (
    CONCEPTS,
    LAWS,
    PROMPTS,
    Floats,
    Ints,
    any_place,
    codes_of,
    label,
    null_rows,
    one_long_writer,
    onset,
    threshold_concepts,
)
from calibration.table import Line, main

from offtarget.audit.diff.test import Comparison
from offtarget.audit.statistics.dealing import judge
from offtarget.audit.statistics.flips import flip_p, refine, typical_values
from offtarget.audit.statistics.inside import inside_test, partition
from offtarget.audit.statistics.length import Lengths, at_equal_length, is_length
from offtarget.audit.statistics.means import bh, effective_groups, group_codes, group_sums, mean_test
from offtarget.verification.agreement import Compared, compare, over_length, with_seeds
from offtarget.verification.sums import GroupSums

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
REAL = {
    "alpaca": "alpaca_eval_gpt4_pairs", "ultrafeedback": "ultrafeedback_small", "ukp": "ukp_convarg1_strict",
    "community": "community_alignment_en", "hh": "hh_rlhf_harmless_base_test",
}  # fmt: skip
ROWS = 2000
"""At most this many rows of a real set, whole prompts."""
SIZE = 0.05


def rate(hits: Any) -> tuple[float, int]:
    """A share and how many it is of."""
    found = np.asarray(hits, dtype=float).ravel()
    return (float(found.mean()), len(found)) if len(found) else (0.0, 0)


def over_sets(shares: list[float]) -> tuple[float, int, float | None]:
    """Mean of a share over sets whose concepts go together, how many sets, and its Monte Carlo error.

    Where hardly any set shows anything the spread is no error; then it is that of the nominal rate."""
    x = np.array(shares)
    error = float(x.std(ddof=1)) / len(x) ** 0.5
    return float(x.mean()), len(x), error if error > 0 else None


def in_sets(hits: list[Any], nominal: float) -> tuple[float, int, float]:
    """A rate over all concepts of some sets, how many they are, and its Monte Carlo error.

    The concepts of a set share its random labellings, so the error is that over sets where it is larger."""
    m, n = rate(np.concatenate(hits))
    error = float(np.std([h.mean() for h in hits], ddof=1)) / len(hits) ** 0.5
    return m, n, max(error, (nominal * (1 - nominal) / max(n, 1)) ** 0.5)


def overall_lines(runs: int) -> list[Line]:
    """F6: p and interval of an effect over the whole set."""
    out = []
    for (prompts, sizes), (concept, (icc, shape)) in itertools.product(PROMPTS.items(), CONCEPTS.items()):
        rng = np.random.default_rng(1)
        p, covers, worth = [], [], []
        for run in range(40):  # sets: each with other prompts and other random labellings, and runs / 16 concepts
            codes = codes_of(sizes(rng))
            u = null_rows(codes, icc, shape, max(runs // 16, 4), rng)
            u = u[:, u.any(axis=0)]
            if not u.shape[1]:
                continue
            test, weights = mean_test(u, codes), np.bincount(codes).astype(float)
            typical = typical_values(group_sums(u, codes, len(weights)), weights, seed=run)
            p.append(refine(typical, test.p))
            covers.append((typical.ci[:, 0] <= 0) & (typical.ci[:, 1] >= 0))
            worth.append(effective_groups(codes))
        what = f"{prompts}; {concept}, icc {icc:g}"
        note = "" if np.mean(worth) >= 10 else f"as good as {np.mean(worth):.1f} prompts: the audit exits 3"
        for level in (0.05, 0.001):
            m, n, error = in_sets([x < level for x in p], level)
            out.append(
                Line(f"overall: p < {level:g} of a concept that does not lean", what, level, m, n, "above", error, note)
            )
        m, n, error = in_sets(covers, 0.95)
        out.append(Line("overall: interval covers 0", what, 0.95, m, n, "below", error, note))
    return out


INSIDE = {
    "10 prompts of 3 rows inside, 300 of 1 outside": ([3] * 10, [1] * 300),
    "12 uneven prompts inside, 60 uneven ones outside": (
        [1, 2, 4, 7, 11, 16, 20, 26, 31, 37, 43, 50],
        [*range(1, 51), *[5] * 10],
    ),
    "30 prompts of 1 inside, one of 500 and 100 of 1 outside": ([1] * 30, [500] + [1] * 100),
    "40 prompts of 2 inside, 60 of 2 outside": ([2] * 40, [2] * 60),
}


def inside_lines(runs: int) -> list[Line]:
    """F7, F14: one context whose prompts have fixed sizes, and whole views of lopsided concepts."""
    out = []
    for (where, (inside, outside)), (concept, (icc, shape)) in itertools.product(INSIDE.items(), CONCEPTS.items()):
        rng = np.random.default_rng(2)
        codes = codes_of([*inside, *outside])
        u = null_rows(codes, icc, shape, 5 * runs, rng)
        membership = partition(np.where(codes < len(inside), 0, -1), 1)
        found = judge(u, membership, codes, inside_test(u, membership, codes), seed=2)
        ok, what = found.testable[0], f"{where}; {concept}, icc {icc:g}"
        if not ok.any():
            continue
        p, ci = found.p[0, ok], found.ci[0, ok]
        few = (
            "ten prompts are the fewest that are tested, and sums of three rows take few values"
            if len(inside) == 10
            else ""
        )
        covers = (ci[:, 0] <= 0) & (ci[:, 1] >= 0)
        for claim, level, hits, wrong in (
            ("context: p < 0.05 of a concept that leans as elsewhere", 0.05, p < 0.05, "above"),
            ("context: p < 0.001", 0.001, p < 0.001, "above"),
            ("context: interval covers 0", 0.95, covers, "below"),
        ):
            out.append(Line(claim, what, level, *rate(hits), wrong, why=few))  # type: ignore[arg-type]
    small, findings = [], []
    for run in range(runs):
        rng = np.random.default_rng(1000 + run)
        codes = codes_of(rng.integers(1, 13, 120))
        lean = np.sqrt(0.5) * (rng.standard_normal((120, 12))[codes] + rng.standard_normal((len(codes), 12)))
        u = (lean > stats.norm.isf(0.1)).astype(float)
        found = view_of(u, partition(rng.integers(0, 6, 120)[codes], 6), codes, run)
        small.append(float((found < 0.05).mean()))
        findings.append(bool((bh(found) < 0.05).any()))
    what = "120 prompts of 1 to 12 rows in six contexts; 12 concepts that only chosen answers have, in 10 % of rows"
    m, n, error = over_sets(small)
    out.append(Line("contexts: p < 0.05", what, 0.05, m, n, "above", error))
    out.append(Line("contexts: any finding in a view", what, 0.05, *rate(findings), "above"))
    return out


def view_of(u: Floats, membership: Any, codes: Ints, seed: int) -> Floats:
    """p of all cells of a view that can be tested."""
    found = judge(u, membership, codes, inside_test(u, membership, codes), seed=seed)
    return np.asarray(found.p[found.testable])


@cache
def real(name: str) -> Any:
    """u of the rules of a real set, its lengths, prompts and topics by words; None where the data is absent."""
    from offtarget.audit.concepts.contrast import contrasts
    from offtarget.audit.concepts.vocabulary import find_concepts
    from offtarget.data.loading import load_pairs
    from offtarget.lens import surface

    path = DATA / REAL[name] / "pairs.jsonl.gz"
    if not path.is_file():
        print(f"{name}: {path} is absent, left out", file=sys.stderr)
        return None
    pairs = load_pairs(str(path), limit=ROWS).pairs
    features = surface.encode(pairs)
    concepts, _ = find_concepts([features], seed=0)
    u = contrasts([features], concepts).u.astype(float)
    return u[:, u.any(axis=0)], Lengths.of(pairs), group_codes([p.group for p in pairs]), topics_of(pairs)


def topics_of(pairs: Any) -> Ints:
    """A topic of each row, by the words of its prompt: k-means of TF-IDF, six topics, whole prompts."""
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [p.prompt[-1]["content"] for p in pairs]
    x = TfidfVectorizer(stop_words="english", max_features=2000).fit_transform(texts)
    by_row = KMeans(6, n_init=2, random_state=0).fit_predict(x)
    first = {p.group: by_row[i] for i, p in reversed(list(enumerate(pairs)))}
    return np.array([first[p.group] for p in pairs], dtype=np.int64)


def real_sets() -> Iterator[tuple[str, Any]]:
    """The real sets that are available."""
    for name in REAL:
        if (found := real(name)) is not None:
            yield name, found


def family_lines(runs: int) -> list[Line]:
    """Real answers: labels swapped by prompt, and contexts dealt out again over prompts with the labels kept."""
    out = []
    for name, (u, lengths, codes, topics) in real_sets():
        rng = np.random.default_rng(3)
        n = int(codes.max()) + 1
        found, equal = [], []
        for _ in range(runs):
            sign = (rng.integers(0, 2, n) * 2 - 1)[codes]
            found.append(bool((bh(flip_p(group_sums(u * sign[:, None], codes, n))) < 0.05).any()))
        for _ in range(max(runs // 8, 10)):
            sign = (rng.integers(0, 2, n) * 2 - 1)[codes]
            a, b = lengths.chosen, lengths.rejected
            turned = Lengths(np.where(sign > 0, a, b), np.where(sign > 0, b, a))
            p = at_equal_length(u * sign[:, None], turned, codes, seed=0, drawn=np.zeros(0, dtype=np.int64)).p
            equal.append(bool((bh(p) < 0.05).any()))
        what = f"{name}: {len(u)} real pairs, {u.shape[1]} rules; labels swapped by whole prompts"
        out.append(Line("overall: any finding in a view", what, 0.05, *rate(found), "above"))
        out.append(Line("overall at equal length: any finding in a view", what, 0.05, *rate(equal), "above"))
        dealt, of_prompt = [], np.zeros(n, dtype=np.int64)
        of_prompt[codes] = topics
        for run in range(max(runs // 8, 10)):
            at = rng.permutation(of_prompt)[codes]
            dealt.append(bool((bh(view_of(u, partition(at, 6), codes, run)) < 0.05).any()))
        what = f"{name}: {len(u)} real pairs with their labels; six topics dealt out anew over prompts"
        out.append(Line("contexts: any finding in a view", what, 0.05, *rate(dealt), "above"))
    return out


def length_lines(runs: int) -> list[Line]:
    """F1, F2: labels that length alone makes, in simulated and in real answers; coins in few prompts; power."""
    out = []
    sets = max(runs // 8, 10)
    for law, odds in LAWS.items():
        rng = np.random.default_rng(4)
        small, any_finding, raw = [], [], []
        for _ in range(sets):
            a = one_long_writer(rng, 1200)
            u, a = label(threshold_concepts(rng, a, 40), a, odds(a), rng)
            codes = np.repeat(np.arange(600), 2)
            p = at_equal_length(u, a, codes, seed=0, drawn=np.zeros(0, dtype=np.int64)).p
            small.append(float((p < 0.05).mean()))
            any_finding.append(bool((bh(p) < 0.05).any()))
            raw.append(int((bh(mean_test(u, codes).p) < 0.05).sum()))
        what = f"only length is liked ({law}); 600 prompts of 2 pairs, 40 concepts that set in at some length"
        note = f"findings without the control: {np.mean(raw):.0f} of 40"
        m, n, error = over_sets(small)
        out.append(Line("equal length: p < 0.05", what, 0.05, m, n, "above", error, note))
        out.append(Line("equal length: any finding", what, 0.05, *rate(any_finding), "above", note=note))
    for (name, (u, lengths, codes, _)), (law, odds) in itertools.product(real_sets(), LAWS.items()):
        rng = np.random.default_rng(5)
        other = ~is_length(u, lengths.difference)
        small, any_finding, raw = [], [], []
        for _ in range(sets):
            rows, a = label(u[:, other], lengths, odds(lengths), rng)
            found = at_equal_length(rows, a, codes, seed=0, drawn=np.zeros(0, dtype=np.int64))
            p = found.p[~found.is_length]
            small.append(float((p < 0.05).mean()))
            any_finding.append(bool((bh(p) < 0.05).any()))
            raw.append(int((bh(mean_test(rows, codes).p) < 0.05).sum()))
        what = f"{name}: {len(u)} real pairs, labels drawn anew so that only length is liked ({law})"
        note = f"findings without the control: {np.mean(raw):.0f} of {int(other.sum())}"
        m, n, error = over_sets(small)
        out.append(Line("equal length: p < 0.05", what, 0.05, m, n, "above", error, note))
        out.append(Line("equal length: any finding", what, 0.05, *rate(any_finding), "above", note=note))
    return [*out, *_coin_lines(runs), *_power_lines(runs)]


def _coin_lines(runs: int) -> list[Line]:
    out = []
    for prompts in (1, 2, 3, 5, 10):
        rng = np.random.default_rng(6)
        codes = np.repeat(np.arange(32), 90)
        u = np.zeros((len(codes), runs))
        for j in range(runs):
            for g in rng.choice(32, prompts, replace=False):
                u[rng.choice(np.flatnonzero(codes == g), 12, replace=False), j] = rng.choice([-1.0, 1.0], 12)
        a = Lengths(*np.exp(rng.normal(5, 0.7, (2, len(codes)))).round())
        p = at_equal_length(u, a, codes, seed=0).p
        what = f"a concept in 12 rows of each of {prompts} of 32 prompts, labels from a coin"
        out.append(Line("equal length: p < 0.05", what, 0.05, *rate(p < 0.05), "above"))
        out.append(Line("equal length: p < 1e-10", what, 0.0, *rate(p < 1e-10), "above"))
    return out


def _power_lines(runs: int) -> list[Line]:
    """Against Wald's test of the true model, fitted by statsmodels."""
    from statsmodels.discrete.discrete_model import Logit

    rng = np.random.default_rng(7)
    ours, theirs = [], []
    for _ in range(runs):
        n = 600
        a = Lengths(*np.exp(rng.normal(5, 0.7, (2, n))).round())
        own = rng.normal(size=n)
        u = 0.5 * a.difference + own
        first = rng.random(n) < 1 / (1 + np.exp(-(0.3 * u + 1.2 * a.difference)))
        sign = np.where(first, 1.0, -1.0)
        turned = Lengths(np.where(first, a.chosen, a.rejected), np.where(first, a.rejected, a.chosen))
        found = at_equal_length((sign * u)[:, None], turned, np.arange(n), seed=0)
        ours.append(found.p[0] < 0.05)
        x = np.stack([u, a.difference], axis=1)
        theirs.append(Logit(first.astype(float), x).fit(disp=0).pvalues[0] < 0.05)
    what = "a taste of 0.3 log odds a unit beside one for length; 600 prompts"
    gap = np.array(ours, dtype=float) - np.array(theirs, dtype=float)
    error = float(gap.std(ddof=1)) / runs**0.5
    note = "nominal is the power of Wald's test of the true model"
    return [
        Line(
            "equal length: power",
            what,
            float(np.mean(theirs)),
            float(np.mean(ours)),
            runs,
            "below",
            error or None,
            note,
        )
    ]


def diff_lines(runs: int) -> list[Line]:
    """F11: two audits of the same population, with rows or prompts in common or not; and the power of the paired test."""
    out = []
    columns = 10
    for case in (
        "no prompt in common",
        "half of the rows in both",
        "all old rows and 200 more",
        "same prompts, other rows",
    ):
        for concept, (icc, shape) in CONCEPTS.items():
            rng = np.random.default_rng(8)
            p = [_compared(case, icc, shape, columns, rng) for _ in range(max(runs // 4, 10))]
            every = np.concatenate(p)
            what = f"{case}: 300 prompts of 1 to 5 rows a side; {concept}, icc {icc:g}"
            out.append(Line("diff: p < 0.05 of a change that is none", what, 0.05, *rate(every < 0.05), "above"))
    for icc in (0.0, 0.5, 0.9):
        rng = np.random.default_rng(9)
        ours, theirs = [], []
        for _ in range(max(runs // 4, 10)):
            prompt, codes = rng.standard_normal((300, columns)), np.repeat(np.arange(300), 3)
            sides = [
                np.sqrt(icc) * prompt[codes] + np.sqrt(1 - icc) * rng.standard_normal((900, columns)) + shift
                for shift in (0.0, 0.1)
            ]
            test = Comparison((sides[0], codes), (sides[1], codes), np.full(900, -1), 300).test(np.arange(columns))
            ours.append((test.p < 0.05).mean())
            gap = (sides[1] - sides[0]).reshape(300, 3, columns).mean(axis=1)
            theirs.append((stats.ttest_1samp(gap, 0).pvalue < 0.05).mean())
        gaps = np.array(ours) - np.array(theirs)
        error = float(gaps.std(ddof=1)) / len(gaps) ** 0.5
        what = f"the same 300 prompts of 3 rows on both sides, change of 0.1 sd, icc {icc:g}"
        out.append(Line("diff: power", what, float(np.mean(theirs)), float(np.mean(ours)), len(ours) * columns,
                        "below", error or None, "nominal is the power of the paired t test over prompts"))  # fmt: skip
    return out


def _compared(case: str, icc: float, shape: Any, m: int, rng: np.random.Generator) -> Floats:
    """p of all columns of two audits without a change."""
    sizes = rng.integers(1, 6, 600)
    codes = codes_of(sizes)
    if case == "same prompts, other rows":
        codes = np.concatenate([codes_of(sizes[:300])] * 2)
        u = null_rows(codes, icc, shape, m, rng)
        half = len(u) // 2
        old, new = np.arange(half), np.arange(half, 2 * half)
    else:
        u = null_rows(codes, icc, shape, m, rng)
        starts = {"no prompt in common": (0, 300, 300, 600), "half of the rows in both": (0, 300, 150, 450),
                  "all old rows and 200 more": (0, 300, 0, 400)}[case]  # fmt: skip
        old = np.flatnonzero((codes >= starts[0]) & (codes < starts[1]))
        new = np.flatnonzero((codes >= starts[2]) & (codes < starts[3]))
    position = {int(row): k for k, row in enumerate(new)}
    same = np.array([position.get(int(row), -1) for row in old])
    found = Comparison((u[old], codes[old]), (u[new], codes[new]), same, int(codes.max()) + 1).test(np.arange(m))
    return np.asarray(found.p[found.testable & found.differs])


def verify_lines(runs: int) -> list[Line]:
    """F2, F8: predicted against observed shifts where nothing is learnt, where length alone is, and where all is known."""
    sets = max(runs // 4, 20)
    out = []
    for title, effect in (("nothing is learnt", 0.0), ("the data's lean is learnt", 1.0)):
        rng = np.random.default_rng(10)
        truth = rng.normal(0, 0.12, 60)
        found = []
        for k in range(sets):
            sides = [GroupSums.of(size * truth + rng.normal(size=(n, 60)), np.zeros(n), np.arange(n))
                     for n, size in ((300, 1.0), (200, effect))]  # fmt: skip
            found.append(compare(Compared(*sides, np.zeros(60)), seed=k, shuffles=199, resamples=2))
        what = f"{title}: 60 concepts, 300 pairs, 200 answers of either policy"
        if effect == 0:
            out.append(
                Line(
                    "verify: r² beyond chance, p < 0.05",
                    what,
                    0.05,
                    *rate([f.raw_null.p < 0.05 for f in found]),
                    "above",
                )
            )
            above = [f.surest.chance is not None and f.surest.right > f.surest.chance[1] for f in found]
            out.append(Line("verify: signs of the surest above the range of chance", what, 0.05, *rate(above), "above"))
        centre = float(np.tanh(np.mean(np.arctanh([f.raw.r for f in found]))))
        hits = [f.raw.ci_prompts[0] <= centre <= f.raw.ci_prompts[1] for f in found]
        out.append(Line("verify: interval of r over prompts covers", what, 0.95, *rate(hits), "below"))
    return [*out, *_length_only(sets), *_another_seed(sets)]


def _length_only(sets: int) -> list[Line]:
    """A policy that only becomes longer, where the labels too only like length."""
    out = []
    kinds = {"that set in at some length": (onset, 3.5, 7.0), "that turn up anywhere": (any_place, 3.0, 9.0)}
    for (kind, (shows, low, high)), cap in itertools.product(kinds.items(), (np.inf, 250.0)):
        rng = np.random.default_rng(11)
        beyond, above, r2 = [], [], []
        for k in range(sets):
            at = rng.uniform(low, high, 150)
            a = Lengths(np.exp(rng.normal(6, 0.4, 1000)), np.exp(rng.normal(4.6, 1.0, 1000)))
            u, a = label(shows(rng, a.chosen, at) - shows(rng, a.rejected, at), a, 1.5 * a.difference, rng)
            b = Lengths(*(np.minimum(np.exp(rng.normal(m, 0.7, 400)), cap) for m in (5.5, 5.0)))
            predicted = GroupSums.of(u, a.basis(), np.arange(1000))
            seen = GroupSums.of(shows(rng, b.chosen, at) - shows(rng, b.rejected, at), b.basis(), np.arange(400))
            c = Compared(predicted, seen, predicted.sensitivity())
            found = compare(c, seed=k, shuffles=99, resamples=2)
            beyond.append(found.by_row_null.p < 0.05)
            r2.append(found.by_row.r2)
            alone = GroupSums.of(a.basis() @ predicted.slopes(), a.basis(), np.arange(1000))
            gap = over_length(c, Compared(alone, seen, predicted.sensitivity()), seed=k)
            above.append(gap.ci[0] > 0)
        what = f"both sides only like length: concepts {kind}, answers " + (
            "uncut" if np.isinf(cap) else f"cut at {cap:g} characters"
        )
        out.append(Line("verify at equal length: beyond chance, p < 0.05", what, 0.05, *rate(beyond), "above",
                        note=f"mean r² {np.mean(r2):.3f}"))  # fmt: skip
        cut = "the audited answers are not cut, so what length does is read at lengths that the policy's answers lack"
        out.append(Line("verify: beats length, interval above 0", what, 0.025, *rate(above), "above", why=cut))
    return out


def _another_seed(sets: int) -> list[Line]:
    """Whether the interval with seeds covers the agreement that a further training seed shows."""
    rng = np.random.default_rng(12)
    hits: dict[int, list[bool]] = {2: [], 3: []}
    truth = rng.normal(0, 0.12, 80)
    for _, seeds in itertools.product(range(sets), hits):
        predicted = GroupSums.of(truth + rng.normal(size=(400, 80)), np.zeros(400), np.arange(400))
        fits = []
        for s in range(seeds + 1):
            moved = truth + rng.normal(0, 0.06, 80)
            seen = GroupSums.of(moved + rng.normal(size=(200, 80)), np.zeros(200), np.arange(200))
            fits.append(compare(Compared(predicted, seen, np.zeros(80)), seed=s, shuffles=2, resamples=2).raw)
        ci = with_seeds(fits[:seeds])[0].ci_seeds
        hits[seeds].append(ci is not None and ci[0] <= fits[seeds].r <= ci[1])
    return [
        Line("verify: interval of r with seeds covers the r of a further seed", f"{n} seeds, which move by half of the lean's sd",
             0.95, *rate(found), "below")
        for n, found in hits.items()
    ]  # fmt: skip


PARTS: dict[str, Callable[[int], list[Line]]] = {
    "overall": overall_lines, "inside": inside_lines, "family": family_lines, "length": length_lines,
    "diff": diff_lines, "verify": verify_lines,
}  # fmt: skip


ABOUT = (
    "u is chosen minus rejected; a concept that does not lean has u as likely as -u, whole prompts together.",
    "Wrong is a size above its nominal rate, a coverage or a power below it, by more than three Monte Carlo errors. Off "
    "on the other side is conservative.",
    "Where concepts of one set go together, the error is that over sets.",
)


if __name__ == "__main__":
    main("audit", "Calibration: audits, diff, verify", ABOUT, PARTS, __doc__)
