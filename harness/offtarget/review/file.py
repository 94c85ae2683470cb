"""A verdicts file that people write in too: one decision changes its own entry.

The text is read again before every change, so that what somebody wrote by hand meanwhile stays. An entry that is there
is changed where it stands, with its comments (ruamel.yaml); a new one comes last; every other byte stays, also the ends of
lines and a byte order mark. What this cannot be done with entry by entry (a list on one line, anchors) is written again
whole, with its comments and order.
"""

import io
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ruamel.yaml.error import YAMLError

from offtarget import verdicts as verdict_file
from offtarget.audit.records import Audit
from offtarget.documents import parse_yaml, yaml_line, yaml_loader
from offtarget.errors import ConfigError
from offtarget.store import write_atomic
from offtarget.verdicts import Verdict, Verdicts

Place = tuple[str, str | None]
"""Concept and scope, as `Verdict.place`."""
Entry = dict[str, Any]
"""A verdict as its file holds it: only what is said."""
WIDE = 2**20
BOM = "\ufeff"


def entry_of(verdict: Verdict) -> Entry:
    """A verdict as a file holds it; what is as it is left out is left out."""
    said = verdict.model_dump(mode="python")
    if said.get("context") is None:
        said.pop("context", None)
    if verdict.strength == 1.0:
        said.pop("strength", None)
    if verdict.seen is not None:
        seen = verdict.seen
        low, high = (float(f"{end:.5g}") for end in seen.ci)
        said["seen"] = {**said["seen"], "effect": float(f"{seen.effect:.5g}"), "ci": [low, high]}
    return said


def place_of(entry: Entry) -> Place:
    """The place of an entry."""
    return Verdict.model_validate(entry).place


def exact(path: Path) -> str:
    """The text of a file with the ends of lines that it has."""
    return path.read_bytes().decode("utf-8")


class Prepared(NamedTuple):
    """A verdicts file as it is, or is about to be."""

    text: str
    verdicts: Verdicts
    entries: dict[Place, Entry]


class VerdictsFile:
    """One verdicts file, of one audit.

    Args:
        path: the file, which need not be there yet.
        audit: that its verdicts must fit.
    """

    def __init__(self, path: Path, audit: Audit) -> None:
        self.path, self.audit = path, audit
        self._parsed: Prepared | None = None

    def text(self) -> str:
        """What it holds now; of a file that is not there an empty one."""
        if not self.path.exists():
            return verdict_file.empty(self.audit)
        try:
            return exact(self.path)
        except (OSError, UnicodeDecodeError):
            verdict_file.read(self.path)  # says what is wrong with it
            raise

    def read(self) -> Verdicts:
        """The verdicts that it holds now.

        Raises:
            ConfigError: broken, or naming what the audit does not have.
            UndecidedError: made for another vocabulary.
        """
        return self._parse(self.text()).verdicts

    def entries(self) -> dict[Place, Entry]:
        """Its entries as they are written, by place; raises as `read`."""
        return self._parse(self.text()).entries

    def prepared(self, changes: Mapping[Place, Entry | None]) -> Prepared:
        """What the file will be with other entries; nothing is written yet.

        Args:
            changes: the new entry of each place; None takes it away.

        Raises:
            ConfigError: the file is broken.
        """
        text, _, there = self._parse(self.text())
        after, entries = _changed(text, there, changes, str(self.path))
        return Prepared(after, verdict_file.parse(after, str(self.path), self.audit), entries)

    def write(self, prepared: Prepared) -> None:
        """Write it, whole or not at all (fsync, rename)."""
        write_atomic(self.path, prepared.text)
        self._parsed = prepared

    def _parse(self, text: str) -> Prepared:
        if self._parsed is None or self._parsed.text != text:
            found = verdict_file.parse(text, str(self.path), self.audit)
            self._parsed = Prepared(text, found, _by_place(_raw(text, str(self.path))))
        return self._parsed


def changed(text: str, changes: Mapping[Place, Entry | None], where: str) -> str:
    """The text of a verdicts file with other entries at some places.

    Raises:
        ConfigError: its entries cannot be told apart.
    """
    return _changed(text, _by_place(_raw(text, where)), changes, where)[0]


def _changed(
    text: str, there: Mapping[Place, Entry], changes: Mapping[Place, Entry | None], where: str
) -> tuple[str, dict[Place, Entry]]:
    """The text, and its entries: of the ways to write them the first that gives what was wanted."""
    wanted = {p: e for p, e in there.items() if p not in changes}
    wanted |= {p: e for p, e in changes.items() if e is not None}
    body = text.removeprefix(BOM)
    for edit in (_by_entry, _whole, partial(_by_entry, apart=True)):
        try:
            made = edit(body, changes)
            found = _by_place(_raw(made, where))
        except (ConfigError, _CannotError, YAMLError, KeyError):  # ruamel has no key that another entry borrows (`<<`)
            continue
        if body.count("\r\n") == body.count("\n"):
            made = re.sub("(?<!\r)\n", "\r\n", made)
        made = text[: len(text) - len(body)] + made
        if found == wanted:
            return made, found
    raise ConfigError(
        f"{where}: its entries cannot be told apart; write one verdict a line: {{concept: ..., decision: ...}}"
    )


def _raw(text: str, where: str) -> list[Entry]:
    raw = parse_yaml(text, where)
    return list((raw or {}).get("verdicts") or ())


def _by_place(entries: list[Entry]) -> dict[Place, Entry]:
    """The entry that counts at each place: as `verdicts.parse` has it, an undecided one makes way for another."""
    out: dict[Place, Entry] = {}
    for entry in entries:
        verdict = Verdict.model_validate(entry)
        if verdict.place not in out or (verdict.decided and not Verdict.model_validate(out[verdict.place]).decided):
            out[verdict.place] = entry
    return out


class _CannotError(Exception):
    """The text is not laid out entry by entry."""


@dataclass(frozen=True)
class _At:
    """Where an entry stands in the text: its mapping, without what is before and after."""

    start: int
    stop: int
    column: int
    entry: Entry


def _by_entry(text: str, changes: Mapping[Place, Entry | None], *, apart: bool = False) -> str:
    """Each entry changed where it stands, new ones after the last; `apart`: none by what stands in another (`<<: *a`)."""
    root = yaml.compose(text, Loader=yaml_loader())
    if not isinstance(root, yaml.MappingNode):
        raise _CannotError
    found = next(((key, value) for key, value in root.value if key.value == "verdicts"), None)
    if found is None or root.flow_style:
        raise _CannotError
    key, sequence = found
    colon = text.index(":", key.end_mark.index) + 1
    new = [e for e in changes.values() if e is not None]
    if not isinstance(sequence, yaml.SequenceNode) or not sequence.value:  # `verdicts: []`, or nothing behind it
        if not new:
            return text
        stop = sequence.end_mark.index
        end = text.find("\n", stop)
        rest = text[stop:] if end < 0 else text[stop:end]
        lines = "".join(f"\n  - {yaml_line(entry)}" for entry in new)
        return f"{text[:colon]}{rest.rstrip()}{lines}{text[end:] if end >= 0 else chr(10)}"
    if sequence.flow_style:
        raise _CannotError
    there = [_at(text, node) for node in sequence.value]
    if len({at.start for at in there}) < len(there):
        raise _CannotError  # one is another by its name
    done: set[Place] = set()
    edits: list[tuple[int, int, str]] = []
    for at in there:
        place = place_of(at.entry)
        borrows = apart and not _alone(text[at.start : at.stop])
        if place not in changes and not borrows:
            continue
        entry = changes.get(place, at.entry)
        if entry is None or (place in done and place in changes):
            edits.append((*_lines(text, at), ""))
        elif borrows:
            edits.append((at.start, at.stop, yaml_line(entry)))
        else:
            edits.append((at.start, at.stop, _rewritten(text[at.start : at.stop], entry, at.column)))
        done.add(place)
    left = [entry for place, entry in changes.items() if entry is not None and place not in done]
    if left:
        last = there[-1]
        end = text.find("\n", last.stop)
        end = len(text) if end < 0 else end
        dash = last.column - 2
        line = text.rfind("\n", 0, last.start) + 1
        if text[line : last.start].strip() == "-":
            dash = line + text[line : last.start].index("-") - line
        edits.append((end, end, "".join(f"\n{' ' * dash}- {yaml_line(entry)}" for entry in left)))
    elif all(changes.get(place_of(at.entry), at.entry) is None for at in there):
        edits.append((colon, colon, " []"))  # nothing is left below it
    for start, stop, new_text in sorted(edits, reverse=True):
        text = text[:start] + new_text + text[stop:]
    return text if text.endswith("\n") else f"{text}\n"


def _at(text: str, node: Any) -> _At:
    start, stop = node.start_mark.index, node.end_mark.index
    if not isinstance(node, yaml.MappingNode):
        raise _CannotError
    if not node.flow_style:  # a block ends where the next begins, with the comments between
        lines = text[start:stop].split("\n")
        blocks = [leaf.end_mark.index for leaf in _leaves(node) if leaf.style in ("|", ">")]
        least = len(text[: max(blocks, default=start)].rstrip())  # a line of a block is none of comments, also with a #
        while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
            if start + len("\n".join(lines[:-1])) < least:
                break
            lines.pop()
        stop = start + len("\n".join(lines))
    loader = yaml_loader()("")
    try:
        entry = loader.construct_mapping(node, deep=True)
    finally:
        loader.dispose()
    return _At(start, stop, node.start_mark.column, entry)


def _alone(snippet: str) -> bool:
    """Whether an entry says all of itself."""
    try:
        yaml.compose(snippet, Loader=yaml_loader())
    except yaml.YAMLError:
        return False
    return True


def _leaves(node: Any) -> Iterator[Any]:
    """The scalars of a node."""
    if isinstance(node, yaml.ScalarNode):
        yield node
        return
    for part in node.value:
        for inner in part if isinstance(part, tuple) else (part,):
            yield from _leaves(inner)


def _lines(text: str, at: _At) -> tuple[int, int]:
    """The lines of an entry, whole."""
    start = text.rfind("\n", 0, at.start) + 1
    stop = text.find("\n", at.stop)
    return start, len(text) if stop < 0 else stop + 1


def _rewritten(snippet: str, entry: Entry, column: int) -> str:
    """An entry with other values, in the layout that it had."""
    editor = _editor()
    held = editor.load(textwrap.dedent(" " * column + snippet))
    _fill(held, entry)
    out = io.StringIO()
    editor.dump(held, out)
    lines = out.getvalue().rstrip("\n").split("\n")
    return "\n".join([lines[0], *((" " * column + line if line else line) for line in lines[1:])])


def _fill(held: Any, entry: Entry) -> None:
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    for key in [k for k in held if k not in entry]:
        del held[key]
    for key, value in entry.items():
        if key in held and held[key] == value:
            continue
        if isinstance(value, dict):
            inner = CommentedMap(value)
            for k, v in value.items():
                if isinstance(v, list | tuple):
                    inner[k] = CommentedSeq(v)
                    inner[k].fa.set_flow_style()
            inner.fa.set_flow_style()
            value = inner
        held[key] = value


def _whole(text: str, changes: Mapping[Place, Entry | None]) -> str:
    """The whole document read and written again, with its comments and its order."""
    from ruamel.yaml.comments import CommentedMap

    editor = _editor()
    held = editor.load(text)
    rows = held.get("verdicts")
    if rows is None:
        rows = held["verdicts"] = []
    done: set[Place] = set()
    for k in range(len(rows) - 1, -1, -1):
        place = place_of(dict(rows[k]))
        if place not in changes:
            continue
        entry = changes[place]
        if entry is None or place in done:
            del rows[k]
        else:
            _fill(rows[k], entry)
        done.add(place)
    for place, entry in changes.items():
        if entry is not None and place not in done:
            row = CommentedMap()
            _fill(row, entry)
            row.fa.set_flow_style()
            rows.append(row)
    out = io.StringIO()
    editor.dump(held, out)
    return out.getvalue()


def _editor() -> Any:
    from ruamel.yaml import YAML

    editor = YAML()
    editor.preserve_quotes = True
    editor.width = WIDE
    editor.indent(mapping=2, sequence=4, offset=2)
    return editor
