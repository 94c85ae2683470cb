"""Answers and log-probabilities of models that attend in other ways than Llama, against one sequence at a time."""

from pathlib import Path

import pytest
import torch
from tests.evals.test_policy import greedy, one_at_a_time
from tests.families import Family, families

from offtarget.evals import token_logprobs
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


@pytest.mark.parametrize("kind", ["Bloom", "GPTNeo"])
def test_models_with_an_attention_of_their_own_read_each_row_by_itself(kind: str, tmp_path: Path) -> None:
    """BLOOM's biases and GPT-Neo's windows go by the place in the mask or the cache, which their configuration does not say."""
    options = {
        "Bloom": {"n_head": 4, "n_layer": 2},
        "GPTNeo": {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": 16},
    }
    of = Policy.load(str(Family(kind, {**options[kind], "num_hidden_layers": 2}).save(tmp_path)), dtype="float32")
    assert not of.scorer.packs
    rows = [of.encode(c) for c in chats(SYSTEM)]
    requests = [(row, answer) for row in rows for answer in ("The Nile, the Rhine and the Po.", "(A)")]
    for (row, answer), got in zip(requests, of.logprobs(requests), strict=True):
        assert got == pytest.approx(one_at_a_time(of, row, of.tokens(answer)), abs=1e-4)
    want = [of.tokenizer.decode(greedy(of, row, 6), skip_special_tokens=True) for row in rows]
    assert of.generate(rows, max_tokens=6, temperature=0) == want


def test_a_model_that_scales_its_logits_makes_no_more_of_them_than_are_asked(family: tuple[Family, Path]) -> None:
    of = Policy.load(str(family[1]), dtype="float32")
    made: list[int] = []
    of.model.get_output_embeddings().register_forward_hook(lambda _m, _a, out: made.append(out.shape[-2]))
    of.scorer.head = (of.model.base_model, None)  # as of a model whose logits are not states times the head
    rows = [of.encode(c) for c in chats("")]
    assert of.scorer.packs in (True, False)
    made.clear()
    got = of.logprobs([(row, "(A)") for row in rows])
    assert max(made) <= sum(len(of.tokens("(A)")) for _ in rows), "not one for each token of each prompt"
    for row, values in zip(rows, got, strict=True):
        assert values == pytest.approx(one_at_a_time(of, row, of.tokens("(A)")), abs=1e-4)


def test_a_prefix_beyond_what_a_mask_holds_is_read_with_each_continuation(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [policy.encode(c) for c in chats(SYSTEM)]
    requests = [(row, answer) for row in rows for answer in ("The Nile.", "(A)")]
    want = policy.logprobs(requests)
    monkeypatch.setattr(token_logprobs, "PACKED_TOKENS", 4)
    monkeypatch.setattr(token_logprobs, "_tree_mask", None)
    for a, b in zip(policy.logprobs(requests), want, strict=True):
        assert a == pytest.approx(b, abs=1e-4)


def test_continuations_of_a_prefix_are_one_sequence_where_the_model_reads_them_so(family: tuple[Family, Path]) -> None:
    """Mistral's and Gemma 3's sliding window counts places; GPT-2, GPT-NeoX and Llama's kin read them so."""
    windowed = family[0].name in {"Mistral", "Gemma2", "Gemma3"}
    assert Policy.load(str(family[1]), dtype="float32").scorer.packs is not windowed
