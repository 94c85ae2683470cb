import xml.etree.ElementTree as ET

from offtarget.report.plots import effects
from offtarget.report.plots.effects import Interval, forest
from offtarget.report.plots.naming import Point
from offtarget.report.plots.scatters import Panel, scatter
from offtarget.verification.plots import Against, Cloud, against_null, clouds

EVIL = '<script>alert("1")</script> $x^{$ & \u202e\x07'


def _texts(svg):
    root = ET.fromstring(svg)
    return [e.text or "" for e in root.iter() if e.tag.endswith("text")]


def test_labels_are_text_and_escaped():
    rows = [Interval(EVIL, 0.3, (0.1, 0.5)), Interval("日本語", -0.2, None, tone="down", faint=True)]
    svg = forest(rows, name="f", x_label="d", alt=EVIL)
    assert any(t.startswith('<script>alert("1")</script> $x^{$ & ⟦U+202E⟧⟦U+0007⟧') for t in _texts(svg))
    assert "日本語" in _texts(svg)
    assert "<script" not in svg


def test_same_input_same_bytes_and_no_clash_between_two_plots_of_a_page():
    rows = [Interval("a", 0.3, (0.1, 0.5))]
    drawn = []
    for name in ("one", "one", "other"):
        effects._forest.cache_clear()  # drawn again, not found
        drawn.append(forest(rows, name=name, x_label="d", alt="x"))
    one, again, other = drawn
    assert one == again
    ids = [{e.get("id") for e in ET.fromstring(s).iter() if e.get("id")} for s in (one, other)]
    assert ids[0] and not ids[0] & ids[1]


def test_references_inside_a_plot_resolve():
    svg = forest([Interval("a", 0.1, (0.0, 0.2)), Interval("b", -0.4)], name="v", x_label="d", alt="v")
    root = ET.fromstring(svg)
    ids = {e.get("id") for e in root.iter()}
    uses = {v[1:] for e in root.iter() for k, v in e.attrib.items() if k.endswith("href")}
    assert uses and uses <= ids


def test_colours_follow_the_theme():
    svg = forest([Interval("a", 0.3, (0.1, 0.5))], name="f", x_label="d", alt="x")
    assert "var(--up)" in svg
    assert not any(code in svg for code in ("#010203", "#0a0b0c", "#131415"))


def test_an_effect_without_an_upper_end_does_not_squeeze_the_others():
    """d is capped at 100 where all rows differ alike: drawn at the edge, with its size as text and no line to 100."""
    rows = [Interval("all rows", 100.0, (99.0, 101.0), text="> +100"), Interval("some", 0.4, (0.3, 0.5))]
    texts = _texts(forest(rows, name="f", x_label="d", alt="x"))
    assert "> +100" in texts
    numbers = [float(t.replace("−", "-")) for t in texts if t.replace("−", "").replace(".", "").isdigit()]
    assert numbers and max(numbers) <= 2.5


def test_the_narrow_shape_has_the_same_rows():
    rows = [Interval("one concept", 0.4, (0.3, 0.5), beside=0.2), Interval("another", -0.2)]
    wide, narrow = (forest(rows, name=f"f{k}", x_label="d", alt="x", narrow=k) for k in (False, True))
    assert {"one concept", "another"} <= set(_texts(wide)) & set(_texts(narrow))
    width = [float(ET.fromstring(s).get("viewBox").split()[2]) for s in (wide, narrow)]
    assert width[1] < width[0] / 2


def test_scatter_names_every_point_and_leaves_empty_panels_out():
    points = [Point("one", 0.1, 0.2, (0.0, 0.2), None), Point("two", 0.11, 0.21)]
    svg = scatter([Panel(points, "x", "y"), Panel([], "x", "never drawn")], name="s", alt="s")
    assert {"one", "two"} <= set(_texts(svg))
    assert "never drawn" not in svg
    assert scatter([Panel([], "x", "y")], name="s", alt="s") == ""


def test_no_rows_no_plot():
    assert forest([], name="f", x_label="d", alt="x") == ""


def test_a_cloud_draws_every_point_and_names_the_outermost_once():
    x, y = [0.1 * k for k in range(-20, 21)], [0.05 * k for k in range(-20, 21)]
    labels = ["same"] * 20 + [EVIL] + ["far"] * 20
    svg = clouds([Cloud(x, y, labels, 0.5, 0.0, "title")], name="c", x_label="x", y_label="y", alt=EVIL)
    texts = _texts(svg)
    assert texts.count("same") == texts.count("far") == 1
    assert "<script" not in svg
    marks = sum(e.tag.endswith("use") for e in ET.fromstring(svg).iter())
    assert marks >= len(x)
    assert clouds([Cloud([], [], [], 0.0, 0.0, "t")], name="c", x_label="x", y_label="y", alt="") == ""


def test_long_names_do_not_squeeze_the_plot():
    def frame(label):
        cloud = Cloud([-1.0, 1.0], [0.0, 1.0], [label] * 2, 1.0, 0.0, "t")
        svg = clouds([cloud], name="c", x_label="x", y_label="y", alt="")
        return [e.get("d") for e in ET.fromstring(svg).iter() if e.tag.endswith("path") and e.get("d")]

    assert frame("a") == frame("a name that is longer than the plot is wide, and goes on for ever")


def test_a_figure_beyond_its_null_is_filled():
    rows = [Against("beyond", 0.5, 0.1), Against("within", 0.1, 0.3)]
    svg = against_null(rows, 0.8, name="n", x_label="r²", alt="x")
    assert {"beyond", "within"} <= set(_texts(svg))
    assert "var(--up)" in svg and "var(--mark)" in svg
    assert "var(--mark)" not in against_null(rows, None, name="n", x_label="r²", alt="x")
    assert against_null([], None, name="n", x_label="r²", alt="x") == ""
