"""Predictors are files: one of somebody's own is used, and what is no prediction is refused by its place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from offtarget import registry
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.cli.main import call
from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError
from offtarget.lens.features import Column, FeatureMatrix
from offtarget.verification.concepts import Concepts
from offtarget.verification.likelier import within_prompts
from offtarget.verification.predictor import PredictionInput, predict
from offtarget.verification.sides import Side

FILE = """
from offtarget.verification.predictor import predictor
import numpy as np

@predictor(name="mine", cost="data", source="a test", formula="?")
def mine(given):
    {body}
"""


def given(chosen: list[str], rejected: list[str], values: dict[str, list[list[float]]]) -> PredictionInput:
    """Two columns of values over some pairs."""
    say = lambda text: [{"role": "assistant", "content": text}]  # noqa: E731
    pairs = [
        Pair(str(i), str(i), [{"role": "user", "content": "x"}], say(c), say(r))
        for i, (c, r) in enumerate(zip(chosen, rejected, strict=True))
    ]
    columns = tuple(Column(f"own:{name}", name, "count per response", "value") for name in "ab")
    of = {(span, "value"): csr_matrix(rows) for span, rows in values.items()}
    part = FeatureMatrix("own", columns, of, tuple(p.id for p in pairs), tuple(p.group for p in pairs))  # type: ignore[arg-type]
    specs = tuple(ConceptSpec(c.id, "feature", "own", (c.id,)) for c in columns)
    side = Side.of(PairSet("small", pairs), [part])
    return PredictionInput(None, None, side, "trained", Concepts("own", "value", "own", specs))  # type: ignore[arg-type]


@pytest.fixture()
def content(tmp_path: Path) -> Path:
    yield tmp_path
    registry.use([])


VALUES = {"chosen": [[3.0, 0.0], [1.0, 2.0], [2.0, 2.0]], "rejected": [[1.0, 0.0], [0.0, 0.0], [2.0, 1.0]]}
TEXTS = ["aa", "aaaa", "aaaaaaaa"], ["aa", "aa", "a"]
"""Log lengths differ by 0, ln 2 and ln 8."""


def test_a_new_predictor_predicts_from_the_pairs_of_about_equal_length(content: Path) -> None:
    assert call(["new", "predictor", "close", "--folder", str(content)]) == 0
    entry = registry.use([content]).get("predictor", "close")
    assert (entry.card["cost"], entry.path) == ("data", content / "baselines" / "predictors" / "close.py")
    found = predict(entry, given(*TEXTS, VALUES))
    assert found is not None
    # of the differences (2, 0), (1, 2) and (0, 1) the first two count
    assert found.shift().raw == pytest.approx([1.5, 1.0])
    plain = predict(registry.default().get("predictor", "disparity"), given(*TEXTS, VALUES))
    assert plain is not None and plain.shift().raw == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 3", "returned int; return side.sums"),
        ("return given.side.sums(np.ones((3, 5)))", r"predicts \(5,\) values, but there are 2 concepts"),
        ("return given.side.sums(np.full((3, 2), np.nan))", "not finite"),
        ("return given.nothing", r"line 7: predictor 'mine' failed \(AttributeError"),
    ],
)
def test_what_is_no_prediction_is_refused_by_its_place(content: Path, body: str, said: str) -> None:
    place = content / "baselines" / "predictors" / "mine.py"
    place.parent.mkdir(parents=True)
    place.write_text(FILE.replace("{body}", body))
    with pytest.raises(ConfigError, match=f"mine.py.*{said}"):
        predict(registry.use([content]).get("predictor", "mine"), given(*TEXTS, VALUES))


def test_one_that_does_not_apply_predicts_nothing(content: Path) -> None:
    place = content / "baselines" / "predictors" / "mine.py"
    place.parent.mkdir(parents=True)
    place.write_text(FILE.replace("{body}", "return None"))
    assert predict(registry.use([content]).get("predictor", "mine"), given(*TEXTS, VALUES)) is None
    place.write_text(
        FILE.replace("{body}", "raise SystemExit").replace('formula="?"', 'formula="?", statistics=("presence",)')
    )
    assert predict(registry.use([content]).get("predictor", "mine"), given(*TEXTS, VALUES)) is None, "not asked"


def test_what_own_answers_predict_adds_up_to_the_disparity() -> None:
    chosen, own, rejected = ([[3.0, 0.0], [1.0, 2.0]], [[2.0, 2.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 1.0]])
    texts = (["a", "bb"], ["c", "d"])
    data = given(*texts, {"chosen": chosen, "rejected": rejected})
    entry = registry.default().get("predictor", "own_chosen")
    own_module = registry.load_module(entry.path)
    against = given(*texts, {"chosen": own, "rejected": rejected}).side
    kept = {(None, "own answers"): own_module.Own(np.arange(2), against, data.side)}
    asked = replace(data, _kept=kept)
    up, down, both = (
        predict(registry.default().get("predictor", name), asked)
        for name in ("own_chosen", "own_rejected", "disparity")
    )
    assert up is not None and down is not None and both is not None
    assert up.shift().raw == pytest.approx([1.0, 0.0]), "3 - 2 and 1 - 0; 0 - 2 and 2 - 0"
    assert down.shift().raw == pytest.approx([0.5, 0.0])
    assert up.shift().raw + down.shift().raw == pytest.approx(both.shift().raw)


def test_writers_bring_what_they_write_elsewhere() -> None:
    """Of column a, A writes 3, 1 and 2 to the prompts 0, 1 and 2; B writes 1, 0 and 2; row 3 names nobody."""
    values = {
        "chosen": [[3.0, 0.0], [0.0, 0.0], [2.0, 2.0], [9.0, 9.0]],
        "rejected": [[1.0, 0.0], [1.0, 2.0], [2.0, 1.0], [0.0, 0.0]],
    }
    plain = given(["a"] * 4, ["b"] * 4, values)
    entry = registry.default().get("predictor", "writers")
    assert predict(entry, plain) is None, "nobody is named"
    said = [("A", "B"), ("B", "A"), ("A", "B"), (None, "B")]
    pairs = [replace(p, sides={"model_*": who}) for p, who in zip(plain.side.pairs.pairs, said, strict=True)]
    named = replace(plain, side=replace(plain.side, pairs=PairSet("small", pairs)))
    found = predict(entry, named)
    assert found is not None
    # B's answer to prompt 3 is 0. Elsewhere than 0: A (1, 2), B (0, 2, 0); than 1: A (3, 2), B (1, 2, 0); than 2: A (3, 1), B (1, 0, 0)
    of_rows = [3 / 2 - 2 / 3, 3 / 3 - 5 / 2, 4 / 2 - 1 / 3, 0.0]
    assert found.shift().raw[0] == pytest.approx(np.mean(of_rows))


def test_the_first_order_is_the_covariance_within_prompts() -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(5), 4)
    values, delta = rng.normal(size=(20, 3)) + codes[:, None], rng.normal(size=20) - 3 * codes
    want = np.mean(
        [[np.cov(values[codes == p, j], delta[codes == p])[0, 1] for j in range(3)] for p in range(5)], axis=0
    )
    assert within_prompts(values, delta, codes).mean(axis=0) == pytest.approx(want)
    assert not within_prompts(values[:2], delta[:2], np.array([0, 1])).any(), "one answer has no covariance"
