"""Near-duplicates: pairs of texts whose similarity is known by count, and what two sets share."""

import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.data.near import jaccard, near_others, near_sets, shingles
from offtarget.data.nearly import find_near, find_overlap
from offtarget.data.pairs import Pair

WORDS = [f"w{i}" for i in range(400)]


def text(start: int, n: int, *more: str) -> str:
    return " ".join([*WORDS[start : start + n], *more])


def test_similarity_is_that_of_sets_of_three_words() -> None:
    # 22 words have 20 triples; two more at the end add two: 20 of 22 are shared
    assert jaccard(shingles(text(0, 22)), shingles(text(0, 24))) == pytest.approx(20 / 22)
    # a word changed in the middle changes the three triples that hold it: 17 shared of 23
    changed = text(0, 22).replace("w10 ", "x ")
    assert len(shingles(text(0, 22)) & shingles(changed)) == 17
    assert len(shingles(text(0, 22)) | shingles(changed)) == 23
    assert shingles("it is") == shingles("it is") != shingles("it was")
    assert shingles("") == frozenset()


@pytest.mark.parametrize("n", [10, 42, 82, 200])
def test_texts_are_near_from_the_threshold_on(n: int) -> None:
    """A text of n words has n - 2 triples; k words behind it leave (n - 2) of (n - 2 + k) shared."""
    most = (n - 2) // 4  # (n - 2) / (n - 2 + most) is the last at or above 0.8
    base = text(0, n)
    assert near_sets([base, base + " " + text(300, most)]) == [[0, 1]]
    assert near_sets([base, base + " " + text(300, most + 1)]) == []


def test_sets_of_near_texts_hold_different_texts_and_the_first_of_each() -> None:
    base = text(0, 60)
    texts = [base, text(100, 60), base + " end", base.upper(), "short", base + " end.", text(200, 60), "Short "]
    assert near_sets(texts) == [[0, 2, 5]]


def test_hardly_a_near_text_is_missed_and_none_that_is_not_near_is_found() -> None:
    """Of 200 pairs of texts at a similarity of 0.82 (82 of 100 triples) the bands miss one in 10,000."""
    texts = []
    for i in range(200):
        own = [f"{i}a{k}" for k in range(93)]
        texts += [" ".join(own), " ".join([*own[:84], *(f"{i}b{k}" for k in range(9))])]
    pair = jaccard(shingles(texts[0]), shingles(texts[1]))
    assert pair == pytest.approx(82 / 100)
    assert near_sets(texts) == [[2 * i, 2 * i + 1] for i in range(200)]


def test_each_text_gets_the_nearest_other_one_that_is_not_the_same() -> None:
    base = text(0, 60)
    others = [text(100, 60), base + " one two three", base + " one", "same"]
    assert near_others([base, text(200, 60), "SAME", base + "  ONE"], others) == {0: 2}


def said(role: str, content: str) -> Any:
    return [{"role": role, "content": content}]


def pair(name: str, prompt: str, chosen: str, rejected: str) -> Pair:
    return Pair(name, name, said("user", prompt), said("assistant", chosen), said("assistant", rejected))


def test_near_prompts_answers_and_rows_are_counted_and_listed() -> None:
    prompt, one, two = text(0, 40), text(50, 40), text(100, 40)
    pairs = [
        pair("a", prompt, one, two),
        pair("b", prompt + " so", one + " then", two),  # near in all three
        pair("c", prompt, one.upper(), two),  # the same as a
        pair("d", prompt, text(200, 40), two),
        pair("e", text(250, 40), one, "no"),
    ]
    found = find_near(pairs)
    assert (found.n_prompts, found.prompts) == (2, (("a", "b"),))
    assert (found.n_answers, found.answers) == (2, (("a/chosen", "b/chosen"),))
    assert (found.n_rows, found.rows) == (1, (("a", "b"),))


def test_what_a_test_set_shares_with_a_training_set(tmp_path: Path) -> None:
    long = text(0, 40)
    train = [("How so?", "A", "B"), (long, "A", "B"), ("Other?", "A", "B")]
    test = [
        ("how  so? ", "A", "B"),  # the same prompt, and the same pair
        ("How so?", "B", "a"),  # turned round
        ("How so?", "C", "D"),
        (long + " w", "A", "B"),
        ("New?", "A", "B"),
    ]
    sets = []
    for name, rows in (("train", train), ("test", test)):
        path = tmp_path / f"{name}.jsonl"
        lines = [{"id": f"{name}{i}", "prompt": p, "chosen": c, "rejected": r} for i, (p, c, r) in enumerate(rows)]
        path.write_text("\n".join(map(json.dumps, lines)))
        sets.append(load_pairs(str(path)))
    found = find_overlap(sets[1], sets[0])
    assert (found.against, found.n_against) == ("train.jsonl", 3)
    assert (found.n_rows, found.n_prompts, found.n_same_pairs) == (3, 1, 2)
    assert found.rows == (("test0", "train0"), ("test1", "train0"), ("test2", "train0"))
    assert (found.n_near_rows, found.n_near_prompts, found.near_rows) == (1, 1, (("test3", "train1"),))


def test_half_of_the_trial_s_test_prompts_stand_in_its_training_set(shared_data: Path) -> None:
    cases = shared_data.parent / "trials" / "cases"
    if not (cases / "30-test.jsonl").is_file():
        pytest.skip(f"{cases} is not available")
    found = find_overlap(load_pairs(str(cases / "30-test.jsonl")), load_pairs(str(cases / "30-train.jsonl")))
    assert (found.n_rows, found.n_prompts, found.n_near_rows) == (50, 50, 0)
