"""The lens `columns` on cells whose effects are worked out by hand."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import ConceptSpec, lens_identity
from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError, DataError
from offtarget.lens.column_kinds import Variable, decide, text, value_id
from offtarget.lens.columns import encode, offer, row_level
from offtarget.lens.features import FeatureMatrix

Cells = list[tuple[Any, Any]]


def pairs_of(meta: dict[str, list[Any]] | None = None, **sides: Cells) -> PairSet:
    """One pair for each cell; `*_NAME` is the stem of every column."""
    n = max(map(len, [*sides.values(), *(meta or {}).values()]))
    rows = [
        Pair(
            f"p{i}", f"g{i}", [], [], [],
            {k: v[i] for k, v in (meta or {}).items() if v[i] is not None},
            {f"*_{k}": v[i] for k, v in sides.items() if v[i] != (None, None)},
        )
        for i in range(n)
    ]  # fmt: skip
    return PairSet("made up", rows)


def effect(found: FeatureMatrix, name: str) -> float:
    """What the audit states: the mean of u over the rows that were read."""
    spec = ConceptSpec(f"columns:{name}", "feature", "columns", (f"columns:{name}",))
    return float(contrasts([found], [spec]).of_all(np.array([0])).mean())


def cautions(found: FeatureMatrix) -> str:
    return "\n".join(found.info["cautions"])


def ids(found: FeatureMatrix) -> list[str]:
    return [c.id.removeprefix("columns:") for c in found.columns]


def test_an_amount_is_the_mean_difference_of_the_two_sides() -> None:
    found = encode(pairs_of(score=[(5, 3), (4, 4), ("4.5", 2), (1.0, "3")] * 5))
    assert ids(found) == ["score"] and found.columns[0].unit == "units of score"
    assert effect(found, "score") == pytest.approx((2 + 0 + 2.5 - 2) / 4)
    assert found.info["variables"][0]["chosen_mean"] == pytest.approx((5 + 4 + 4.5 + 1) / 4)
    assert found.info["variables"][0]["higher_in_chosen"] == 0.5
    assert found.info["cautions"] == []


def test_a_row_with_a_missing_side_is_not_read_and_is_counted() -> None:
    full: Cells = [(5, 3), (8, 2)] * 4
    found = encode(pairs_of(score=[*full, (9, None), (None, 1), (None, None), (math.nan, 4)]))
    assert effect(found, "score") == pytest.approx(4), "on average, over the 8 of 12 rows with both sides"
    values = found.values["chosen", "value"].toarray()[8:]
    assert (values == found.values["rejected", "value"].toarray()[8:]).all()
    assert (values == 4.5).all(), "the mean of the others, so that a score is not stretched by zeros"
    assert found.info["variables"][0]["rows"] == 8
    assert found.not_read(0).tolist() == [False] * 8 + [True] * 4
    assert cautions(found).startswith("columns that say nothing of a side in some rows: score in 4 of 12;")


def test_names_are_one_presence_concept_a_value() -> None:
    found = encode(pairs_of(model=[("gpt", "llama")] * 12 + [("llama", "gpt")] * 3 + [("gpt", "gpt")] * 5))
    assert ids(found) == ["model=gpt", "model=llama"]
    assert found.columns[0].label == "model is gpt" and found.columns[0].contrast == "presence"
    assert effect(found, "model=gpt") == pytest.approx((12 - 3) / 20)
    assert effect(found, "model=llama") == pytest.approx((3 - 12) / 20)


def test_rare_values_are_one_concept_together_where_there_are_enough() -> None:
    cells: Cells = [("big", "small")] * 20 + [(f"rare {i}", "small") for i in range(6)]
    found = encode(pairs_of(model=cells))
    assert ids(found) == ["model=small", "model=big", "model=(any other)"]
    assert effect(found, "model=(any other)") == pytest.approx(6 / 26)
    few = encode(pairs_of(model=[*cells[:20], *cells[20:24]]))
    assert ids(few) == ["model=small", "model=big"], "4 rows are too few"


def test_a_value_needs_five_rows_and_one_in_a_hundred() -> None:
    cells: Cells = [("a", "b")] * 594
    assert ids(encode(pairs_of(model=[*cells, *[("c", "b")] * 5]))) == ["model=b", "model=a"], "of 599: 6"
    assert "model=c" in ids(encode(pairs_of(model=[*cells, *[("c", "b")] * 6])))


def test_no_more_than_thirty_values() -> None:
    cells: Cells = [(f"m{i:02}", "base") for i in range(40) for _ in range(6 + i)]
    found = encode(pairs_of(model=cells))
    assert len(found.columns) == 31 and ids(found)[-1] == "model=(any other)"
    assert "model=m39" in ids(found) and "model=m10" not in ids(found)


@pytest.mark.parametrize(
    ("yes", "no"), [(True, False), ("true", "False"), ("Yes", "no")], ids=["truths", "texts", "words"]
)
def test_truths_are_one_presence_concept(yes: Any, no: Any) -> None:
    found = encode(pairs_of(verified=[(yes, no)] * 7 + [(no, yes)] * 2 + [(no, no)] * 1))
    assert ids(found) == ["verified"] and found.columns[0].label == "verified is true"
    assert effect(found, "verified") == pytest.approx(0.5)


def test_wide_amounts_are_compared_on_a_log_scale() -> None:
    cells: Cells = [(10, 20), (1000, 500), (4000, 40), (200, 100)] * 5
    found = encode(pairs_of(tokens=cells))
    assert found.columns[0].contrast == "log" and found.columns[0].unit == "tokens"
    expected = np.mean([math.log((1 + a) / (1 + b)) for a, b in cells])
    assert effect(found, "tokens") == pytest.approx(expected, rel=1e-5)
    assert encode(pairs_of(score=[(1, 10), (9, 2)] * 5)).columns[0].contrast == "value"
    assert encode(pairs_of(change=[(-500, 4000), (20, 10)] * 5)).columns[0].contrast == "value"


def test_a_row_with_a_missing_side_of_a_wide_amount_is_not_read_either() -> None:
    cells: Cells = [(10, 20), (1000, 500), (4000, 40), (200, 100)] * 5
    whole = effect(encode(pairs_of(tokens=cells)), "tokens")
    assert effect(encode(pairs_of(tokens=[*cells, *[(7, None)] * 20])), "tokens") == pytest.approx(whole)


def test_seven_of_ten_is_seven() -> None:
    found = encode(pairs_of(grade=[("7/10", "5/10"), ("9 / 10", "3/10")] * 4))
    assert effect(found, "grade") == pytest.approx(4) and found.columns[0].unit == "units of grade (of 10)"
    plain = encode(pairs_of(grade=[("8.8/10", 4.5), ("3", "6/10")] * 4))
    assert effect(plain, "grade") == pytest.approx((4.3 - 3) / 2, abs=1e-6)


def test_of_different_wholes_shares_are_compared() -> None:
    found = encode(pairs_of(grade=[("7/10", "4/5"), ("9/10", "2/5")] * 4))
    assert effect(found, "grade") == pytest.approx((-0.1 + 0.5) / 2, abs=1e-6)
    assert found.columns[0].unit == "share of the most that grade can be"


def test_amounts_of_no_common_scale_make_no_concept() -> None:
    with pytest.raises(DataError, match=r"grade.*no common scale"):
        encode(pairs_of(grade=[("7/10", 85), ("9/10", 20)] * 4))


def test_a_few_cells_that_are_no_numbers_are_counted_and_nothing_breaks() -> None:
    cells: Cells = [(5, 3)] * 50 + [("good", 3), (math.inf, 2), (1e300, 1)]
    found = encode(pairs_of(score=cells))
    assert effect(found, "score") == pytest.approx(2)
    assert "column score: no amount that can be compared in 3 rows" in cautions(found)
    assert "score in 3 of 53; effects and shares are over the rows with both" in cautions(found)


def test_numbers_among_text_are_names_and_said() -> None:
    found = encode(pairs_of(level=[("high", 3), (2, "low")] * 10))
    assert ids(found) == ["level=2", "level=3", "level=high", "level=low"]
    assert "column level holds numbers and other text: each of its values is read as a name" in cautions(found)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([("a" * 50 + f" {i} " + "b" * 50, f"{i} " + "c" * 100) for i in range(20)], "long text"),
        ([(f"x{i}", f"y{i}") for i in range(20)], "40 values, none of them in 5 rows"),
        ([("v2", "v2")] * 20, "'v2' everywhere"),
        ([(i, i) for i in range(20)], "the same on both sides of every row"),
        ([("2024-01-02", f"2024-02-{i:02}T10:00:00Z") for i in range(1, 20)], "dates"),
        ([(1, 2)] * 3 + [(1, None)] * 20, "on both sides in 3 rows only"),
    ],
)
def test_what_makes_no_concept_is_named_with_the_reason(cells: Cells, why: str) -> None:
    assert decide("x", "*_x", cells) == why
    score: Cells = [(2, 1), (1, 3)] * len(cells)
    found = encode(pairs_of(x=cells, score=score[: len(cells)]))
    assert ids(found) == ["score"] and found.info["left_out"] == {"x": why}
    assert f"no concepts of lens 'columns': x ({why})" in cautions(found)
    with pytest.raises(DataError, match="nothing else in made up speaks of one side") as refused:
        encode(pairs_of(x=cells))
    assert f"x ({why})" in str(refused.value)


def test_moments_and_ids_are_no_amounts() -> None:
    moments: Cells = [(1_700_000_000 + i, 1_700_000_500) for i in range(20)]
    assert decide("created_utc", "created_utc_*", moments) == "dates"
    numbered: Cells = [(1000 + i, 5000 + i) for i in range(20)]
    assert isinstance(decide("annotator_id", "*_annotator_id", numbered), str)
    again = decide("annotator_id", "*_annotator_id", [(7, 8)] * 20)
    assert isinstance(again, Variable) and again.kind == "name" and again.values == ("7", "8")
    assert decide("time", "*_time", [(3, 4), (5, 4)] * 5) == Variable("time", "*_time", "amount", "units of time")


def test_a_score_that_is_the_label_is_said_to_be() -> None:
    found = encode(pairs_of(score=[(5, 3)] * 98 + [(3, 5)] * 2))
    assert "score is higher in chosen in 98.0% of the 100 rows that have it: it is likely what the label" in cautions(
        found
    )
    assert "lower in chosen in 96.0%" in cautions(encode(pairs_of(rank=[(1, 2)] * 96 + [(2, 1)] * 4)))
    assert cautions(encode(pairs_of(score=[(5, 3)] * 95 + [(3, 5)] * 5))) == ""
    best = encode(pairs_of(is_best=[(True, False)] * 20))
    assert best.columns[0].label == "best is true"
    assert "is_best is true of chosen and not of rejected in 100.0% of the 20 rows" in cautions(best)


def test_some_columns_alone_and_an_unknown_one() -> None:
    pairs = pairs_of(score=[(5, 3)] * 10, model=[("a", "b")] * 10, votes=[(2, 1)] * 10)
    assert ids(encode(pairs, "votes, score")) == ["score", "votes"]
    assert ids(encode(pairs_of(s_0=[(5, 3)] * 10, b=[(1, 2)] * 10), "s0")) == ["s_0"], "as the column is called"
    with pytest.raises(ConfigError, match="unknown column of --lens columns 'scroe': did you mean score"):
        encode(pairs, "scroe")


def test_columns_of_the_whole_pair_are_refused_with_the_way() -> None:
    meta = {"source": ["x", "y"] * 10, "language": ["en", "de"] * 10, "licence": ["mit"] * 20}
    with pytest.raises(DataError, match=r"source, language hold for the whole pair: use --by source,language"):
        encode(pairs_of(meta))
    with pytest.raises(DataError, match=r"what it has \(licence\) holds for the whole pair"):
        encode(pairs_of({"licence": ["mit"] * 20}))
    with pytest.raises(DataError, match="nothing but prompt, answers, id and group"):
        encode(PairSet("bare", [Pair("a", "a", [], [], [])]))
    some = pairs_of({**meta, "chosen_score": [5] * 20, "rejected_score": [3] * 20}, score=[(5, 3)] * 20)
    assert encode(some).info["row_level"] == row_level(some) == ["source", "language"]


def test_columns_of_two_answers_without_a_winner_are_said() -> None:
    meta = {"model_a": ["gpt", "bot"] * 10, "model_b": ["bot", "gpt"] * 10}
    with pytest.raises(DataError, match=r"model_a and model_b name two answers, .* not known"):
        encode(pairs_of(meta))


def test_two_columns_of_one_name_keep_their_own() -> None:
    rows = [Pair(f"p{i}", f"g{i}", [], [], [], {}, {"*_score": (2, 1), "score_*": (i % 3, 1)}) for i in range(9)]
    assert ids(encode(PairSet("twice", rows))) == ["side_score", "score_side"]


def test_a_later_set_is_read_by_the_columns_of_the_earlier_one() -> None:
    first = encode(pairs_of(score=[(5, 3)] * 10, model=[("gpt", "llama")] * 10))
    later = pairs_of(score=[(1, 2)] * 10, model=[("gpt", "claude")] * 8 + [("claude", "llama")] * 2)
    found = encode(later, "", first)
    assert lens_identity(found) == lens_identity(first)
    assert effect(found, "score") == -1 and effect(found, "model=gpt") == pytest.approx(0.8)
    assert effect(found, "model=llama") == pytest.approx(-0.2)
    without = encode(pairs_of(model=[("gpt", "llama")] * 10), "", first)
    assert effect(without, "score") == 0
    assert "column score of the earlier audit says nothing of both sides in any row here" in cautions(without)
    rows = [Pair(f"p{i}", f"g{i}", [], [], [], {}, {"score_*": (4, 1), "*_votes": (1, 2)}) for i in range(10)]
    renamed = encode(PairSet("renamed", rows), "", first)
    assert effect(renamed, "score") == 3, "score_chosen is what chosen_score was"
    assert renamed.info["left_out"] == {"votes": "not read in the earlier audit"}
    with pytest.raises(DataError, match="earlier reading of lens 'columns' is damaged"):
        encode(later, "", replace(first, info={"variables": [{}]}))
    with pytest.raises(ConfigError, match="the earlier audit read score, model"):
        encode(later, "score", first)


def test_values_are_hashed_so_that_an_audit_knows_other_columns() -> None:
    one, other = (encode(pairs_of(score=[(a, 3)] * 10)) for a in (5, 6))
    assert one.info["values_sha256"] != other.info["values_sha256"]


def test_texts_and_ids() -> None:
    assert [text(x) for x in (3, 3.0, "3.0", " a  b ", True, 76561198000000001)] == [
        "3", "3", "3", "a b", "True", "76561198000000001",
    ]  # fmt: skip
    assert value_id("gpt-4") == "gpt-4" and len(value_id("x" * 200)) == 89
    assert value_id("x" * 200) != value_id("x" * 201)


def test_the_lens_is_offered_where_it_could_read_something() -> None:
    assert offer(pairs_of(score=[(5, 3)] * 10, note=[(f"n{i}", "") for i in range(10)])) == (
        "columns that speak of one side: score; --lens surface,columns tests them too"
    )
    assert offer(pairs_of({"source": ["x", "y"] * 5})) is None
