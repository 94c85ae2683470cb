"""The gate's report for people, programs, test tools, code scanning and workflows: one file each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from offtarget.errors import ConfigError, unknown_name
from offtarget.gate.formats import github, json_, junit, sarif, table
from offtarget.gate.locations import Locations
from offtarget.gate.records import GateReport

Writer = Callable[[GateReport, Locations], str]
FORMATS: dict[str, Writer] = {
    "table": table.render,
    "json": json_.render,
    "junit": junit.render,
    "sarif": sarif.render,
    "github": github.annotations,
}
DOCUMENTS = ("json", "junit", "sarif")
"""Formats of one whole document, which nothing else may stand beside."""


@dataclass(frozen=True)
class Wanted:
    """One `--format NAME[=FILE]`."""

    name: str
    file: Path | None


def together(name: str, texts: Sequence[str]) -> str:
    """One document of the reports on several drops: a list in JSON, runs in SARIF, suites in JUnit, else one after another."""
    if len(texts) == 1 or name not in DOCUMENTS:
        return "".join(texts)
    return {"json": json_.together, "junit": junit.together, "sarif": sarif.together}[name](texts)


def parse_formats(values: list[str] | None) -> list[Wanted]:
    """What `--format` asks for; a table where it is not given.

    Raises:
        ConfigError: an unknown format, or two that would be written to one place.
    """
    out = []
    for value in values or ["table"]:
        name, eq, file = value.partition("=")
        if name not in FORMATS:
            raise unknown_name("format", name, FORMATS, hint="(--format NAME or NAME=FILE)")
        if eq and not file:
            raise ConfigError(f"--format {value}: write it as {name}=FILE, or as {name} alone")
        out.append(Wanted(name, Path(file) if file else None))
    whole = [w.name for w in out if w.file is None and w.name in DOCUMENTS]
    printed = [w.name for w in out if w.file is None]
    if whole and len(printed) > 1:
        raise ConfigError(
            f"--format {whole[0]} prints one whole document, so {', '.join(n for n in printed if n != whole[0])} cannot be "
            f"printed too; write --format {whole[0]}=FILE"
        )
    files = [w.file for w in out if w.file]
    if lost := next((f for f in files if not f.parent.is_dir()), None):
        raise ConfigError(
            f"--format: there is no folder {lost.parent} to write {lost.name} into; make it, or name another"
        )
    if twice := next((f for f in files if files.count(f) > 1), None):
        raise ConfigError(f"--format: two formats are to be written to {twice}; give each its own file")
    return out
