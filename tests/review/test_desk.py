"""Decisions are saved, taken back and found again, and what people wrote by hand stays."""

import datetime as dt
import errno
import math

import pytest
import yaml
from tests.kills import run_killed

from offtarget import verdicts
from offtarget.errors import ConfigError, UndecidedError
from offtarget.gate.run import Criteria, gate
from offtarget.review.desk import Desk
from offtarget.review.file import changed
from offtarget.review.journal import Journal
from offtarget.review.merge import merge

BOLD, SORRY = "overall|surface:bold|", "overall|surface:apology|"


@pytest.fixture()
def desk(folder):
    desk = Desk(folder, by="ann")
    yield desk
    desk.close()


def in_context(desk):
    """A finding in one context."""
    return next(i for i, h in desk.hypotheses.items() if h.context and h.finding)


def test_a_decision_is_in_the_file_with_what_was_seen(desk):
    desk.decide([BOLD], "suppress", strength=2, why="style,\n not substance", until="2030-01-31")
    (v,) = verdicts.read(desk.path, desk.audit).verdicts
    h = desk.hypotheses[BOLD]
    assert (v.concept, v.context, v.decision, v.strength, v.by) == ("surface:bold", None, "suppress", 2.0, "ann")
    assert (v.why, v.until, v.date) == ("style, not substance", dt.date(2030, 1, 31), dt.datetime.now(dt.UTC).date())
    assert v.seen.effect == pytest.approx(h.effect, rel=1e-4) and v.seen.n == 320 and v.seen.unit == "share of rows"
    assert (v.seen.audit, v.seen.vocabulary) == (desk.audit.key, desk.audit.vocabulary)


def test_a_desk_that_is_closed_leaves_no_lock_and_one_that_only_reads_takes_none_away(folder):
    first = Desk(folder, by="ann")
    second = Desk(folder, by="bob")
    lock = first.path.with_name(".verdicts.yaml.lock")
    assert second.read_only and not first.read_only
    second.close()
    assert lock.exists()
    first.close()
    assert not lock.exists()
    third = Desk(folder, by="bob")
    assert not third.read_only
    third.close()


HAND = """\
# our rules, agreed on in May
schema_version: 1
vocabulary: {vocabulary}   # of the first drop
by: bob
date: 2026-01-31
verdicts:
  # style
  - {{concept: "surface:bold", decision: allow, why: 'ok: fine'}}  # asked Carol
  - concept: surface:apology   # long discussion
    decision: undecided
    # to be decided by June

  # the rest
  - {{concept: surface:emoji, decision: undecided}}
"""


def test_comments_and_order_of_a_hand_written_file_survive(desk):
    text = HAND.format(vocabulary=desk.audit.vocabulary)
    desk.path.write_text(text)
    desk.decide([SORRY], "suppress")
    desk.decide(["overall|surface:em_dash|"], "allow")
    after = desk.path.read_text()
    lines = after.splitlines()
    assert lines[:9] == text.splitlines()[:9], "what was not decided is as it was"
    assert "- concept: surface:apology   # long discussion" in after and "# to be decided by June" in after
    concepts = [v["concept"] for v in yaml.safe_load(after)["verdicts"]]
    assert concepts == ["surface:bold", "surface:apology", "surface:emoji", "surface:em_dash"]
    desk.undo()
    desk.undo()
    assert yaml.safe_load(desk.path.read_text()) == yaml.safe_load(text)


@pytest.mark.parametrize(
    "body",
    [
        "verdicts: []\n",
        "verdicts:\n",
        "verdicts: [{concept: surface:bold, decision: undecided}, {concept: surface:url, decision: undecided}]  # all\n",
        "verdicts:\n- {concept: surface:bold, decision: undecided}\n- {concept: surface:url, decision: undecided}\n",
        "verdicts:\n    -   concept: surface:bold\n        decision: undecided\n",
        "verdicts:\n  - {concept: surface:bold, decision: undecided}\nby: zoe  # last\n",
        "by: zoe\nverdicts:\n  - {concept: surface:bold,\n     decision: undecided}",
        "verdicts:\r\n  - {concept: surface:bold, decision: undecided}\r\n",
    ],
)
def test_every_layout_of_a_file_can_be_decided_in(body):
    text = f"# kept\nschema_version: 1\nvocabulary: v\n{body}"
    new = {"concept": "surface:emoji", "decision": "allow", "by": "ann", "date": dt.date(2026, 1, 1)}
    bold = {"concept": "surface:bold", "decision": "suppress", "by": "ann", "date": dt.date(2026, 1, 1), "why": "a: #b"}
    both = changed(text, {("surface:bold", None): bold, ("surface:emoji", None): new}, "f")
    found = yaml.safe_load(both)
    assert bold in found["verdicts"] and new in found["verdicts"] and "# kept" in both
    others = [v for v in yaml.safe_load(text)["verdicts"] or () if v["concept"] != "surface:bold"]
    assert all(v in found["verdicts"] for v in others) and found.get("by") == yaml.safe_load(text).get("by")
    gone = changed(both, {("surface:emoji", None): None}, "f")
    assert [v["concept"] for v in yaml.safe_load(gone)["verdicts"]] == [
        v["concept"] for v in found["verdicts"] if v["concept"] != "surface:emoji"
    ]


SUPPRESS = {"concept": "a", "decision": "suppress", "by": "ann", "date": dt.date(2026, 1, 1)}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("body", "stays"),
    [
        ("  - concept: a\n    decision: allow\n    why: &w style\n  - concept: b\n    decision: allow\n    why: *w\n", "concept: b"),
        ("  - &all\n    concept: a\n    decision: allow\n    by: zoe\n  - {<<: *all, concept: b}\n", ""),
        ("  - &all {concept: b, decision: allow, by: zoe}\n  - {<<: *all, concept: a}  # as there\n", "# as there"),
        ("  - concept: a\n    decision: allow\n    why: |\n      so\n      # 1\n  # then\n  - {concept: b, decision: allow}\n", "  # then"),
        ("  - {concept: b, decision: allow}  # fine\n", "  - {concept: b, decision: allow}  # fine"),
    ],
)  # fmt: skip
def test_whatever_a_file_may_hold_can_be_decided_in(body, stays, end, mark):
    text = mark + f"schema_version: 1\nvocabulary: v\nverdicts:\n{body}".replace("\n", end)
    before = {e["concept"]: e for e in yaml.safe_load(text)["verdicts"]}
    after = changed(text, {("a", None): SUPPRESS}, "f")
    assert {e["concept"]: e for e in yaml.safe_load(after)["verdicts"]} == {**before, "a": SUPPRESS}
    assert stays in after and after.startswith(mark + "schema_version")
    assert after.count("\n") == after.count(end)


def test_numbers_are_read_as_everywhere_else():
    row = "  - &all {concept: a, decision: suppress, by: zoe, strength: 5e-1}\n  - {<<: *all, concept: b}\n"
    after = changed(f"schema_version: 1\nvocabulary: v\nverdicts:\n{row}", {("a", None): SUPPRESS}, "f")
    assert [(e["concept"], e.get("strength")) for e in yaml.safe_load(after)["verdicts"]] == [("a", None), ("b", 0.5)]


@pytest.mark.parametrize(
    "body",
    ["verdicts: []\n  # nothing yet\n# end\n", "verdicts: []  # none\r\n# end\r\n", "verdicts: []\nby: zoe  # last\n"],
)
def test_deciding_and_taking_it_back_leaves_every_byte(body):
    text = f"# kept\nschema_version: 1\nvocabulary: v\n{body}"
    text = text.replace("\r\n", "\n").replace("\n", "\r\n") if "\r" in body else text
    after = changed(text, {("a", None): SUPPRESS}, "f")
    assert yaml.safe_load(after)["verdicts"] == [SUPPRESS]
    assert changed(after, {("a", None): None}, "f") == text


def test_nothing_behind_verdicts_keeps_its_comments():
    text = "schema_version: 1\nvocabulary: v\nverdicts:\n  # nothing yet\n# end\n"
    after = changed(text, {("a", None): SUPPRESS}, "f")
    assert changed(after, {("a", None): None}, "f") == text.replace("verdicts:", "verdicts: []")


def test_a_file_with_a_mark_and_windows_lines_is_written_as_it_was(desk):
    text = f"\ufeffschema_version: 1\r\nvocabulary: {desk.audit.vocabulary}\r\nverdicts: []\r\n"
    desk.path.write_bytes(text.encode())
    desk.decide([BOLD], "allow")
    assert desk.verdicts()["surface:bold", None].decision == "allow"
    after = desk.path.read_bytes()
    assert after.startswith(text[:-6].rstrip().encode()) and after.count(b"\r\n") == after.count(b"\n") == 4
    desk.undo()
    assert desk.path.read_bytes() == text.encode()


def test_of_a_place_that_stands_twice_the_decision_counts(desk):
    rows = "  - {concept: surface:bold, decision: undecided}\n  - {concept: surface:bold, decision: suppress, by: zoe, date: 2026-01-31}\n"
    desk.path.write_text(f"schema_version: 1\nvocabulary: {desk.audit.vocabulary}\nverdicts:\n{rows}")
    assert desk.file.entries()["surface:bold", None]["by"] == "zoe"
    desk.decide([BOLD], "allow")
    desk.undo()
    found = desk.verdicts()["surface:bold", None]
    assert (found.decision, found.by) == ("suppress", "zoe")


def merged(folder, item=BOLD):
    """A file in which ann's and bob's decisions on a hypothesis are in conflict."""
    files = []
    for name, decision in (("ann", "allow"), ("bob", "suppress")):
        files.append(folder.path / f"{name}.yaml")
        desk = Desk(folder, files[-1], by=name)
        desk.decide([item], decision, scope="context")
        desk.close()
    assert len(merge(files, folder.path / "merged.yaml")) == 1
    return files, folder.path / "merged.yaml"


def test_a_settled_conflict_that_is_taken_back_is_open_again(folder):
    files, out = merged(folder)
    desk = Desk(folder, out, by="zoe")
    h = desk.hypotheses[BOLD]
    assert desk.standing(h).queue == "conflict"
    for settle in (lambda: desk.resolve(BOLD, "B"), lambda: desk.decide([BOLD], "amplify")):
        settle()
        assert desk.standing(h).queue == "decided" and not desk.conflicts()
        assert desk.undo()
        assert desk.standing(h).queue == "conflict"
    desk.resolve(BOLD, "A")
    desk.decide([BOLD], "undecided")
    assert desk.standing(h).queue == "conflict" and len(desk.conflicts()) == 1
    desk.close()
    assert len(merge(files, out)) == 1, "the next merge does not bring a decision back"


def test_a_conflict_on_metadata_is_settled_on_the_page_too(folder):
    files = []
    for name, decision in (("ann", "allow"), ("bob", "suppress")):
        files.append(folder.path / f"{name}.yaml")
        entry = (
            f"{{concept: surface:bold, where: {{vendor: acme}}, decision: {decision}, by: {name}, date: 2026-05-01}}"
        )
        files[-1].write_text(f"schema_version: 1\nvocabulary: {folder.audit.vocabulary}\nverdicts:\n  - {entry}\n")
    out = folder.path / "merged.yaml"
    merge(files, out)
    desk = Desk(folder, out, by="zoe")
    (conflict,) = desk.conflicts()
    assert desk.item_of(conflict.place) == "place|surface:bold|vendor=acme"
    with pytest.raises(ConfigError, match="unknown conflict"):
        desk.resolve(BOLD, "B")
    desk.resolve("place|surface:bold|vendor=acme", "B")
    assert not desk.conflicts() and desk.verdicts()[conflict.place].by == "bob"
    assert desk.undo() == [conflict.place] and len(desk.conflicts()) == 1
    desk.close()


def test_a_general_decision_covers_contexts_and_one_on_a_context_is_an_exception(desk):
    item = in_context(desk)
    h = desk.hypotheses[item]
    assert desk.standing(h).queue == "undecided"
    desk.decide([item], "allow")
    standing = desk.standing(h)
    assert standing.queue == "decided" and standing.own is None and standing.general.decision == "allow"
    desk.decide([item], "suppress", scope="context")
    assert desk.standing(h).own.decision == "suppress" and desk.standing(h).general is None
    general = desk.hypotheses[f"overall|{h.concept}|"]
    assert desk.standing(general).own.decision == "allow"


def test_undo_goes_back_over_restarts_and_leaves_what_was_changed_by_hand(folder):
    with_one = Desk(folder, by="ann")
    with_one.decide([BOLD], "suppress")
    with_one.decide([BOLD, SORRY], "allow")
    with_one.close()
    again = Desk(folder, by="bob")
    assert again.undoes() == 2
    assert again.undo() == [("surface:bold", None), ("surface:apology", None)], "all that was decided together"
    found = again.verdicts()
    assert found["surface:bold", None].decision == "suppress" and ("surface:apology", None) not in found
    again.path.write_text(again.path.read_text().replace("decision: suppress", "decision: amplify"))
    assert again.undoes() == 0 and again.undo() == [], "its decision is not what it was"
    assert again.verdicts()["surface:bold", None].decision == "amplify"
    again.close()


def test_steps_that_can_be_taken_back_are_counted_one_after_the_other(desk):
    for decision in ("allow", "suppress", "amplify"):
        desk.decide([BOLD], decision)
    desk.decide([SORRY], "allow")
    assert desk.undoes() == 4
    text = desk.path.read_text()
    desk.path.write_text(text.replace("decision: amplify", "decision: undecided"))
    assert desk.undoes() == 1, "only the one that was not changed by hand"
    desk.path.write_text(text)
    assert [desk.undo() for _ in range(5)] == [[("surface:apology", None)], *[[("surface:bold", None)]] * 3, []]


def test_an_undo_that_a_full_disk_stopped_can_be_asked_for_again(desk, monkeypatch):
    desk.decide([BOLD], "suppress")
    desk.decide([BOLD], "allow")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr("offtarget.review.file.write_atomic", full)
        desk.undo()
    assert desk.verdicts()["surface:bold", None].decision == "allow" and desk.undoes() == 2
    assert desk.undo() and desk.verdicts()["surface:bold", None].decision == "suppress"


def test_a_decision_that_no_file_can_hold_leaves_no_line_in_the_journal(desk, monkeypatch):
    def cannot(*_):
        raise ConfigError("its entries cannot be told apart")

    monkeypatch.setattr("offtarget.review.file._changed", cannot)
    with pytest.raises(ConfigError, match="told apart"):
        desk.decide([BOLD], "allow")
    assert Journal(desk.path).steps() == []


def test_taking_a_decision_back_leaves_the_line_undecided(desk):
    desk.decide([BOLD], "suppress", strength=3)
    desk.decide([BOLD, SORRY], "undecided")
    assert [(v.concept, v.decision, v.strength) for v in verdicts.read(desk.path).verdicts] == [
        ("surface:bold", "undecided", 1.0)
    ]
    assert desk.standing(desk.hypotheses[BOLD]).queue == "undecided"


@pytest.mark.parametrize(("shift", "queue"), [(0.0, "decided"), (0.02, "decided"), (-0.35, "changed")])
def test_a_decision_on_another_audit_is_changed_where_the_effect_is(desk, shift, queue):
    desk.decide([BOLD], "allow")
    h = desk.hypotheses[BOLD]
    data = yaml.safe_load(desk.path.read_text())
    seen = data["verdicts"][0]["seen"]
    seen |= {"audit": "another", "effect": h.effect + shift, "ci": [h.ci[0] + shift, h.ci[1] + shift]}
    desk.path.write_text(yaml.safe_dump(data))
    assert desk.standing(h).queue == queue


def seen_elsewhere(desk, shifts):
    """As if the decisions were made on another audit, whose effects were smaller by some standard errors of the difference."""
    data = yaml.safe_load(desk.path.read_text())
    for row in data["verdicts"]:
        low, high = row["seen"]["ci"]
        less = shifts.get(row["concept"], 0.0) * math.sqrt(2) * (high - low) / (2 * 1.96)
        row["seen"] |= {"audit": "another", "effect": row["seen"]["effect"] - less, "ci": [low - less, high - less]}
    desk.path.write_text(yaml.safe_dump(data))


@pytest.mark.parametrize(("errors", "changed"), [(2.3, False), (5.0, True)])
def test_page_and_gate_say_the_same_of_a_decision(desk, errors, changed):
    """2.3 standard errors are p = 0.02: significant alone, and not as one of ten or more decisions (q = 0.2)."""
    ids = [i for i, h in desk.hypotheses.items() if h.finding and h.context is None]
    assert len(ids) >= 10
    desk.decide(ids, "allow")
    seen_elsewhere(desk, {"surface:bold": errors})
    again = {desk.hypotheses[i].concept for i in ids if desk.standing(desk.hypotheses[i]).queue == "changed"}
    report = gate(desk.folder, Criteria(verdicts=desk.path))
    assert again == {o.concept for o in report.outcomes if o.status == "allowed-but-beyond"}
    assert again == ({"surface:bold"} if changed else set())


def test_what_was_seen_in_another_unit_is_not_compared(desk):
    desk.decide([BOLD], "allow")
    seen_elsewhere(desk, {"surface:bold": 5.0})
    text = desk.path.read_text()
    for unit, queue, status in (("share of rows", "changed", "allowed-but-beyond"), ("tokens", "decided", "allowed")):
        desk.path.write_text(text.replace("share of rows", unit))
        assert desk.standing(desk.hypotheses[BOLD]).queue == queue
        report = gate(desk.folder, Criteria(verdicts=desk.path))
        assert [o.status for o in report.outcomes if o.concept == "surface:bold"] == [status]


def test_how_large_a_change_matters_is_what_offtarget_toml_says(folder, tmp_path):
    config = tmp_path / "offtarget.toml"
    config.write_text("[gate]\nmin_points = 90\n")
    for path, queue in ((None, "changed"), (config, "decided")):
        desk = Desk(folder, by="ann", config=path)
        desk.decide([BOLD], "allow")
        seen_elsewhere(desk, {"surface:bold": 5.0})
        assert desk.standing(desk.hypotheses[BOLD]).queue == queue
        desk.close()


def test_a_change_in_a_context_is_looked_at_again(desk):
    item = in_context(desk)
    h = desk.hypotheses[item]
    desk.decide([item], "allow", scope="context")
    seen_elsewhere(desk, {h.concept: 6.0})
    assert desk.standing(h).queue == "changed"
    assert desk.standing(desk.hypotheses[BOLD]).queue == "undecided"


def test_a_decision_whose_last_day_passed_has_to_be_looked_at_again(desk):
    item = in_context(desk)
    h = desk.hypotheses[item]
    desk.decide([f"overall|{h.concept}|"], "allow", until="2020-01-01")
    assert desk.standing(desk.hypotheses[f"overall|{h.concept}|"]).queue == "changed"
    covered = desk.standing(h)
    assert covered.queue == "changed" and covered.own is None, "it covers this context no longer"
    desk.decide([item], "allow", scope="context")
    assert desk.standing(h).queue == "decided"


def test_of_a_link_what_it_points_to_is_written(folder, tmp_path):
    file, link = tmp_path / "kept" / "ours.yaml", folder.path / "verdicts.yaml"
    file.parent.mkdir()
    file.write_text(f"schema_version: 1\nvocabulary: {folder.audit.vocabulary}\nverdicts: []\n")
    link.symlink_to(file)
    desk = Desk(folder, by="ann")
    desk.decide([BOLD], "allow")
    assert link.is_symlink() and link.resolve() == file.resolve()
    assert [v.concept for v in verdicts.read(file).verdicts] == ["surface:bold"]
    assert Desk(folder, file).read_only, "the same file by its own name"
    desk.undo()
    desk.close()
    assert verdicts.read(file).verdicts == ()
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(ConfigError, match="points to itself"):
        Desk(folder)


def test_files_that_differ_in_their_ending_alone_have_journals_of_their_own(folder):
    for name, decision in (("a.yaml", "allow"), ("a.yml", "suppress")):
        desk = Desk(folder, folder.path / name, by="ann")
        desk.decide([BOLD], decision)
        assert desk.undoes() == 1
        desk.close()


def test_a_second_desk_on_one_file_only_reads(desk, folder):
    second = Desk(folder, by="bob")
    assert "only reads" in second.read_only
    with pytest.raises(ConfigError, match="somebody else decides"):
        second.decide([BOLD], "allow")
    desk.close()
    third = Desk(folder, by="bob")
    assert not third.read_only
    third.close()


def test_a_file_that_is_broken_by_hand_is_named_with_its_line_and_kept(desk):
    desk.decide([BOLD], "allow")
    broken = desk.path.read_text() + "  - {concept: surface:emoji, decision: [\n"
    desk.path.write_text(broken)
    with pytest.raises(ConfigError, match=r"verdicts\.yaml, line \d+: not YAML"):
        desk.decide([SORRY], "allow")
    assert desk.path.read_text() == broken and len(desk.journal.undoable()) == 1


def test_verdicts_of_another_vocabulary_are_refused(folder):
    (folder.path / "verdicts.yaml").write_text("schema_version: 1\nvocabulary: other\nverdicts: []\n")
    with pytest.raises(UndecidedError, match="made for vocabulary other"):
        Desk(folder)


def test_a_kill_between_two_decisions_loses_none_that_was_answered(folder):
    """SIGKILL at each of the first 20 changes to the disk of one decision and the next."""
    killed = 0
    for at in range(20):
        desk = Desk(folder, by="ann")
        held = {p: v.decision for p, v in desk.verdicts().items()}
        before = desk.undoes()
        decisions = ("allow", "suppress") if at % 2 else ("suppress", "allow")

        def two(desk=desk, decisions=decisions):
            for decision in decisions:
                desk.decide([BOLD], decision)

        desk.decide([SORRY], decisions[0])
        held["surface:apology", None] = decisions[0]
        killed += run_killed(two, at // 2, after=bool(at % 2)) == -1
        desk.close()
        again = Desk(folder, by="ann")
        found = {p: v.decision for p, v in again.verdicts().items()}
        assert found.pop(("surface:bold", None), None) in (held.pop(("surface:bold", None), None), *decisions)
        assert found == held
        assert again.undoes() >= before + 1
        again.decide([SORRY], decisions[1])
        assert again.undo()
        assert again.verdicts()["surface:apology", None].decision == decisions[0]
        again.close()
    assert killed == 20


def test_half_a_line_of_the_journal_is_none(desk):
    desk.decide([BOLD], "allow")
    journal = Journal(desk.path)
    with journal.path.open("a") as file:
        file.write('{"n": 2, "at": "20')
    desk.decide([SORRY], "allow")
    assert [s.n for s in journal.steps()] == [1, 2]
