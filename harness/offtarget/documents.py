"""YAML and JSON that somebody else wrote: read whole, within limits, or refused on one line.

A parser is a place where a few bytes can cost all of a machine: nesting beyond the interpreter's stack, aliases that
multiply ("billion laughs"), numbers of a million digits. Every card, recipe, verdict file, audit, cell and option is
read here, so the limits are the same everywhere. Objects are plain: no tags that build anything.
"""

import json
import math
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Hashable
from functools import cache
from pathlib import Path
from typing import Any

from offtarget.errors import ConfigError, OfftargetError

MAX_BYTES = 512 * 2**20
"""Of a JSON document; an audit of many latents has some tens of MB."""
MAX_YAML_BYTES = 16 * 2**20
"""Of a YAML document: what people write by hand."""
MAX_DEPTH = 64
MAX_NODES = 500_000
"""Values in a YAML document, with each alias counted as all that it stands for."""
MAX_DIGITS = 400
"""Digits of a whole number: beyond, it is not even a float."""

UNREADABLE = (
    OSError, EOFError, KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, MemoryError,
    NotImplementedError, RuntimeError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What numpy, scipy and zipfile raise for an array file that is absent, cut short, or has bits flipped."""


def read_yaml(path: Path, error: type[OfftargetError] = ConfigError) -> Any:
    """The content of a YAML file.

    Raises:
        OfftargetError: of the given class; the file cannot be read, is not UTF-8, or as `parse_yaml`.
    """
    return parse_yaml(read_text(path, MAX_YAML_BYTES, error), str(path), error)


def parse_yaml(text: str, where: str, error: type[OfftargetError] = ConfigError) -> Any:
    """Plain objects from YAML: mappings, lists, text, numbers, booleans, dates, null.

    Args:
        text: the document.
        where: named in messages: a file, or an option.
        error: what is raised.

    Raises:
        OfftargetError: of the given class; not YAML, a key that occurs twice in one mapping, an alias within itself, an
            impossible date, or more depth, values or digits than the limits of this module.
    """
    import yaml

    _require_merged(text, where, error)
    loader = yaml_loader()
    try:
        _measure_yaml(yaml.parse(text, Loader=loader))
        return yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader, in C where there is one
    except yaml.MarkedYAMLError as e:
        end = len(text.rstrip().splitlines())
        mark = e.problem_mark or e.context_mark
        if mark and mark.line >= end and e.context_mark:  # what was not closed began there
            mark = e.context_mark
        line = f", line {min(mark.line + 1, max(end, 1))}" if mark else ""
        raise error(f"{where}{line}: not YAML ({one_line(e.problem or e.context)}); correct the file") from None
    except yaml.YAMLError as e:
        raise error(f"{where}: not YAML ({one_line(e)}); correct the file") from None
    except _Refused as e:
        raise error(f"{where}{e.place}: {e}; simplify the file") from None
    except (ValueError, OverflowError, RecursionError, TypeError, AttributeError) as e:
        # values that only look like a date or a number: 2026-02-30, 0x, 1:99:99
        raise error(f"{where}: a value cannot be read ({one_line(e)}); put it in quotes if it is text") from None


def read_json(path: Path, error: type[OfftargetError] = ConfigError, remedy: str = "correct the file") -> Any:
    """The content of a JSON file.

    Args:
        path: it.
        error: what is raised.
        remedy: what the message says to do about a damaged file.

    Raises:
        OfftargetError: of the given class; the file cannot be read, is not UTF-8, or as `parse_json`.
    """
    return parse_json(read_text(path, MAX_BYTES, error), str(path), error, remedy)


def parse_json(
    text: str | bytes, where: str, error: type[OfftargetError] = ConfigError, remedy: str = "correct it"
) -> Any:
    """Plain objects from JSON, without NaN, infinities and numbers too large for a float.

    Args:
        text: the document.
        where: named in messages.
        error: what is raised.
        remedy: what the message says to do.

    Raises:
        OfftargetError: of the given class; not JSON, nested too deeply, or a number without a finite value.
    """
    _require_merged(text, where, error)
    try:
        value = json.loads(text, parse_int=_whole)
        _measure_json(value)
    except _Refused as e:
        raise error(f"{where}: {e}; {remedy}") from None
    except RecursionError:
        raise error(f"{where}: {_TOO_DEEP}; {remedy}") from None
    except ValueError as e:
        raise error(f"{where}: not JSON ({one_line(e)}); {remedy}") from None
    return value


@cache
def yaml_loader() -> Any:
    """PyYAML's safe loader, in C where there is one, which reads 1e-4 as a number (YAML 1.2), not as text (1.1)."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    float_ = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+\Z")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", float_, list("-+.0123456789"))
    return Loader


class _Refused(Exception):  # noqa: N818 - becomes the caller's error
    """A limit was passed."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.place = "" if line is None else f", line {line}"


def conflict_line(text: str) -> int | None:
    """The first line, from 1, at which git left the marks of a merge conflict; None without."""
    return next((n for n, line in enumerate(text.splitlines(), 1) if line.startswith("<<<<<<< ")), None)


def unmerged(where: str, line: int) -> str:
    """What to say of a file with the marks of a merge conflict."""
    return (
        f"{where}, line {line}: a merge conflict (<<<<<<<); settle it in the file, or take one side whole with "
        "`git checkout --ours` or `--theirs`, then `git add` it"
    )


def _require_merged(text: str | bytes, where: str, error: type[OfftargetError]) -> None:
    """Check for a merge conflict, which a parser would call something else."""
    if isinstance(text, str) and "<<<<<<< " in text and (line := conflict_line(text)) is not None:
        raise error(unmerged(where, line))


def read_text(path: Path, most: int = MAX_BYTES, error: type[OfftargetError] = ConfigError) -> str:
    """The text of a file.

    Args:
        path: it.
        most: bytes that it may have.
        error: what is raised.

    Raises:
        OfftargetError: of the given class; larger than that, unreadable, or not UTF-8.
    """
    try:
        if path.stat().st_size > most:
            raise error(f"{path}: larger than {most // 2**20} MiB, so no file of this kind")
        return path.read_text(encoding="utf-8-sig")
    except OSError as e:
        raise error(f"{path}: cannot be read ({e.strerror})") from None
    except UnicodeDecodeError as e:
        raise error(f"{path}: not UTF-8 (byte {e.start + 1}); save the file as UTF-8") from None


_TOO_DEEP = f"nested too deeply (at most {MAX_DEPTH} levels)"


def _measure_yaml(events: Any) -> None:
    """Go through the parser's events, which build nothing, and refuse what the limits forbid."""
    import yaml

    size: dict[str, int] = {}
    """Values behind each anchor."""
    stack: list[_Open] = [_Open(None, is_mapping=False)]
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in size:
                raise _Refused(f"alias *{event.anchor} is within what it names, or names nothing", line)
            stack[-1].add(size[event.anchor], f"*{event.anchor}", line)
        elif isinstance(event, yaml.ScalarEvent):
            if len(event.value) > MAX_DIGITS and event.implicit[0] and _NUMBER.fullmatch(event.value):
                raise _Refused(f"a number of {len(event.value):,} digits", line)
            plain = event.tag in (None, "!", "tag:yaml.org,2002:str")
            stack[-1].add(1, event.value if plain else None, line)
            if event.anchor:
                size[event.anchor] = 1
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(stack) > MAX_DEPTH:
                raise _Refused(_TOO_DEEP, line)
            if event.anchor:
                size.pop(event.anchor, None)
            stack.append(_Open(event.anchor, isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            done = stack.pop()
            stack[-1].add(done.n, None, line)
            if done.anchor:
                size[done.anchor] = done.n
        if stack[-1].n > MAX_NODES:
            raise _Refused(f"more than {MAX_NODES:,} values", line)


class _Open:
    """A mapping or list whose end has not come yet."""

    def __init__(self, anchor: str | None, is_mapping: bool) -> None:
        self.anchor, self.is_mapping = anchor, is_mapping
        self.n = 1
        self.children = 0
        self.keys: set[Hashable] = set()

    def add(self, n: int, scalar: str | None, line: int) -> None:
        is_key = self.is_mapping and self.children % 2 == 0
        if is_key and scalar is not None and scalar != "<<":
            if scalar in self.keys:
                raise _Refused(f"key '{scalar[:60]}' occurs twice in one mapping", line)
            self.keys.add(scalar)
        self.children += 1
        self.n += n


_NUMBER = re.compile(r"[-+]?[\d_:.xXoObeEa-fA-F]+")


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _Refused(f"a number of {len(digits):,} digits")
    return int(digits)


def _measure_json(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH + 1:
            raise _Refused(_TOO_DEEP)
        below: list[Any] = []
        for x in level:
            if isinstance(x, dict):
                below += x.values()
            elif isinstance(x, list):
                below += x
            elif isinstance(x, float) and not math.isfinite(x):
                raise _Refused(f"'{_place_of(value, x)}' is {x}, not a finite number")
        level = below


def _place_of(value: Any, wanted: object) -> str:
    """Dotted keys to a value within a document."""
    todo = [("", value)]
    for place, x in todo:
        if x is wanted:
            return place[1:]
        inside = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, list) else ()
        todo += [(f"{place}.{key}", y) for key, y in inside]
    return "a number"


def yaml_line(value: Any) -> str:
    """A value as YAML on one line."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=2**20, default_flow_style=True)
    return str(text).removesuffix("\n").removesuffix("\n...")


def plain_line(text: str) -> str:
    """Text on one line, without signs that YAML takes for a line's end or refuses, or a terminal for a command."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def markdown_line(text: str) -> str:
    """Text on one line that is no markup."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", plain_line(text))


def one_line(error: object) -> str:
    """What an error of a library says, as a part of our own line: without breaks, and cut."""
    return " ".join(str(error).split())[:160]
