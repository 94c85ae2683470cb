"""The concepts and topics that hypotheses are about; made once, and reusable by a later audit.

A lens of plain columns gives one concept per column. A lens of latents (it has firing frequencies) gives
clusters of latents, and single latents that belong to no cluster.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from offtarget.audit.concepts.clusters import cluster_latents
from offtarget.audit.concepts.topics import Topics
from offtarget.errors import ConfigError, UndecidedError
from offtarget.lens.features import FeatureMatrix
from offtarget.store import hash_of, write_atomic

VERSION = 1
TABLE, ARRAYS = "vocabulary.json", "vocabulary.npz"
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


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Concepts of some lenses, and topics of one reference corpus."""

    lenses: dict[str, str]
    """Identity of each lens by name."""
    concepts: tuple[ConceptSpec, ...]
    topics: Topics | None
    left_out: dict[str, int]
    """Latents that became no concept, by reason."""

    @property
    def key(self) -> str:
        """Hash of the lenses and their concepts; topics do not enter.

        Without latents it depends on the lens alone, so audits of different datasets share it.
        """
        return hash_of(
            {"version": VERSION, "lenses": self.lenses, "concepts": sorted(c.id for c in self.concepts)}
        )

    def save(self, folder: Path) -> None:
        """Write `vocabulary.json` and `vocabulary.npz`."""
        arrays: dict[str, Any] = self.topics.arrays() if self.topics else {}
        with (folder / ARRAYS).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        table = {
            "version": VERSION,
            "key": self.key,
            "lenses": self.lenses,
            "concepts": [[c.id, c.kind, c.lens, list(c.members)] for c in self.concepts],
            "topics": self.topics.table() if self.topics else None,
            "left_out": self.left_out,
        }
        write_atomic(folder / TABLE, json.dumps(table, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Vocabulary":
        """Read the vocabulary that lies in an audit directory.

        Raises:
            ConfigError: if there is none or it is damaged.
        """
        try:
            table = json.loads((folder / TABLE).read_text(encoding="utf-8"))
            if table["version"] != VERSION:
                raise ConfigError(
                    f"{folder / TABLE}: vocabulary version {table['version']}, but this offtarget reads "
                    f"{VERSION}; make the audit again"
                )
            topics = None
            if table["topics"]:
                with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
                    topics = Topics.restore(table["topics"], dict(arrays))
            concepts = tuple(ConceptSpec(i, kind, lens, tuple(m)) for i, kind, lens, m in table["concepts"])
            found = cls(table["lenses"], concepts, topics, table["left_out"])
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ConfigError(
                f"{folder}: no readable vocabulary ({error}); give a folder made by `offtarget audit`"
            ) from None
        if found.key != table["key"]:
            raise ConfigError(f"{folder / TABLE}: damaged (its key does not fit); make the audit again")
        return found

    def require(self, features: Sequence[FeatureMatrix]) -> None:
        """Check that these features can be read with this vocabulary.

        Raises:
            UndecidedError: if a lens is missing, added or another one.
        """
        have = {f.lens: lens_identity(f) for f in features}
        if have.keys() != self.lenses.keys():
            raise UndecidedError(
                f"the vocabulary was made with {_names(self.lenses)}, but this audit reads with "
                f"{_names(have)}; choose the same lenses, or audit without --like"
            )
        for name, identity in self.lenses.items():
            if have[name] != identity:
                raise UndecidedError(
                    f"the vocabulary was made with another version of lens '{name}' (other columns, model or "
                    "SAE); use the same lens, or audit without --like"
                )


def is_latent(features: FeatureMatrix) -> bool:
    """Whether a lens reads latents, with a firing frequency, rather than plain values."""
    return ("chosen", "freq") in features.values


def lens_identity(features: FeatureMatrix) -> str:
    """Hash of what makes two readings comparable: columns, contrasts, and what `info` says of the lens."""
    return hash_of(
        {
            "lens": features.lens,
            "columns": [[c.id, c.contrast, c.tau] for c in features.columns],
            "info": {k: features.info[k] for k in _IDENTITY_KEYS if k in features.info},
        }
    )


def cluster_id(lens: str, members: Sequence[str]) -> str:
    """Name of a cluster: the hash of its sorted members, whatever order they were found in."""
    digest = hashlib.sha256("\n".join(sorted(members)).encode()).hexdigest()
    return f"{lens}:cluster-{digest[:12]}"


def find_concepts(
    features: Sequence[FeatureMatrix], *, seed: int
) -> tuple[tuple[ConceptSpec, ...], dict[str, int]]:
    """The concepts of some lenses over one set of pairs, and how many latents became none, by reason."""
    concepts: list[ConceptSpec] = []
    left_out: dict[str, int] = {}
    for part in features:
        ids = [c.id for c in part.columns]
        if not is_latent(part):
            concepts += [ConceptSpec(i, "feature", part.lens, (i,)) for i in ids]
            continue
        found = cluster_latents(part.values["chosen", "freq"], part.values["rejected", "freq"], seed=seed)
        for members in found.clusters:
            names = tuple(sorted(ids[j] for j in members))
            concepts.append(ConceptSpec(cluster_id(part.lens, names), "cluster", part.lens, names))
        concepts += [ConceptSpec(ids[j], "feature", part.lens, (ids[j],)) for j in found.singles]
        for reason, n in found.left_out.items():
            left_out[reason] = left_out.get(reason, 0) + n
    return tuple(concepts), left_out


def _names(lenses: Any) -> str:
    return ", ".join(sorted(lenses)) or "no lens"
