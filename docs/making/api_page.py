"""reference/python.md: what `import offtarget` gives, read from the source, so that nothing heavy is imported."""

import ast
import re
from pathlib import Path

import offtarget
from making.text import cell, code, table

HEAD = """# Python

`import offtarget` gives these names. Importing loads nothing else; each name is fetched when it is first used. The
notebook `docs/tutorials/notebook.ipynb` goes through an audit and a plan; [train with your own
script](../how-to/own-trainer.md) takes a plan to your trainer.

"""
PACKAGE = Path(offtarget.__file__).parent
ARGUMENT = re.compile(r"^(\w+): (.*?)(?=^\w+: |\Z)", re.M | re.S)


def page() -> str:
    """The whole page."""
    names = {name: _definition(name) for name in offtarget.__all__ if not name.startswith("__")}
    rows = [(f"[`{n}`](#{n.lower()})", cell((ast.get_docstring(d) or "").split("\n")[0])) for n, d in names.items()]
    return "\n".join([HEAD + table(("name", "what it is"), rows), "", *(_entry(n, d) for n, d in names.items())])


def _definition(name: str) -> ast.FunctionDef | ast.ClassDef:
    module = PACKAGE.joinpath(*offtarget._WHERE[name].split(".")).with_suffix(".py")
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return next(d for d in tree.body if isinstance(d, ast.FunctionDef | ast.ClassDef) and d.name == name)


def _entry(name: str, found: ast.FunctionDef | ast.ClassDef) -> str:
    text = ast.get_docstring(found) or ""
    about, _, rest = text.partition("\n\nArgs:\n")
    out = [f"## {name}\n", f"```text\n{_signature(found)}\n```\n", _prose(about), ""]
    arguments = ARGUMENT.findall("\n".join(line[4:] if line.startswith("    ") else "" for line in _indented(rest)))
    if arguments:
        out += [table(("argument", "meaning"), [(code(n), cell(t)) for n, t in arguments]), ""]
    if isinstance(found, ast.ClassDef):
        methods = [d for d in found.body if isinstance(d, ast.FunctionDef) and not d.name.startswith("_")]
        said = [
            (code(_signature(d)), cell((ast.get_docstring(d) or "").split("\n\n")[0]))
            for d in methods
            if ast.get_docstring(d)
        ]
        out += [table(("member", "what it gives"), said), ""] if said else []
    return "\n".join(out)


def _indented(text: str) -> list[str]:
    """The lines of a section of a docstring, up to the next section."""
    lines = text.split("\n")
    end = next((i for i, line in enumerate(lines) if line and not line.startswith(" ")), len(lines))
    return lines[:end]


def _signature(found: ast.FunctionDef | ast.ClassDef) -> str:
    if isinstance(found, ast.ClassDef):
        return f"class {found.name}"
    if any(isinstance(d, ast.Name) and d.id == "property" for d in found.decorator_list):
        return found.name
    arguments = ast.unparse(found.args).replace(": Any", "")
    return f"{found.name}({re.sub(r'^(self|cls)(, )?', '', arguments)})"


def _prose(text: str) -> str:
    """Paragraphs on one line each; examples as code; the other sections of a docstring left out."""
    kept = []
    for part in text.split("\n\n"):
        if re.match(r"(Raises|Returns|Examples?|Attributes):", part):
            break
        kept.append(f"```text\n{part}\n```" if part.startswith((">>>", "    ")) else " ".join(part.split()))
    return "\n\n".join(kept)
