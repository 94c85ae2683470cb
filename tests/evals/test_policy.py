"""Sampling and log-probabilities of a policy, against plain transformers one sequence at a time."""

import math
from pathlib import Path

import pytest
import torch

from offtarget.evals.policy import Policy, Sampling
from offtarget.evals.sampling import draw
from offtarget.evals.token_logprobs import Scorer

CHATS = [
    [{"role": "user", "content": "Name three rivers."}],
    [{"role": "user", "content": "Why is the sky blue? Answer like a pirate who has read far too much physics."}],
    [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hello"}],
]
ANSWERS = ["The Nile, the Rhine and the Po.", "(A)", "Hello there, how may I help you today?"]


@pytest.fixture(scope="module")
def policy(tiny_model: Path) -> Policy:
    return Policy.load(str(tiny_model), dtype="float32")


def one_at_a_time(policy: Policy, prefix: list[int], tokens: list[int]) -> list[float]:
    ids = torch.tensor([prefix + tokens], device=policy.model.device)
    with torch.inference_mode():
        logp = torch.log_softmax(policy.model(ids).logits[0].double(), -1)
    return [float(logp[len(prefix) - 1 + k, t]) for k, t in enumerate(tokens)]


def greedy(policy: Policy, prefix: list[int], n: int) -> list[int]:
    out: list[int] = []
    while len(out) < n and not (out and out[-1] in policy.end_ids):
        with torch.inference_mode():
            ids = torch.tensor([prefix + out], device=policy.model.device)
            out.append(int(policy.model(ids).logits[0, -1].argmax()))
    return out


def test_logprobs_are_those_of_a_plain_forward_pass(policy: Policy) -> None:
    requests = [(c, a) for c in CHATS for a in ANSWERS] + [([1], ANSWERS[0])]
    for (prefix, answer), got in zip(requests, policy.logprobs(requests), strict=True):
        start = prefix if isinstance(prefix[0], int) else policy.encode(prefix)
        want = one_at_a_time(policy, start, policy.tokens(answer))
        assert got == pytest.approx(want, abs=1e-4)
        assert sum(want) < -5  # the random model is not degenerate


def test_logprobs_do_not_depend_on_the_rest_of_the_batch(policy: Policy) -> None:
    alone = policy.logprobs([(CHATS[0], "(A)")])[0]
    beside = policy.logprobs([(CHATS[1], "word " * 60), (CHATS[0], "(A)"), (CHATS[2], "")])
    assert beside[1] == pytest.approx(alone, abs=1e-5)
    assert beside[2] == []


def test_where_memory_holds_one_row_at_a_time_answers_and_logprobs_are_the_same(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [(c, a) for c in CHATS for a in ANSWERS]
    sampling = Sampling(max_tokens=6, temperature=1.0, seed=3)
    want = policy.complete(CHATS, sampling), policy.logprobs(requests)
    for of, name in ((Policy, "_decode"), (Scorer, "__call__")):
        whole = getattr(of, name)

        def alone(self: object, rows: list[object], *args: object, do: object = whole) -> object:
            if len(rows) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return do(self, rows, *args)  # type: ignore[operator]

        monkeypatch.setattr(of, name, alone)
    assert policy.complete(CHATS, sampling) == want[0]
    for a, b in zip(policy.logprobs(requests), want[1], strict=True):
        assert a == pytest.approx(b, abs=1e-5)


def test_logprobs_through_the_models_own_head_agree(policy: Policy) -> None:
    """Architectures that scale or cap their logits do not take the short way."""
    short = policy.logprobs([(CHATS[0], ANSWERS[0])])[0]
    other = Policy(policy.model, policy.tokenizer)
    other.scorer.head = (policy.model.base_model, None)
    assert other.logprobs([(CHATS[0], ANSWERS[0])])[0] == pytest.approx(short, abs=1e-4)


def test_a_scaled_head_is_noticed(tiny_model: Path) -> None:
    policy = Policy.load(str(tiny_model), dtype="float32")
    forward = policy.model.forward

    def scaled(*args: object, **kwargs: object) -> object:
        out = forward(*args, **kwargs)
        out.logits = out.logits / 4
        return out

    policy.model.forward = scaled
    got = policy.logprobs([(CHATS[0], ANSWERS[0])])[0]
    assert got == pytest.approx(one_at_a_time(policy, policy.encode(CHATS[0]), policy.tokens(ANSWERS[0])), abs=1e-4)


def test_an_answer_begun_follows_the_assistant_header(policy: Policy) -> None:
    begun = policy.encode([*CHATS[0], {"role": "assistant", "content": "(A)"}])
    assert begun == policy.encode(CHATS[0]) + policy.tokens("(A)")
    assert policy.tokenizer.decode(begun).endswith("assistant\n(A)")


def test_greedy_answers_are_those_of_a_plain_loop(policy: Policy) -> None:
    got = policy.complete(CHATS, Sampling(max_tokens=12, temperature=0))
    for chat, completion in zip(CHATS, got, strict=True):
        want = greedy(policy, policy.encode(chat), 12)
        assert completion.text == policy.tokenizer.decode(want, skip_special_tokens=True)
        assert completion.n_tokens == len(want)
        assert completion.truncated == (want[-1] not in policy.end_ids)


def test_the_head_of_a_merged_policy_is_multiplied_once_for_all_rows(tiny_model: Path) -> None:
    merged = Policy.load(str(tiny_model), dtype="float32")
    merged.model.requires_grad_(False)  # as an adapter's merged weights are
    vocabulary = merged.model.get_output_embeddings().weight.shape[0]
    assert merged.scorer.packs, "tried before, with products of its own"
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True) as seen:
        merged.generate([[{"role": "user", "content": c}] for c in ("Hi", "Why?", "And then?")], max_tokens=2)
    heads = [
        e.input_shapes
        for e in seen.events()
        if e.name in {"aten::mm", "aten::bmm", "aten::addmm"} and any(vocabulary in s for s in e.input_shapes)
    ]
    # one product a step for the three rows, after the prompt too; no matrix for each row, (3, 64, vocabulary)
    assert heads == [[[3, 64], [64, vocabulary]]] * 2


def test_rows_that_end_leave_the_others_as_they_are(policy: Policy) -> None:
    """Every second token of some rows is made an end token: what goes on must not change."""
    plain = policy.complete(CHATS, Sampling(max_tokens=10, temperature=0))
    short = greedy(policy, policy.encode(CHATS[0]), 10)
    rest = [greedy(policy, policy.encode(c), 10) for c in CHATS[1:]]
    end = next(t for t in short[1:] if all(t not in r for r in rest))
    other = Policy(policy.model, policy.tokenizer)
    other.end_ids = {end}
    got = other.complete(CHATS, Sampling(max_tokens=10, temperature=0))
    assert got[0].n_tokens == short.index(end) + 1 < 10
    assert not got[0].truncated
    assert [c.text for c in got[1:]] == [c.text for c in plain[1:]]


def test_answers_depend_on_prompt_and_seed_alone(policy: Policy) -> None:
    args = {"max_tokens": 8, "temperature": 1.0, "top_p": 0.95}
    first = policy.generate(CHATS, seed=3, **args)
    assert policy.generate(CHATS[::-1], seed=3, **args) == first[::-1]
    assert policy.generate([CHATS[1]], seed=3, **args) == [first[1]]
    assert policy.generate(CHATS, seed=4, **args) != first
    twice = policy.generate([CHATS[0], CHATS[0]], seed=3, **args)
    assert twice[0] == first[0] != twice[1]


def test_a_prompt_without_room_gets_an_empty_answer(policy: Policy) -> None:
    long = [{"role": "user", "content": "word " * 600}]
    got = policy.complete([long, CHATS[0]], Sampling(max_tokens=4, temperature=0))
    assert got[0].text == "" and got[0].n_tokens == 0
    assert got[1].n_tokens > 0
    with pytest.raises(ValueError, match="do not fit"):
        policy.logprobs([(long, "(A)")])


def test_progress_can_end_the_work(policy: Policy) -> None:
    class StopHere(Exception):
        pass

    calls = []

    def stop(done: int, total: int) -> None:
        calls.append((done, total))
        if len(calls) == 3:
            raise StopHere

    with pytest.raises(StopHere):
        policy.generate(CHATS, max_tokens=50, progress=stop)
    assert len(calls) == 3 and calls[0][1] == 3


def nucleus_by_hand(logits: list[float], temperature: float, top_p: float) -> dict[int, float]:
    weights = [math.exp(x / temperature) for x in logits]
    order = sorted(range(len(weights)), key=lambda i: -weights[i])
    kept, mass = [], 0.0
    for i in order:
        kept.append(i)
        mass += weights[i] / sum(weights)
        if mass >= top_p:
            break
    total = sum(weights[i] for i in kept)
    return {i: weights[i] / total for i in kept}


@pytest.mark.parametrize("top_p", [0.5, 0.9, 1.0])
def test_draws_follow_the_nucleus(top_p: float) -> None:
    logits = [2.0, 0.1, 1.0, -1.0, 0.7]
    n = 20000
    uniform = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    drawn = draw(torch.tensor([logits]).expand(n, -1), 0.7, top_p, uniform)
    want = nucleus_by_hand(logits, 0.7, top_p)
    share = {int(t): float((drawn == t).float().mean()) for t in drawn.unique()}
    assert share == pytest.approx(want, abs=2 / n * 5)


def test_a_flat_distribution_reaches_beyond_the_sorted_head() -> None:
    """With 1000 equal tokens and top_p of 0.9 the nucleus holds 900 of them."""
    n = 9000
    uniform = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    drawn = draw(torch.zeros(n, 1000), 1.0, 0.9, uniform)
    assert abs(len(drawn.unique()) - 900) <= 1
