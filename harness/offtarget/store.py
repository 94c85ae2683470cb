"""Content-addressed artifacts: every stage is a function from declared inputs to one directory.

The key of an artifact is the hash of (stage, stage version, inputs). A directory is built aside,
synced, and renamed into place, so it is either absent or whole. Each carries a `manifest.json` with
the SHA-256 of every file; a damaged artifact is noticed when it is next asked for and made again.
Two processes that want the same artifact wait for each other: the second one finds it made.

    $OFFTARGET_HOME/
      <stage>/<key>/...          finished artifacts
      partial/<stage>-<key>/     work in progress; kept for stages that can resume
      locks/<stage>-<key>.lock
      log.jsonl                  what was made, reused, or found damaged
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from offtarget.errors import ConfigError

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"


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


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(path: Path, data: bytes | str) -> Path:
    """Write one file whole or not at all (temporary file beside it, fsync, rename)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, tmp = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)
            f.flush()
            os.fsync(f.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(tmp).chmod(0o666 & ~umask)
        Path(tmp).replace(path)
    except BaseException:
        Path(tmp).unlink(missing_ok=True)
        raise
    return path


@contextmanager
def output_dir(path: Path, marker: str, keep: tuple[str, ...] = ()) -> Iterator[Path]:
    """A temporary directory that takes the name `path` only if the block ends well.

    An existing directory of that name is replaced at the very end, never half overwritten, and only if it
    is empty or holds the file `marker`, which says that it was made this way.

    Args:
        path: the directory to be.
        marker: a file that every such directory holds.
        keep: files of a person that are carried over from the directory that is replaced.

    Raises:
        ConfigError: something else lies there.
    """
    path = path.resolve()
    require_free(path, marker)
    tmp = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield tmp
        umask = os.umask(0)
        os.umask(umask)
        tmp.chmod(0o777 & ~umask)
        for f in tmp.rglob("*"):
            if f.is_file():
                _sync(f)
        for name in keep:
            if (path / name).is_file() and not (tmp / name).exists():
                shutil.copy2(path / name, tmp / name)
        if path.exists():
            aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
            path.rename(aside / "old")
            try:
                tmp.rename(path)
            except BaseException:
                if not path.exists():
                    (aside / "old").rename(path)
                raise
            shutil.rmtree(aside)
        else:
            tmp.rename(path)
    except BaseException:
        shutil.rmtree(tmp, ignore_errors=True)
        raise


def require_free(path: Path, marker: str) -> None:
    """Refuse, before any work is done, a path that an output directory cannot take.

    Raises:
        ConfigError: something lies there that must not be replaced.
        OSError: nothing can be written beside it.
    """
    path = path.resolve()
    if path.is_dir():
        if any(path.iterdir()) and not (path / marker).is_file():
            raise ConfigError(f"{path}: a folder with other things in it (no {marker}); choose another --out")
    elif path.exists():
        raise ConfigError(f"{path}: a file of that name is in the way; choose another --out")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent):
            pass
    except OSError as e:
        raise OSError(e.errno, e.strerror, str(path.parent)) from None


class Store:
    """Artifacts under one root folder (default `$OFFTARGET_HOME`, else `~/.cache/offtarget`)."""

    def __init__(self, root: Path | None = None) -> None:
        env = os.environ.get("OFFTARGET_HOME")
        self.root = root or (Path(env) if env else Path.home() / ".cache" / "offtarget")
        self._verified: set[Path] = set()
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
            partial = self.root / "partial" / f"{stage}-{final.name}"
            if partial.exists() and not resumable:
                shutil.rmtree(partial)
            partial.mkdir(parents=True, exist_ok=True)
            try:
                build(partial)
            except BaseException:
                if not resumable:
                    shutil.rmtree(partial, ignore_errors=True)
                raise
            self._seal(partial, stage, version, inputs)
            final.parent.mkdir(parents=True, exist_ok=True)
            partial.rename(final)
            _sync(final.parent)
            self._verified.add(final)
            self.n_made += 1
            self._note("made", final)
        return final

    def events(self) -> list[dict[str, str]]:
        """The store's log: one entry for each artifact made, reused, or found damaged."""
        path = self.root / "log.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]

    def _seal(self, folder: Path, stage: str, version: int, inputs: Mapping[str, Any]) -> None:
        files = {}
        for f in sorted(p for p in folder.rglob("*") if p.is_file()):
            _sync(f)
            files[str(f.relative_to(folder))] = {"sha256": file_sha256(f), "bytes": f.stat().st_size}
        manifest = {"stage": stage, "version": version, "inputs": dict(inputs), "files": files}
        write_atomic(folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
        _sync(folder)

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
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / f"{final.parent.name}-{final.name}.lock").open("w") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not final.is_dir():
                    log.warning("another process is making %s: waiting for it", final)
                fcntl.flock(f, fcntl.LOCK_EX)
            yield

    def _note(self, event: str, final: Path, **more: str) -> None:
        entry = {"event": event, "stage": final.parent.name, "key": final.name, **more}
        entry["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        with (self.root / "log.jsonl").open("a") as f:
            f.write(json.dumps(entry) + "\n")
