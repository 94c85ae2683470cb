"""Activations read by the hook are those of plain transformers, whatever shares their row or batch."""

from pathlib import Path
from typing import Any

import pytest
import torch

from offtarget import models
from offtarget.data.pairs import Pair, PairSet, text_of
from offtarget.errors import ConfigError, DataError
from offtarget.lens import activations, attention
from offtarget.lens.activations import Segment, can_pack, encode_spans
from offtarget.lens.tokens import TokenisedPairs, tokenise_pairs


def turn(role: str, text: str) -> Any:
    return [{"role": role, "content": text}]


def pair(name: str, prompt: str, chosen: str, rejected: str) -> Pair:
    return Pair(name, prompt, turn("user", prompt), turn("assistant", chosen), turn("assistant", rejected))


PAIRS = [
    pair("a", "What is a fish?", "A fish lives in water.", "No."),
    pair("b", "What is a fish?", "A fish lives in water.", "It swims, and it has gills and fins, as far as I know."),
    pair("c", "Tell me of rain and of all that comes with it in the month of May", "Rain falls.", "Rain is wet."),
    pair("d", "Hi", "Hello! How can I help?\n\n- one\n- two", "Hello."),
]


@pytest.fixture(scope="module")
def tiny(tiny_model: Path) -> tuple[Any, Any]:
    return models.load(str(tiny_model))


def read(
    model: Any, tokenizer: Any, pairs: Any, layer: int = 2, **options: Any
) -> tuple[dict[Any, Any], TokenisedPairs]:
    """All activations by (conversation, response)."""
    found: dict[Any, Any] = {}

    def take(acts: torch.Tensor, segments: list[Segment]) -> None:
        for s in segments:
            assert (s.conversation, s.response) not in found, "a text came twice"
            found[s.conversation, s.response] = acts[s.start : s.stop].clone()

    tokens = encode_spans(model, tokenizer, pairs, layer, take, **options)
    return found, tokens


def plain(model: Any, tokens: TokenisedPairs, c: int, r: int, layer: int) -> torch.Tensor:
    """What transformers gives for one whole text by itself, reduced to the span's content tokens."""
    prompt = tokens.conversations[c].prompt
    response = tokens.conversations[c].responses[max(r, 0)]
    with torch.inference_mode():
        ids = torch.tensor([prompt.ids + response.ids])
        hidden = model(input_ids=ids, output_hidden_states=True).hidden_states[layer + 1][0]
    keep = [*prompt.content, *[False] * len(response.ids)] if r < 0 else [*[False] * len(prompt.ids), *response.content]
    return hidden[torch.tensor(keep)]


@pytest.mark.parametrize("by", ["blocks", "fused", "the model's own"])
@pytest.mark.parametrize("batch_tokens", [1, 90, 300, 4096])
def test_equal_to_hidden_states_of_whole_texts(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, by: str, batch_tokens: int
) -> None:
    model, tokenizer = tiny
    monkeypatch.setattr(attention, "QUERY_BLOCK", 7)
    if by == "fused":
        monkeypatch.setattr(attention, "_by_blocks", attention._fused)
    elif by != "blocks":
        monkeypatch.setattr(activations, "can_pack", lambda *_: False)
    found, tokens = read(model, tokenizer, PAIRS, batch_tokens=batch_tokens)
    # three distinct prompts, and 3 + 2 + 2 distinct responses to them
    assert sorted(found) == [(0, -1), (0, 0), (0, 1), (0, 2), (1, -1), (1, 0), (1, 1), (2, -1), (2, 0), (2, 1)]
    for (c, r), acts in found.items():
        torch.testing.assert_close(acts, plain(model, tokens, c, r, 2), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("packs", [True, False])
def test_several_layers_in_one_pass_are_bit_for_bit_each_alone(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, packs: bool
) -> None:
    model, tokenizer = tiny
    if not packs:
        monkeypatch.setattr(activations, "can_pack", lambda *_: False)
    layers, together = (0, 2, 3), {}

    def take(acts: torch.Tensor, segments: list[Segment]) -> None:
        together.update({(s.conversation, s.response): acts[:, s.start : s.stop].clone() for s in segments})

    encode_spans(model, tokenizer, PAIRS, layers, take, batch_tokens=90)
    for k, layer in enumerate(layers):
        alone, _ = read(model, tokenizer, PAIRS, layer=layer, batch_tokens=90)
        assert sorted(alone) == sorted(together)
        assert all(torch.equal(together[text][k], acts) for text, acts in alone.items())


def test_first_and_last_layer(tiny: Any) -> None:
    model, tokenizer = tiny
    found, tokens = read(model, tokenizer, PAIRS[:1], layer=0)
    torch.testing.assert_close(found[0, 0], plain(model, tokens, 0, 0, 0), rtol=1e-4, atol=1e-4)
    last, _ = read(model, tokenizer, PAIRS[:1], layer=3)
    with torch.inference_mode():  # transformers gives the last hidden state after the final norm
        normed = model.model.norm(last[0, 0])
    torch.testing.assert_close(normed, plain(model, tokens, 0, 0, 3), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("by", ["fused", "the model's own"])
def test_within_bfloat16_tolerance_in_bfloat16(tiny_model: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    model, tokenizer = models.load(str(tiny_model), dtype="bfloat16")
    if by == "fused":
        monkeypatch.setattr(attention, "_by_blocks", attention._fused)
    else:
        monkeypatch.setattr(activations, "can_pack", lambda *_: False)
    found, tokens = read(model, tokenizer, PAIRS)
    for (c, r), acts in found.items():
        expected = plain(model, tokens, c, r, 2).float()
        assert (acts.float() - expected).norm() < 0.02 * expected.norm()


def test_blocks_are_as_near_to_float32_as_transformers_in_bfloat16(tiny: Any, tiny_model: Path) -> None:
    """Another kernel rounds otherwise than transformers', even in float64, so both are held against the truth."""
    exact, _ = tiny
    model, tokenizer = models.load(str(tiny_model), dtype="bfloat16")
    found, tokens = read(model, tokenizer, PAIRS)
    gaps = []
    for (c, r), acts in found.items():
        truth = plain(exact, tokens, c, r, 2)
        gaps.append([((a.float() - truth) ** 2).sum() for a in (acts, plain(model, tokens, c, r, 2))])
    ours, transformers = torch.tensor(gaps).sum(0).sqrt()
    assert 0 < ours < 1.05 * transformers


def test_attention_by_blocks_rounds_no_more_than_weights_and_results_to_bfloat16() -> None:
    """Against float64: 300 tokens that see 60 others, with keys that share a direction.

    Torch's own attention rounds the weights too, but not on every processor, so it is no measure.
    """
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, heads, 360, 64) * 2 for heads in (6, 2, 2))
    key += 2 * torch.randn(1, 2, 1, 64)
    halves = [x.bfloat16() for x in (query, key, value)]
    texts = [attention.Stretch(0, 60), attention.Stretch(60, 360, (0, 60))]
    q, k, v = (x.double().repeat_interleave(6 // x.shape[1], 1) for x in halves)
    weights = ((q @ k.mT) / 8 + torch.full((360, 360), -torch.inf).triu(1)).softmax(-1)
    wanted = weights @ v
    rounded = (weights.bfloat16().double() @ v).bfloat16().double()
    ours = attention.attend(*halves, texts).transpose(1, 2)
    assert 0 < (ours - wanted).norm() < 1.1 * (rounded - wanted).norm()


def test_only_words_of_the_text_are_read(tiny: Any) -> None:
    _, tokenizer = tiny
    tokens = tokenise_pairs(tokenizer, [pair("x", "assistant", "user said: <hello>", "\n two")])
    conversation = tokens.conversations[0]

    def words(piece: Any) -> str:
        return str(tokenizer.decode([i for i, content in zip(piece.ids, piece.content, strict=True) if content]))

    assert words(conversation.prompt) == "assistant"  # not the role name of the generation prompt
    assert [words(r) for r in conversation.responses] == ["user said: <hello>", "\n two"]
    whole = tokenizer.apply_chat_template(
        [*turn("user", "assistant"), *turn("assistant", "user said: <hello>")], tokenize=False
    )
    assert tokenizer.decode(conversation.prompt.ids + conversation.responses[0].ids) == whole


def test_of_an_answer_with_turns_of_the_user_only_what_the_assistant_says_is_read(tiny: Any) -> None:
    _, tokenizer = tiny
    chosen = [*turn("assistant", "A fish."), *turn("user", "Thanks, more?"), *turn("assistant", "It swims.")]
    rows = [Pair("x", "x", turn("user", "What is it?"), chosen, turn("assistant", "No."))]
    (conversation,) = tokenise_pairs(tokenizer, rows).conversations
    piece = conversation.responses[0]
    said = tokenizer.decode([i for i, read in zip(piece.ids, piece.content, strict=True) if read])
    assert said == "A fish.It swims."
    assert text_of(chosen) == "A fish.\n\nIt swims."
    placed = [text_of(chosen)[a:b] for (a, b), read in zip(piece.places, piece.content, strict=True) if read]
    assert "".join(placed) == "A fish.It swims."
    assert {p for p, read in zip(piece.places, piece.content, strict=True) if not read} == {(0, 0)}
    everything = tokenizer.decode(conversation.prompt.ids + piece.ids)
    assert "Thanks, more?" in everything  # the model meets the turn, as it did when the answer was written


def test_layers_above_are_not_run(tiny_model: Path) -> None:
    class Raises(torch.nn.Module):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("a layer above was run")

    model, tokenizer = models.load(str(tiny_model))
    before, _ = read(model, tokenizer, PAIRS)
    model.model.layers[3] = Raises()
    model.lm_head = Raises()
    after, _ = read(model, tokenizer, PAIRS)
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert not model.model.layers[2]._forward_hooks, "the hook was left behind"
    assert model.config._attn_implementation == "sdpa", "the attention was left behind"


def test_truncation_is_counted_and_bounded(tiny: Any) -> None:
    model, tokenizer = tiny
    long = " ".join(["word"] * 200)
    pairs = [
        pair("short", "Hi", "Yes.", "No."),
        pair("long answer", "Hi", long, "No."),
        pair("long prompt", long, "A", "B"),
    ]
    tokens = tokenise_pairs(tokenizer, pairs, max_length=100)
    assert tokens.n_truncated == 2
    assert [len(r.ids) for r in tokens.conversations[0].responses][2] == 100 - len(tokens.conversations[0].prompt.ids)
    cut = tokens.conversations[1].prompt
    assert len(cut.ids) == 50
    assert tokenizer.decode(cut.ids).endswith("<|im_start|>assistant\n"), "the end of a prompt is kept"
    # what is now the first token is a word, but models park attention there: it counts as none
    assert cut.content[:3] == [False, True, True]
    found, _ = read(model, tokenizer, tokens)
    torch.testing.assert_close(found[0, 2], plain(model, tokens, 0, 2, 2), rtol=1e-4, atol=1e-4)


def test_a_missing_response_is_no_text(tiny: Any) -> None:
    model, tokenizer = tiny
    found, tokens = read(model, tokenizer, [Pair("t", "g", turn("user", "Only a text."), [], [])])
    assert tokens.where == [(0, -1, -1)]
    assert list(found) == [(0, -1)]


def test_unknown_layer_names_how_many_there_are(tiny: Any) -> None:
    model, tokenizer = tiny
    with pytest.raises(ConfigError, match=r"layer 4 does not exist: the model has 4 decoder layers, 0 to 3"):
        read(model, tokenizer, PAIRS, layer=4)


def test_nan_names_the_pair(tiny_model: Path) -> None:
    model, tokenizer = models.load(str(tiny_model))

    def ids(pairs: Any) -> set[int]:
        texts = (m["content"] for p in pairs for side in (p.prompt, p.chosen, p.rejected) for m in side)
        return {t for text in texts for t in tokenizer(text, add_special_tokens=False)["input_ids"]}

    token = min(ids([PAIRS[1]]) - ids([PAIRS[0], *PAIRS[2:]]))
    with torch.no_grad():
        model.model.embed_tokens.weight[token] = float("nan")
    with pytest.raises(DataError, match="pair 'b': activations after layer 2 are not finite"):
        read(model, tokenizer, PAIRS)


def test_refused_roles_name_the_pair(tiny: Any) -> None:
    _, tokenizer = tiny
    template = tokenizer.chat_template
    try:
        tokenizer.chat_template = (
            "{% if messages|length > 2 %}{{ raise_exception('no third turn') }}{% endif %}" + template
        )
        bad = Pair("odd", "g", [*turn("user", "a"), *turn("assistant", "b"), *turn("user", "c")], [], [])
        with pytest.raises(DataError, match=r"pair 'odd'.*no third turn"):
            tokenise_pairs(tokenizer, [*PAIRS, bad])
    finally:
        tokenizer.chat_template = template


@pytest.mark.parametrize("kind", ["Gemma3", "Mistral"])
def test_local_attention_gets_rows_of_its_own(tiny: Any, kind: str) -> None:
    """Gemma 3 names its layers' kinds; Mistral names none, and its window holds in each."""
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, MistralConfig, MistralForCausalLM

    model, tokenizer = tiny
    assert can_pack(model, model.model.layers[2], 1024)
    torch.manual_seed(0)
    size = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2, "num_key_value_heads": 1,
        "head_dim": 16, "vocab_size": len(tokenizer), "sliding_window": 8,
    }  # fmt: skip
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    if kind == "Gemma3":
        local = Gemma3ForCausalLM(Gemma3TextConfig(**size, layer_types=kinds)).eval()
    else:
        local = MistralForCausalLM(MistralConfig(**size)).eval()
    assert not can_pack(local, local.model.layers[1], 1024)
    found, tokens = read(local, tokenizer, PairSet("p", PAIRS).pairs, layer=1)
    for (c, r), acts in found.items():
        torch.testing.assert_close(acts, plain(local, tokens, c, r, 1), rtol=1e-4, atol=1e-4)


def test_attention_that_does_more_stays_the_models_own(tiny: Any) -> None:
    """Gemma 2 caps its scores; the cap is low enough here to change every activation."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    _, tokenizer = tiny
    torch.manual_seed(0)
    capped = Gemma2ForCausalLM(
        Gemma2Config(
            hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=1, head_dim=16, vocab_size=len(tokenizer), attn_logit_softcapping=0.01,
            layer_types=["full_attention"] * 2, attn_implementation="eager",
        )
    ).eval()  # fmt: skip
    assert not can_pack(capped, capped.model.layers[0], 1024)
    assert capped.config._attn_implementation == "eager"
    found, tokens = read(capped, tokenizer, PAIRS, layer=0)
    for (c, r), acts in found.items():
        torch.testing.assert_close(acts, plain(capped, tokens, c, r, 0), rtol=1e-4, atol=1e-4)
