"""Cells of others are checked before they go on a board: what is wrong, what is odd, and exit codes."""

import json
import shutil

import pytest

from offtarget.board.again import made_again, worst
from offtarget.board.cell import Cell
from offtarget.board.checking import check_cells
from offtarget.board.contributions import read_contribution
from offtarget.board.folder import read_folders, write_cell
from offtarget.board.leaks import leaks
from offtarget.board.rank import rank
from offtarget.board.render import render
from offtarget.cli.main import call
from offtarget.errors import ConfigError

SHA = "0" * 64


def rates(k):
    """Of three seeds, a little apart."""
    return [k - 0.02, k, k + 0.02]


@pytest.fixture()
def folder(tmp_path, make_cell):
    """Start, plain DPO and filter with three seeds each, in their places."""
    for protocol, rate in (("start", 0.2), ("dpo", 0.5), ("filter", 0.3)):
        for seed, style in enumerate(rates(rate)):
            write_cell(tmp_path / "cells", make_cell(protocol, seed=seed, style=style, verbosity=rate + 0.1 * seed))
    return tmp_path / "cells"


def a_cell(folder, protocol="filter"):
    return sorted(folder.rglob(f"{protocol}/*.json"))[0]


def changed(path, change, *, rekey=True):
    """Change the JSON of a cell; with `rekey` it gets the key of its content again and the name of that key."""
    data = json.loads(path.read_text())
    change(data)
    if rekey:
        data["key"] = ""
        cell = Cell.model_validate(data)
        data["key"] = cell.key
        path.unlink()
        path = path.with_name(f"{path.stem.rpartition('-')[0]}-{cell.key[:12]}.json")
    path.write_text(json.dumps(data))
    return path


def said(folder, **kw):
    found = check_cells(folder, **kw)
    return found.exit_code, [(f.kind, f.what) for f in found.faults]


def test_cells_in_order_pass(folder, capsys):
    assert said(folder) == (0, [])
    assert call(["board", "check", str(folder)]) == 0
    assert "9 cells: nothing wrong" in capsys.readouterr().err


def drop_sample(d):
    d["behaviours"][0]["samples"].pop("p000")
    values = list(d["behaviours"][0]["samples"].values())
    d["behaviours"][0].update(n=99, value=sum(values) / 99)


def more_samples(d):
    d["behaviours"][0]["samples"] |= {f"q{i}": 0.0 for i in range(1900)}
    d["behaviours"][0].update(n=2000, value=sum(d["behaviours"][0]["samples"].values()) / 2000)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (drop_sample, "1 of 100 samples are missing (first: p000)"),
        (more_samples, "1900 samples that other cells have not"),
        (lambda d: d["behaviours"][0].update(value=0.9), "is not the mean of its samples"),
        (lambda d: d["behaviours"][0].update(n=500), "says n 500"),
        (lambda d: d["behaviours"][0].update(task_version="2-A"), "the manifest says 1-A"),
        (lambda d: d["behaviours"].pop(0), "asked for and not in the cell"),
        (lambda d: d["audit"].update(example=" ".join(["word"] * 14)), "no text of a dataset"),
        (lambda d: d["spec"].update(dataset="/home/ann/pairs.jsonl"), "a path of somebody's machine"),
        (lambda d: d["manifest"].update(rows_sha256="e" * 64), "on no board: other rows"),
        (lambda d: d["spec"].update(protocol="mine"), "no protocol of that name here, and no contrib/mine.yaml"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_cell_is_said(folder, change, says):
    path = changed(a_cell(folder), change)
    code, found = said(folder)
    assert code == 1 and any(kind == "wrong" and says in what for kind, what in found), found
    assert path.is_file()


def test_a_sample_id_that_reads_like_a_prompt_is_a_leak_in_the_file(folder):
    def prompt(d):
        samples = d["behaviours"][0]["samples"]
        samples["How do I bake a cake?"] = samples.pop("p000")

    changed(a_cell(folder), prompt, rekey=False)
    code, found = said(folder)
    assert code == 1 and any("1 sample ids read like text" in what for _, what in found)


def test_key_place_copies_and_other_results_under_one_key(folder):
    path = a_cell(folder)
    aside = folder / "toy__style" / "dpo" / path.name
    shutil.copy(path, aside)
    code, found = said(folder)
    assert code == 1 and {what for _, what in found} == {
        f"belongs at toy__style/filter/{path.name}", f"the key {path.stem[-12:]} is there twice; keep one file",
    }  # fmt: skip
    aside.unlink()
    other = folder.parent / "mine"
    shutil.copytree(folder, other)

    def result(d):
        d["behaviours"][0]["samples"] = dict.fromkeys(d["behaviours"][0]["samples"], 1.0)
        d["behaviours"][0]["value"] = 1.0

    changed(other / path.relative_to(folder), result, rekey=False)
    code, found = said(other, against=folder)
    assert code == 1 and any(
        "another result under the key" in what and "style 0.28 and 1.0" in what for _, what in found
    )
    changed(other / path.relative_to(folder), lambda d: d["spec"].update(seed=9), rekey=False)
    assert any("does not match the content" in what for _, what in said(other)[1])


def test_without_plain_dpo_a_cell_is_an_orphan_unless_it_stands_beside_others(folder, tmp_path):
    alone = tmp_path / "alone"
    for path in folder.rglob("filter/*.json"):
        (alone / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, alone / path.relative_to(folder))
    code, found = said(alone)
    assert code == 1 and found[0][1].startswith("nothing to compare with: no dpo and no start")
    assert said(alone, against=folder) == (0, [])


def test_what_is_odd_needs_a_person(folder, make_cell):
    write_cell(folder, make_cell("filter", seed=3, style=0.9, verbosity=0.4))
    code, found = said(folder)
    # pooled deviation of the rows 0.02, and 0.9 against a mean of 0.3
    assert code == 3 and [kind for kind, _ in found] == ["odd"]
    assert "style: 0.9, and 0.3 in 3 other seeds of the same row: 30 seed deviations apart" in found[0][1]


@pytest.mark.parametrize(("style", "odd"), [(0.6, False), (0.66, True)])
def test_a_single_seed_is_held_against_all_other_rows(folder, make_cell, style, odd):
    for seed, rate in enumerate(rates(0.4)):
        write_cell(folder, make_cell("steering", seed=seed, style=rate, verbosity=0.3 + 0.1 * seed))
    write_cell(folder, make_cell("label_flip", style=style, verbosity=0.45))
    what = "style: 0.66, and 0.3 to 0.5 in the 3 other rows: 8 seed deviations outside"
    assert said(folder) == ((3, [("odd", what)]) if odd else (0, []))


def test_the_samples_of_another_run_are_odd(folder, make_cell):
    same = {"style": 0.3, "verbosity": 0.4}
    write_cell(folder, make_cell("steering", seed=1, **same))
    code, found = said(folder)
    assert code == 3 and all("every sample is that of another run" in what for _, what in found) and len(found) == 2


@pytest.mark.parametrize(
    ("version", "says"),
    [(2, "pip install --upgrade offtarget"), (0, "offtarget run RECIPE"), ("x", "offtarget run RECIPE")],
)
def test_another_schema_is_named_with_what_to_run(folder, version, says, capsys):
    changed(a_cell(folder), lambda d: d.update(schema_version=version), rekey=False)
    assert call(["board", "check", str(folder)]) == 1
    assert f"schema_version {version!r}, this version reads 1" in capsys.readouterr().out
    assert call(["board", str(folder)]) == 0, "the others go on"
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"spec": 1}', "\x00", '{"schema_version": 1, "spec": {"a": 1}}'])
def test_a_damaged_file_is_one_line(folder, text, capsys):
    a_cell(folder).write_text(text)
    code, found = said(folder)
    assert code == 1 and sum(kind == "wrong" for kind, _ in found) == 1 and "\n" not in found[0][1]


def test_nothing_to_check_and_no_such_folder(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert call(["board", "check", str(tmp_path / "empty")]) == 3
    assert "nothing was checked" in capsys.readouterr().err
    assert call(["board", "check", str(tmp_path / "no")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert call(["board", "check"]) == 2


def pointer(folder, **kw):
    fields = {
        "name": "mine", "repository": "https://example.org/ann/mine", "commit": "a" * 40, "file": "mine.py", "sha256": SHA, **kw,
    }  # fmt: skip
    path = folder.parent / "contrib" / f"{fields['name']}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text("schema_version: 1\n" + "".join(f"{k}: {json.dumps(v)}\n" for k, v in fields.items()))
    return path


def test_an_outside_protocol_is_unverified_until_a_seed_was_run_again(folder, make_cell, tmp_path):
    mine = [make_cell("mine", seed=s, style=r, verbosity=0.35 + 0.01 * s) for s, r in enumerate(rates(0.25))]
    for c in mine:
        write_cell(folder, c)
    assert said(folder)[0] == 1
    path = pointer(folder, cells=[c.key[:12] for c in mine])
    assert said(folder) == (0, [])
    assert call(["board", str(folder), "--format", "json", "--out", str(tmp_path / "o")]) == 0

    def marked():
        call(["board", str(folder), "--format", "json,md", "--out", str(tmp_path / "o")])
        rows = json.loads((tmp_path / "o" / "board.json").read_text())["boards"][0]["rows"]
        return {r["label"] for r in rows if r["unverified"]}, "unverified |" in (
            tmp_path / "o" / "board.md"
        ).read_text()

    assert marked() == ({"mine"}, True)
    rerun = {"by": "bob", "date": "2026-01-31", "cell": mine[0].key[:12], "conclusion": "different"}
    pointer(folder, cells=[c.key[:12] for c in mine], rerun=[rerun])
    assert marked() == ({"mine"}, True)
    pointer(folder, cells=[c.key[:12] for c in mine], rerun=[{**rerun, "conclusion": "within seed noise"}])
    assert marked() == (set(), False)
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "mine.py").write_text("x = 1\n")
    code, found = said(path, against=folder, checkout=tmp_path / "repo")
    assert code == 1 and "has the sha256" in found[0][1]
    import hashlib

    digest = hashlib.sha256(b"x = 1\n").hexdigest()
    pointer(folder, cells=[mine[0].key[:12]], sha256=digest)
    assert said(path, against=folder, checkout=tmp_path / "repo") == (0, [])
    pointer(folder, cells=["f" * 12])
    assert any("its cell ffffffffffff is not there" in what for _, what in said(path, against=folder)[1])


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ({"repository": "http://x.org/a"}, "repository"),
        ({"commit": "main"}, "commit"),
        ({"file": "../../etc/x.py"}, "file"),
        ({"file": "a/../../x.py"}, "leads out"),
        ({"cells": []}, "cells"),
        ({"cells": ["not hex here"]}, "hexadecimal"),
        ({"sha256": "abc"}, "sha256"),
        ({"cells": ["a" * 12], "author": "x"}, "author"),
    ],
)
def test_a_wrong_pointer_is_said_on_one_line(folder, field, says, capsys):
    path = pointer(folder, **{"cells": ["a" * 12], **field})
    with pytest.raises(ConfigError, match=says):
        read_contribution(path)
    assert call(["board", "check", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_made_again_is_same_within_seed_noise_or_different(make_cell):
    then = make_cell("filter", style=0.30)
    others = [make_cell("filter", seed=s, style=r) for s, r in ((1, 0.34), (2, 0.26))]  # deviation 0.04
    again = {r: made_again(then, make_cell("filter", style=r), others) for r in (0.30, 0.41, 0.43)}
    assert [worst(again[r]) for r in (0.30, 0.41, 0.43)] == ["same", "within seed noise", "different"]
    assert again[0.41][0].seed_sd == pytest.approx(0.04)
    # without other seeds the paired difference of 100 nested samples decides
    assert worst(made_again(then, make_cell("filter", style=0.31))) == "within seed noise"
    assert worst(made_again(then, make_cell("filter", style=0.45))) == "different"
    assert worst(made_again(then, make_cell("filter", style=0.30, version="2-A"))) == "different"
    assert worst(made_again(make_cell("filter", style=0.3, verbosity=0.2), then)) == "different"


def test_leaks_leave_sentences_of_our_own_alone(make_cell):
    cell = make_cell("filter", style=0.3).model_dump(mode="json")
    cell["plan"]["notes"] = [
        "surface:markdown goes along with surface:numbered and many other words that a note may hold here"
    ]
    assert list(leaks(cell)) == []
    cell["plan"]["notes"] = ["word " * 150]
    assert len(list(leaks(cell))) == 1


def test_terminal_escapes_and_formulas_of_others_are_harmless(folder, capsys, make_cell):
    evil = "=HYPERLINK(\x1b]8;;http://x\x07\x9b)"
    for seed in range(3):
        write_cell(folder, make_cell(evil, seed=seed, style=0.3 + seed / 100, verbosity=0.4))
    assert call(["board", "check", str(folder)]) == 1
    assert call(["board", str(folder), "--format", "csv"]) == 0
    out = capsys.readouterr()
    assert not {"\x1b", "\x07", "\x9b"} & {*out.out, *out.err}
    assert ",=HYPERLINK" not in out.out and "'=HYPERLINK" in out.out
    for form in ("md", "html", "json"):
        assert not {"\x1b", "\x9b"} & {*render(rank(read_folders([folder]).cells), form, command="c")}
