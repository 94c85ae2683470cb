"""Labels of latents: made on one half of the prompts, measured on the other, with the firing token available."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from offtarget.audit.concepts.labels import Rules, Told, tell
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.concepts.words import rank_auroc
from offtarget.audit.statistics.means import half_by_group
from offtarget.data.pairs import Pair
from offtarget.lens.features import Column, FeatureMatrix, peak_code

N = 400
FILLER = ["some", "plain", "answer", "with", "nothing", "to", "mark", "it", "out", "at", "all"]


def made(seed: int = 0) -> tuple[list[Pair], FeatureMatrix, Rules]:
    """Latent 0 fires where a response says "walrus", latents 1 and 2 where it is long, latent 3 at random."""
    rng = np.random.default_rng(seed)
    pairs, fires, peaks, length = [], np.zeros((2, N, 4)), np.zeros((2, N, 4), int), np.zeros((2, N))
    for i in range(N):
        texts = []
        for side in range(2):
            words = list(rng.choice(FILLER, int(rng.integers(5, 30))))
            if rng.random() < 0.3:
                words[2] = "walrus"
            text = " ".join(words) + f" {i}{side}"
            texts.append(text)
            fires[side, i, 0] = "walrus" in text
            fires[side, i, 1:3] = len(words) > 15
            fires[side, i, 3] = rng.random() < 0.3
            start = max(text.find("walrus"), 0)
            peaks[side, i] = peak_code(start, start + 6)
            length[side, i] = np.log1p(len(words))
        prompt = [{"role": "user", "content": f"question {i}"}]
        sides = [[{"role": "assistant", "content": t}] for t in texts]
        pairs.append(Pair(str(i), str(i), prompt, sides[0], sides[1]))  # type: ignore[arg-type]
    values = {}
    for k, side in enumerate(("chosen", "rejected")):
        on = csr_matrix(fires[k])
        values[side, "freq"] = on * 0.2
        values[side, "max"] = on * 3.0
        codes = csr_matrix(fires[k]).astype(np.int64)
        codes.data = peaks[k][codes.nonzero()]
        values[side, "peak"] = codes
    hints = (("Walrus", "seal"), ("so", "long"), ("So", "on"), ())
    columns = tuple(Column(f"x:{j}", f"latent {j}", "", "presence", 0.01, hints[j]) for j in range(4))
    ids = tuple(p.id for p in pairs)
    part = FeatureMatrix("x", columns, values, ids, ids, kind="latent", reads_model=True)  # type: ignore[arg-type]
    rules = Rules(
        ("s:words", "s:noise"), ("words", "noise"),
        np.stack([length.ravel(), rng.normal(size=2 * N)], 1),
    )  # fmt: skip
    return pairs, part, rules


@pytest.fixture(scope="module")
def told() -> list[Told]:
    pairs, part, rules = made()
    specs = [
        ConceptSpec("x:0", "feature", "x", ("x:0",)),
        ConceptSpec("x:12", "cluster", "x", ("x:1", "x:2")),
        ConceptSpec("x:3", "feature", "x", ("x:3",)),
    ]
    u = np.stack([np.asarray((part.values["chosen", "freq"] - part.values["rejected", "freq"]).todense())[:, j] / 0.2
                  for j in (0, 1, 3)], 1)  # fmt: skip
    return tell(part, specs, u, rules, pairs)


def test_words_of_the_responses_where_it_fires(told: list[Told]) -> None:
    assert told[0].words[0] == "walrus"
    assert told[0].tokens == ("walrus",)
    assert told[0].name == "none"
    assert told[0].label == "unnamed: fires on “walrus”; words walrus (AUROC 1.00)"
    assert told[0].word_fit and told[0].word_fit.auroc == 1.0
    assert 700 < 2 * told[0].word_fit.n < 900, "one half of the prompts is held out"


def test_a_rule_that_reads_responses_alike_lends_its_name(told: list[Told]) -> None:
    rule = told[1].correlate
    assert rule and rule.concept == "s:words" and told[1].name == "rule"
    assert told[1].label == f"goes with words (r {rule.r:+.2f})"
    pairs, _, rules = made()
    long = np.array([len(p.chosen[0]["content"].split()) > 16 for p in pairs]
                    + [len(p.rejected[0]["content"].split()) > 16 for p in pairs])  # fmt: skip
    assert rule.r == pytest.approx(np.corrcoef(long, rules.values[:, 0])[0, 1], abs=0.02)
    assert 0.75 < rule.held_out < 0.95, "a threshold seen through its logarithm"


def test_noise_stays_without_a_name(told: list[Told]) -> None:
    assert told[2].correlate is None and told[2].name == "none"
    assert told[2].words == () and told[2].word_fit is None
    assert told[2].label.startswith("unnamed")


def test_peaks_point_at_the_token(told: list[Told]) -> None:
    pairs = {p.id: p for p in made()[0]}
    assert len(told[0].peaks) == 6
    for peak in told[0].peaks:
        side = pairs[peak.row].chosen if peak.side == "chosen" else pairs[peak.row].rejected
        assert side[0]["content"][peak.start : peak.stop] == "walrus"
        assert peak.strength == 1.0


def test_a_cluster_promotes_what_several_members_do(told: list[Told]) -> None:
    assert told[1].promotes == ("so",)
    assert told[0].promotes == ("Walrus", "seal")


def paired(texts: list[tuple[str, str]]) -> list[Pair]:
    return [
        Pair(str(i), f"g{i}", [{"role": "user", "content": f"question {i}"}],
             [{"role": "assistant", "content": c}], [{"role": "assistant", "content": r}])
        for i, (c, r) in enumerate(texts)
    ]  # fmt: skip


def latent(fires: np.ndarray, pairs: list[Pair]) -> FeatureMatrix:
    """One latent that fires in some responses, `(2, n_pairs)`."""
    ids = tuple(p.id for p in pairs)
    values = {
        (side, stat): csr_matrix(fires[k][:, None] * 0.5)
        for k, side in enumerate(("chosen", "rejected"))
        for stat in ("freq", "max")
    }
    return FeatureMatrix(
        "x", (Column("x:0", "latent 0", "", "presence", 0.01),), values, ids, ids, kind="latent", reads_model=True
    )  # type: ignore[arg-type]


def test_a_canned_answer_is_one_answer() -> None:
    """One refusal is in 300 of 600 responses; latent and rule agree on it, and on nothing else."""
    rng = np.random.default_rng(0)
    pairs = paired([(f"plain answer number {i}", "I cannot help with that.") for i in range(300)])
    fires = rng.random((2, 300)) < 0.2
    fires[1] = True
    rule = (rng.random((2, 300)) < 0.2).astype(float)
    rule[1] = 1.0
    rules = Rules(("s:refusal",), ("refusals",), rule.reshape(-1, 1))
    assert np.corrcoef(fires.ravel(), rule.ravel())[0, 1] > 0.6, "over rows they do agree"
    told = tell(latent(fires, pairs), [ConceptSpec("x:0", "feature", "x", ("x:0",))], np.zeros((300, 1)), rules, pairs)
    assert told[0].correlate is None and told[0].name == "none"


@pytest.mark.parametrize("hold", [True, False])
def test_a_rule_must_hold_on_the_other_half_of_the_prompts(hold: bool) -> None:
    rng = np.random.default_rng(1)
    pairs = paired([(f"first {i}", f"second {i}") for i in range(400)])
    half = half_by_group([p.group for p in pairs])
    rule = (rng.random((2, 400)) < 0.5).astype(float)
    fires = rule.copy()
    flip = rng.random((2, 400)) < 0.1
    if not hold:
        flip[:, ~half] = rng.random((2, int((~half).sum()))) < 0.3  # r falls from 0.8 to 0.4 there
    fires[flip] = 1 - fires[flip]
    rules = Rules(("s:rule",), ("rule",), rule.reshape(-1, 1))
    r = np.corrcoef(fires.ravel(), rule.ravel())[0, 1]
    assert r > 0.55
    told = tell(latent(fires, pairs), [ConceptSpec("x:0", "feature", "x", ("x:0",))], np.zeros((400, 1)), rules, pairs)
    assert (told[0].name == "rule") is hold
    if hold:
        assert told[0].correlate and told[0].correlate.r == pytest.approx(r, abs=1e-6)
        held = fires[:, ~half].ravel(), rule[:, ~half].ravel()
        assert told[0].correlate.held_out == pytest.approx(np.corrcoef(*held)[0, 1], abs=1e-6)


def test_auroc_of_ranks_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(2)
    score, on = rng.integers(0, 4, 80), rng.random(80) < 0.4
    assert rank_auroc(score, on) == pytest.approx(roc_auc_score(on, score))
    assert rank_auroc(np.array([0, 1, 1, 2]), np.array([False, True, False, True])) == 0.875
