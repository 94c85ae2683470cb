"""Reference pages of what `offtarget list` lists: datasets, behaviours, protocols, lenses, methods, predictors, recipes."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from making.text import cell, code, table
from offtarget.lens.surface import COLUMNS
from offtarget.lens.surface.quality import stated
from offtarget.lens.table import LENSES
from offtarget.registry import Entry, builtin_root, default

ARGUMENT = re.compile(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", re.M | re.S)


def protocols() -> str:
    """reference/protocols.md."""
    entries = _entries("protocol")
    rows = [(f"[`{e.name}`](#{e.name})", e.card["family"], cell(e.summary), cell(_unit(e))) for e in entries]
    head = """# Protocols

A protocol decides how the pairs and your verdicts become a plan, which is all that the trainer understands. Each is one
file in `baselines/`. `offtarget list protocols` prints the names, `offtarget show NAME` one card.

All strengths have one sign: positive carries out the verdict (or amplifies a concept that `-P concept=ID` names), and
negative does the opposite. Their units differ, so strengths of two protocols are not comparable; `selection` in a recipe
[matches them](../how-to/run-a-recipe.md#match-strengths).
"""
    return "\n".join(
        [
            head,
            table(("protocol", "family", "what it does", "unit of its strength"), rows),
            "",
            *map(_protocol, entries),
        ]
    )


def _unit(e: Entry) -> str:
    return str(e.card.get("unit", "")) or "no strength"


def _protocol(e: Entry) -> str:
    card = e.card
    facts = [
        ("source", cell(card.get("source", ""))),
        ("blind control", f"[`{card['control']}`](#{card['control']})" if card.get("control") else "none"),
        ("file", code(_place(e))),
    ]
    parts = [f"## {e.name}\n", f"{_about(e)}\n", *(f"- {name}: {value}" for name, value in facts), ""]
    return "\n".join(parts + _parameters(e, " (`-P name=value`)"))


def _parameters(e: Entry, written: str = "") -> list[str]:
    """The table of a content file's parameters, with the texts of its docstring."""
    presets: dict[str, Any] = e.card.get("parameters", {})
    if not presets:
        return []
    says = _arguments(e)
    rows = [
        (code(n), code("none" if v is None else v if v != "" else '""'), cell(says.get(n, "")))
        for n, v in presets.items()
    ]
    return [table((f"parameter{written}", "default", "meaning"), rows), ""]


def _docstrings(e: Entry) -> tuple[str, str]:
    """Docstrings of the file and of the function that is named like the entry."""
    tree = ast.parse(e.path.read_text(encoding="utf-8"))
    for node in tree.body:
        if (
            isinstance(node, ast.FunctionDef)
            and node.decorator_list
            and (ast.get_docstring(node) or "").startswith(e.summary[:30])
        ):
            return ast.get_docstring(tree) or "", ast.get_docstring(node) or ""
    return ast.get_docstring(tree) or "", ""


def _about(e: Entry) -> str:
    """The file's own text, one paragraph a line."""
    return "\n\n".join(" ".join(p.split()) for p in _docstrings(e)[0].split("\n\n"))


def _arguments(e: Entry) -> dict[str, str]:
    """Parameter -> its text under `Args:`."""
    _, _, args = _docstrings(e)[1].partition("Args:\n")
    found = ARGUMENT.findall(args.partition("\n\n")[0] + "\n")
    return {name: " ".join(text.split()) for name, text in found}


def lenses() -> str:
    """reference/lenses.md."""
    rows = [(code(name), "yes" if lens.reads_model else "no", cell(lens.summary)) for name, lens in LENSES.items()]
    rules = [(code(c.id), cell(c.label), cell(stated(c.id.partition(":")[2]) or "")) for c in COLUMNS]
    shipped = sorted((builtin_root() / "harness/offtarget/lens/directions/shipped").glob("*.yaml"))
    return f"""# Lenses

A lens reads every text of a pair and gives numbers, one column a concept. `--lens surface,sae` reads with two at once.
What each measures, and what it misses, is in [explanation/lenses](../explanation/lenses.md).

{table(("lens", "reads a model", "what it reads"), rows)}

## Rules of the lens `surface`

{len(rules)} rules. The last column says how well a phrase rule finds what it counts, on labelled text that was not used to
write it ([results/rules](../results/rules.md)). Rules without it count signs, not meanings.

{table(("concept", "label", "how well it finds"), rules)}

## Directions that ship

{len(shipped)} directions, one file each in `harness/offtarget/lens/directions/shipped/`:
{", ".join(f"`direction:{p.stem}`" for p in shipped)}.
"""


def behaviours() -> str:
    """reference/behaviours.md."""
    entries = _entries("behaviour")
    rows = [
        (
            f"[`{e.name}`](#{e.name})",
            e.card["role"],
            e.card["direction"],
            cell(e.card["version"]),
            cell(e.card.get("unit", "")),
        )
        for e in entries
    ]
    parts = []
    for e in entries:
        facts = [("metric", cell(e.card.get("metric", ""))), ("file", code(_place(e)))]
        facts += (
            [("rules", cell(", ".join(f"{r} ({stated(r)})" if stated(r) else r for r in e.card["rules"])))]
            if e.card.get("rules")
            else []
        )
        parts += [f"## {e.name}\n", f"{_about(e)}\n", *(f"- {n}: {v}" for n, v in facts), "", *_parameters(e)]
    head = """# Behaviours

A behaviour is an Inspect task that measures a policy. `better` says which way is better. The role may be changed in a
recipe (`roles:`). A version is `N-X`; scores of different N are not comparable. `offtarget eval MODEL --behaviours A,B`
measures any model, and `inspect eval tasks/NAME.py --model offtarget/smollm2-135m` runs one as a plain Inspect task.
"""
    return "\n".join([head, table(("behaviour", "role", "better", "version", "unit"), rows), "", *parts])


def datasets() -> str:
    """reference/datasets.md."""
    entries = _entries("dataset")
    ours = [e for e in entries if e.card["source"]["kind"] == "path"]
    public = [e for e in entries if e not in ours]
    shipped = [(code(e.name), f"{e.card.get('rows') or 0:,}", cell(e.summary)) for e in ours]
    hub = [
        (code(e.name), f"`{e.card['source']['id']}`", f"{e.card['rows']:,}" if e.card.get("rows") else "", cell(e.card["licence"]),
         "yes" if e.card.get("verified") else "no", cell(e.summary))
        for e in public
    ]  # fmt: skip
    return f"""# Datasets

`offtarget list datasets` prints the names, `offtarget show NAME` one card whole, with the evidence for what it says.
Any file with a prompt, a chosen and a rejected answer works without a card: see [load your data](../how-to/load-your-data.md).

## Sets that ship

{table(("name", "pairs", "what it is"), shipped)}

Concepts were planted into these sets by a script, so it is known which pair shows what (`datasets_registry/planted/`,
`datasets_registry/counterfactual/`).

## Public sets

*seen*: whether the copy on the hub was opened when the card was written. Where it was not, the card rests on its
documentation; `offtarget data check NAME` says so, and `offtarget data pin NAME` fills in the revision.

{table(("name", "on the hub", "rows", "licence", "seen", "what it is"), hub)}
"""


def methods() -> str:
    """reference/methods.md."""
    kind, benchmark = METHOD
    rows = [
        (
            code(e.name),
            cell(", ".join(e.card.get("lenses", ())) or "none"),
            cell(e.summary),
            cell(e.card.get("source", "")),
        )
        for e in _entries(kind)
    ]
    grids = [(code(e.name), cell(e.summary)) for e in _entries(benchmark)]
    return f"""# Audit methods and their benchmarks

An audit method looks for concepts that separate chosen from rejected. `offtarget bench-audits BENCHMARK` runs methods on
sets whose truth is known and writes [a board](../results/benchmark.md). One more method is
[one file](../extend/audit-method.md).

{table(("method", "lenses", "what it does", "source"), rows)}

{table(("benchmark", "what it asks"), grids)}
"""


def predictors() -> str:
    """reference/predictors.md."""
    rows = [
        (code(e.name), cell(e.card["cost"]), cell(e.summary), cell(e.card["formula"]), cell(e.card["source"]))
        for e in _entries("predictor")
    ]
    return f"""# Predictors

A predictor says before training how far each concept will move. `offtarget verify RUN` holds all of them against what
training moved, on prompts that none of them saw; [results/prediction](../results/prediction.md) shows how well they do.
One more predictor is [one file](../extend/predictor.md).

*cost* is the dearest thing that it needs: **data** (rows and their features), **forward** (passes of the start model),
**gradient** (its gradients) or **pulse** (training steps).

{table(("predictor", "cost", "what it is", "predicted shift of a concept", "source"), rows)}
"""


def recipes() -> str:
    """reference/recipes.md."""
    rows = [
        (
            code(e.name),
            cell(e.card["title"]),
            ", ".join(code(part["data"]) for part in (e.card.get("parts") or {"": e.card}).values()),
            cell(", ".join(["cpu", *(e.card.get("sizes") or {})])),
        )
        for e in _entries("recipe")
    ]
    return f"""# Recipes

A recipe is one experiment in a YAML file: what is audited, trained and measured. `offtarget run RECIPE --dry-run` says
what would be done and how long it takes. [Run a recipe](../how-to/run-a-recipe.md) explains the keys;
[formats](formats.md#recipe-yaml) lists them all.

{table(("recipe", "question", "data", "sizes"), rows)}

Data that is a file name is given by `--set data=FILE`.
"""


def _entries(kind: str) -> list[Entry]:
    return [e for e in default().entries(kind) if e.builtin]  # type: ignore[arg-type]


def _place(e: Entry) -> str:
    return Path(e.path).relative_to(builtin_root()).as_posix()


METHOD = ("method", "benchmark")
PAGES: dict[str, Callable[[], str]] = {
    "protocols": protocols,
    "lenses": lenses,
    "behaviours": behaviours,
    "datasets": datasets,
    "methods": methods,
    "predictors": predictors,
    "recipes": recipes,
}
