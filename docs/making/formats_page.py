"""reference/formats.md: the files that offtarget reads and writes, field by field, from the records themselves."""

import ast
import importlib
import inspect
import textwrap
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from making.text import cell, code, table


@dataclass(frozen=True)
class Format:
    """One file format."""

    title: str
    record: str
    """Module and name of the record, `offtarget.verdicts:Verdicts`."""
    about: str


FORMATS = (
    Format(
        "audit.json", "offtarget.audit.records:Audit", "What `offtarget audit` found. Written into the audit's folder."
    ),
    Format(
        "verdicts.yaml",
        "offtarget.verdicts:Verdicts",
        "A person's decisions. `offtarget audit` writes a template beside the report; `plan` and `run` read the file.",
    ),
    Format(
        "recipe (.yaml)",
        "offtarget.engine.recipe:Recipe",
        "One experiment: what is audited, trained and measured. `offtarget run` reads it; `--set key=value` changes one key.",
    ),
    Format(
        "cell (.json)",
        "offtarget.board.cell:Cell",
        "One protocol, trained with one seed and measured. `offtarget run` writes it once and never changes it.",
    ),
    Format(
        "plan.json of an exported folder",
        "offtarget.elsewhere.folder:Exported",
        "A plan and the rows that another program trains on. `offtarget plan --export` writes it, `offtarget cell` checks it.",
    ),
    Format(
        "dataset card (.yaml)",
        "offtarget.data.cards:DatasetCard",
        "How a dataset is read, and what is known of it. Lies in `datasets_registry/`, or is given by `--card FILE`.",
    ),
    Format(
        "verification.json",
        "offtarget.verification.records:Verification",
        "What `offtarget verify` measured: predicted against observed shifts.",
    ),
    Format(
        "forecast.json",
        "offtarget.forecast.records:Forecast",
        "What `offtarget forecast` expects of a training, under plain DPO and under a plan.",
    ),
    Format(
        "contrib/NAME.yaml",
        "offtarget.board.contributions:Contribution",
        "Where a protocol of somebody else is, and which cells are its. Lies beside the folder of cells; `offtarget board` reads it.",
    ),
    Format(
        "claims.yaml",
        "offtarget.claims.records:Claims",
        "What papers claim, and which cells and verifications bear on it. `offtarget claims` computes the figures.",
    ),
    Format(
        "curve.json",
        "offtarget.curve.records:Curves",
        "What `offtarget curve` measured: shifts at each scale of adapters, and side effects at equal effect.",
    ),
    Format(
        "change record (`offtarget diff`)",
        "offtarget.audit.diff.records:Difference",
        "What changed between two audits of one vocabulary.",
    ),
    Format(
        "verdicts.yaml.journal.jsonl (one line)",
        "offtarget.review.journal:Step",
        "Decisions that were made together on the page, for undo. `offtarget review` appends, and never changes a line.",
    ),
    Format(
        "verdicts.yaml.merge.json",
        "offtarget.review.merge:Merged",
        "Where the files of `offtarget verdicts merge` contradict, and what was taken over. Lies beside the merged file.",
    ),
    Format(
        "offtarget.toml",
        "offtarget.gate.records:GateConfig",
        "Settings of the gate and limits on single concepts. `offtarget gate init` writes one.",
    ),
    Format(
        "offtarget-baseline.json",
        "offtarget.gate.baseline_file:BaselineFile",
        "What the data taught when it was last accepted: each effect in words, one a line, then the figures of the test. "
        "`offtarget gate --update-baseline` writes it; beside it lie a folder with the vocabulary and a page for people (.md). "
        "A file of schema version 1 is read too.",
    ),
    Format(
        "gate.json (in the folder of an audit)",
        "offtarget.gate.last:LastGate",
        "What the gate last said of the audit, and by which decisions; `offtarget review` shows first what failed.",
    ),
    Format("gate report (`offtarget gate`)", "offtarget.gate.records:GateReport", "What the gate says."),
)

HEAD = """# File formats

Made from the records that read and write the files. A field that the file leaves out takes its default. An unknown
field is an error. Numbers are finite: a value that cannot be given is `null`.

What is promised: within one `schema_version` fields may be added; none is removed, renamed or given another meaning or
unit. A file of another version is refused by name. Keys (hashes) of cells and of the store are not promised. The first
section of CHANGELOG.md has the whole list.
"""


def page() -> str:
    """The whole page."""
    contents = [f"- [{f.title}](#{_anchor(f.title)}): {f.about}" for f in FORMATS]
    return "\n".join([HEAD, *contents, "", *(_format(f) for f in FORMATS)])


def load(path: str) -> type[BaseModel]:
    """The record of `module:name`."""
    module, _, name = path.partition(":")
    found: type[BaseModel] = getattr(importlib.import_module(module), name)
    return found


def _anchor(title: str) -> str:
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _format(f: Format) -> str:
    records = list(dict.fromkeys(_records(load(f.record))))
    parts = [f"## {f.title}\n", f"{f.about}\n", _record(records[0])]
    parts += [f"### {r.__name__} ({f.title.split(' (')[0]})\n\n{_record(r)}" for r in records[1:]]
    return "\n".join(parts)


def _records(record: type[BaseModel], seen: frozenset[Any] = frozenset()) -> Iterator[type[BaseModel]]:
    """The record and those of its fields, in the order in which a reader meets them."""
    if record in seen:
        return
    yield record
    for field in record.model_fields.values():
        for inner in _inside(field.annotation):
            yield from _records(inner, seen | {record})


def _inside(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [r for a in typing.get_args(annotation) for r in _inside(a)]


def _record(record: type[BaseModel]) -> str:
    says = inspect.cleandoc(record.__doc__ or "") if record.__doc__ != BaseModel.__doc__ else ""
    first = says.split("\n\n")[0]
    notes = documented(record)
    rows = [
        (code(name), cell(_type(field.annotation)), cell(_default(field)), cell(notes.get(name, "")))
        for name, field in record.model_fields.items()
    ]
    return "\n".join([cell(first), "", table(("field", "type", "default", "meaning"), rows), ""])


def _type(annotation: Any) -> str:
    """A type in the words of JSON."""
    if annotation is type(None):
        return "null"
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(inside[0])
    if origin is typing.Literal:
        return " or ".join(f"`{v}`" for v in inside)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(a) for a in inside))
    if origin in (tuple, list, frozenset, set) or str(origin).endswith(("Sequence'>", "Iterable'>")):
        if len(inside) == 1 or (len(inside) == 2 and inside[1] is ...):
            return f"list of {_type(inside[0])}"
        return "[" + ", ".join(_type(a) for a in inside) + "]"
    if origin in (dict,) or str(origin).endswith("Mapping'>"):
        return f"mapping of {_type(inside[0])} to {_type(inside[1])}" if inside else "mapping"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "any value"}
    name = names.get(annotation, getattr(annotation, "__name__", str(annotation)))
    return name


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.default if field.default is not PydanticUndefined else field.default_factory()
    if isinstance(value, BaseModel):
        return "its defaults"
    if value is None:
        return "null"
    return "empty" if value in ((), {}, "", []) else f"`{value}`".replace("True", "true").replace("False", "false")


@cache
def documented(record: type[BaseModel]) -> dict[str, str]:
    """Field -> the text under it in the source, of a record and of the records it is made from."""
    notes: dict[str, str] = {}
    for owner in reversed(record.__mro__):
        if owner in (BaseModel, object) or not issubclass(owner, BaseModel):
            continue
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        assert isinstance(body, ast.ClassDef)
        for line, under in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(under, ast.Expr)
                and isinstance(under.value, ast.Constant)
            ):
                notes[ast.unparse(line.target)] = inspect.cleandoc(str(under.value.value))
    return notes
