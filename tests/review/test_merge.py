"""What several people decided, put together: what stays, what contradicts, and who is asked."""

import itertools
import json

import pytest
import yaml
from tests.kills import run_killed

from offtarget import verdicts
from offtarget.cli.main import call
from offtarget.errors import ConfigError, UndecidedError
from offtarget.review.beside import held
from offtarget.review.merge import merge

HEAD = "schema_version: 1\nvocabulary: v1\n"


def write(path, *rows, head=HEAD, by="ann"):
    lines = [f"  - {{{row}, by: {by}, date: 2026-05-01}}\n" for row in rows]
    path.write_text(f"# file of {by}\n{head}verdicts:\n{''.join(lines)}", encoding="utf-8")
    return path


@pytest.fixture()
def ann(tmp_path):
    return write(tmp_path / "ann.yaml", "concept: a, decision: allow", "concept: b, decision: suppress, why: mine")


@pytest.fixture()
def bob(tmp_path):
    rows = (
        "concept: b, decision: suppress, strength: 2, why: twice",
        "concept: a, decision: allow",
        "concept: c, decision: amplify",
    )
    return write(tmp_path / "bob.yaml", *rows, by="bob")


def found(path):
    return {v.concept: (v.decision, v.strength, v.by) for v in verdicts.read(path).verdicts}


def test_what_nobody_contradicts_is_taken_over_and_the_rest_is_undecided(ann, bob, tmp_path):
    out = tmp_path / "out.yaml"
    (conflict,) = merge([ann, bob], out)
    assert conflict.concept == "b" and [(s.letter, s.verdict.by, s.verdict.why) for s in conflict.sides] == [
        ("A", "ann", "mine"),
        ("B", "bob", "twice"),
    ]
    assert found(out) == {"a": ("allow", 1.0, "ann"), "b": ("undecided", 1.0, ""), "c": ("amplify", 1.0, "bob")}
    assert out.read_text().startswith("# file of ann\n")


def test_a_preferred_file_settles_all(ann, bob, tmp_path):
    out = tmp_path / "out.yaml"
    assert merge([ann, bob], out, bob) == ()
    assert found(out)["b"] == ("suppress", 2.0, "bob")
    with pytest.raises(ConfigError, match="name one of the files"):
        merge([ann, bob], out, tmp_path / "zoe.yaml")


def decide(path, concept, decision, by="zoe"):
    """Change the decision on a concept, as somebody would by hand."""
    rows = [r for r in yaml.safe_load(path.read_text())["verdicts"] if r["concept"] != concept]
    rows += [{"concept": concept, "decision": decision} | ({} if decision == "undecided" else SIGNED | {"by": by})]
    path.write_text(f"{HEAD}verdicts:\n" + "".join(f"  - {json.dumps(r, default=str)}\n" for r in rows))


SIGNED = {"date": "2026-06-01", "why": "by hand"}


def test_a_conflict_is_settled_exactly_while_the_merged_file_decides(ann, bob, tmp_path):
    out = tmp_path / "out.yaml"
    merge([ann, bob], out)
    decide(out, "b", "amplify")
    assert merge([ann, bob], out) == () and found(out)["b"] == ("amplify", 1.0, "zoe")
    decide(out, "b", "undecided")
    (conflict,) = merge([ann, bob], out)
    assert [s.verdict.by for s in conflict.sides] == ["ann", "bob"] and found(out)["b"] == ("undecided", 1.0, "")


def test_what_was_settled_stays_settled_until_a_side_changes(ann, bob, tmp_path):
    out = tmp_path / "out.yaml"
    merge([ann, bob], out)
    decide(out, "b", "suppress")
    assert merge([bob, ann], out) == () and found(out)["b"] == ("suppress", 1.0, "zoe"), "in whichever order"
    write(ann, "concept: b, decision: amplify")
    (conflict,) = merge([ann, bob], out)
    assert [(s.letter, s.verdict.by, s.own) for s in conflict.sides] == [
        ("A", "ann", False),
        ("B", "bob", False),
        ("C", "zoe", True),
    ]


def test_a_side_that_was_taken_makes_way_for_what_its_file_says_now(ann, bob, tmp_path):
    out = tmp_path / "out.yaml"
    assert merge([ann, bob], out, ann) == () and found(out)["b"] == ("suppress", 1.0, "ann")
    write(ann, "concept: a, decision: allow", "concept: b, decision: suppress, strength: 2")
    assert merge([ann, bob], out) == () and found(out)["b"] == ("suppress", 2.0, "ann")
    write(bob, "concept: c, decision: allow", by="bob")
    assert merge([ann, bob], out) == () and found(out)["c"] == ("allow", 1.0, "bob")


def test_what_was_decided_in_the_merged_file_stays_or_is_asked_for(ann, bob, tmp_path):
    out = tmp_path / "out.yaml"
    merge([ann, bob], out, ann)
    decide(out, "z", "allow")
    decide(out, "c", "suppress")
    (conflict,) = merge([ann, bob], out)
    assert conflict.concept == "c" and [(s.verdict.by, s.own) for s in conflict.sides] == [
        ("bob", False),
        ("zoe", True),
    ]
    assert found(out)["z"] == ("allow", 1.0, "zoe") and found(out)["c"] == ("undecided", 1.0, "")
    assert len(merge([ann, bob], out)) == 1, "nothing is lost by merging twice"
    assert merge([ann, bob], out, out) == () and found(out)["c"] == ("suppress", 1.0, "zoe")


def test_a_file_that_is_merged_into_itself_loses_no_side(ann, bob):
    for _ in range(2):
        (conflict,) = merge([ann, bob], ann)
        assert [s.verdict.by for s in conflict.sides] == ["ann", "bob"]
        assert found(ann)["b"] == ("undecided", 1.0, "")
    decide(ann, "b", "allow")
    assert merge([ann, bob], ann) == () and found(ann)["b"] == ("allow", 1.0, "zoe")


def test_a_merge_that_is_killed_loses_no_decision(ann, bob):
    """SIGKILL at each of its changes to the disk, of a merge into one of the files: ann's decision is there or asked for."""
    text, killed = ann.read_text(), -1
    for at in itertools.count():
        ann.write_text(text)
        for file in ann.parent.glob("*.merge.json"):
            file.unlink()
        killed = run_killed(lambda: merge([ann, bob], ann), at)
        sides = [s.verdict.by for c in merge([ann, bob], ann) for s in c.sides]
        assert "ann" in (*sides, found(ann)["b"][2]), at
        if killed != -1:
            break
    assert at >= 8, "both files were written in the meantime"


def test_a_file_that_somebody_decides_on_is_not_merged_into(ann, bob, tmp_path):
    out = tmp_path / "out.yaml"
    with held(out):
        with pytest.raises(ConfigError, match=r"somebody else decides on .*out\.yaml now"):
            merge([ann, bob], out)
        assert not out.exists()
    merge([ann, bob], out)


@pytest.mark.parametrize(
    ("text", "error"), [("verdicts: [\n", ConfigError), (f"{HEAD.replace('v1', 'v2')}verdicts: []\n", UndecidedError)]
)
def test_a_file_that_cannot_be_merged_into_is_kept(ann, bob, tmp_path, text, error):
    out = tmp_path / "out.yaml"
    out.write_text(text)
    with pytest.raises(error, match=r"out\.yaml"):
        merge([ann, bob], out)
    assert out.read_text() == text


def test_of_a_link_what_it_points_to_is_written(ann, bob, tmp_path):
    (tmp_path / "kept").mkdir()
    file, link = tmp_path / "kept" / "ours.yaml", tmp_path / "out.yaml"
    link.symlink_to(file)
    merge([ann, bob], link)
    assert link.is_symlink() and found(file)["a"] == ("allow", 1.0, "ann")


def test_an_undecided_line_makes_way_for_a_decision(ann, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(
        f"{HEAD}verdicts:\n  - {{concept: b, decision: undecided}}\n  - {{concept: z, decision: undecided}}\n"
    )
    out = tmp_path / "out.yaml"
    assert merge([other, ann], out) == ()
    assert found(out) == {"a": ("allow", 1.0, "ann"), "b": ("suppress", 1.0, "ann"), "z": ("undecided", 1.0, "")}


def test_verdicts_of_two_vocabularies_are_not_merged(ann, tmp_path):
    other = write(tmp_path / "other.yaml", "concept: a, decision: allow", head=HEAD.replace("v1", "v2"))
    with pytest.raises(UndecidedError, match="made for vocabulary v2"):
        merge([ann, other], tmp_path / "new" / "out.yaml")
    assert not (tmp_path / "new").exists()


def test_the_command_names_who_and_why_and_ends_with_3(ann, bob, tmp_path, capsys):
    out = str(tmp_path / "out.yaml")
    assert call(["verdicts", "merge", str(ann), str(bob), "--out", out]) == 3
    said = capsys.readouterr()
    assert "ann (2026-05-01)" in said.out and "twice" in said.out and "1 decision contradicts" in said.err
    assert call(["verdicts", "merge", str(ann), str(bob), "--out", out, "--prefer", str(ann)]) == 0
    assert call(["verdicts", "merge", str(ann), "--out", out]) == 2
