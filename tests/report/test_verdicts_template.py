"""The verdicts file to start from: short, with sizes, read again, and changing nothing until somebody decides."""

import datetime as dt

import yaml

from offtarget import verdicts
from offtarget.report.statements import state
from offtarget.report.verdicts_template import verdicts_template

DAY = dt.date(2026, 1, 31)


def made(audit, by="ann"):
    return verdicts_template(audit, state(audit), by=by, date=DAY)


def test_findings_over_the_whole_set_are_entries_with_their_size_and_nothing_is_decided(make_audit):
    audit = make_audit()
    found = verdicts.parse(made(audit), "v.yaml", audit)
    assert {v.place for v in found.verdicts} == {
        ("surface:bold", None), ("surface:characters", None), ("surface:hedges", None)
    }  # fmt: skip
    assert {(v.decision, v.by, v.date) for v in found.verdicts} == {("undecided", "ann", DAY)}
    assert verdicts.decided(found) == ()
    lines = made(audit).splitlines()
    at = lines.index("  - {concept: 'surface:bold', decision: undecided}")
    assert lines[at - 1].endswith("bold text: +13.2 points [+10.0, +16.0], q 2e-8; at equal length +7.0")


def test_a_finding_of_one_context_is_a_comment_that_is_a_verdict_without_its_first_sign(make_audit):
    audit = make_audit()
    text = made(audit)
    (line,) = [x for x in text.splitlines() if x.startswith("  #- ")]
    assert line.startswith("  #- {concept: 'surface:bold', context: 'topic:1', decision: undecided}  # ")
    found = verdicts.parse(text.replace("#-", "-"), "v.yaml", audit)
    assert [v.place for v in found.verdicts if v.context] == [("surface:bold", "topic:1")]


def test_a_file_of_contexts_alone_and_one_without_findings_are_read(make_audit, hypothesis):
    local = make_audit(hypotheses=(hypothesis("surface:bold", context="topic:1"),))
    assert verdicts.parse(made(local), "v.yaml", local).verdicts == ()
    assert len(verdicts.parse(made(local).replace("#-", "-"), "v.yaml", local).verdicts) == 1
    none = make_audit(hypotheses=())
    assert verdicts.parse(made(none), "v.yaml", none).verdicts == ()


def test_names_cannot_break_out_of_their_comment(make_audit):
    audit = make_audit("a: {b}\nverdicts: []\x85x\u2028- y\x00\x1b[0m # z\ud800")
    text = made(audit, by="Ünal: #1\n'x'")
    text.encode()
    assert yaml.safe_load(text)["by"] == "Ünal: #1\n'x'"
    assert len(verdicts.parse(text, "v.yaml", audit).verdicts) == 3


def test_without_a_known_user_the_one_who_decides_is_asked_for(make_audit):
    audit = make_audit()
    assert len(verdicts.parse(made(audit, by=""), "v.yaml", audit).verdicts) == 3
