"""The concepts and topics that hypotheses are about; made once, and reusable by a later audit.

A lens of plain columns gives one concept per column. A lens of latents (it has firing frequencies) gives
clusters of latents, and single latents that belong to no cluster.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from offtarget.audit.concepts.clusters import cluster_latents, firing, min_firing
from offtarget.audit.concepts.embedding import Moments, cluster_columns, sample_rows, see
from offtarget.audit.concepts.kinds import PromptKind
from offtarget.audit.concepts.topics import Topics
from offtarget.documents import UNREADABLE, one_line, read_json
from offtarget.errors import ConfigError, UndecidedError
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.storage import row_blocks
from offtarget.store import hash_of, require_intact, write_atomic

VERSION = 4
TABLE, ARRAYS = "vocabulary.json", "vocabulary.npz"
MIN_SHIFT_SD, MIN_SHIFT = 1e-3, 1e-4
_IDENTITY_KEYS = ("identity", "version", "model_identity", "sae_sha256", "layer", "hook", "template")
"""What of a lens's `info` makes two readings incomparable when it differs; fit and timing do not."""


@dataclass(frozen=True)
class ConceptSpec:
    """What a concept is made of."""

    id: str
    kind: Literal["feature", "cluster"]
    lens: str
    members: tuple[str, ...]
    """Column ids; one for a feature."""
    moments: tuple[tuple[float, float], ...] = ()
    """Mean and standard deviation of each member's difference in firing frequency over the reference corpus:
    u is then the mean standardised difference (the response clusters R_m of the local view); empty for the
    thresholded disparity."""
    stability: float | None = None
    """Of a cluster that fires together: how well other seeds of the clustering find it (Jaccard, 0 to 1)."""

    @property
    def local(self) -> bool:
        """Whether it is a response cluster of the local view, and of no other."""
        return bool(self.moments)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Concepts of some lenses, and topics of one reference corpus."""

    lenses: dict[str, str]
    """Identity of each lens by name."""
    concepts: tuple[ConceptSpec, ...]
    topics: Topics | None
    kinds: tuple[PromptKind, ...]
    """Kinds of prompt, the contexts of the local view."""
    left_out: dict[str, int]
    """Latents that became no concept, by reason."""

    @property
    def key(self) -> str:
        """Hash of the lenses and their concepts; topics and kinds of prompt do not enter.

        Without latents it depends on the lens alone, so audits of different datasets share it.
        """
        return hash_of({"version": VERSION, "lenses": self.lenses, "concepts": sorted(c.id for c in self.concepts)})

    @property
    def sha256(self) -> str:
        """Hash of all that it holds, topics and kinds of prompt too."""
        digest = hashlib.sha256(json.dumps(self._table(), sort_keys=True).encode())
        for name, array in sorted(self._arrays().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def _arrays(self) -> dict[str, Any]:
        return self.topics.arrays() if self.topics else {}

    def _table(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "key": self.key,
            "lenses": self.lenses,
            "concepts": [
                [c.id, c.kind, c.lens, list(c.members), [list(m) for m in c.moments], c.stability]
                for c in self.concepts
            ],
            "kinds": [[k.id, k.lens, list(k.members), k.label, list(k.keywords)] for k in self.kinds],
            "topics": self.topics.table() if self.topics else None,
            "left_out": self.left_out,
        }

    def save(self, folder: Path) -> None:
        """Write `vocabulary.json` and `vocabulary.npz`."""
        with (folder / ARRAYS).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **self._arrays())
        write_atomic(folder / TABLE, json.dumps(self._table(), ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Vocabulary":
        """Read the vocabulary that is in an audit directory.

        Raises:
            ConfigError: if there is none or it is damaged.
        """
        if not (folder / TABLE).is_file():
            raise ConfigError(f"{folder}: no {TABLE} there; give a folder made by `offtarget audit`")
        for name in (TABLE, ARRAYS):
            require_intact(folder / name)
        table = read_json(folder / TABLE, remedy="give a folder made by `offtarget audit`")
        try:
            if table["version"] != VERSION:
                raise ConfigError(
                    f"{folder / TABLE}: vocabulary version {table['version']}, but this offtarget reads "
                    f"{VERSION}; make the audit again"
                )
            topics = None
            if table["topics"]:
                with (folder / ARRAYS).open("rb") as raw, np.load(raw, allow_pickle=False) as arrays:
                    topics = Topics.restore(table["topics"], dict(arrays))
            concepts = tuple(
                ConceptSpec(i, kind, lens, tuple(m), tuple((float(a), float(b)) for a, b in places), stable)
                for i, kind, lens, m, places, stable in table["concepts"]
            )
            kinds = tuple(
                PromptKind(i, lens, tuple(m), label, tuple(words)) for i, lens, m, label, words in table["kinds"]
            )
            found = cls(table["lenses"], concepts, topics, kinds, table["left_out"])
        except UNREADABLE as error:
            raise ConfigError(
                f"{folder}: no readable vocabulary ({one_line(error)}); give a folder made by `offtarget audit`"
            ) from None
        if found.key != table.get("key"):
            raise ConfigError(f"{folder / TABLE}: damaged (its key does not fit); make the audit again")
        return found

    def require(self, features: Sequence[FeatureMatrix]) -> None:
        """Check that these features can be read with this vocabulary.

        Raises:
            UndecidedError: if a lens is missing, added or another one.
        """
        have = {f.lens: lens_identity(f) for f in features}
        self.require_lenses(have)
        for name, identity in self.lenses.items():
            if have[name] != identity:
                raise UndecidedError(
                    f"the vocabulary was made with another version of lens '{name}' (other columns, model or "
                    "SAE); use the same lens, or audit without --like"
                )

    def require_lenses(self, names: Iterable[str]) -> None:
        """Check the names of the lenses alone, before anything is read.

        Raises:
            UndecidedError: if a lens is missing or added.
        """
        have = set(names)
        if have != self.lenses.keys():
            raise UndecidedError(
                f"the vocabulary was made with {_names(self.lenses)}, but this audit reads with "
                f"{_names(have)}; choose the same lenses, or audit without --like"
            )


def lens_identity(features: FeatureMatrix) -> str:
    """Hash of what makes two readings comparable: columns, contrasts, and what `info` says of the lens."""
    return hash_of(
        {
            "lens": features.lens,
            "columns": [[c.id, c.contrast, c.tau] for c in features.columns],
            "info": {k: features.info[k] for k in _IDENTITY_KEYS if k in features.info},
        }
    )


def cluster_id(lens: str, members: Sequence[str], what: str = "cluster") -> str:
    """Name of a cluster: the hash of its sorted members, whatever order they were found in."""
    digest = hashlib.sha256("\n".join(sorted(members)).encode()).hexdigest()
    return f"{lens}:{what}-{digest[:12]}"


def find_concepts(features: Sequence[FeatureMatrix], *, seed: int) -> tuple[tuple[ConceptSpec, ...], dict[str, int]]:
    """The concepts of some lenses over one set of pairs, and how many latents became none, by reason."""
    concepts: list[ConceptSpec] = []
    left_out: dict[str, int] = {}
    for part in features:
        ids = [c.id for c in part.columns]
        if part.kind != "latent":
            concepts += [ConceptSpec(i, "feature", part.lens, (i,)) for i in ids]
            continue
        found = cluster_latents(part.values["chosen", "freq"], part.values["rejected", "freq"], seed=seed)
        for members, stable in zip(found.clusters, found.stability, strict=True):
            names = tuple(sorted(ids[j] for j in members))
            concepts.append(
                ConceptSpec(cluster_id(part.lens, names), "cluster", part.lens, names, stability=round(stable, 4))
            )
        concepts += [ConceptSpec(ids[j], "feature", part.lens, (ids[j],)) for j in found.singles]
        concepts += _shift_clusters(part, seed)
        for reason, n in found.left_out.items():
            left_out[reason] = left_out.get(reason, 0) + n
    return tuple(concepts), left_out


def _shift_clusters(part: FeatureMatrix, seed: int) -> list[ConceptSpec]:
    """R_m: clusters of latents whose difference in firing frequency varies together over rows.

    Kept latents fire on enough responses, and their difference varies (arXiv 2606.12360: sd at least 1e-3 and
    mean absolute value at least 1e-4).
    """
    sides = part.values["chosen", "freq"], part.values["rejected", "freq"]
    ids = [c.id for c in part.columns]
    seen = see((chosen - rejected for _, (chosen, rejected) in row_blocks(*sides)), len(ids))
    of = seen.moments
    keep = np.flatnonzero(
        (firing(*sides) >= min_firing(2 * len(part))) & (of.sd >= MIN_SHIFT_SD) & (seen.size >= MIN_SHIFT)
    )
    entries = np.diff(sides[0].indptr) + np.diff(sides[1].indptr)
    rows = sample_rows(entries, seed)
    chosen, rejected = sides if rows is None else (x[rows] for x in sides)
    kept = (chosen - rejected).tocsr()[:, keep]
    out = []
    for group in cluster_columns(kept, Moments(of.mean[keep], of.sd[keep]), seed=seed):
        at = sorted(int(keep[j]) for j in group)
        names = tuple(ids[j] for j in at)
        place = tuple((float(of.mean[j]), float(of.sd[j])) for j in at)
        out.append(ConceptSpec(cluster_id(part.lens, names, "shift"), "cluster", part.lens, names, place))
    return out


def _names(lenses: Any) -> str:
    return ", ".join(sorted(lenses)) or "no lens"
