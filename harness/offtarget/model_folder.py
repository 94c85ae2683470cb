"""What the files of a model's folder say, before any of it is built: a broken folder is named by file and key.

The libraries that load models trust these files: a configuration of a million layers is built until memory ends, and a
missing activation function is a traceback. Nothing here needs them, so a check costs milliseconds.
"""

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from offtarget.documents import read_json
from offtarget.errors import ConfigError

CONFIG, ADAPTER_CONFIG, INDEX = "config.json", "adapter_config.json", "model.safetensors.index.json"
MOST = {
    ("num_hidden_layers", "n_layer", "n_layers", "num_layers"): 1_000,
    ("hidden_size", "n_embd", "d_model", "dim"): 131_072,
    ("intermediate_size", "n_inner", "ffn_dim", "d_ff"): 2_097_152,
    ("num_attention_heads", "n_head", "n_heads", "num_heads"): 8_192,
    ("num_key_value_heads", "head_dim"): 65_536,
    ("vocab_size",): 16_777_216,
    ("max_position_embeddings", "n_positions"): 1_073_741_824,
}
"""Names of a size in configurations, and the largest value that a model could have."""
PARAMETERS_A_BYTE = 16
"""More weights than this many for each byte of the weight files do not fit them: in 4 bits there are two."""

UNNOTICED = 10**9
"""This many weights are built in seconds whatever the files have."""


def check_folder(path: Path) -> None:
    """Refuse a model's folder whose files cannot be those of a model.

    Raises:
        ConfigError: a file that is not JSON or not a mapping; a model that would need its own code; a size that is no
            positive whole number or out of all proportion to the weights; an index of weights that names files outside
            the folder, or that are not there.
    """
    config = _mapping(path / CONFIG)
    if config.get("auto_map"):
        raise ConfigError(
            f"{path / CONFIG}: auto_map asks for code of its own, which is not run; give a model that transformers knows"
        )
    if not isinstance(config.get("model_type"), str):
        raise ConfigError(
            f"{path / CONFIG}: model_type is {_shown(config.get('model_type'))}, not the name of a kind of model"
        )
    weights = _weights(path)
    parts = {"": config} | {f"{k}.": v for k, v in config.items() if isinstance(v, Mapping) and k.endswith("_config")}
    for prefix, part in parts.items():
        _check_sizes(path / CONFIG, prefix, part, weights)
    for name in ("tokenizer_config.json", "tokenizer.json", "generation_config.json", "special_tokens_map.json"):
        if (path / name).is_file():
            _mapping(path / name)


def check_adapter(path: Path) -> str:
    """The model that an adapter was trained on, as its configuration names it.

    Raises:
        ConfigError: not a LoRA adapter, or it names no base.
    """
    file = path / ADAPTER_CONFIG
    config = _mapping(file)
    kind = config.get("peft_type")
    if kind is not None and kind != "LORA":
        raise ConfigError(f"{file}: peft_type is {_shown(kind)}; LORA adapters are read, no others")
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise ConfigError(f"{file}: names no base_model_name_or_path; write the model it was trained on there")
    if config.get("auto_mapping"):
        raise ConfigError(f"{file}: auto_mapping asks for code of its own, which is not run")
    return base


def check_fits(path: Path, matrices: Mapping[str, tuple[int, ...]], base: str) -> None:
    """Refuse an adapter that was trained on a model of other layers or sizes than its base.

    Args:
        path: folder of the adapter.
        matrices: the base's weights of two dimensions, by module: outputs, inputs.
        base: what the base is called.

    Raises:
        ConfigError: names the first matrix that the base lacks, or has in another size.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path / "adapter_model.safetensors", framework="numpy") as file:
            shapes = {k: tuple(file.get_slice(k).get_shape()) for k in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError):
        return  # the library that loads it says what is wrong
    for key, shape in shapes.items():
        name, _, part = key.removeprefix("base_model.model.").partition(".lora_")
        if part not in ("A.weight", "B.weight") or len(shape) != 2:
            continue
        has = matrices.get(name)
        wants = f"{shape[1]} inputs" if part[0] == "A" else f"{shape[0]} outputs"
        if has is not None and (shape[1] == has[1] if part[0] == "A" else shape[0] == has[0]):
            continue
        found = (
            "which that model does not have" if has is None else f"which has {has[0]} outputs and {has[1]} inputs there"
        )
        raise ConfigError(
            f"{path}: the adapter is of another model than its base '{base}': it changes {name} ({wants}), {found}; name the "
            f"model it was trained on in {ADAPTER_CONFIG} (base_model_name_or_path)"
        )


def _mapping(file: Path) -> dict[str, Any]:
    value = read_json(file, remedy="fetch the model again")
    if not isinstance(value, dict):
        raise ConfigError(f"{file}: not a mapping of keys to values; fetch the model again")
    return value


def _weights(path: Path) -> int:
    """Bytes of the weight files."""
    index = path / INDEX
    if not index.is_file():
        found = list(path.glob("*.safetensors"))
        if not found:
            raise ConfigError(f"{path}: no weights in safetensors there (other formats are not read)")
        return sum(f.stat().st_size for f in found)
    files = _mapping(index).get("weight_map")
    if not isinstance(files, dict) or not files or not all(isinstance(f, str) for f in files.values()):
        raise ConfigError(f"{index}: weight_map is no mapping of weights to files; fetch the model again")
    size = 0
    for name in sorted(set(files.values())):
        if PurePath(name).name != name or "\\" in name or name in {"", ".", ".."}:
            raise ConfigError(f"{index}: weight_map names {_shown(name)}, which is not a file of this folder")
        if not (path / name).is_file():
            raise ConfigError(f"{index}: names {name}, which is not there; fetch the model again")
        size += (path / name).stat().st_size
    return size


def _check_sizes(file: Path, prefix: str, config: Mapping[str, Any], weights: int) -> None:
    found: dict[str, int] = {}
    for names, most in MOST.items():
        for name in names:
            value = config.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{file}: {prefix}{name} is {_shown(value)}; it should be a whole number above 0")
            if value > most:
                raise ConfigError(f"{file}: {prefix}{name} is {value:,}; no model is that large (at most {most:,})")
            found.setdefault(names[0], value)
    width, heads = found.get("hidden_size", 0), found.get("num_attention_heads", 0)
    if width and heads and width % heads and not config.get("head_dim"):
        raise ConfigError(f"{file}: {prefix}hidden_size {width} cannot be shared by {heads} attention heads")
    few = config.get("num_key_value_heads")
    if heads and isinstance(few, int) and heads % few:
        raise ConfigError(f"{file}: {prefix}num_attention_heads {heads} is no multiple of num_key_value_heads {few}")
    layers = found.get("num_hidden_layers", 0)
    described = layers * width * (2 * width + found.get("intermediate_size", 0)) + width * found.get("vocab_size", 0)
    if described > max(PARAMETERS_A_BYTE * weights, UNNOTICED):
        raise ConfigError(
            f"{file}: describes {described:.1e} weights ({layers} layers, {width} wide), but the weight files have "
            f"{weights:,} bytes; they do not go together"
        )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
