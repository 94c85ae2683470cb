"""The audit benchmark from a recipe to a board, with a method that a person added as one file."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offtarget import registry
from offtarget.audit.method import AuditInput, run_method
from offtarget.benchmark.board import audit_html, audit_markdown
from offtarget.benchmark.planting import coin_labels, grid_rates, plant_set, planter
from offtarget.benchmark.recipe import read_bench, validate_bench
from offtarget.benchmark.records import AuditBoard
from offtarget.benchmark.run import run_bench
from offtarget.benchmark.summary import audit_board
from offtarget.errors import ConfigError
from offtarget.lens import surface
from offtarget.store import Store

METHODS = '''"""Methods of a test."""
import numpy as np
from pathlib import Path
from offtarget.audit.method import Claim, audit_method
from offtarget.data.pairs import text_of
from offtarget.benchmark.planting import planter

CALLS = Path({calls!r})


def marks(about):
    return [p.replace("{{n}}", "1").replace("{{a}}", "a").replace("{{r}}", "i").strip() for p in about["surface"] + about["beyond"]]


def inserted(text, marks):
    return any(m in text for m in marks)


@audit_method(name="phrases", source="a test")
def phrases(given):
    """Knows every phrase."""
    CALLS.write_text(CALLS.read_text() + "x")
    if len(CALLS.read_text()) == {stop}:
        raise KeyboardInterrupt
    out = []
    for concept, about in planter().phrasings().items():
        of = marks(about)
        u = np.array([
            float(inserted(text_of(p.chosen), of)) - inserted(text_of(p.rejected), of)
            for p in given.pairs.pairs
        ])
        z = u.sum() / np.sqrt(max((u**2).sum(), 1))
        out.append(Claim(concept, concept, float(z), u, float(np.exp(-z * z / 2))))
    return out


@audit_method(name="broken", source="a test")
def broken(given):
    return [1 / 0]


@audit_method(name="short", source="a test")
def short(given):
    return [Claim("x", "x", 1.0, np.zeros(3))]


@audit_method(name="doubtful", source="a test")
def doubtful(given):
    return [Claim("x", "x", 1.0, np.zeros(len(given.pairs)), q=1.5)]


@audit_method(name="noisy", source="a test")
def noisy(given):
    return [Claim("x", "x", 1.0, np.random.default_rng(0).normal(size=len(given.pairs)), q=0.0)]
'''


@pytest.fixture()
def mine(tmp_path: Path) -> Iterator[Path]:
    """A registry folder with methods of one's own, and the file that counts calls."""
    folder = tmp_path / "mine" / "baselines" / "methods"
    folder.mkdir(parents=True)
    calls = tmp_path / "calls"
    calls.write_text("")
    (folder / "test_methods.py").write_text(METHODS.format(calls=str(calls), stop=3))
    before = registry.default()
    registry.use([tmp_path / "mine"])
    yield calls
    registry._default = before


RECIPE: dict[str, Any] = {
    "title": "a test",
    "methods": ["phrases", "lasso"],
    "power": {"differences": [30], "rejected": [5], "pairs": [200], "draws": 2},
    "discoveries": {"skip": ["lasso"], "sets": {"style": "style"}, "pairs": 200, "draws": 2},
    "shuffles": {"pairs": [200], "draws": 3, "plantings": 1},
}


def test_an_interrupted_benchmark_goes_on_and_what_is_finished_is_not_done_again(mine: Path, tmp_path: Path) -> None:
    recipe = validate_bench(RECIPE, "a test")
    store = Store(tmp_path / "store")
    with pytest.raises(KeyboardInterrupt):  # in the second set of the grid: the first call tries what u is read from
        run_bench(recipe, store)
    scored = run_bench(recipe, store)
    calls = len(mine.read_text())
    # stopped; the grid again; discoveries with and without insertion; shuffles: each block after one call that tries u
    assert calls == 3 + (1 + 2) + (1 + 2 * 2) + (1 + 3)
    again = run_bench(recipe, store)
    assert len(mine.read_text()) == calls and again == scored
    board = audit_board(recipe, scored, "offtarget bench-audits X")
    power = {p.method: p for p in board.power}
    assert power["phrases"].recall.value == 1.0 and power["phrases"].recall.n == 8
    assert power["phrases"].auroc.value == 1.0
    assert power["lasso"].detected.value is None and power["lasso"].detected.note == "ranks only"
    (row,) = board.discoveries
    assert row.recall.value == pytest.approx(9 / 11), "two concepts are sampled and hold no phrase"
    assert row.fdp.value == 0 and row.true > 7 and row.false == 0
    assert AuditBoard.model_validate_json(board.model_dump_json()) == board
    for text in (audit_markdown(board), audit_html(board)):
        assert "offtarget bench-audits X" in text and "phrases" in text


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("broken", r"test_methods\.py, line \d+: method 'broken' failed \(ZeroDivisionError"),
        ("short", r"u has shape \(3,\), but there are 40 pairs"),
        ("doubtful", r"q is 1.5"),
        ("phrase", "did you mean phrases"),
    ],
)
def test_a_method_that_cannot_be_scored_is_told_on_one_line(mine: Path, method: str, says: str) -> None:
    pairs = plant_set({}, 40, 0).pairs
    with pytest.raises(ConfigError, match=says) as e:
        run_method(method, AuditInput(pairs, {}))
    assert "\n" not in str(e.value)


def test_a_method_whose_u_is_not_read_from_the_texts_is_refused(mine: Path, tmp_path: Path) -> None:
    recipe = validate_bench({"title": "x", "methods": ["noisy"], "shuffles": RECIPE["shuffles"]}, "a test")
    with pytest.raises(ConfigError, match="'noisy', claim 'x': u differs between rows of equal text"):
        run_bench(recipe, Store(tmp_path / "store"))


def test_a_method_that_finds_things_in_shuffled_labels_has_no_recall(mine: Path, tmp_path: Path) -> None:
    recipe = validate_bench({**RECIPE, "methods": ["naive"], "discoveries": None}, "a test")
    scored = run_bench(recipe, Store(tmp_path / "store"))
    (shuffled,) = (s for s in scored if s.scenario.part == "shuffles")
    sure = dataclasses.replace(shuffled, draws=tuple({**d, "findings": 3} for d in shuffled.draws))
    board = audit_board(recipe, [*(s for s in scored if s is not shuffled), sure], "a test")
    for row in board.power:
        assert row.recall.value is None and row.recall.note == "finds in 100% of shuffles"
    assert "finds in 100% of shuffles" in audit_markdown(board)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"methods": ["overal"]}, "did you mean overall"),
        ({"methods": [{"words": {"min_shar": 3}}]}, "did you mean min_share"),
        ({"methods": ["naive", "naive"]}, "occurs twice"),
        ({"powr": {}}, "did you mean power"),
        ({"power": {"draw": 3}}, "did you mean power.draws"),
        ({"power": {"draws": 0}}, "power.draws: Input should be greater"),
        ({"power": {"skip": ["word"]}}, "did you mean words"),
        ({"discoveries": {"sets": {"x": {"emoji": [120, 0]}}}}, "less than or equal to 100"),
    ],
)
def test_a_wrong_recipe_is_told_by_its_key(change: dict[str, Any], says: str) -> None:
    raw = {"title": "x", "methods": ["overall"], "power": {}, **change}
    with pytest.raises(ConfigError, match=says):
        validate_bench(raw, "x.yaml")


def test_every_recipe_that_ships_is_valid() -> None:
    for entry in registry.default().entries("benchmark"):
        assert read_bench(entry.name)[0].title == entry.summary


def test_planted_counts_are_the_difference_and_half_lean_to_rejected() -> None:
    rates = grid_rates(4, 0.2, 0.1, 0.05, seed=3)
    planted = plant_set(rates, 400, 3)
    mean = {t.name: t.presence.mean() for t in planted.truths}
    assert sorted(mean[t.name] for t in planted.truths if t.sign) == pytest.approx([-0.1, -0.1, 0.1, 0.1])
    assert {t.name: mean[t.name] for t in planted.truths if not t.sign} == dict.fromkeys(planter().NULLS, 0.0)
    assert all(np.sign(mean[t.name]) == t.sign for t in planted.truths)


def test_a_large_set_is_several_plantings_of_the_same_prompts() -> None:
    planted = plant_set({"emoji": (0.2, 0.1)}, 2200, 1)
    ids = [p.id for p in planted.pairs.pairs]
    assert len(planted.pairs) == len(set(ids)) == 2200
    assert int(planted.codes.max()) + 1 == 1046
    prompts = {p.group: p.prompt for p in planted.pairs.pairs}
    assert all(prompts[p.group] == p.prompt for p in planted.pairs.pairs)
    assert planted.truths[0].presence.sum() == round(0.2 * 2092) - round(0.1 * 2092) + round(0.2 * 108) - round(
        0.1 * 108
    )


def test_a_set_without_insertion_has_the_same_rows_and_insertion_moves_only_what_it_touches() -> None:
    planted, plain = plant_set({"emoji": (0.4, 0.1)}, 200, 5, fill=False), plant_set({}, 200, 5)
    assert [p.id for p in planted.pairs.pairs] == [p.id for p in plain.pairs.pairs]
    assert (planted.swapped == plain.swapped).all()
    at = planted.surface.position("surface:emoji")
    moved = {
        side: (planted.surface.values[side, "value"] - plain.surface.values[side, "value"]).tocsc()
        for side in ("chosen", "rejected")
    }
    same = planted.surface.position("surface:code_block")
    assert moved["chosen"][:, same].nnz == moved["rejected"][:, same].nnz == 0
    assert 0 < (moved["rejected"][:, at] > 0).sum() < (moved["chosen"][:, at] > 0).sum() <= 80


def test_a_coin_turns_the_rows_of_a_prompt_together_with_their_features() -> None:
    planted = plant_set({"emoji": (0.2, 0.1)}, 2200, 1)
    turned = coin_labels(planted, 7)
    read = surface.encode(turned.pairs.pairs)
    for key, matrix in read.values.items():
        assert abs(matrix - turned.surface.values[key]).max() < 1e-12, key
    by_prompt: dict[str, set[bool]] = {}
    for p, swapped in zip(turned.pairs.pairs, turned.swapped, strict=True):
        by_prompt.setdefault(p.group, set()).add(bool(swapped))
    assert all(len(v) == 1 for v in by_prompt.values())
    assert 0.45 < np.mean([v == {True} for v in by_prompt.values()]) < 0.55


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_overall_view_reaches_the_figures_of_the_benchmark_for_what_a_rule_can_see(tmp_path: Path) -> None:
    recipe, _ = read_bench("aims", ["methods=[overall, overall_words]"])
    board = audit_board(recipe, run_bench(recipe, Store(tmp_path)), "a test")
    aims, with_words = board.aims
    assert with_words.recall.value > aims.recall.value, "words see what no rule was written for"
    assert aims.recall_ruled.n > 150 and aims.recall_ruled.value >= 0.95
    for d in board.discoveries:
        assert d.fdp.value is not None and d.fdp.ci is not None
        assert d.draws == 100 and d.null_claims >= 5
        error = (d.fdp.ci[1] - d.fdp.value) / 2
        assert d.fdp.value <= 0.1 + 2 * error, d.planting
    for s in board.shuffles:
        assert s.shuffles == 500
        assert s.any_finding.value <= 0.05 + 2 * (0.05 * 0.95 / 500) ** 0.5, s.pairs
