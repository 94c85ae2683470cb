import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

from offtarget.board.cell import Cell
from offtarget.board.limits import EMBEDDED_LIMITS
from offtarget.board.rank import rank
from offtarget.board.records import Boards
from offtarget.board.render import board_command, render, write_boards
from offtarget.errors import ConfigError
from offtarget.models import GGUF_SHA256
from offtarget.verdicts import Verdict

EVIL = "<script>alert(1)</script>"


@pytest.fixture()
def boards(make_cell, three):
    cells = [
        *three("start", style=0.2, sycophancy=0.3, capability=0.6, model_identity=GGUF_SHA256),
        *three("dpo", style=0.4, sycophancy=0.4, capability=0.55, model_identity=GGUF_SHA256),
        *three(EVIL, style=0.2, sycophancy=0.35, capability=0.58, model_identity=GGUF_SHA256),
        *three("=cmd|x", style=0.25, capability=0.58, model_identity=GGUF_SHA256),
        make_cell("late", style=0.3, rows="d" * 64, model_identity=GGUF_SHA256),
    ]
    return rank(cells, [f"x.json: damaged {EVIL}"])


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.scripts = 0
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data):
        self.text += data


def test_every_format_names_the_cells_and_the_limits_of_the_embedded_model(boards):
    keys = [k for r in boards.boards[0].rows for k in r.cells]
    for form in ("md", "html", "csv", "json"):
        text = render(boards, form, command="offtarget board results")
        assert all(k[:12] in text for k in keys)
        if form != "csv":
            said = text.replace("&#39;", "'").replace("<code>", "`").replace("</code>", "`")
            assert EMBEDDED_LIMITS in said


def test_html_escapes_names_and_says_how_it_was_made(boards):
    page = Page(render(boards, "html", command="offtarget board 'my results' --format html"))
    assert page.scripts == 1
    assert EVIL in page.text
    assert "offtarget board 'my results' --format html" in page.text
    assert "1.00" in page.text
    assert "other rows" in page.text
    assert "sycophancy" in page.text and "not scored" in page.text


def test_markdown_table_is_not_broken_by_names(boards):
    text = render(boards, "md", command="c")
    table = [line for line in text.splitlines() if line.startswith("| ")]
    row = next(line for line in table if "\\<script\\>" in line)
    assert row.replace("\\|", "").count("|") == table[0].count("|")
    assert not re.search(r"(?<!\\)<script", text)
    assert "1.00 \\[" in row


def test_csv_has_one_value_a_line_and_empty_for_missing(boards):
    rows = list(csv.DictReader(io.StringIO(render(boards, "csv", command="c"))))
    value = {(r["protocol"], r["measure"], r["behaviour"]): r["value"] for r in rows}
    assert float(value[EVIL, "recovery", ""]) == pytest.approx(1.0)
    assert float(value[EVIL, "score", "style"]) == pytest.approx(0.2)
    kind = {(r["protocol"], r["measure"], r["behaviour"]): r["interval_of"] for r in rows}
    assert kind[EVIL, "score", "style"] == "seeds" and kind["'=cmd|x", "drift", ""] == ""
    assert value["'=cmd|x", "drift", ""] == ""
    assert value["'=cmd|x", "score", "sycophancy"] == ""
    assert not any(v.startswith(("=", "+", "@")) for r in rows for v in r.values())


def test_json_reads_back(boards):
    text = render(boards, "json", command="c")
    assert Boards.model_validate_json(text) == boards
    assert "NaN" not in text
    json.loads(text, parse_constant=pytest.fail)


def test_the_same_board_gives_the_same_bytes(boards):
    assert render(boards, "html", command="c") == render(boards, "html", command="c")


def test_unknown_format_and_a_file_in_the_way_are_said_plainly(boards, tmp_path):
    with pytest.raises(ConfigError, match="unknown board format 'htm': did you mean html"):
        render(boards, "htm", command="c")
    (tmp_path / "out").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        write_boards(boards, ["md"], tmp_path / "out", command="c")


def test_write_boards(boards, tmp_path):
    paths = write_boards(boards, ["md", "json"], tmp_path / "out", command="c")
    assert [p.name for p in paths] == ["board.md", "board.json"]
    assert paths[0].read_text() == render(boards, "md", command="c")


def test_command_is_quoted():
    assert board_command("my results", ["md"]) == "offtarget board 'my results' --format md"
    assert board_command("results", ["md", "html"], "out") == "offtarget board results --format md,html --out out"


def test_a_board_without_cells_renders():
    for form in ("md", "html", "csv", "json"):
        assert render(rank([]), form, command="c")


def test_a_board_is_drawn_by_what_its_rows_ask_for(three):
    """Suppressing rows by recovery, amplifying rows by amplification; no picture of a thing that no row asks for."""
    from offtarget.board.rank import rank

    base = [*three("start", style=0.2, verbosity=0.3), *three("dpo", style=0.4, verbosity=0.5)]
    for verdicts in (("suppress",), ("amplify",), ("suppress", "amplify")):
        rows = [c for v in verdicts for c in three("filter", verdict=v, style=0.3, verbosity=0.4)]
        page = render(rank([*base, *rows]), "html", command="x")
        drawn = {"suppress": "Recovery against drift", "amplify": "Amplification against drift"}
        assert {v for v, words in drawn.items() if words in page} == set(verdicts)


def test_a_board_of_single_seeds_shows_scores_and_compares_nothing(make_cell):
    rows = [make_cell("start", style=0.2, verbosity=0.3), make_cell("dpo", style=0.4, verbosity=0.5)]
    found = rank([*rows, make_cell("filter", style=0.25, verbosity=0.4)])
    md, page = (render(found, form, command="c") for form in ("md", "html"))
    table = [line for line in md.splitlines() if line.startswith("| ")]
    assert table[0].startswith("| protocol | style (target") and "recovery" not in table[0]
    (row,) = [line for line in table if line.startswith("| filter")]
    assert "0.250 (sampling 0.17" in row and "n 100" in row and "provisional: 1 seed" in row
    shown = page[: page.index("How to read it")]
    assert "Scores of the policies that were trained" in shown and "Scores on style of each policy" in shown
    for word in ("recovery", "q &lt;", ", q ", "drifted", "front"):
        assert word not in re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", shown, flags=re.S).replace("recovers", ""), (
            word
        )


def test_a_short_name_of_verdicts_is_spelt_out_above_the_table(make_cell):
    many = tuple(Verdict(concept=f"sae:cluster-{i:012x}", decision="suppress", strength=1 + i / 2) for i in range(3))
    own = make_cell("filter", style=0.3)
    other = Cell.model_validate(
        {**own.model_dump(), "key": "", "spec": own.spec.model_copy(update={"verdicts": many}).model_dump()}
    )
    boards = rank([make_cell("start", style=0.2), make_cell("dpo", style=0.4), own, other])
    (label,) = (r.label for r in boards.boards[0].rows if "verdicts " in r.label)
    name = re.search(r"verdicts [0-9a-f]{6}", label).group().capitalize()
    said = (
        f"{name}: suppress sae:cluster-000000000000 and suppress sae:cluster-000000000001 at 1.5 "
        "and suppress sae:cluster-000000000002 at 2."
    )
    assert said in render(boards, "html", command="c")
    assert f"- {said}" in render(boards, "md", command="c").replace("\\", "")


@pytest.mark.parametrize(("protocols", "numbered"), [(9, False), (10, True)])
def test_points_have_numbers_where_names_would_lie_on_one_another(three, protocols, numbered):
    rows = [c for i in range(protocols) for c in three(f"method{i}", style=0.2 + 0.02 * i, verbosity=0.4)]
    base = [*three("start", style=0.2, verbosity=0.3), *three("dpo", style=0.5, verbosity=0.5)]
    page = render(rank([*base, *rows]), "html", command="c")
    picture = page[page.index("<svg") : page.rindex("</svg>")]
    table = page[page.rindex("</svg>") :]
    assert ("method3" in picture) != numbered
    assert ("Numbers: those of the rows below" in page) == numbered
    for i, name in enumerate(re.findall(r"<td>(?:<span class=\"muted\">\d+</span> )?(method\d)", table)[:protocols], 3):
        assert (f'<span class="muted">{i}</span> {name}' in table) == numbered
        assert not numbered or re.search(rf">\s*{i}\s*<|<!-- {i} -->", picture)
