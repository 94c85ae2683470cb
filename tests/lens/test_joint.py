"""Directions that are fitted together answer to their own contrast, not to those of others and not to length."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from offtarget.errors import UndecidedError
from offtarget.lens.directions.encode import encode_directions
from offtarget.lens.directions.examples import ConceptExamples, read_concepts
from offtarget.lens.directions.fit import GOOD_AUROC, mean_difference
from offtarget.lens.directions.fitted import FACTS, SHIPPED_FIT, fit_layer, fitted, identity, load, save
from offtarget.lens.directions.joint import RIDGE, Answers, joint_vectors, responses
from offtarget.lens.reader import Reader
from offtarget.models import resolve
from offtarget.store import Store

D, N = 12, 60
A, B, LONGER, PROMPTS = np.eye(D)[:4]


def concept(name: str, n: int = N, **more: object) -> ConceptExamples:
    examples = [{"prompt": f"{name} {i}", "positive": "yes", "negative": "no"} for i in range(n)]
    return ConceptExamples.model_validate({"concept": name, "label": name, "examples": examples, **more})


def answers(shift: NDArray[np.float64], seed: int) -> Answers:
    """Two answers to each of N prompts that differ by `shift`; every prompt has its own place, halves lack LONGER."""
    rng = np.random.default_rng(seed)
    where = 20 * rng.normal(size=(N, 1)) * PROMPTS
    positive, negative = (where + s * shift + 0.3 * rng.normal(size=(N, D)) for s in (0.5, -0.5))
    grown = rng.uniform(0.5, 1.5, size=(N, 1)) * LONGER
    return Answers(positive, negative, positive - grown, negative - grown)


def both() -> tuple[list[ConceptExamples], list[Answers], list[NDArray[np.bool_]]]:
    """The examples of b also have a, as flattery has enthusiasm, and those of a are longer."""
    return (
        [concept("a"), concept("b")],
        [answers(A + 0.8 * LONGER, 0), answers(B + 0.8 * A, 1)],
        [np.ones(N, bool), np.ones(N, bool)],
    )


def test_a_direction_does_not_answer_to_the_contrast_of_another() -> None:
    concepts, found, all_rows = both()
    w = joint_vectors(concepts, found, all_rows)
    assert np.linalg.norm(w, axis=0) == pytest.approx(1, abs=1e-5)
    # contrast b is B + 0.8 A: without ridge the direction of b is B, and that of a is A - 0.8 B, which does not see it
    assert abs(w[:, 1] @ A) < 0.25 * abs(w[:, 1] @ B)
    assert abs(w[:, 0] @ (B + 0.8 * A)) < 0.35 * abs(w[:, 0] @ A)
    alone = mean_difference(found[1].positive, found[1].negative)
    assert alone @ A > 0.7 * (alone @ B), "the difference of means takes along what goes the same way"


def test_the_fit_is_scikit_learns_ridge_regression_of_differences_within_prompts() -> None:
    from sklearn.linear_model import Ridge

    concepts, found, all_rows = both()
    x, y = [], []
    for k, part in enumerate(found):
        half = (part.positive - part.negative) / 2  # two answers to a prompt lie this far from their mean
        for sign, side, start in ((1, part.positive, part.positive_start), (-1, part.negative, part.negative_start)):
            x += [sign * half, side - start]
            y += [np.tile(sign * np.eye(2)[k] / 2, (N, 1)), np.zeros((N, 2))]
    rows = np.concatenate(x)
    alpha = RIDGE * np.trace(rows.T @ rows) / D
    fit = Ridge(alpha=alpha, fit_intercept=False, solver="svd").fit(rows, np.concatenate(y))
    expected = fit.coef_.T / np.linalg.norm(fit.coef_.T, axis=0)
    np.testing.assert_allclose(joint_vectors(concepts, found, all_rows), expected, atol=1e-5)


def test_a_direction_does_not_answer_to_more_of_the_same_text() -> None:
    concepts, found, all_rows = both()
    w = joint_vectors(concepts, found, all_rows)
    alone = mean_difference(found[0].positive, found[0].negative)
    assert alone @ LONGER > 0.7 * (alone @ A)
    assert abs(w[:, 0] @ LONGER) < 0.25 * (w[:, 0] @ A)


def test_what_a_prompt_is_about_does_not_matter() -> None:
    """Prompts lie twenty standard deviations apart, also where positive and negative answers are to other prompts."""
    concepts, found, all_rows = both()
    w = joint_vectors(concepts, found, all_rows)
    moved = [Answers(*(x + 50 * np.arange(N)[:, None] * PROMPTS for x in vars(part).values())) for part in found]
    np.testing.assert_allclose(joint_vectors(concepts, moved, all_rows), w, atol=1e-4)


def test_answers_alone_at_their_prompts_are_compared_with_one_another() -> None:
    rng = np.random.default_rng(2)
    examples = [{"prompt": f"p{i}", "positive": "yes"} for i in range(40)]
    examples += [{"prompt": f"n{i}", "negative": "no"} for i in range(40)]
    c = ConceptExamples.model_validate({"concept": "a", "label": "a", "examples": examples})
    x = 0.1 * rng.normal(size=(80, D)) + np.repeat([0.5, -0.5], 40)[:, None] * A
    w = joint_vectors([c], [Answers(x, x, x, x)], [np.ones(80, bool)])[:, 0]
    assert w @ A > 0.9


def test_alike_examples_are_undecided() -> None:
    same = np.ones((N, D))
    with pytest.raises(UndecidedError, match="'a' have the same mean activation"):
        joint_vectors([concept("a")], [Answers(same, same, same, same)], [np.ones(N, bool)])


def test_response_is_the_paired_d() -> None:
    """Differences 1, 2, 3: mean 2, standard deviation 1; a row without an answer does not count."""
    positive = np.array([[1.0, 0], [2, 0], [3, 1], [9, 9]])
    negative = np.array([[0.0, 0], [0, 1], [0, 3], [np.nan, np.nan]])
    found = responses([(positive, negative), (positive[:1], negative[:1])])
    assert found[0] == pytest.approx([2, -1])
    assert np.isnan(found[1]).all(), "one pair has no spread"


@pytest.fixture()
def read(tiny_model: Path, store_home: Path) -> Reader:
    return Reader(resolve(str(tiny_model)), Store(), dtype="float32")


def worded(name: str, positive: Callable[[int], str], negative: Callable[[int], str]) -> ConceptExamples:
    examples = [{"prompt": f"Say {i}", "positive": positive(i), "negative": negative(i)} for i in range(24)]
    held_out = [{"prompt": f"Tell {i}", "positive": positive(i + 50), "negative": negative(i + 50)} for i in range(6)]
    return ConceptExamples.model_validate({"concept": name, "label": name, "examples": examples, "held_out": held_out})


CONCEPTS = (
    worded("loud", lambda i: f"It is {i}!!! Yes, {i}!!!", lambda i: f"It is {i}. Yes, {i}."),
    worded("listed", lambda i: f"- one {i}\n- two {i}\n- three", lambda i: f"one {i}, two {i} and three"),
    # as loud as the first, and with a word more
    worded("glad", lambda i: f"How glad I am, {i}!!!", lambda i: f"There are {i} of them."),
)


def test_on_held_out_contrasts_the_own_direction_answers_most(read: Reader) -> None:
    fit = fit_layer(CONCEPTS, 2, read)
    assert (np.abs(fit.unseen).argmax(axis=1) == np.arange(3)).all()
    assert (np.abs(fit.other_style).argmax(axis=1) == np.arange(3)).all()
    for d, k in zip(fit.directions, range(3), strict=True):
        assert d.auroc > 0.9 and d.other_style is not None and d.other_style > 0.9
        assert d.d == pytest.approx(fit.unseen[k, k])
        assert d.loudest is not None and d.loudest[0] != d.concept.concept
        assert abs(d.loudest[1]) < 0.5 * d.d
    apart = [c.model_copy(update={"method": "mean_difference"}) for c in CONCEPTS]
    off = ~np.eye(3, dtype=bool)
    assert np.abs(fit.unseen[off]).mean() < 0.5 * np.abs(fit_layer(apart, 2, read).unseen[off]).mean()


def test_a_fit_is_kept_and_the_lens_states_it(read: Reader, tmp_path: Path) -> None:
    found = fitted(CONCEPTS, 2, read)
    save(tmp_path, found)
    again = load(tmp_path, CONCEPTS)
    assert [d.facts for d in again] == [d.facts for d in found]
    assert all(np.array_equal(a.vector, b.vector) for a, b in zip(found, again, strict=True))
    made = [e for e in read.store.events() if e["stage"] == "directions"]
    assert fitted(CONCEPTS, 2, read)[0].facts == found[0].facts
    assert [e["event"] for e in read.store.events() if e["stage"] == "directions"].count("made") == len(made) == 1
    part = encode_directions(CONCEPTS[0].as_pairs(), CONCEPTS[:1], read)
    (facts,) = part.info["directions"]
    assert facts["other_style_auroc"] == 1.0 and facts["held_out_d"] > 2 and facts["most_by_another"] is None


# ---- what ships


def test_at_least_twenty_directions_ship_of_balanced_length() -> None:
    shipped = read_concepts()
    assert len(shipped) >= 20
    for c in shipped:
        pairs = [e for e in c.examples if e.positive and e.negative]
        assert len(pairs) >= 24
        assert len(c.held_out) >= 8 and all(e.positive and e.negative for e in c.held_out)
        for part in (pairs, c.held_out):
            positive, negative = (
                sum(len(getattr(e, side)) for e in part) / len(part) for side in ("positive", "negative")
            )
            assert 0.7 < positive / negative < 1.3, (c.concept, positive, negative)
        texts = [t for e in (*c.examples, *c.held_out) for t in (e.positive, e.negative) if t]
        assert len(set(texts)) == len(texts)
        assert not {e.prompt for e in c.examples} & {e.prompt for e in c.held_out}


def test_the_fit_that_ships_is_of_the_examples_that_ship_and_no_direction_is_weak() -> None:
    """After a change of examples or fit: `python -m offtarget.lens.directions.fitted`."""
    concepts = read_concepts()
    facts = json.loads((SHIPPED_FIT / FACTS).read_text())
    assert facts["identity"] == identity(concepts, 20)
    for d in load(SHIPPED_FIT, concepts):
        assert d.auroc >= GOOD_AUROC and d.other_style is not None and d.other_style >= GOOD_AUROC
        assert d.vector.shape == (576,) and np.linalg.norm(d.vector) == pytest.approx(1, abs=1e-5)
        assert d.d is not None and d.loudest is not None and abs(d.loudest[1]) < d.d


def test_the_shipped_fit_is_used_for_its_model_alone(
    monkeypatch: pytest.MonkeyPatch, read: Reader, tmp_path: Path
) -> None:
    of = {"identity": identity(CONCEPTS, 2), "model": read.ref.identity, "template": read.template_key}
    save(tmp_path, fit_layer(CONCEPTS, 2, read).directions, **of)
    monkeypatch.setattr("offtarget.lens.directions.fitted.SHIPPED_FIT", tmp_path)

    def made() -> int:
        return [e["event"] for e in read.store.events() if e["stage"] == "directions"].count("made")

    fitted(CONCEPTS, 2, read)
    fitted(CONCEPTS, 2, replace(read, max_length=16))
    assert made() == 0, "examples are read whole, however little is read of the pairs"
    fitted(CONCEPTS[:2], 2, read)
    fitted(CONCEPTS, 1, read)
    assert made() == 2, "other concepts, another layer"
