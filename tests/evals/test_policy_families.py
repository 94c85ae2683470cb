"""Answers and log-probabilities of models that attend in other ways than Llama, against one sequence at a time."""

from pathlib import Path

import pytest
import torch
from tests.evals.test_policy import greedy, one_at_a_time
from tests.families import Family, families

from offtarget.evals.kv_cache import common_beginning
from offtarget.evals.policy import Policy

family = families(2)
ASKED = ["Name three rivers.", "Why is the sky blue? Answer like a pirate who has read far too much physics.", "Hello"]
SYSTEM = "You are a helpful assistant of few words, and you never speak of the weather."


@pytest.fixture(scope="module")
def policy(family: tuple[Family, Path]) -> Policy:
    return Policy.load(str(family[1]), dtype="float32")


def chats(system: str) -> list[list[dict[str, str]]]:
    first = [{"role": "system", "content": system}] if system else []
    return [[*first, {"role": "user", "content": text}] for text in ASKED]


@pytest.mark.parametrize("system", ["", SYSTEM], ids=["apart", "common"])
def test_what_stands_beside_a_row_changes_nothing(policy: Policy, system: str) -> None:
    """With a sliding window of 16 tokens, padding between them would push the first ones out of sight."""
    rows = [policy.encode(c) for c in chats(system)]
    assert len(common_beginning(rows)) > 8 if system else True
    answers = ["The Nile, the Rhine and the Po, and then some more of them.", "(A)"]
    requests = [(row, answer) for row in rows for answer in answers]
    for (row, answer), got in zip(requests, policy.logprobs(requests), strict=True):
        assert got == pytest.approx(one_at_a_time(policy, row, policy.tokens(answer)), abs=1e-4)
    with torch.inference_mode():
        want = [policy.tokenizer.decode(greedy(policy, row, 12), skip_special_tokens=True) for row in rows]
    assert policy.generate(rows, max_tokens=12, temperature=0) == want


def test_a_common_beginning_leaves_each_row_a_token() -> None:
    long = list(range(20))
    assert common_beginning([long, [*long, 7], [*long[:15], 99, 3]]) == long[:15]
    assert common_beginning([long, long]) == long[:19]
    assert common_beginning([long, [*long[:7], 50, 51]]) == [], "under eight tokens it does not pay"
    assert common_beginning([long]) == []


def test_continuations_of_a_prefix_are_one_sequence_where_the_model_reads_them_so(family: tuple[Family, Path]) -> None:
    """Mistral's and Gemma 3's sliding window counts places; GPT-2, GPT-NeoX and Llama's kin read them so."""
    windowed = family[0].name in {"Mistral", "Gemma2", "Gemma3"}
    assert Policy.load(str(family[1]), dtype="float32").scorer.packs is not windowed
