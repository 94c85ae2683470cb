"""The direction lens finds what was planted, and says where it does not."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from offtarget import models
from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError, OfftargetError, UndecidedError
from offtarget.lens import pooled
from offtarget.lens.directions.encode import encode_directions
from offtarget.lens.directions.examples import ConceptExamples, read_concepts
from offtarget.lens.directions.fit import calibrate, half_vectors, mean_difference, probe
from offtarget.lens.pooled import max_projections, pooled_activations
from offtarget.lens.reader import Reader
from offtarget.lens.table import features_of
from offtarget.models import resolve
from offtarget.store import Store


def turn(role: str, text: str) -> Any:
    return [{"role": role, "content": text}]


def pair(name: str, prompt: str, chosen: str, rejected: str) -> Pair:
    return Pair(name, prompt, turn("user", prompt), turn("assistant", chosen), turn("assistant", rejected))


PAIRS = PairSet(
    "four",
    [
        pair("a", "What is a fish?", "A fish lives in water.", "No."),
        pair("b", "What is a fish?", "It swims, as far as I know.", "A fish lives in water."),
        pair("c", "Tell me of rain", "Rain falls.", "Rain is wet."),
        Pair("d", "e", turn("user", "Hi"), turn("assistant", "Hello!"), []),
    ],
)


def concept(n: int = 24, **more: Any) -> ConceptExamples:
    examples = [{"prompt": f"Say {i}", "positive": f"yes {i}", "negative": f"no {i}"} for i in range(n)]
    return ConceptExamples.model_validate({"concept": "assent", "label": "agrees", "examples": examples, **more})


def cosine(a: Any, b: Any) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("fit", [mean_difference, probe])
def test_a_planted_direction_is_recovered(fit: Any) -> None:
    rng = np.random.default_rng(0)
    v = rng.normal(size=16)
    v /= np.linalg.norm(v)
    positive, negative = (rng.normal(size=(400, 16)) + s * 0.75 * v for s in (1, -1))
    found = fit(positive, negative)
    assert cosine(found, v) > 0.95
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)


def test_probe_and_mean_difference_agree_where_noise_is_isotropic_and_not_where_it_is_not() -> None:
    rng = np.random.default_rng(1)
    positive, negative = (rng.normal(size=(2000, 8)) + s * np.ones(8) / 4 for s in (1, -1))
    assert cosine(mean_difference(positive, negative), probe(positive, negative)) > 0.98
    # two columns share their noise, and only the first carries the signal: Σ⁻¹δ has a negative second coordinate
    noise = rng.normal(size=(4000, 1)) * [1, 1] + 0.2 * rng.normal(size=(4000, 2))
    noise[:2000, 0] += 1
    assert probe(noise[:2000], noise[2000:])[1] < -0.5
    assert abs(mean_difference(noise[:2000], noise[2000:])[1]) < 0.1


def test_held_out_auroc_and_scale_of_known_projections() -> None:
    """Even examples are told apart by the direction of the odd ones; of the odd ones one pair of 4 x 4 is wrong."""
    c = concept(8)
    positive = np.repeat([[1.0], [1], [1], [1], [1], [1], [1], [-3]], 3, axis=1)
    negative = np.repeat([[-1.0], [-1], [-1], [-1], [-1], [-1], [-1], [-1]], 3, axis=1)
    d = calibrate(c, 2, np.eye(4, dtype=np.float32)[0], positive, negative)
    # the last positive answer is odd and is below all 4 odd negatives: 12 of 16 pairs are in order
    assert d.auroc == pytest.approx((12 / 16 + 1) / 2)
    values = [1] * 7 + [-3] + [-1] * 8
    assert (d.centre, d.sd) == (pytest.approx(np.mean(values)), pytest.approx(np.std(values)))


def test_an_example_without_a_token_is_not_taken_for_a_zero() -> None:
    positive = np.repeat([[1.0], [1], [1], [np.nan]], 3, axis=1)
    with pytest.raises(UndecidedError, match="'assent': the prompt of an example leaves no room"):
        calibrate(concept(4), 2, np.eye(4, dtype=np.float32)[0], positive, -np.ones((4, 3)))


def test_halves_are_fitted_apart() -> None:
    positive, negative = np.zeros((8, 3)), np.zeros((8, 3))
    positive[::2, 0] = 1
    positive[1::2, 1] = 1
    found = half_vectors(concept(8, method="mean_difference"), positive, negative)
    assert np.allclose(found, [[1, 0, 0], [0, 1, 0], [0.5**0.5, 0.5**0.5, 0]])


@pytest.fixture()
def reader(tiny_model: Path, store_home: Path) -> Reader:
    return Reader(resolve(str(tiny_model)), Store())


def test_pooled_activations_and_projections_are_those_of_plain_transformers(reader: Reader) -> None:
    import torch

    exact = replace(reader, dtype="float32")
    read = pooled_activations(exact, PAIRS, 2)
    v = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
    top = max_projections(exact, PAIRS, 2, v)
    model, tokenizer = exact.load()
    p = PAIRS.pairs[0]
    text = tokenizer.apply_chat_template(p.prompt, tokenize=False, add_generation_prompt=True)
    before = len(tokenizer(text, add_special_tokens=False).input_ids)
    answer = tokenizer(p.chosen[0]["content"], add_special_tokens=False).input_ids
    ids = torch.tensor([tokenizer(text, add_special_tokens=False).input_ids + answer])
    with torch.inference_mode():
        hidden = model(input_ids=ids, output_hidden_states=True).hidden_states[3][0, before:].numpy()
    assert np.allclose(read.chosen[0], hidden.mean(0), atol=1e-4)
    assert np.allclose(top.chosen[0], (hidden @ v.T).max(0), atol=1e-3)
    assert np.array_equal(read.chosen[0], read.rejected[1]), "one answer in two pairs is read once"
    assert not read.rejected[3].any(), "an empty response is zeros, not the prompt"


def test_layers_that_are_asked_for_together_are_read_once(reader: Reader, tmp_path: Path) -> None:
    passes: list[tuple[int, int]] = []
    reader = replace(reader, progress=lambda _, *at: passes.append(at))
    first = pooled_activations(reader, PAIRS, 3, with_layers=[1, 3, 2])
    assert [done == total for done, total in passes].count(True) == 1
    for layer in (1, 2, 3):
        found = pooled_activations(reader, PAIRS, layer)
        alone = pooled_activations(replace(reader, store=Store(tmp_path / "other"), progress=None), PAIRS, layer)
        assert found.layer == layer and np.array_equal(found.chosen, alone.chosen)
        assert np.array_equal(found.prompt, alone.prompt) and np.array_equal(found.rejected, alone.rejected)
    assert np.array_equal(first.chosen, found.chosen)
    assert [done == total for done, total in passes].count(True) == 1, "the others came from the store"


def test_labels_turned_around_turn_the_reading_and_share_its_artifact(reader: Reader) -> None:
    mirror = PairSet("x", [Pair(p.id, p.group, p.prompt, p.rejected, p.chosen) for p in PAIRS.pairs])
    a = pooled_activations(reader, PAIRS, 2)
    b = pooled_activations(reader, mirror, 2)
    assert np.array_equal(a.chosen, b.rejected) and np.array_equal(a.rejected, b.chosen)
    assert np.array_equal(a.prompt, b.prompt)
    assert [e["event"] for e in reader.store.events() if e["stage"] == "pooled"].count("made") == 1


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_values_are_projections_in_units_of_the_examples(
    reader: Reader, pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The examples read as data have mean 0 and standard deviation 1, and lie on the side they should."""
    c = concept(12, pool=pool, layer=1)
    data = c.as_pairs()
    part = encode_directions(data, [c], reader)
    both = np.concatenate([part.values[s, "value"].toarray().ravel() for s in ("chosen", "rejected")])
    assert both.mean() == pytest.approx(0, abs=1e-4) and both.std() == pytest.approx(1, abs=1e-4)
    assert both[:12].mean() > both[12:].mean()
    assert [x.id for x in part.columns] == ["direction:assent"]
    facts = part.info["directions"][0]
    assert (facts["layer"], facts["pool"], facts["n_positive"]) == (1, pool, 12)
    with monkeypatch.context() as m:
        m.setattr(pooled, "_read", None)  # nothing is read twice
        again = encode_directions(data, [c], reader)
    assert again.sha256 == part.sha256


def test_a_direction_that_does_not_generalise_is_said_in_a_caution(reader: Reader) -> None:
    words = ["green hill", "slow river", "old stone", "warm bread", "tall tree", "blue door"]
    rng = np.random.default_rng(0)
    examples = [
        {"prompt": f"Say {i}", "positive": str(rng.choice(words)), "negative": str(rng.choice(words))}
        for i in range(16)
    ]
    c = ConceptExamples.model_validate({"concept": "noise", "label": "noise", "examples": examples})
    part = encode_directions(PAIRS, [c, concept()], reader)
    by_name = {d["concept"]: d["held_out_auroc"] for d in part.info["directions"]}
    assert by_name["noise"] < 0.7 < by_name["assent"]
    assert len(part.info["cautions"]) == 1 and "'noise'" in part.info["cautions"][0]
    assert part.values["rejected", "value"][3].nnz == 0, "a response without a token is in the middle"


def test_two_layers_and_both_poolings_go_together(reader: Reader) -> None:
    names = [("one", 1, "mean"), ("two", 3, "max"), ("three", 1, "max")]
    many = [concept(8, layer=at, pool=pool).model_copy(update={"concept": name}) for name, at, pool in names]
    together = encode_directions(PAIRS, many, reader)
    assert [c.id for c in together.columns] == ["direction:one", "direction:two", "direction:three"]
    for j, c in enumerate(many):
        alone = encode_directions(PAIRS, [c], reader)
        for span in ("prompt", "chosen", "rejected"):
            a, b = together.values[span, "value"][:, [j]].toarray(), alone.values[span, "value"].toarray()
            assert np.allclose(a, b, atol=0.05), "bfloat16: other texts in a batch change the last bits"


def test_the_shipped_concepts_are_whole_and_long_enough() -> None:
    found = read_concepts()
    assert {"refusal", "flattery", "formality", "politeness"} <= {c.concept for c in found}
    for c in found:
        positive, negative = c.sides
        assert min(positive.sum(), negative.sum()) >= 24
        said = [t for e in c.examples for t in (e.positive, e.negative) if t]
        assert len(set(said)) == len(said) == positive.sum() + negative.sum()


GOOD = {
    "concept": "x",
    "label": "x",
    "examples": [{"prompt": f"a{i}", "positive": "b", "negative": "c"} for i in range(8)],
}


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"examples": [{"prompt": "a", "positive": "b"}] * 8}, ConfigError, "no example has a negative"),
        ({"examples": GOOD["examples"][:5]}, UndecidedError, "only 5 positive"),
        ({"examples": [{"prompt": "a", "positiv": "b"}]}, ConfigError, "positiv"),
        ({"examples": [GOOD["examples"][0]] * 8}, UndecidedError, "too few prompts"),
        ({"method": "magic"}, ConfigError, "method"),
        ({"layer": -1}, ConfigError, "layer"),
        ({"concept": "two words"}, ConfigError, "concept"),
        (["not a mapping"], ConfigError, "mapping"),
    ],
)
def test_a_bad_concept_file_is_one_readable_line(
    change: Any, error: type[OfftargetError], says: str, tmp_path: Path
) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(yaml.safe_dump(GOOD | change if isinstance(change, dict) else change))
    with pytest.raises(error) as caught:
        read_concepts(file)
    assert type(caught.value) is error
    assert says in str(caught.value) and str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_no_file_an_empty_folder_and_a_name_twice_are_refused(tmp_path: Path) -> None:
    for where in (tmp_path, tmp_path / "nothing.yaml"):
        with pytest.raises(ConfigError, match="no such file"):
            read_concepts(where)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(yaml.safe_dump(GOOD))
    with pytest.raises(ConfigError, match="is also in"):
        read_concepts(tmp_path)


def test_a_layer_that_the_model_does_not_have(reader: Reader) -> None:
    with pytest.raises(ConfigError, match="0 to 3"):
        encode_directions(PAIRS, [concept(layer=4)], reader)


def test_examples_that_are_all_alike_are_undecided() -> None:
    same = np.ones((8, 4))
    with pytest.raises(UndecidedError, match="same mean activation"):
        mean_difference(same, same)


def test_the_lens_by_name(reader: Reader, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(yaml.safe_dump(concept(8).model_dump()))
    (part,) = features_of(PAIRS, [f"direction:{file}"], reader)
    assert [c.label for c in part.columns] == ["agrees (direction)"]
    with pytest.raises(ConfigError, match="--model"):
        features_of(PAIRS, ["direction"], replace(reader, model=None))


@pytest.mark.slow
def test_the_shipped_directions_on_the_embedded_model_and_the_planted_set() -> None:
    """All order held-out examples; enthusiasm follows the planted cheerful tone, steps the planted lists."""
    from offtarget.data.loading import load_pairs

    pairs = load_pairs("planted-style", limit=300)
    (part,) = features_of(pairs, ["direction"], Reader(models.EMBEDDED, Store()))
    assert min(d["held_out_auroc"] for d in part.info["directions"]) > 0.8
    folder = Path(__file__).parents[2] / "datasets_registry" / "planted"
    truth = json.loads(gzip.decompress((folder / "planted-style.truth.json.gz").read_bytes()))
    row_of = {row["id"]: row for row in truth["rows"]}
    rows = [row_of[p.id] for p in pairs.pairs]
    for name, planted in (("enthusiasm", "cheerful"), ("step_by_step", "bullets")):
        at = [part.position(f"direction:{name}")]
        u = (part.values["chosen", "value"] - part.values["rejected", "value"])[:, at].toarray().ravel()
        there = [(planted in r["chosen"]) - (planted in r["rejected"]) for r in rows]
        # 0.30 and 0.50 here; without a relation four standard errors are 0.23
        assert np.corrcoef(u, there)[0, 1] > 4 / len(rows) ** 0.5
