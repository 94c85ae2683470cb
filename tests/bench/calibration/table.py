"""Tables of calibration: what is claimed, what was simulated, and what was measured with its Monte Carlo error.

Shared by the `bench_calibration_*.py` scripts, each of which writes `NAME.md` and `NAME.jsonl` into `--out` with the
command that makes them again.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

ERRORS = 3
"""How many Monte Carlo standard errors a measured rate may lie on the wrong side of its nominal one."""


@dataclass(frozen=True)
class Line:
    """One claim and what simulation says of it."""

    claim: str
    simulated: str
    nominal: float
    measured: float
    n: int
    """Simulated sets (boards, comparisons) behind `measured`."""
    wrong: Literal["above", "below", "away"]
    """On which side of the nominal value a miss is a false claim: a size above it, a coverage below it, a bias away."""
    error: float | None = None
    """Monte Carlo standard error; by default that of a rate at its nominal value."""
    note: str = ""
    """What else is to be known."""
    why: str = ""
    """Why it misses, said where it does."""

    @property
    def mc(self) -> float:
        """Monte Carlo standard error of `measured`."""
        if self.error is not None:
            return self.error
        return float((self.nominal * (1 - self.nominal) / max(self.n, 1)) ** 0.5)

    @property
    def verdict(self) -> str:
        """`holds`, `conservative` (off on the safe side), or `misses`."""
        off = (self.measured - self.nominal) / self.mc if self.mc else 0.0
        if abs(off) <= ERRORS:
            return "holds"
        if (self.wrong == "above" and off < 0) or (self.wrong == "below" and off > 0):
            return "conservative"
        return "misses"


def markdown(title: str, about: Sequence[str], command: str, lines: Sequence[Line]) -> str:
    """The table with what it is about and how it was made."""
    out = [f"# {title}", "", f"Made by `{command}`.", "", *(f"- {x}" for x in about), ""]
    out += ["| claim | simulated | nominal | measured ± MC error | runs | verdict |"]
    out += ["| --- | --- | ---: | ---: | ---: | --- |"]
    for x in lines:
        told = "; ".join(t for t in (x.why if x.verdict == "misses" else "", x.note) if t)
        said = x.verdict + (f": {told}" if told else "")
        measured = f"{x.measured:.3f} ± {x.mc:.3f}"
        out.append(f"| {x.claim} | {x.simulated} | {x.nominal:g} | {measured} | {x.n} | {said} |")
    missed = [x for x in lines if x.verdict == "misses"]
    out += ["", f"{len(lines)} claims, {len(missed)} of them missed by more than {ERRORS} Monte Carlo errors.", ""]
    return "\n".join(out)


def write(
    name: str, title: str, about: Sequence[str], command: str, lines: Sequence[Line], folder: Path | None
) -> None:
    """Print the table, and write `NAME.md` and `NAME.jsonl` where a folder is given."""
    text = markdown(title, about, command, lines)
    print(text)
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    body = [{**asdict(x), "mc": x.mc, "verdict": x.verdict} for x in lines]
    rows = "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in ({"command": command}, *body))
    (folder / f"{name}.jsonl").write_text(rows, encoding="utf-8")
    (folder / f"{name}.md").write_text(text, encoding="utf-8")


def main(
    name: str, title: str, about: Sequence[str], parts: Mapping[str, Callable[[int], list[Line]]], doc: str | None
) -> None:
    """The command line of `bench_calibration_NAME.py`.

    Args:
        name: of the script and of the files.
        title: of the table.
        about: what is above it.
        parts: what makes the lines of each part from a number of runs.
        doc: what `--help` says.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="size of the simulation")
    parser.add_argument("--out", type=Path, help="folder for the table; by default it is only printed")
    parser.add_argument("--parts", nargs="*", default=list(parts), choices=list(parts))
    given = parser.parse_args()
    lines: list[Line] = []
    for part in given.parts:
        began = time.monotonic()
        lines += parts[part](given.runs)
        print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    command = f"python tests/bench/bench_calibration_{name}.py --runs {given.runs}"
    if given.parts != list(parts):
        command += f" --parts {' '.join(map(shlex.quote, given.parts))}"
    if given.out:
        command += f" --out {given.out}"
    write(name, title, about, command, lines, given.out)
