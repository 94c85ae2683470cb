"""The SAE lens: pooling, independence of the batch, what it says of its fit, loading and training."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from offtarget import models
from offtarget.data.pairs import Pair, PairSet, text_of
from offtarget.errors import ConfigError
from offtarget.lens.activations import Segment
from offtarget.lens.features import peak_place
from offtarget.lens.reader import Reader
from offtarget.lens.sae import encode as sae_module
from offtarget.lens.sae.collect import Activations, held_out, text_pairs
from offtarget.lens.sae.encode import SHIPPED, SaeLens, load_sae, read_features, shipped_sae
from offtarget.lens.sae.logit_lens import gain, promoted_tokens
from offtarget.lens.sae.pooling import Pool
from offtarget.lens.sae.source import Held
from offtarget.lens.sae.train import SaeRecipe, fit_sae, train_sae
from offtarget.lens.tokens import Conversation, Piece, TokenisedPairs, tokenise_pairs
from offtarget.store import Store


def jumprelu(d_in: int, d_sae: int, layer: int = 2) -> Any:
    from sae_lens import JumpReLUSAE, JumpReLUSAEConfig

    sae = JumpReLUSAE(JumpReLUSAEConfig(d_in=d_in, d_sae=d_sae))
    sae.cfg.metadata.hook_name = f"blocks.{layer}.hook_resid_post"
    return sae.requires_grad_(False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random SAE of 200 latents for the tiny model, on disk."""
    torch.manual_seed(1)
    sae = jumprelu(64, 200)
    sae.threshold[:] = torch.rand(200) * 2
    sae.b_dec[:] = torch.randn(64) / 10
    path = tmp_path_factory.mktemp("sae")
    sae.save_model(path)
    return path


def pair(name: str, prompt: str, chosen: str, rejected: str) -> Pair:
    def turn(role: str, text: str) -> Any:
        return [{"role": role, "content": text}]

    return Pair(name, prompt, turn("user", prompt), turn("assistant", chosen), turn("assistant", rejected))


PAIRS = PairSet(
    "four",
    [
        pair("a", "What is a fish?", "A fish lives in water.", "No."),
        pair("b", "What is a fish?", "A fish lives in water.", "It swims, and it has gills and fins."),
        pair("c", "Tell me of rain and all that comes with it", "Rain falls from clouds.", "Rain is wet."),
        pair("d", "Hi", "Hello! How can I help?\n\n- one\n- two", "Hello."),
    ],
)


ONE_PAIR = PairSet("one", PAIRS.pairs[-1:])


def test_pooling_by_hand() -> None:
    sae = jumprelu(3, 3)
    for name, value in {"W_enc": torch.eye(3), "W_dec": torch.eye(3), "threshold": torch.full((3,), 0.5)}.items():
        getattr(sae, name).copy_(value)
    prompt = Piece([0, 9], [False, True], [(0, 0), (0, 4)])
    answers = [Piece([1, 2], [True, True], [(0, 2), (3, 7)]), Piece([3], [True], [(5, 100)])]
    where = [(0, 0, 1), (0, 1, -1)]
    tokens = TokenisedPairs(("p", "q"), [Conversation(prompt, answers)], where, 9, 0)
    pool = Pool(sae, 1, tokens)
    acts = torch.tensor([[1.0, 0.0, 0.4], [2.0, -3.0, 0.6], [0.0, 0.0, 9.0], [0.5, 0.0, 0.7]])
    # conversation 0: its prompt is the third token, its only response the first two and, apart, the last
    pool.take(acts, [Segment(0, 0, 0, 2), Segment(0, -1, 2, 3), Segment(0, 1, 3, 4)])
    matrices = pool.matrices()
    dense = {key: m.toarray().tolist() for key, m in matrices.items()}
    assert dense["chosen", "max"] == [[2, 0, pytest.approx(0.6)], [0, 0, pytest.approx(0.7)]]
    assert dense["chosen", "freq"] == [[1, 0, 0.5], [0, 0, 1]]  # 0.5 is not above the threshold of 0.5
    assert dense["rejected", "freq"] == [[0, 0, 1], [0, 0, 0]]  # the second pair has no rejected text
    assert dense["prompt", "max"] == [[0, 0, 9], [0, 0, 9]]
    places = {key: [[peak_place(v) if v else None for v in row] for row in dense[key]] for key in dense}
    assert places["chosen", "peak"] == [[(3, 7), None, (3, 7)], [None, None, (5, 68)]]  # 95 letters, cut at 63
    assert places["prompt", "peak"][0][2] == (0, 4)
    fit = pool.fit()
    assert fit["n_response_tokens"] == 3
    assert fit["l0"] == pytest.approx(4 / 3)  # one, two, and one latent fire
    assert fit["share_alive"] == pytest.approx(2 / 3)
    # lost: 0.4, -3 and 0.5; the response tokens' deviations from their means (7/6, -1, 17/30)
    x = np.array([[1, 0, 0.4], [2, -3, 0.6], [0.5, 0, 0.7]])
    assert fit["variance_explained"] == pytest.approx(1 - (0.16 + 9 + 0.25) / ((x - x.mean(0)) ** 2).sum(), abs=1e-6)


def test_features_are_those_of_a_plain_loop(tiny_model: Path, folder: Path) -> None:
    model, tokenizer = models.load(str(tiny_model))
    lens = load_sae(folder)
    matrix = read_features(lens, model, tokenizer, PAIRS)
    tokens = tokenise_pairs(tokenizer, PAIRS.pairs)
    weights = {k: v.double().numpy() for k, v in lens.sae.state_dict().items()}
    for row, (c, *responses) in enumerate(tokens.where):
        for span, r in zip(("chosen", "rejected"), responses, strict=True):
            prompt, response = tokens.conversations[c].prompt, tokens.conversations[c].responses[r]
            with torch.inference_mode():
                out = model(input_ids=torch.tensor([prompt.ids + response.ids]), output_hidden_states=True)
            x = out.hidden_states[3][0, len(prompt.ids) :].double().numpy()[np.array(response.content)]
            z = (x - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"]
            z = np.where((z > weights["threshold"]) & (z > 0), z, 0)
            np.testing.assert_allclose(matrix.values[span, "max"][row].toarray()[0], z.max(0), atol=1e-3)  # type: ignore[index]
            np.testing.assert_allclose(matrix.values[span, "freq"][row].toarray()[0], (z > 0).mean(0), atol=1e-6)  # type: ignore[index]
    assert matrix.columns[7].id == "sae:7"
    assert 5 < matrix.info["l0"] < 100


def test_the_peak_is_the_token_that_fires_strongest(tiny_model: Path, folder: Path) -> None:
    model, tokenizer = models.load(str(tiny_model))
    lens = load_sae(folder)
    matrix = read_features(lens, model, tokenizer, PAIRS)
    tokens = tokenise_pairs(tokenizer, PAIRS.pairs)
    weights = {k: v.double().numpy() for k, v in lens.sae.state_dict().items()}
    text = text_of(PAIRS.pairs[1].rejected)
    c, _, r = tokens.where[1]
    prompt, response = tokens.conversations[c].prompt, tokens.conversations[c].responses[r]
    with torch.inference_mode():
        out = model(input_ids=torch.tensor([prompt.ids + response.ids]), output_hidden_states=True)
    content = np.flatnonzero(response.content)
    x = out.hidden_states[3][0, len(prompt.ids) :].double().numpy()[content]
    z = (x - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"]
    row = matrix.values["rejected", "peak"][1]
    for latent, code in zip(row.indices, row.data, strict=True):
        start, stop = peak_place(code)
        strongest = response.ids[content[z[:, latent].argmax()]]
        assert text[start:stop].strip() == tokenizer.decode([strongest]).strip()


def test_places_point_into_the_text_whatever_stands_around_it(tiny_model: Path) -> None:
    _, tokenizer = models.load(str(tiny_model))
    turns: list[Any] = [
        {"role": "assistant", "content": "  One two."},
        {"role": "user", "content": "And?"},
        {"role": "assistant", "content": "Three."},
    ]
    long = Pair("x", "x", PAIRS.pairs[0].prompt, turns, PAIRS.pairs[0].rejected)
    tokens = tokenise_pairs(tokenizer, [long])
    (conversation,) = tokens.conversations
    for piece, text in ((conversation.prompt, "What is a fish?"), (conversation.responses[0], text_of(turns))):
        assert all(
            text[a:b].strip() == tokenizer.decode([i]).strip()
            for i, (a, b) in zip(piece.ids, piece.places, strict=True)
            if b
        )
        covered = {k for a, b in piece.places for k in range(a, b)}
        assert all(k in covered for k, letter in enumerate(text) if letter.isalpha())


def test_promoted_tokens_are_those_that_the_head_favours(tiny_model: Path, folder: Path) -> None:
    model, tokenizer = models.load(str(tiny_model))
    lens = load_sae(folder)
    hints = promoted_tokens(lens.decoder, model, tokenizer, n=3)
    direction = lens.decoder.T * model.model.norm.weight.detach().numpy()
    logits = direction @ model.lm_head.weight.detach().numpy().T
    with np.errstate(invalid="ignore"):  # a dead latent promotes nothing
        z = (logits - logits.mean(0)) / logits.std(0)
    for k in (0, 50, 199):
        wanted = [tokenizer.decode([i]).replace("\n", "⏎").strip() for i in np.argsort(-z[k])[:12]]
        wanted = [w for w in wanted if w and w.isprintable() and "\ufffd" not in w]
        assert hints[k][0] == wanted[0]


def test_a_row_does_not_depend_on_its_batch(tiny_model: Path, folder: Path) -> None:
    model, tokenizer = models.load(str(tiny_model))
    lens = load_sae(folder)
    together = read_features(lens, model, tokenizer, PAIRS)
    for batch_tokens in (1, 200):
        for i, p in enumerate(PAIRS.pairs):
            alone = read_features(lens, model, tokenizer, PairSet("one", [p]), batch_tokens=batch_tokens)
            for key, matrix in together.values.items():
                row, single = matrix[i], alone.values[key]
                assert row.indices.tolist() == single.indices.tolist(), f"support of {key} of pair {p.id}"
                np.testing.assert_allclose(row.data, single.data, rtol=1e-3, atol=1e-4)


def test_kept_in_the_store(tiny_model: Path, folder: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lens = load_sae(folder)
    reader = Reader(str(tiny_model), Store(), dtype="float32")
    first = lens.encode(PAIRS, reader)
    assert first.info["n_truncated"] == 0
    assert first.info["model"] == str(tiny_model)

    def never(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the model was loaded again")

    monkeypatch.setattr(Reader, "load", never)
    again = lens.encode(PAIRS, reader)
    assert (first.values["chosen", "max"] != again.values["chosen", "max"]).nnz == 0
    with pytest.raises(AssertionError, match="loaded again"):
        lens.encode(PAIRS, replace(reader, max_length=64))


def test_what_does_not_fit_the_model_is_refused(tiny_model: Path, folder: Path) -> None:
    model, tokenizer = models.load(str(tiny_model))
    with pytest.raises(ConfigError, match="activations of width 8, but the model's are 64"):
        read_features(SaeLens(jumprelu(8, 16), "narrow", 2, ""), model, tokenizer, PAIRS)
    with pytest.raises(ConfigError, match="reads layer 9, but the model has 4"):
        read_features(load_sae(folder, layer=9), model, tokenizer, PAIRS)


def test_what_is_no_sae_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such folder"):
        load_sae("no-such-sae")
    with pytest.raises(ConfigError, match=r"a folder with cfg\.json"):
        load_sae(tmp_path)
    (tmp_path / "ae.pt").write_bytes(b"x")
    with pytest.raises(ConfigError, match=r"ae\.pt is a pickle"):
        load_sae(tmp_path)
    config = json.loads((folder / "cfg.json").read_text())
    (tmp_path / "sae_weights.safetensors").write_bytes((folder / "sae_weights.safetensors").read_bytes())
    (tmp_path / "cfg.json").write_text(json.dumps(config | {"architecture": "batchtopk"}))
    with pytest.raises(ConfigError, match="training form"):
        load_sae(tmp_path)
    config["metadata"]["hook_name"] = "blocks.3.hook_mlp_out"
    (tmp_path / "cfg.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="only the residual stream"):
        load_sae(tmp_path)
    (tmp_path / "sae_weights.safetensors").write_bytes(b"cut off")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_sae(tmp_path)
    with pytest.raises(ConfigError, match="offtarget lens train"):
        shipped_sae(models.ModelRef("other", "/nowhere", "0"))


def test_training_recovers_planted_directions() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(24, 16))
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    codes = np.where(rng.random((40000, 24)) < 0.08, rng.uniform(5, 15, (40000, 24)), 0)
    x = torch.from_numpy(codes @ truth + 30 * np.eye(16)[0]).bfloat16()
    bits = x.view(torch.int16).numpy().view(np.uint16)
    recipe = SaeRecipe(expansion=2, k=2, epochs=6, batch_tokens=512, lr=3e-3, seed=0)
    sae, facts = fit_sae(Held([Activations(bits, {})], recipe.seed), recipe)
    decoder = torch.nn.functional.normalize(sae.W_dec.detach(), dim=1).numpy()
    best = np.abs(truth @ decoder.T).max(1)
    assert np.mean(best > 0.9) > 0.8, "most planted directions are some latent's"
    assert facts["tokens"] == 40000


def test_trained_sae_is_saved_as_jumprelu_and_measured(tiny_model: Path, store_home: Path, tmp_path: Path) -> None:
    words = "rain fish cloud river stone bread moon lamp tree song wind door salt ship coin bell".split()  # noqa: SIM905
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, 60)) for _ in range(12)]
    recipe = SaeRecipe(layer=2, expansion=2, k=8, epochs=30, batch_tokens=128, dtype="float32")
    reader = Reader(str(tiny_model), Store())
    report = train_sae(reader, [ONE_PAIR, text_pairs("words", texts)], tmp_path / "out", recipe, held_out=PAIRS)
    assert report["held_out"]["pairs"] == 3  # without the pair whose prompt is trained on
    lens = load_sae(tmp_path / "out")
    assert (type(lens.sae).__name__, lens.layer, lens.latents) == ("JumpReLUSAE", 2, 128)
    assert json.loads((tmp_path / "out" / "training.json").read_text()) == report
    assert report["data"][1]["tokens"] >= 720
    figures = report["held_out"]
    assert 0 < figures["variance_explained"] < 1
    assert 1 < figures["l0"] < 40
    assert figures["loss_zero_ablated"] != figures["loss"]
    # a reconstruction's loss is between doing nothing and ablation on this definition: share 1 at no damage
    share = (figures["loss_zero_ablated"] - figures["loss_reconstructed"]) / (
        figures["loss_zero_ablated"] - figures["loss"]
    )
    assert figures["loss_recovered_zero"] == pytest.approx(share)
    with pytest.raises(ConfigError, match="layer 7 does not exist"):
        train_sae(reader, [PAIRS], tmp_path / "no", SaeRecipe(layer=7))
    with pytest.raises(ConfigError, match="every prompt of the held-out set 'four' is trained on"):
        train_sae(reader, [PAIRS], tmp_path / "no", recipe, held_out=PAIRS)


def test_held_out_share() -> None:
    kept = sum(held_out(f"group {i}") for i in range(5000))
    assert 400 < kept < 600


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_sae_fits_its_model(name: str) -> None:
    lens = load_sae(name)
    assert (lens.layer, lens.width, lens.latents) == (20, 576, 4608)
    report = json.loads((sae_module.PRETRAINED / name / "training.json").read_text())
    assert report["model_identity"] == SHIPPED[name][1]
    size = sum(f.stat().st_size for f in (sae_module.PRETRAINED / name).iterdir())
    assert size < 12e6


def test_an_sae_that_normalises_its_input_is_measured_by_what_it_saw(tiny_model: Path) -> None:
    """Such an SAE decodes with the statistics of its last `encode`, so each stretch is encoded by itself."""
    from sae_lens import StandardSAE, StandardSAEConfig

    torch.manual_seed(2)
    sae = StandardSAE(
        StandardSAEConfig(d_in=64, d_sae=64, normalize_activations="layer_norm", apply_b_dec_to_input=False)
    )
    with torch.no_grad():
        sae.W_enc.copy_(torch.cat([torch.eye(64)[:, :32], -torch.eye(64)[:, :32]], 1))
        sae.W_dec.copy_(sae.W_enc.T)
    sae.requires_grad_(False)
    model, tokenizer = models.load(str(tiny_model))
    seen: list[torch.Tensor] = []

    class Watching(Pool):
        def take(self, acts: torch.Tensor, segments: list[Segment]) -> None:
            seen.extend(acts[s.start : s.stop].float() for s in segments if s.response >= 0)
            super().take(acts, segments)

    from offtarget.lens.activations import encode_spans

    tokens = tokenise_pairs(tokenizer, PAIRS.pairs)
    pool = Watching(sae, 1, tokens)
    encode_spans(model, tokenizer, tokens, 2, pool.take)
    x = torch.cat(seen)
    error = (x - sae.decode(sae.encode(x))).double().square().sum()
    total = (x - x.mean(0)).double().square().sum()
    assert pool.fit()["variance_explained"] == pytest.approx(float(1 - error / total), abs=1e-4)


def test_the_gain_of_a_norm_is_what_it_multiplies_by() -> None:
    from transformers.models.gemma2.modeling_gemma2 import Gemma2RMSNorm
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    torch.manual_seed(0)
    weight = torch.rand(16)
    for norm, expected in (
        (LlamaRMSNorm(16), weight),
        (Gemma2RMSNorm(16), 1 + weight),
        (torch.nn.LayerNorm(16), weight),
        (torch.nn.LayerNorm(16, elementwise_affine=False), torch.ones(16)),
    ):
        with torch.no_grad():
            if getattr(norm, "weight", None) is not None:
                norm.weight.copy_(weight)
            if getattr(norm, "bias", None) is not None:
                norm.bias.fill_(3.0)
            torch.testing.assert_close(gain(norm, weight), expected, rtol=1e-4, atol=1e-5)
