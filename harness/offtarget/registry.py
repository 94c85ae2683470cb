"""Finds datasets, behaviours, protocols, audit methods and recipes by their place in a folder.

A content root holds up to three folders: `tasks/` (one Inspect task file per behaviour),
`datasets_registry/` (one YAML card per dataset) and `baselines/` (one file per protocol, `recipes/`,
`methods/` with one file per audit method and the recipes of audit benchmarks, and `predictors/`). Ours is searched
first, then `--registry PATH`, then packages that announce a root by an entry point of the group
`offtarget.registry`. Listing reads cards and the literals of decorators without running content files,
so it is fast and a broken file cannot take the others down.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import math
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from offtarget.documents import read_yaml
from offtarget.errors import ConfigError, OfftargetError, unknown_name
from offtarget.streams import restored

Kind = Literal["dataset", "behaviour", "protocol", "recipe", "method", "benchmark", "predictor"]
KINDS: tuple[Kind, ...] = ("dataset", "behaviour", "protocol", "recipe", "method", "benchmark", "predictor")
FOLDERS: dict[Kind, tuple[str, str]] = {
    "dataset": ("datasets_registry", "*.yaml"),
    "behaviour": ("tasks", "*.py"),
    "protocol": ("baselines", "*.py"),
    "recipe": ("baselines/recipes", "*.yaml"),
    "method": ("baselines/methods", "*.py"),
    "benchmark": ("baselines/methods/recipes", "*.yaml"),
    "predictor": ("baselines/predictors", "*.py"),
}
MOVED: dict[Kind, str] = {"method": "baselines/audits"}
"""Folders as they were called before."""
DECORATOR: dict[Kind, str] = {
    "behaviour": "task",
    "protocol": "protocol",
    "method": "audit_method",
    "predictor": "predictor",
}


@dataclass(frozen=True)
class Entry:
    """One thing that was found, as far as it is known without running it."""

    kind: Kind
    name: str
    path: Path
    summary: str
    """First line of the docstring, or the card's title."""
    card: dict[str, Any] = field(default_factory=dict)
    """The YAML mapping, or the literal keywords of the decorator (and the parameters' defaults)."""
    builtin: bool = True
    bound: dict[str, Any] = field(default_factory=dict)
    """Parameters that the name itself gives: `rule:bold` is the behaviour `rule` with rule=bold."""

    @property
    def prompts_file(self) -> Path:
        """Of a behaviour: its prompts, beside its file (those of another where the card says `prompts_of`)."""
        stem = str(self.card.get("prompts_of", self.path.stem))
        for name, value in self.bound.items():
            stem = stem.replace(f"{{{name}}}", str(value).replace("/", "_"))
        return self.path.with_name(f"{stem}.jsonl")


def builtin_root() -> Path:
    """The content that belongs to offtarget: the checkout's folders, or their copies in the wheel."""
    package = Path(__file__).resolve().parent
    checkout = package.parents[1]
    if (checkout / "pyproject.toml").is_file() and (checkout / "datasets_registry").is_dir():
        return checkout
    return package / "content"


def _entry_point_roots(problems: list[str]) -> list[Path]:
    """Roots that installed packages announce; one that cannot be found becomes a problem, not an error."""
    roots = []
    for point in importlib.metadata.entry_points(group="offtarget.registry"):
        try:
            spec = importlib.util.find_spec(point.value)
        except (ImportError, ValueError) as e:
            problems.append(f"entry point '{point.name}': {e}; this package's content is left out")
            continue
        if spec and spec.submodule_search_locations:
            roots.append(Path(spec.submodule_search_locations[0]))
    return roots


def _literal_keywords(call: ast.expr) -> dict[str, Any]:
    if not isinstance(call, ast.Call):
        return {}
    card = {}
    for k in call.keywords:
        if k.arg:
            try:
                card[k.arg] = ast.literal_eval(k.value)
            except ValueError:
                continue
    return card


def _parameters(function: ast.FunctionDef) -> dict[str, Any]:
    """Keyword-only parameters with literal defaults: what `-P key=value` may set."""
    out = {}
    for arg, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        try:
            out[arg.arg] = None if default is None else ast.literal_eval(default)
        except ValueError:
            out[arg.arg] = None
    return out


def _kinds(function: ast.FunctionDef) -> dict[str, list[str]]:
    """Of each keyword-only parameter the types that its annotation names, where it is one of plain types."""
    out = {}
    for arg in function.args.kwonlyargs:
        named = [] if arg.annotation is None else ast.unparse(arg.annotation).replace(" ", "").split("|")
        if named and set(named) <= set(_KINDS):
            out[arg.arg] = named
    return out


def _scan_python(kind: Kind, path: Path, builtin: bool) -> list[Entry]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    found = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            if getattr(target, "id", getattr(target, "attr", "")) != DECORATOR[kind]:
                continue
            card = _literal_keywords(decorator)
            card["parameters"] = _parameters(node)
            card["kinds"] = _kinds(node)
            doc = (ast.get_docstring(node) or ast.get_docstring(tree) or "").strip().split("\n")[0]
            found.append(Entry(kind, str(card.get("name", node.name)), path, doc, card, builtin))
    return found


def _scan_yaml(kind: Kind, path: Path, builtin: bool) -> list[Entry]:
    card = read_yaml(path)
    if not isinstance(card, dict):
        raise ConfigError(f"{path}: not a mapping")
    name = str(card.get("name", path.stem)) if kind == "dataset" else path.stem
    summary = str(card.get("title", "")).strip().split("\n")[0]
    return [Entry(kind, name, path, summary, card, builtin)]


class Registry:
    """Everything that is found under some content roots, the first root being offtarget's own."""

    def __init__(self, extra: Sequence[Path] = ()) -> None:
        for root in extra:
            if not root.is_dir():
                raise ConfigError(f"--registry {root}: there is no such folder")
        self.problems: list[str] = []
        """One line for each content file or package that could not be read; the others go on."""
        roots = [builtin_root(), *extra, *_entry_point_roots(self.problems)]
        self.roots = list({root.resolve(): root for root in reversed(roots)}.values())[::-1]
        """Each folder once, ours first."""
        self._cache: dict[Kind, dict[str, Entry]] = {}
        self._taken: dict[tuple[Kind, str], str] = {}
        """Names that two files claim: neither is taken for what was meant."""

    def entries(self, kind: Kind) -> list[Entry]:
        """All entries of a kind, by name."""
        return [e for _, e in sorted(self._scan(kind).items())]

    def get(self, kind: Kind, name: str) -> Entry:
        """The entry of that name, or an error that offers the nearest names.

        A card with an `argument` is a family: `rule:bold` is its entry `rule` with that argument given. What the card says
        under `of` of one argument holds for that one.
        """
        found = self._scan(kind)
        family, colon, given = name.partition(":")
        if colon and (card := found[family].card if family in found else {}).get("argument") and given:
            own = {**card, **card.get("of", {}).get(given, {})}
            return replace(self.get(kind, family), name=name, card=own, bound={card["argument"]: given})
        if name not in found:
            hint = f"(not read: {'; '.join(self.problems)})" if self.problems else ""
            if kind != "dataset" and len(self.roots) == 1 and not hint:
                hint = "(one of your own: --registry FOLDER)"
            raise unknown_name(kind, name, found, hint)
        if (kind, name) in self._taken:
            raise ConfigError(self._taken[kind, name])
        return found[name]

    def _scan(self, kind: Kind) -> dict[str, Entry]:
        if kind in self._cache:
            return self._cache[kind]
        folder, pattern = FOLDERS[kind]
        if kind in MOVED:
            self.problems += [
                f"{root / MOVED[kind]}: not read; this folder is called {folder} since 0.1.0, rename it"
                for root in self.roots
                if (root / MOVED[kind]).is_dir()
            ]
        found: dict[str, Entry] = {}
        for root in self.roots:
            for path in sorted((root / folder).glob(pattern)):
                if path.name.startswith(("_", ".")):
                    continue
                scan = _scan_yaml if pattern == "*.yaml" else _scan_python
                try:
                    entries = scan(kind, path, root == self.roots[0])
                except SyntaxError as e:
                    self.problems.append(f"{path}, line {e.lineno}: {e.msg}; this {kind} file is left out")
                    continue
                except Exception as e:  # a broken card must not take the others down
                    text = " ".join(str(e).split()).removeprefix(str(path)).removeprefix(": ")
                    self.problems.append(f"{path}: {text}; this {kind} file is left out")
                    continue
                for entry in entries:
                    if entry.name in found:
                        taken = f"{path}: the {kind} '{entry.name}' is already defined in {found[entry.name].path}; rename one of them"
                        self.problems.append(taken)
                        self._taken[kind, entry.name] = taken
                        continue
                    found[entry.name] = entry
        self._cache[kind] = found
        return found


def load_module(path: Path) -> Any:
    """Run a content file as its own module, named by its path and content. One line on failure."""
    source = path.read_bytes()
    identity = hashlib.sha256(str(path).encode() + b"\0" + source).hexdigest()
    name = f"offtarget_content_{path.stem}_{identity[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.origin
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        # not the loader's own way: it takes bytecode of an older text for this one's where both were
        # written in the same second and are equally long
        with restored():
            exec(compile(source, spec.origin, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - as the loader does
    except BaseException as e:
        del sys.modules[name]
        if isinstance(e, KeyboardInterrupt):
            raise
        line = f", line {e.lineno}" if isinstance(e, SyntaxError) and e.lineno else ""
        raise ConfigError(f"{path}{line}: cannot be loaded ({type(e).__name__}: {e})") from e
    # as that of a script: it is of no installed package, and Inspect reads all of them to find that out, for every task
    module.__spec__ = None
    return module


MARKS = ("__protocol__", "__audit__", "__predictor__")
"""Attributes in which a decorator leaves the card of a function."""


def load_function(entry: Entry) -> Callable[..., Any]:
    """Run the content file of a behaviour, protocol, audit method or predictor and give its decorated function."""
    module = load_module(entry.path)
    for value in vars(module).values():
        card = next((c for mark in MARKS if (c := getattr(value, mark, None)) is not None), None)
        if card is not None and card.name == entry.name:
            return value  # type: ignore[no-any-return]
    name = entry.name.partition(":")[0]
    function = getattr(module, name, None)
    if function is None:
        raise ConfigError(f"{entry.path}: has no function '{name}'")
    return partial(function, **entry.bound) if entry.bound else function


def check_parameters(entry: Entry, params: Mapping[str, Any]) -> None:
    """Refuse parameters that a protocol or audit method does not have, or whose value is of another kind.

    Raises:
        ConfigError: names the parameter, the nearest known ones, or the type it wants.
    """
    known: dict[str, Any] = entry.card.get("parameters", {})
    for key, value in params.items():
        if key not in known:
            raise unknown_name(f"parameter of {entry.kind} '{entry.name}'", key, known)
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{entry.kind} '{entry.name}': {key}={value} is not a finite number")
        preset = known[key]
        kinds = entry.card.get("kinds", {}).get(key) or ([] if preset is None else [type(preset).__name__])
        if kinds and not any(_KINDS[k].fits(value) for k in kinds if k in _KINDS):
            wanted = " or ".join(_KINDS[k].words for k in kinds if k in _KINDS)
            like = "" if preset is None else f", such as {preset!r}"
            raise ConfigError(f"{entry.kind} '{entry.name}': {key}={value!r} should be {wanted}{like}")


@dataclass(frozen=True)
class _Kind:
    words: str
    fits: Callable[[Any], bool]


_KINDS = {
    "int": _Kind("a whole number", lambda v: isinstance(v, int) and not isinstance(v, bool)),
    "float": _Kind("a number", lambda v: isinstance(v, int | float) and not isinstance(v, bool)),
    # a text such as `layers=20` reads as a number on the command line
    "str": _Kind("text", lambda v: isinstance(v, str | int | float) and not isinstance(v, bool)),
    "bool": _Kind("true or false", lambda v: isinstance(v, bool)),
    "None": _Kind("none", lambda v: v is None),
}


def run_content(entry: Entry, function: Callable[..., Any], *args: Any, **params: Any) -> Any:
    """Call a content file's function; a fault of the file is said on one line, by its place there.

    Raises:
        ConfigError: the function failed.
    """
    try:
        with restored():
            return function(*args, **params)
    except (OfftargetError, KeyboardInterrupt):
        raise
    except BaseException as e:  # SystemExit too: a content file does not decide with which code we end
        frames = traceback.extract_tb(e.__traceback__)
        here = entry.path.resolve()
        line = next((f.lineno for f in reversed(frames) if Path(f.filename).resolve() == here), None)
        where = f", line {line}" if line else ""
        raise ConfigError(
            f"{entry.path}{where}: {entry.kind} '{entry.name}' failed ({type(e).__name__}: {e}); fix the file"
        ) from e


_default: Registry | None = None
_added: tuple[Path, ...] = ()


def default() -> Registry:
    """The registry of this process: offtarget's own content, and what `use` added."""
    global _default
    if _default is None:
        _default = Registry()
    return _default


def use(extra: Sequence[Path]) -> Registry:
    """Search these content roots too, from now on (the `--registry` option)."""
    global _default, _added
    _default, _added = Registry(extra), tuple(extra)
    return _default


def added() -> tuple[Path, ...]:
    """The content roots that `use` added."""
    return _added
