"""What changed between two audits: the test against scipy and statsmodels, then whole audits with a known change."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from offtarget.audit.diff.run import difference
from offtarget.audit.diff.test import Comparison
from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.audit.statistics.inside import inside_test, partition
from offtarget.audit.statistics.means import mean_test
from offtarget.cli.main import call
from offtarget.data.pairs import PairSet
from offtarget.errors import UndecidedError


def difference_test(old, new, same, n_groups):
    """The test of all columns; a side is u, the prompts, and for a context the rows inside."""
    every = np.arange(old[0].shape[1])
    return Comparison(old[:2], new[:2], same, n_groups).test(every, *old[2:], *new[2:])


def alone(n):
    return np.full(n, -1, dtype=np.int64)


def test_of_two_sets_of_single_rows_it_is_welchs_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (60, 3)), rng.normal([0, 0.3, 1], 2, (90, 3))
    found = difference_test((a, np.arange(60)), (b, np.arange(60, 150)), alone(60), 150)
    want = stats.ttest_ind(b, a, equal_var=False)
    assert found.difference == pytest.approx(b.mean(axis=0) - a.mean(axis=0))
    # the degrees of freedom are at most those of equal variances
    t = want.statistic
    assert found.t == pytest.approx(t)
    df = np.minimum(want.df, (1 / 60 + 1 / 90) ** 2 / (1 / 60**3 + 1 / 90**3) - 1)
    assert found.df == pytest.approx(df)
    assert found.p == pytest.approx(2 * stats.t.sf(np.abs(t), df))


def test_of_disjoint_prompts_the_variance_is_the_sum_of_the_clustered_ones():
    rng = np.random.default_rng(1)
    codes = [np.repeat(np.arange(40), 5), np.repeat(np.arange(30), 7)]
    u = [rng.normal(size=(c.max() + 1, 2))[c] + 0.3 * rng.normal(size=(len(c), 2)) for c in codes]
    old, new = (mean_test(x, c) for x, c in zip(u, codes, strict=True))
    found = difference_test((u[0], codes[0]), (u[1], codes[1] + 40), alone(200), 70)
    assert found.se == pytest.approx(np.sqrt(old.se**2 + new.se**2))


def test_of_the_same_prompts_it_is_the_paired_t_test():
    rng = np.random.default_rng(2)
    a = rng.normal(size=(80, 2))
    b = a + rng.normal(0.1, 0.4, (80, 2))
    found = difference_test((a, np.arange(80)), (b, np.arange(80)), np.arange(80), 80)
    want = stats.ttest_rel(b, a)
    assert found.t == pytest.approx(want.statistic)
    assert found.df == pytest.approx([79, 79])
    assert found.p == pytest.approx(want.pvalue)


def test_of_overlapping_prompts_it_is_the_sandwich_of_the_stacked_regression():
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    names = [np.repeat(np.arange(0, 60), 4), np.repeat(np.arange(30, 90), 4)]
    prompt = rng.normal(size=90)
    u = [(prompt[n] + rng.normal(size=len(n)))[:, None] for n in names]
    found = difference_test((u[0], names[0]), (u[1], names[1]), alone(240), 90)
    y, group = np.concatenate(u)[:, 0], np.concatenate(names)
    design = sm.add_constant(np.repeat([0.0, 1.0], 240))
    fit = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": group, "use_correction": False})
    assert found.difference == pytest.approx([fit.params[1]])
    assert found.se == pytest.approx([fit.bse[1] * np.sqrt(60 / 59)])
    independent = difference_test((u[0], names[0]), (u[1], names[1] + 60), alone(240), 150)
    assert found.se[0] < 0.9 * independent.se[0]


def test_of_disjoint_prompts_a_context_has_the_errors_of_its_own_tests():
    rng = np.random.default_rng(4)
    sides, tests = [], []
    for n_groups, shift in ((80, 0), (120, 80)):
        codes = np.repeat(np.arange(n_groups), 3)
        inside = rng.random(len(codes)) < 0.4
        u = rng.normal(size=(n_groups, 2))[codes] + rng.normal(size=(len(codes), 2))
        tests.append(inside_test(u, partition(np.where(inside, 0, -1), 1), codes))
        sides.append((u, codes + shift, inside))
    found = difference_test(*sides, alone(240), 200)
    assert found.old == pytest.approx(tests[0].delta[0])
    assert found.new == pytest.approx(tests[1].delta[0])
    robust = np.sqrt(sum(t.robust_se[0] ** 2 for t in tests))
    assert (found.se >= robust * (1 - 1e-12)).all()
    assert found.se == pytest.approx(robust, rel=0.25)


def test_of_overlapping_prompts_a_context_is_the_interaction_of_the_stacked_regression():
    import statsmodels.api as sm

    rng = np.random.default_rng(9)
    names = [np.repeat(np.arange(0, 60), 4), np.repeat(np.arange(30, 90), 4)]
    prompt, sides = rng.normal(size=(90, 2)), []
    for n in names:
        inside = (n % 3 == 0) | (rng.random(len(n)) < 0.1)
        sides.append((prompt[n] + rng.normal(size=(len(n), 2)) + inside[:, None], n, inside))
    found = difference_test(*sides, alone(240), 90)
    inside = np.concatenate([s[2] for s in sides]).astype(float)
    new = np.repeat([0.0, 1.0], 240)
    design = np.stack([np.ones(480), new, inside, new * inside], axis=1)
    for j in range(2):
        y = np.concatenate([s[0][:, j] for s in sides])
        groups = {"groups": np.concatenate(names), "use_correction": False}
        fit = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds=groups)
        assert found.difference[j] == pytest.approx(fit.params[3])
        assert found.se[j] == pytest.approx(fit.bse[3] * np.sqrt(60 / 59 * 239 / 238), rel=1e-9)


def test_rows_that_stay_cancel_and_few_that_change_are_not_enough():
    rng = np.random.default_rng(5)
    a = (rng.random((400, 3)) < 0.3).astype(float)
    b = a.copy()
    b[:30, 1] = 1 - a[:30, 1]
    b[:4, 2] = 1 - a[:4, 2]
    found = difference_test((a, np.arange(400)), (b, np.arange(400)), np.arange(400), 400)
    assert found.differs.tolist() == [False, True, True]
    assert found.testable.tolist() == [False, True, False]
    assert found.difference[0] == 0
    # thirty discordant rows: McNemar's statistic without correction, up to the mean that the sandwich takes off
    up, down = (a[:30, 1] == 0).sum(), (a[:30, 1] == 1).sum()
    assert found.t[1] == pytest.approx((up - down) / np.sqrt(up + down), rel=0.05)
    assert found.df[1] == pytest.approx(29)


def test_a_row_that_was_replaced_in_its_prompt_tells_as_much_as_one_that_changed():
    """A drop without ids: a changed text is a row of its own. 35 of 240 get a sentence that no row had before."""
    old, new = np.zeros((240, 1)), np.zeros((240, 1))
    new[:35] = 1
    codes = np.arange(240)
    by_id = difference_test((old, codes), (new, codes), np.arange(240), 240)
    by_text = difference_test((old, codes), (new, codes), np.where(new[:, 0] > 0, -1, np.arange(240)), 240)
    assert by_id.testable.all() and by_text.testable.all()
    assert by_text.difference == pytest.approx([35 / 240])
    assert by_text.p == pytest.approx(by_id.p) and by_text.p[0] < 1e-6
    # in prompts of their own, rows that only one side shows are no sure change
    apart = difference_test((old, codes), (new, np.where(new[:, 0] > 0, codes + 240, codes)),
                            np.where(new[:, 0] > 0, -1, np.arange(240)), 480)  # fmt: skip
    assert not apart.testable.any()


def test_of_rows_that_were_replaced_in_a_large_prompt_only_those_that_show_the_concept_tell():
    """Seven prompts of 15 rows on either side, 3 rows before and 2 now that show it: 5 rows tell, not 15 for each prompt."""
    codes = np.concatenate([np.repeat(np.arange(7), 15), np.arange(7, 207)])
    moved = np.where(codes >= 7, codes + 200, codes)
    a, b = np.zeros((305, 2)), np.zeros((305, 2))
    a[[0, 20, 40], 0], b[[50, 70], 0] = 1, 1
    a[[*range(7), *range(7, 105, 15)], 1], b[[50, 70], 1] = (
        1,
        1,
    )  # 7 more rows of one prompt, and the first of each other
    found = difference_test((a, codes), (b, moved), alone(305), 407)
    assert found.testable.tolist() == [False, True]


def test_replaced_rows_without_a_change_differ_no_oftener_than_by_chance():
    rng = np.random.default_rng(11)
    found = []
    for _ in range(800):
        level = rng.normal(0, 1, 60)  # of each prompt
        codes = np.repeat(np.arange(60), 2)
        old = (level[codes] + rng.normal(0, 1, 120) > 1.5).astype(float)[:, None]
        new = old.copy()
        anew = rng.random(120) < 0.4
        new[anew, 0] = level[codes[anew]] + rng.normal(0, 1, anew.sum()) > 1.5
        same = np.where(anew, -1, np.arange(120))
        one = difference_test((old, codes), (new, codes), same, 60)
        if one.testable[0]:
            found.append(one.p[0] < 0.05)
    assert len(found) > 200
    assert sum(found) <= stats.binom.isf(0.001, len(found), 0.05)


def test_added_rows_are_compared_with_the_old_ones():
    """NEW = OLD and 100 rows more: the test that the added rows have the mean of the old ones."""
    rng = np.random.default_rng(6)
    a, more = rng.normal(size=(2000, 1)), rng.normal(0.2, 1, (100, 1))
    both = np.concatenate([a, more])
    found = difference_test((a, np.arange(2000)), (both, np.arange(2100)), np.arange(2000), 2100)
    want = stats.ttest_ind(more, a, equal_var=False).statistic
    # the added rows vary about the mean of all new ones, and not about their own
    assert found.t == pytest.approx(want, rel=0.03)
    assert 95 < found.df[0] < 115  # of the 100 rows that are new, not of 2,100


@pytest.mark.parametrize("icc", [0.0, 0.5, 0.9])
def test_the_same_prompts_answered_anew_have_the_power_of_the_paired_t_test(icc):
    """100 prompts of three rows on each side, a shift of 0.15 in 200 concepts and of none in 200."""
    rng = np.random.default_rng(10)
    codes = np.repeat(np.arange(100), 3)
    prompt = np.sqrt(icc) * rng.normal(size=(100, 400))
    old, new = (prompt[codes] + np.sqrt(1 - icc) * rng.normal(size=(300, 400)) for _ in range(2))
    new[:, :200] += 0.15
    found = difference_test((old, codes), (new, codes), alone(300), 100)
    paired = stats.ttest_1samp((new - old).reshape(100, 3, 400).mean(axis=1), 0)
    np.testing.assert_allclose(found.t, paired.statistic, rtol=1e-9)
    assert (found.p[200:] < 0.05).mean() <= 0.05 + 3 * 0.0154
    unpaired = stats.ttest_ind(new.reshape(100, 3, 400).mean(axis=1), old.reshape(100, 3, 400).mean(axis=1))
    if icc:
        assert (found.p[:200] < 0.05).mean() > (unpaired.pvalue[:200] < 0.05).mean() + 0.2


def test_what_fewer_than_ten_prompts_show_keeps_the_error_of_independent_rows():
    """Seven old and no new prompt of 100 show it: the sandwich sees only one side of that, independent rows see both."""
    old, new = np.zeros((100, 1)), np.zeros((100, 1))
    old[:7] = 1
    few = difference_test((old, np.arange(100)), (new, np.arange(100)), alone(100), 100)
    old[7:40], new[60:80] = 1, 1
    many = difference_test((old, np.arange(100)), (new, np.arange(100)), alone(100), 100)
    rows = np.concatenate([old[:, 0] * 0 + np.r_[np.ones(7), np.zeros(93)], np.zeros(100)])
    pooled = np.sqrt((((rows[:100] - 0.07) ** 2).sum()) / 198 * 2 / 100)
    assert few.se[0] == pytest.approx(max(pooled, np.sqrt(0.07 * 0.93 / 99)))
    assert many.t[0] == pytest.approx(stats.ttest_rel(new[:, 0], old[:, 0]).statistic)


def test_a_concept_that_one_side_lacks_is_no_sure_change():
    """1 % of 1,000 rows against none of 100: by chance that happens in 37 % of cases."""
    a, b = np.zeros((100, 1)), np.zeros((1000, 1))
    b[:10] = 1
    found = difference_test((a, np.arange(100)), (b, np.arange(100, 1100)), alone(100), 1100)
    assert not found.testable[0]
    b[:150] = 1
    found = difference_test((a, np.arange(100)), (b, np.arange(100, 1100)), alone(100), 1100)
    assert found.testable[0] and found.p[0] < 1e-3


def test_sides_that_are_constant_get_the_p_of_exchanging_prompts():
    a, b = np.zeros((12, 1)), np.ones((15, 1))
    apart = difference_test((a, np.arange(12)), (b, np.arange(12, 27)), alone(12), 27)
    assert apart.p[0] == pytest.approx(2 / 17383860)  # 27 choose 12
    paired = difference_test((a, np.arange(12)), (a + 1, np.arange(12)), np.arange(12), 12)
    assert paired.p[0] == pytest.approx(2 / 2**12)


def test_halves_at_random_differ_no_oftener_than_by_chance():
    """One clustered, skewed set in halves by prompt, 200 times: p is uniform, false changes within 5 %."""
    rng = np.random.default_rng(7)
    codes = np.repeat(np.arange(150), rng.integers(1, 9, 150))
    lean = rng.normal(0, 1, (150, 8))[codes]
    c = rng.random((len(codes), 8)) < 1 / (1 + np.exp(-(lean - 1)))
    r = rng.random((len(codes), 8)) < 0.25
    u = c.astype(float) - r
    p = []
    for _ in range(200):
        half = np.zeros(150, dtype=bool)
        half[rng.permutation(150)[:75]] = True
        rows = half[codes]
        found = difference_test((u[rows], codes[rows]), (u[~rows], codes[~rows]), alone(rows.sum()), 150)
        assert found.testable.all()
        p.append(found.p)
    p = np.array(p)
    assert (p < 0.05).mean() < 0.06
    assert stats.kstest(p.ravel(), "uniform").statistic < 0.04


def test_overlapping_samples_differ_no_oftener_than_by_chance():
    """Two samples of 100 prompts of one population that share 60; unpaired errors would be too large by far."""
    rng = np.random.default_rng(8)
    p, spread = [], []
    for _ in range(400):
        u = rng.normal(size=140) + 0.5
        rows = u.repeat(3)[:, None] + 0.5 * rng.normal(size=(420, 1))
        codes = np.arange(140).repeat(3)
        first, second = codes < 100, codes >= 40
        where = np.full(420, -1)
        where[second] = np.arange(second.sum())
        found = difference_test((rows[first], codes[first]), (rows[second], codes[second]), where[first], 140)
        p.append(found.p[0])
        spread.append(found.t[0])
    assert 0.03 < (np.array(p) < 0.05).mean() < 0.075
    assert np.std(spread) == pytest.approx(1.0, abs=0.1)


def counts(rng, n, rates):
    return np.stack([rng.random(n) < r for r in rates], axis=1).astype(float)


NAMES = ["bold", "emoji", *[f"n{j}" for j in range(6)]]


def made(make_pairs, make_surface, chosen, rejected, ids=range(400), **keys):
    base = make_pairs([f"g{i // 2}" for i in range(400)], seed=0)
    rows = [base.pairs[i] for i in ids]
    pairs = PairSet("set", rows)
    ids = np.array(ids)
    return audit(pairs, [make_surface(pairs, chosen[ids], rejected[ids], NAMES)], **keys)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    rates = [0.5, 0.2, *[0.3] * 6]
    return counts(rng, 400, rates), counts(rng, 400, [0.2, 0.2, *[0.3] * 6])


def test_an_audit_and_itself_do_not_differ(make_pairs, make_surface, data):
    first = made(make_pairs, make_surface, *data)
    found = difference(first, made(make_pairs, make_surface, *data))
    assert (found.effects, found.findings, found.dataset, found.lens) == ((), (), (), ())
    assert (found.warnings_new, found.warnings_gone, found.notes) == ((), (), ())
    assert (found.rows.shared, found.rows.altered, found.rows.prompts_shared) == (400, 0, 200)
    assert found.families["overall"].left_out == {"no row differs": 8}


def test_a_planted_change_is_found_and_nothing_else(make_pairs, make_surface, data, tmp_path):
    """Bold no longer leans; 60 rows have an emoji in chosen that had none: two changes, two findings moved."""
    chosen, rejected = data[0].copy(), data[1]
    rng = np.random.default_rng(1)
    chosen[:, 0] = rng.random(400) < 0.2
    chosen[np.flatnonzero(chosen[:, 1] == 0)[:60], 1] = 1
    first = made(make_pairs, make_surface, *data)
    AuditFolder(tmp_path).write(first)
    second = made(make_pairs, make_surface, chosen, rejected, like=tmp_path)
    found = difference(AuditFolder(tmp_path), second)
    changes = {e.concept: e for e in found.changes if e.view == "overall"}
    assert set(changes) == {"surface:bold", "surface:emoji"}
    emoji = changes["surface:emoji"]
    assert emoji.difference == pytest.approx(60 / 400)
    assert emoji.ci[0] < 60 / 400 < emoji.ci[1]
    assert (emoji.old, emoji.new) == pytest.approx(
        [np.mean(data[0][:, 1] - data[1][:, 1]), np.mean(chosen[:, 1] - data[1][:, 1])]
    )
    moved = {(f.concept, f.what) for f in found.findings if f.view == "overall"}
    assert moved == {("surface:bold", "vanished"), ("surface:emoji", "appeared")}
    assert all(f.q < 0.05 for f in found.findings if f.view == "overall")
    assert found.families["overall"].left_out == {"no row differs": 6}
    assert (found.rows.shared, found.rows.altered) == (400, int((chosen != data[0]).any(axis=1).sum()))
    assert [c.name for c in found.dataset] == []  # the rows' own text is as it was


def test_a_finding_of_the_smaller_half_alone_is_not_called_a_change(make_pairs, make_surface, data):
    """A weak lean may be a finding in one half and not in the other; the effects are the same."""
    false = total = 0
    rng = np.random.default_rng(2)
    for _ in range(20):
        half = rng.permutation(200) < 100
        halves = [[i for i in range(400) if half[i // 2] == side] for side in (True, False)]
        a, b = (made(make_pairs, make_surface, *data, ids=ids) for ids in halves)
        found = difference(a, b)
        assert found.rows.shared == found.rows.prompts_shared == 0
        false += bool([e for e in found.changes if e.view == "overall"])
        total += 1
    assert false / total <= 0.1


def test_topics_of_one_audit_alone_are_not_compared_and_said(make_pairs, make_surface, tmp_path):
    rng = np.random.default_rng(3)
    subject = [i // 4 % 3 for i in range(1200)]
    pairs = make_pairs([f"g{i // 4}" for i in range(1200)], subject)
    sides = [counts(rng, 1200, [0.4, 0.3]) for _ in range(2)]
    cooking = np.array(subject) == 0
    sides[0][cooking, 1] = rng.random(cooking.sum()) < 0.9  # until now emoji only where it is about cooking

    def of(rows, chosen, **keys):
        some = PairSet("set", [pairs.pairs[i] for i in rows])
        return audit(some, [make_surface(some, chosen[rows], sides[1][rows], NAMES[:2])], **keys)

    first = of(np.arange(1200), sides[0])
    AuditFolder(tmp_path).write(first)
    most = np.arange(600, 1200)
    apart = difference(first, of(most, sides[0]))
    assert "in the old audit alone" in apart.notes[0] and "--like" in apart.notes[0]
    assert apart.families["global"].tested == 0
    same = difference(first, of(most, sides[0], like=tmp_path))
    assert (same.notes, same.changes) == ((), ())
    assert same.families["global"].tested > 0
    calm = sides[0].copy()
    calm[cooking, 1] = rng.random(cooking.sum()) < 0.3
    found = difference(first, of(np.arange(1200), calm, like=tmp_path))
    there = {e.context for e in found.changes if e.view == "global" and e.concept == "surface:emoji"}
    at = {k for k in there if cooking[first.workings.inside(k)].mean() > 0.95}
    assert at and all(e.difference < -0.3 for e in found.changes if e.context in at)
    assert {f.what for f in found.findings if f.context in at} == {"vanished"}


def test_a_lean_that_turns_around_is_said(make_pairs, make_surface, data):
    first = made(make_pairs, make_surface, *data)
    found = difference(first, made(make_pairs, make_surface, data[1], data[0]))
    (bold,) = [f for f in found.findings if f.concept == "surface:bold" and f.view == "overall"]
    assert bold.what == "turned" and bold.old == pytest.approx(-bold.new) and bold.q < 1e-6


def test_what_else_is_other_is_named(make_pairs, make_surface, data):
    first = made(make_pairs, make_surface, *data)
    second = made(make_pairs, make_surface, *data, ids=range(390), seed=3)
    info = first.audit.dataset.model_copy(update={"n_dropped": {"tie": 2}})
    lens = ({**first.audit.lens[0], "max_length": 512},)
    found = difference(replace(first, audit=first.audit.model_copy(update={"dataset": info, "lens": lens})), second)
    facts = {c.name: (c.old, c.new) for c in (*found.dataset, *found.lens)}
    assert facts["n_pairs"] == (400, 390)
    assert facts["dropped: tie"] == (2, None)
    assert facts["surface: max_length"] == (512, None)
    assert facts["seed"] == (0, 3)
    assert any("only 390 pairs" in w for w in found.warnings_new)
    assert any("only 400 pairs" in w for w in found.warnings_gone)


def test_another_vocabulary_is_undecided(make_pairs, make_surface, data, tmp_path, capsys):
    first = made(make_pairs, make_surface, *data)
    pairs = make_pairs([f"g{i}" for i in range(400)])
    other = audit(pairs, [make_surface(pairs, data[0][:, :2], data[1][:, :2], NAMES[:2])])
    with pytest.raises(UndecidedError, match=r"different vocabularies .* --like the old audit") as error:
        difference(first, other)
    assert "\n" not in str(error.value)
    for name, found in (("a", first), ("b", other)):
        (tmp_path / name).mkdir()
        AuditFolder(tmp_path / name).write(found)
    assert call(["diff", str(tmp_path / "a"), str(tmp_path / "b")]) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert call(["diff", str(tmp_path / "a"), str(tmp_path)]) == 2


def test_the_verb_prints_what_changed_and_exits_0(make_pairs, make_surface, data, tmp_path, capsys):
    turned = made(make_pairs, make_surface, data[1], data[0])
    for name, found in (("a", made(make_pairs, make_surface, *data)), ("b", turned)):
        (tmp_path / name).mkdir()
        AuditFolder(tmp_path / name).write(found)
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert call(["diff", *folders]) == 0
    out = capsys.readouterr().out
    assert "of 8 effects changed (q < 0.05)" in out
    assert "turned" in out and "points" in out and "bold" in out
    assert call(["diff", *folders, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["effects"][0]["concept"] == "surface:bold"
