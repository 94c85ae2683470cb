"""The claims as tables and as a page: negative results as large as the others."""

import shlex
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from offtarget.board.tables import Entry, Table, Value, as_csv, as_html, as_json, as_markdown, escape_cell, table
from offtarget.claims.figures import Figure, Records, figures_of, status_of
from offtarget.claims.records import Claim, Claims, Paper, Status, read_claims
from offtarget.errors import unknown_name
from offtarget.report.html import environment, fixed, render_page

FORMATS = ("md", "html", "csv", "json")
ORDER: tuple[Status, ...] = ("reproduced", "in part", "not reproduced", "undecided", "not tested", "not testable here")
TONES = {"reproduced": "mark", "in part": "mark", "not reproduced": "warn", "undecided": "warn"}
HEAD = ("claim", "place", "theirs", "recipe", "ours", "status", "command")
LONG = (
    *("paper", "id", "claim", "place", "theirs", "against", "status", "recipe", "dataset", "figure", "value"),
    *("ci_low", "ci_high", "holds", "note", "records", "command"),
)
METHOD = (
    "reproduced: every figure is what the claim expects, with its whole 95 % interval. not reproduced: none is. in part: some "
    "are. undecided: the interval holds both answers, or too few seeds were trained to give one. not tested: no record of ours "
    "bears on it, and the row says what would. not testable here: it needs what is not to be had here, as the row says.",
    "Where the claim is a figure of the paper, it counts as reproduced if our interval holds that figure or lies above it.",
    "Our figures are computed from the committed cells and verifications whenever this page is made; none is typed in.",
    "What was measured here is a model of 135M parameters, so nothing here says what models of 7B do; rows say what else "
    "differs from the paper.",
)


@dataclass(frozen=True)
class Checked:
    """A claim with its figures."""

    claim: Claim
    paper: Paper
    figures: tuple[Figure, ...]
    status: Status


def check_claims(path: Path) -> list[Checked]:
    """Every claim of a file with our figures.

    Raises:
        ConfigError: the file, or records that it names, cannot be read or do not hold what it names.
    """
    claims: Claims = read_claims(path)
    records = Records(path.parent)
    papers = {p.id: p for p in claims.papers}
    out = []
    for c in claims.claims:
        figures = figures_of(c, records)
        out.append(Checked(c, papers[c.paper], figures, status_of(c, figures)))
    return out


def lead(found: list[Checked]) -> str:
    """How many claims there are of each status, and how many controls of ours."""
    claims = [c for c in found if not c.claim.control]
    said = [f"{len(claims)} claims: {_counted(claims)}."]
    if controls := [c for c in found if c.claim.control]:
        said.append(f"{len(controls)} controls that the papers do not report: {_counted(controls)}.")
    return " ".join(said)


def _counted(found: list[Checked]) -> str:
    n = Counter(c.status for c in found)
    return ", ".join(f"{n[s]} {s}" for s in ORDER if n[s])


def claims_tables(found: list[Checked]) -> list[Table]:
    """One table for each paper."""
    out = []
    for paper in dict.fromkeys(c.paper for c in found):
        mine = [c for c in found if c.paper == paper]
        title = f"{escape_cell(paper.title)} ({escape_cell(paper.id)}, {paper.year})"
        made = table(title, HEAD, [_line(c) for c in mine], about=lead(mine), words=HEAD)
        ids = tuple(f"claim-{c.claim.id}" for c in mine)
        out.append(replace(made, ids=ids, aside=frozenset({"place", "recipe", "command"})))
    return out


def render_claims(found: list[Checked], form: str, command: str) -> str:
    """The claims in one format.

    Args:
        found: from `check_claims`.
        form: md, html, csv (a line for each figure) or json.
        command: the command that makes this page again.

    Raises:
        ConfigError: no such format.
    """
    if form == "md":
        out = ["# Claims of the papers, and what we see", "", f"**{lead(found)}**", ""]
        out += [f"Made by `{command}`; never edited.", ""]
        for t in claims_tables(found):
            out += as_markdown(t)
        return "\n".join([*out, "## How to read it", "", *(f"- {line}" for line in METHOD), ""])
    if form == "html":
        env = environment(Path(__file__).parent / "templates")
        tables = claims_tables(found)
        return render_page(
            env, "claims.html.j2", lead=lead(found), tables=[(c.paper, as_html(t)) for c, t in zip(_first(found), tables, strict=True)],
            method=METHOD, command=command,
        )  # fmt: skip
    if form == "csv":
        return as_csv(_long(found))
    if form == "json":
        return as_json([_long(found)])
    raise unknown_name("format of claims", form, FORMATS)


def claims_command(path: Path, formats: list[str], out: Path | None) -> str:
    """The command that makes the page, as it is on it."""
    where = "" if out is None else f" --out {shlex.quote(str(out))}"
    return f"offtarget claims {shlex.quote(str(path))} --format {','.join(formats)}{where}"


def _first(found: list[Checked]) -> list[Checked]:
    """The first claim of each paper."""
    return list({c.paper.id: c for c in reversed(found)}.values())[::-1]


def _line(c: Checked) -> list[Value]:
    claim = c.claim
    said = (
        ("Control: " if claim.control else "")
        + claim.claim
        + (f" (speaks against {claim.against})" if claim.against else "")
    )
    seen = [said_of(f) for f in c.figures] or [claim.not_testable or f"would be tested by: {claim.would_test}"]
    about = [claim.about] if claim.about else []
    made = [f"{claim.recipe}: {claim.command}"] if claim.command else []
    command = (
        Entry(f"`{claim.command}`", (claim.command,), ours=True)
        if claim.command and "`" not in claim.command
        else claim.command
    )
    return [
        Entry(said, (claim.id, said)),
        claim.place,
        Entry(claim.theirs or "–", (claim.theirs or "–", claim.place)),
        claim.recipe or "–",
        Entry("; ".join(escape_cell(x, 400) for x in (*seen, *about)), ("", *seen, *about, *made), ours=True),
        Entry(f"**{c.status}**", ("",), tag=c.status, tone=TONES.get(c.status, ""), ours=True),
        command or "–",
    ]  # fmt: skip


def said_of(f: Figure) -> str:
    """A figure with its interval, in words."""
    if f.value is None:
        return f"{f.what}: {f.note or 'no figure'}"
    places = 2 if abs(f.value) >= 0.1 else 3
    ci = f" [{fixed(f.ci[0], places)}, {fixed(f.ci[1], places)}]" if f.ci else ""
    note = f" ({f.note})" if f.note else ""
    return f"{f.what}: {fixed(f.value, places)}{ci}{note}"


def _long(found: list[Checked]) -> Table:
    rows: list[list[Value]] = []
    for c in found:
        start: list[Value] = [
            c.paper.id,
            c.claim.id,
            c.claim.claim,
            c.claim.place,
            c.claim.theirs,
            c.claim.against,
            c.status,
        ]
        start.append(c.claim.recipe)
        for f in c.figures or (Figure(c.claim.not_testable or c.claim.would_test, "", None, None, None),):
            holds = "" if f.holds is None else "yes" if f.holds else "no"
            low, high = f.ci or (None, None)
            rows.append(
                [*start, f.dataset, f.what, f.value, low, high, holds, f.note, " ".join(f.source), c.claim.command]
            )
    return table("", LONG, rows, words=LONG)
