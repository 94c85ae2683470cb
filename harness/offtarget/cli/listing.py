"""`offtarget list` and `offtarget show`: what there is."""

from typing import TYPE_CHECKING, Annotated

import typer

from offtarget.cli.options import AsJson
from offtarget.cli.ui import echo_json, note, table

if TYPE_CHECKING:
    from offtarget.registry import Entry

PLURALS = {
    "datasets": "dataset",
    "behaviours": "behaviour",
    "protocols": "protocol",
    "recipes": "recipe",
    "methods": "method",
    "benchmarks": "benchmark",
    "predictors": "predictor",
    "lenses": "lens",
    "models": "model",
}


def list_(
    what: Annotated[
        str,
        typer.Argument(
            help="datasets, behaviours, protocols, recipes, methods (of audits), benchmarks, predictors, lenses or models; "
            "all if left out."
        ),
    ] = "all",
    as_json: AsJson = False,
) -> None:
    """What there is: datasets, behaviours, protocols, recipes, audit methods and benchmarks, predictors, lenses, models."""
    from offtarget.errors import ConfigError, unknown_name
    from offtarget.registry import default

    if what == "audits":
        raise ConfigError("list audits: audit methods are listed by `offtarget list methods`")
    if what != "all" and what not in PLURALS:
        raise unknown_name("kind", what, PLURALS)
    found = {name: rows(kind) for name, kind in PLURALS.items() if what in ("all", name)}
    problems = default().problems
    if as_json:
        echo_json({**(found if what == "all" else {what: found[what]}), "problems": problems})
    else:
        for name, entries in found.items():
            if what == "all":
                typer.echo(f"\n{name}")
            table(("name", "what it is"), [(e["name"], e["summary"]) for e in entries])
    for problem in problems:
        note(f"note: {problem}")


def rows(kind: str) -> list[dict[str, str]]:
    """Name, summary and place of every entry of a kind."""
    from offtarget.registry import default

    if kind == "lens":
        from offtarget.lens.table import LENSES

        return [{"name": name, "summary": lens.summary} for name, lens in LENSES.items()]
    if kind == "model":
        from offtarget.models import ALIASES

        return [{"name": n, "summary": s} for n, s in ALIASES.items()]
    return [{"name": e.name, "summary": _summary(e), "path": str(e.path)} for e in default().entries(kind)]  # type: ignore[arg-type]


def _summary(entry: "Entry") -> str:
    """What an entry is; of a behaviour that phrase rules score also how well these find what they count."""
    said = "; ".join(_rules(entry).values())
    return f"{entry.summary} ({said})" if said else entry.summary


def _rules(entry: "Entry") -> dict[str, str]:
    """Phrase rules that score a behaviour, and how well each finds what it counts."""
    from offtarget.lens.surface.quality import stated

    return {rule: stated(rule) for rule in entry.card.get("rules", ()) if stated(rule)}


def show(
    name: Annotated[
        str, typer.Argument(help="Name of a dataset, behaviour, protocol, recipe, audit method or benchmark.")
    ],
    as_json: AsJson = False,
) -> None:
    """One card, whole."""
    import yaml

    from offtarget.errors import unknown_name
    from offtarget.registry import KINDS, default

    entries = [e for kind in KINDS for e in default().entries(kind)]
    found = [e for e in entries if e.name == name]
    if not found:
        raise unknown_name("name", name, {e.name for e in entries})
    for e in found:
        card = {"kind": e.kind, "name": e.name, "path": str(e.path), "summary": e.summary, **e.card}
        if "rules" in e.card:
            card["rules"] = _rules(e)
        if as_json:
            echo_json(card)
        else:
            typer.echo(yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=100).rstrip())
