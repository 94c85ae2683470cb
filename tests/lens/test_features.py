"""FeatureMatrix: selecting rows, joining lenses, and the way to disk and back."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from offtarget.errors import ConfigError, DataError
from offtarget.lens import storage
from offtarget.lens.features import Column, FeatureMatrix, FeatureWriter

CHOSEN = [[1.0, 0.0], [0.0, 2.5], [3.0, 4.0]]
REJECTED = [[0.0, 0.0], [7.0, 0.0], [0.0, -1.0]]


def matrix(lens: str = "surface", stat: str = "value", ids: tuple[str, ...] = ("p1", "p2", "p3")) -> FeatureMatrix:
    columns = (
        Column(f"{lens}:a", "first", "tokens", "log"),
        Column(f"{lens}:b", "zweite — ü", "share", "presence", tau=0.25),
    )
    values = {("chosen", stat): csr_matrix(CHOSEN), ("rejected", stat): csr_matrix(REJECTED)}
    return FeatureMatrix(
        lens,
        columns,
        values,
        ids,
        ("g1", "g1", "g2"),
        {"name": lens, "version": 3},
        kind="latent" if stat == "freq" else "plain",
    )


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


@pytest.fixture(params=["archive", "mapped"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How matrices of any size are stored while a test runs."""
    monkeypatch.setattr(storage, "MAPPED_FROM", 0 if request.param == "mapped" else 2**30)
    return request.param


def large(n: int = 50, width: int = 40) -> FeatureMatrix:
    """Two spans of random numbers, a quarter of them stored."""
    rng = np.random.default_rng(5)
    columns = tuple(Column(f"sae:{j}", f"latent {j}", "share of tokens", "presence") for j in range(width))
    values = {
        (span, "freq"): csr_matrix(((rng.random((n, width)) < 0.25) * rng.random((n, width))).astype(np.float32))
        for span in ("chosen", "rejected")
    }
    ids = tuple(f"p{i}" for i in range(n))
    return FeatureMatrix("sae", columns, values, ids, ids, {"name": "sae"}, kind="latent", reads_model=True)


def test_saving_twice_gives_the_same_bytes(tmp_path: Path, form: str):
    for name in ("a", "b"):
        large().save(tmp_path / name)
    files = sorted(f.name for f in (tmp_path / "a").iterdir())
    assert ("features.npz" in files) == (form == "archive")
    assert len(files) == (2 if form == "archive" else 7)
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_both_forms_give_the_same_matrix_back(tmp_path: Path, form: str):
    before = large()
    before.save(tmp_path)
    after = FeatureMatrix.load(tmp_path)
    assert after.sha256 == before.sha256
    for key, x in before.values.items():
        assert after.values[key].dtype == np.float32
        assert (after.values[key] != x).nnz == 0


def test_of_a_mapped_matrix_only_the_rows_asked_for_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storage, "MAPPED_FROM", 0)
    before = large()
    before.save(tmp_path)
    after = FeatureMatrix.load(tmp_path)
    x, y = before.values["chosen", "freq"], after.values["chosen", "freq"]
    file = tmp_path / "chosen.freq.data.npy"
    with file.open("r+b") as f:  # what changes on disk now is seen in rows that are read later
        f.seek(-4 * int(x.indptr[-1] - x.indptr[40]), 2)
        f.write(np.full(x.indptr[-1] - x.indptr[40], 7.0, dtype=np.float32).tobytes())
    np.testing.assert_array_equal(y[10:40].toarray(), x[10:40].toarray())
    assert set(y[40:].data) == {7.0}


@pytest.mark.parametrize("rows", [1, 7, 50, 64])
def test_blocks_of_rows_are_the_rows_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, rows: int):
    monkeypatch.setattr(storage, "BLOCK_ROWS", rows)
    before = large()
    before.save(tmp_path)
    keys = [("rejected", "freq"), ("chosen", "freq")]
    blocks = list(FeatureMatrix.load(tmp_path).row_blocks(*keys))
    assert [i for where, _ in blocks for i in range(where.start, where.stop)] == list(range(50))
    for k, key in enumerate(keys):
        joined = np.concatenate([parts[k].toarray() for _, parts in blocks])
        np.testing.assert_array_equal(joined, before.values[key].toarray())


def test_what_is_written_block_by_block_is_what_is_saved_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storage, "MAPPED_FROM", 0)
    whole = large()
    whole.save(tmp_path / "whole")
    dtypes = dict.fromkeys(whole.values, np.float32)
    with FeatureWriter(tmp_path / "blocks", "sae", whole.columns, dtypes, whole.info, "latent", True) as writer:
        for rows in (slice(0, 3), slice(3, 3), slice(3, 50)):
            writer.append(whole.pair_ids[rows], whole.groups[rows], {k: x[rows] for k, x in whole.values.items()})
    for file in (tmp_path / "whole").iterdir():
        assert file.read_bytes() == (tmp_path / "blocks" / file.name).read_bytes()


def test_features_that_were_not_written_to_the_end_are_none(tmp_path: Path):
    whole = large()
    with (
        pytest.raises(RuntimeError),
        FeatureWriter(tmp_path, "sae", whole.columns, dict.fromkeys(whole.values, np.float32), {}) as writer,
    ):
        writer.append(whole.pair_ids, whole.groups, whole.values)
        raise RuntimeError
    with pytest.raises(DataError, match="build them again"):
        FeatureMatrix.load(tmp_path)


def test_a_mapped_matrix_without_any_entry_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storage, "MAPPED_FROM", 0)
    empty = FeatureMatrix(
        "x", matrix().columns, {("chosen", "value"): csr_matrix((3, 2))}, ("a", "b", "c"), ("a", "b", "c")
    )
    empty.save(tmp_path)
    assert FeatureMatrix.load(tmp_path).values["chosen", "value"].toarray().tolist() == [[0, 0]] * 3


@pytest.mark.parametrize(
    ("form", "file"),
    [
        ("archive", "features.npz"),
        ("archive", "features.json"),
        ("mapped", "features.json"),
        ("mapped", "chosen.value.data.npy"),
        ("mapped", "rejected.value.indices.npy"),
        ("mapped", "chosen.value.indptr.npy"),
    ],
    indirect=["form"],
)
@pytest.mark.parametrize("damage", ["absent", "cut", "other"])
def test_a_damaged_file_is_named_and_never_half_read(tmp_path: Path, form: str, file: str, damage: str):
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


def test_pickled_arrays_are_not_read(tmp_path: Path, form: str):
    matrix().save(tmp_path)
    pickled = np.array([{"a": 1}], dtype=object)
    if form == "archive":
        np.savez(tmp_path / "features.npz", **{"chosen.value.data": pickled})
    else:
        np.save(tmp_path / "chosen.value.data.npy", pickled)
    with pytest.raises(DataError):
        FeatureMatrix.load(tmp_path)


def test_row_pointers_that_run_backwards_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storage, "MAPPED_FROM", 0)
    matrix().save(tmp_path)
    np.save(tmp_path / "chosen.value.indptr.npy", np.array([0, 3, 1, 4]))
    with pytest.raises(DataError, match="do not go together"):
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
    with pytest.raises(DataError, match="latents, and no others, have a firing frequency"):
        replace(good, kind="latent")
    with pytest.raises(DataError, match="occurs twice"):
        FeatureMatrix("x", good.columns[:1] * 2, good.values, good.pair_ids, good.groups)
