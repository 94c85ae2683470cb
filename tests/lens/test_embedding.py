"""The embedding lens finds planted directions of difference, and cannot see the labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import find_concepts, lens_identity
from offtarget.audit.run import audit
from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError, UndecidedError
from offtarget.lens.embedding import as_sides, columns, differences, distinct, encode_embedding, fit_code
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import Reader
from offtarget.lens.sae.signed import DifferenceCode, SignedSaeRecipe, fit_pca, fit_signed_sae
from offtarget.models import resolve
from offtarget.store import Store


def planted(n: int, width: int, atoms: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Differences made of two signed atoms each, and a little noise."""
    rng = np.random.default_rng(seed)
    dictionary = np.linalg.qr(rng.normal(size=(width, atoms)))[0].T
    code = np.zeros((n, atoms))
    for row in code:
        row[rng.choice(atoms, 2, replace=False)] = rng.choice([-1, 1], 2) * rng.uniform(0.5, 1.5, 2)
    x = code @ dictionary + 0.02 * rng.normal(size=(n, width))
    return x.astype(np.float32), dictionary


def test_planted_directions_are_recovered() -> None:
    x, dictionary = planted(6000, 32, 8)
    recipe = SignedSaeRecipe(latents=8, k=2, prefixes=(8,), lr=2e-3, epochs=40)
    held_out = np.arange(len(x)) % 10 == 0
    found = fit_signed_sae(x, held_out, recipe)
    cosines = np.abs(found.decoder @ dictionary.T)
    assert (cosines.max(axis=0) > 0.9).all(), cosines.max(axis=0)
    assert found.variance_explained(x) > 0.9
    assert np.allclose(np.linalg.norm(found.decoder, axis=1), 1, atol=1e-5)


def test_principal_components_are_those_of_the_second_moment() -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(500, 6)) * [5, 4, 3, 2, 1, 0.5] + 1).astype(np.float32)
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    code = fit_pca(x, 3)
    for j in range(3):
        v = vectors[:, -1 - j]
        assert abs(code.encoder[j] @ v) == pytest.approx(1, abs=1e-4)
        assert code.encoder[j][np.abs(code.encoder[j]).argmax()] > 0
    assert code.variance_explained(x) == pytest.approx(values[-3:].sum() / values.sum(), abs=1e-4)
    assert np.square(code.latents(x)).mean(axis=0) == pytest.approx(1, abs=1e-4)


def test_latents_below_the_threshold_are_zero_and_the_code_is_odd() -> None:
    code = DifferenceCode(
        np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), 0.5, np.array([1, 2], dtype=np.float32)
    )
    x = np.array([[0.4, 3], [-0.6, -0.2]], dtype=np.float32)
    assert code.latents(x).tolist() == [[0, 1.5], [pytest.approx(-0.6), 0]]
    assert np.array_equal(code.latents(-x), -code.latents(x))
    assert code.rebuilt(x) == pytest.approx(np.array([[0, 3], [-0.6, 0]]))
    back = DifferenceCode.restore(code.arrays())
    assert np.array_equal(back.latents(x), code.latents(x))


def test_distinct_differences_whatever_their_sign() -> None:
    x = np.array([[0, 1, 2], [0, -1, -2], [0, 0, 0], [3, 0, 1], [0, 1, 2]], dtype=np.float32)
    found, rows = distinct(x)
    assert found.tolist() == [[0, 1, 2], [3, 0, 1]] and rows.tolist() == [0, 3]


@pytest.mark.parametrize("code", ["sae", "pca"])
def test_the_fit_does_not_see_labels_and_turning_them_turns_u_exactly(code: str) -> None:
    rng = np.random.default_rng(3)
    groups = [f"g{i // 2}" for i in range(300)]
    sides = rng.normal(size=(2, 300, 24)).astype(np.float32)
    shuffled = rng.random(300) < 0.5
    x = differences(sides[0], sides[1])
    mixed = differences(
        np.where(shuffled[:, None], sides[1], sides[0]), np.where(shuffled[:, None], sides[0], sides[1])
    )
    fits = [fit_code(rows, groups, code) for rows in (x, -x, mixed)]
    for other in fits[1:]:
        assert all(
            np.array_equal(a, b) for a, b in zip(fits[0].arrays().values(), other.arrays().values(), strict=True)
        )
    ids = tuple(str(i) for i in range(300))
    u = []
    for rows in (x, -x, mixed):
        z = fits[0].latents(rows)
        part = FeatureMatrix(
            "embedding", columns(z.shape[1]), as_sides(z), ids, tuple(groups), kind="signed", reads_model=True
        )
        u.append(contrasts([part], find_concepts([part], seed=0)[0]).u)
        assert np.array_equal(u[-1], z), "chosen minus rejected is the signed latent"
        assert part.values["chosen", "value"].data.min() > 0
    assert np.array_equal(u[1], -u[0])
    assert np.array_equal(u[2], np.where(shuffled[:, None], -u[0], u[0]))


def test_too_little_data_is_undecided() -> None:
    x = np.random.default_rng(0).normal(size=(80, 40)).astype(np.float32)
    with pytest.raises(UndecidedError, match="30 pairs with distinct"):
        fit_code(x[:30], [str(i) for i in range(30)])
    with pytest.raises(UndecidedError, match="2 prompts"):
        fit_code(x, ["a", "b"] * 40)


WORDS = [
    "river",
    "stone",
    "bread",
    "candle",
    "window",
    "garden",
    "letter",
    "winter",
    "copper",
    "mirror",
    "saddle",
    "thunder",
]


def texts(n: int, seed: int) -> PairSet:
    rng = np.random.default_rng(seed)
    pairs = []
    for i in range(n):
        said = [" ".join(rng.choice(WORDS, 6)) for _ in range(2)]
        said[int(rng.random() < 0.8)] += " wonderful wonderful friend"
        a, b = ([{"role": "assistant", "content": s}] for s in said)
        prompt = f"Say something of {WORDS[i % 12]} {i}"
        pairs.append(Pair(f"r{i}", prompt, [{"role": "user", "content": prompt}], b, a))
    return PairSet("texts", pairs)


@pytest.fixture()
def reader(tiny_model: Path, store_home: Path) -> Reader:
    return Reader(resolve(str(tiny_model)), Store())


def test_a_reading_of_a_model_flips_with_its_labels_and_is_read_again_by_its_fit(reader: Reader) -> None:
    data = texts(120, 0)
    part = encode_embedding(data, reader)
    z = (part.values["chosen", "value"] - part.values["rejected", "value"]).toarray()
    mirror = PairSet("m", [Pair(p.id, p.group, p.prompt, p.rejected, p.chosen) for p in data.pairs])
    turned = encode_embedding(mirror, reader)
    assert np.array_equal((turned.values["chosen", "value"] - turned.values["rejected", "value"]).toarray(), -z)
    assert lens_identity(turned) == lens_identity(part)

    half = PairSet("half", data.pairs[:100])
    anew = encode_embedding(half, reader)
    assert lens_identity(anew) != lens_identity(part), "another fit is another lens"
    again = encode_embedding(half, reader, fitted=part)
    assert lens_identity(again) == lens_identity(part)
    same = (again.values["chosen", "value"] - again.values["rejected", "value"]).toarray()
    assert np.allclose(same, z[:100], atol=0.2), "bfloat16: other texts in a batch change the last bits"


def test_the_audit_names_its_columns_keeps_its_fit_and_refuses_another(reader: Reader, tmp_path: Path) -> None:
    from offtarget.engine.auditing import audit_into
    from offtarget.engine.recipe import AuditOptions

    data = texts(400, 1)
    done = audit_into(tmp_path / "one", data, AuditOptions(lens=("surface", "embedding")), reader)
    mine = [c for c in done.audit.concepts if c.lens == "embedding"]
    said = [c for c in mine if "wonderful" in (*c.evidence.words, *c.evidence.words_against)]
    assert said and all(c.evidence.word_fit and c.evidence.word_fit.auroc >= 0.6 for c in said)
    assert all(c.name == "rule" or c.label.startswith("unnamed") for c in mine)
    assert all(c.evidence.contrast == "value" for c in mine)
    found = {h.concept.partition(":")[0] for h in done.audit.findings}
    assert "embedding" in found

    other = texts(90, 2)
    again = AuditOptions(lens=("surface", "embedding"), like=str(tmp_path / "one"))
    like = audit_into(tmp_path / "two", other, again, reader)
    assert like.audit.vocabulary == done.audit.vocabulary
    by_lens = {f.lens: f for f in like.features}
    assert not by_lens["embedding"].info["fitted_here"]
    anew = [by_lens["surface"], encode_embedding(other, reader)]
    with pytest.raises(UndecidedError, match="another version of lens 'embedding'"):
        audit(other, anew, like=tmp_path / "one")
    with pytest.raises(UndecidedError, match="another code"):
        otherwise = again.model_copy(update={"lens": ("surface", "embedding:pca")})
        audit_into(tmp_path / "three", other, otherwise, reader)


def test_another_model_or_an_unknown_code_is_refused(reader: Reader) -> None:
    data = texts(100, 0)
    part = encode_embedding(data, reader, "pca")
    with pytest.raises(ConfigError, match="did you mean pca"):
        encode_embedding(data, reader, "pcaa")
    with pytest.raises(UndecidedError, match="another model"):
        encode_embedding(data, replace(reader, model=replace(reader.ref, identity="other")), "pca", part)
