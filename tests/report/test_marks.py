"""Highlights: which stretches of a text are marked, and what of a long text is shown."""

import numpy as np
from scipy.sparse import csr_matrix

from offtarget.lens.features import Column, FeatureMatrix, peak_code
from offtarget.report.marks import Marks, Piece, pieces


def test_a_text_falls_into_stretches_that_join_to_it() -> None:
    assert pieces("one two three", [(4, 7)], 100) == [Piece("one "), Piece("two", True), Piece(" three")]
    assert "".join(p.text for p in pieces("abcdef", [(0, 1), (1, 2), (5, 6)], 100)) == "abcdef"


def test_a_long_text_is_shown_where_it_is_marked() -> None:
    text = "x" * 1000 + "HERE" + "y" * 1000
    shown = pieces(text, [(1000, 1004)], 200)
    assert shown[0] == Piece("…") and shown[-1] == Piece("…")
    assert Piece("HERE", True) in shown
    assert sum(len(p.text) for p in shown[1:-1]) == 200
    plain = pieces(text, [], 200)
    assert plain == [Piece("x" * 200), Piece("…")]


def test_marks_are_the_peaks_of_the_members_without_overlap() -> None:
    codes = csr_matrix(np.array([[peak_code(5, 9), peak_code(7, 12), peak_code(20, 22), 0]]))
    part = FeatureMatrix(
        "x",
        tuple(Column(f"x:{j}", "", "", "presence") for j in range(4)),
        {("chosen", "peak"): codes, ("rejected", "peak"): codes * 0},
        ("a",),
        ("a",),
    )
    marks = Marks([part])
    assert marks.places(("x:0", "x:1", "x:2", "x:3"), "a", "chosen") == [(5, 9), (20, 22)]
    assert marks.places(("x:2",), "a", "rejected") == []
    assert marks.places(("x:2",), "b", "chosen") == []
    assert marks.places(("surface:bold",), "a", "chosen") == []


def test_a_long_highlight_is_shown_from_where_it_begins() -> None:
    text = "a" * 50 + "b" * 900
    assert pieces(text, [(50, 950)], 500)[:2] == [Piece("a" * 50), Piece("b" * 450, marked=True)]


def test_a_highlight_is_never_below_the_cut() -> None:
    """Sixteen lines are shown: after many short lines, or one long one, what is marked comes into view."""
    for before in ("line\n" * 60, "x" * 3000 + "\n\n", "\n" * 500, "- item of a list\n" * 20):
        text = before + "Let me know" + "\nmore" * 50
        shown = pieces(text, [(len(before), len(before) + 11)], 560)
        assert Piece("Let me know", True) in shown
        above = "".join(p.text for p in shown).split("Let me know")[0]
        assert sum(max(1, -(-len(line) // 64)) for line in above.split("\n")) <= 16
    plain = pieces("line\n" * 60, [], 560)
    assert "".join(p.text for p in plain).count("line") == 16
