"""Nothing imports upwards: the floors of the house hold."""

import ast
from pathlib import Path

from tests.conftest import LONGEST, REPO

HARNESS = Path(__file__).resolve().parents[1] / "harness" / "offtarget"
FLOORS = [
    {
        "errors",
        "documents",
        "siblings",
        "streams",
        "progress",
        "hub",
        "store",
        "registry",
        "versions",
        "machine",
        "recipes",
        "starters",
        "records",
    },
    {"models", "model_folder", "model_size", "architecture", "chat_template", "asking"},
    {"data", "lens"},
    {"audit", "verdicts", "shaping", "training", "evals"},
    {"board", "report", "influence"},
    {"benchmark", "comparison"},
    {"engine"},
    {"verification", "forecast", "review", "gate", "claims", "curve", "elsewhere"},
    {"reproduction"},
    {"api"},
    {"cli", "__main__"},
]
HEIGHT = {room: i for i, floor in enumerate(FLOORS) for room in floor}


def room_of(path: Path) -> str:
    first = path.relative_to(HARNESS).parts[0]
    return first.removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("offtarget"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("offtarget.")}
    return {room for room in found if room in HEIGHT}


def edges() -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for path in HARNESS.rglob("*.py"):
        room = room_of(path)
        if room not in {"__init__", "content"}:
            out.setdefault(room, set()).update(imported_rooms(path) - {room})
    return out


def test_every_room_has_a_floor() -> None:
    assert set(edges()) <= set(HEIGHT), "put the new room on a floor"


def test_nothing_imports_upwards() -> None:
    bad = {(a, b) for a, targets in edges().items() for b in targets if HEIGHT[b] > HEIGHT[a]}
    assert not bad


def test_there_are_no_circles_between_rooms() -> None:
    graph = edges()
    done: set[str] = set()

    def visit(room: str, path: tuple[str, ...]) -> None:
        assert room not in path, f"a circle: {' -> '.join((*path, room))}"
        if room not in done:
            for other in graph.get(room, ()):
                visit(other, (*path, room))
            done.add(room)

    for room in graph:
        visit(room, ())


def test_training_knows_plans_not_protocols_and_audit_knows_features_not_lenses() -> None:
    for path in (HARNESS / "training").rglob("*.py"):
        assert "shaping.protocol" not in path.read_text()
    for path in (HARNESS / "audit").rglob("*.py"):
        text = path.read_text()
        assert "lens.surface" not in text and "lens.sae" not in text, f"{path} knows a lens"


def imported_files(path: Path) -> set[Path]:
    """The files of the house that a file imports, also late, but not for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or id(node) in for_types or not node.module:
            continue
        parts = node.module.split(".")
        if parts[0] != "offtarget":
            continue
        here = HARNESS.joinpath(*parts[1:])
        names = {here / f"{alias.name}.py" for alias in node.names} | {here.with_suffix(".py")}
        found |= {file for file in names if file.is_file()}
    return found - {path}


def test_there_are_no_circles_between_files() -> None:
    graph = {path: imported_files(path) for path in HARNESS.rglob("*.py")}
    done: set[Path] = set()

    def visit(file: Path, way: tuple[Path, ...]) -> None:
        names = [str(f.relative_to(HARNESS)) for f in (*way, file)]
        assert file not in way, f"a circle: {' -> '.join(names)}"
        if file not in done:
            for other in sorted(graph[file]):
                visit(other, (*way, file))
            done.add(file)

    for file in sorted(graph):
        visit(file, ())


def test_the_test_files_that_begin_first_are_there() -> None:
    assert [name for name in LONGEST if not (REPO / "tests" / name).is_file()] == []
