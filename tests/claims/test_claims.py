"""Claims: figures come from the records alone, and what follows from them is said."""

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from offtarget.board.folder import read_cells, write_cell
from offtarget.board.rank import rank
from offtarget.claims.figures import Figure, decide, status_of
from offtarget.claims.page import check_claims, render_claims
from offtarget.claims.records import Claim, Expected, read_claims
from offtarget.cli.main import call
from offtarget.errors import ConfigError

REPO = Path(__file__).resolve().parents[2]
CLAIM = """
schema_version: 1
papers: [{id: "arXiv 1", title: "A paper", year: 2026}]
claims:
  - id: taken
    paper: "arXiv 1"
    place: "section 2"
    claim: "Filtering takes it back."
    theirs: "all of it"
    recipe: mine
    command: "offtarget run mine.yaml"
    figures:
      - {cells: cells, dataset: toy/style, target: style, protocol: filter, measure: recovery, expects: {above: 0}}
  - {id: later, paper: "arXiv 1", place: "section 3", claim: "<b>So</b>", would_test: "more seeds", against: taken}
"""


@pytest.mark.parametrize(
    ("expects", "ci", "holds"),
    [
        ({"above": 0}, (0.1, 0.3), True),
        ({"above": 0}, (-0.1, 0.3), None),
        ({"above": 0}, (-0.3, -0.1), False),
        ({"below": 0}, (-0.3, -0.1), True),
        ({"below": 0}, (0.0, 0.1), False),
        ({"reaches": 0.9}, (0.5, 0.95), True),
        ({"reaches": 0.9}, (0.5, 0.85), False),
        ({"within": (-1, 1)}, (-0.5, 0.5), True),
        ({"within": (-1, 1)}, (-1.5, 0.5), None),
        ({"within": (-1, 1)}, (1.1, 1.5), False),
        ({"above": 0}, None, None),
    ],
)
def test_a_figure_holds_with_its_whole_interval_or_is_undecided(expects, ci, holds):
    assert decide(Expected(**expects), None if ci is None else sum(ci) / 2, ci) is holds


@pytest.mark.parametrize(
    ("held", "status"),
    [
        ([True, True], "reproduced"),
        ([True, False], "in part"),
        ([True, None], "in part"),
        ([False, False], "not reproduced"),
        ([False, None], "undecided"),
        ([None], "undecided"),
        ([], "not tested"),
    ],
)
def test_the_status_is_that_of_all_figures(held, status):
    claim = Claim(id="a", paper="p", place="s", claim="c", would_test="w")
    assert status_of(claim, tuple(Figure("f", "d", 0.0, (0.0, 0.0), h) for h in held)) == status


@pytest.fixture()
def made(tmp_path, three):
    for protocol, rate in (("start", 0.2), ("dpo", 0.6), ("filter", 0.3)):
        for cell in three(protocol, style=rate, verbosity=0.4):
            write_cell(tmp_path / "cells", cell)
    (tmp_path / "claims.yaml").write_text(CLAIM)
    return tmp_path


def test_figures_are_those_of_the_board_and_follow_the_cells(made, three):
    first, later = check_claims(made / "claims.yaml")
    (row,) = [r for r in rank(read_cells(made / "cells").cells).boards[0].rows if r.protocol == "filter"]
    assert first.figures[0].value == row.recovery.value == pytest.approx((0.6 - 0.3) / (0.6 - 0.2), abs=0.1)
    assert first.figures[0].ci == row.recovery.ci and first.status == "reproduced"
    assert later.status == "not tested" and later.figures == ()
    for path in (made / "cells").rglob("filter/*.json"):
        path.unlink()
    for cell in three("filter", style=0.75, verbosity=0.4):
        write_cell(made / "cells", cell)
    again = check_claims(made / "claims.yaml")[0]
    assert again.figures[0].value < 0 and again.status == "not reproduced"


def test_every_format_says_both_and_text_is_escaped(made, capsys):
    found = check_claims(made / "claims.yaml")
    md, page, table, data = (render_claims(found, form, "cmd") for form in ("md", "html", "csv", "json"))
    assert "2 claims: 1 reproduced, 1 not tested." in md and "\\<b\\>So" in md and "more seeds" in md
    assert "&lt;b&gt;So" in page and "<b>So" not in page and "more seeds" in page and 'id="claim-taken"' in page
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [r["status"] for r in rows] == ["reproduced", "not tested"] and float(rows[0]["value"]) > 0.5
    assert json.loads(data)[0]["rows"][0][6] == "reproduced"
    assert call(["claims", str(made / "claims.yaml"), "--format", "html,csv", "--out", str(made / "o")]) == 0
    assert {p.name for p in (made / "o").iterdir()} == {"claims.html", "claims.csv"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("measure: recovery", "measure: recovry", "claim taken"),
        ("protocol: filter", "protocol: steering", "claim taken: no row of steering on toy/style"),
        ("cells: cells", "cells: nowhere", "claim taken: results folder"),
        ("{above: 0}", "{above: 0, below: 1}", "name one of above"),
        ("would_test: \"more seeds\", ", "", "would_test"),
        ("against: taken", "against: taking", "which is no claim"),
        ("arXiv 1\", place: \"section 3", "arXiv 2\", place: \"section 3", "is not among the papers"),
        ("id: later", "id: taken", "given to two claims"),
        ("schema_version: 1", "schema_version: 9", "schema_version"),
        ("claims:\n", "claims: [\n", "not YAML"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_said_on_one_line(made, capsys, old, new, says):
    assert old in CLAIM
    (made / "claims.yaml").write_text(CLAIM.replace(old, new))
    assert call(["claims", str(made / "claims.yaml"), "--out", str(made / "o")]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1 and not (made / "o").exists()


def test_a_difference_of_two_rows_is_paired_over_seeds(made, three):
    for cell in three("steering", style=0.5, verbosity=0.4):
        write_cell(made / "cells", cell)
    line = "protocol: steering, minus: filter, measure: difference, expects: {above: 0}"
    (made / "claims.yaml").write_text(CLAIM.replace("protocol: filter, measure: recovery, expects: {above: 0}", line))
    (figure,) = check_claims(made / "claims.yaml")[0].figures
    assert figure.value == pytest.approx(0.2) and figure.holds


def test_no_file_is_said_plainly(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        read_claims(tmp_path / "claims.yaml")


def test_the_committed_claims_can_be_computed_and_their_commands_exist():
    sys.path.insert(0, str(REPO / "docs"))
    import run

    found = check_claims(REPO / "results" / "claims.yaml")
    assert len({c.paper.id for c in found}) == 2 and any(c.claim.against for c in found)
    for c in found:
        if c.claim.command:
            run.check(c.claim.command, c.claim.id)
        assert bool(c.figures) == bool(c.claim.recipe)
