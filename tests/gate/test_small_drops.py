"""Few rows show little: what could not be tested is no reason to pass, and what is not seen is not gone."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.gate.test_judge import baseline, judged, of, seen, status, verdicts

from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.data.pairs import Pair, PairSet
from offtarget.gate.measure import measure
from offtarget.gate.records import GateReport, Settings
from offtarget.gate.sight import shown_gone, visible_share
from offtarget.lens.features import Column, FeatureMatrix
from offtarget.verdicts import Seen

Make = Callable[..., AuditFolder]
RARE = ("offer", *(f"rare{k}" for k in range(8)))


def drop_of(path: Path, seed: int, n: int, offers: int) -> AuditFolder:
    """n pairs in which most answers show `common`, and so many chosen ones an offer; nine concepts are all but absent."""
    rng = np.random.default_rng(seed)
    names = ("common", *RARE)
    chosen, rejected = (np.zeros((n, len(names))) for _ in range(2))
    for side in (chosen, rejected):
        side[rng.permutation(n)[: round(0.96 * n)], 0] = 1
    chosen[rng.permutation(n)[:offers], 1] = 1

    def turn(text: str) -> list[dict[str, str]]:
        return [{"role": "assistant", "content": text}]

    pairs = [
        Pair(
            f"{seed}-{i}",
            f"{seed}-{i}",
            [{"role": "user", "content": f"q{seed} {i}"}],
            turn(f"yes {i}"),
            turn(f"no {i}"),
        )
        for i in range(n)
    ]
    features = FeatureMatrix(
        lens="surface",
        columns=tuple(Column(f"surface:{x}", x, "count per response", "presence") for x in names),
        values={
            ("prompt", "value"): _sparse(np.zeros_like(chosen)),
            ("chosen", "value"): _sparse(chosen),
            ("rejected", "value"): _sparse(rejected),
        },
        pair_ids=tuple(p.id for p in pairs),
        groups=tuple(p.group for p in pairs),
        info={"version": 1},
    )
    path.mkdir(parents=True)
    AuditFolder(path).write(audit(PairSet(path.name, pairs), [features], seed=0))
    return AuditFolder(path)


def _sparse(values: np.ndarray) -> object:
    from scipy.sparse import csr_matrix

    return csr_matrix(values)


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> tuple[AuditFolder, Path]:
    folder = tmp_path_factory.mktemp("accepted")
    old = drop_of(folder / "old", 1, 2000, 0)
    return old, baseline(folder, old)


@pytest.mark.parametrize(("n", "offers"), [(35, 0), (35, 5), (60, 0), (60, 9), (100, 0)])
def test_a_drop_too_small_for_most_concepts_is_no_pass(
    n: int, offers: int, accepted: tuple[AuditFolder, Path], tmp_path: Path
) -> None:
    """Of ten concepts nine cannot be tested; the tenth alone would say that the gate sees all it must."""
    report = judged(drop_of(tmp_path / "x", 2, n, offers), baseline=accepted[1])
    assert report.result in ("undecided", "fail") and report.exit_code
    assert report.sees is not None and report.sees.median > 10


def test_enough_rows_decide_though_most_concepts_are_never_there(
    accepted: tuple[AuditFolder, Path], tmp_path: Path
) -> None:
    report: GateReport = judged(drop_of(tmp_path / "x", 3, 1000, 0), baseline=accepted[1])
    assert report.result == "pass" and report.sees is not None and report.sees.median < 5
    assert judged(drop_of(tmp_path / "y", 4, 1000, 40), baseline=accepted[1]).result == "fail"


@pytest.mark.parametrize("n", [100, 400])
def test_what_is_called_visible_of_an_absent_concept_is_found_four_times_in_five_or_more(n: int) -> None:
    """A share of δ that no row showed before: the t of its mean, over drawn numbers of rows that show it."""
    alpha = 0.05 / 40
    factor = stats.t.ppf(1 - alpha / 2, n - 1) + stats.t.ppf(0.8, n - 1)
    share = float(visible_share(np.zeros(1), np.array([factor]), np.array([n]))[0])
    assert share == pytest.approx(factor**2 / (n + factor**2))
    rows = np.random.default_rng(0).binomial(n, share, 20_000)
    t = rows / n / np.sqrt(rows * (n - rows) / n**2 / (n - 1)).clip(1e-9)
    assert 0.75 < np.mean(2 * stats.t.sf(t, n - 1) < alpha) < 0.95


def test_what_is_called_visible_of_a_rare_concept_is_found_by_the_test_of_a_change() -> None:
    """Chosen shows it in 3 % of rows and rejected in 2 %. By the error of the rows as they are a change of 5.6 points would be
    visible, and is found in four drops of ten only: the rows that make the change vary too.
    """
    n, before, alpha = 300, 2200, 0.05 / 40
    factor = stats.t.ppf(1 - alpha / 2, n - 1) + stats.t.ppf(0.8, n - 1)
    as_it_is = factor * math.sqrt((0.03 * 0.97 + 0.02 * 0.98) * (1 / n + 1 / before))
    share = float(visible_share(np.array([as_it_is]), np.array([factor]), np.array([n]))[0])
    found = [_found(n, before, change, alpha) for change in (as_it_is, share)]
    assert found[0] < 0.5 and 0.78 < found[1] < 0.95


def _found(n: int, before: int, change: float, alpha: float) -> float:
    """How often Welch's test finds a change in the chosen rows, of 4,000 draws."""
    rng = np.random.default_rng(0)
    effects, variances = [], []
    for size, chosen in ((n, 0.03 + change), (before, 0.03)):
        c, r = (rng.binomial(size, p, 4000) / size for p in (chosen, 0.02))
        effects.append(c - r)
        variances.append((c * (1 - c) + r * (1 - r)) / size)
    t = (effects[0] - effects[1]) / np.sqrt(variances[0] + variances[1])
    return float(np.mean(2 * stats.t.sf(np.abs(t), n - 1) < alpha))


def test_what_thirty_rows_do_not_show_is_not_gone(audits: Make, tmp_path: Path) -> None:
    """Of four points of 2,000 rows 1.2 rows are expected in 30, and none in three drops of ten; of 600 rows 24 are."""
    old, few, many = audits(4, 2000, offer=0.04), audits(3, 30), audits(3, 600)
    four = {"concept": "surface:never", "decision": "allow", "seen": seen(old, "surface:offer")}
    unsaid = {"concept": "surface:never", "decision": "allow"}  # then it is the least that matters: two points
    for line in (four, unsaid):
        path = verdicts(tmp_path / "v.yaml", old, line)
        report = judged(few, verdicts=path)
        assert (status(report, "never"), report.result) == ("no-finding", "undecided")
        assert of(report, "never").message.endswith(": no change beyond chance")
        assert status(judged(many, verdicts=path), "never") == "stale"


def test_when_a_share_is_shown_to_be_gone(audits: Make) -> None:
    """None of 30: the share can be up to 1 - 0.025^(1/30) = 11.6 %; none of 100: up to 3.6 %. Of four decisions 1 - 0.00625^(1/n).

    What was seen was in chosen alone: E of 2,000 rows had u = 1, so that E[u²] = E and the error is √((E - E²)/2000). Seen in
    groups of four equal rows the interval is twice as wide, and a quarter as many prompts had it.
    """
    (entry,) = [e for e in measure(audits(1), ["overall"]).entries if e.concept == "surface:never"]
    assert entry.showing == 0 and entry.unit == "share of rows"

    def gone(n: int, effect: float, tests: int = 1, wide: float = 1.0) -> bool:
        found = entry.model_copy(update={"n": n, "prompts": n})
        half = wide * stats.t.ppf(0.975, 1999) * math.sqrt((abs(effect) - effect**2) / 2000)
        ci = (effect - half, effect + half)
        of = Seen(effect=effect, ci=ci, n=2000, unit="share of rows", audit="a", vocabulary="v")
        return shown_gone(found, of, Settings(), tests)

    assert [gone(30, x) for x in (0.115, -0.117)] == [False, True]
    assert [gone(100, x) for x in (0.036, 0.0365)] == [False, True]
    enough = math.ceil(math.log(0.00625) / math.log(1 - 0.0365)) + 1
    assert not gone(100, 0.0365, tests=4) and gone(enough, 0.0365, tests=4)
    assert not gone(200, 0.05, wide=2) and gone(320, 0.05, wide=2)  # 1 - 0.025^(1/n): 1.8 % and 1.1 %; 5 % / 4 is 1.3 %
