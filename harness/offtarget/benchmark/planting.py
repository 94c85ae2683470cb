"""Planted sets for the audit benchmark: the rows, what was planted in them, and the same rows without it.

The responses are enough for 2,092 pairs from 1,046 prompts. A larger set holds several plantings of the
same responses under their own ids: which response is chosen, where a concept is and in which words
is drawn again in each, but rows of one prompt share its responses, and a test must take them for one group.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import group_codes
from offtarget.data.pairs import Pair, PairSet, prompt_group, text_of
from offtarget.errors import ConfigError
from offtarget.lens.features import FeatureMatrix
from offtarget.registry import builtin_root, load_module
from offtarget.store import file_sha256, hash_of

Rates = Mapping[str, tuple[float, float]]
"""Share of rows with a concept (`concept` or `concept@topic`) in chosen and in rejected."""


@dataclass(frozen=True, eq=False)
class Truth:
    """One concept that was put into a set."""

    name: str
    """`concept` or `concept@topic`."""
    sign: int
    """+1: planted, more in chosen; -1: more in rejected; 0: put into both sides equally often."""
    ruled: bool
    """Whether the surface lens has a rule for it (which sees half of its phrasings)."""
    presence: NDArray[np.int8]
    """Chosen has it minus rejected has it, `(n_pairs,)`."""
    inside: NDArray[np.bool_] | None
    """The rows of its topic; None if it was planted in the whole set."""


@dataclass(frozen=True, eq=False)
class PlantedSet:
    """Rows, truth, and what lenses read in them."""

    pairs: PairSet
    truths: tuple[Truth, ...]
    swapped: NDArray[np.bool_]
    """Rows whose chosen response is the second of the two sampled ones, `(n_pairs,)`."""
    surface: FeatureMatrix
    reading: float
    """Processor seconds that the surface lens takes for 1,000 of these pairs."""

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """The prompt of each row, numbered."""
        return group_codes([p.group for p in self.pairs.pairs])


def planter() -> ModuleType:
    """The script beside the planted sets that ship."""
    module: ModuleType = load_module(_folder() / "plant.py")
    return module


@cache
def content_sha256() -> str:
    """Hash of everything that a planting is made from: responses, phrasings, and the scripts."""
    folder = _folder()
    files = [*folder.glob("*.py"), *folder.glob("phrasings/*.json")]
    files += [folder / "styles.json", folder / "base.jsonl.gz"]
    return hash_of([[f.name, file_sha256(f)] for f in sorted(files)])


def _folder() -> Path:
    return builtin_root() / "datasets_registry" / "planted"


@cache
def _base_values() -> dict[str, list[float]]:
    """What the surface lens reads in the sampled responses and their prompts, which every planting holds again."""
    from offtarget.lens import surface

    texts = list(dict.fromkeys(t for r in planter().base()[0] for t in (r["prompt"], *r["base"])))
    return dict(zip(texts, surface.read(texts).tolist(), strict=True))


def shipped_rates(name: str) -> Rates:
    """The rates of a planted set that ships: style, topics or null."""
    rates: Rates = getattr(planter(), name.upper())
    return rates


def grid_rates(planted: int, nulls: float, difference: float, rejected: float, seed: int) -> dict[str, Any]:
    """Rates of one set of the power grid: some of the inserted concepts, every second one towards rejected.

    Args:
        planted: how many concepts.
        nulls: share of both sides that shows each null concept.
        difference: by how much the leading side has it more often.
        rejected: share of the other side.
        seed: which concepts, and which of them lead in chosen.
    """
    plant = planter()
    inserted = sorted(set(plant.phrasings()) - set(plant.NULLS))
    names = np.random.default_rng(seed).permutation(inserted)[:planted]
    low, high = rejected, rejected + difference
    rates = {str(c): (high, low) if j % 2 == 0 else (low, high) for j, c in enumerate(names)}
    return {**rates, **dict.fromkeys(plant.NULLS, (nulls, nulls))}


def plant_set(rates: Rates, n_pairs: int | None, seed: int, *, fill: bool = True) -> PlantedSet:
    """Plant concepts in the sampled responses.

    Args:
        rates: what is planted; without any, the rows are the same with nothing inserted.
        n_pairs: how many pairs; None for one planting of all responses. Above 2,092, several plantings.
        seed: decides everything that is drawn, and no two seeds share a planting.
        fill: level the length that insertion added.

    Raises:
        ConfigError: an unknown concept, or more of it than the rows can take.
    """
    from offtarget.lens import surface

    plant = planter()
    whole = 2 * len(plant.base()[0])
    left = whole if n_pairs is None else n_pairs
    pairs: list[Pair] = []
    parts: list[tuple[dict[str, Any], list[str]]] = []
    number = 0
    while left > 0:
        try:
            rows, truth = plant.plant(1000 * seed + number, min(left, whole), rates, fill=fill and bool(rates))
        except ValueError as e:
            raise ConfigError(f"this cannot be planted: {e}; lower the rates or plant fewer concepts") from e
        pairs += [_pair(r, number) for r in rows]
        parts.append((truth, [r["topic"] for r in rows]))
        left -= len(rows)
        number += 1
    name = f"planted-{hashlib.sha256(repr((sorted(rates.items()), n_pairs, seed)).encode()).hexdigest()[:12]}"
    known = _base_values()
    start = time.process_time()
    read = surface.encode(pairs, known=known)
    new = sum(text_of(side) not in known for p in pairs for side in (p.chosen, p.rejected))
    reading = (time.process_time() - start) / max(new, 1) * 2000
    return PlantedSet(
        PairSet(name, pairs, redistribution="yes"),
        _truths(plant, parts),
        np.array([r["swapped"] for truth, _ in parts for r in truth["rows"]], dtype=bool),
        read,
        reading,
    )


def coin_labels(planted: PlantedSet, seed: int) -> PlantedSet:
    """The same rows with the label given by a coin for each prompt.

    The order in which the responses were sampled takes the place of the label, and a coin for each prompt
    turns it in all rows of the prompt together: labels say nothing, and rows of one prompt correlate with one
    another, as they do in real sets that hold a prompt more than once.
    """
    coin = np.random.default_rng(seed).random(int(planted.codes.max()) + 1) < 0.5
    turn = planted.swapped ^ coin[planted.codes]
    pairs = [
        Pair(p.id, p.group, p.prompt, p.rejected, p.chosen, p.meta) if t else p
        for p, t in zip(planted.pairs.pairs, turn, strict=True)
    ]
    return PlantedSet(
        PairSet(planted.pairs.name, pairs, redistribution="yes"),
        (),
        planted.swapped ^ turn,
        turned(planted.surface, turn),
        planted.reading,
    )


def beside(planted: PlantedSet, bare: PlantedSet) -> PlantedSet:
    """Two sets over the same columns as one: the rows of the first, then those of the second under ids of their own.

    A method that is run on it gives one claim, of one name, the u of both.
    """
    from scipy.sparse import vstack

    pairs = [*planted.pairs.pairs, *(replace(p, id=f"{p.id}~bare") for p in bare.pairs.pairs)]
    a, b = planted.surface, bare.surface
    unread = None
    if a.unread is not None or b.unread is not None:
        unread = vstack([_unread(a), _unread(b)], format="csr")
    surface = replace(
        a,
        values={key: vstack([a.values[key], b.values[key]], format="csr") for key in a.values},
        pair_ids=tuple(p.id for p in pairs),
        groups=tuple(p.group for p in pairs),
        fitted={},
        unread=unread,
    )
    swapped = np.concatenate([planted.swapped, bare.swapped])
    return PlantedSet(PairSet(planted.pairs.name, pairs, redistribution="yes"), (), swapped, surface, planted.reading)


def _unread(features: FeatureMatrix) -> Any:
    from scipy.sparse import csr_matrix

    return (
        csr_matrix((len(features), len(features.columns)), dtype=bool) if features.unread is None else features.unread
    )


def turned(features: FeatureMatrix, turn: NDArray[np.bool_]) -> FeatureMatrix:
    """The features of the same rows with chosen and rejected exchanged where `turn` says so."""
    from scipy.sparse import diags

    values: dict[Any, Any] = dict(features.values)
    here, there = diags(turn.astype(float)), diags((~turn).astype(float))
    for stat in {s for _, s in values}:
        c, r = features.values["chosen", stat], features.values["rejected", stat]
        values["chosen", stat] = (there @ c + here @ r).tocsr()
        values["rejected", stat] = (there @ r + here @ c).tocsr()
    return replace(features, values=values, fitted={}, unread=None)


def _pair(row: Mapping[str, str], number: int) -> Pair:
    prompt: Any = [{"role": "user", "content": row["prompt"]}]
    chosen, rejected = ([{"role": "assistant", "content": row[s]}] for s in ("chosen", "rejected"))
    return Pair(f"{row['id']}-{number}", prompt_group(prompt), prompt, chosen, rejected)  # type: ignore[arg-type]


def _truths(plant: ModuleType, parts: list[tuple[dict[str, Any], list[str]]]) -> tuple[Truth, ...]:
    names = plant.truth_matrix(parts[0][0])[0]
    signed = np.concatenate([plant.truth_matrix(truth)[1] for truth, _ in parts])
    topics = np.array([t for _, where in parts for t in where])
    out = []
    for key, c in parts[0][0]["concepts"].items():
        inside = topics == c["topic"] if c["topic"] else None
        presence = signed[:, names.index(c["concept"])]
        if inside is not None:
            presence = presence * inside
        sign = {"chosen": 1, "rejected": -1, None: 0}[c["direction"]]
        out.append(Truth(key, sign, bool(c["features"]), presence, inside))
    return tuple(out)
