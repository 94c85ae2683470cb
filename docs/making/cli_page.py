"""reference/cli.md: every command with its arguments and options, read from the command line itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer

from making.text import cell, code, table
from offtarget.cli.main import app

HEAD = """# The command line

Every command, argument and option. `offtarget VERB --help` prints the same.

## For every command

{everywhere}

These options may be written before or after the verb. Every command that a program would read has `--json`; `concepts` and
`board` have `--format json`. Progress, notes and warnings go to standard error.

DATASET is one of:

- a name of [the registry](datasets.md);
- a file, several files, a folder or a pattern (`.jsonl`, `.json`, `.csv`, `.tsv`, `.parquet`, `.arrow`, also packed as
  `.gz` or `.zst`);
- `hf:ORG/NAME`, a dataset of the Hugging Face hub.

MODEL is `smollm2-135m` (the embedded model), `hf:ORG/NAME@REVISION`, or a folder that holds a model or a LoRA adapter.

## Exit codes

| code | meaning |
| ---: | --- |
| 0 | done, or passed |
| 1 | a check failed: `offtarget gate`, `drop`, `check` (a promise), `board check` (cells), `reproduce` (another result) |
| 2 | the usage, the configuration or the data is wrong |
| 3 | could not decide: too few rows, a source that cannot be reached, another vocabulary, a run without a result |
| 130 | interrupted (Ctrl-C); the same command goes on from there |
| 143 | terminated (SIGTERM); the same command goes on from there |

An error is one line on standard error. It says what is wrong, where, and what to do.

## Environment

| variable | meaning |
| --- | --- |
| `OFFTARGET_HOME` | folder of the store, by default `~/.cache/offtarget`: models, features, policies, answers, scores |
| `OMP_NUM_THREADS` | processor threads, where `--threads` does not say it |
| `CUDA_VISIBLE_DEVICES` | which GPUs are used; empty for none |
| `HF_HUB_OFFLINE=1` | never ask the Hugging Face hub |
"""


def commands(group: Any = None, above: str = "offtarget") -> Iterator[tuple[str, Any]]:
    """Every command with its whole name, such as `offtarget data check`, in the order of `--help`."""
    group = group if group is not None else typer.main.get_command(app)
    for name, found in group.commands.items():
        if name == getattr(group, "default", None):
            yield above, found
        elif hasattr(found, "commands"):
            yield from commands(found, f"{above} {name}")
        else:
            yield f"{above} {name}", found


def page() -> str:
    """The whole page."""
    every = [p for p in typer.main.get_command(app).params if p.name != "help"]
    parts = [HEAD.format(everywhere=_options(every)), "## Commands\n"]
    parts += [_command(name, found) for name, found in commands()]
    return "\n".join(parts)


def _command(name: str, found: Any) -> str:
    arguments = [p for p in found.params if p.param_type_name == "argument"]
    options = [p for p in found.params if p.param_type_name == "option" and p.name != "help"]
    shape = " ".join([name, *(_metavar(p) for p in arguments), *(["[OPTIONS]"] if options else [])])
    out = [f"### {name}\n", f"```text\n{shape}\n```\n", _paragraphs(found.help or ""), ""]
    if arguments:
        rows = [(code(_metavar(p)), cell(p.help or "")) for p in arguments]
        out += [table(("argument", "meaning"), rows), ""]
    if options:
        out += [_options(options), ""]
    return "\n".join(out)


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(p.split()) for p in text.replace("\b", "").split("\n\n"))


def _metavar(p: Any) -> str:
    name = p.name.upper().rstrip("_")
    return f"{name}{'...' if p.nargs == -1 else ''}" if p.required else f"[{name}{'...' if p.nargs == -1 else ''}]"


def _options(options: list[Any]) -> str:
    rows = []
    for p in options:
        names = ", ".join(p.opts)
        kind = "" if p.is_flag else f" {_kind(p)}"
        rows.append((code(names + kind), cell(_default(p)), cell(p.help or "")))
    return table(("option", "default", "meaning"), rows)


def _kind(p: Any) -> str:
    """What stands behind an option: the shape of its value, with its bounds."""
    made = {int: "N", float: "X", str: "TEXT", Path: "PATH"}
    annotation = p.type_descriptor.annotation
    inner = next((a for a in (annotation, *get_args(annotation)) if a in made), str)
    low, high = getattr(p, "min", None), getattr(p, "max", None)
    if low is None and high is None:
        return made[inner]
    return f"{made[inner]} ({low} or more)" if high is None or high > 2**31 else f"{made[inner]} ({low} to {high})"


def _default(p: Any) -> str:
    if p.required:
        return "required"
    if p.is_flag or p.default is None or callable(p.default):
        return ""
    return ", ".join(map(str, p.default)) if isinstance(p.default, list | tuple) else f"`{p.default}`"
