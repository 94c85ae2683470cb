"""What several people decided, put together: what stays, what contradicts, and who is asked."""

import pytest

from offtarget import verdicts
from offtarget.cli.main import call
from offtarget.errors import ConfigError, UndecidedError
from offtarget.review.merge import Merge, merge

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


def test_what_was_settled_stays_settled_until_a_side_changes(ann, bob, tmp_path):
    out = tmp_path / "out.yaml"
    merge([ann, bob], out)
    Merge(out).settle(("b", None), "A")
    assert merge([ann, bob], out) == () and found(out)["b"] == ("suppress", 1.0, "ann")
    write(ann, "concept: b, decision: amplify")
    assert len(merge([ann, bob], out)) == 1


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
        merge([ann, other], tmp_path / "out.yaml")


def test_the_command_names_who_and_why_and_ends_with_3(ann, bob, tmp_path, capsys):
    out = str(tmp_path / "out.yaml")
    assert call(["verdicts", "merge", str(ann), str(bob), "--out", out]) == 3
    said = capsys.readouterr()
    assert "ann (2026-05-01)" in said.out and "twice" in said.out and "1 decision contradicts" in said.err
    assert call(["verdicts", "merge", str(ann), str(bob), "--out", out, "--prefer", str(ann)]) == 0
    assert call(["verdicts", "merge", str(ann), "--out", out]) == 2
