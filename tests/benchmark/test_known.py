"""On a set of known truth an audit says what of it was found, and that the nulls were not."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offtarget.audit.run import audit
from offtarget.benchmark.known import known_truth, p_beside
from offtarget.data.loading import load_pairs
from offtarget.data.pairs import PairSet
from offtarget.data.truth import read_truth
from offtarget.errors import ConfigError
from offtarget.lens.surface import encode
from offtarget.report.claims import truth_line

CARD = """
name: made
title: A set that is made
source: {kind: path, path: rows.jsonl}
truth: truth.json.gz
evidence: made by a test
licence: Apache-2.0
redistribution: "yes"
preference_source: synthetic
language: en
adapter: {name: chosen_rejected}
"""
PIECES = {
    "bold": "**so**",
    "offer": "Let me know if you have any questions.",
    "aside": "(in brackets)",
    "goblin": "A goblin nods.",
}
RATES = {"bold": (0.5, 0.1), "offer": (0.1, 0.4), "goblin": (0.4, 0.1), "aside": (0.3, 0.3)}


@pytest.fixture()
def made(tmp_path: Path) -> Path:
    """Bold to chosen, offers to rejected, goblins to chosen (for which there is no rule), asides on both sides equally."""
    rng = np.random.default_rng(0)
    n = 240
    has = {
        name: [set(rng.permutation(n)[: round(rate * n)].tolist()) for rate in rates] for name, rates in RATES.items()
    }
    words = ["river", "stone", "lamp", "garden", "window", "table", "letter", "paper"]
    rows, truth = [], []
    for i in range(n):
        sides = []
        for side in range(2):
            text = " ".join(rng.choice(words, 12))
            for name in ("bold", "aside", "goblin", "offer"):
                text += f" {PIECES[name]}" if i in has[name][side] else ""
            sides.append(text)
        rows.append({"id": f"r{i}", "prompt": f"question {i}", "chosen": sides[0], "rejected": sides[1]})
        named = [[name for name in RATES if i in has[name][side]] for side in range(2)]
        truth.append({"id": f"r{i}", "chosen": named[0], "rejected": dict.fromkeys(named[1], "text")})
    concepts: dict[str, Any] = {
        name: {"label": name, "direction": None if c == r else "chosen" if c > r else "rejected"}
        for name, (c, r) in RATES.items()
    }
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with gzip.open(tmp_path / "truth.json.gz", "wt") as file:
        json.dump({"concepts": concepts, "rows": truth, "seed": 1}, file)
    (tmp_path / "made.yaml").write_text(CARD)
    return tmp_path / "made.yaml"


def test_the_planted_are_counted_and_the_nulls_are_not_found(made: Path) -> None:
    pairs = load_pairs(str(made))
    found = audit(pairs, [encode(pairs.pairs)])
    known = known_truth(found, pairs)
    assert known is not None
    by = {p.key: p for p in (*known.planted, *known.nulls)}
    assert by["bold"].found_by in ("overall:surface:bold", "overall:surface:markdown")
    assert by["offer"].found_by == "overall:surface:follow_up_offer"
    assert (by["bold"].chosen_rate, by["bold"].rejected_rate) == (0.5, 0.1)
    assert by["goblin"].found_by is None and by["aside"].found_by is None
    said = truth_line(found.audit.with_truth(known))
    assert said == (
        "Known truth: 3 concepts were planted, 2 found; not found: “goblin”. "
        "Of 1 null, put into both sides equally often, none was reported."
    )


def test_a_null_that_is_a_finding_is_a_false_alarm(made: Path) -> None:
    """Asides are said to be a null, but those of the rejected responses are gone."""
    pairs = load_pairs(str(made))
    lost = []
    for p in pairs.pairs:
        text = p.rejected[0]["content"].replace("(in brackets)", "")
        lost.append(replace(p, rejected=[{"role": "assistant", "content": text}]))
    changed = PairSet("made", lost, truth=pairs.truth)
    found = audit(changed, [encode(lost)])
    known = known_truth(found, changed)
    assert known and [p.key for p in known.reported] == ["aside"]
    assert "1 reported: aside." in truth_line(found.audit.with_truth(known))


def test_a_lean_that_the_planted_account_for_is_no_false_alarm() -> None:
    """u follows a null closely, and leans only through a planted concept."""
    rng = np.random.default_rng(1)
    n = 600
    null = rng.permutation(np.repeat([1, -1, 0], n // 3))
    planted = (rng.random(n) < 0.4).astype(int)
    u = 0.8 * null + 0.5 * planted + 0.1 * rng.normal(size=n)
    assert p_beside(u, planted[:, None], np.arange(n)) > 0.01
    assert p_beside(u, np.zeros((n, 1)), np.arange(n)) < 1e-6


def test_the_lean_beside_others_is_the_intercept_of_statsmodels() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    codes = np.repeat(np.arange(60), 3)
    x = rng.integers(-1, 2, (180, 2))
    u = 0.2 + x @ [0.5, -0.3] + rng.normal(size=60)[codes] + rng.normal(size=180)
    fit = sm.OLS(u, sm.add_constant(x)).fit(
        cov_type="cluster", cov_kwds={"groups": codes, "use_correction": False}, use_t=True
    )
    t = fit.tvalues[0] * np.sqrt(59 / 60)
    from scipy import stats

    assert p_beside(u, x, codes) == pytest.approx(2 * stats.t.sf(abs(t), 59), rel=1e-9)


def test_other_columns_or_other_rows_have_no_truth(made: Path) -> None:
    turned = load_pairs(str(made), columns={"chosen": "rejected", "rejected": "chosen"})
    assert turned.truth is None
    pairs = load_pairs(str(made))
    strange = PairSet(
        "made", [type(p)(f"x{p.id}", p.group, p.prompt, p.chosen, p.rejected) for p in pairs.pairs], truth=pairs.truth
    )
    found = audit(strange, [encode(strange.pairs)])
    assert known_truth(found, strange) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not json", "not JSON"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"concepts": {"a": {"label": "a", "direction": "up"}}, "rows": []}', "concepts.a.direction"),
        (b'{"concepts": {}}', "wrong: key 'rows' is missing"),
    ],
)
def test_a_wrong_truth_file_is_named_on_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "truth.json"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as e:
        read_truth(file)
    assert says in str(e.value) and str(file) in str(e.value) and "\n" not in str(e.value)


def test_a_truth_file_lies_beside_its_card(made: Path) -> None:
    made.write_text(CARD.replace("truth.json.gz", "../truth.json.gz"))
    with pytest.raises(ConfigError, match="inside it"):
        load_pairs(str(made))
    made.write_text(CARD.replace("truth.json.gz", "none.json.gz"))
    with pytest.raises(ConfigError, match="not there"):
        load_pairs(str(made))


@pytest.mark.parametrize(
    ("name", "planted", "nulls"), [("planted-style", 11, 4), ("planted-topics", 8, 4), ("planted-null", 0, 15)]
)
def test_the_sets_that_ship_name_their_truth(name: str, planted: int, nulls: int) -> None:
    pairs = load_pairs(name, limit=40)
    assert pairs.truth is not None
    truth = read_truth(pairs.truth)
    signs = [c.direction for c in truth.concepts.values()]
    assert (sum(s is not None for s in signs), signs.count(None)) == (planted, nulls)
    assert all(p.id in truth.rows for p in pairs.pairs)
