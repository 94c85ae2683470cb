"""What changed by metadata between two audits, and how small a change could have been seen."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from offtarget.audit.diff.run import difference
from offtarget.audit.diff.test import Comparison, detectable
from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.cli.main import call
from offtarget.data.pairs import PairSet

RATES = {"acme": (0.3, 0.3), "bluebird": (0.4, 0.2), "cicada": (0.2, 0.2)}


def drop(make_pairs, make_surface, seed, shares, rates=RATES, n=900, **options):
    """An audit of n single rows: vendors by their shares, and how often each shows bold in chosen and in rejected."""
    rng = np.random.default_rng(seed)
    vendor = rng.choice(list(shares), n, p=list(shares.values()))
    sides = [
        np.column_stack([rng.random(n) < [rates[v][side] for v in vendor], rng.random(n) < 0.3]).astype(float)
        for side in (0, 1)
    ]
    pairs = make_pairs([f"{seed}-{i}" for i in range(n)], seed=seed)
    pairs = PairSet(
        "drop",
        [replace(p, id=f"{seed}-{p.id}", meta={"vendor": str(v)}) for p, v in zip(pairs.pairs, vendor, strict=True)],
    )
    part = make_surface(pairs, *sides, ["bold", "calm"])
    frame = pd.DataFrame({"vendor": vendor, "bold": sides[0][:, 0] - sides[1][:, 0]})
    return audit(pairs, [part], **options), frame


@pytest.fixture()
def weeks(make_pairs, make_surface, tmp_path):
    """Two weeks: twice as many rows of acme, whose bold went up by 30 points; nothing else changed."""
    first, a = drop(make_pairs, make_surface, 1, {"acme": 0.3, "bluebird": 0.4, "cicada": 0.3}, by=["vendor"])
    AuditFolder(tmp_path).write(first)
    second, b = drop(
        make_pairs,
        make_surface,
        2,
        {"acme": 0.6, "bluebird": 0.2, "cicada": 0.2},
        {**RATES, "acme": (0.6, 0.3)},
        like=tmp_path,
    )
    return first, second, a, b


def test_what_the_sets_are_made_of_comes_first_and_is_a_count(weeks):
    first, second, a, b = weeks
    found = difference(first, second)
    (column,) = found.composition
    assert column.name == "vendor"
    assert column.values[0].value == "acme"  # the largest change of share
    for v in column.values:
        assert (v.old_rows, v.new_rows) == ((a.vendor == v.value).sum(), (b.vendor == v.value).sum())
        assert (v.old, v.new) == pytest.approx((v.old_rows / 900, v.new_rows / 900))


def test_a_change_by_value_is_a_two_sample_test_of_its_rows(weeks):
    first, second, a, b = weeks
    found = difference(first, second)
    cells = {(e.concept, e.context): e for e in found.effects if e.view == "metadata"}
    assert len(cells) == 6
    for v in RATES:
        old, new = a[a.vendor == v].bold, b[b.vendor == v].bold
        e = cells["surface:bold", f"meta:vendor={v}"]
        assert (e.old, e.new) == pytest.approx((old.mean(), new.mean()), abs=1e-6)
        t = stats.ttest_ind(new, old, equal_var=False)  # single rows of new prompts
        assert e.z == pytest.approx(t.statistic, rel=1e-4)
    changed = {k for k, e in cells.items() if e.changed}
    assert changed == {("surface:bold", "meta:vendor=acme")}
    assert found.families["metadata"].tested == 6
    assert not [f for f in found.findings if f.view == "metadata"]


def test_a_change_of_the_whole_is_parted_into_mix_and_within(weeks):
    first, second, a, b = weeks
    found = difference(first, second)
    (bold,) = [e for e in found.changes if e.view == "overall" and e.concept == "surface:bold"]
    (part,) = bold.by_mix
    assert part.mix + part.within == pytest.approx(bold.difference)
    mix = within = 0.0
    for v in RATES:
        s0, s1 = (a.vendor == v).mean(), (b.vendor == v).mean()
        m0, m1 = a[a.vendor == v].bold.mean(), b[b.vendor == v].bold.mean()
        mix += (s1 - s0) * (m0 + m1) / 2
        within += (m1 - m0) * (s0 + s1) / 2
    assert (part.mix, part.within) == pytest.approx((mix, within), abs=1e-6)


def test_a_column_of_one_audit_alone_is_said(make_pairs, make_surface, weeks):
    first, _, _, _ = weeks
    plain, _ = drop(make_pairs, make_surface, 2, {"acme": 0.5, "bluebird": 0.5})
    found = difference(first, plain)
    assert found.composition == ()
    assert "metadata" not in found.families
    assert any("column 'vendor' was tested in the old audit alone" in n for n in found.notes)


def test_the_smallest_visible_change_is_that_of_a_power_calculation():
    rng = np.random.default_rng(0)
    for n, family in ((40, 1), (400, 1), (400, 50)):
        old, new = rng.normal(0, 1, (n, 1)), rng.normal(0, 1, (n, 1))
        pair = Comparison((old, np.arange(n)), (new, np.arange(n, 2 * n)), np.full(n, -1), 2 * n)
        test = pair.test(np.arange(1))
        (found,) = detectable(test.se, test.df, family)
        sd = np.sqrt((old.var(ddof=1) + new.var(ddof=1)) / 2)
        want = sd * TTestIndPower().solve_power(nobs1=n, alpha=0.05 / family, power=0.8)
        assert found == pytest.approx(want, rel=0.01)


def test_a_change_of_that_size_is_found_four_times_in_five():
    """300 draws of 60 against 90 prompts of three rows each: power 0.8 with a Monte Carlo error of 0.023."""
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        u = [
            rng.normal(0, 1, (g, 1, 1)).repeat(3, axis=1).reshape(-1, 1) + rng.normal(0, 1, (3 * g, 1))
            for g in (60, 90)
        ]
        codes = np.arange(60).repeat(3), 60 + np.arange(90).repeat(3)
        # the change is that of the true error: sd² of a prompt's mean is 1 + 1/3
        true = detectable(np.sqrt([4 / 3 / 60 + 4 / 3 / 90]), np.array([148.0]), 1)
        pair = Comparison((u[0], codes[0]), (u[1] + true, codes[1]), np.full(180, -1), 150)
        hits += int(pair.test(np.arange(1)).p[0] < 0.05)
    assert abs(hits / 300 - 0.8) < 3 * 0.023


def saved(folder, name, found):
    (folder / name).mkdir()
    AuditFolder(folder / name).write(found)
    return str(folder / name)


def test_the_verb_prints_composition_then_changes_then_values(weeks, tmp_path, capsys):
    first, second, a, b = weeks
    folders = [saved(tmp_path, "a", first), saved(tmp_path, "b", second)]
    assert call(["diff", *folders]) == 0
    out = capsys.readouterr().out
    share = f"acme {(a.vendor == 'acme').mean():.1%} → {(b.vendor == 'acme').mean():.1%}"
    assert share in out
    assert out.index(share) < out.index("effects changed") < out.index("effects that changed")
    change = b[b.vendor == "acme"].bold.mean() - a[a.vendor == "acme"].bold.mean()
    assert f"change by vendor: acme {100 * change:+.1f}, " in out
    assert out.index("change by vendor") > out.index("vendor is acme")
    assert "within its values" in out
    assert "would be found with 80 % power" in out


def test_what_did_not_change_is_counted_and_not_listed(make_pairs, make_surface, tmp_path, capsys):
    """Two draws of one population, the second small: findings come and go, and figures in warnings differ."""
    rates = {"acme": (0.45, 0.3)}
    first, _ = drop(make_pairs, make_surface, 3, {"acme": 1.0}, rates, n=700)
    weak, _ = drop(make_pairs, make_surface, 4, {"acme": 1.0}, rates, n=60)
    few = "only 700 pairs: intervals are wide, and a concept not found may still be there"
    weak, first = (
        replace(x, audit=x.audit.model_copy(update={"warnings": (*x.audit.warnings, w)}))
        for x, w in ((weak, "something new"), (first, few))
    )
    found = difference(first, weak)
    assert found.changes == ()
    gone = [f for f in found.findings if f.what == "vanished"]
    assert gone and all(f.q is None or f.q >= 0.05 for f in gone)
    folders = [saved(tmp_path, "a", first), saved(tmp_path, "b", weak)]
    assert call(["diff", *folders]) == 0
    out = capsys.readouterr().out
    assert "vanished" not in out and "untested" not in out
    assert "pairs: intervals are wide" not in out
    assert "new warning: something new" in out
    assert "rows_sha256" not in out and "n_pairs" not in out
    assert "findings of one audit alone" in out and "warnings that differ in figures alone" in out
    smallest = next(e for e in found.effects if e.concept == "surface:bold" and e.view == "overall")
    assert f"±{100 * smallest.detectable:.1f}" in out
    assert call(["diff", *folders, "--all"]) == 0
    out = capsys.readouterr().out
    assert "vanished" in out
    assert "only 60 pairs" in out and "only 700 pairs" in out
    assert "n_pairs" in out
