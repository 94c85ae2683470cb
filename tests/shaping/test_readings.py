"""Scores of responses and words by every readout, on a random model whose texts differ in one plain way."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offtarget.data.pairs import Pair, PairSet
from offtarget.engine.influencing import Influencer
from offtarget.engine.planning import make_shaping_plan
from offtarget.errors import ConfigError
from offtarget.lens.directions.encode import encode_directions
from offtarget.lens.directions.examples import ConceptExamples, Example
from offtarget.lens.pooled import pooled_activations
from offtarget.lens.reader import Reader
from offtarget.lens.surface import encode
from offtarget.shaping.context import ShapingContext, Target
from offtarget.shaping.protocol import make_plan
from offtarget.shaping.readings import READOUTS, StoredReadings
from offtarget.store import Store
from offtarget.training.spec import TrainingSpec

N = 80


def pair(i: int) -> Pair:
    """Every even pair has bold words in chosen, every fifth in rejected too."""
    rng = np.random.default_rng(i)
    words = ["red", "blue", "green", "tall", "small", "quick", "slow", "warm", "cold", "round"]

    def answer(bold: bool) -> list[Any]:
        text = " ".join(rng.choice(words, size=int(rng.integers(8, 16))))
        return [{"role": "assistant", "content": f"**Look here** {text}" if bold else f"Look here {text}"}]

    prompt = [{"role": "user", "content": f"Describe thing number {i}."}]
    return Pair(f"p{i}", f"g{i}", prompt, answer(i % 2 == 0), answer(i % 5 == 0))  # type: ignore[arg-type]


@pytest.fixture()
def readings(tiny_model: Path, tmp_path: Path) -> StoredReadings:
    pairs = PairSet("made up", [pair(i) for i in range(N)])
    features = (encode(pairs.pairs),)
    members = {c.id: (c.id,) for c in features[0].columns}
    return StoredReadings(pairs, features, members, Reader(str(tiny_model), Store(tmp_path / "store")))


def test_influence_is_not_what_a_response_shows_but_what_learning_from_it_brings(readings: StoredReadings) -> None:
    """Rows of which chosen alone is bold teach it, rows of which rejected alone is unteach it, the others neither."""
    with pytest.raises(ConfigError, match="influence is read of rows that a recipe trains on"):
        readings.scores("surface:bold", "influence")
    spec = TrainingSpec(bf16=False, batch_size=8, max_length=96, lora_rank=4, lora_alpha=8, lowest_layer=2)
    read = readings.reader
    asked = Influencer(read, readings.pairs, readings.features, readings.members, spec)
    margin = replace(readings, influence=asked).scores("surface:bold", "influence").margin
    up, down = np.arange(N) % 2 == 0, np.arange(N) % 5 == 0
    assert margin[up & ~down].mean() > 1 and margin[down & ~up].mean() < -1
    assert abs(margin[up == down].mean()) < 0.3


@pytest.mark.parametrize("readout", [r for r in READOUTS if r != "influence"])
def test_every_readout_of_a_text_tells_the_responses_that_show_it(readings: StoredReadings, readout: str) -> None:
    scores = readings.scores("surface:bold", readout)
    shows = np.r_[np.arange(N) % 2 == 0, np.arange(N) % 5 == 0]
    assert scores.both.mean() == pytest.approx(0.0, abs=0.1)
    assert scores.both[shows].mean() - scores.both[~shows].mean() > 1.2
    chosen, rejected = readings.presence("surface:bold")
    assert np.array_equal(np.r_[chosen, rejected], shows)


def test_a_plan_says_of_what_its_target_is_not_independent(readings: StoredReadings) -> None:
    """Bold words are all the markdown there is; pairs differ in nothing else but by chance."""
    plan = make_shaping_plan("reward_shaping", {}, readings, [Target("surface:bold", -1)], 0)
    found = dict(plan.details["correlations"]["surface:bold"])
    assert found["surface:markdown"] == pytest.approx(1.0)
    assert min(map(abs, found.values())) < 0.3, "weak ones are kept too"
    weak = min(found, key=lambda c: abs(found[c]))
    assert "surface:bold is not independent of" in plan.notes[0] and "surface:markdown +1.00" in plan.notes[0]
    assert weak not in plan.notes[0]


def test_token_weights_of_two_rows_are_those_counted_by_hand(tiny_model: Path, tmp_path: Path) -> None:
    """Three of ten words are bold, so each scores √(0.7/0.3) standard deviations; strength −1 suppresses."""

    def answer(text: str) -> list[Any]:
        return [{"role": "assistant", "content": text}]

    ask: list[Any] = [{"role": "user", "content": "Count."}]
    pairs = PairSet(
        "two",
        [
            Pair("a", "a", ask, answer("**one** two three four"), answer("five six")),
            Pair("b", "b", ask, answer("seven"), answer("**eight** nine **ten**")),
        ],
    )
    features = (encode(pairs.pairs),)
    members = {c.id: (c.id,) for c in features[0].columns}
    read = StoredReadings(pairs, features, members, Reader(str(tiny_model), Store(tmp_path / "store")))
    context = ShapingContext(pairs.pairs, (Target("surface:bold", 1),), min_pairs=1, readings=read)
    plan = make_plan("token_reweight", context, {"strength": -1.0})
    up, down = np.exp(np.sqrt(7 / 3)), np.exp(-np.sqrt(7 / 3))
    found = [[list(span) for row in plan.token_weights(side) for span in row] for side in ("chosen", "rejected")]
    assert found[0] == [pytest.approx([0, 7, down])]
    assert found[1] == [pytest.approx([0, 9, up]), pytest.approx([15, 22, up])]
    assert [len(row) for row in plan.token_weights("rejected")] == [0, 2]


def test_scores_are_read_once(readings: StoredReadings) -> None:
    """By the same readings, and by others of the same set: the store has them."""
    first = readings.scores("surface:bold", "direction_max")
    again = StoredReadings(
        readings.pairs,
        readings.features,
        readings.members,
        replace(readings.reader, store=Store(readings.reader.store.root)),
    )
    assert np.array_equal(again.scores("surface:bold", "direction_max").both, first.both)
    made = [e for e in readings.reader.store.events() if e["event"] == "made" and e["stage"] == "concept-scores"]
    assert len(made) == 1
    assert again.facts["surface:bold direction_max"]["held_out_auroc"] > 0.9


def test_directions_at_several_layers_cost_one_reading(readings: StoredReadings) -> None:
    ends: list[str] = []
    heard = replace(readings.reader, progress=lambda what, done, total: ends.append(what) if done == total else None)
    readings = replace(readings, reader=heard)
    found = readings.directions("surface:bold", [3, 0, 2])
    assert [d.layer for d in found] == [3, 0, 2] and ends == ["directions"]
    alone = readings.direction("surface:bold", 0)
    assert np.array_equal(alone.vector, found[1].vector) and alone.spread == found[1].spread
    assert not np.allclose(found[0].vector, found[2].vector), "each layer has a direction of its own"
    with pytest.raises(ConfigError, match="layer 9 does not exist"):
        readings.directions("surface:bold", [1, 9])


@pytest.mark.parametrize(
    "ask",
    [
        lambda r: r.direction("surface:table"),
        lambda r: r.directions("surface:table", [0, 1]),
        lambda r: r.scores("surface:emoji", "direction"),
        lambda r: r.scores("surface:emoji", "probe_max"),
        lambda r: r.scores("surface:emoji", "attention"),
    ],
)
def test_too_few_responses_are_told_before_any_is_read(tiny_model: Path, tmp_path: Path, ask: Any) -> None:
    """No table anywhere, emoji in three responses."""
    rows = [pair(i) for i in range(N)]
    for row in rows[:3]:
        row.chosen[0]["content"] += " 🎉"
    pairs = PairSet("made up", rows)
    features = (encode(rows),)
    store = Store(tmp_path / "store")
    members = {c.id: (c.id,) for c in features[0].columns}
    few = StoredReadings(pairs, features, members, Reader(str(tiny_model), store))
    with pytest.raises(ConfigError, match=r"is shown by [03] responses and absent from 1(60|57)"):
        ask(few)
    assert not [e for e in store.events() if e["event"] == "made"]


@pytest.mark.parametrize("readout", ["feature", "direction", "probe"])
def test_the_words_that_show_it_score_highest(readings: StoredReadings, readout: str) -> None:
    chosen, rejected = readings.words("surface:bold", readout)
    assert len(chosen) == len(rejected) == N
    text = readings.pairs.pairs[0].chosen[0]["content"]
    assert [text[a:b] for a, b in chosen[0].spans] == text.split()
    bold = np.concatenate([w.scores[:2] for i, w in enumerate(chosen) if i % 2 == 0])
    plain = np.concatenate([w.scores[2:] for w in chosen] + [w.scores for i, w in enumerate(rejected) if i % 5])
    assert bold.mean() - plain.mean() > (3.0 if readout == "feature" else 0.5)
    everything = np.concatenate([w.scores for w in chosen + rejected])
    assert everything.mean() == pytest.approx(0, abs=1e-6) and everything.std() == pytest.approx(1)


def test_what_goes_along_with_a_concept_is_reported_for_all_others(readings: StoredReadings) -> None:
    """Against numpy on dense columns: markdown is bold here, and nothing else goes along so well."""
    margin = readings.scores("surface:bold").margin
    found = dict(readings.matrix.correlated("surface:bold", margin))
    assert next(iter(found)) in ("surface:markdown", "surface:bold_opener") and "surface:bold" not in found
    for concept, r in found.items():
        chosen, rejected = readings.raw(concept)
        assert r == pytest.approx(float(np.corrcoef(margin, chosen - rejected)[0, 1]), abs=1e-6)


def test_a_direction_is_a_unit_vector_at_the_layer_that_was_asked(readings: StoredReadings) -> None:
    for layer in (0, 3):
        d = readings.direction("surface:bold", layer)
        assert d.layer == layer and np.linalg.norm(d.vector) == pytest.approx(1.0, abs=1e-5) and d.spread > 0
    with pytest.raises(ConfigError, match="layer 7 does not exist"):
        readings.direction("surface:bold", 7)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda r: r.scores("surface:bolld"), "did you mean surface:bold"),
        (lambda r: r.scores("surface:bold", "vibe"), "unknown readout 'vibe'"),
        (lambda r: r.scores("surface:table"), "never varies"),
        (lambda r: r.direction("surface:table"), "shown by 0 responses and absent from 160"),
        (lambda r: r.words("surface:table"), "no word differs from another"),
        (lambda r: r.words("surface:bold", "attention"), "unknown readout of words"),
        (lambda r: r.rewrite("surface:tokens", -1, [], None), "there is no rule that takes 'surface:tokens' out"),
    ],
)
def test_what_cannot_be_read_is_said(readings: StoredReadings, ask: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ask(readings)


def test_a_model_that_rewrites_is_asked_once(readings: StoredReadings, monkeypatch: pytest.MonkeyPatch) -> None:
    from offtarget.engine.planning import asker

    calls: list[str] = []

    class Model:
        async def generate(self, prompt: str, config: Any) -> Any:
            calls.append(prompt)
            return type("Output", (), {"completion": f" {prompt} answered "})

    monkeypatch.setattr("inspect_ai.model.get_model", lambda name: Model())

    asked: list[str] = []

    def ask(name: str, prompts: Any) -> list[str | None]:
        asked.extend(prompts)
        return [f"{name} says" for _ in prompts]

    readings.ask = ask
    some = readings.pairs.pairs[0]
    assert readings.rewrite("surface:tokens", -1, [(some, "long text")], "mock") == ["mock says"]
    assert "long text" in asked[0] and "does not have this property: tokens" in asked[0]
    ask_service = asker(readings.reader)
    first = ask_service("some/model", ["one", "two"])
    assert first == ask_service("some/model", ["one", "two"]) == ["one answered", "two answered"]
    assert ask_service("some/model", []) == []
    assert sorted(calls) == ["one", "two"]


def test_a_concept_of_the_direction_lens_is_read_along_its_own_examples(
    readings: StoredReadings, tiny_model: Path, tmp_path: Path
) -> None:
    """The readout `direction` orders responses exactly as the lens does, and steering gets the lens's vector."""
    examples = tuple(
        Example(prompt=f"Say thing {i}.", positive=f"quick warm red number {i}", negative=f"slow cold blue number {i}")
        for i in range(12)
    )  # fmt: skip
    concept = ConceptExamples(concept="quick", label="quick", examples=examples)
    lens = encode_directions(readings.pairs, [concept], readings.reader)
    own = StoredReadings(
        readings.pairs, (lens,), {"direction:quick": ("direction:quick",)}, readings.reader,
        examples={"direction:quick": concept},
    )  # fmt: skip
    assert np.allclose(
        own.scores("direction:quick", "direction").both, own.scores("direction:quick", "feature").both, atol=1e-3
    )
    found = own.direction("direction:quick", 1)
    halves = pooled_activations(readings.reader, concept.as_pairs(), 1)
    difference = halves.chosen.mean(0) - halves.rejected.mean(0)
    assert np.allclose(found.vector, difference / np.linalg.norm(difference), atol=1e-5)
    assert own.facts["direction:quick direction"]["n_positive"] == 12
