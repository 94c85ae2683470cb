"""How a baseline is written: first what a person reads in a difference of two versions, a line an effect; then the figures.

The first part says each effect in words, rounded. The second part holds what the two-sample test needs, a line a figure, each
with a value for every effect of the first part, in its order. Files of the first version held both in one line an effect, and
are read still.
"""

import json
from typing import Any, Literal

from pydantic import model_validator

from offtarget.audit.evidence import Rates
from offtarget.audit.records import View
from offtarget.gate.measure import FIGURES, WHOLE, is_finding
from offtarget.gate.records import Baseline, Entry
from offtarget.records import Record
from offtarget.report.amounts import in_means, in_unit, parts, small

NUMBERS = ("effect", "low", "high", "q", *FIGURES)
MEANS = ("chosen_mean", "rejected_mean", "shown")
"""Of effects on log(1 + n) over the whole set; null of others."""


class Line(Record):
    """One effect of a baseline, as people read it."""

    concept: str
    label: str
    says: str
    """The effect with its 95 % interval and number of pairs, and whether it is a finding; rounded, for people."""
    view: View = "overall"
    context: str | None = None
    where: str = "everywhere"
    unit: str
    means: str = ""
    """Unit of the means behind an effect on log(1 + n)."""


class BaselineFile(Record):
    """What the data taught when it was last accepted: a JSON file in the repository."""

    schema_version: Literal[2] = 2
    vocabulary: str
    lens: tuple[str, ...]
    dataset: str
    audit: str
    """Key of the audit that it was made from; empty once a part was pruned, since it is then of no one audit."""
    rows: int
    prompts: int
    views: tuple[View, ...]
    effects: tuple[Line, ...]
    """Every effect of these views that the audit tested, and concepts that no row showed."""
    figures: dict[str, tuple[float | None, ...]]
    """By name, a value for each of `effects`, which a later test needs: the effect, low and high (its 95 % interval), q, the
    sums of `audit.diff.sums.Sums` (se, squares, n, ...), and of lengths and counts chosen_mean, rejected_mean and shown (the
    share of responses that have any), null of others."""

    @model_validator(mode="after")
    def _whole(self) -> "BaselineFile":
        missing = [name for name in (*NUMBERS, *MEANS) if len(self.figures.get(name, ())) != len(self.effects)]
        if missing:
            raise ValueError(f"figures.{missing[0]}: not a value for each of the {len(self.effects)} effects")
        if any(None in self.figures[name] for name in NUMBERS):
            raise ValueError("figures: a value is null")
        return self


def text_of(baseline: Baseline) -> str:
    """The file."""
    head = baseline.model_dump(mode="json", exclude={"entries", "schema_version"})
    effects = [_line(e).model_dump(mode="json", exclude_defaults=True) for e in baseline.entries]
    figures = {name: [_figure(e, name) for e in baseline.entries] for name in (*NUMBERS, *MEANS)}
    top = "".join(f" {_json(k)}: {_json(v)},\n" for k, v in {"schema_version": 2, **head}.items())
    lines = ",\n".join(f"  {_json(e)}" for e in effects)
    rest = ",\n".join(f"  {_json(name)}: {_json(values)}" for name, values in figures.items())
    return f'{{\n{top} "effects": [\n{lines}\n ],\n "figures": {{\n{rest}\n }}\n}}\n'


def parsed(raw: Any) -> Baseline:
    """The baseline of a file's JSON, of either version.

    Raises:
        ValidationError: it is damaged.
    """
    if raw.get("schema_version") == 1:
        return Baseline.model_validate(raw)
    file = BaselineFile.model_validate(raw)
    entries = [_entry(line, {k: v[j] for k, v in file.figures.items()}) for j, line in enumerate(file.effects)]
    return Baseline.model_validate({**file.model_dump(exclude={"effects", "figures"}), "entries": entries})


def says(e: Entry) -> str:
    """`+3.2 points [+2.1, +4.3], finding (q 0.001), 4000 pairs`; of lengths and counts the means first."""
    low, high = (parts(end, e.unit)[0] for end in e.ci)
    text = f"{in_unit(e.effect, e.unit)} [{low}, {high}]"
    if e.rates is not None:
        text = f"{in_means(e.rates)} ({text})"
    found = f", finding (q {small(e.q)})" if is_finding(e) else ""
    return f"{text}{found}, {e.n} pairs".replace("−", "-")


def _line(e: Entry) -> Line:
    about = {"concept": e.concept, "label": e.label, "says": says(e), "view": e.view, "context": e.context}
    return Line.model_validate({**about, "where": e.where, "unit": e.unit, "means": e.rates.unit if e.rates else ""})


def _figure(e: Entry, name: str) -> float | None:
    if name in MEANS:
        return None if e.rates is None else getattr(e.rates, name.removesuffix("_mean"))
    return {"low": e.ci[0], "high": e.ci[1]}.get(name, getattr(e, name, None))


def _entry(line: Line, values: dict[str, float | None]) -> dict[str, Any]:
    """What `Entry` reads."""
    chosen, rejected, shown = (values[name] for name in MEANS)
    counts = {name: int(values[name] or 0) for name in WHOLE}
    rates = None
    if line.means and chosen is not None and rejected is not None:
        rates = Rates(chosen=chosen, rejected=rejected, unit=line.means, shown=shown)
    return {
        **{name: values[name] for name in ("effect", "q", *FIGURES)},
        **counts,
        **line.model_dump(exclude={"says", "means"}),
        "ci": (values["low"], values["high"]),
        "rates": rates,
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
