"""Tables of calibration: what is claimed, what was simulated, and what was measured with its Monte Carlo error.

Shared by the `bench_calibration_*.py` scripts, each of which writes `results/calibration/NAME.md` and `.jsonl` with the
command that makes them again.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

RESULTS = Path(__file__).resolve().parents[3] / "results" / "calibration"
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
    out += [
        "",
        f"{len(lines)} claims, {len(missed)} of them missed by more than {ERRORS} Monte Carlo errors.",
        "",
    ]
    return "\n".join(out)


def write(
    name: str, title: str, about: Sequence[str], command: str, lines: Sequence[Line], folder: Path = RESULTS
) -> Path:
    """Write `NAME.md` and `NAME.jsonl` and print the table; gives back the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(title, about, command, lines)
    body = [{**asdict(x), "mc": x.mc, "verdict": x.verdict} for x in lines]
    rows = "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in ({"command": command}, *body))
    (folder / f"{name}.jsonl").write_text(rows, encoding="utf-8")
    path = folder / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    print(text)
    return path
