"""Lengths and counts: said by their means and ratio, tested on log(1 + n) by that name, limited in per cent of the means."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from offtarget.audit.evidence import LOG, Rates
from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError
from offtarget.gate.changes import more, more_for
from offtarget.gate.criteria import Criteria
from offtarget.gate.judge import Case, changed_by, judge, size
from offtarget.gate.measure import Measured, measure
from offtarget.gate.records import Change, GateConfig, Outcome, Settings
from offtarget.gate.rules import judge_rules
from offtarget.gate.run import baseline_now, gate
from offtarget.lens.features import Column, FeatureMatrix
from offtarget.report.amounts import effect_of, in_means, ratio, size_of
from offtarget.report.claims import claim

Make = Callable[..., AuditFolder]
N = 1000


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> AuditFolder:
    """1,000 pairs: a question mark in 50 chosen and 100 rejected answers; chosen 20 % longer, always."""
    rng = np.random.default_rng(0)
    chosen, rejected = np.zeros((N, 2)), np.zeros((N, 2))
    chosen[rng.permutation(N)[:50], 0], rejected[rng.permutation(N)[:100], 0] = 1, 1
    rejected[:, 1] = rng.integers(200, 400, N)
    chosen[:, 1] = 1.2 * rejected[:, 1] + rng.normal(0, 10, N)
    pairs = [
        Pair(f"r{i}", f"g{i}", [{"role": "user", "content": f"question {i}"}], *(
            [{"role": "assistant", "content": f"{side} {i}"}] for side in ("one", "two")
        ))
        for i in range(N)
    ]  # fmt: skip
    features = FeatureMatrix(
        lens="surface",
        columns=(
            Column("surface:questions", "question marks", "count per response", "log"),
            Column("surface:tokens", "length", "tokens", "log"),
        ),
        values={
            ("prompt", "value"): csr_matrix(np.zeros((N, 2))),
            ("chosen", "value"): csr_matrix(chosen),
            ("rejected", "value"): csr_matrix(rejected),
        },
        pair_ids=tuple(p.id for p in pairs),
        groups=tuple(p.group for p in pairs),
        info={"version": 1},
    )
    folder = tmp_path_factory.mktemp("counts") / "audit"
    folder.mkdir()
    AuditFolder(folder).write(audit(PairSet("counts", pairs), [features], seed=0))
    return AuditFolder(folder)


def ruled(audited: AuditFolder, **rule: object) -> Outcome:
    config = GateConfig.model_validate({"rule": [rule]})
    return next(o for o in gate(audited, Criteria(config)).outcomes if o.rule)


def test_means_and_their_ratio_are_no_per_cent_of_something_else(counted: AuditFolder) -> None:
    """Half as many question marks is ×0.50; the mean of log(1 + n) differs by 0.05 · log 2 = 0.035, which is not 3 %."""
    e = next(x for x in measure(counted, ["overall"]).entries if x.concept == "surface:questions")
    assert math.isclose(e.effect, -0.05 * math.log(2), rel_tol=1e-4)
    assert size(e).startswith("0.050 against 0.10 per response, ×0.50 (−0.035 log(1+n) to rejected, q ")
    c = counted.audit.concept("surface:questions")
    h = next(x for x in counted.audit.hypotheses if x.concept == c.id and x.context is None)
    text, below = effect_of(h, c.evidence)
    assert text == "×0.50"
    assert below.startswith("0.050 against 0.10 per response; tested: −0.035 log(1+n) (−0.0")
    assert "0.050 per response in chosen, 0.10 in rejected (×0.50)" in claim(h, c)
    for said in (size(e), text, below):
        assert "%" not in said
    assert size_of(-0.011, c.evidence) == "0.011 log(1+n)"


@pytest.mark.parametrize(
    ("chosen", "rejected", "said"),
    [(3.0, 2.0, "×1.50"), (0.0, 0.0, "×1.00"), (0.2, 0.0, ""), (0.0, 0.2, ""), (500.0, 1.0, "over ×100")],
)
def test_a_ratio_without_a_size_is_not_said(chosen: float, rejected: float, said: str) -> None:
    assert ratio(chosen, rejected) == said
    assert in_means(Rates(chosen=chosen, rejected=rejected, unit="tokens")).endswith(f", {said}" if said else "tokens")


def test_a_limit_on_a_count_is_on_the_two_means(counted: AuditFolder) -> None:
    """0.05 against 0.10 is 100 % more in rejected: over a limit of 90, within one of 110; and none to chosen."""
    over = ruled(counted, concept="surface:questions", max_effect=90)
    assert (over.status, over.severity) == ("over", "error")
    assert over.message.endswith(": 100 % more in rejected; the limit is 90 %")
    assert ruled(counted, concept="surface:questions", max_effect=110).status == "within"
    assert ruled(counted, concept="surface:questions", max_effect=90, direction="chosen").status != "over"
    longer = ruled(counted, concept="surface:tokens", max_effect=15)
    assert longer.status == "over" and "20 % more in chosen; the limit is 15 %" in longer.message
    assert ruled(counted, concept="surface:tokens", max_effect=25).status == "within"


def test_rows_that_cannot_show_the_limit_are_blind_in_its_unit(counted: AuditFolder) -> None:
    """Of a count in a fourteenth of answers 1,000 rows show changes of tens of per cent, and no limit of 5 %."""
    blind = ruled(counted, concept="surface:questions", max_effect=5, direction="chosen")
    assert (blind.status, blind.severity) == ("blind", "undecided")
    shown = int(blind.message.split("about ")[1].split(" %")[0])
    assert 20 < shown < 200


def test_what_a_mean_must_be_for_a_lean_is_exact_for_a_count_of_one_in_some_answers() -> None:
    """Each answer that shows any has one: a mean that is half as much again moves log(1 + n) by half of log 1.5 of them."""
    rates = Rates(chosen=0.2, rejected=0.2, unit="count per response", shown=0.2)
    assert math.isclose(more_for(0.2 / 2 * math.log(1.5), rates), 50.0, rel_tol=1e-6)
    long = Rates(chosen=1e6, rejected=1e6, unit="tokens", shown=1.0)
    assert math.isclose(more_for(math.log(1.1), long), 10.0, rel_tol=1e-3)
    assert math.isinf(more_for(0.1, Rates(chosen=0, rejected=0, unit="tokens", shown=0.0)))
    assert more(Rates(chosen=0.0, rejected=0.2, unit="tokens")) == -math.inf


def test_a_limit_on_a_count_in_a_context_says_what_to_do(counted: AuditFolder) -> None:
    now = measure(counted, ["overall"])
    e = now.entries[0].model_copy(update={"view": "metadata", "context": "meta:vendor=acme", "rates": None})
    inside = Measured((e,), now.sums.take(np.array([0])))
    config = GateConfig.model_validate(
        {"rule": [{"concept": e.concept, "context": "meta:vendor=acme", "max_effect": 5}]}
    )
    with pytest.raises(ConfigError, match=r"is a length or a count, .* over the whole set alone; take `context` out"):
        list(judge_rules(config.rule, [[e.concept]], inside, {}))


def test_changes_subtract_in_the_unit_that_is_tested() -> None:
    change = Change(old=0.1, difference=0.2, ci=(0.1, 0.3), d=0.5, p=0.0, q=0.0, detectable=0.1)
    assert changed_by(change, LOG) == "changed by +0.200 log(1+n) [+0.100, +0.300], q <1e-300"
    change = change.model_copy(update={"difference": -0.05, "ci": (-0.08, -0.02), "q": 0.00021})
    assert changed_by(change, "share of rows") == "changed by −5.0 points [−8.0, −2.0], q 2.1e-04"


def test_the_gate_says_both_means_before_and_now(audits: Make) -> None:
    """0.10 against 0.06 exclamation marks in a response, before 0.06 on both sides."""
    old = audits(2, offer=0.2)
    now = measure(old, ["overall"])
    k = next(k for k, e in enumerate(now.entries) if e.concept == "surface:offer")
    then = Rates(chosen=0.06, rejected=0.06, unit="count per response")
    e = now.entries[k].model_copy(
        update={"unit": LOG, "effect": 0.0257, "rates": then.model_copy(update={"chosen": 0.1})}
    )
    was = e.model_copy(update={"effect": 0.0, "q": 1.0, "rates": then})
    whole = baseline_now(old, Criteria()).model_copy(update={"entries": (was,)})
    change = Change(old=0.0, difference=0.0257, ci=(0.015, 0.036), d=0.2, p=0.0, q=0.001, detectable=0.01)
    only = Measured((e,), now.sums.take(np.array([k])))
    (o,) = judge(Case(only, Settings(), {}, whole, {e.place: change}))
    assert o.message.startswith("0.10 against 0.060 per response, ×1.67 (+0.026 log(1+n) to chosen, q ")
    assert (
        "; 0.060 against 0.060 per response, ×1.00 (0.000 log(1+n)) in the baseline: changed by +0.026 log(1+n)"
        in o.message
    )


def test_a_report_says_the_scale_by_its_name_wherever_it_stands(counted: AuditFolder) -> None:
    """A sign is taken from a size, and not from the name of the scale."""
    from offtarget.report.audit_html import audit_page

    page = audit_page(counted.audit, workings=counted.workings)
    assert "log(1+n)" in page and "log(1n)" not in page
    assert "0.050 per response in chosen, 0.10 in rejected (×0.50)" in page
