"""What the verbs share: a progress display, tables, JSON."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer

from offtarget.progress import Progress

MAX_SEED = 2**32 - 1
"""The largest seed that numpy, torch and transformers all take."""


@contextmanager
def progress() -> Iterator[Progress]:
    """A reporter (what, done, total); bars on a terminal, one line a stage elsewhere, always on stderr."""
    if not sys.stderr.isatty():
        yield stage_lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield report


LONG = 120.0
"""Seconds after which a log says of a stage how far it is; again each time twice as many have passed."""


def stage_lines(write: Callable[[str], object] | None = None, clock: Callable[[], float] = time.monotonic) -> Progress:
    """For logs: one line a stage, when it is done, with the time it took.

    A stage that takes longer than `LONG` has lines with the time left too. What takes less than a second is left out.

    Args:
        write: takes a line; by default the standard error stream.
        clock: seconds.
    """
    say = write or sys.stderr.write
    stages: dict[str, _Stage] = {}
    ended: set[str] = set()
    idle_since = clock()

    def report(what: str, done: int, total: int) -> None:
        nonlocal idle_since
        now = clock()
        if done >= total and what in ended:
            return
        stage = stages.setdefault(what, _Stage(idle_since, now, done))
        ended.discard(what)
        if done >= total:
            del stages[what]
            ended.add(what)
            idle_since = now
            if now - stage.began >= 1:
                say(f"{what}: {total} in {span(now - stage.began)}\n")
        elif now - stage.began >= stage.next_line and done > stage.done:
            stage.next_line = 2 * (now - stage.began)
            left = (now - stage.first) * (total - done) / (done - stage.done)
            say(f"{what}: {done} of {total}, about {span(left)} left\n")

    return report


@dataclass
class _Stage:
    began: float
    """When nothing else was being done any more: what a stage loads before its first report is in its time."""
    first: float
    done: int
    """At the first report; what an earlier run had done is no measure of the speed."""
    next_line: float = LONG


def span(seconds: float) -> str:
    """A length of time for people: 8 s, 4 min, 2 h 5 min."""
    minutes = round(seconds / 60)
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def echo_json(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False, default=str))


def printable(text: str) -> str:
    """Text of others as a terminal may show it: control characters as codes."""
    return "".join(c if c.isprintable() else " " if c in "\n\t" else f"\\x{ord(c):02x}" for c in text)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns as wide as their content; the last one may run on."""
    cells = [[printable(str(c)) for c in row] for row in rows]
    widths = [max([len(h), *(len(r[i]) for r in cells)]) for i, h in enumerate(head)]
    widths[-1] = 0
    for row in [list(head), *cells]:
        typer.echo("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())


def plain(text: str) -> str:
    """Text of a page for a terminal: minus signs and spaces that any terminal has."""
    return text.translate({0x2212: "-", 0x202F: " ", 0xA0: " "})


def size(d: float) -> str:
    """An effect size; where all rows differ alike it has no upper end, and the cap that is stored is not shown as it is."""
    return f"{d:+.2f}" if abs(d) < 100 else ">+100" if d > 0 else "<-100"


def note(text: str) -> None:
    """A line for the person, on stderr, so that standard output stays clean."""
    sys.stderr.write(printable(text) + "\n")


def note_problems() -> None:
    """Name the content files that could not be read; the others go on."""
    from offtarget.registry import default

    for problem in default().problems:
        note(f"note: {problem}")


def columns_option(value: str | None) -> dict[str, str] | None:
    """`prompt=question,chosen=a` as a mapping."""
    from offtarget.errors import ConfigError

    if not value:
        return None
    out = {}
    for item in value.split(","):
        key, eq, name = item.partition("=")
        if not eq or not key or not name:
            raise ConfigError(f"--columns {value}: write it as prompt=question,chosen=a,rejected=b")
        if key.strip() in out:
            raise ConfigError(f"--columns {value}: {key.strip()} is given twice; give it once")
        out[key.strip()] = name.strip()
    return out


def lens_option(value: str) -> list[str]:
    """`surface,sae` as names of lenses, each known and named once."""
    from offtarget.lens.table import check_lenses, split_lenses

    names = split_lenses(value)
    check_lenses(names, "--lens")
    return names


def parameters_option(
    values: Sequence[str] | None, flag: str = "-P", presets: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Repeated `key=value` as a mapping of numbers, booleans and texts; what has a text for its preset stays text."""
    from offtarget.errors import ConfigError
    from offtarget.recipes import parse_parameter

    out: dict[str, Any] = {}
    for item in values or []:
        key, eq, value = item.partition("=")
        if not eq or not key:
            raise ConfigError(f"{flag} {item}: write it as key=value")
        if key in out:
            raise ConfigError(f"{flag} {item}: {key} is given twice; give it once")
        out[key] = value if isinstance((presets or {}).get(key), str) else parse_parameter(value)
    return out
