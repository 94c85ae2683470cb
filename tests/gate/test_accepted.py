"""What a person reads when a baseline changes: a line an effect in words, the figures apart, and a page of what was accepted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offtarget.audit.folder import AuditFolder
from offtarget.errors import ConfigError
from offtarget.gate.accepted import changes, page, write_page
from offtarget.gate.baseline import read_baseline, text_of, write_baseline
from offtarget.gate.criteria import Criteria
from offtarget.gate.records import Baseline, Settings
from offtarget.gate.run import baseline_now, gate

Make = Callable[..., AuditFolder]


def baseline(audit: AuditFolder) -> Baseline:
    return baseline_now(audit, Criteria())


def old_file(b: Baseline) -> dict[str, Any]:
    """A file of the first schema version: all of an effect in one line."""
    return {**b.model_dump(mode="json"), "schema_version": 1}


def test_a_line_of_the_file_is_read_at_a_glance(audits: Make) -> None:
    """0.10 more of 2,000 answers; no line of the first part has a figure of the test, and the second is a line a figure."""
    text = text_of(baseline(audits(9, 2000, bold=0.05, list=0.10, emoji=0.10)))
    (line,) = [x for x in text.splitlines() if '"surface:list"' in x]
    assert '"says": "+10.0 points [+' in line and ", finding (q " in line and ", 2000 pairs" in line
    effects, figures = text.split(' "figures": {\n')
    assert "se" not in {key for e in json.loads(text)["effects"] for key in e}
    assert max(map(len, effects.splitlines())) < 220
    assert [x.split(":")[0].strip() for x in figures.splitlines()[:2]] == ['"effect"', '"low"']


def test_a_baseline_of_the_first_version_is_read_and_judged_by(audits: Make, tmp_path: Path) -> None:
    old, new = audits(9, 2000, bold=0.05, list=0.10, emoji=0.10), audits(10, 2000, bold=0.15, list=0.04, offer=0.08)
    path = tmp_path / "offtarget-baseline.json"
    write_baseline(path, baseline(old), old)
    now = gate(new, Criteria(baseline=path))
    path.write_text(json.dumps(old_file(baseline(old))))
    assert read_baseline(path).entries == baseline(old).entries
    assert gate(new, Criteria(baseline=path)).outcomes == now.outcomes


@pytest.mark.parametrize("broken", ["missing", "short", "null"])
def test_figures_that_are_not_whole_are_refused(audits: Make, tmp_path: Path, broken: str) -> None:
    path = tmp_path / "offtarget-baseline.json"
    raw = json.loads(text_of(baseline(audits(1))))
    if broken == "missing":
        del raw["figures"]["k4"]
    elif broken == "short":
        raw["figures"]["se"].pop()
    else:
        raw["figures"]["effect"][0] = None
    path.write_text(json.dumps(raw))
    with pytest.raises(ConfigError, match=r"offtarget-baseline\.json: damaged: .*--update-baseline"):
        read_baseline(path)


def test_what_is_accepted_is_what_changed_and_every_finding(audits: Make, tmp_path: Path) -> None:
    """bold from 5 to 15 points and offer from 0 to 8; list and emoji as they were: two of four are said to have changed."""
    old, new = (
        baseline(a) for a in (audits(9, 2000, bold=0.05, list=0.10), audits(10, 2000, bold=0.15, list=0.10, offer=0.08))
    )
    head, *lines = changes(old, new, Settings())
    assert (
        head == "set10, 2000 pairs, after set9, 2000 pairs: 2 effects changed beyond chance and by as much as matters"
    )
    assert [x.split()[0] for x in lines] == ["bold", "offer"]
    assert "+15.0 points [+" in lines[0] and "; changed by +10.0 points [+" in lines[0]
    said = page(old, new, Settings())
    assert said.count("| bold &lt;b&gt;label&lt;/b&gt; `surface:bold`") == 1 and "<b>" not in said
    assert [x.split("`")[1] for x in said.splitlines() if x.startswith("| ") and "`" in x] == [
        "surface:bold", "surface:list", "surface:offer",
    ]  # fmt: skip
    path = tmp_path / "offtarget-baseline.json"
    assert write_page(path, old, new, Settings())[0] == f"accepted: {head}"
    assert (tmp_path / "offtarget-baseline.md").read_text() == said


def test_no_change_and_no_baseline_before_are_said(audits: Make) -> None:
    old = baseline(audits(9, 2000, bold=0.05, list=0.10))
    assert changes(old, old, Settings())[0].endswith(": no effects changed beyond chance and by as much as matters")
    assert changes(None, old, Settings()) == ["set9, 2000 pairs: 2 findings are accepted as they are"]
    other = old.model_copy(update={"vocabulary": "x"})
    assert changes(other, old, Settings())[0].endswith("the vocabulary is another, so nothing can be compared")


def test_the_folder_beside_is_kept_out_of_differences(audits: Make, tmp_path: Path) -> None:
    path = tmp_path / "offtarget-baseline.json"
    write_baseline(path, baseline(audits(1)), audits(1))
    assert "* -diff linguist-generated" in (tmp_path / "offtarget-baseline.like/.gitattributes").read_text()


def test_no_label_becomes_a_link(audits: Make) -> None:
    b = baseline(audits(9, 2000, bold=0.05, list=0.10))
    hostile = b.entries[0].model_copy(update={"label": "[1](https://example.org) | <img>", "q": 0.0})
    said = page(None, b.model_copy(update={"entries": (hostile,)}), Settings())
    assert "](" not in said and "<img" not in said and "[1]&#40;" in said
