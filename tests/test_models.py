"""Models by name: what is found, what identifies it, and what is said when it is not there."""

import json
from pathlib import Path

import pytest

from offtarget.errors import ConfigError, UndecidedError
from offtarget.models import load, load_tokenizer, resolve

COMMIT, OTHER = "a" * 40, "b" * 40


@pytest.fixture()
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache that holds one model at two commits; `main` is at the first, the tag `v2` at the second."""
    from huggingface_hub import constants

    folder = tmp_path / "hub" / "models--org--name"
    for commit, ref in ((COMMIT, "main"), (OTHER, "v2")):
        (folder / "snapshots" / commit).mkdir(parents=True)
        (folder / "snapshots" / commit / "config.json").write_text("{}")
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / ref).write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return folder


def test_a_hub_model_is_identified_by_a_commit_whatever_it_is_called(hub_cache: Path) -> None:
    assert resolve("hf:org/name").identity == f"org/name@{COMMIT}"
    assert resolve("hf:org/name@v2").revision == OTHER
    assert resolve(f"hf:org/name@{OTHER}").identity == resolve("hf:org/name@v2").identity


def test_the_main_branch_moved_is_another_model(hub_cache: Path) -> None:
    before = resolve("hf:org/name").identity
    (hub_cache / "refs" / "main").write_text(OTHER)
    assert resolve("hf:org/name").identity != before


def test_a_hub_model_out_of_reach_is_undecided_and_named(hub_cache: Path) -> None:
    with pytest.raises(UndecidedError, match="hf:org/other"):
        resolve("hf:org/other")


def test_an_unknown_alias_offers_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="smollm2-135m"):
        resolve("smollm-135m")
    with pytest.raises(ConfigError, match="no such directory"):
        resolve(str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match=r"no config\.json"):
        resolve(str(tmp_path))


def test_an_adapter_is_its_base_and_its_own_weights(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(tiny_model)}))
    with pytest.raises(ConfigError, match=r"adapter_model\.safetensors"):
        resolve(str(tmp_path))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"one")
    first = resolve(str(tmp_path))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"two")
    second = resolve(str(tmp_path))
    assert first.path == second.path == str(tiny_model)
    assert len({first.identity, second.identity, resolve(str(tiny_model)).identity}) == 3


def test_a_model_without_a_chat_template_says_how_to_give_one(tiny_model: Path, tmp_path: Path) -> None:
    for file in tiny_model.iterdir():
        if file.suffix != ".jinja":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="--chat-template"):
        load_tokenizer(str(tmp_path))
    template = tmp_path / "mine.jinja"
    template.write_text("{% for m in messages %}<{{ m.content }}>{% endfor %}")
    tokenizer = load_tokenizer(str(tmp_path), template=str(template))
    assert tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False) == "<hi>"


def adapter(folder: Path, base: str, seed: int) -> Path:
    """A LoRA adapter for the tiny model with random weights, saved with the name of its base."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(resolve(base).path)
    tuned = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"))
    torch.manual_seed(seed)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            weight.data.normal_()
    tuned.save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def test_an_adapter_on_an_adapter_is_both(tiny_model: Path, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    first = adapter(tmp_path / "first", str(tiny_model), 1)
    second = adapter(tmp_path / "second", str(first), 2)
    assert resolve(str(second)).adapters == (str(first), str(second))
    found, _ = load(str(second))
    want = AutoModelForCausalLM.from_pretrained(tiny_model)
    for folder in (first, second):
        want = PeftModel.from_pretrained(want, folder).merge_and_unload()
    for name, weight in want.state_dict().items():
        assert (found.state_dict()[name] == weight).all(), name


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("{bad", "not JSON"),
        ("[]", "not a mapping"),
        ("{}", "names no base_model_name_or_path"),
        ('{"base_model_name_or_path": null}', "names no base_model_name_or_path"),
        ('{"base_model_name_or_path": "smollm2-135m", "peft_type": "IA3"}', "peft_type is 'IA3'"),
        ('{"base_model_name_or_path": "HERE"}', "names itself as its base, in a circle"),
        ('{"base_model_name_or_path": "OTHER"}', "names itself as its base, in a circle"),
    ],
)
def test_an_adapter_that_cannot_be_is_said_in_one_line(tmp_path: Path, config: str, says: str) -> None:
    here, other = tmp_path / "here", tmp_path / "other"
    for folder, text in ((here, config), (other, '{"base_model_name_or_path": "HERE"}')):
        folder.mkdir()
        text = text.replace("HERE", str(here)).replace("OTHER", str(other))
        (folder / "adapter_config.json").write_text(text)
        (folder / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(ConfigError, match=says) as error:
        resolve(str(here))
    assert "adapter_config.json" in str(error.value)


def test_damaged_weights_are_said_in_one_line(tiny_model: Path, tmp_path: Path) -> None:
    for file in tiny_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="cannot be loaded from"):
        load(str(tmp_path))
    broken = adapter(tmp_path / "broken", str(tiny_model), 1)
    (broken / "adapter_model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ConfigError, match="cannot be loaded from"):
        load(str(broken))


CONFIGS: list[tuple[dict[str, object] | str, str]] = [
    ("[]", r"config\.json: not a mapping"),
    ("[" * 5000, r"config\.json: nested too deeply"),
    ("{", r"config\.json: not JSON"),
    ({"model_type": "no_such_kind"}, "no_such_kind"),
    ({"model_type": None}, "model_type is None"),
    ({"auto_map": {"AutoModelForCausalLM": "x.Y"}}, "auto_map asks for code of its own"),
    ({"hidden_act": "no_such_function"}, "no_such_function"),
    ({"num_hidden_layers": 50_000}, "num_hidden_layers is 50,000; no model is that large"),
    ({"num_hidden_layers": -4}, "num_hidden_layers is -4; it should be a whole number above 0"),
    ({"num_hidden_layers": "4"}, "num_hidden_layers is '4'"),
    ({"num_hidden_layers": 9}, "weights are not in its files"),
    ({"hidden_size": 100_000, "num_attention_heads": 4, "num_hidden_layers": 900}, "do not go together"),
    ({"num_attention_heads": 0}, "num_attention_heads is 0"),
    ({"num_attention_heads": 3}, "num_attention_heads 3 is no multiple of num_key_value_heads 2"),
    ({"num_key_value_heads": 3}, "no multiple of num_key_value_heads 3"),
    ({"vocab_size": 10}, "cannot be loaded"),
    ({"torch_dtype": "float99", "dtype": "float99"}, "float99"),
    ({"num_attention_heads": 3, "num_key_value_heads": 3, "head_dim": None}, "cannot be shared by 3 attention heads"),
    ({"quantization_config": []}, "cannot be loaded"),
    ({"rope_parameters": {"rope_type": "no_such_rope", "rope_theta": 1e4}}, "no_such_rope"),
    ({"rms_norm_eps": "small"}, "cannot be loaded"),
]


def copied(model: Path, folder: Path) -> Path:
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.mark.parametrize(("config", "says"), CONFIGS)
def test_a_configuration_that_cannot_be_is_said_in_one_line(
    tiny_model: Path, tmp_path: Path, config: dict[str, object] | str, says: str
) -> None:
    folder = copied(tiny_model, tmp_path)
    good = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps({**good, **config}))
    refused(folder, says)


def refused(folder: Path, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        load(str(folder))
    message = str(error.value)
    assert "\n" not in message and len(message) < 700
    assert folder.name in message


@pytest.mark.parametrize(
    ("index", "says"),
    [
        ("[]", "not a mapping"),
        ("{}", "weight_map is no mapping"),
        ({"weight_map": {"a": "../../../etc/passwd"}}, "not a file of this folder"),
        ({"weight_map": {"a": "model-00001.safetensors"}}, "which is not there"),
        ({"weight_map": {"a": 1}}, "weight_map is no mapping"),
    ],
)
def test_an_index_of_weights_that_cannot_be_is_said_in_one_line(
    tiny_model: Path, tmp_path: Path, index: object, says: str
) -> None:
    folder = copied(tiny_model, tmp_path)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(index if isinstance(index, str) else json.dumps(index))
    refused(folder, says)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{% for m in messages %}{{ m.content }}", "Unexpected end of template"),
        ("{% for m in messages %}\n{{ nothing.at.all }}{% endfor %}", "line 2: UndefinedError: 'nothing' is undefined"),
        ("{{ messages[0].content }}\n\n{{ 1 / 0 }}", "line 3: ZeroDivisionError"),
        ("{% include 'x' %}", "line 1: "),
        ("{% import 'x' as y %}", "line 1: "),
        ("{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", "RecursionError"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "SecurityError|unsafe"),
        ("{{ raise_exception('not for you') }}", "not for you"),
        ("hello", "leaves out what the user says"),
    ],
)
def test_a_template_that_cannot_be_used_is_named_with_its_line(
    tiny_model: Path, tmp_path: Path, template: str, says: str
) -> None:
    folder = copied(tiny_model, tmp_path)
    for file in folder.glob("*.jinja"):
        file.unlink()
    (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(ConfigError, match=says) as error:
        load_tokenizer(str(folder))
    assert "chat template of model" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["[]", "", "{", '{"added_tokens_decoder": 3, "tokenizer_class": "PreTrainedTokenizerFast"}']
)
def test_a_tokenizer_that_cannot_be_is_said_in_one_line(tiny_model: Path, tmp_path: Path, text: str) -> None:
    folder = copied(tiny_model, tmp_path)
    (folder / "tokenizer_config.json").write_text(text)
    refused(folder, "tokenizer_config|cannot be loaded")


def test_weights_without_a_number_in_them_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = copied(tiny_model, tmp_path)
    weights = load_file(folder / "model.safetensors")
    name = next(n for n in weights if n.endswith("mlp.down_proj.weight"))
    save_file({**weights, name: weights[name] * float("nan")}, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, "no finite numbers")
