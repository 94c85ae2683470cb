"""What masks, token weights, prompts, hooks and added pairs do to the loss, against the formula written out by hand."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.forks import Forks

from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError, OfftargetError
from offtarget.models import load
from offtarget.shaping.hooks import Ablate, Hook, Steer
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import Store
from offtarget.training.here import make_trainer, with_added
from offtarget.training.reference import reference
from offtarget.training.sides import sides_of

pytestmark = pytest.mark.invariant
ROWS = 6


class Trainer:
    """A trainer of the tiny model with random LoRA weights, and the batch of its first kept rows."""

    def __init__(self, bench: Any, plan: ShapingPlan, out: Any, mode: str = "exact", **spec: Any) -> None:
        model, tokenizer = load(bench.ref)
        self.spec = bench.spec.model_copy(update={"mode": mode, **spec})
        whole, plan = with_added(bench.set, plan, tokenizer, self.spec)
        sides = sides_of(whole.pairs, whole.ids, plan, tokenizer, self.spec.max_length)
        stored = None
        if mode == "fast":
            stored = reference(
                model.requires_grad_(False), tokenizer, bench.ref, whole.ids, sides=sides, n_added=len(plan.added),
                max_length=self.spec.max_length, bf16=False, prefix_layer=2, store=bench.store,
            )  # fmt: skip
        self.trainer = make_trainer(model, tokenizer, whole, plan, self.spec, 3, out, stored, 2, sides)
        torch.manual_seed(0)
        for name, p in self.trainer.model.named_parameters():
            if "lora_B" in name:
                p.data.normal_(0, 0.05)
        n = min(ROWS, len(self.trainer.train_dataset))
        if self.spec.gradient_checkpointing:  # as trl does when training begins
            self.trainer.model.gradient_checkpointing_enable({"use_reentrant": False})
        self.examples = [self.trainer.train_dataset[i] for i in range(n)]

    def loss(self) -> tuple[float, dict[str, torch.Tensor]]:
        """Loss and gradient of that batch."""
        self.trainer.model.train()
        loss = self.trainer.compute_loss(self.trainer.model, self.trainer.data_collator(self.examples))
        loss.backward()
        named = self.trainer.model.named_parameters()
        return float(loss.detach()), {n: p.grad.clone() for n, p in named if p.grad is not None}

    @torch.no_grad()
    def logprobs(self, prompt: list[int], answer: list[int], policy: bool) -> tuple[list[float], list[float]]:
        """Of each token of an answer log p, and log Σ p² over the vocabulary; one sequence by itself, by plain transformers."""
        model = self.trainer.model
        ids = torch.tensor([prompt + answer])
        plain = type(self.trainer.base).forward
        if policy:
            out = plain(self.trainer.base, input_ids=ids)
        else:
            with model.disable_adapter():
                out = plain(self.trainer.base, input_ids=ids)
        scores = torch.log_softmax(out.logits[0].double(), -1)
        at = range(len(prompt) - 1, len(prompt) + len(answer) - 1)
        squares = torch.logsumexp(2 * scores, -1)
        return [float(scores[t, y]) for t, y in zip(at, answer, strict=True)], [float(squares[t]) for t in at]

    def logprob(self, prompt: list[int], answer: list[int], weights: Any, policy: bool) -> float:
        """Σ w log p of the answer's tokens."""
        return float(np.dot(self.logprobs(prompt, answer, policy)[0], np.asarray(weights, float)))


def sigmoid_loss(margins: list[float], beta: float) -> float:
    return float(np.mean([np.log1p(np.exp(-beta * m)) for m in margins]))


def word_spans(text: str, every: int) -> tuple[tuple[int, int], ...]:
    """Each this many-th word of a text."""
    out, at = [], 0
    for k, word in enumerate(text.split(" ")):
        if k % every == 1:
            out.append((at, at + len(word)))
        at += len(word) + 1
    return tuple(out)


def masked(bench: Any) -> ShapingPlan:
    pairs = bench.set.pairs
    return bench.identity().edit(
        mask_chosen=tuple(word_spans(p.chosen[0]["content"], 2) for p in pairs),
        mask_rejected=tuple(word_spans(p.rejected[0]["content"], 3) for p in pairs),
    )


def weighted(bench: Any, up: float = 2.5, down: float = 0.25) -> ShapingPlan:
    """The words of `masked`, with a weight instead."""
    spans = masked(bench)
    return bench.identity().edit(
        token_weight_chosen=tuple(tuple((a, b, up) for a, b in row) for row in spans.mask_chosen),
        token_weight_rejected=tuple(tuple((a, b, down) for a, b in row) for row in spans.mask_rejected),
    )


def of_words(tokenizer: Any, answer: list[int], every: int, value: float) -> list[float]:
    """Of each token `value` where it is in a word of `word_spans`, else 1.

    The tiny tokenizer's tokens are read one by one: a space begins the next word.
    """
    out, word = [], 0
    for i, token in enumerate(answer):
        shown = tokenizer.decode([token])
        word += i > 0 and shown.startswith(" ")
        of_text = token not in tokenizer.all_special_ids and shown.strip()
        out.append(value if of_text and word % every == 1 else 1.0)
    return out


def prompted(bench: Any) -> ShapingPlan:
    """Every other chosen side, and the rejected side of row 0, behind a longer prompt."""

    def longer(p: Pair) -> tuple[Any, ...]:
        return ({"role": "user", "content": p.prompt[-1]["content"] + " Use short words, please."},)

    pairs = bench.set.pairs
    return bench.identity().edit(
        prompt_chosen=tuple(longer(p) if i % 2 == 0 else None for i, p in enumerate(pairs)),
        prompt_rejected=tuple(longer(p) if i == 0 else None for i, p in enumerate(pairs)),
    )


def test_masked_words_count_neither_for_the_policy_nor_for_the_reference(bench: Any, tmp_path: Any) -> None:
    plan = masked(bench)
    one = Trainer(bench, plan, tmp_path)
    loss, _ = one.loss()
    margins = []
    _, tokenizer = load(bench.ref)
    for ids in bench.set.ids[:ROWS]:
        ratio = []
        for answer, every in ((ids.chosen, 2), (ids.rejected, 3)):
            counts = of_words(tokenizer, answer, every, 0.0)
            ratio.append(np.subtract(*(one.logprob(ids.prompt, answer, counts, policy=p) for p in (True, False))))
        margins.append(ratio[0] - ratio[1])
    assert loss == pytest.approx(sigmoid_loss(margins, one.spec.beta), abs=1e-5)
    plain, _ = Trainer(bench, bench.identity(), tmp_path / "plain").loss()
    assert abs(plain - loss) > 1e-4


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("loss", ["sigmoid", "sigmoid_norm", "wpo"])
def test_the_implicit_reward_is_the_weighted_sum_over_tokens(bench: Any, tmp_path: Any, mode: str, loss: str) -> None:
    """Σ w β log(π/π_ref): by the sigmoid loss, by one of means over tokens, and where WPO weights the pair as ever."""
    plan = weighted(bench)
    options: dict[str, Any] = {"wpo": True} if loss == "wpo" else {"loss": loss}
    one = Trainer(bench, plan, tmp_path, mode=mode, beta=0.3, **options)
    value, _ = one.loss()
    whole = Trainer(bench, plan, tmp_path / "whole")  # fast mode runs the lower layers no more
    _, tokenizer = load(bench.ref)
    expected = []
    for ids in bench.set.ids[:ROWS]:
        ratio, probable = [], 0.0
        for answer, every, w in ((ids.chosen, 2, 2.5), (ids.rejected, 3, 0.25)):
            weights = of_words(tokenizer, answer, every, w)
            own, reference = (whole.logprob(ids.prompt, answer, weights, policy=p) for p in (True, False))
            ratio.append((own - reference) / (len(answer) if loss == "sigmoid_norm" else 1))
            probable += float(np.mean(np.subtract(*whole.logprobs(ids.prompt, answer, policy=True))))
        row = np.log1p(np.exp(-0.3 * (ratio[0] - ratio[1])))
        expected.append(row * np.exp(probable) if loss == "wpo" else row)
    assert value == pytest.approx(float(np.mean(expected)), abs=1e-5)
    plain, _ = Trainer(bench, bench.identity(), tmp_path / "plain", mode=mode, beta=0.3, **options).loss()
    assert abs(plain - value) > (1e-4 if loss == "sigmoid" else 1e-5)


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_tokens_of_weight_one_are_plain_and_of_weight_zero_masked(bench: Any, mode: str) -> None:
    """To the last bit of losses and policies."""
    zero, ones, twice = weighted(bench, 0.0, 0.0), weighted(bench, 1.0, 1.0), weighted(bench, 2.0, 2.0)
    plans = {"plain": bench.identity(), "ones": ones, "masked": masked(bench), "zero": zero, "twice": twice}
    found = {name: bench.train(plan, mode=mode) for name, plan in plans.items()}
    for a, b in (("plain", "ones"), ("masked", "zero")):
        assert found[a].digest["losses"] == found[b].digest["losses"]
        one, other = bench.weights(found[a].path), bench.weights(found[b].path)
        assert all(np.array_equal(one[k], other[k]) for k in one)
    assert len({tuple(found[k].digest["losses"]) for k in ("plain", "masked", "twice")}) == 3
    assert not ones.touched.any() and zero.touched.all()


def test_a_token_weighs_the_least_of_the_ranges_that_it_has_a_character_of(bench: Any) -> None:
    _, tokenizer = load(bench.ref)
    pair, ids = bench.set.pairs[0], bench.set.ids[0]
    text = pair.chosen[0]["content"]
    plan = bench.identity().edit(
        token_weight_chosen=(((0, 1, 3.0), (1, 3, 0.5), (len(text) - 1, len(text), 2.0)), *((),) * 23),
        mask_chosen=(((3, 4),), *((),) * 23),
    )
    ((chosen, rejected), *_) = sides_of(bench.set.pairs, bench.set.ids, plan, tokenizer, bench.spec.max_length)
    expected, at = [], 0
    for token in ids.chosen:
        shown = tokenizer.decode([token])
        if token in tokenizer.all_special_ids or not text.startswith(shown, at):
            expected.append(1.0)
            continue
        of = {*range(at, at + len(shown))}
        at += len(shown)
        touched = [w for on, w in (({0}, 3.0), ({1, 2}, 0.5), ({len(text) - 1}, 2.0), ({3}, 0.0)) if on & of]
        expected.append(min(touched, default=1.0))
    assert at == len(text) and {0.0, 0.5, 1.0, 2.0} <= {*expected}
    assert chosen.weights.tolist() == expected and chosen.counts.tolist() == [w > 0 for w in expected]
    assert rejected.weights.tolist() == [1.0] * len(ids.rejected)


def test_the_reference_reads_the_pairs_own_prompt(bench: Any, tmp_path: Any) -> None:
    plan = prompted(bench)
    one = Trainer(bench, plan, tmp_path)
    loss, _ = one.loss()
    _, tokenizer = load(bench.ref)
    margins = []
    for i, (_pair, ids) in enumerate(list(zip(bench.set.pairs, bench.set.ids, strict=True))[:ROWS]):
        ratio = []
        for name in ("chosen", "rejected"):
            own = plan.policy_prompts(name)[i]
            answer = getattr(ids, name)
            seen = ids.prompt
            if own is not None:
                seen = tokenizer.apply_chat_template(
                    list(own), add_generation_prompt=True, tokenize=True, return_dict=True
                )["input_ids"]
                assert len(seen) > len(ids.prompt)
            everything = [True] * len(answer)
            ratio.append(
                one.logprob(seen, answer, everything, policy=True)
                - one.logprob(ids.prompt, answer, everything, policy=False)
            )
        margins.append(ratio[0] - ratio[1])
    assert loss == pytest.approx(sigmoid_loss(margins, one.spec.beta), abs=1e-5)


def test_an_answer_is_cut_alike_for_policy_and_reference(bench: Any) -> None:
    """Behind a longer prompt less of an answer fits: the reference leaves out what the policy does."""
    plan = prompted(bench)
    _, tokenizer = load(bench.ref)
    longest = max(len(t.prompt) + max(len(t.chosen), len(t.rejected)) for t in bench.set.ids)
    sides = sides_of(bench.set.pairs, bench.set.ids, plan, tokenizer, longest)
    for i, both in enumerate(sides):
        for side, whole in zip(both, (bench.set.ids[i].chosen, bench.set.ids[i].rejected), strict=True):
            assert len(side.sequence(policy=True)) <= longest and whole[: len(side.answer)] == side.answer
            assert len(side.sequence(policy=True)) - len(side.sequence(policy=False)) == len(side.policy_prompt) - len(
                side.prompt
            )
    assert any(len(s.answer) < len(t.chosen) for (s, _), t in zip(sides, bench.set.ids, strict=True))


def hooks(n: int, modules: tuple[str, ...] = ("layer",)) -> tuple[Hook, ...]:
    rng = np.random.default_rng(1)
    out: list[Hook] = []
    for module in modules:
        v = rng.normal(size=64)
        q, _ = np.linalg.qr(rng.normal(size=(64, 3)))
        out += [
            Steer(
                layer=2, module=module, directions=(v / np.linalg.norm(v)).astype(np.float32), chosen=rng.normal(size=n),
                rejected=rng.normal(size=n), span="answer",
            ),
            Ablate(
                layer=3, module=module, directions=q.T.astype(np.float32), chosen=np.ones(n), rejected=np.full(n, 0.5),
                span="all",
            ),
        ]  # fmt: skip
    return tuple(out)


def added(bench: Any) -> tuple[Pair, ...]:
    first, second = bench.set.pairs[:2]
    return (
        Pair("new-1", first.group, first.prompt, second.chosen, first.rejected),
        Pair("new-2", second.group, second.prompt, first.chosen, second.rejected),
    )


def everything(bench: Any) -> ShapingPlan:
    """Every kind of edit at once, on overlapping rows."""
    n = len(bench.set.pairs)
    rng = np.random.default_rng(0)
    plan = bench.identity().add(added(bench))
    m = n + 2
    words, prompts, weights = masked(bench), prompted(bench), weighted(bench)
    longer = tuple(tuple((a, b, 1.5) for a, b in word_spans(p.rejected[0]["content"], 4)) for p in bench.set.pairs)
    return plan.edit(
        token_weight_chosen=(*weights.token_weight_chosen, (), ((0, 2, 0.5),)), token_weight_rejected=(*longer, (), ()),
        keep=np.arange(m) % 5 != 3, flip=np.arange(m) % 3 == 0, weight=rng.uniform(0.2, 2, m),
        offset_chosen=rng.normal(size=m), offset_rejected=rng.normal(size=m),
        mask_chosen=(*words.mask_chosen, (), ()), mask_rejected=(*words.mask_rejected, (), ()),
        prompt_chosen=(*prompts.prompt_chosen, None, None), prompt_rejected=(*prompts.prompt_rejected, None, None),
        hooks=hooks(m, ("layer", "attention", "mlp")),
    )  # fmt: skip


def test_fast_and_exact_agree_under_everything_at_once(bench: Any, tmp_path: Any) -> None:
    plan = everything(bench).check()
    loss_a, a = Trainer(bench, plan, tmp_path / "a").loss()
    loss_b, b = Trainer(bench, plan, tmp_path / "b", mode="fast").loss()
    assert loss_a == pytest.approx(loss_b, abs=1e-5)
    assert a.keys() == b.keys() and a
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_checkpointing_gives_the_same_gradients_under_hooks(bench: Any, tmp_path: Any, mode: str) -> None:
    n = len(bench.set.pairs)
    plan = bench.identity().edit(hooks=hooks(n, ("layer", "attention", "mlp")))
    loss_a, a = Trainer(bench, plan, tmp_path / "a", mode=mode).loss()
    one = Trainer(bench, plan, tmp_path / "b", mode=mode, gradient_checkpointing=True)
    assert one.trainer.base.model.layers[3].gradient_checkpointing
    loss_b, b = one.loss()
    assert loss_a == loss_b
    for name in a:
        assert torch.equal(a[name], b[name]), name
    plain, _ = Trainer(bench, bench.identity(), tmp_path / "c", mode=mode).loss()
    assert abs(plain - loss_a) > 1e-4


def test_an_ablated_direction_is_gone_where_it_is_ablated(bench: Any, tmp_path: Any) -> None:
    n = len(bench.set.pairs)
    q = np.linalg.qr(np.random.default_rng(2).normal(size=(64, 2)))[0].T.astype(np.float32)
    plan = bench.identity().edit(
        hooks=(Ablate(layer=3, directions=q, chosen=np.ones(n), rejected=np.zeros(n), span="answer"),)
    )
    one = Trainer(bench, plan, tmp_path)
    seen: list[torch.Tensor] = []
    one.trainer.base.model.layers[3].register_forward_hook(
        lambda m, a, out: seen.append((out[0] if isinstance(out, tuple) else out).detach())
    )
    one.loss()
    along = (seen[-1] @ torch.from_numpy(q).T).norm(dim=-1)
    for k, row in enumerate(range(ROWS)):
        start, stop = (len(bench.set.ids[row].prompt), len(bench.set.ids[row].prompt) + len(bench.set.ids[row].chosen))
        assert along[k, start:stop].max() < 1e-4 < along[k, :start].min()
        assert along[ROWS + k, :stop].min() > 1e-4, "the rejected side was left alone"


def test_an_added_pair_is_a_pair_of_the_set(bench: Any, tmp_path: Any) -> None:
    """Training on a set with two pairs added is training on the set that has them."""
    extra = added(bench)
    plan = bench.identity().add(extra).edit(control=False).check()
    by_plan = bench.train(plan, mode="fast")
    bench.set = type(bench.set)(
        [*bench.set.pairs, *extra],
        with_added(bench.set, plan, load(bench.ref)[1], bench.spec)[0].ids,
        bench.set.lost,
        "the larger set",
    )
    as_set = bench.train(bench.identity(), mode="fast")
    assert by_plan.digest["pairs"] == as_set.digest["pairs"] == len(bench.set.pairs)
    a, b = bench.weights(by_plan.path), bench.weights(as_set.path)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=1e-5)


def test_a_flip_is_the_pair_swapped_by_hand(bench: Any) -> None:
    """Columns and reference swapped in the data give the weights of the flipped plan, to the last bit."""
    n = len(bench.set.pairs)
    rng = np.random.default_rng(0)
    up, down, flip = rng.normal(size=n), rng.normal(size=n), np.arange(n) % 2 == 0
    words = weighted(bench)
    both = (words.token_weight_chosen, words.token_weight_rejected)
    mine = dict(zip(("token_weight_chosen", "token_weight_rejected"), both, strict=True))
    flipped = bench.train(bench.identity().edit(flip=flip, offset_chosen=up, offset_rejected=down, **mine))
    bench.set = type(bench.set)(
        [
            Pair(p.id, p.group, p.prompt, p.rejected, p.chosen) if f else p
            for p, f in zip(bench.set.pairs, flip, strict=True)
        ],
        [
            type(t)(t.id, t.prompt, t.rejected, t.chosen, t.last_turn) if f else t
            for t, f in zip(bench.set.ids, flip, strict=True)
        ],
        bench.set.lost,
        "swapped",
    )
    turned = [(r, c) if f else (c, r) for c, r, f in zip(*both, flip, strict=True)]
    swapped = dict(zip(mine, (tuple(x) for x in zip(*turned, strict=True)), strict=True))
    by_hand = bench.train(
        bench.identity().edit(
            offset_chosen=np.where(flip, down, up), offset_rejected=np.where(flip, up, down), **swapped
        )
    )
    assert flipped.digest["losses"] == by_hand.digest["losses"]
    a, b = bench.weights(flipped.path), bench.weights(by_hand.path)
    assert all(np.array_equal(a[k], b[k]) for k in a)


def test_weights_have_mean_one_over_the_set_not_over_a_batch(bench: Any, tmp_path: Any) -> None:
    """The first batch's weights are small, and stay so: its gradient is the weighted sum over the batch's size."""
    n = len(bench.set.pairs)
    weight = np.r_[np.full(ROWS, 0.25), np.full(n - ROWS, 1.0)]
    _, plain = Trainer(bench, bench.identity(), tmp_path / "a").loss()
    _, weighted = Trainer(bench, bench.identity().edit(weight=weight), tmp_path / "b").loss()
    factor = 0.25 / weight.mean()
    for name in plain:
        torch.testing.assert_close(weighted[name], plain[name] * factor, rtol=1e-4, atol=1e-8)


LOSSES = {
    "sigmoid": lambda z, e: np.log1p(np.exp(-z)),
    "hinge": lambda z, e: np.maximum(0, 1 - z),
    "robust": lambda z, e: ((1 - e) * np.log1p(np.exp(-z)) - e * np.log1p(np.exp(z))) / (1 - 2 * e),
    "exo_pair": lambda z, e: (
        (1 / (1 + np.exp(-z))) * (-np.log1p(np.exp(-z)) - np.log(1 - e))
        + (1 / (1 + np.exp(z))) * (-np.log1p(np.exp(z)) - np.log(e))
    ),
    "discopop": lambda z, e: (
        np.log1p(np.exp(-z)) * (1 - 1 / (1 + np.exp(-z / 0.05))) + np.exp(-z) / (1 + np.exp(-z / 0.05))
    ),
    "ipo": lambda z, e: (z / 0.3 - 1 / (2 * 0.3)) ** 2,
    "sigmoid_norm": lambda z, e: np.log1p(np.exp(-z)),
}


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_a_shifted_reference_is_the_offset_in_the_loss(bench: Any, tmp_path: Any, loss: str) -> None:
    """For every loss that is allowed: its formula at z = β Δ + o⁺ − o⁻, with Δ from plain transformers.

    The last two take the mean over an answer's tokens in Δ.
    """
    n = len(bench.set.pairs)
    rng = np.random.default_rng(3)
    up, down = rng.normal(size=n), rng.normal(size=n)
    plan = bench.identity().edit(offset_chosen=up, offset_rejected=down)
    smoothing = 0.1 if loss in {"robust", "exo_pair"} else 0.0
    one = Trainer(bench, plan, tmp_path, loss=loss, label_smoothing=smoothing, beta=0.3)
    value, _ = one.loss()
    z = []
    for i, ids in enumerate(bench.set.ids[:ROWS]):
        ratio = [
            one.logprob(ids.prompt, a, [True] * len(a), policy=True)
            - one.logprob(ids.prompt, a, [True] * len(a), policy=False)
            for a in (ids.chosen, ids.rejected)
        ]
        if loss in {"ipo", "sigmoid_norm"}:
            ratio = [r / len(a) for r, a in zip(ratio, (ids.chosen, ids.rejected), strict=True)]
        z.append(0.3 * (ratio[0] - ratio[1]) + up[i] - down[i])
    assert value == pytest.approx(float(np.mean(LOSSES[loss](np.array(z), smoothing))), abs=2e-5)


@pytest.mark.parametrize("option", [{"ld_alpha": 0.4}, {"wpo": True}])
def test_loss_relatives_are_the_same_in_both_modes(bench: Any, tmp_path: Any, option: dict[str, Any]) -> None:
    plan = weighted(bench).edit(mask_rejected=masked(bench).mask_rejected)
    loss_a, a = Trainer(bench, plan, tmp_path / "a", **option).loss()
    loss_b, b = Trainer(bench, plan, tmp_path / "b", mode="fast", **option).loss()
    plain, _ = Trainer(bench, plan, tmp_path / "c").loss()
    assert loss_a == pytest.approx(loss_b, abs=1e-5) and abs(loss_a - plain) > 1e-4
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=2e-3, atol=1e-6)


def test_all_weights_train_in_both_modes(bench: Any) -> None:
    exact = bench.train(bench.identity(), method="full", learning_rate=1e-4)
    fast = bench.train(bench.identity(), method="full", mode="fast", learning_rate=1e-4)
    a, b = bench.weights(exact.path), bench.weights(fast.path)
    start = load(bench.ref)[0].state_dict()
    assert all(not np.array_equal(a[k], start[k].numpy()) for k in a), "every tensor moves, embedding and head too"
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=2e-5)


def test_a_mask_that_leaves_nothing_of_an_answer_is_named(bench: Any) -> None:
    n = len(bench.set.pairs)
    plan = bench.identity().edit(mask_chosen=(((0, 500),), *((),) * (n - 1)))
    with pytest.raises(ConfigError, match="row p0, chosen side: all of its text that fits max_length is masked"):
        bench.train(plan)


def test_a_row_keeps_its_prompt_where_another_would_leave_no_room_for_the_answer(bench: Any) -> None:
    n = len(bench.set.pairs)
    long, short = (({"role": "user", "content": text},) for text in ("word " * 200, "Say it."))
    plan = bench.identity().edit(prompt_rejected=(long, short, *(None,) * (n - 2)), control=False)
    digest = bench.train(plan, max_steps=1).digest
    assert digest["unprompted"] == 1
    with pytest.raises(ConfigError, match="prompt changes nothing of what the policy reads"):
        bench.train(bench.identity().edit(prompt_rejected=(long, *(None,) * (n - 1)), control=False))


def test_an_added_pair_that_cannot_be_trained_on_is_counted_not_fatal(bench: Any) -> None:
    """Equal after truncation: the two answers part behind the cut."""
    first = bench.set.pairs[0]
    same = [{"role": "assistant", "content": "word " * 200 + tail} for tail in ("one", "two")]
    extra = (Pair("equal", first.group, first.prompt, [same[0]], [same[1]]), *added(bench))
    digest = bench.train(bench.identity().add(extra).edit(control=False), mode="fast", max_steps=1).digest
    assert digest["lost"] == {"added: equal after truncation": 1}
    assert digest["pairs"] == len(bench.set.pairs) + 2


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        ({"layer": 9}, "layer 9; the model has layers 0 to 3"),
        ({"directions": np.ones(32, np.float32)}, "vectors of 32 values; the model's are 64 wide"),
    ],
)
def test_a_hook_that_does_not_fit_the_model_is_named(bench: Any, hook: dict[str, Any], says: str) -> None:
    n = len(bench.set.pairs)
    given = {"layer": 2, "directions": np.ones(64, np.float32), "chosen": np.ones(n), "rejected": np.ones(n), **hook}
    with pytest.raises(ConfigError, match=says):
        bench.train(bench.identity().edit(hooks=(Steer(**given),)))


@pytest.mark.parametrize("started", ["forked", pytest.param("launched", marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", ["fast", pytest.param("exact", marks=pytest.mark.slow)])
def test_two_processes_have_the_losses_of_one(
    bench: Any, mode: str, started: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `accelerate launch` over gloo, with offsets and weights, each process with half of every batch."""
    if started == "forked":
        monkeypatch.setattr("offtarget.training.processes.subprocess", SimpleNamespace(Popen=Forks, PIPE=-1))
    n = len(bench.set.pairs)
    plan = bench.identity().edit(weight=np.linspace(0.5, 2, n), offset_chosen=np.linspace(-1, 1, n), control=False)
    spec = {"max_steps": 3, "batch_size": 4, "mode": mode}
    one = bench.train(plan, **spec)
    seen: list[tuple[str, int, int]] = []
    two = bench.train(plan, processes=2, progress=lambda *event: seen.append(event), **spec)
    np.testing.assert_allclose(two.digest["losses"], one.digest["losses"], atol=1e-5)
    assert two.digest["accuracy_last"] == pytest.approx(one.digest["accuracy_last"])
    assert two.digest["margin_last"] == pytest.approx(one.digest["margin_last"], abs=1e-4)
    a, b = bench.weights(one.path), bench.weights(two.path)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=2e-4)
    assert ("train dpo", 3, 3) in seen and not (two.path.parent / "job").exists()


CONFIG = """
compute_environment: LOCAL_MACHINE
distributed_type: MULTI_CPU
mixed_precision: bf16
num_machines: 1
num_processes: 2
use_cpu: true
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "full"])
def test_processes_of_a_configuration_file_have_the_losses_of_one_in_the_recipes_precision(
    bench: Any, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file says bf16, the recipe float32. (On a CPU accelerate takes a file with FSDP for plain data parallelism.)"""
    from offtarget.cli.run import use_accelerate_config

    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    spec = {"max_steps": 3, "batch_size": 4, "mode": "exact", "method": method}
    one = bench.train(bench.identity(), **spec)
    monkeypatch.setenv("OFFTARGET_ACCELERATE_CONFIG", "")
    use_accelerate_config(file)
    two = bench.train(bench.identity(), processes=2, **spec)
    np.testing.assert_allclose(two.digest["losses"], one.digest["losses"], atol=1e-5)
    a, b = bench.weights(one.path), bench.weights(two.path)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=2e-4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: 3\n", r"no configuration of accelerate \(no distributed_type\)"),
        ("distributed_type: DEEPSPEED\n", "trains by another engine; take FSDP"),
        ("distributed_type: FSDP\nfsdp_config: {fsdp_state_dict_type: SHARDED_STATE_DICT}\n", "say FULL_STATE_DICT"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str) -> None:
    from offtarget.cli.run import use_accelerate_config

    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"config.yaml: .*{said}"):
        use_accelerate_config(file)


@pytest.mark.slow
def test_an_error_of_a_process_is_the_error_of_the_run(bench: Any) -> None:
    n = len(bench.set.pairs)
    steer = Steer(layer=9, directions=np.ones(64, np.float32), chosen=np.ones(n), rejected=np.ones(n))
    with pytest.raises(ConfigError, match="layer 9; the model has layers 0 to 3"):
        bench.train(bench.identity().edit(hooks=(steer,), control=False), processes=2)


def beyond(bench: Any) -> ShapingPlan:
    """A mask on a word behind everything that max_length keeps."""
    text = bench.set.pairs[3].chosen[0]["content"]
    last = text.rindex(" ") + 1
    none = ((),) * len(bench.set.pairs)
    return bench.identity().edit(mask_chosen=(*none[:3], ((last, len(text)),), *none[4:]), control=False)


def powerless(bench: Any) -> ShapingPlan:
    """A shift that is lost in rounding."""
    n = len(bench.set.pairs)
    steer = Steer(layer=3, directions=np.full(64, 1e-30, np.float32), chosen=np.ones(n), rejected=np.ones(n))
    return bench.identity().edit(hooks=(steer,), control=False)


def test_a_plan_that_changes_no_gradient_is_an_error(bench: Any) -> None:
    """It touches rows, but plain DPO would be trained: a mask behind the cut, a shift lost in rounding."""
    ids = bench.set.ids[3]
    with pytest.raises(ConfigError, match="touches 1 rows, but training on them would be plain DPO: mask changes"):
        bench.train(beyond(bench), max_length=len(ids.prompt) + 3, min_answer_tokens=1)
    plan = beyond(bench)
    soft = tuple(tuple((a, b, 2.0) for a, b in row) for row in plan.masked("chosen"))
    with pytest.raises(ConfigError, match=r"touches 1 rows, but .*: weight of tokens changes nothing"):
        bench.train(
            plan.edit(mask_chosen=None, token_weight_chosen=soft), max_length=len(ids.prompt) + 3, min_answer_tokens=1
        )
    with pytest.raises(ConfigError, match=r"touches 24 rows, but .*: hook changes nothing"):
        bench.train(powerless(bench))
    bench.train(beyond(bench), max_steps=1)  # within reach it is a plan like any other


def test_a_loss_that_is_no_number_names_step_and_rows_and_what_is_kept(bench: Any) -> None:
    """A rate of 1e30 ruins the weights in the first step: the checkpoints made of them are no good ones."""
    broken = bench.identity().edit(control=False, offset_chosen=np.ones(len(bench.set.pairs)))
    with pytest.raises(OfftargetError, match=r"not a number at step \d+ \(rows p\d+, .*no checkpoint is kept"):
        bench.train(broken, learning_rate=1e30, max_steps=8, save_every=1, warmup_share=0.0)
    assert not list(bench.store.root.rglob("checkpoint-*"))
    with pytest.raises(OfftargetError, match="not a number at step 1"):
        bench.train(broken, learning_rate=1e30, max_steps=1, warmup_share=0.0)
    assert not list(bench.store.root.glob("policy/*")), "a policy without a single number is not stored"


def test_a_gradient_that_is_no_number_keeps_the_last_good_checkpoint(bench: Any, monkeypatch: Any) -> None:
    from offtarget.training import trainer as module

    plan = bench.identity().edit(control=False, weight=np.linspace(0.5, 2, len(bench.set.pairs)))
    good = bench.train(plan, max_steps=6, save_every=2)
    bench.store = Store(bench.store.root.with_name("other"))
    backward, calls = module._ScaleGradient.backward, []

    def fail(ctx: Any, grad: Any) -> Any:
        calls.append(1)
        found = backward(ctx, grad)
        return (found[0] * float("nan"), None) if len(calls) == 4 else found

    monkeypatch.setattr(module._ScaleGradient, "backward", staticmethod(fail))
    with pytest.raises(OfftargetError, match=r"a gradient is not a number at step 4 .*checkpoint of step 2 is kept"):
        bench.train(plan, max_steps=6, save_every=2)
    assert [p.name for p in bench.store.root.rglob("checkpoint-*")] == ["checkpoint-2"]
    monkeypatch.undo()
    again = bench.train(plan, max_steps=6, save_every=2)
    a, b = bench.weights(good.path), bench.weights(again.path)
    assert all(np.array_equal(a[k], b[k]) for k in a)


def test_a_checkpoint_of_another_training_is_not_gone_on_from(bench: Any) -> None:
    """It is refused by name; one whose saving was interrupted is made again."""

    def stop(what: str, done: int, total: int) -> None:
        if what.startswith("train") and done == 3:
            raise KeyboardInterrupt

    def interrupted(plan: Any) -> Path:
        before = {*bench.store.root.rglob("checkpoint-2")}
        with pytest.raises(KeyboardInterrupt):
            bench.train(plan, progress=stop)
        (found,) = {*bench.store.root.rglob("checkpoint-2")} - before
        return found

    weighted = bench.identity().edit(control=False, weight=np.linspace(0.5, 2, len(bench.set.pairs)))
    own, foreign = interrupted(bench.identity()), interrupted(weighted)
    shutil.rmtree(own)
    shutil.copytree(foreign, own)
    with pytest.raises(ConfigError, match=r"checkpoint-2: this checkpoint is of another training"):
        bench.train(bench.identity())
    (own / "trainer_state.json").write_text("{")
    assert bench.train(bench.identity()).digest["steps"] == 4


def test_a_damaged_reading_of_one_answer_is_made_again(bench: Any) -> None:
    """Added pairs are read one by one: the damaged one again, the others from the store, with the losses of before."""
    more = [replace(p, id=f"{p.id}-more", chosen=p.rejected, rejected=p.chosen) for p in bench.set.pairs[:3]]
    plan = bench.identity().add(more).edit(control=False)
    first = bench.train(plan, mode="fast").digest["losses"]
    rows = sorted((bench.store.root / "reference-row").iterdir())
    assert len(rows) == 6
    (rows[0] / "logprobs.npy").write_bytes(b"nothing")
    shutil.rmtree(bench.store.root / "policy")
    bench.store = Store(bench.store.root)
    before = len(bench.store.events())
    assert bench.train(plan, mode="fast").digest["losses"] == first
    made = [e["stage"] for e in bench.store.events()[before:] if e["event"] == "made"]
    assert made.count("reference-row") == 1 and "reference" not in made


def test_more_of_the_same_is_not_a_plan(bench: Any) -> None:
    """Options that the recipe has already, and added pairs of which none can be trained on."""
    with pytest.raises(ConfigError, match="loss=sigmoid, which the recipe's training has already"):
        bench.train(bench.identity().edit(control=False, loss={"loss": "sigmoid"}))
    same = replace(bench.set.pairs[0], id="same", rejected=bench.set.pairs[0].chosen)
    with pytest.raises(ConfigError, match="would be plain DPO"):
        bench.train(bench.identity().add([same]).edit(control=False))


def test_a_plan_that_was_written_is_read_again(bench: Any, tmp_path: Any) -> None:
    from offtarget.shaping.plan_file import read_plan, write_plan

    plan = everything(bench)
    write_plan(plan, tmp_path)
    assert read_plan(tmp_path).hash == plan.hash
    damaged = (tmp_path / "plan.json").read_text().replace("Use short words", "Use long words")
    (tmp_path / "plan.json").write_text(damaged)
    with pytest.raises(ConfigError, match="damaged"):
        read_plan(tmp_path)


def test_a_policy_of_another_model_is_refused_in_one_line(bench: Any, tmp_path: Any) -> None:
    """An adapter whose start model was exchanged for a narrower one."""
    import json

    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    policy = bench.train(bench.identity(), max_steps=1).path
    narrow = tmp_path / "narrow"
    config = LlamaConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, intermediate_size=64,
        vocab_size=1000,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(narrow)
    AutoTokenizer.from_pretrained(bench.ref.path).save_pretrained(narrow)
    card = json.loads((policy / "adapter_config.json").read_text())
    card["base_model_name_or_path"] = str(narrow)
    (policy / "adapter_config.json").write_text(json.dumps(card))
    with pytest.raises(ConfigError) as said:
        load(str(policy))
    assert "32 outputs and 64 inputs" in str(said.value) and "\n" not in str(said.value)
