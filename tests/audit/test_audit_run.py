"""Whole audits on data whose truth is planted."""

import dataclasses
import json

import numpy as np
import pytest

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import find_concepts
from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.audit.statistics.length import IS_LENGTH, Lengths
from offtarget.audit.statistics.means import group_codes, half_by_group
from offtarget.audit.tracing import why
from offtarget.audit.views.common import Rows
from offtarget.audit.views.overall import overall_view
from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError, DataError, UndecidedError

PLANTED = {"p0": 0.15, "p1": 0.14, "p2": -0.14, "p3": 0.13}
NULLS = [f"n{j}" for j in range(20)]


def presence(rng, codes, lean, base=0.3, shared=0.8):
    """Presence in chosen and rejected; a prompt leans to either side at random, `lean` to chosen on top."""
    prompt = rng.normal(0, shared, codes.max() + 1)[codes]
    mid = np.log(base / (1 - base))
    tilt = 2 * np.arctanh(lean / (2 * base * (1 - base)) / 2) if np.isscalar(lean) else lean
    c = rng.random(len(codes)) < 1 / (1 + np.exp(-(mid + prompt / 2 + tilt)))
    r = rng.random(len(codes)) < 1 / (1 + np.exp(-(mid - prompt / 2 - tilt)))
    return c.astype(float), r.astype(float)


def written(found, folder):
    folder.mkdir(exist_ok=True)
    AuditFolder(folder).write(found)
    return folder


def planted(make_pairs, make_surface, seed, n_groups=250, per_group=4):
    groups = [f"g{g}" for g in range(n_groups) for _ in range(per_group)]
    pairs = make_pairs(groups, seed=seed)
    codes, rng = group_codes(groups), np.random.default_rng(seed)
    columns = [presence(rng, codes, lean) for lean in [*PLANTED.values(), *[0.0] * len(NULLS)]]
    chosen, rejected = (np.stack([c[s] for c in columns], axis=1) for s in (0, 1))
    return pairs, make_surface(pairs, chosen, rejected, [*PLANTED, *NULLS])


def test_planted_concepts_lead_and_nulls_are_rarely_findings(make_pairs, make_surface):
    """20 datasets: all four planted concepts lead with the right sign; false findings within q."""
    false_shares = []
    for seed in range(20):
        pairs, part = planted(make_pairs, make_surface, seed)
        specs, _ = find_concepts([part], seed=0)
        groups = [p.group for p in pairs.pairs]
        rows = Rows(part.pair_ids, group_codes(groups), half_by_group(groups), Lengths.of(pairs.pairs))
        found = overall_view(
            rows, [s.id for s in specs], contrasts([part], specs), np.arange(len(specs)), seed=0
        ).result.hypotheses
        names = [h.concept.removeprefix("surface:") for h in found]
        assert set(names[:4]) == set(PLANTED)
        for h, name in zip(found[:4], names, strict=False):
            assert h.finding
            assert h.direction == ("chosen" if PLANTED[name] > 0 else "rejected")
            assert h.ci[0] <= h.effect <= h.ci[1]
            assert h.split_half.agree
            assert h.length_controlled.q < 0.05
        findings = [n for h, n in zip(found, names, strict=True) if h.finding]
        false_shares.append(sum(n in NULLS for n in findings) / len(findings))
    assert np.mean(false_shares) < 0.08


def by_topic(make_pairs, make_surface, seed):
    """Three subjects. `everywhere` leans alike in all, `cooking` only in the first, `never` in none."""
    n_groups, per_group = 330, 4
    kinds = [g % 3 for g in range(n_groups) for _ in range(per_group)]
    groups = [f"g{g}" for g in range(n_groups) for _ in range(per_group)]
    pairs = make_pairs(groups, kinds, seed)
    codes, rng = group_codes(groups), np.random.default_rng(seed)
    columns = [
        presence(rng, codes, 0.12),
        presence(rng, codes, np.where(np.array(kinds) == 0, 0.9, 0.0)),
        *[presence(rng, codes, 0.0) for _ in range(8)],
    ]
    chosen, rejected = (np.stack([c[s] for c in columns], axis=1) for s in (0, 1))
    names = ["everywhere", "cooking", *[f"never{j}" for j in range(8)]]
    part = make_surface(pairs, chosen, rejected, names)
    return pairs, part, np.array(kinds), audit(pairs, [part])


@pytest.fixture(scope="module")
def topical(make_pairs, make_surface):
    return by_topic(make_pairs, make_surface, 0)


def test_over_datasets_a_uniform_lean_is_no_global_finding_and_false_ones_stay_within_q(make_pairs, make_surface):
    hits = []
    for seed in range(1, 5):
        found = by_topic(make_pairs, make_surface, seed)[3]
        mine = [h.concept for h in found.audit.findings if h.view == "global"]
        assert "surface:cooking" in mine
        hits += mine
    assert "surface:everywhere" not in hits
    assert sum(c != "surface:cooking" for c in hits) / len(hits) < 0.1


def test_the_global_view_finds_a_topic_only_concept_in_its_topic_alone(topical):
    pairs, _, kinds, found = topical
    overall = {h.concept for h in found.audit.findings if h.view == "overall"}
    assert overall == {"surface:everywhere", "surface:cooking"}
    hits = [h for h in found.audit.findings if h.view == "global"]
    assert {h.concept for h in hits} == {"surface:cooking"}
    leading = [h for h in hits if h.direction == "chosen"]
    assert leading
    for h in leading:
        rows = found.workings.inside(h.context)
        assert (kinds[rows] == 0).mean() > 0.95
        assert h.inside_mean > 0.2 > abs(h.outside_mean)
    label = next(c for c in found.audit.contexts if c.id == leading[0].context)
    assert set(label.keywords) & {
        "cooking",
        "recipe",
        "oven",
        "flour",
        "butter",
        "sugar",
        "baking",
        "dough",
        "kitchen",
        "bread",
    }
    assert found.audit.families["global"].findings == len(hits)
    assert len(pairs) == found.audit.dataset.n_pairs


def test_rows_behind_a_hypothesis_are_the_ones_that_push_it(topical):
    _, part, _, found = topical
    at = {p: i for i, p in enumerate(part.pair_ids)}
    chosen = part.values["chosen", "value"].toarray()
    rejected = part.values["rejected", "value"].toarray()
    for h in found.audit.hypotheses[:12]:
        j = part.position(h.concept)
        sign = 1 if h.direction == "chosen" else -1
        assert 0 < len(h.rows) <= (50 if h.finding else 6)
        for row in h.rows:
            assert sign * (chosen[at[row], j] - rejected[at[row], j]) == 1
            assert found.workings.inside(h.context)[at[row]]


def test_why_names_the_hypotheses_a_row_feeds_and_no_others(topical, tmp_path):
    _, _, _, found = topical
    folder = written(found, tmp_path / "audit")
    row = next(h for h in found.audit.findings if h.view == "global" and h.direction == "chosen").rows[0]
    fed = {c.hypothesis: c for c in why(AuditFolder(folder), row)}
    at = found.workings.pair_ids.index(row)
    for h in found.audit.hypotheses:
        sign = 1 if h.direction == "chosen" else -1
        feeds = bool(found.workings.inside(h.context)[at] and sign * found.workings.column(h.concept)[at] > 0)
        assert (h.id in fed) == feeds
    cooking = fed["overall:surface:cooking"]
    u = found.workings.column("surface:cooking")
    assert cooking.share == pytest.approx(1 / (u > 0).sum())
    assert cooking.rank == 1
    order = [c.finding for c in why(AuditFolder(folder), row)]
    assert order == sorted(order, reverse=True)
    with pytest.raises(ConfigError, match="unknown row 'row9999': did you mean"):
        why(AuditFolder(folder), "row9999")


def test_evidence_is_what_can_be_counted_by_hand(topical):
    _, part, _, found = topical
    e = found.audit.concept("surface:everywhere").evidence
    c = part.values["chosen", "value"].toarray()[:, 0]
    r = part.values["rejected", "value"].toarray()[:, 0]
    assert (e.chosen_rate, e.rejected_rate) == pytest.approx((c.mean(), r.mean()))
    assert e.more_in_chosen == pytest.approx(((c == 1) & (r == 0)).mean())
    assert e.more_in_rejected == pytest.approx(((c == 0) & (r == 1)).mean())
    h = next(h for h in found.audit.hypotheses if h.concept == "surface:everywhere" and h.view == "overall")
    assert h.effect == pytest.approx(e.more_in_chosen - e.more_in_rejected)


def test_a_prediction_stands_beyond_its_null_only_where_something_was_planted(topical):
    _, _, _, found = topical
    by = {p.concept: p for p in found.audit.prediction}
    real = by["surface:everywhere"]
    assert real.expected_shift > real.null.q95
    assert real.null.p == pytest.approx(1 / 201)
    # lengths are the same on both sides here, so holding them fixed changes nothing
    assert real.length_partialled.expected_shift == pytest.approx(real.expected_shift, abs=0.01)
    beyond = [c for c, p in by.items() if abs(p.expected_shift) > p.null.q95 and "never" in c]
    assert len(beyond) <= 2


def test_the_file_gives_the_audit_back_and_follows_the_contract(topical, tmp_path):
    _, _, _, found = topical
    folder = written(found, tmp_path / "audit")
    again = AuditFolder(folder)
    assert again.audit.to_json() == found.audit.to_json()
    np.testing.assert_array_equal(again.workings.u, found.workings.u)
    assert (again.workings.membership != found.workings.membership).nnz == 0
    assert again.workings.context_ids == found.workings.context_ids
    raw = json.loads((folder / "audit.json").read_text())
    contract = {
        "schema_version",
        "offtarget_version",
        "created",
        "key",
        "dataset",
        "model",
        "lens",
        "concepts",
        "hypotheses",
        "prediction",
        "vocabulary",
        "timing",
    }
    assert contract <= raw.keys()
    fields = {
        "id",
        "view",
        "concept",
        "context",
        "direction",
        "effect",
        "ci",
        "d",
        "z",
        "p",
        "q",
        "welch_z",
        "split_half",
        "length_controlled",
        "n_inside",
        "rows",
    }
    assert fields <= raw["hypotheses"][0].keys()
    assert sorted(f.name for f in folder.iterdir()) == [
        "audit.json",
        "vocabulary.json",
        "vocabulary.npz",
        "workings.npz",
    ]


def test_the_same_input_gives_the_same_audit_and_like_keeps_topics(topical, tmp_path):
    pairs, part, _, found = topical
    again = audit(pairs, [part])
    assert (again.audit.key, again.audit.hypotheses, again.audit.prediction) == (
        found.audit.key,
        found.audit.hypotheses,
        found.audit.prediction,
    )
    folder = written(found, tmp_path / "audit")
    half = PairSet("half", pairs.pairs[: len(pairs) // 2])
    like = audit(half, [part.select(range(len(half)))], like=folder)
    assert like.audit.vocabulary == found.audit.vocabulary
    assert [c.id for c in like.audit.contexts] == [c.id for c in found.audit.contexts]
    topics = [k for k, c in enumerate(found.audit.contexts) if c.kind == "topic"]
    there = found.workings.membership[topics][:, : len(half)]
    assert (like.workings.membership[topics] != there).nnz == 0


def test_swapping_chosen_and_rejected_turns_every_effect_around(topical):
    pairs, part, _, found = topical
    turned = PairSet(pairs.name, [Pair(p.id, p.group, p.prompt, p.rejected, p.chosen) for p in pairs.pairs])
    values = dict(part.values)
    values["chosen", "value"], values["rejected", "value"] = (values["rejected", "value"], values["chosen", "value"])
    mirror = audit(turned, [type(part)(part.lens, part.columns, values, part.pair_ids, part.groups, part.info)])
    want = {h.id: h for h in found.audit.hypotheses}
    for h in mirror.audit.hypotheses:
        assert h.effect == pytest.approx(-want[h.id].effect)
        assert h.q == pytest.approx(want[h.id].q)
        if h.length_controlled:
            assert h.length_controlled.effect == pytest.approx(-want[h.id].length_controlled.effect, abs=1e-6)


def following_latents(make_pairs, make_surface, n_groups):
    """Pairs, the rule `bold`, and both sides of latents: six that follow it, six that fire together, twenty of noise."""
    groups = [f"g{g}" for g in range(n_groups)]
    pairs = make_pairs(groups, [g % 3 for g in range(n_groups)])
    rng = np.random.default_rng(2)
    bold = [(rng.random(n_groups) < p).astype(float) for p in (0.4, 0.2)]
    noise = [(rng.random(n_groups) < 0.3).astype(float) for _ in range(2)]
    sides = []
    for b, z in zip(bold, noise, strict=True):
        a = np.repeat(b[:, None], 6, 1) * (rng.random((n_groups, 6)) < 0.95)
        c = np.repeat(z[:, None], 6, 1) * (rng.random((n_groups, 6)) < 0.95)
        sides.append(np.concatenate([a, c, (rng.random((n_groups, 20)) < 0.1)], axis=1) * 0.1)
    surface = make_surface(pairs, bold[0][:, None], bold[1][:, None], ["bold"])
    return pairs, surface, sides


def test_a_large_set_is_labelled_by_rows_spread_evenly(make_pairs, make_surface, make_latents, monkeypatch):
    """Of 600 rows each third is looked at: the rule that six latents follow names their cluster with as many responses."""
    pairs, surface, sides = following_latents(make_pairs, make_surface, 600)
    latents = make_latents(pairs, *sides)
    whole = audit(pairs, [surface, latents])
    monkeypatch.setattr("offtarget.audit.run.LABELLED_ROWS", 200)
    some = audit(pairs, [surface, latents])
    assert [c.id for c in some.audit.concepts] == [c.id for c in whole.audit.concepts]
    (a,), (b,) = (
        [c for c in x.audit.concepts if c.id.startswith("sae:cluster-") and c.evidence.correlate] for x in (whole, some)
    )
    assert a.evidence.correlate.concept == b.evidence.correlate.concept == "surface:bold"
    assert b.evidence.correlate.n < 0.5 * a.evidence.correlate.n
    assert [h.effect for h in some.audit.hypotheses] == [h.effect for h in whole.audit.hypotheses]


def test_clusters_of_latents_are_audited_named_and_warned_about(make_pairs, make_surface, make_latents):
    """Six latents follow a surface feature, six fire at random; the lens explains little."""
    pairs, surface, sides = following_latents(make_pairs, make_surface, 400)
    found = audit(pairs, [surface, make_latents(pairs, *sides)])
    clusters = {c.members: c for c in found.audit.concepts if c.id.startswith("sae:cluster-")}
    assert set(clusters) == {
        tuple(sorted(f"sae:{j}" for j in range(6))),
        tuple(sorted(f"sae:{j}" for j in range(6, 12))),
    }
    follows = clusters[tuple(sorted(f"sae:{j}" for j in range(6)))]
    assert follows.evidence.correlate.concept == "surface:bold"
    assert follows.evidence.correlate.r > 0.9
    assert follows.label.startswith("goes with bold (r +0.9") and follows.named
    assert clusters[tuple(sorted(f"sae:{j}" for j in range(6, 12)))].evidence.correlate is None
    overall = {h.concept for h in found.audit.findings if h.view == "overall"}
    assert overall == {"surface:bold", follows.id}
    assert any("explains 40% of the variance" in w for w in found.audit.warnings)
    topics = [k for k, c in enumerate(found.audit.contexts) if c.kind == "topic"]
    assert (np.asarray(found.workings.membership[topics].sum(axis=0)) <= 1).all()


def test_length_is_recognised_and_has_no_length_control(make_pairs, make_surface):
    pairs = make_pairs([f"g{g}" for g in range(200)])
    sizes = [
        np.array([[float(len(m[0]["content"]))] for m in side])
        for side in zip(*[(p.chosen, p.rejected) for p in pairs.pairs], strict=True)
    ]
    part = make_surface(pairs, *sizes, ["characters"])
    column = type(part.columns[0])("surface:characters", "length", "characters", "log")
    found = audit(pairs, [type(part)(part.lens, (column,), part.values, part.pair_ids, part.groups, part.info)])
    assert found.audit.hypotheses[0].length_controlled is None
    assert found.audit.hypotheses[0].length_note == IS_LENGTH
    assert found.audit.prediction[0].length_partialled is None


def test_small_sets_are_undecided_and_sets_without_difference_say_so(make_pairs, make_surface):
    few = make_pairs([f"g{i}" for i in range(20)])
    with pytest.raises(UndecidedError, match="20 pairs from 20 prompts"):
        audit(few, [make_surface(few, np.ones((20, 1)), np.zeros((20, 1)), ["x"])])
    flat = make_pairs([f"g{i}" for i in range(40)])
    found = audit(flat, [make_surface(flat, np.ones((40, 2)), np.ones((40, 2)), ["x", "y"])])
    assert found.audit.hypotheses == ()
    assert found.audit.families["overall"].left_out == {"no difference in any row": 2}
    assert [c.id for c in found.audit.concepts] == ["surface:x", "surface:y"]


def test_features_of_other_rows_are_refused(make_pairs, make_surface):
    a, b = make_pairs([f"g{i}" for i in range(40)]), make_pairs([f"h{i}" for i in range(40)])
    part = make_surface(b, np.ones((40, 1)), np.zeros((40, 1)), ["x"])
    with pytest.raises(DataError, match="read from other rows"):
        audit(a, [part])


def test_repeated_equal_and_contradicting_rows_are_counted(make_pairs, make_surface):
    base = make_pairs([f"g{i}" for i in range(40)]).pairs
    p, q, r = base[:3]
    extra = [
        Pair("copy", p.group, p.prompt, p.chosen, p.rejected),
        Pair("against", q.group, q.prompt, q.rejected, q.chosen),
        Pair("equal", r.group, r.prompt, r.chosen, r.chosen),
    ]
    pairs = PairSet("x", [*base, *extra])
    rng = np.random.default_rng(0)
    found = audit(pairs, [make_surface(pairs, rng.integers(0, 2, (43, 1)), rng.integers(0, 2, (43, 1)), ["x"])])
    text = " | ".join(found.audit.warnings)
    assert "rows that repeat another one (same prompt, chosen and rejected): 1" in text
    assert "equal, which teach nothing: 1" in text
    assert "the other side chosen): 2" in text
    assert "only 43 pairs" in text
    assert "but for case" not in text


def test_what_is_equal_but_for_case_and_spaces_is_said_to_be_so(make_pairs, make_surface):
    """Of two repeats one is to the letter; of the equal sides and of the contradictions none is."""
    base = make_pairs([f"g{i}" for i in range(40)]).pairs
    p, q, r = base[:3]

    def loud(turns):
        return [{"role": m["role"], "content": m["content"].upper() + "  "} for m in turns]

    extra = [
        Pair("copy", p.group, p.prompt, p.chosen, p.rejected),
        Pair("loud", p.group, loud(p.prompt), p.chosen, loud(p.rejected)),
        Pair("against", q.group, q.prompt, loud(q.rejected), q.chosen),
        Pair("equal", r.group, r.prompt, r.chosen, loud(r.chosen)),
    ]
    pairs = PairSet("x", [*base, *extra])
    rng = np.random.default_rng(0)
    found = audit(pairs, [make_surface(pairs, rng.integers(0, 2, (44, 1)), rng.integers(0, 2, (44, 1)), ["x"])])
    text = " | ".join(found.audit.warnings)
    assert "(same prompt, chosen and rejected but for case and spaces, 1 of them to the letter): 2" in text
    assert "texts are equal but for case and spaces, which teach nothing: 1" in text
    assert "(same prompt and texts but for case and spaces, the other side chosen): 2" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no audit to read"),
        ("{", "not JSON"),
        ("[]", "not an audit"),
        ('{"schema_version": 1}', "schema version 1, but this offtarget reads 2"),
        ('{"schema_version": 2, "seed": 0}', "damaged: "),
    ],
)
def test_a_file_that_is_no_audit_is_said_in_one_line(tmp_path, content, message):
    if content is not None:
        (tmp_path / "audit.json").write_text(content)
    with pytest.raises(ConfigError, match=message) as error:
        _ = AuditFolder(tmp_path).audit
    assert "\n" not in str(error.value)


def test_a_damaged_audit_folder_is_named(tmp_path):
    (tmp_path / "audit.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        _ = AuditFolder(tmp_path).audit


def test_splits_of_the_rows_are_counted(make_pairs, make_surface):
    pairs = make_pairs([f"g{i}" for i in range(40)])
    for i, p in enumerate(pairs.pairs):
        p.meta["split"] = "train" if i % 4 else "test"
    some = np.arange(40.0)[:, None] % 3
    pairs = dataclasses.replace(pairs, split_column="split")
    found = audit(pairs, [make_surface(pairs, some, some[::-1], ["x"])])
    assert found.audit.dataset.splits == {"train": 30, "test": 10}


def test_each_view_says_what_noise_would_find(topical):
    _, _, _, found = topical
    for view, n in (("overall", 200), ("global", 200)):
        null = found.audit.families[view].shuffled
        assert null.n == n
        # nominal at q < 0.05: a false finding in one shuffle of twenty
        assert null.any_finding <= 0.15 and null.mean_findings < 0.5
        assert found.audit.families[view].findings > 0
    assert found.audit.families["local"].shuffled is None  # nothing to test: the lens reads no prompts


def test_topics_can_be_by_words_where_latents_go_by_form(make_pairs, make_latents):
    rng = np.random.default_rng(2)
    n, topics = 600, rng.integers(0, 3, 600)
    pairs = make_pairs([f"g{i}" for i in range(n)], topics.tolist())
    form = rng.integers(0, 3, n)  # what the latents see has nothing to do with the subject
    fires = [(rng.random((n, 24)) < np.where(np.arange(24) // 8 == form[:, None], 0.9, 0.05)) * 0.2 for _ in range(2)]
    part = make_latents(pairs, *fires)
    for by, follows in (("latents", form), ("clusters", form), ("words", topics)):
        found = audit(pairs, [part], topics=by)
        assert found.audit.topics_by == found.vocabulary.topics.space.by == by
        assert not any("topics go by" in w for w in found.audit.warnings)
        inside = found.workings.membership[: len(found.vocabulary.topics)].toarray()
        purity = sum(max(np.bincount(follows[row], minlength=3)) for row in inside.astype(bool) if row.any())
        assert purity > 0.9 * inside.sum()


def test_topics_that_cannot_be_had_go_by_words_and_the_audit_says_so(make_pairs, make_surface, make_latents):
    rng = np.random.default_rng(3)
    kinds = rng.integers(0, 3, 480)
    pairs = make_pairs([f"g{i}" for i in range(480)], kinds.tolist())
    x = rng.integers(0, 2, (480, 2)).astype(float)
    part = make_surface(pairs, x, x[::-1], ["bold", "emoji"])
    asked = audit(pairs, [part], topics="clusters")
    assert asked.audit.topics_by == "words"
    assert "topics go by words: no lens has clusters to go by" in asked.audit.warnings
    assert not any("topics go by" in w for w in audit(pairs, [part]).audit.warnings)
    everywhere = rng.uniform(0.1, 1, (480, 6))
    silent = audit(pairs, [make_latents(pairs, everywhere, everywhere[::-1])])
    assert silent.audit.topics_by == "words"
    assert "topics go by words: no lens has latents to go by" in silent.audit.warnings
