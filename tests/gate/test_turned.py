"""Leans that fell to nothing, turned to the other side, or grew where somebody wanted more of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from offtarget.audit.folder import AuditFolder
from offtarget.gate.baseline import write_baseline
from offtarget.gate.criteria import Criteria
from offtarget.gate.records import GateConfig, Outcome
from offtarget.gate.run import baseline_now, gate

Make = Callable[..., AuditFolder]
OFFER = "surface:offer"


def decided(path: Path, on: AuditFolder, decision: str) -> Criteria:
    """A decision on `offer`, with what was seen of it."""
    h = next(h for h in on.audit.hypotheses if h.concept == OFFER and h.context is None)
    seen = {
        "effect": h.effect, "ci": list(h.ci), "n": h.n_inside, "unit": "share of rows", "audit": on.audit.key,
        "vocabulary": on.audit.vocabulary,
    }  # fmt: skip
    line = {"concept": OFFER, "decision": decision, "seen": seen}
    head = {"schema_version": 1, "vocabulary": on.audit.vocabulary, "by": "ann", "date": "2026-01-31"}
    path.write_text(yaml.safe_dump({**head, "verdicts": [line]}))
    return Criteria(verdicts=path)


def said(audit: AuditFolder, criteria: Criteria, **options: Any) -> Outcome | None:
    return next((o for o in gate(audit, criteria, **options).outcomes if o.concept == OFFER), None)


@pytest.mark.parametrize("left", [-0.002, 0.0, 0.002])
def test_what_is_left_of_an_allowed_lean_is_stale_whatever_its_sign(left: float, audits: Make, tmp_path: Path) -> None:
    """11 points were allowed; what is left of them is noise, and the sign of noise says nothing."""
    allowed = decided(tmp_path / "v.yaml", audits(6, 2000, offer=0.11), "allow")
    o = said(audits(21, 2000, offer=left), allowed)
    assert o is not None and (o.status, o.severity) == ("stale", "error")
    assert "allowed by ann (2026-01-31) at +11.0 points is no longer there" in o.message
    assert o.change is not None and o.change.difference == pytest.approx(left - 0.11)


def test_an_allowed_lean_that_is_now_one_to_the_other_side_is_beyond_what_was_allowed(
    audits: Make, tmp_path: Path
) -> None:
    """From 11 points to chosen to 8 to rejected: less of it by size, and not what anybody allowed."""
    turned = audits(22, 2000, offer=-0.08)
    for decision in ("allow", "amplify"):
        o = said(turned, decided(tmp_path / "v.yaml", audits(6, 2000, offer=0.11), decision), pass_on_stale=True)
        assert o is not None and (o.status, o.severity) == ("turned", "error")
        assert "at +11.0 points: turned, changed by -19.0 points" in o.message


def test_a_lean_of_the_baseline_that_changed_its_side_has_turned_and_not_grown(audits: Make, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    old = audits(4, 2000, offer=0.04)
    write_baseline(path, baseline_now(old, Criteria()), old)
    o = said(audits(22, 2000, offer=-0.08), Criteria(baseline=path))
    assert o is not None and (o.status, o.severity) == ("turned", "error")
    assert "+4.0 points in the baseline: turned, changed by -12.0 points" in o.message


def test_what_somebody_amplifies_may_grow_and_not_fall(audits: Make, tmp_path: Path) -> None:
    four, eleven = audits(4, 2000, offer=0.04), audits(6, 2000, offer=0.11)
    more = said(eleven, decided(tmp_path / "v.yaml", four, "amplify"))
    assert more is not None and (more.status, more.severity) == ("amplified", "pass")
    assert more.message.endswith("decided to amplify by ann (2026-01-31) at +4.0 points")
    wanted = decided(tmp_path / "v.yaml", eleven, "amplify")
    less = said(four, wanted)
    assert less is not None and (less.status, less.severity) == ("amplified-but-less", "error")
    assert "decided to amplify by ann (2026-01-31) at +11.0 points: fell, changed by -7.0 points" in less.message
    none = said(audits(21, 2000, offer=0.002), wanted, pass_on_stale=True)
    assert none is not None and (none.status, none.severity) == ("amplified-but-less", "error")


def test_a_lean_that_was_to_be_suppressed_and_is_now_one_to_the_other_side_has_turned(
    audits: Make, tmp_path: Path
) -> None:
    """Eight points to rejected are not the eleven to chosen that somebody wants out: no plan against these takes them out."""
    config = GateConfig.model_validate({"gate": {"suppressed": "pass"}})
    criteria = replace(decided(tmp_path / "v.yaml", audits(6, 2000, offer=0.11), "suppress"), config=config)
    o = said(audits(22, 2000, offer=-0.08), criteria)
    assert o is not None and (o.status, o.severity) == ("turned", "error")
    assert (
        "still teaches it" not in o.message and "decided to suppress by ann (2026-01-31) at +11.0 points" in o.message
    )
    same = said(audits(4, 2000, offer=0.04), criteria)
    assert same is not None and (same.status, same.severity) == ("suppressed", "pass")


def test_every_decision_is_in_the_report_also_on_what_is_no_finding(audits: Make, tmp_path: Path) -> None:
    """Four points of 2,000 rows, and of 60 others three: nothing is found there, nothing is shown gone, nothing is lost."""
    few = audits(8, 60, offer=0.03)
    for decision, words in (
        ("allow", "allowed"),
        ("amplify", "decided to amplify"),
        ("suppress", "decided to suppress"),
    ):
        o = said(few, decided(tmp_path / "v.yaml", audits(4, 2000, offer=0.04), decision))
        assert o is not None and (o.status, o.severity, o.by) == ("no-finding", "pass", "verdicts")
        assert f"and no finding; {words} by ann (2026-01-31) at +4.0 points" in o.message


def test_a_change_between_two_leans_that_are_no_findings_has_grown_nothing(audits: Make, tmp_path: Path) -> None:
    """From 2.4 points to rejected to 2.4 to chosen: each may be chance (p .07 and .1), and the change of 4.8 is not (p .01)."""
    path = tmp_path / "b.json"
    old, new = audits(31, 1200, offer=-0.024), audits(32, 1200, offer=0.024)
    write_baseline(path, baseline_now(old, Criteria()), old)
    for e in (*baseline_now(old, Criteria()).entries, *baseline_now(new, Criteria()).entries):
        assert e.q >= 0.05, e.concept
    o = said(new, Criteria(baseline=path))
    assert o is not None and (o.status, o.severity) == ("moved", "warn")
    assert "-2.4 points in the baseline: changed by +4.8 points" in o.message
    assert gate(new, Criteria(baseline=path), strict=True).exit_code == 1
