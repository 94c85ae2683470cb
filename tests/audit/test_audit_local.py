"""The prompt-conditioned view: kinds of prompt, response clusters, and what is planted in one kind alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from offtarget.audit.concepts import embedding
from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.kinds import PromptKind, _Prompts, find_kinds, n_top, place
from offtarget.audit.concepts.vocabulary import ConceptSpec, find_concepts
from offtarget.audit.run import audit
from offtarget.lens.features import Column, FeatureMatrix


def moments(x):
    return embedding.see([csr_matrix(x)], x.shape[1]).moments


def test_what_is_seen_block_by_block_is_numpys():
    x = np.random.default_rng(0).normal(size=(50, 4)) * (np.random.default_rng(1).random((50, 4)) < 0.3)
    seen = embedding.see((csr_matrix(x[a : a + 7]) for a in range(0, 50, 7)), 4)
    np.testing.assert_allclose(seen.moments.mean, x.mean(0))
    np.testing.assert_allclose(seen.moments.sd, x.std(0))
    np.testing.assert_allclose(seen.size, np.abs(x).mean(0))
    np.testing.assert_array_equal(seen.fired, (x > 0).sum(0))


def test_the_embedding_is_the_truncated_svd_of_the_standardised_matrix(monkeypatch):
    rng = np.random.default_rng(2)
    x = rng.random((300, 12)) * (rng.random((300, 12)) < 0.4)
    monkeypatch.setattr(embedding, "COMPONENTS", 5)
    e = embedding.embed(csr_matrix(x), moments(x), seed=0)
    z = (x - x.mean(0)) / x.std(0)
    _, s, vt = np.linalg.svd(z, full_matrices=False)
    want = (s[:5, None] * vt[:5]).T
    want /= np.linalg.norm(want, axis=1, keepdims=True)
    np.testing.assert_allclose(e @ e.T, want @ want.T, atol=1e-8)


def test_a_sample_of_rows_is_standardised_with_the_moments_of_all(monkeypatch):
    rng = np.random.default_rng(3)
    x = rng.random((400, 6))
    entries = np.full(400, 6)
    assert embedding.sample_rows(entries, 4) is None
    monkeypatch.setattr(embedding, "SAMPLE_ENTRIES", 600)
    rows = embedding.sample_rows(entries, 4)
    assert rows.tolist() == sorted(set(rows.tolist())) and len(rows) == 100
    e = embedding.embed(csr_matrix(x)[rows], moments(x), seed=4)
    z = (x[rows] - x.mean(0)) / x.std(0)
    _, s, vt = np.linalg.svd(z, full_matrices=False)
    want = (s[:5, None] * vt[:5]).T
    want /= np.linalg.norm(want, axis=1, keepdims=True)
    np.testing.assert_allclose(e @ e.T, want @ want.T, atol=1e-8)


def test_columns_that_vary_together_are_one_cluster_and_opposites_are_two():
    rng = np.random.default_rng(5)
    driver = rng.random((500, 1))
    up, down = driver + 0.05 * rng.random((500, 5)), 1 - driver + 0.05 * rng.random((500, 4))
    x = np.concatenate([up, down], axis=1)
    groups = embedding.cluster_columns(csr_matrix(x), moments(x), seed=0)
    assert [g.tolist() for g in groups] == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]


def one_after_another(score, groups, most):
    """The rule in words: prompts from the highest score down, those of one score together, whole, up to the edge."""
    rows, best = {}, {}
    for i, g in enumerate(groups):
        rows.setdefault(g, []).append(i)
        best[g] = max(best.get(g, 0.0), score[i])
    taken = []
    for level in sorted({b for b in best.values() if b > 0}, reverse=True):
        together = [rows[g] for g in rows if best[g] == level]
        if len(taken) >= most or len(taken) + sum(map(len, together)) >= most + max(map(len, together)):
            break
        taken += [i for rows_of in together for i in rows_of]
    return sorted(taken)


@pytest.mark.parametrize("seed", range(20))
def test_the_rows_of_a_kind_are_whole_prompts_from_the_highest_score_down(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    groups = [f"g{x}" for x in rng.integers(0, rng.integers(1, 40), n)]
    score = np.round(rng.random(n) * rng.integers(0, 2, n), int(rng.integers(1, 4)))
    most = int(rng.integers(1, 30))
    assert _Prompts.of(groups).top(score, most).tolist() == one_after_another(score, groups, most)


@pytest.mark.parametrize(("n_rows", "rows"), [(500, 100), (5000, 200), (259_842, 520)])
def test_how_many_rows_a_kind_has(n_rows, rows):
    assert n_top(n_rows) == rows


def prompts(scores, groups, name="sae"):
    """A lens whose latents fire in the prompts as said, and nowhere else."""
    n, m = scores.shape
    zero = csr_matrix((n, m))
    values = {("prompt", "max"): csr_matrix(scores), ("prompt", "freq"): csr_matrix(scores > 0, dtype=float)}
    values |= {(side, stat): zero for side in ("chosen", "rejected") for stat in ("max", "freq")}
    columns = tuple(Column(f"{name}:{j}", f"latent {j}", "share of tokens", "presence") for j in range(m))
    ids = tuple(f"row{i}" for i in range(n))
    return FeatureMatrix(
        name, columns, values, ids, tuple(groups), {"identity": "test"}, kind="latent", reads_model=True
    )


def test_a_kind_takes_whole_prompts_by_their_mean_activation_and_none_without_any():
    # ten prompts of three rows; n_top(30) = 6 rows, so the two prompts with the largest mean over both latents
    by_prompt = np.array([[9, 0], [0, 0], [5, 5], [0, 0], [1, 1], [0, 8], [0, 0], [2, 0], [0, 0], [0, 0]], float)
    groups = [f"g{i // 3}" for i in range(30)]
    part = prompts(np.repeat(by_prompt, 3, 0), groups)
    membership = place([PromptKind("prompt:x", "sae", ("sae:0", "sae:1"))], [part])
    assert sorted(membership[0].indices.tolist()) == [0, 1, 2, 6, 7, 8]  # means 4.5 and 5
    silent = prompts(np.zeros((30, 2)), groups)
    assert place([PromptKind("prompt:x", "sae", ("sae:0", "sae:1"))], [silent]).nnz == 0


def test_a_rule_makes_a_kind_of_all_prompts_that_show_it_unless_most_do(make_pairs, make_surface):
    pairs = make_pairs([f"g{i}" for i in range(100)])
    shows = np.zeros((100, 2))
    shows[:30, 0], shows[:60, 1] = 1, 1
    part = make_surface(pairs, shows, shows, ["rare", "common"])
    part = replace(part, values=part.values | {("prompt", "value"): csr_matrix(shows)})
    (kind,) = find_kinds([part], pairs.pairs, seed=0)
    assert kind.members == ("surface:rare",) and kind.label == "prompt: rare"
    assert sorted(place([kind], [part])[0].indices.tolist()) == list(range(30))


def test_u_of_a_response_cluster_is_its_mean_standardised_difference(make_pairs, make_latents):
    rng = np.random.default_rng(6)
    pairs = make_pairs([f"g{i}" for i in range(80)])
    chosen, rejected = (rng.random((80, 3)) * (rng.random((80, 3)) < 0.5) for _ in range(2))
    d = chosen - rejected
    spec = ConceptSpec(
        "sae:shift-x", "cluster", "sae", ("sae:0", "sae:2"), tuple((d[:, j].mean(), d[:, j].std()) for j in (0, 2))
    )
    found = contrasts([make_latents(pairs, chosen, rejected)], [spec])
    z = (d - d.mean(0)) / d.std(0)
    np.testing.assert_allclose(found.u[:, 0], z[:, [0, 2]].mean(1), atol=1e-6)
    assert found.contrasts == ("standardised",)


@pytest.fixture(scope="module")
def one_kind(make_pairs):
    """Eight prompt latents fire on a fifth of the prompts; there, six response latents fire more in chosen."""
    rng = np.random.default_rng(7)
    n = 900
    groups = [f"g{i // 2}" for i in range(n)]
    about = np.repeat(rng.random(n // 2) < 0.2, 2)
    pairs = make_pairs(groups)
    prompt = rng.random((n, 40)) * (rng.random((n, 40)) < 0.15)
    prompt[:, :8] = (0.5 + rng.random((n, 8))) * (about[:, None] & (rng.random((n, 8)) < 0.9))
    prompt = prompt[np.arange(n) // 2 * 2]  # both rows of a prompt have the same
    sides = []
    for lift in (0.5, 0.0):
        x = 0.1 * (rng.random((n, 46)) < 0.25)
        driver = rng.random(n) < 0.25 + lift * about
        x[:, :6] = 0.1 * (driver[:, None] & (rng.random((n, 6)) < 0.95))
        sides.append(x)
    m = prompt.shape[1]

    def pad(x, left):
        return csr_matrix(np.concatenate([x, np.zeros((n, 46))] if left else [np.zeros((n, m)), x], 1))

    values = {("prompt", stat): pad(prompt, True) for stat in ("max", "freq")}
    values |= {
        (s, stat): pad(x, False) for s, x in zip(("chosen", "rejected"), sides, strict=True) for stat in ("max", "freq")
    }
    columns = tuple(Column(f"sae:{j}", f"latent {j}", "share of tokens", "presence") for j in range(m + 46))
    part = FeatureMatrix(
        "sae",
        columns,
        values,
        tuple(p.id for p in pairs.pairs),
        tuple(groups),
        {"identity": "test"},
        kind="latent",
        reads_model=True,
    )
    return pairs, part, about


def test_a_lean_in_one_kind_of_prompt_is_found_there(one_kind):
    pairs, part, about = one_kind
    found = audit(pairs, [part])
    local = [h for h in found.audit.findings if h.view == "local"]
    assert local
    strongest = max(local, key=lambda h: abs(h.z))
    members = next(c.members for c in found.audit.concepts if c.id == strongest.concept)
    assert {f"sae:{j}" for j in range(40, 46)} <= set(members)
    inside = found.workings.inside(strongest.context)
    assert about[inside].mean() > 0.95 and inside[about].mean() > 0.9
    assert strongest.direction == "chosen" and strongest.inside_mean > 0 > strongest.outside_mean
    assert {c.kind for c in found.audit.contexts if c.id == strongest.context} == {"prompt"}


def test_the_mirrored_data_give_the_mirrored_local_view(one_kind):
    pairs, part, _ = one_kind
    turn = {"chosen": "rejected", "rejected": "chosen", "prompt": "prompt"}
    turned = replace(part, values={(turn[span], stat): x for (span, stat), x in part.values.items()})
    one, other = audit(pairs, [part]), audit(pairs, [turned])
    local = {(h.concept, h.context): h for h in one.audit.hypotheses if h.view == "local"}
    mirrored = [h for h in other.audit.hypotheses if h.view == "local"]
    assert len(mirrored) == len(local)
    for h in mirrored:
        want = local[h.concept, h.context]
        assert h.effect == pytest.approx(-want.effect, abs=1e-6)
        assert h.q == pytest.approx(want.q, rel=1e-4)


def test_swapped_labels_leave_no_local_finding(one_kind):
    pairs, part, _ = one_kind
    findings = tested = 0
    for seed in range(6):
        flip = np.random.default_rng(seed).random(len(pairs) // 2).repeat(2) < 0.5
        values = dict(part.values)
        for stat in ("max", "freq"):
            c, r = (part.values[s, stat].toarray() for s in ("chosen", "rejected"))
            values["chosen", stat] = csr_matrix(np.where(flip[:, None], r, c))
            values["rejected", stat] = csr_matrix(np.where(flip[:, None], c, r))
        found = audit(pairs, [replace(part, values=values)])
        findings += any(h.view == "local" for h in found.audit.findings)
        tested += found.audit.families["local"].tested
    assert tested > 0 and findings <= 1, "at q < 0.05 about one audit in twenty has a finding by chance"


def test_response_clusters_stay_out_of_the_other_views(one_kind):
    pairs, part, _ = one_kind
    concepts, _ = find_concepts([part], seed=0)
    local = {c.id for c in concepts if c.local}
    assert local
    found = audit(pairs, [part])
    assert not [h for h in found.audit.hypotheses if h.view != "local" and h.concept in local]
    assert not [h for h in found.audit.hypotheses if h.view == "local" and h.concept not in local]


def test_the_order_of_the_rows_does_not_decide_which_prompts_of_one_score_are_inside():
    groups = [f"g{i}" for i in range(40)]  # n_top(40) = 8 rows

    def inside(scores):
        membership = place([PromptKind("prompt:x", "sae", ("sae:0", "sae:1"))], [prompts(scores, groups)])
        return membership[0].indices.tolist()

    alike = np.ones((40, 2))
    assert inside(alike) == []  # forty prompts alike: none is most of anything
    alike[30:35] = 2
    assert sorted(inside(alike)) == [30, 31, 32, 33, 34]  # above those that are alike
    alike[20:23] = 1.5
    assert sorted(inside(alike)) == [20, 21, 22, 30, 31, 32, 33, 34]
