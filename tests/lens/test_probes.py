"""An attention probe on made-up activations: what single tokens carry, and what it says of itself."""

import numpy as np
import pytest

from offtarget.errors import ConfigError
from offtarget.lens.probes import attention_probe


def responses(n: int, one_token: bool) -> tuple[list[np.ndarray], np.ndarray]:
    """Noise of 5 to 30 tokens; in half of them one token (or every token a little) points along the first axis."""
    rng = np.random.default_rng(0)
    present = np.arange(n) % 2 == 0
    out = []
    for there in present:
        x = rng.normal(size=(int(rng.integers(5, 31)), 16)).astype(np.float32)
        if there and one_token:
            x[int(rng.integers(len(x))), 0] += 8
        elif there:
            x[:, 0] += 0.5
        out.append(x)
    return out, present


@pytest.mark.parametrize(("one_token", "least"), [(True, 0.97), (False, 0.8)])
def test_a_concept_of_one_token_or_of_all_is_told_from_noise(one_token: bool, least: float) -> None:
    """A shift of half a standard deviation on some 17 tokens is d = 2.05, of which no reader gets more than 0.93."""
    x, present = responses(600, one_token)
    held_out = np.arange(600) % 5 == 1
    probe = attention_probe(x, present, np.ones(600, bool), held_out)
    assert probe.auroc > least
    assert np.mean(probe.scores[present & held_out]) > np.mean(probe.scores[~present & held_out])


def test_shuffled_labels_say_nothing_about_held_out_responses() -> None:
    x, present = responses(600, True)
    shuffled = np.random.default_rng(1).permutation(present)
    probe = attention_probe(x, shuffled, np.ones(600, bool), np.arange(600) % 5 == 1)
    assert 0.35 < probe.auroc < 0.65


def test_too_few_responses_with_the_concept_are_counted() -> None:
    x, present = responses(60, True)
    with pytest.raises(ConfigError, match="0 responses with the concept and 12 without it to test on"):
        attention_probe(x, present & (np.arange(60) % 5 != 1), np.ones(60, bool), np.arange(60) % 5 == 1)
