"""The base of every record that reaches a disk or a person, and in words what is wrong with a file of one."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from offtarget.errors import nearest


class Record(BaseModel):
    """A frozen record without unknown keys and without infinite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Fault = Mapping[str, Any]
"""One error of pydantic: `loc`, `type`, `msg`, `input`, `ctx`."""


def explain(error: ValidationError, model: type[BaseModel], parts: Mapping[str, str] | None = None) -> str:
    """What is wrong with a document, in words on one line: the key, its fault, what to do.

    Of several faults a misspelt key comes first, since the key that was meant is then missing. Keys that are missing side
    by side are named together.

    Args:
        error: what pydantic found.
        model: the record that the document should hold.
        parts: what to call parts of the document, by their dotted keys (`verdicts.0`: `verdict 1 (surface:bold)`); the
            last, with an empty key, names the document itself.
    """
    faults = error.errors(include_url=False)
    first = min(faults, key=lambda f: f["type"] != "extra_forbidden")
    if first["type"] != "extra_forbidden":
        # of a choice between types, the one that was meant is the one that came furthest
        first = max((f for f in faults if f["loc"][:1] == first["loc"][:1]), key=lambda f: len(f["loc"]))
    beside = [f["loc"][-1] for f in faults if f["type"] == "missing" and f["loc"][:-1] == first["loc"][:-1]]
    if first["type"] == "missing" and len(beside) > 1:
        return _lacking(first, list(map(str, beside)), model, parts or {})
    return _in_words(first, model, parts or {})


def explain_all(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """All that is wrong with a document, each as `explain` says it."""
    return [_in_words(fault, model, {}) for fault in error.errors(include_url=False)]


def _placed(keys: list[str], parts: Mapping[str, str]) -> tuple[str, str]:
    """What the part of a document is called that a key is in, and the key within it."""
    key = ".".join(keys)
    part = next((p for p in parts if not p or f"{key}.".startswith(f"{p}.")), None)
    return ("", key) if part is None else (parts[part], key[len(part) :].lstrip("."))


def _lacking(fault: Fault, names: list[str], model: type[BaseModel], parts: Mapping[str, str]) -> str:
    """All keys that one part of a document lacks."""
    place, key = _placed(_walk(model, fault["loc"])[0], parts)
    above = key.rpartition(".")[0]
    listed = [f"'{above}.{name}'" if above else f"'{name}'" for name in names]
    said = f"{', '.join(listed[:-1])} and {listed[-1]}"
    return f"{place} lacks {said}; add them" if place else f"keys {said} are missing; add them"


def _in_words(fault: Fault, model: type[BaseModel], parts: Mapping[str, str]) -> str:
    keys, models = _walk(model, fault["loc"])
    place, key = _placed(keys, parts)
    kind, text = fault["type"], str(fault["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"{place} has an {_unknown(key, models)}" if place else _unknown(key, models)
    if kind == "missing":
        return f"{place} lacks '{key}'; add it" if place else f"key '{key}' is missing; add it"
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        tag = fault["ctx"]["discriminator"].strip("'")
        given = fault["input"].get(tag) if isinstance(fault["input"], dict) else None
        choices = [str(m.model_fields[tag].default) for m in _last(model, fault["loc"])]
        return f"key '{key}.{tag}' is {given!r}; must be one of {', '.join(choices)}"
    if fault["input"] is None:
        text = "there is nothing behind it; give it a value or leave the key out"
    elif kind != "value_error":
        text += f" (got {str(fault['input'])[:60]!r})"
    if place:
        return f"{place}, key '{key}': {text}" if key else f"{place}: {text}"
    return f"{key}: {text}" if key else text


def _unknown(key: str, models: list[type[BaseModel]]) -> str:
    above, dot, name = key.rpartition(".")
    known = list(dict.fromkeys(field for m in models for field in m.model_fields))
    near = nearest(name, known, {}, most=1)
    offer = f"did you mean {above}{dot}{near[0]}?" if near else f"keys are {', '.join(known)}"
    return f"unknown key '{key}'; {offer}"


def _walk(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[list[str], list[type[BaseModel]]]:
    """Keys as the document has them, and the models that may have the last of them.

    Pydantic's location also names members of unions and validators, which no document does.
    """
    here: list[type[BaseModel]] = [model]
    above = here
    keys = []
    for k, part in enumerate(loc):
        if str(part).startswith("function-") or "[" in str(part) or part in {"str", "int", "float", "bool"}:
            continue
        tagged = [m for m in here if part == m.__name__ or part in {f.default for f in _tags(m)}]
        if tagged and k < len(loc) - 1:
            here = tagged
            continue
        keys.append(str(part))
        above = here
        inside = [m.model_fields[str(part)].annotation for m in here if part in m.model_fields]
        here = [m for annotation in inside for m in _models(annotation)] if inside else here
    return keys, above


def _last(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[type[BaseModel]]:
    """The models that a place in a document may hold."""
    _, models = _walk(model, (*loc, ""))
    return models


def _tags(model: type[BaseModel]) -> list[Any]:
    """The fields of a model with one allowed value, which tell it from other members of a union."""
    return [f for f in model.model_fields.values() if len(get_args(f.annotation)) == 1 and isinstance(f.default, str)]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The records within a type, through unions and containers."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
