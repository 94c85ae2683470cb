"""Which files a path means: one file, several, a folder or a pattern; and the splits that their names say."""

import glob
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offtarget.data.encodings import shown
from offtarget.data.reading import KNOWN, is_data_file, kind_of
from offtarget.data.splits import split_of_file
from offtarget.errors import ConfigError

_NO_ROWS = {
    "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json", "package.json",
    "metadata.json", "adapter_config.json", "tokenizer.json", "tokenizer_config.json",
}  # fmt: skip
"""JSON files that are beside data and hold none."""


@dataclass(frozen=True)
class Files:
    """Data files by split."""

    name: str
    parts: tuple[tuple[str | None, tuple[Path, ...]], ...]
    """(split, files); one part with None where their names say no split."""
    named: bool = False
    """Whether each file was named by the person, so that all splits are meant."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(split for split, _ in self.parts if split is not None)

    def told(self) -> str:
        """What was found, in words; empty for one plain file."""
        files = [f for _, part in self.parts for f in part]
        if len(files) == 1 and not self.splits:
            return ""
        if not self.splits:
            return f"{len(files)} files: {_few([shown(f) for f in files])}"
        return f"{len(files)} files: " + ", ".join(
            f"{split} ({_few([shown(f) for f in part])})" for split, part in self.parts
        )


def _few(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def find_files(refs: Sequence[str]) -> Files:
    """The files that some paths mean.

    A folder means the data files in it, at any depth (of one kind only), or what `datasets.save_to_disk` wrote there;
    a pattern such as `shards/*.parquet` means what it matches.

    Raises:
        ConfigError: nothing is there, or a folder holds files of several kinds.
    """
    if len(refs) == 1:
        path = Path(refs[0]).expanduser()
        if path.is_dir():
            return _of_folder(path)
        if path.is_file() or not glob.has_magic(refs[0]):
            return Files(shown(path), ((None, (path,)),))
    files: list[Path] = []
    for ref in refs:
        path = Path(ref).expanduser()
        if path.is_dir():
            files += [f for _, part in _of_folder(path).parts for f in part]
        elif glob.has_magic(ref) and not path.exists():
            files += _matches(str(path), ref)
        else:
            files.append(path)
    files = list(dict.fromkeys(files))
    parts = _by_split(files)
    name = shown(files[0]) if len(files) == 1 else shown(files[0].parent.resolve()) or shown(files[0])
    return Files(name, parts, named=True)


def _matches(pattern: str, ref: str) -> list[Path]:
    found = [Path(p) for p in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - a pattern may be absolute
    files = [p for p in found if p.is_file() and is_data_file(p.name) and p.name not in _NO_ROWS]
    if not files:
        raise ConfigError(f"{ref}: no data file matches ({KNOWN})")
    _one_kind(files, ref)
    return files


def _of_folder(folder: Path) -> Files:
    if (folder / "audit.json").is_file():
        raise ConfigError(f"{folder}: the folder of an audit, not of data")
    name = shown(folder.resolve())
    saved = _saved(folder)
    if saved:
        return Files(name, saved)
    files = sorted(
        p
        for p in folder.rglob("*")
        if is_data_file(p.name)
        and p.name not in _NO_ROWS
        and p.is_file()
        and not any(part.startswith((".", "_")) for part in p.relative_to(folder).parts)
    )
    if not files:
        raise ConfigError(f"{folder}: a folder without a data file ({KNOWN})")
    _one_kind(files, str(folder))
    return Files(name, _by_split(files))


def _one_kind(files: Sequence[Path], where: str) -> None:
    kinds = sorted({str(kind_of(f.name)) for f in files})
    if len(kinds) > 1:
        raise ConfigError(
            f"{where}: holds files of several kinds ({', '.join(kinds)}), perhaps of the same rows; name one kind, "
            f"such as '{Path(where) / '*'}{kinds[0]}'"
        )


def _by_split(files: Sequence[Path]) -> tuple[tuple[str | None, tuple[Path, ...]], ...]:
    """The files by the split that their names say; all in one part where some say none, or all the same."""
    homes: dict[str | None, list[Path]] = {}
    for file in files:
        homes.setdefault(split_of_file(file), []).append(file)
    if None in homes or len(homes) == 1:
        return ((None, tuple(files)),)
    order = sorted(homes, key=lambda s: not str(s).startswith("train"))
    return tuple((split, tuple(homes[split])) for split in order)


def _saved(folder: Path) -> tuple[tuple[str | None, tuple[Path, ...]], ...]:
    """What `datasets.save_to_disk` wrote: a dataset, or a folder of splits."""
    marker = folder / "dataset_dict.json"
    if marker.is_file():
        names = _json(marker).get("splits", [])
        parts = [(str(n), _arrow_files(folder / str(n))) for n in names if "/" not in str(n)]
        return tuple((n, files) for n, files in parts if files)
    files = _arrow_files(folder)
    return ((None, files),) if files else ()


def _arrow_files(folder: Path) -> tuple[Path, ...]:
    state = folder / "state.json"
    if not state.is_file():
        return ()
    listed = _json(state).get("_data_files", [])
    names = [str(f.get("filename")) for f in listed if isinstance(f, dict)]
    return tuple(folder / n for n in names if "/" not in n and "\\" not in n and n.endswith(".arrow"))


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise ConfigError(f"{path}: cannot be read ({' '.join(str(e).split())[:100]})") from None
    return value if isinstance(value, dict) else {}
