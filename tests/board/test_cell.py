import json

import pytest
from pydantic import ValidationError

from offtarget.board.cell import Cell, differences, id_or_hash
from offtarget.board.folder import cell_path, read_cells, slug, write_cell
from offtarget.errors import ConfigError


def test_key_follows_spec_data_code_and_task_versions_only(make_cell):
    base = make_cell("filter", style=0.3)
    same = make_cell(
        "filter",
        style=0.3,
        hardware={"cpu": "another"},
        seconds=99.0,
        created="2027-05-05T00:00:00+00:00",
        packages={"torch": "3.0"},
    )
    assert same.key == base.key
    assert differences(base, same) == []
    others = [
        make_cell("filter", style=0.3, seed=1),
        make_cell("filter", style=0.3, strength=-1.0),
        make_cell("filter", style=0.3, beta=0.2),
        make_cell("filter", style=0.3, verdict="amplify"),
        make_cell("filter", style=0.3, rows="e" * 64),
        make_cell("filter", style=0.3, version="2-A"),
        make_cell("filter", style=0.3, model_identity="f" * 64),
        make_cell("filter", style=0.3, code_version="0.2.0"),
        make_cell("other", style=0.3),
        make_cell("filter", style=0.3, capability=0.5),
    ]
    assert len({base.key, *(c.key for c in others)}) == 1 + len(others)


def test_key_ignores_results_and_the_order_of_behaviours(make_cell):
    a = make_cell("filter", style=0.3, capability=0.5)
    b = make_cell("filter", capability=0.9, style=0.1)
    assert a.key == b.key
    assert "behaviours[1].value" in differences(a, b)


def test_a_key_that_does_not_belong_to_the_content_is_refused(make_cell):
    data = make_cell("filter", style=0.3).model_dump(mode="json")
    data["spec"]["seed"] = 5
    with pytest.raises(ValidationError, match="does not match the content"):
        Cell.model_validate(data)


def test_write_and_read_back(make_cell, tmp_path):
    cell = make_cell("filter", style=0.3)
    path = write_cell(tmp_path, cell)
    assert path == tmp_path / "toy__style" / "filter" / f"s0-{cell.key[:12]}.json"
    folder = read_cells(tmp_path)
    assert folder.problems == ()
    assert folder.cells == (cell,)


def test_the_same_result_again_leaves_the_file_alone_and_another_is_refused(make_cell, tmp_path):
    path = write_cell(tmp_path, make_cell("filter", style=0.3, seconds=1.0))
    before = path.read_bytes()
    assert write_cell(tmp_path, make_cell("filter", style=0.3, seconds=2.0)) == path
    assert path.read_bytes() == before
    with pytest.raises(ConfigError, match=r"behaviours\[0\]\.ci.*never overwritten"):
        write_cell(tmp_path, make_cell("filter", style=0.4))
    assert path.read_bytes() == before


def test_damaged_foreign_and_renamed_files_are_named_and_the_others_go_on(make_cell, tmp_path):
    good = make_cell("filter", style=0.3)
    write_cell(tmp_path, good)
    (tmp_path / "cut.json").write_text('{"schema_version": 1, "spec": {')
    (tmp_path / "foreign.json").write_text('{"hello": 1}')
    (tmp_path / "latin.json").write_bytes(b'{"a": "\xff"}')
    newer = good.model_dump(mode="json") | {"schema_version": 7}
    (tmp_path / "newer.json").write_text(json.dumps(newer))
    edited = good.model_dump(mode="json")
    edited["manifest"]["rows_sha256"] = "0" * 64
    (tmp_path / f"{good.key}.json").write_text(json.dumps(edited))
    (tmp_path / "renamed.json").write_text(json.dumps(good.model_dump(mode="json")))
    nan = json.dumps(make_cell("dpo", style=0.3).model_dump(mode="json")).replace(
        '"loss_last": 0.5', '"loss_last": NaN'
    )
    (tmp_path / "nan.json").write_text(nan)
    folder = read_cells(tmp_path)
    assert folder.cells == (good,)
    assert len(folder.problems) == 7
    assert all("\n" not in p for p in folder.problems)
    by_name = {p.split(":")[0]: p for p in folder.problems}
    assert "not JSON" in by_name["cut.json"]
    assert "not a cell" in by_name["foreign.json"]
    assert "schema_version 7" in by_name["newer.json"]
    assert "does not match the content" in by_name[f"{good.key}.json"]
    assert "its name does not end in its key" in by_name["renamed.json"]
    assert "loss_last" in by_name["nan.json"]


def test_a_missing_folder_is_one_readable_line(tmp_path):
    with pytest.raises(ConfigError, match="does not exist; `offtarget run"):
        read_cells(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name", ["../../etc", "..", ".", "", "/abs", "a/../b", "~", "a\0b", "x" * 300, "..\\..\\w", "é ü"]
)
def test_no_name_leaves_the_results_folder(name, tmp_path):
    part = slug(name)
    assert part not in {"", ".", ".."}
    assert not {"/", "\\", "\0"} & set(part)
    assert len(part) <= 80
    assert (tmp_path / part).resolve().parent == tmp_path.resolve()


def test_slugs_stay_readable_and_apart():
    assert slug("hf:HuggingFaceTB/SmolLM2-135M@main") == "hf-HuggingFaceTB__SmolLM2-135M@main"
    assert slug("reward_shaping") == "reward_shaping"
    assert slug("a b") != slug("a-b") != slug("a?b")


def test_a_hostile_protocol_name_stays_below_the_results_folder(make_cell, tmp_path):
    path = cell_path(tmp_path, make_cell("../../../evil", style=0.3))
    assert tmp_path in path.resolve().parents


def test_text_in_sample_ids_is_replaced_by_its_hash(make_cell):
    text = "Please write a long and private poem"
    cell = make_cell("filter", style={text: 1.0, f"{text}#2": 0.0, "plain#1": None})
    ids = set(cell.behaviours[0].samples)
    assert text not in cell.model_dump_json()
    assert "plain#1" in ids
    first, second = sorted(ids - {"plain#1"}, key=len)
    assert second == f"{first}#2"
    assert sorted(v for v in cell.behaviours[0].samples.values() if v is not None) == [0.0, 1.0]


def test_ids_that_are_ids_stay():
    assert id_or_hash("mtbench-12/turn1#3") == "mtbench-12/turn1#3"
    assert id_or_hash("x" * 81).startswith("h:")


def test_cells_of_two_models_are_not_the_seeds_of_one_row(tmp_path, make_cell):
    from offtarget.comparison.sides import read_side

    for seed in (0, 1):
        write_cell(tmp_path, make_cell("dpo", seed=seed, style=0.3))
    assert read_side(str(tmp_path / "toy__style" / "dpo")).seeds == (0, 1)
    write_cell(tmp_path, make_cell("dpo", seed=2, style=0.3, model_identity="d" * 64))
    with pytest.raises(ConfigError, match=r"not the seeds of one row \(dpo of tiny, seed"):
        read_side(str(tmp_path / "toy__style" / "dpo"))
