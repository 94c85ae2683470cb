"""What a gate says of findings: by decisions, by a baseline, by limits; and that it never passes by default."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from offtarget.audit.folder import AuditFolder
from offtarget.errors import ConfigError, UndecidedError
from offtarget.gate.baseline import pruned, read_baseline, text_of, write_baseline
from offtarget.gate.criteria import Criteria
from offtarget.gate.formats.table import sight
from offtarget.gate.judge import Case, judge
from offtarget.gate.measure import Measured, measure
from offtarget.gate.records import GateConfig, GateReport, Outcome, Settings
from offtarget.gate.run import baseline_now, gate

Make = Callable[..., AuditFolder]
TODAY = dt.date(2026, 6, 1)


def verdicts(path: Path, audit: AuditFolder, *lines: dict[str, Any]) -> Path:
    head = {"schema_version": 1, "vocabulary": audit.audit.vocabulary, "by": "ann", "date": "2026-01-31"}
    path.write_text(yaml.safe_dump({**head, "verdicts": list(lines)}))
    return path


def seen(audit: AuditFolder, concept: str) -> dict[str, Any]:
    h = next(h for h in audit.audit.hypotheses if h.concept == concept and h.context is None)
    return {
        "effect": h.effect, "ci": list(h.ci), "n": h.n_inside, "unit": "share of rows", "audit": audit.audit.key,
        "vocabulary": audit.audit.vocabulary,
    }  # fmt: skip


def judged(audit: AuditFolder, **criteria: Any) -> GateReport:
    options = {k: criteria.pop(k) for k in ("strict", "pass_on_stale", "against") if k in criteria}
    return gate(audit, Criteria(**criteria), today=TODAY, **options)


def status(report: GateReport, concept: str) -> str:
    return next((o.status for o in report.outcomes if o.concept == f"surface:{concept}"), "")


def of(report: GateReport, concept: str) -> Outcome:
    return next(o for o in report.outcomes if o.concept == f"surface:{concept}")


def baseline(tmp_path: Path, audit: AuditFolder) -> Path:
    path = tmp_path / "offtarget-baseline.json"
    write_baseline(path, baseline_now(audit, Criteria()), audit)
    return path


def test_nothing_to_gate_on_is_an_error_with_the_command_to_start(audits: Make) -> None:
    with pytest.raises(ConfigError, match="offtarget gate init"):
        judged(audits(1))


def test_a_finding_without_an_allowance_fails_and_one_with_passes(audits: Make, tmp_path: Path) -> None:
    audit = audits(2, offer=0.2)
    none = judged(audit, verdicts=verdicts(tmp_path / "v.yaml", audit))
    assert (none.result, none.exit_code, status(none, "offer")) == ("fail", 1, "undecided")
    assert of(none, "offer").effect == pytest.approx(0.2)
    assert "surface:offer --side chosen" in of(none, "offer").command
    assert [o.concept for o in none.outcomes] == ["surface:offer"]
    open_ = verdicts(tmp_path / "v.yaml", audit, {"concept": "surface:offer", "decision": "undecided"})
    assert status(judged(audit, verdicts=open_), "offer") == "undecided"
    warned = judged(audit, verdicts=open_, config=GateConfig.model_validate({"gate": {"undecided": "warn"}}))
    assert (warned.result, of(warned, "offer").severity) == ("pass", "warn")
    assert judged(audit, verdicts=open_, strict=True).exit_code == 1
    allowed = verdicts(tmp_path / "v.yaml", audit, {"concept": "surface:offer", "decision": "allow"})
    passed = judged(audit, verdicts=allowed)
    assert (passed.exit_code, status(passed, "offer")) == (0, "allowed")
    assert any("do not say what was seen" in n for n in passed.notes)


def test_what_was_suppressed_and_is_still_there_fails(audits: Make, tmp_path: Path) -> None:
    audit = audits(2, offer=0.2)
    path = verdicts(tmp_path / "v.yaml", audit, {"concept": "surface:offer", "decision": "suppress"})
    still = of(judged(audit, verdicts=path), "offer")
    assert still.status == "suppressed"
    assert (
        "still teaches it; `offtarget plan AUDIT_DIR --verdicts FILE --protocol filter` takes it out" in still.message
    )
    assert still.message.endswith('set suppressed = "pass" under [gate] in offtarget.toml')
    handled = GateConfig.model_validate({"gate": {"suppressed": "pass"}})
    passed = judged(audit, verdicts=path, config=handled)
    assert passed.exit_code == 0 and of(passed, "offer").message.endswith("the data still teaches it")
    assert judged(audits(3), verdicts=path).exit_code == 0


def test_allowed_at_four_points_now_eleven(audits: Make, tmp_path: Path) -> None:
    old, same, more = audits(4, 2000, offer=0.04), audits(5, 2000, offer=0.05), audits(6, 2000, offer=0.11)
    line = {"concept": "surface:offer", "decision": "allow", "seen": seen(old, "surface:offer")}
    path = verdicts(tmp_path / "v.yaml", old, line)
    assert status(judged(same, verdicts=path), "offer") == "allowed"
    report = judged(more, verdicts=path)
    assert (report.exit_code, status(report, "offer")) == (1, "allowed-but-beyond")
    o = of(report, "offer")
    assert "+11.0 points" in o.message and "allowed by ann (2026-01-31) at +4.0 points" in o.message
    assert o.change is not None and o.change.difference == pytest.approx(0.07)
    # u is +1 with .21·.9 (before .14·.9) and -1 with .79·.1 (.86·.1): variances .256 and .210, error √(.466/2000) = .0153
    assert o.change.ci == pytest.approx((0.07 - 1.96 * 0.01526, 0.07 + 1.96 * 0.01526), abs=0.0015)


def test_smaller_than_the_least_that_matters_is_no_change(audits: Make, tmp_path: Path) -> None:
    old, more = audits(4, 2000, offer=0.04), audits(6, 2000, offer=0.11)
    line = {"concept": "surface:offer", "decision": "allow", "seen": seen(old, "surface:offer")}
    path = verdicts(tmp_path / "v.yaml", old, line)
    lax = GateConfig.model_validate({"gate": {"min_points": 7.5}})
    assert status(judged(more, verdicts=path, config=lax), "offer") == "allowed"


def test_a_decision_that_expired_fails_where_the_finding_is_still_there(audits: Make, tmp_path: Path) -> None:
    audit = audits(2, offer=0.2)
    line = {"concept": "surface:offer", "decision": "allow", "until": "2026-05-31"}
    report = judged(audit, verdicts=verdicts(tmp_path / "v.yaml", audit, line))
    assert (report.exit_code, status(report, "offer")) == (1, "expired")
    line["until"] = "2026-06-01"
    assert judged(audit, verdicts=verdicts(tmp_path / "v.yaml", audit, line)).exit_code == 0


def test_an_allowance_for_what_is_no_longer_there_is_stale(audits: Make, tmp_path: Path) -> None:
    old, new = audits(6, 2000, offer=0.11), audits(7, 2000)
    line = {"concept": "surface:offer", "decision": "allow", "seen": seen(old, "surface:offer")}
    path = verdicts(tmp_path / "v.yaml", old, line)
    report = judged(new, verdicts=path)
    assert (report.exit_code, status(report, "offer")) == (1, "stale")
    assert judged(new, verdicts=path, pass_on_stale=True).exit_code == 0
    never = {"concept": "surface:never", "decision": "allow"}
    assert status(judged(new, verdicts=verdicts(tmp_path / "w.yaml", old, never)), "never") == "stale"


def test_that_an_allowed_effect_is_no_finding_by_chance_is_not_stale(audits: Make, tmp_path: Path) -> None:
    """60 rows cannot show four points; that is no evidence that they are gone."""
    old, few = audits(4, 2000, offer=0.04), audits(8, 60, offer=0.03)
    line = {"concept": "surface:offer", "decision": "allow", "seen": seen(old, "surface:offer")}
    report = judged(few, verdicts=verdicts(tmp_path / "v.yaml", old, line))
    assert status(report, "offer") == "no-finding" and report.exit_code == 3


def test_changes_against_a_baseline(audits: Make, tmp_path: Path) -> None:
    old = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10)
    new = audits(10, 2000, bold=0.15, list=0.04, offer=0.08)
    report = judged(new, baseline=baseline(tmp_path, old))
    found = {o.concept.removeprefix("surface:"): (o.status, o.severity) for o in report.outcomes}
    assert found == {
        "offer": ("new", "error"), "bold": ("grown", "error"), "list": ("shrunk", "warn"), "emoji": ("gone", "warn"),
    }  # fmt: skip
    assert report.exit_code == 1
    assert of(report, "bold").change.difference == pytest.approx(0.10, abs=1e-6)  # type: ignore[union-attr]
    less = judged(audits(11, 2000, bold=0.05, list=0.04), baseline=baseline(tmp_path, old))
    assert less.exit_code == 0
    assert judged(audits(11, 2000, bold=0.05, list=0.04), baseline=baseline(tmp_path, old), strict=True).exit_code == 1


def test_what_the_baseline_cannot_be_compared_with_is_new_where_it_matters(audits: Make, tmp_path: Path) -> None:
    """A concept that the baseline lacks: nothing can be tested, and an effect as large as a change must be fails."""
    old, new = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10), audits(10, 2000, bold=0.15, list=0.04, offer=0.08)
    path = baseline(tmp_path, old)
    whole = read_baseline(path)
    without = tuple(e for e in whole.entries if e.concept != "surface:offer")
    path.write_text(text_of(whole.model_copy(update={"entries": without})))
    report = judged(new, baseline=path)
    assert (status(report, "offer"), of(report, "offer").severity) == ("new", "error")
    assert of(report, "offer").message.endswith("); the baseline does not have it")
    lax = judged(new, baseline=path, config=GateConfig.model_validate({"gate": {"min_points": 9}}))
    assert (status(lax, "offer"), of(lax, "offer").severity) == ("same", "pass")


def test_an_audit_as_the_baseline_is_named_as_what_to_audit_like(
    audits: Make, make_audit: Make, tmp_path: Path
) -> None:
    other = make_audit(tmp_path / "w1", 3, 600, {}, ("bold", "offer"))
    with pytest.raises(UndecidedError) as error:
        judged(audits(1), against=other)
    assert f"audit with --like {tmp_path}/w1, or audit {tmp_path}/w1 again" in str(error.value)
    path = tmp_path / "mine.json"
    write_baseline(path, baseline_now(other, Criteria()), other)
    with pytest.raises(UndecidedError) as error:
        judged(audits(1), baseline=path)
    assert f"--like {tmp_path}/mine.like, or make" in str(error.value)
    assert f"again with --baseline {path} --update-baseline" in str(error.value)


def test_how_to_write_a_baseline_again_names_it(tmp_path: Path) -> None:
    path = tmp_path / "my own.json"
    command = f"`offtarget gate AUDIT_DIR --baseline '{path}' --update-baseline`"
    for text in (None, "", "{}", '{"schema_version": 1}'):
        if text is not None:
            path.write_text(text)
        with pytest.raises(ConfigError) as error:
            read_baseline(path)
        assert command in str(error.value)


def test_the_same_data_is_no_change(audits: Make, tmp_path: Path) -> None:
    old = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10)
    report = judged(old, baseline=baseline(tmp_path, old))
    assert (report.exit_code, {o.status for o in report.outcomes}) == (0, {"same"})


def test_with_both_audits_shared_rows_are_counted_as_such(audits: Make, tmp_path: Path) -> None:
    """And a baseline says of itself that it cannot know of other rows, and of its own that there is nothing to find."""
    old = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10)
    by_sums, by_rows = judged(old, baseline=baseline(tmp_path, old)), judged(old, against=old)
    assert (by_sums.exit_code, by_rows.exit_code) == (0, 0)
    assert {o.change.difference for o in by_rows.outcomes if o.change} == {0.0}
    assert [n.partition(" that ")[0] for n in by_sums.notes] == [
        "warning: these are the very rows"
    ] and not by_rows.notes
    other = judged(audits(12, 2000, bold=0.15, list=0.1, emoji=0.1), baseline=tmp_path / "offtarget-baseline.json")
    assert any("cannot tell which rows and prompts this data shares" in n for n in other.notes)
    other = audits(10, 2000, bold=0.15, list=0.04, offer=0.08)
    for report, by in ((judged(other, baseline=baseline(tmp_path, old)), "the sums of the baseline"),
                       (judged(other, against=old), "the rows of both audits")):  # fmt: skip
        assert sight(report).endswith(f"), by {by}")


def test_a_decision_counts_more_than_the_baseline(audits: Make, tmp_path: Path) -> None:
    old, new = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10), audits(12, 2000, bold=0.15, list=0.1, emoji=0.1)
    path = baseline(tmp_path, old)
    assert status(judged(new, baseline=path), "bold") == "grown"
    line = {"concept": "surface:bold", "decision": "allow", "seen": seen(new, "surface:bold")}
    report = judged(new, baseline=path, verdicts=verdicts(tmp_path / "v.yaml", new, line))
    assert (report.exit_code, status(report, "bold"), status(report, "list")) == (0, "allowed", "same")


def test_too_few_rows_cannot_decide(audits: Make, tmp_path: Path) -> None:
    old = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10)
    report = judged(audits(13, 40), baseline=baseline(tmp_path, old))
    assert (report.result, report.exit_code) == ("undecided", 3)
    more = "add rows, or raise must_see in offtarget.toml; if many rows or prompts are those of the accepted data, --against"
    assert any("too few rows" in n and more in n for n in report.notes)
    by_rows = judged(audits(13, 40), against=old)
    assert by_rows.exit_code == 3 and any("add rows, or raise must_see" in n for n in by_rows.notes)
    lax = GateConfig.model_validate({"gate": {"must_see": 60}})
    assert judged(audits(13, 40), baseline=baseline(tmp_path, old), config=lax).exit_code == 0


def rules(*rows: dict[str, Any]) -> GateConfig:
    return GateConfig.model_validate({"rule": list(rows)})


def test_a_limit(audits: Make) -> None:
    audit = audits(6, 2000, offer=0.11)
    over = judged(audit, config=rules({"concept": "surface:offer", "max_effect": 10}))
    assert (over.exit_code, status(over, "offer"), of(over, "offer").id) == (1, "over", "rule 1:surface:offer")
    assert "the limit is 10 points" in of(over, "offer").message
    assert judged(audit, config=rules({"concept": "surface:offer", "max_effect": 12})).exit_code == 0
    other = {"concept": "surface:offer", "max_effect": 10, "direction": "rejected"}
    assert judged(audit, config=rules(other)).exit_code == 0
    warn = judged(audit, config=rules({"concept": "surface:offer", "max_effect": 10, "severity": "warn"}))
    assert (warn.exit_code, of(warn, "offer").severity) == (0, "warn")


def test_a_limit_smaller_than_what_the_rows_show_cannot_be_held(audits: Make) -> None:
    """600 rows: the error is about √(0.2/600) = 1.8 points, and what is seen with 80 % power about 3.5 times that."""
    report = judged(audits(1), config=rules({"concept": "surface:offer", "max_effect": 5}))
    assert (report.exit_code, status(report, "offer")) == (3, "blind")
    assert "the limit is 5 points" in of(report, "offer").message
    assert judged(audits(1), config=rules({"concept": "surface:offer", "max_effect": 9})).exit_code == 0
    few = rules({"concept": "surface:offer", "max_effect": 9, "min_rows": 601})
    assert judged(audits(1), config=few).exit_code == 3


def test_a_pattern_speaks_of_all_its_concepts(audits: Make) -> None:
    report = judged(audits(6, 2000, offer=0.11), config=rules({"concept": "surface:*", "max_effect": 10}))
    assert [o.status for o in report.outcomes] == ["over", "within", "within", "within", "within"]


def test_a_limit_on_no_concept_names_the_nearest(audits: Make) -> None:
    with pytest.raises(ConfigError, match=r"unknown concept 'surface:ofer': did you mean surface:offer.*rule 1"):
        judged(audits(1), config=rules({"concept": "surface:ofer", "max_effect": 5}))


def test_another_vocabulary_cannot_be_decided(audits: Make, make_audit: Make, tmp_path: Path) -> None:
    other = make_audit(tmp_path / "other", 1, 100, names=("bold", "offer"))
    path = baseline(tmp_path, audits(1))
    with pytest.raises(UndecidedError, match="--update-baseline"):
        judged(other, baseline=path)
    with pytest.raises(UndecidedError, match="vocabulary"):
        judged(other, verdicts=verdicts(tmp_path / "v.yaml", audits(1)))


def test_a_baseline_of_another_vocabulary_than_the_one_beside_it_does_not_advise_what_was_in_use(
    audits: Make, make_audit: Make, tmp_path: Path
) -> None:
    """The audit was made like the folder beside the baseline: to audit like it again would change nothing."""
    other = make_audit(tmp_path / "other", 1, 100, names=("bold", "offer"))
    path = baseline(tmp_path, audits(1))
    write_baseline(tmp_path / "second.json", baseline_now(other, Criteria()), other)
    (tmp_path / "offtarget-baseline.like").rename(tmp_path / "first.like")
    (tmp_path / "second.like").rename(tmp_path / "offtarget-baseline.like")
    with pytest.raises(UndecidedError) as error:
        judged(other, baseline=path)
    assert "are not of one baseline; take both from your version control" in str(error.value)
    assert "audit with --like" not in str(error.value) and "--update-baseline" in str(error.value)


def test_a_broken_baseline(audits: Make, tmp_path: Path) -> None:
    path = baseline(tmp_path, audits(1))
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"offtarget-baseline\.json: .*not JSON.*--update-baseline"):
        judged(audits(1), baseline=path)
    path.write_text(whole.replace('"schema_version": 2', '"schema_version": 9'))
    with pytest.raises(UndecidedError, match="schema version 9"):
        judged(audits(1), baseline=path)
    with pytest.raises(ConfigError, match="no baseline there"):
        judged(audits(1), baseline=tmp_path / "none.json")


def test_verdicts_of_another_schema_cannot_be_decided(audits: Make, tmp_path: Path) -> None:
    path = verdicts(tmp_path / "v.yaml", audits(1))
    path.write_text(path.read_text().replace("schema_version: 1", "schema_version: 2"))
    with pytest.raises(UndecidedError, match="schema version 2"):
        judged(audits(1), verdicts=path)
    path.write_text("verdicts: [\n - {")
    with pytest.raises(ConfigError, match=r"v\.yaml, line \d"):
        judged(audits(1), verdicts=path)


def test_all_that_is_missing_of_what_was_seen_is_said_at_once(audits: Make, tmp_path: Path) -> None:
    line = {"concept": "surface:offer", "decision": "allow", "seen": {"effect": 0.04, "ci": [0.02, 0.06], "n": 2000}}
    path = verdicts(tmp_path / "v.yaml", audits(1), line)
    both = r"verdict 1 \(surface:offer\) lacks 'seen.audit' and 'seen.vocabulary'; add them"
    with pytest.raises(ConfigError, match=both):
        judged(audits(1), verdicts=path)
    line["seen"]["audit"] = "x"  # type: ignore[index]
    with pytest.raises(ConfigError, match=r"lacks 'seen.vocabulary'; add it"):
        judged(audits(1), verdicts=verdicts(tmp_path / "v.yaml", audits(1), line))


def test_a_verdict_on_no_concept_names_the_nearest(audits: Make, tmp_path: Path) -> None:
    line = {"concept": "surface:offr", "decision": "allow"}
    with pytest.raises(ConfigError, match="did you mean surface:offer"):
        judged(audits(1), verdicts=verdicts(tmp_path / "v.yaml", audits(1), line))


def test_the_file_of_a_baseline_has_a_line_an_effect_and_is_read_as_it_was_written(
    audits: Make, tmp_path: Path
) -> None:
    audit = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10)
    path = baseline(tmp_path, audit)
    assert read_baseline(path) == baseline_now(audit, Criteria())
    lines = path.read_text().splitlines()
    assert sum('"concept"' in line for line in lines) == 5
    assert lines == [*lines[:10], *sorted(lines[10:15], key=lambda x: x.split('"concept"')[1]), *lines[15:]]
    assert "2000-" not in path.read_text() and "9-1" not in path.read_text(), "no row is named"
    assert not write_baseline(path, baseline_now(audit, Criteria()), audit)


def test_pruning_takes_only_what_shrank(audits: Make, tmp_path: Path) -> None:
    old = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10)
    new = audits(10, 2000, bold=0.15, list=0.04, offer=0.08)
    path = baseline(tmp_path, old)
    report = judged(new, baseline=path)
    left = pruned(read_baseline(path), baseline_now(new, Criteria()), report.outcomes)
    effects = {e.concept.removeprefix("surface:"): round(e.effect, 3) for e in left.entries}
    assert effects == {"bold": 0.05, "list": 0.04, "emoji": 0.0, "offer": 0.0, "never": 0.0}


def test_a_rule_that_no_judged_effect_answers_is_an_error_and_no_pass(audits: Make) -> None:
    rule = {"concept": "surface:offer", "max_effect": 1}
    config = GateConfig.model_validate({"gate": {"views": ["metadata"]}, "rule": [rule]})
    with pytest.raises(ConfigError, match=r"rule 1 .*surface:offer is not over the whole set; add 'overall' to views"):
        judged(audits(6, 2000, offer=0.11), config=config)


def test_decisions_on_views_without_any_effect_cannot_decide(audits: Make, tmp_path: Path) -> None:
    audit = audits(6, 2000, offer=0.11)
    config = GateConfig.model_validate({"gate": {"views": ["metadata"]}})
    report = judged(audit, verdicts=verdicts(tmp_path / "v.yaml", audit), config=config)
    assert (report.result, report.exit_code) == ("undecided", 3)
    assert any("nothing was tested" in n for n in report.notes)


def test_what_was_pruned_and_returns_is_a_change_also_beside_the_audit_before(audits: Make, tmp_path: Path) -> None:
    """10 points once, 4 when it was pruned, then 10 again: the first audit's rows must not stand in for the 4."""
    first, less = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10), audits(10, 2000, bold=0.05, list=0.04, emoji=0.1)
    again = audits(12, 2000, bold=0.05, list=0.1, emoji=0.1)
    path = baseline(tmp_path, first)
    report = judged(less, baseline=path)
    assert status(report, "list") == "shrunk"
    left = pruned(read_baseline(path), baseline_now(less, Criteria()), report.outcomes)
    path.write_text(text_of(left))
    assert status(judged(again, baseline=path), "list") == "grown"
    beside = judged(again, baseline=path, against=first)
    assert (beside.exit_code, status(beside, "list")) == (1, "grown")
    seen_first = {"concept": "surface:list", "decision": "allow", "seen": seen(less, "surface:list")}
    decided = judged(again, baseline=path, verdicts=verdicts(tmp_path / "v.yaml", first, seen_first))
    assert status(decided, "list") == "allowed-but-beyond"


def test_pruning_nothing_leaves_the_baseline_as_it_was(audits: Make, tmp_path: Path) -> None:
    audit = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10)
    path = baseline(tmp_path, audit)
    report = judged(audit, baseline=path)
    assert pruned(read_baseline(path), baseline_now(audit, Criteria()), report.outcomes) == read_baseline(path)


def test_findings_beyond_those_that_an_audit_lists_are_judged_with_the_q_of_the_whole_family(
    make_audit: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leans = {"bold": 0.2, "offer": 0.15, "list": 0.12, "emoji": 0.1}
    monkeypatch.setattr("offtarget.audit.views.overall.MAX_CONTROLLED", 2)
    whole = make_audit(tmp_path / "whole", 14, 600, leans)
    monkeypatch.setattr("offtarget.audit.views.overall.MAX_LISTED", 2)
    cut = make_audit(tmp_path / "cut", 14, 600, leans)
    assert [len([h for h in a.audit.hypotheses if h.view == "overall"]) for a in (whole, cut)] == [4, 2]
    q = {h.concept: h.q for h in whole.audit.hypotheses if h.view == "overall"}
    report = judged(cut, verdicts=verdicts(tmp_path / "v.yaml", cut))
    assert {o.concept: o.q for o in report.outcomes} == pytest.approx(q, rel=1e-6)
    assert (len(report.outcomes), report.exit_code, report.notes) == (4, 1, ())


def test_findings_that_cannot_be_known_one_by_one_cannot_be_decided(audits: Make, tmp_path: Path) -> None:
    audit = audits(1)
    overall = audit.audit.families["overall"]
    more = {**audit.audit.families, "overall": overall.model_copy(update={"findings": overall.findings + 7})}
    cut = AuditFolder(audit.path, audit=audit.audit.model_copy(update={"families": more}))
    report = judged(cut, verdicts=verdicts(tmp_path / "v.yaml", audit))
    assert (report.result, report.exit_code) == ("undecided", 3)
    assert any(n.startswith("7 findings of view 'overall'") for n in report.notes)


def test_an_effect_that_is_the_same_in_every_row_is_as_large_as_can_be(audits: Make) -> None:
    """All rows half a unit longer in chosen: no spread, so no size in standard deviations but the largest."""
    now = measure(audits(2, offer=0.2), ["overall"])
    offer = next(k for k, e in enumerate(now.entries) if e.concept == "surface:offer")
    flat = now.entries[offer].model_copy(update={"unit": "tokens", "effect": 0.5, "squares": 0.0, "se": 0.0})
    only = Measured((flat,), now.sums.take(np.array([offer])))
    whole = baseline_now(audits(2, offer=0.2), Criteria())
    bare = whole.model_copy(update={"entries": ()})
    found = list(judge(Case(only, Settings(), {}, bare, {})))
    assert [(o.status, o.severity) for o in found] == [("new", "error")]
    before = whole.model_copy(update={"entries": (flat.model_copy(update={"q": 0.9}),)})
    found = list(judge(Case(only, Settings(), {}, before, {})))
    assert [(o.status, o.severity) for o in found] == [("same", "pass")]
