"""What a lens could not read of a row is not applicable: figures are those of the rows that were read."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_matrix

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.diff.run import difference
from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.lens.features import FeatureMatrix


@pytest.fixture()
def halves(make_pairs, make_surface):
    """400 pairs of which a rule reads the first 200 rows: there it is in 60 % of chosen and 20 % of rejected."""
    rng = np.random.default_rng(0)
    pairs = make_pairs([f"g{i}" for i in range(400)])
    x = np.stack([rng.random((400, 2)) < 0.6, rng.random((400, 2)) < 0.2]).astype(float)
    x[:, 200:, 0] = 0.0
    features = make_surface(pairs, x[0], x[1], ["rule", "other"])
    gone = np.zeros((400, 2), dtype=bool)
    gone[200:, 0] = True
    return pairs, x, replace(features, unread=csr_matrix(gone))


def spec(name):
    return ConceptSpec(f"surface:{name}", "feature", "surface", (f"surface:{name}",))


def test_effect_d_rates_and_interval_are_those_of_the_rows_that_were_read(halves):
    pairs, x, features = halves
    found = audit(pairs, [features]).audit
    h = next(h for h in found.hypotheses if h.view == "overall" and h.concept == "surface:rule")
    e = next(c for c in found.concepts if c.id == "surface:rule").evidence
    u = x[0, :200, 0] - x[1, :200, 0]
    assert h.effect == pytest.approx(u.mean())
    assert h.d == pytest.approx(u.mean() / u.std(ddof=1), rel=0.01)
    assert (e.read, e.chosen_rate, e.rejected_rate) == pytest.approx((0.5, x[0, :200, 0].mean(), x[1, :200, 0].mean()))
    assert (e.more_in_chosen, e.more_in_rejected) == pytest.approx(((u > 0).mean(), (u < 0).mean()))
    low, high = stats.t.interval(0.95, 199, u.mean(), stats.sem(u))
    assert h.ci[1] - h.ci[0] == pytest.approx(high - low, rel=0.2)
    assert h.ci[0] < u.mean() < h.ci[1]
    other = next(c for c in found.concepts if c.id == "surface:other").evidence
    assert other.read == 1


def test_a_part_is_not_told_from_others_by_how_much_of_it_was_read(halves):
    _, x, features = halves
    c = contrasts([features], [spec("rule"), spec("other")])
    read, rest = c.of_parts(np.arange(200), np.array([0])), c.of_parts(np.arange(200, 400), np.array([0]))
    mean = (x[0, :200, 0] - x[1, :200, 0]).mean()
    assert read.mean() == pytest.approx(mean, abs=1e-6) and rest.mean() == pytest.approx(mean, abs=1e-6)
    inside = c.of_parts(np.arange(100), np.array([0])).mean() - mean
    assert inside == pytest.approx(2 * ((x[0, :100, 0] - x[1, :100, 0]).mean() - mean), abs=1e-5)
    assert (c.of_parts(np.arange(400), np.array([1])) == c.u[:, [1]]).all()


def test_labels_that_mean_nothing_stay_within_the_nominal_rate(make_pairs, make_surface):
    """200 rules read in a tenth of 600 rows. Monte Carlo error of .05: .015."""
    rng = np.random.default_rng(1)
    pairs = make_pairs([f"g{i}" for i in range(600)])
    x = (rng.random((2, 600, 200)) < 0.3).astype(float)
    gone = rng.random((600, 200)) > 0.1
    x[:, gone] = 0
    features = make_surface(pairs, x[0], x[1], [f"r{j}" for j in range(200)])
    found = audit(pairs, [replace(features, unread=csr_matrix(gone))]).audit
    p = np.array([h.p for h in found.hypotheses if h.view == "overall"])
    assert len(p) > 190 and (p < 0.05).mean() <= 0.05 + 3 * 0.015


def test_it_is_kept_with_the_features_and_changes_their_hash(halves, tmp_path):
    _, _, features = halves
    features.save(tmp_path)
    again = FeatureMatrix.load(tmp_path)
    assert (again.not_read(0) == np.r_[np.zeros(200, bool), np.ones(200, bool)]).all() and again.not_read(1) is None
    assert again.sha256 == features.sha256 != replace(features, unread=None).sha256
    assert again.select(np.arange(150, 250)).not_read(0).sum() == 50


def test_rows_that_stay_are_unchanged_whatever_share_was_read(halves, tmp_path):
    pairs, _, features = halves
    AuditFolder(tmp_path).write(audit(pairs, [features]))
    fewer = replace(pairs, pairs=pairs.pairs[:300])
    found = difference(audit(pairs, [features]), audit(fewer, [features.select(np.arange(300))], like=tmp_path))
    assert (found.rows.shared, found.rows.altered) == (300, 0)
    rule = [e for e in found.effects if e.view == "overall" and e.concept == "surface:rule"]
    assert not rule or rule[0].difference == pytest.approx(0, abs=1e-6)
