"""Files to begin with: a protocol, a behaviour, an audit method or a predictor that runs as it is, to be changed."""

from keyword import iskeyword
from pathlib import Path
from typing import Literal, get_args

from offtarget.errors import ConfigError, unknown_name
from offtarget.registry import FOLDERS, default
from offtarget.store import write_atomic

Kind = Literal["protocol", "behaviour", "method", "predictor"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PLACEHOLDER = "new_name"


def start(kind: str, name: str, folder: Path) -> list[Path]:
    """Write the first file of a protocol, behaviour, audit method or predictor (a behaviour: and its prompts).

    Args:
        kind: protocol, behaviour, method or predictor.
        name: what it will be called, a Python identifier.
        folder: content root: the file goes to its `baselines/`, `tasks/`, `baselines/methods/` or `baselines/predictors/`.

    Returns:
        The files.

    Raises:
        ConfigError: no such kind, a name that cannot be used or is taken, or a file that is there already.
    """
    if kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    found: Kind = kind
    if not name.isidentifier() or iskeyword(name) or name.startswith("_"):
        raise ConfigError(
            f"name '{name}': use letters, digits and underscores, with a letter first, and no word of Python (my_protocol)"
        )
    if taken := [e for e in default().entries(found) if e.name == name]:
        raise ConfigError(f"name '{name}': there is a {kind} of that name, {taken[0].path}; choose another")
    place = folder / FOLDERS[found][0]
    texts = {
        place / f"{name}{file.name.removeprefix(kind)[:-4]}": file for file in sorted(_here().glob(f"{kind}.*.txt"))
    }
    for path in texts:
        if path.exists():
            raise ConfigError(f"{path}: there is such a file already; choose another name, or delete it")
    for path, starter in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, starter.read_text(encoding="utf-8").replace(PLACEHOLDER, name))
    return list(texts)


def _here() -> Path:
    return Path(__file__).parent
