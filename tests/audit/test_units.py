"""The unit of the tests: prompts, or templates where what tells the sides apart goes by template."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from offtarget.audit.concepts.same_prompts import merge_same
from offtarget.audit.statistics.flips import flip_p
from offtarget.audit.statistics.means import bh, group_codes, group_sums, mean_test
from offtarget.audit.stock import find_stock, hold_beside
from offtarget.audit.units import by_prompt, differ, find_units
from offtarget.cli.main import call
from offtarget.data.loading import load_pairs
from offtarget.data.pairs import Pair, PairSet, prompt_group
from offtarget.data.templates import of_weight
from offtarget.errors import UndecidedError

FRAMES = [
    "Write a poem about {}", "Tell me a joke about {}", "Give me five facts about {}", "Explain the history of {}",
    "Compose a short song about {}", "List common myths about {}", "Describe the taste of {}", "Draft a tweet concerning {}",
    "Invent a riddle about {}", "Suggest a title involving {}", "Name three books about {}", "Create a slogan for {}",
    "Sketch a painting of {}", "Summarise the science of {}", "Recommend a film about {}", "Plan a lesson about {}",
    "Find a rhyme with {}", "Imagine a world without {}", "Teach a child about {}", "Sell me some fresh {}",
]  # fmt: skip
N_CONCEPTS = 15


def pairs_of(prompts: list[str], first: int = 0) -> list[Pair]:
    out = []
    for i, text in enumerate(prompts, start=first):
        prompt: Any = [{"role": "user", "content": text}]
        answers: Any = [[{"role": "assistant", "content": f"{x}{i}"}] for x in "ab"]
        out.append(Pair(f"r{i}", prompt_group(prompt), prompt, *answers))
    return out


def filled(n_templates: int, n_fills: int) -> list[Pair]:
    return pairs_of([f.format(f"thing {i}") for f in FRAMES[:n_templates] for i in range(n_fills)])


def draws(n_templates: int, n_fills: int, rng: np.random.Generator, by: str) -> NDArray[np.float64]:
    """u of answers that differ in all concepts, labelled by a coin for each template, or for each row."""
    n = n_templates * n_fills
    difference = rng.normal(0, 0.5, N_CONCEPTS) + rng.normal(0, 1, (n, N_CONCEPTS))
    coins = rng.choice([-1.0, 1.0], n_templates if by == "template" else n)
    return difference * (np.repeat(coins, n_fills) if by == "template" else coins)[:, None]


def share(hits: int, of: int, at_most: float) -> None:
    """A share of simulations is no larger than it may be, by three Monte Carlo errors."""
    assert hits / of <= at_most + 3 * math.sqrt(at_most * (1 - at_most) / of), f"{hits} of {of}"


def test_labels_by_template_give_no_false_findings_and_labels_by_row_keep_the_prompts() -> None:
    """60 draws each: with prompts as units nearly every set labelled by template has findings."""
    rng = np.random.default_rng(0)
    pairs = filled(20, 10)
    groups, found = [p.group for p in pairs], of_weight(pairs)
    prompts, template = group_codes(groups), np.repeat(np.arange(20), 10)
    false = {"prompt": 0, "chosen": 0, "row": 0}
    apart = kept = 0
    for i in range(60):
        u = draws(20, 10, rng, "template")
        by_template = differ(u, groups, found, seed=i) < 0.01
        apart += by_template
        false["prompt"] += bool((bh(mean_test(u, prompts).p) < 0.05).any())
        false["chosen"] += bool((bh(mean_test(u, template if by_template else prompts).p) < 0.05).any())
        u = draws(20, 10, rng, "row")
        by_template = differ(u, groups, found, seed=i) < 0.01
        kept += not by_template
        false["row"] += bool((bh(mean_test(u, template if by_template else prompts).p) < 0.05).any())
    assert false["prompt"] > 12
    share(false["chosen"], 60, 0.05)
    share(false["row"], 60, 0.05)
    assert apart >= 58
    assert kept >= 57


def test_the_unit_is_the_template_where_templates_differ_and_the_prompt_where_not() -> None:
    rng = np.random.default_rng(1)
    pairs = filled(20, 10)
    units = find_units(PairSet("x", pairs), draws(20, 10, rng, "template"), seed=0)
    assert len(set(units.names)) == 20
    assert units.names[0] == "template: write a poem about thing …"
    assert "each template is one unit" in units.notes[0] and "as good as 20 units" in units.notes[0]
    units = find_units(PairSet("x", pairs), draws(20, 10, rng, "row"), seed=0)
    assert units.names == tuple(p.group for p in pairs)
    assert "each prompt is a unit" in units.notes[0]


def test_few_templates_that_differ_cannot_be_decided_and_a_single_one_speaks_for_itself() -> None:
    rng = np.random.default_rng(2)
    coin = np.repeat([1.0, -1.0, 1.0, -1.0, 1.0], 20)
    with pytest.raises(UndecidedError, match=r"5 templates .* as good as 5 units .* group=prompt"):
        find_units(PairSet("x", filled(5, 20)), (1 + rng.normal(0, 1, (100, 3))) * coin[:, None], seed=0)
    units = find_units(PairSet("x", filled(1, 60)), rng.normal(0, 1, (60, 3)), seed=0)
    assert len(set(units.names)) == 60
    assert "fill one template (“write a poem about thing …” 60)" in units.notes[0]


def test_a_unit_that_a_column_gives_stays_and_a_few_templates_in_a_large_set_are_no_matter() -> None:
    rng = np.random.default_rng(3)
    pairs = [Pair(p.id, f"text {i}", p.prompt, p.chosen, p.rejected) for i, p in enumerate(filled(20, 10))]
    assert not by_prompt(pairs)
    assert find_units(PairSet("x", pairs), draws(20, 10, rng, "template"), seed=0).notes == ()
    others = pairs_of([f"{'x' * i} {i} is another question, number {i * i}?" for i in range(200)], first=18)
    some = [*filled(3, 6), *others]
    assert find_units(PairSet("x", some), rng.normal(0, 1, (len(some), 3)), seed=0).notes == ()


def test_templates_that_differ_are_compared_with_all_rows_of_a_prompt_together() -> None:
    """Each prompt has five rows that go along: dealt out row by row they would look like a difference of templates."""
    rng = np.random.default_rng(4)
    pairs = [p for p in filled(10, 8) for _ in range(5)]
    found = of_weight(pairs)
    low = sum(
        differ(np.repeat(rng.normal(0, 1, (80, 4)), 5, axis=0), [p.group for p in pairs], found, seed=i) < 0.05
        for i in range(100)
    )
    share(low, 100, 0.05)


def test_topics_of_one_template_or_of_the_same_prompts_are_one() -> None:
    pairs = [*filled(2, 12), *pairs_of([f"{'y' * i} {i}?" for i in range(16)])]
    groups = [p.group for p in pairs]
    codes = np.array([0, 1] * 6 + [2] * 12 + [3] * 15 + [-1])
    new = merge_same(codes, groups, of_weight(pairs))
    assert new[:12].tolist() == [0] * 12  # one template
    assert new[12:24].tolist() == [2] * 12  # another
    assert new[24:].tolist() == [3] * 15 + [-1]
    prompts = [f"p{i}" for i in range(10)] * 4  # four answers to each of ten prompts, a topic for each answer
    assert len(set(merge_same(np.repeat([0, 1, 2, 3], 10), prompts, []).tolist())) == 1
    halves = [f"p{i}" for i in range(40)]
    assert merge_same(np.repeat([0, 1, 2, 3], 10), halves, []).tolist() == np.repeat([0, 1, 2, 3], 10).tolist()


@pytest.fixture()
def audited(tmp_path: Path, store_home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def run(rows: list[dict[str, str]], *more: str) -> tuple[int, dict[str, Any], str]:
        path = tmp_path / "mine.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)))
        code = call(["audit", str(path), "--out", str(tmp_path / "out"), "--json", *more])
        said = capsys.readouterr()
        return code, json.loads(said.out) if code == 0 else {}, said.err

    return run


def canned(n_texts: int, n_prompts: int) -> list[Pair]:
    """Every prompt with every one of some texts as the one answer, and an answer of its own as the other."""
    out = []
    for i in range(n_prompts):
        prompt: Any = [{"role": "user", "content": f"{'q' * i} and {i * i}?"}]
        for k in range(n_texts):
            sides: Any = [[{"role": "assistant", "content": x}] for x in (f"stock {k}", f"own {i}")]
            out.append(Pair(f"r{i}-{k}", prompt_group(prompt), prompt, *sides))
    return out


def test_what_only_some_of_ten_stock_answers_show_is_no_finding() -> None:
    """Labels by a coin for each of ten texts, which all prompts share: by prompts alone nearly all sets have findings."""
    rng = np.random.default_rng(6)
    pairs = canned(10, 40)
    prompts = group_codes([p.group for p in pairs])
    (texts,) = find_stock(pairs, prompts).by_text
    assert int(texts.max()) + 1 == 10
    assert len(set(zip(prompts.tolist(), texts.tolist(), strict=True))) == 400
    text = np.tile(np.arange(10), 40)
    by_prompt_alone = both = 0
    for _ in range(60):
        shown = rng.normal(0, 1, (10, N_CONCEPTS))  # what the texts show, beside what the others do
        u = (shown[text] - rng.normal(0, 1, (400, N_CONCEPTS))) * rng.choice([-1.0, 1.0], 10)[text][:, None]
        p = flip_p(group_sums(u, prompts, 40))
        by_prompt_alone += bool((bh(p) < 0.05).any())
        both += bool((bh(np.maximum(p, flip_p(group_sums(u, texts, 10)))) < 0.05).any())
    assert by_prompt_alone > 50
    share(both, 60, 0.05)


def test_rows_without_a_stock_answer_keep_their_unit() -> None:
    pairs = canned(10, 20)
    for i in range(20, 60):
        pairs += canned(1, i + 1)[-1:]
        pairs[-1].chosen[0]["content"] = f"another {i}"
    codes = group_codes([p.group for p in pairs])
    (new,) = find_stock(pairs, codes).by_text
    assert len(set(new[:200].tolist())) == 10
    assert len(set(new[200:].tolist())) == 40
    assert find_stock(pairs[200:], codes[200:]).records == ()


def refusing(n: int, share: float, texts: list[str], rng: np.random.Generator) -> list[dict[str, str]]:
    """Rows of no lean, but that stock answers stand for a share of the rejected ones."""
    words = ["sun", "moon", "sea", "hill", "stone", "river", "cloud", "road"]
    rows = []
    for i in range(n):
        own = [f"{' '.join(rng.choice(words, 10)).capitalize()}, {i}{x}." for x in "ab"]
        rejected = texts[int(rng.integers(len(texts)))] if i < share * n else own[1]
        rows.append({"prompt": f"{'q' * i} and {i * i}?", "chosen": own[0], "rejected": rejected})
    return rows


def as_pairs(rows: list[dict[str, str]]) -> list[Pair]:
    out = []
    for i, r in enumerate(rows):
        said: Any = [[{"role": "assistant", "content": r[side]}] for side in ("chosen", "rejected")]
        prompt: Any = [{"role": "user", "content": r["prompt"]}]
        out.append(Pair(f"r{i}", prompt_group(prompt), prompt, *said))
    return out


def test_few_stock_answers_part_the_rows_and_their_shares_are_counted() -> None:
    rows = refusing(200, 0.4, ["No, sorry."], np.random.default_rng(8))
    rows[199]["chosen"] = "no,  SORRY."
    found = find_stock(as_pairs(rows), np.arange(200))
    assert found.without is not None and found.without.sum() == 120
    (record,) = found.records
    assert (record.side, record.n_texts, record.texts) == ("rejected", 1, ("No, sorry.",))
    assert (record.chosen_rate, record.rejected_rate) == (0.005, 0.4)
    assert (record.tested, record.n_without) == ("without", 120)
    almost_all = find_stock(as_pairs(refusing(200, 0.9, ["No."], np.random.default_rng(8))), np.arange(200))
    assert (almost_all.records[0].tested, almost_all.enough) == ("no", False)


def test_labels_of_no_lean_beside_one_stock_answer_give_no_more_false_findings_than_they_may() -> None:
    """100 draws: one text makes 40 % of a side; it has whatever it has, and other rows are labelled by coins."""
    rng = np.random.default_rng(9)
    pairs = as_pairs(refusing(200, 0.4, ["No, sorry."], rng))
    codes, top = np.arange(200), np.arange(0)
    stock = find_stock(pairs, codes)
    false = {"by prompt": 0, "beside": 0, "lean": 0}
    for _ in range(100):
        u = rng.normal(0, 1, (200, N_CONCEPTS))
        u[:80] -= rng.normal(0, 1, N_CONCEPTS)  # what the one text has
        p, ci = flip_p(u), np.zeros((N_CONCEPTS, 2))
        beside = hold_beside(stock, codes, u, p, ci, top, seed=0)
        assert (beside.p >= p).all()
        false["by prompt"] += bool((bh(p) < 0.05).any())
        false["beside"] += bool((bh(beside.p) < 0.05).any())
        u[:, 0] += 0.6  # a lean of all rows
        beside = hold_beside(stock, codes, u, flip_p(u), ci, top, seed=0)
        false["lean"] += bool(bh(beside.p)[0] < 0.05)
    assert false["by prompt"] > 90
    share(false["beside"], 100, 0.05)
    assert false["lean"] > 75


def test_intervals_beside_a_stock_answer_leave_out_zero_where_p_is_small() -> None:
    rng = np.random.default_rng(10)
    pairs = as_pairs(refusing(100, 0.3, ["No, sorry."], rng))
    codes, top = np.arange(100), np.arange(3)
    u = rng.normal([0.0, 0.8, -0.6], 1, (100, 3))
    u[:30, 2] += 1.5  # the text leans against the rest
    out = hold_beside(find_stock(pairs, codes), codes, u, flip_p(u), np.tile([-9.0, 9.0], (3, 1)), top, seed=0)
    assert out.effect_without is not None
    assert out.effect_without.tolist() == pytest.approx(u[30:].mean(axis=0).tolist())
    assert out.p[1] < 0.05
    assert out.p[2] > 0.05


def test_an_audit_says_what_one_text_brings_and_finds_what_the_other_rows_show(
    audited: Callable[..., Any], tmp_path: Path
) -> None:
    """150 of 400 rejected answers are one refusal; every second other chosen answer is bold."""
    rng = np.random.default_rng(11)
    rows = refusing(400, 0.375, ["I'm sorry, but I can't help with that."], rng)
    code, found, err = audited(rows)
    assert code == 0
    assert "must hold in the 250 rows without such texts too" in err
    assert [f for f in found["findings"] if f["view"] == "overall"] == []
    head = found["statements"][0]
    assert head["side"] == "down"
    assert (
        head["text"]
        .replace("\u202f", " ")
        .startswith(
            "One text, “I'm sorry, but I can't help with that.”, makes 37.5 % of rejected and 0.0 % of chosen answers."
        )
    )
    assert "What rests on this one text cannot be told apart as a habit." in head["text"]
    assert "in 0.0 % of chosen, 37.5 % of rejected responses" in head["along"].replace("\u202f", " ")
    length = next(s["text"] for s in found["statements"] if s["text"].startswith("Length"))
    assert "cannot tell: it rests on one text" in length
    page = (tmp_path / "out" / "report.html").read_text()
    assert "One text, “I" in page and "more rest on one text" in page
    for false in ("no lean in length was found", "nothing leans at"):
        assert false not in err + page + json.dumps(found)

    for i, row in enumerate(rows):
        if i % 2:
            row["chosen"] = f"**{row['chosen']}**"
    code, found, _ = audited(rows)
    told = {f["concept"] for f in found["findings"] if f["view"] == "overall"}
    assert "surface:bold" in told
    assert "surface:refusal" not in told


def test_the_texts_of_one_side_do_not_speak_where_both_sides_hold_them_alike(audited: Callable[..., Any]) -> None:
    rng = np.random.default_rng(12)
    rows = refusing(400, 0.4, ["I'm sorry, but I can't help with that."], rng)
    for row in rows:
        if rng.random() < 0.5:
            row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    code, found, _ = audited(rows)
    assert code == 0
    assert [f for f in found["findings"] if f["view"] == "overall"] == []
    assert "rests on" not in json.dumps(found["statements"])


def test_an_audit_of_ten_stock_answers_finds_what_all_show_and_not_what_one_shows(audited: Callable[..., Any]) -> None:
    rng = np.random.default_rng(7)
    texts = [f"I'm sorry, I can't help with number {'i' * k}." for k in range(1, 10)] + ["I'm sorry, I can't: **no**."]
    rows = []
    for i in range(40):
        own = " ".join(rng.choice(["sun", "moon", "sea", "hill", "stone"], 12))
        rows += [{"prompt": f"{own} {i}?", "chosen": t, "rejected": f"{own.capitalize()}, {i}."} for t in texts]
    code, found, err = audited(rows)
    assert code == 0
    assert "10 texts make all of chosen, which is as good as 10 different answers" in err
    told = {f["concept"] for f in found["findings"] if f["view"] == "overall"}
    assert {"surface:refusal", "surface:apology"} <= told
    assert "surface:bold" not in told  # one text of ten, though in 40 rows of 40 prompts


def test_an_audit_of_few_templates_says_so_and_a_column_overrules_it(audited: Callable[..., Any]) -> None:
    rng = np.random.default_rng(5)
    coins = [True, False, True, False, True]
    rows = []
    for frame, coin in zip(FRAMES, coins, strict=False):
        for i in range(20):
            sides = [f"**Yes**, {' '.join(rng.choice(['sun', 'moon', 'sea', 'hill'], 20))}.", f"No, {i} it is not."]
            rows.append({"prompt": frame.format(f"thing {i}"), "chosen": sides[not coin], "rejected": sides[coin]})
    code, _, err = audited(rows)
    assert code == 3
    assert "5 templates" in err and "as good as 5 units of equal size" in err and "--columns group=prompt" in err
    code, found, _ = audited(rows, "--columns", "group=prompt")
    assert code == 0
    assert found["dataset"]["n_groups"] == 100


def test_usual_sets_keep_their_prompts_as_units(shared_data: Path) -> None:
    """One pair of answers of the first set is under two prompts."""
    for name, linked in (("hh_rlhf_harmless_base_test", 1), ("community_alignment_en", 0), ("ultrafeedback_small", 0)):
        pairs = load_pairs(str(shared_data / name / "pairs.jsonl.gz"))
        units = find_units(pairs, np.zeros((len(pairs), 1)), seed=0)
        assert units.notes == ()
        assert sum(u != p.group for u, p in zip(units.names, pairs.pairs, strict=True)) == linked
