"""What the lens `direction` would cost is counted from the texts and measured on the machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.pairs import Pair, PairSet
from offtarget.lens import cost
from offtarget.lens.cost import direction_seconds, in_words, multiply_rate, offer, reading_tokens
from offtarget.lens.directions.examples import read_concepts

FLOPS = 2 * 20 * 3_538_944
"""A token through 20 of the embedded model's 30 layers: two operations a weight."""


def turn(role: str, text: str) -> Any:
    return [{"role": role, "content": text}]


def pair(name: str, prompt: str, chosen: str, rejected: str) -> Pair:
    return Pair(name, prompt, turn("user", prompt), turn("assistant", chosen), turn("assistant", rejected))


def test_tokens_are_those_of_distinct_texts_within_the_limit() -> None:
    same = pair("a", "p" * 42, "c" * 420, "r" * 210)
    other = pair("b", "p" * 42, "c" * 420, "s" * 84)
    # the prompt is 10 tokens and 30 of the template, once; responses 100, 50 and 20
    assert reading_tokens(PairSet("two", [same])) == 40 + 100 + 50
    assert reading_tokens(PairSet("two", [same, other])) == 40 + 100 + 50 + 20
    assert reading_tokens(PairSet("two", [same]), max_length=100) == 40 + 60 + 50


def test_time_grows_with_tokens_and_falls_with_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = PairSet("many", [pair(str(i), f"{i}" * 42, "c" * 420, "r" * 420) for i in range(10)])
    tokens = reading_tokens(pairs)
    monkeypatch.setattr(cost, "multiply_rate", lambda: tokens * FLOPS / cost.SHARE / 100)
    assert direction_seconds(pairs) == pytest.approx(100 + cost.LOAD_SECONDS)
    monkeypatch.setattr(cost, "LOAD_SECONDS", 0)
    assert "more meanings, in about 2 minutes on this machine's processor;" in offer(pairs)
    assert f"and {len(read_concepts()) - 3} more meanings" in offer(pairs)


def test_what_another_model_would_cost_goes_by_its_size_and_an_unknown_one_has_no_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pairs = PairSet("many", [pair(str(i), f"{i}" * 42, "c" * 420, "r" * 420) for i in range(10)])
    monkeypatch.setattr(cost, "multiply_rate", lambda: reading_tokens(pairs) * FLOPS / cost.SHARE / 100)
    monkeypatch.setattr(cost, "LOAD_SECONDS", 0)
    wide = {
        "model_type": "llama", "num_hidden_layers": 60, "hidden_size": 576, "intermediate_size": 1536,
        "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(wide))
    said = offer(pairs, model=str(tmp_path))
    assert "in about 3 minutes on this machine's processor (scaled by parameters (241 million, embedded 135)" in said
    unknown = offer(pairs, model="hf:org/nothing-here")
    assert "more meanings (not estimated for hf:org/nothing-here: its size is not known here);" in unknown
    assert "minute" not in unknown and "second" not in unknown


def test_the_rate_is_that_of_a_product_of_matrices() -> None:
    """Between a hundredth and a hundred times of what one core of a server does (some 50 GFLOP a second)."""
    assert 5e8 < multiply_rate(256, 0.01) < 5e12


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3, "about 10 seconds"), (44, "about 40 seconds"), (58, "about 1 minute"), (400, "about 7 minutes"), (7300, "about 2 hours")],
)  # fmt: skip
def test_durations_in_words(seconds: float, said: str) -> None:
    assert in_words(seconds) == said
