"""Labels of latents: made on one half of the prompts, measured on the other, with the firing token at hand."""

import numpy as np
import pytest
from offtarget.audit.concepts.labels import Surface, Told, tell
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.data.pairs import Pair
from offtarget.lens.features import Column, FeatureMatrix, peak_code
from scipy.sparse import csr_matrix

N = 400
FILLER = ["some", "plain", "answer", "with", "nothing", "to", "mark", "it", "out", "at", "all"]


def made(seed: int = 0) -> tuple[list[Pair], FeatureMatrix, Surface]:
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
    part = FeatureMatrix("x", columns, values, ids, ids)  # type: ignore[arg-type]
    surface = Surface(
        ("s:words", "s:noise"),
        ("words", "noise"),
        np.stack([length[0] - length[1], rng.normal(size=N)], 1),
        np.stack([length.ravel(), rng.normal(size=2 * N)], 1),
    )
    return pairs, part, surface


@pytest.fixture(scope="module")
def told() -> list[Told]:
    pairs, part, surface = made()
    specs = [
        ConceptSpec("x:0", "feature", "x", ("x:0",)),
        ConceptSpec("x:12", "cluster", "x", ("x:1", "x:2")),
        ConceptSpec("x:3", "feature", "x", ("x:3",)),
    ]
    u = np.stack([np.asarray((part.values["chosen", "freq"] - part.values["rejected", "freq"]).todense())[:, j] / 0.2
                  for j in (0, 1, 3)], 1)  # fmt: skip
    return tell(part, specs, u, surface, pairs)


def test_words_of_the_responses_where_it_fires(told: list[Told]) -> None:
    assert told[0].words[0] == "walrus"
    assert told[0].tokens == ("walrus",)
    assert told[0].label.endswith("on “walrus”; words: walrus")
    assert told[0].fidelity and told[0].fidelity.r == pytest.approx(1.0, abs=1e-6)
    assert 700 < 2 * told[0].fidelity.n < 900, "one half of the prompts is held out"


def test_a_surface_correlate_with_its_held_out_fidelity(told: list[Told]) -> None:
    assert told[1].correlate and told[1].correlate.concept == "s:words"
    assert told[1].label.startswith("words (r=0.")
    assert told[1].fidelity and 0.75 < told[1].fidelity.r < 0.95, "a threshold seen through its logarithm"


def test_a_label_of_noise_has_no_fidelity(told: list[Told]) -> None:
    assert told[2].correlate is None
    assert told[2].fidelity is None or abs(told[2].fidelity.r) < 0.15


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
