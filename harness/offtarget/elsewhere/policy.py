"""Is this a policy of that plan? What its files say: the base of an adapter, the shape of a model."""

from pathlib import Path

from offtarget.elsewhere.export import shape_of
from offtarget.elsewhere.folder import Exported
from offtarget.errors import ConfigError, OfftargetError
from offtarget.model_folder import ADAPTER_CONFIG
from offtarget.models import ModelRef, base_of, configuration, resolve
from offtarget.store import Store

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json")
"""Any of these holds a model's vocabulary."""


def policy_of(name: str, of: Exported, store: Store) -> ModelRef:
    """The policy that a folder holds, once nothing of it contradicts the plan.

    Args:
        name: a model or a LoRA adapter, as `models.resolve` takes it.
        of: the plan that it is said to be trained under.
        store: where the embedded model is kept.

    Raises:
        ConfigError: no model there, or an incomplete one; an adapter of another base, a model of another shape, or the start
            model itself.
    """
    if (Path(name) / ADAPTER_CONFIG).is_file():
        _require_base(name, of, store)
        return resolve(name, store)
    ref = resolve(name, store)
    if Path(name).is_dir() and not any((Path(name) / file).is_file() for file in TOKENIZERS):
        raise ConfigError(
            f"model '{name}': no tokenizer is in its folder ({', '.join(TOKENIZERS[:2])}, ...); save it there too, as "
            "tokenizer.save_pretrained does"
        )
    if ref.identity == of.model_identity:
        raise ConfigError(
            f"'{name}' is the start model of this plan, which nothing was trained on; for its cell say --start"
        )
    found = shape_of(configuration(ref))
    if odd := [k for k, v in of.architecture.items() if found.get(k) != v]:
        raise ConfigError(
            f"model '{name}' was not trained from this plan's start model ({of.model}): {odd[0]} is {found.get(odd[0])}, not "
            f"{of.architecture[odd[0]]}"
        )
    return ref


def _require_base(name: str, of: Exported, store: Store) -> None:
    named = base_of(Path(name))
    try:
        base = resolve(named, store)
    except OfftargetError as e:
        raise type(e)(
            f"adapter '{name}': its base '{named}' cannot be found here; if it is the plan's start model, write {of.model} as "
            f"base_model_name_or_path into {Path(name) / ADAPTER_CONFIG} ({e})"
        ) from e
    if base.identity == of.model_identity or _same_place(base, of, store):
        return
    raise ConfigError(f"adapter '{name}' is for another base ({named}): this plan's start model is {of.model}")


def _same_place(base: ModelRef, of: Exported, store: Store) -> bool:
    """Whether the base is the start model under another name, such as the folder of an alias."""
    try:
        start = resolve(of.model, store)
    except OfftargetError:
        return False
    same = Path(base.path).resolve() == Path(start.path).resolve() and base.adapters == start.adapters
    return same and start.identity == of.model_identity
