"""Clusters of latents, topics, words, u, and a vocabulary that can be used again."""

import json
import math

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csc_matrix, csr_matrix
from sklearn.metrics import normalized_mutual_info_score

from offtarget.audit.concepts import clusters, topics
from offtarget.audit.concepts.clusters import _overlap, cluster_latents, min_firing, nmi
from offtarget.audit.concepts.contrast import contrasts, symmetric_activity
from offtarget.audit.concepts.spaces import LatentSpace
from offtarget.audit.concepts.vocabulary import ConceptSpec, Vocabulary, cluster_id, find_concepts, lens_identity
from offtarget.audit.concepts.words import count_words, keywords, log_odds
from offtarget.errors import ConfigError, DataError, UndecidedError
from offtarget.lens import storage
from offtarget.lens.features import Column, FeatureMatrix


def blocks(seed=0, n=600, n_blocks=5, size=8, loose=40):
    """Firing of `n_blocks` families that fire together, and loose latents that fire alone."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, n_blocks * size + loose))
    for b in range(n_blocks):
        on = rng.random(n) < 0.15
        x[:, b * size : (b + 1) * size] = on[:, None] & (rng.random((n, size)) < 0.9)
    x[:, n_blocks * size :] = rng.random((n, loose)) < 0.1
    return x * 0.05


def test_latents_that_fire_together_become_clusters_and_others_stay_single():
    x = blocks()
    found = cluster_latents(csr_matrix(x[:300]), csr_matrix(x[300:]), seed=0)
    assert set(found.clusters) == {tuple(range(8 * b, 8 * b + 8)) for b in range(5)}
    assert sorted(found.singles) == list(range(40, 80))


def test_a_real_family_is_found_by_every_seed_and_chance_is_not() -> None:
    rng = np.random.default_rng(7)
    families = np.repeat(rng.random((600, 3)) < 0.3, 8, axis=1)
    x = np.where(families, rng.random(families.shape) < 0.9, rng.random(families.shape) < 0.02) * 0.1
    found = cluster_latents(csr_matrix(x[:300]), csr_matrix(x[300:]), seed=0)
    assert len(found.clusters) == 3
    assert found.stability == (1.0, 1.0, 1.0)
    parts = [np.array([0, 0, 0, 0, 1]), np.array([0, 0, 1, 1, 1])]
    assert _overlap(np.array([0, 1, 2, 3]), [(p, np.bincount(p)) for p in parts]) == (1 + 0.5) / 2


def test_noise_makes_no_cluster():
    x = (np.random.default_rng(3).random((1000, 150)) < 0.1) * 0.05
    found = cluster_latents(csr_matrix(x[:500]), csr_matrix(x[500:]), seed=0)
    assert found.clusters == ()
    assert len(found.singles) == 150


def test_rare_and_ever_present_latents_are_left_out_and_counted():
    x = blocks()
    x = np.concatenate([x, np.zeros((600, 3)), np.full((600, 2), 0.5)], axis=1)
    x[:4, 80] = 0.1
    found = cluster_latents(csr_matrix(x[:300]), csr_matrix(x[300:]), seed=0)
    assert found.left_out == {
        "latents that never fire": 2,
        "latents on fewer than 10 responses": 1,
        "latents on over 80 % of responses": 2,
    }
    assert max(found.singles) < 80


@pytest.mark.parametrize(("n", "want"), [(300, 10), (4000, 20), (40_000, 200), (400_000, 200), (4_000_000, 400)])
def test_how_often_a_latent_must_fire(n, want):
    assert min_firing(n) == want


def test_nmi_is_sklearns_with_the_sign_of_association():
    rng = np.random.default_rng(1)
    a = rng.random((500, 4)) < 0.4
    b = np.stack([a[:, 0], ~a[:, 1], a[:, 2] ^ (rng.random(500) < 0.2), rng.random(500) < 0.3], axis=1)
    got, g = nmi((a.T.astype(float) @ b), a.sum(0)[:, None].astype(float), b.sum(0)[None].astype(float), 500)
    for i in range(4):
        want = normalized_mutual_info_score(a[:, i], b[:, i], average_method="geometric")
        assert abs(got[i, i]) == pytest.approx(want, abs=1e-9)
        table = np.histogram2d(a[:, i], b[:, i], bins=2)[0]
        if i > 1:
            want = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
            assert g[i, i] == pytest.approx(want)
    assert got[0, 0] == pytest.approx(1)
    assert got[1, 1] == pytest.approx(-1)


@pytest.mark.parametrize(("share", "block"), [(0.01, 512), (0.2, 16), (0.9, 16)])
def test_edges_are_the_pairs_of_the_largest_nmi_of_all_beyond_chance(share, block, monkeypatch):
    monkeypatch.setattr(clusters, "EDGE_SHARE", share)
    monkeypatch.setattr(clusters, "EDGES_PER_LATENT", 0)
    monkeypatch.setattr(clusters, "_BLOCK", block)
    rng = np.random.default_rng(4)
    driver = rng.random((400, 9)) < 0.3
    x = (driver[:, rng.integers(0, 9, 70)] & (rng.random((400, 70)) < 0.7)) | (rng.random((400, 70)) < 0.05)
    counts = x.sum(0).astype(float)
    value, g = nmi(x.T.astype(float) @ x, counts[:, None], counts[None], 400)
    n_pairs = 70 * 69 / 2
    r, c = np.nonzero(np.triu((value > 0) & (g > stats.chi2.isf(0.05 / n_pairs, 1)), k=1))
    best = np.sort(np.argsort(-value[r, c], kind="stable")[: int(np.ceil(share * n_pairs))])
    rows, columns, weights = clusters._edges(csc_matrix(x, dtype=np.float32), counts)
    found = np.lexsort((columns, rows))
    assert rows[found].tolist() == r[best].tolist() and columns[found].tolist() == c[best].tolist()
    np.testing.assert_allclose(weights[found], value[r, c][best], rtol=1e-12)
    assert len(best) > 20


def test_clusters_of_many_responses_are_those_of_a_sample_of_them(monkeypatch):
    rng = np.random.default_rng(7)
    x = np.concatenate([np.repeat(rng.random((4000, 1)) < 0.3, 6, axis=1) for _ in range(5)], axis=1) * 0.1
    x *= rng.random(x.shape) < 0.9
    chosen, rejected = csr_matrix(x[:2000]), csr_matrix(x[2000:])
    whole = cluster_latents(chosen, rejected, seed=0)
    assert whole.clusters == tuple(tuple(range(6 * k, 6 * k + 6)) for k in range(5))
    monkeypatch.setattr(clusters, "WORK", 1e4)
    monkeypatch.setattr(clusters, "LEAST_ROWS", 300)
    looked = []
    inner = clusters._edges
    monkeypatch.setattr(clusters, "_edges", lambda fired, counts: looked.append(fired.shape) or inner(fired, counts))
    sampled = cluster_latents(chosen, rejected, seed=0)
    assert looked == [(600, 30)] and sampled.clusters == whole.clusters and sampled.left_out == whole.left_out


def test_latents_that_avoid_each_other_share_no_cluster():
    rng = np.random.default_rng(2)
    on = rng.random(600) < 0.5
    x = np.concatenate([np.repeat(on[:, None], 6, 1), np.repeat(~on[:, None], 6, 1)], axis=1) * 0.1
    x = np.concatenate([x, (rng.random((600, 60)) < 0.1) * 0.1], axis=1)
    found = cluster_latents(csr_matrix(x[:300]), csr_matrix(x[300:]), seed=0)
    assert set(found.clusters) == {tuple(range(6)), tuple(range(6, 12))}


def test_the_id_of_a_cluster_is_its_members_in_any_order():
    assert cluster_id("sae", ["sae:1", "sae:2"]) == cluster_id("sae", ["sae:2", "sae:1"])
    assert cluster_id("sae", ["sae:1", "sae:2"]) != cluster_id("sae", ["sae:1", "sae:3"])


def test_u_of_each_contrast_is_as_defined(make_pairs):
    pairs = make_pairs(["a", "b", "c"])
    columns = tuple(
        Column(f"surface:{k}", k, "x", k, tau) for k, tau in (("presence", 1.0), ("log", 0.0), ("value", 0.0))
    )
    c = csr_matrix(np.array([[2.0, 3, 5], [1, 0, 0], [4, 7, 1]]))
    r = csr_matrix(np.array([[1.0, 0, 2], [3, 1, 4], [2, 7, 1.5]]))
    values = {("chosen", "value"): c, ("rejected", "value"): r}
    part = FeatureMatrix("surface", columns, values, ("row0", "row1", "row2"), ("a", "b", "c"))
    got = contrasts([part], find_concepts([part], seed=0)[0])
    assert got.u[:, 0].tolist() == [1, -1, 0]
    np.testing.assert_allclose(got.u[:, 1], [math.log(4), -math.log(2), 0], rtol=1e-6)
    assert got.u[:, 2].tolist() == [3, -4, -0.5]
    assert got.chosen_rate[0] == pytest.approx(2 / 3)
    assert got.rejected_mean[2] == pytest.approx(2.5)
    assert len(pairs) == 3


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("rows", [1, 7, 90, 1024])
def test_by_blocks_of_rows_latents_follow_the_plain_formula(
    make_pairs, make_latents, tmp_path, monkeypatch, rows, mapped
):
    """Clusters, a single latent and response clusters that share latents with them, in mixed order."""
    rng = np.random.default_rng(11)
    n, width = 90, 30
    c, r = (rng.exponential(0.02, (n, width)) * (rng.random((n, width)) < 0.4) for _ in range(2))
    c, r = c.astype(np.float32), r.astype(np.float32)
    d = c.astype(float) - r
    sets = {"a": [0, 5, 7], "s": [3, 5, 20], "b": [1, 2, 3, 29], "single": [10], "t": [5, 6]}
    specs = [
        ConceptSpec(
            f"sae:{name}",
            "feature" if len(g) == 1 else "cluster",
            "sae",
            tuple(f"sae:{j}" for j in g),
            tuple((d[:, j].mean(), d[:, j].std()) for j in g) if name in "st" else (),
        )
        for name, g in sets.items()
    ]
    part = make_latents(make_pairs([f"g{i}" for i in range(n)]), c, r)
    if mapped:
        monkeypatch.setattr(storage, "MAPPED_FROM", 0)
        part.save(tmp_path)
        part = FeatureMatrix.load(tmp_path)
    monkeypatch.setattr(storage, "BLOCK_ROWS", rows)
    got, s = contrasts([part], specs), symmetric_activity(part, specs)
    for m, (name, g) in enumerate(sets.items()):
        disparity = ((c[:, g] > 0.01) * 1.0 - (r[:, g] > 0.01)).mean(axis=1)
        standardised = ((d[:, g] - d[:, g].mean(0)) / d[:, g].std(0)).mean(axis=1)
        np.testing.assert_allclose(got.u[:, m], standardised if name in "st" else disparity, atol=1e-6)
        np.testing.assert_allclose(got.v[:, m], d[:, g].sum(axis=1), atol=1e-6)
        np.testing.assert_allclose(s[:, m], (c[:, g] + r[:, g]).sum(axis=1), rtol=1e-5)
        assert got.chosen_mean[m] == pytest.approx(c[:, g].mean(), rel=1e-5)
        assert got.rejected_rate[m] == pytest.approx((r[:, g] > 0.01).mean())


def test_u_of_a_cluster_is_the_mean_thresholded_disparity_and_s_does_not_know_the_choice(make_pairs, make_latents):
    c = np.array([[0.02, 0.005, 0.3], [0.0, 0.0, 0.2], [0.5, 0.5, 0.5]])
    r = np.array([[0.0, 0.02, 0.3], [0.05, 0.05, 0.05], [0.0, 0.0, 0.0]])
    part = make_latents(make_pairs(["a", "b", "c"]), c, r)
    flipped = make_latents(make_pairs(["a", "b", "c"]), r, c)
    members = ("sae:0", "sae:1", "sae:2")
    specs = [
        ConceptSpec("sae:cluster-x", "cluster", "sae", members),
        ConceptSpec("sae:1", "feature", "sae", ("sae:1",)),
    ]
    got = contrasts([part], specs)
    np.testing.assert_allclose(got.u[:, 0], [(1 - 1 + 0) / 3, (-1 - 1 + 0) / 3, 1.0])
    assert got.u[:, 1].tolist() == [-1, -1, 1]
    np.testing.assert_allclose(got.v[:, 0], c.sum(1) - r.sum(1), rtol=1e-6)
    assert got.chosen_rate[0] == pytest.approx((2 + 1 + 3) / 9)
    s = symmetric_activity(part, specs[:1])
    np.testing.assert_allclose(s[:, 0], (c + r).sum(1), rtol=1e-6)
    np.testing.assert_array_equal(s, symmetric_activity(flipped, specs[:1]))


def test_a_value_that_is_no_number_is_named(make_pairs, make_surface):
    bad = np.array([[1.0], [np.nan]])
    part = make_surface(make_pairs(["a", "b"]), bad, np.zeros((2, 1)), ["x"])
    with pytest.raises(DataError, match="'surface:x' of pair 'row1' \\(chosen\\)"):
        contrasts([part], find_concepts([part], seed=0)[0])


def test_log_odds_follow_the_formula_and_rank_the_telling_word_first():
    inside, total = np.array([[8.0, 30.0, 1.0]]), np.array([9.0, 60.0, 12.0])
    z = log_odds(inside, total, prior_size=10)
    a = 10 * total / 81
    for w in range(3):
        yi, yj, ni, nj = inside[0, w], total[w] - inside[0, w], 39.0, 42.0
        delta = math.log((yi + a[w]) / (ni + 10 - yi - a[w])) - math.log((yj + a[w]) / (nj + 10 - yj - a[w]))
        assert z[0, w] == pytest.approx(delta / math.sqrt(1 / (yi + a[w]) + 1 / (yj + a[w])))
    many = np.array([[40.0, 30.0, 1.0]]), np.array([44.0, 60.0, 60.0])
    assert keywords(*many, ["telling", "common", "other"])[0][0] == "telling"
    assert "other" not in keywords(*many, ["telling", "common", "other"])[0]


def test_words_are_counted_once_per_text_and_function_words_not_at_all():
    words, counts = count_words(["The cat, the CAT and the dog", "a cat's dog", "42 birds"], min_texts=1)
    assert "the" not in words
    assert counts[0, words.index("cat")] == 1
    assert count_words(["a", "the"])[0] == []


@pytest.mark.parametrize(("n", "k"), [(90, 1), (300, 6), (1000, 8), (9660, 20), (1_000_000, 512)])
def test_number_of_topics(n, k):
    assert topics.n_topics(n) == k


def three_topics(make_pairs, n_groups=240):
    """Three times as many subjects as can be confused: prompts and answers of one subject share its words."""
    kinds = [g % 3 for g in range(n_groups)]
    return make_pairs([f"g{g}" for g in range(n_groups) for _ in range(2)], [k for k in kinds for _ in range(2)]), kinds


def test_topics_by_words_are_pure_named_and_blind_to_the_choice(make_pairs):
    pairs, kinds = three_topics(make_pairs)
    found, codes = topics.find_topics(pairs.pairs, "words", pairs.pairs, seed=0)
    truth = np.repeat(kinds, 2)
    for k in range(len(found)):
        share = np.bincount(truth[codes == k], minlength=3) / (codes == k).sum()
        assert share.max() > 0.95
    swapped = [type(p)(p.id, p.group, p.prompt, p.rejected, p.chosen) for p in pairs.pairs]
    again, codes_again = topics.find_topics(swapped, "words", swapped, seed=0)
    assert again.ids == found.ids
    np.testing.assert_array_equal(codes_again, codes)
    np.testing.assert_array_equal(found.assign(pairs.pairs), codes)


def test_topics_by_clusters_put_silent_rows_aside(make_pairs):
    rng = np.random.default_rng(0)
    pairs, kinds = three_topics(make_pairs)
    truth = np.repeat(kinds, 2)
    activity = np.eye(3)[truth] * 5 + rng.random((480, 3))
    activity[:24] *= 1e-3
    found, codes = topics.find_topics(pairs.pairs, "clusters", activity, seed=0)
    assert (codes == -1).sum() == 24
    assert (codes[:24] == -1).all()
    for k in range(len(found)):
        assert len(set(truth[codes == k])) == 1
    np.testing.assert_array_equal(found.assign(activity), codes)


def purity(codes, truth):
    """Share of the placed rows that belong to the commonest truth of their topic."""
    counts = [np.bincount(truth[codes == k]) for k in range(codes.max() + 1)]
    return sum(c.max() for c in counts) / (codes >= 0).sum()


def latents_of_three_topics(make_pairs, make_latents):
    """480 rows: ten latents for each topic, thirty that half of the rows have more of, and 24 rows with next to nothing."""
    rng = np.random.default_rng(0)
    pairs, kinds = three_topics(make_pairs)
    truth = np.repeat(kinds, 2)
    sides = []
    for _ in range(2):
        about = (truth[:, None] == np.arange(30) // 10) & (rng.random((480, 30)) < 0.4)
        form = rng.random((480, 30)) < np.where(np.arange(480) % 2, 0.9, 0.6)[:, None]
        x = np.hstack([0.05 * about, 0.5 * form]) * rng.uniform(0.5, 1, (480, 60))
        x[:24, :30] *= 1e-6
        sides.append(x)
    return pairs, truth, make_latents(pairs, *sides), make_latents(pairs, *sides[::-1])


def test_topics_by_latents_go_by_the_rare_ones_and_are_blind_to_the_choice(
    make_pairs, make_latents, monkeypatch, tmp_path
):
    pairs, truth, part, swapped = latents_of_three_topics(make_pairs, make_latents)
    found, codes = topics.find_topics(pairs.pairs, "latents", part, seed=0)
    assert (codes[:24] == -1).all()
    assert (codes == -1).sum() == 24
    assert purity(codes, truth) > 0.95
    np.testing.assert_array_equal(found.assign(swapped), codes)
    np.testing.assert_array_equal(topics.find_topics(pairs.pairs, "latents", swapped, seed=0)[1], codes)
    # by whole rows, as clusters of the paper's kind would have it, form drowns the subject
    whole = (part.values["chosen", "freq"] + part.values["rejected", "freq"]).toarray().astype(np.float32)
    assert purity(topics.find_topics(pairs.pairs, "clusters", whole, seed=0)[1], truth) < 0.6
    monkeypatch.setattr("offtarget.lens.storage.BLOCK_ROWS", 100)
    monkeypatch.setattr("offtarget.audit.concepts.spaces.FITTED_ROWS", 160)
    assert purity(topics.find_topics(pairs.pairs, "latents", part, seed=0)[1], truth) > 0.95
    vocabulary = Vocabulary({"sae": lens_identity(part)}, (), found, (), {})
    vocabulary.save(tmp_path)
    np.testing.assert_array_equal(Vocabulary.read(tmp_path).topics.assign(part), codes)


def test_points_by_latents_are_weighed_rows_on_their_principal_components(make_pairs, make_latents):
    _, _, part, _ = latents_of_three_topics(make_pairs, make_latents)
    space, points = LatentSpace.fit(part, seed=0)
    both = (part.values["chosen", "freq"] + part.values["rejected", "freq"]).toarray()
    rows_with = (both > 0).sum(0)
    weights = np.where(rows_with <= 240, np.log(481 / (1 + rows_with)) + 1, 0)
    assert 0 < (weights == 0).sum() < 60
    np.testing.assert_allclose(space.weights, weights, rtol=1e-6)
    weighed = np.sqrt(both) * weights
    weighed /= np.linalg.norm(weighed, axis=1, keepdims=True)
    centred = weighed - weighed.mean(0)
    on_axes = centred @ space.axes
    leading = np.linalg.eigvalsh(centred.T @ centred)[::-1][: space.axes.shape[1]]
    np.testing.assert_allclose((on_axes**2).sum(0), leading, rtol=1e-4)
    at = on_axes / np.linalg.norm(on_axes, axis=1, keepdims=True)
    np.testing.assert_allclose(points.at, at, atol=1e-4)


def test_latents_that_fire_everywhere_make_no_topics(make_pairs, make_latents):
    pairs, _ = three_topics(make_pairs)
    x = np.random.default_rng(0).uniform(0.1, 1, (480, 40))
    assert topics.find_topics(pairs.pairs, "latents", make_latents(pairs, x, x[::-1]), seed=0) is None


def test_too_few_rows_give_no_topics(make_pairs):
    pairs = make_pairs([f"g{i}" for i in range(60)]).pairs
    assert topics.find_topics(pairs, "words", pairs, seed=0) is None


def small_vocabulary(make_pairs, make_surface, version=1):
    pairs, _ = three_topics(make_pairs)
    x = np.random.default_rng(0).integers(0, 2, (480, 2)).astype(float)
    part = make_surface(pairs, x, x[::-1], ["bold", "emoji"])
    part = FeatureMatrix(part.lens, part.columns, part.values, part.pair_ids, part.groups, {"version": version})
    concepts, left_out = find_concepts([part], seed=0)
    found, _ = topics.find_topics(pairs.pairs, "words", pairs.pairs, seed=0)
    return pairs, part, Vocabulary({"surface": lens_identity(part)}, concepts, found, (), left_out)


def test_a_vocabulary_survives_the_disk_and_places_rows_alike(make_pairs, make_surface, tmp_path):
    pairs, _, vocabulary = small_vocabulary(make_pairs, make_surface)
    vocabulary.save(tmp_path)
    again = Vocabulary.read(tmp_path)
    assert again.key == vocabulary.key
    assert again.concepts == vocabulary.concepts
    assert again.topics.labels == vocabulary.topics.labels
    np.testing.assert_array_equal(again.topics.assign(pairs.pairs), vocabulary.topics.assign(pairs.pairs))


def test_the_key_of_plain_columns_is_that_of_the_lens_not_of_the_data(make_pairs, make_surface):
    _, part, vocabulary = small_vocabulary(make_pairs, make_surface)
    other = make_surface(make_pairs(["a", "b"], seed=9), np.ones((2, 2)), np.zeros((2, 2)), ["bold", "emoji"])
    same = Vocabulary({"surface": lens_identity(other)}, find_concepts([other], seed=1)[0], None, (), {})
    assert same.key == vocabulary.key
    _, _, newer = small_vocabulary(make_pairs, make_surface, version=2)
    assert newer.key != vocabulary.key
    assert len(part.columns) == 2


def test_another_lens_is_undecided_and_a_damaged_file_is_named(make_pairs, make_surface, make_latents, tmp_path):
    pairs, part, vocabulary = small_vocabulary(make_pairs, make_surface)
    vocabulary.require([part])
    with pytest.raises(UndecidedError, match="another version of lens 'surface'"):
        vocabulary.require([small_vocabulary(make_pairs, make_surface, version=2)[1]])
    latents = make_latents(pairs, np.zeros((480, 2)), np.zeros((480, 2)))
    with pytest.raises(UndecidedError, match="made with surface, but this audit reads with sae, surface"):
        vocabulary.require([part, latents])
    with pytest.raises(ConfigError, match="no vocabulary"):
        Vocabulary.read(tmp_path)
    vocabulary.save(tmp_path)
    whole = (tmp_path / "vocabulary.npz").read_bytes()
    (tmp_path / "vocabulary.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match="give a folder made by"):
        Vocabulary.read(tmp_path)
    (tmp_path / "vocabulary.npz").write_bytes(whole)
    table = json.loads((tmp_path / "vocabulary.json").read_text())
    table["concepts"].pop()
    (tmp_path / "vocabulary.json").write_text(json.dumps(table))
    with pytest.raises(ConfigError, match="its key does not fit"):
        Vocabulary.read(tmp_path)
