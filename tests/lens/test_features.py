"""FeatureMatrix: selecting rows, joining lenses, and the way to disk and back."""

import json
from pathlib import Path

import numpy as np
import pytest
from offtarget.errors import ConfigError, DataError
from offtarget.lens.features import Column, FeatureMatrix
from scipy.sparse import csr_matrix

CHOSEN = [[1.0, 0.0], [0.0, 2.5], [3.0, 4.0]]
REJECTED = [[0.0, 0.0], [7.0, 0.0], [0.0, -1.0]]


def matrix(
    lens: str = "surface", stat: str = "value", ids: tuple[str, ...] = ("p1", "p2", "p3")
) -> FeatureMatrix:
    columns = (
        Column(f"{lens}:a", "first", "tokens", "log"),
        Column(f"{lens}:b", "zweite — ü", "share", "presence", tau=0.25),
    )
    values = {("chosen", stat): csr_matrix(CHOSEN), ("rejected", stat): csr_matrix(REJECTED)}
    return FeatureMatrix(lens, columns, values, ids, ("g1", "g1", "g2"), {"name": lens, "version": 3})


def test_select_keeps_the_order_asked_for_and_allows_repetition():
    part = matrix().select([2, 0, 2])
    assert part.pair_ids == ("p3", "p1", "p3")
    assert part.groups == ("g2", "g1", "g2")
    assert part.values["chosen", "value"].toarray().tolist() == [[3, 4], [1, 0], [3, 4]]
    assert part.values["rejected", "value"].toarray().tolist() == [[0, -1], [0, 0], [0, -1]]


def test_select_by_mask_takes_rows_where_it_is_true():
    part = matrix().select(np.array([False, True, True]))
    assert part.pair_ids == ("p2", "p3")
    assert part.values["chosen", "value"].toarray().tolist() == [[0, 2.5], [3, 4]]


def test_select_of_no_rows_is_an_empty_matrix_with_all_columns():
    part = matrix().select([])
    assert len(part) == 0
    assert part.values["chosen", "value"].shape == (0, 2)


def test_a_mask_of_another_length_is_refused():
    with pytest.raises(DataError, match="mask of 2 rows cannot select from 3 pairs"):
        matrix().select(np.array([True, False]))


def test_what_is_saved_is_loaded_again(tmp_path: Path):
    before = matrix()
    before.save(tmp_path / "out")
    after = FeatureMatrix.load(tmp_path / "out")
    assert (after.lens, after.columns, after.pair_ids, after.groups, after.info) == (
        "surface",
        before.columns,
        ("p1", "p2", "p3"),
        ("g1", "g1", "g2"),
        {"name": "surface", "version": 3},
    )
    assert after.columns[1].tau == 0.25
    assert after.values.keys() == before.values.keys()
    assert after.values["chosen", "value"].toarray().tolist() == CHOSEN
    assert after.values["rejected", "value"].toarray().tolist() == REJECTED


def test_saving_twice_gives_the_same_bytes(tmp_path: Path):
    for name in ("a", "b"):
        matrix().save(tmp_path / name)
    for file in ("features.npz", "features.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("file", ["features.npz", "features.json"])
@pytest.mark.parametrize("damage", ["absent", "cut", "other"])
def test_a_damaged_file_is_named_and_never_half_read(tmp_path: Path, file: str, damage: str):
    matrix().save(tmp_path)
    path = tmp_path / file
    if damage == "absent":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        path.write_bytes(b"{}")
    with pytest.raises(DataError, match="build them again"):
        FeatureMatrix.load(tmp_path)


def test_another_file_version_is_refused(tmp_path: Path):
    matrix().save(tmp_path)
    table = json.loads((tmp_path / "features.json").read_text())
    (tmp_path / "features.json").write_text(json.dumps(table | {"version": 99}))
    with pytest.raises(DataError, match="file version 99"):
        FeatureMatrix.load(tmp_path)


def test_pickled_arrays_are_not_read(tmp_path: Path):
    matrix().save(tmp_path)
    np.savez(tmp_path / "features.npz", **{"chosen.value.data": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(DataError):
        FeatureMatrix.load(tmp_path)


def test_an_unknown_column_offers_the_nearest():
    with pytest.raises(ConfigError, match="did you mean surface:b"):
        matrix().position("surface:bb")


def test_parts_that_do_not_agree_are_refused():
    good = matrix()
    with pytest.raises(DataError, match="3 pair ids but 1 groups"):
        FeatureMatrix("x", good.columns, good.values, good.pair_ids, ("g",))
    with pytest.raises(DataError, match=r"shape \(3, 2\), but there are 3 pairs and 1 columns"):
        FeatureMatrix("x", good.columns[:1], good.values, good.pair_ids, good.groups)
    with pytest.raises(DataError, match="stands twice"):
        FeatureMatrix("x", good.columns[:1] * 2, good.values, good.pair_ids, good.groups)
