"""Content-addressed artifacts: every stage is a function from declared inputs to one directory.

The key of an artifact is the hash of (stage, stage version, inputs). A directory is built aside,
synced, and renamed into place, so it is either absent or whole. Each carries a `manifest.json` with
the SHA-256 of every file; a damaged artifact is noticed when it is next asked for and made again.
Two processes that want the same artifact wait for each other: the second one finds it made.

    $OFFTARGET_HOME/
      <stage>/<key>/...          finished artifacts
      building/<stage>-<key>/    work in progress; what a killed process left is cleared
      partial/<stage>-<key>/     work in progress of stages that can resume; kept until it is finished
      locks/<stage>-<key>.lock
      log.jsonl                  what was made, reused, or found damaged
"""

import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from offtarget import siblings
from offtarget.errors import ConfigError

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
BUILDING = "building"
EDITED_BYTES = 2**20
"""Larger files of our own are not looked at for edits by hand."""


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text. Raises on NaN and objects."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def hash_of(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Have a file or folder on the disk before going on."""
    if sys.platform == "win32" and path.is_dir():
        return  # folders cannot be opened there
    fd = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(path: Path, data: bytes | str, *, sync: bool = True) -> Path:
    """Write one file whole or not at all (temporary file beside it, fsync, rename).

    Args:
        path: the file.
        data: its content; text as UTF-8.
        sync: wait until the disk has it. Hundreds of pages that are made from other files need not survive a power cut.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    siblings.clear(path)
    fd, tmp = tempfile.mkstemp(prefix=siblings.prefix_of(path), dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)
            f.flush()
            if sync:
                os.fsync(f.fileno())
        Path(tmp).chmod(0o666 & ~_umask())
        Path(tmp).replace(path)
    except BaseException:
        Path(tmp).unlink(missing_ok=True)
        raise
    return path


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


@contextmanager
def output_dir(path: Path, marker: str) -> Iterator[Path]:
    """A temporary directory that takes the name `path` only if the block ends well.

    An existing directory of that name is replaced at the very end, never half overwritten, and only if it
    is empty or holds the file `marker`, which says that it was made this way. Whatever a person put into it (files that
    its manifest does not list, or lists otherwise) is carried over before the old directory gives up its name, and lies
    at every moment in the directory that has it.

    Args:
        path: the directory to be.
        marker: a file that every such directory holds.

    Raises:
        ConfigError: something else is there.
    """
    path = path.resolve()
    require_free(path, marker)
    tmp = siblings.temporary_dir(path)
    try:
        yield tmp
        tmp.chmod(0o777 & ~_umask())
        seal(tmp)
        old = path if path.exists() else None
        carried = _carry_over(old, tmp) if old else {}
        if not old:
            tmp.rename(path)
            sync(path.parent)
            return
        left = siblings.replace_dir(tmp, path)
    except BaseException:
        shutil.rmtree(tmp, ignore_errors=True)
        raise
    sync(path.parent)
    behind = left / siblings.OLD if (left / siblings.OLD).is_dir() else left
    for source, (target, seen) in carried.items():  # what was edited in the moment in between
        if _stamp(behind / source) != seen:
            _copy(behind / source, path / target)
    shutil.rmtree(left, ignore_errors=True)


def _carry_over(old: Path, new: Path) -> dict[str, tuple[str, object]]:
    """Copy a person's files from a directory to the one that takes its place.

    Returns:
        Name in the old directory -> name in the new one, and the stamp of what was copied.
    """
    made = _listed(old)
    carried: dict[str, tuple[str, object]] = {}
    for file in sorted(old.rglob("*")):
        name = file.relative_to(old).as_posix()
        if not file.is_file() or name == MANIFEST:
            continue
        if made is None:
            if (new / name).exists():
                continue
        elif name in made and (file.stat().st_size > EDITED_BYTES or file_sha256(file) == made[name]):
            continue
        target = name
        while (new / target).exists():  # ours, edited by hand: both are kept
            target = f"{Path(target).with_suffix('')}.kept{file.suffix}"
        stamp = _stamp(file)
        _copy(file, new / target)
        carried[name] = target, stamp
    if edited := [target for target, _ in carried.values() if ".kept" in target]:
        log.warning("%s: edited by hand and made again; the edited ones are kept as %s", old, ", ".join(edited))
    return carried


def _stamp(file: Path) -> object:
    try:
        at = file.stat()
    except OSError:
        return None
    return at.st_mtime_ns, at.st_size, at.st_ino


def _copy(source: Path, target: Path) -> None:
    """Copy a file with its times, whole or not at all; one that is gone by now is left out."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{siblings.prefix_of(target)}copy")
    try:
        shutil.copy2(source, aside)
    except FileNotFoundError:
        return
    sync(aside)
    aside.replace(target)


def seal(folder: Path, about: Mapping[str, Any] | None = None) -> None:
    """Write the manifest of a finished folder: the hash and size of every file in it; all is synced to the disk.

    Args:
        folder: it.
        about: what else the manifest says.
    """
    files = {}
    for f in sorted(p for p in folder.rglob("*") if p.is_file()):
        sync(f)
        files[f.relative_to(folder).as_posix()] = {"sha256": file_sha256(f), "bytes": f.stat().st_size}
    write_atomic(folder / MANIFEST, json.dumps({**(about or {}), "files": files}, indent=1, sort_keys=True))
    sync(folder)


def require_intact(file: Path) -> None:
    """Refuse a file that is not as the manifest of a folder above it says; a file that no manifest lists passes.

    Raises:
        ConfigError: it was changed or damaged since it was made.
    """
    for folder in (file.parent, *file.parent.parents[:2]):
        made = _listed(folder)
        name = file.relative_to(folder).as_posix()
        if made is not None and name in made and file.is_file():
            if file_sha256(file) != made[name]:
                raise ConfigError(f"{file}: damaged, or changed since it was made; make {folder} again")
            return


def _listed(folder: Path) -> dict[str, str] | None:
    """File -> SHA-256 as the manifest of a folder says; None without a readable one."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {str(name): str(of["sha256"]) for name, of in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def require_free(path: Path, marker: str) -> None:
    """Refuse, before any work is done, a path that an output directory cannot take.

    What a killed process left beside it is cleared.

    Raises:
        ConfigError: something is there that must not be replaced.
        OSError: nothing can be written beside it.
    """
    path = path.resolve()
    siblings.clear(path)
    if path.is_dir():
        if any(path.iterdir()) and not (path / marker).is_file():
            raise ConfigError(f"{path}: a folder with other things in it (no {marker}); choose another --out")
    elif path.exists():
        raise ConfigError(f"{path}: a file of that name is in the way; choose another --out")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        siblings.temporary_dir(path).rmdir()
    except OSError as e:
        raise OSError(e.errno, e.strerror, str(path.parent)) from None


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user whom the system does not know
        raise ConfigError("this user has no home folder: set OFFTARGET_HOME to a folder for what is kept") from None


class Store:
    """Artifacts under one root folder (default `$OFFTARGET_HOME`, else `~/.cache/offtarget`)."""

    def __init__(self, root: Path | None = None) -> None:
        env = os.environ.get("OFFTARGET_HOME")
        self.root = root or (Path(env) if env else _home() / ".cache" / "offtarget")
        self._verified: set[Path] = set()
        self._swept = False
        self.n_made = 0
        """Artifacts that this object has built, not found."""

    def key(self, stage: str, version: int, inputs: Mapping[str, Any]) -> str:
        """The content address: SHA-256 over stage, version and inputs (JSON values only)."""
        return hash_of({"stage": stage, "version": version, "inputs": dict(inputs)})

    def path(self, stage: str, version: int, inputs: Mapping[str, Any]) -> Path:
        """Where the artifact is or would be."""
        return self.root / stage / self.key(stage, version, inputs)[:32]

    def get(
        self,
        stage: str,
        version: int,
        inputs: Mapping[str, Any],
        build: Callable[[Path], None],
        *,
        resumable: bool = False,
    ) -> Path:
        """The directory of a finished artifact; built first if it is absent or damaged.

        Args:
            stage: name of the stage, also the folder.
            version: raised by hand whenever the stage's code changes what it makes.
            inputs: everything the result depends on, as JSON values.
            build: fills an empty directory with the artifact's files.
            resumable: `build` may find there what a killed run left, and go on from it.
        """
        final = self.path(stage, version, inputs)
        if final in self._verified and final.is_dir():
            return final
        with self._lock(final):
            if final.is_dir():
                fault = self._fault(final)
                if fault is None:
                    self._verified.add(final)
                    self._note("reused", final)
                    return final
                log.warning("%s is damaged (%s): it is made again", final, fault)
                self._note("damaged", final, fault=fault)
                shutil.rmtree(final)
            self._sweep()
            partial = self.root / ("partial" if resumable else BUILDING) / f"{stage}-{final.name}"
            if partial.exists() and not resumable:
                shutil.rmtree(partial)
            partial.mkdir(parents=True, exist_ok=True)
            try:
                build(partial)
            except BaseException:
                if not resumable:
                    shutil.rmtree(partial, ignore_errors=True)
                raise
            seal(partial, {"stage": stage, "version": version, "inputs": dict(inputs)})
            final.parent.mkdir(parents=True, exist_ok=True)
            partial.rename(final)
            sync(final.parent)
            self._verified.add(final)
            self.n_made += 1
            self._note("made", final)
        return final

    def remove(self, final: Path) -> None:
        """Remove an artifact that nothing needs any more; one that is not there is none."""
        with self._lock(final):
            self._verified.discard(final)
            if final.is_dir():
                shutil.rmtree(final)
                self._note("removed", final)

    def _sweep(self) -> None:
        """Clear, once in a process, what killed processes left half built: their locks are free."""
        if self._swept:
            return
        self._swept = True
        for left in (self.root / BUILDING).glob("*"):
            try:
                with self._lock_of(left.name).acquire(blocking=False):
                    shutil.rmtree(left, ignore_errors=True)
            except Timeout:
                continue  # it is being built

    def events(self) -> list[dict[str, str]]:
        """The store's log: one entry for each artifact made, reused, or found damaged; half a line at its end is none."""
        path = self.root / "log.jsonl"
        if not path.exists():
            return []
        out = []
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                out.append(json.loads(line))
            except ValueError:  # its writer was killed
                continue
        return out

    def _fault(self, folder: Path) -> str | None:
        try:
            files = json.loads((folder / MANIFEST).read_text())["files"]
            for name, want in files.items():
                f = folder / name
                if not f.is_file() or f.stat().st_size != want["bytes"] or file_sha256(f) != want["sha256"]:
                    return f"{name} is missing or changed"
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return "no readable manifest"
        return None

    @contextmanager
    def _lock(self, final: Path) -> Iterator[None]:
        lock = self._lock_of(f"{final.parent.name}-{final.name}")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if not final.is_dir():
                log.warning("another process is making %s: waiting for it", final)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _lock_of(self, name: str) -> FileLock:
        """The lock of one artifact; the system frees it when its owner ends, however that happens."""
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        return FileLock(locks / f"{name}.lock")

    def _note(self, event: str, final: Path, **more: str) -> None:
        entry = {"event": event, "stage": final.parent.name, "key": final.name, **more}
        entry["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        with (self.root / "log.jsonl").open("ab") as f:
            f.write(json.dumps(entry).encode() + b"\n")
