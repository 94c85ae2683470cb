"""The metadata view: columns and their values, effects against pandas, and what is said of columns that cannot be tested."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from statsmodels.stats.multitest import multipletests

from offtarget.audit.concepts.metadata import mostly, offered, place, read_columns
from offtarget.audit.concepts.typical import typical_rows
from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.audit.statistics.inside import inside_test
from offtarget.audit.statistics.means import bh
from offtarget.cli.main import call
from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError, UndecidedError
from offtarget.report.audit_html import audit_page
from offtarget.report.composition import statements
from offtarget.verdicts import parse

VENDORS = ["acme", "bluebird", "cicada"]


def with_meta(pairs, **columns):
    """The same rows with metadata; a column is one value a row, None for none."""
    rows = [
        replace(p, meta={k: v[i] for k, v in columns.items() if v[i] is not None}) for i, p in enumerate(pairs.pairs)
    ]
    return PairSet("synthetic", rows)


@pytest.fixture()
def mixed(make_pairs, make_surface):
    """600 pairs of 300 prompts from three vendors: bold leans to chosen at acme, to rejected at cicada, nowhere else."""
    rng = np.random.default_rng(0)
    n = 600
    vendor = np.array([VENDORS[g % 3] for g in range(n // 2) for _ in range(2)])
    rate = {"acme": (0.6, 0.2), "bluebird": (0.4, 0.4), "cicada": (0.1, 0.5)}
    bold = [np.array([rng.random() < rate[v][side] for v in vendor]) for side in (0, 1)]
    calm = [rng.random(n) < 0.3 for _ in range(2)]
    pairs = with_meta(
        make_pairs([f"g{i // 2}" for i in range(n)]),
        vendor=vendor.tolist(),
        row=list(range(n)),
        score=rng.normal(3, 1, n).round(2).tolist(),
        language=["en"] * n,
    )
    chosen, rejected = (np.column_stack([b, c]).astype(float) for b, c in zip(bold, calm, strict=True))
    return pairs, make_surface(pairs, chosen, rejected, ["bold", "calm"])


def frame(pairs, part):
    u = (part.values["chosen", "value"] - part.values["rejected", "value"]).toarray()
    return pd.DataFrame({"vendor": [p.meta["vendor"] for p in pairs.pairs], "bold": u[:, 0], "calm": u[:, 1]})


def test_every_value_is_compared_with_all_other_rows(mixed):
    pairs, part = mixed
    found = audit(pairs, [part], by=["vendor"])
    rows = frame(pairs, part)
    cells = {(h.concept, h.context): h for h in found.audit.hypotheses if h.view == "metadata"}
    assert set(cells) == {(f"surface:{c}", f"meta:vendor={v}") for c in ("bold", "calm") for v in VENDORS}
    for concept in ("bold", "calm"):
        for v in VENDORS:
            h = cells[f"surface:{concept}", f"meta:vendor={v}"]
            inside, outside = rows[rows.vendor == v][concept], rows[rows.vendor != v][concept]
            assert h.effect == pytest.approx(inside.mean() - outside.mean(), abs=1e-6)
            assert (h.inside_mean, h.outside_mean) == pytest.approx((inside.mean(), outside.mean()), abs=1e-6)
            assert (h.n_inside, h.n_groups_inside) == (200, 100)
            assert {pairs.pairs[int(r.removeprefix("row"))].meta["vendor"] for r in h.rows} == {v}
    # one family over all columns and values
    q = multipletests([h.p for h in cells.values()], method="fdr_bh")[1]
    assert [h.q for h in cells.values()] == pytest.approx(q.tolist())
    there = {k for k, h in cells.items() if h.finding}
    assert {("surface:bold", "meta:vendor=acme"), ("surface:bold", "meta:vendor=cicada")} <= there
    assert not [k for k in there if k[0] == "surface:calm"]
    assert found.audit.families["metadata"].tested == 6
    assert found.audit.families["metadata"].shuffled is not None
    for k, h in cells.items():
        assert found.workings.inside(k[1]).sum() == h.n_inside


def test_the_composition_is_a_count_and_its_effects_are_means_of_each_value(mixed):
    pairs, part = mixed
    found = audit(pairs, [part], by=["vendor"])
    (column,) = found.audit.metadata
    rows = frame(pairs, part)
    assert column.concepts[0] == "surface:bold"
    assert [v.n for v in column.values] == [200, 200, 200]
    longer = [len(p.chosen[0]["content"]) > len(p.rejected[0]["content"]) for p in pairs.pairs]
    for v in column.values:
        mine = rows.vendor == v.value
        assert v.chosen_longer == pytest.approx(np.mean(np.array(longer)[mine]))
        effect = v.effects[0]
        assert effect.effect == pytest.approx(rows[mine].bold.mean(), abs=1e-6)
        # two rows of each prompt, 100 prompts: the t interval of prompt means, within the noise of 1,999 subsets of prompts
        means = rows[mine].bold.to_numpy().reshape(-1, 2).mean(axis=1)
        half = 1.98422 * means.std(ddof=1) / 10
        assert effect.ci == pytest.approx((means.mean() - half, means.mean() + half), abs=0.01)
    acme, cicada = (rows[rows.vendor == v].bold.mean() for v in ("acme", "cicada"))
    (line,) = statements(found.audit, column)
    assert line.startswith("Bold: ")
    assert f"+{100 * acme:.1f} points where vendor is acme" in line
    assert f"−{-100 * cicada:.1f} points where vendor is cicada" in line
    assert f"; {100 * rows.bold.mean():+.1f} points in all.".replace("-", "−") in line


def test_the_vocabulary_does_not_depend_on_metadata_and_the_key_does(mixed):
    pairs, part = mixed
    plain = audit(pairs, [part])
    by = audit(pairs, [part], by=["vendor"])
    other = [replace(p, meta={**p.meta, "vendor": p.meta["vendor"].upper()}) for p in pairs.pairs]
    upper = audit(PairSet("synthetic", other), [part], by=["vendor"])
    assert plain.audit.vocabulary == by.audit.vocabulary == upper.audit.vocabulary
    assert len({plain.audit.key, by.audit.key, upper.audit.key}) == 3
    assert "metadata" not in plain.audit.families
    assert plain.audit.metadata == ()
    assert plain.audit.offered == ("vendor",)
    assert by.audit.offered == ()
    same = [(h.id, h.q) for h in by.audit.hypotheses if h.view != "metadata"]
    assert same == [(h.id, h.q) for h in plain.audit.hypotheses]


def test_a_column_that_cannot_be_tested_is_named_with_the_reason(mixed):
    pairs, part = mixed
    few = [p.meta["vendor"] if i >= 40 else f"rare{i // 4}" for i, p in enumerate(pairs.pairs)]
    rows = PairSet(
        "s",
        [
            replace(p, meta={**p.meta, "few": f, "lump": p.group, "rare": str(i < 9)})
            for i, (p, f) in enumerate(zip(pairs.pairs, few, strict=True))
        ],
    )
    found = audit(rows, [part], by=["row", "language", "few", "lump", "rare"])
    said = "\n".join(found.audit.warnings)
    assert "column 'row' has 600 values in 600 rows, nearly one for each row" in said
    assert "column 'language' says 'en' in every row" in said
    assert "column 'few': 10 of its 13 values (40 rows) have fewer than 25 rows from 10 prompts" in said
    assert (
        "column 'lump': none of its 300 values has 25 rows from 10 prompts (the most are 2 rows and 1 prompts)" in said
    )
    assert "column 'rare': 'False' has all rows but 9, too few to compare with" in said
    few = next(c for c in found.audit.metadata if c.name == "few")
    assert {v.value for v in few.tested} == set(VENDORS)
    assert sum(v.n for v in few.values) == 600
    with pytest.raises(ConfigError, match=r"unknown metadata column 'vendro': did you mean vendor\?"):
        audit(pairs, [part], by=["vendro"])
    bare = PairSet("s", [replace(p, meta={}) for p in pairs.pairs])
    with pytest.raises(ConfigError, match="carry no metadata"):
        audit(bare, [part], by=["vendor"])


def test_numbers_are_cut_at_their_quartiles_and_missing_is_a_value(mixed):
    pairs, _ = mixed
    score = [p.meta["score"] for p in pairs.pairs]
    (column,) = read_columns(pairs.pairs, ["score"])
    want = np.sort(score)[[149, 299, 449]]  # the smallest values with a quarter, half, three quarters at or below
    assert column.cuts == pytest.approx(want.tolist())
    assert column.values[0] == f"up to {want[0]:g}"
    assert column.codes.tolist() == [int((s > want).sum()) for s in score]
    # as text, as a spreadsheet gives them, and with holes
    holed = with_meta(pairs, score=[None if i % 10 == 0 else str(s) for i, s in enumerate(score)])
    (again,) = read_columns(holed.pairs, ["score"], {"score": column.cuts})
    assert again.values == (*column.values, "(none)")
    assert [c for i, c in enumerate(again.codes) if i % 10] == [c for i, c in enumerate(column.codes) if i % 10]
    assert (again.codes[::10] == 4).all()
    stars = with_meta(pairs, stars=[i % 5 + 1 for i in range(600)])
    (levels,) = read_columns(stars.pairs, ["stars"])
    assert levels.cuts == ()
    assert sorted(levels.values) == ["1", "2", "3", "4", "5"]
    flags = with_meta(pairs, ok=[i % 2 == 0 for i in range(600)])
    assert sorted(read_columns(flags.pairs, ["ok"])[0].values) == ["false", "true"]


def test_ids_of_long_values_stay_short_and_apart(mixed):
    pairs, _ = mixed
    long = with_meta(pairs, why=["x" * 200 + str(i % 2) for i in range(600)])
    ids, labels, inside = place(read_columns(long.pairs, ["why"]))
    assert len(set(ids)) == 2
    assert all(len(i) < 100 for i in ids)
    assert inside.sum(axis=1).ravel().tolist() == [[300, 300]]
    assert all(x.startswith("why is x") for x in labels)


def test_a_topic_that_is_one_source_says_so(make_pairs, make_surface):
    rng = np.random.default_rng(1)
    topics = [i // 2 % 3 for i in range(900)]
    source = [["kitchen", "code", "space"][t] if rng.random() < 0.97 else "other" for t in topics]
    pairs = with_meta(make_pairs([f"g{i // 2}" for i in range(900)], topics), source=source)
    sides = [(rng.random((900, 1)) < 0.3).astype(float) for _ in range(2)]
    found = audit(pairs, [make_surface(pairs, *sides, ["bold"])])
    named = [c for c in found.audit.contexts if c.kind == "topic" and c.n >= 60]
    assert named
    for c in named:
        inside = np.flatnonzero(found.workings.inside(c.id))
        counts = pd.Series([source[i] for i in inside]).value_counts()
        assert c.mostly is not None
        assert (c.mostly.value, c.mostly.share) == (counts.index[0], pytest.approx(counts.iloc[0] / len(inside)))
        assert f"(source is {c.mostly.value} in 9" in c.title
        prompts = [pairs.pairs[int(r.removeprefix("row"))] for r in c.typical]
        assert len({p.group for p in prompts}) == 2
        assert all(found.workings.inside(c.id)[int(p.id.removeprefix("row"))] for p in prompts)
    assert mostly(np.arange(10), offered(pairs.pairs)) is None


def test_an_audit_like_another_compares_the_same_bins(mixed, tmp_path):
    pairs, part = mixed
    first = audit(pairs, [part], by=["vendor", "score"])
    AuditFolder(tmp_path).write(first)
    assert AuditFolder(tmp_path).audit.metadata == first.audit.metadata
    later = [replace(p, meta={"score": p.meta["score"] + 1, "vendor": p.meta["vendor"]}) for p in pairs.pairs]
    second = audit(PairSet("later", later), [part], like=tmp_path)
    assert [c.name for c in second.audit.metadata] == ["vendor", "score"]
    assert second.audit.metadata[1].cuts == first.audit.metadata[1].cuts
    assert {c.id for c in second.audit.contexts} >= {v.context for v in first.audit.metadata[1].tested[-1:]}
    bare = [replace(p, meta={"vendor": p.meta["vendor"]}) for p in pairs.pairs]
    third = audit(PairSet("bare", bare), [part], like=tmp_path)
    assert [c.name for c in third.audit.metadata] == ["vendor"]
    assert any("column 'score'" in w and "--like" in w for w in third.audit.warnings)
    assert audit(pairs, [part], like=tmp_path, by=[]).audit.metadata == ()


def test_values_are_escaped_in_the_page_and_shown(mixed):
    pairs, part = mixed
    bad = with_meta(pairs, vendor=[f"<b>{p.meta['vendor']}</b>" if i else "acme" for i, p in enumerate(pairs.pairs)])
    found = audit(bad, [part], by=["vendor"])
    page = audit_page(found.audit, bad)
    assert "<b>acme" not in page
    assert "&lt;b&gt;acme&lt;/b&gt;" in page
    assert 'id="composition"' in page
    assert "Bold: " in page
    assert 'id="composition"' not in audit_page(audit(bad, [part]).audit, bad)
    assert "--by vendor" in audit_page(audit(bad, [part]).audit, bad)


def test_a_verdict_on_a_value_that_was_not_tested_says_how_to_test_it(mixed):
    pairs, part = mixed
    plain, by = audit(pairs, [part]), audit(pairs, [part], by=["vendor"])
    text = (
        f"schema_version: 1\nvocabulary: {plain.audit.vocabulary}\nverdicts:\n"
        "  - {concept: surface:bold, context: 'meta:vendor=acme', decision: suppress, by: me, date: 2026-01-31}\n"
    )
    assert parse(text, "v", by.audit).verdicts[0].context == "meta:vendor=acme"
    with pytest.raises(UndecidedError, match="--by vendor"):
        parse(text, "v", plain.audit)


def write_rows(path: Path, vendors: list[str]) -> Path:
    rows = [
        {
            "prompt": f"Question {i}?",
            "chosen": ("**Yes**" if v == "acme" else "Yes") + " indeed" * (i * 7 % 11) + f", {i}.",
            "rejected": ("Not" if v == "acme" else "**Not**") + " indeed" * (i * 5 % 11) + f", {i}.",
            "vendor": v,
        }
        for i, v in enumerate(vendors)
    ]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def test_missing_and_endless_numbers_of_a_table_are_borne(store_home, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    vendors = ["acme" if i % 3 else "bluebird" for i in range(120)]
    write_rows(tmp_path / "drop.jsonl", vendors)
    table = pd.read_json(tmp_path / "drop.jsonl", lines=True)
    table["score"] = [np.nan if i % 4 == 0 else i / 7 for i in range(120)]
    table["limit"] = [np.inf if i % 2 else 1.0 for i in range(120)]
    table["id"] = [f"r{i}" for i in range(120)]
    table.to_parquet(tmp_path / "drop.parquet")
    assert call(["audit", "drop.parquet", "--out", "a", "--by", "score,limit,vendor"]) == 0
    out = capsys.readouterr().out
    assert "(none) 25%" in out
    assert "by limit: 1 50%, inf 50%" in out
    assert call(["audit", "drop.parquet", "--out", "a"]) == 0


def test_the_verb_says_what_the_set_is_made_of(store_home, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    vendors = ["acme" if i % 3 else "bluebird" for i in range(120)]
    write_rows(tmp_path / "drop.jsonl", vendors)
    assert call(["audit", "drop.jsonl", "--out", "a"]) == 0
    assert "could be compared: --by vendor" in capsys.readouterr().err
    assert call(["audit", "drop.jsonl", "--out", "a", "--by", "vendor"]) == 0
    out = capsys.readouterr().out
    assert "by vendor: acme 67%, bluebird 33%" in out
    assert "+100.0 points where vendor is acme, -100.0 points where vendor is bluebird" in out
    assert call(["audit", "drop.jsonl", "--out", "a", "--by", "vendor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(v["value"], v["n"]) for v in found["metadata"][0]["values"]] == [("acme", 80), ("bluebird", 40)]
    assert any(h["context"] == "meta:vendor=acme" for h in found["findings"])
    # the rows are as they were and only the metadata is other: nothing old is served
    write_rows(tmp_path / "drop.jsonl", vendors)
    text = (tmp_path / "drop.jsonl").read_text()
    (tmp_path / "drop.jsonl").write_text(text.replace('"bluebird"', '"cicada"'))
    assert call(["audit", "drop.jsonl", "--out", "a", "--by", "vendor"]) == 0
    assert "cicada 33%" in capsys.readouterr().out
    assert call(["audit", "drop.jsonl", "--out", "a", "--by", "vendr"]) == 2
    assert "did you mean vendor?" in capsys.readouterr().err


def test_a_column_of_one_side_is_not_offered_and_said_where_it_is_asked_for(mixed):
    pairs, part = mixed
    votes = with_meta(pairs, votes_chosen=[i % 3 for i in range(600)], stars=[i % 2 for i in range(600)])
    assert audit(votes, [part]).audit.offered == ("stars",)
    found = audit(votes, [part], by=["votes_chosen", "stars"])
    said = [w for w in found.audit.warnings if "one side of the pair" in w]
    assert len(said) == 1
    assert said[0].startswith("column 'votes_chosen'")


def test_typical_prompts_are_near_the_middle_and_unlike_each_other(make_pairs):
    asked = ["how do I bake bread in an oven today"] * 3 + ["how do I bake bread in an oven, tomorrow"] * 3
    asked += ["which flour makes the best bread dough"] * 2 + ["unrelated moon"] + ["butter"]
    pairs = [
        replace(p, group=str(i), prompt=[{"role": "user", "content": text}])
        for i, (p, text) in enumerate(zip(make_pairs([str(i) for i in range(10)]).pairs, asked, strict=True))
    ]
    inside = csr_matrix(np.array([[1] * 10, [0] * 8 + [1, 0], [1, 1, 1] + [0] * 7, [0] * 10], dtype=bool))
    found = typical_rows(pairs, inside)
    first, second = (pairs[int(r.removeprefix("row"))].prompt[0]["content"] for r in found[0])
    assert first.startswith("how do I bake bread")
    assert second.startswith("which flour")
    assert [len(f) for f in found] == [2, 1, 1, 0]


@pytest.mark.parametrize("crossed", [True, False])
def test_values_that_say_nothing_are_findings_as_often_as_q_says(crossed):
    """60 sets of 150 prompts of three rows with four values, rows of a prompt alike, 20 concepts, none of them different.

    By row (annotators) or by whole prompt (vendors). Of 4,800 tests 5 % should have p < 0.05, of the sets no more than 5 %
    any q < 0.05; Monte Carlo errors 0.003 (twice as much with dependence) and 0.028.
    """
    rng = np.random.default_rng(3)
    small = tests = any_finding = 0
    codes = np.arange(150).repeat(3)
    for _ in range(60):
        value = rng.integers(0, 4, 450) if crossed else rng.integers(0, 4, 150)[codes]
        shared, own = rng.normal(size=(150, 20))[codes], rng.normal(size=(450, 20))
        u = ((shared + own) / np.sqrt(2) > 0.5).astype(np.float32) - (rng.random((450, 20)) < 0.3)
        inside = csr_matrix(np.array([value == k for k in range(4)]))
        found = inside_test(u, inside, codes)
        p = found.p[found.testable]
        small, tests = small + int((p < 0.05).sum()), tests + len(p)
        any_finding += int((bh(p) < 0.05).any())
    assert abs(small / tests - 0.05) < 3 * 0.006
    assert any_finding / 60 < 0.05 + 3 * 0.028


def test_what_turns_round_between_annotators_is_named_by_what_it_is_and_asked_about(make_pairs):
    """Two asterisks are two tokens more, in chosen by one annotator and in rejected by the other."""
    from offtarget.lens import surface

    rng = np.random.default_rng(0)
    words = ["river", "stone", "lamp", "garden", "window", "table", "letter", "paper"]
    pairs = []
    for i in range(240):
        texts = [" ".join(rng.choice(words, 20)) for _ in range(2)]
        by = "ann1" if i % 2 else "ann2"
        if rng.random() < 0.7:
            side = 0 if by == "ann1" else 1
            texts[side] = f"**{texts[side]}**"
        turns = [[{"role": "assistant", "content": t}] for t in texts]
        asked = [{"role": "user", "content": f"question {i} on {words[i % 8]}"}]
        pairs.append(Pair(str(i), f"g{i}", asked, *turns, meta={"annotator": by}))
    found = audit(PairSet("two", pairs), [surface.encode(pairs)], by=["annotator"])
    (column,) = found.audit.metadata
    lines = statements(found.audit, column)
    assert column.concepts[0] in ("surface:bold", "surface:markdown", "surface:bold_opener")
    assert "It turns round: a matter of taste, or of labels the wrong way round." in lines[0]
