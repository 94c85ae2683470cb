"""Features of large sets in shards: rows are read some thousands at a time, and each shard is kept when it is there.

What is read in a row does not depend on the rows beside it, so a shard is made anywhere, by anybody: an interrupted reading goes on
with the next one, and several workers share them (`engine.executors`). Shards are the same whoever makes them, so the whole is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from offtarget.data.pairs import PairSet
from offtarget.errors import DataError
from offtarget.lens import storage
from offtarget.lens.features import FeatureMatrix, FeatureWriter
from offtarget.lens.reader import Reader
from offtarget.store import Store

SHARD_ROWS = 4096
"""Rows of a shard. Smaller sets are read at once."""


@dataclass(frozen=True)
class Shard:
    """A part of what a lens reads in a set."""

    name: str
    """Lens, its number and how many there are: sae-3-of-25."""
    path: Path
    """Where it is in the store, once it is made and until the whole is."""
    whole: Path
    """Where the matrix is or will be that it is a part of."""
    make: Callable[[], Path]
    """Reads it, unless it is there."""


@dataclass(frozen=True)
class Stage:
    """How a lens keeps shards: its name, the stage of the store and its version."""

    lens: str
    name: str
    version: int


Read = Callable[[PairSet, Reader, Path], None]
"""Reads rows into a folder."""


def is_large(pairs: PairSet) -> bool:
    """Whether a set is read in shards."""
    return len(pairs) > SHARD_ROWS


def shards(pairs: PairSet, stage: Stage, whole: Path, reader: Reader, read: Read) -> list[Shard]:
    """The shards of a set, in the order of its rows; none of a set that is read at once.

    Args:
        pairs: the set.
        stage: how they are kept.
        whole: where the store has what they are joined to.
        reader: that reads them.
        read: how one is read.
    """
    if not is_large(pairs):
        return []
    starts = range(0, len(pairs), SHARD_ROWS)
    out = []
    for k, start in enumerate(starts):
        rows = replace(pairs, pairs=pairs.pairs[start : start + SHARD_ROWS])
        name = f"{stage.lens}-{k + 1}-of-{len(starts)}"
        own = reader.reporting(_within(reader, start, len(rows), len(pairs)))
        # a shard is of one whole alone, whose key says all that decides it: nobody else's reading needs it
        inputs = {"whole": whole.name, "shard": k, "rows": SHARD_ROWS}

        def make(rows: PairSet = rows, own: Reader = own, inputs: dict[str, Any] = inputs) -> Path:
            return reader.store.get(stage.name, stage.version, inputs, lambda out: read(rows, own, out))

        out.append(Shard(name, reader.store.path(stage.name, stage.version, inputs), whole, make))
    return out


def clear(store: Store, made: Iterable[Shard]) -> None:
    """Remove shards from the store whose whole is there, whoever made them."""
    for shard in made:
        if shard.whole.is_dir() and shard.path.is_dir():
            store.remove(shard.path)


def join(
    parts: Iterable[FeatureMatrix],
    out: Path,
    info: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]],
    seen: Callable[[FeatureMatrix], None] | None = None,
) -> None:
    """Write matrices one below the other as one, as `FeatureMatrix.save` would.

    In memory are one part, and of the others those up to 1 GiB; of more than that in all, one part alone.

    Args:
        parts: of one lens, in the order of their rows; each is asked for when the one before is written.
        out: folder.
        info: what to say of the whole, from what each part says of itself.
        seen: called with each part.

    Raises:
        DataError: the parts are not of one lens.
    """
    from scipy.sparse import vstack

    kept: list[FeatureMatrix] = []
    infos: list[Mapping[str, Any]] = []
    writer: FeatureWriter | None = None
    n_bytes = 0
    head: tuple[Any, ...] | None = None
    for part in parts:
        own = (part.lens, part.columns, list(part.values))
        head = head or own
        if own != head:
            raise DataError(f"shards of lens '{head[0]}' that do not go together; delete them and read again")
        infos.append(part.info)
        if seen:
            seen(part)
        n_bytes += storage.n_bytes(part.values.values())
        if writer is None and n_bytes >= storage.MAPPED_FROM:
            dtypes = {key: m.dtype for key, m in part.values.items()}
            writer = FeatureWriter(out, part.lens, part.columns, dtypes, {}, part.kind, part.reads_model)
            while kept:
                _append(writer, kept.pop(0))
        if writer is None:
            kept.append(part)
        else:
            _append(writer, part)
        del part  # before the next one is read
    if writer is not None:
        with writer:
            writer.say(info(infos))
        return
    whole = replace(
        kept[0],
        values={key: vstack([p.values[key] for p in kept], format="csr") for key in kept[0].values},
        pair_ids=tuple(x for p in kept for x in p.pair_ids),
        groups=tuple(x for p in kept for x in p.groups),
        info=dict(info(infos)),
    )
    whole.save(out)


def _append(writer: FeatureWriter, part: FeatureMatrix) -> None:
    for rows, blocks in part.row_blocks(*part.values):
        writer.append(part.pair_ids[rows], part.groups[rows], dict(zip(part.values, blocks, strict=True)))


def _within(reader: Reader, start: int, n: int, of: int) -> Callable[[str, int, int], None] | None:
    """Progress of a shard as progress of the whole, in rows."""
    report = reader.progress
    if report is None:
        return None
    return lambda what, done, total: report(what, start + n * done // max(total, 1), of)
