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


@pytest.mark.parametrize("config", ["{bad", "{}", '{"base_model_name_or_path": null}', "[]"])
def test_an_adapter_that_names_no_base_is_said_in_one_line(tmp_path: Path, config: str) -> None:
    (tmp_path / "adapter_config.json").write_text(config)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(ConfigError, match="names no base_model_name_or_path"):
        resolve(str(tmp_path))


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
