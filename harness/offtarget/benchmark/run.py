"""Run a recipe of the audit benchmark: every method on every planted set, in blocks kept in the store."""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.method import AuditInput, Claim, lenses_of, run_method
from offtarget.audit.records import Q_FINDING
from offtarget.benchmark.planting import (
    PlantedSet,
    Rates,
    beside,
    coin_labels,
    content_sha256,
    grid_rates,
    plant_set,
    shipped_rates,
)
from offtarget.benchmark.recipe import BenchRecipe, MethodRun
from offtarget.benchmark.scoring import STRICTLY, auroc, found_at_k, match, merged
from offtarget.errors import ConfigError
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import Reader
from offtarget.lens.table import features_of
from offtarget.progress import Progress
from offtarget.registry import default
from offtarget.store import Store, file_sha256, write_atomic
from offtarget.versions import code_sha256, package_versions

VERSION = 2
LEAST_SHARE = "min_share"
"""Parameter of a method: what is in a smaller share of the responses is not looked at."""
"""Rises when a score changes its meaning without a change of the code that is hashed."""
BLOCK = 10
"""Draws of one artifact: an interrupted run loses at most one block of one method."""
ROOMS = ("data", "lens", "audit", "benchmark/run.py", "benchmark/planting.py", "benchmark/scoring.py")
"""The code that decides a score."""
FILE = "draws.json"
COPIES = 40
"""Rows that occur twice in the set on which a method's u is tried."""
LIKE = 0.5
Part = Literal["power", "discoveries", "topics", "shuffles"]
Draw = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """One kind of planted set, drawn many times."""

    part: Part
    name: str
    pairs: int | None
    draws: int
    grid: tuple[float, float, float, int] | None = None
    """Shares and count of the power grid: difference, rejected rate, rate of the nulls, concepts planted."""
    rates: Rates | None = None
    plantings: int = 0
    """Of shuffles: over this many plantings."""

    def planted(self, seed: int) -> PlantedSet:
        """The set of one seed."""
        if self.grid is not None:
            difference, rejected, nulls, planted = self.grid
            return plant_set(grid_rates(planted, nulls, difference, rejected, seed), self.pairs, seed)
        return plant_set(self.rates or {}, self.pairs, seed)

    def inputs(self) -> dict[str, Any]:
        """What decides the sets, for a store key."""
        rates = None if self.rates is None else {k: list(v) for k, v in sorted(self.rates.items())}
        grid = None if self.grid is None else list(self.grid)
        return {"part": self.part, "pairs": self.pairs, "grid": grid, "rates": rates, "plantings": self.plantings}


@dataclass(frozen=True)
class Scored:
    """All draws of one method on one kind of set."""

    method: MethodRun
    scenario: Scenario
    draws: tuple[Draw, ...]
    """See `_score`, `_moved` and `_findings`."""


def scenarios(recipe: BenchRecipe) -> list[Scenario]:
    """Every kind of planted set that a recipe asks for."""
    out: list[Scenario] = []
    if p := recipe.power:
        for n in p.pairs:
            for rejected in p.rejected:
                for difference in p.differences:
                    grid = (difference / 100, rejected / 100, p.nulls / 100, p.planted)
                    name = f"{difference:g} points over {rejected:g} %, {n:,} pairs"
                    out.append(Scenario("power", name, n, p.draws, grid))
    if d := recipe.discoveries:
        for name, rates in d.sets.items():
            shares = (
                shipped_rates(rates)
                if isinstance(rates, str)
                else {k: (a / 100, b / 100) for k, (a, b) in rates.items()}
            )
            out.append(Scenario("discoveries", name, d.pairs, d.draws, rates=shares))
    if t := recipe.topics:
        out.append(Scenario("topics", "topics", None, t.draws, rates=shipped_rates("topics")))
    if s := recipe.shuffles:
        for n in s.pairs:
            out.append(
                Scenario("shuffles", f"{n:,} pairs", n, s.draws, rates=shipped_rates("style"), plantings=s.plantings)
            )
    return out


def run_bench(recipe: BenchRecipe, store: Store, progress: Progress | None = None) -> list[Scored]:
    """Every method on every set; what is in the store is not done again.

    Raises:
        ConfigError: a method that fails, or rates that cannot be planted.
    """
    bench = _Bench(recipe, store)
    out = []
    for part in ("power", "discoveries", "topics", "shuffles"):
        mine = [s for s in scenarios(recipe) if s.part == part]
        methods = recipe.methods_of(getattr(recipe, part)) if mine else ()
        if not methods:
            continue
        total = sum(s.draws for s in mine) * len(methods)
        done = 0
        for scenario in mine:
            draws: dict[str, list[Draw]] = {m.label: [] for m in methods}
            for block in _blocks(scenario):
                sets = _Sets(scenario, recipe.seed)
                for method in methods:
                    if progress:
                        progress(part, done, total)
                    draws[method.label] += bench.block(scenario, sets, block, method)
                    done += len(block)
            out += [Scored(m, scenario, tuple(draws[m.label])) for m in methods]
        if progress:
            progress(part, total, total)
    return out


def _blocks(scenario: Scenario) -> Iterator[range]:
    """Draws that are kept together; shuffles of one planting stay together, so that it is made once."""
    size = math.ceil(scenario.draws / scenario.plantings) if scenario.plantings else BLOCK
    for start in range(0, scenario.draws, size):
        yield range(start, min(start + size, scenario.draws))


class _Sets:
    """The planted sets of one block, made when the first method needs them."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self._made: dict[tuple[bool, int], PlantedSet] = {}

    def planted(self, number: int, *, without: bool = False) -> PlantedSet:
        """The set of one draw; `without`: the same rows, labels and order with nothing inserted."""
        seed = self.seed + number
        if (without, number) not in self._made:
            made = plant_set({}, self.scenario.pairs, seed) if without else self.scenario.planted(seed)
            self._made[without, number] = made
        return self._made[without, number]


class _Bench:
    def __init__(self, recipe: BenchRecipe, store: Store) -> None:
        self.recipe, self.store = recipe, store

    def block(self, scenario: Scenario, sets: _Sets, numbers: Sequence[int], method: MethodRun) -> list[Draw]:
        """The scores of one method on some draws, from the store or computed now."""
        entry = default().get("method", method.method)
        lenses = lenses_of(entry)
        deep = any(x != "surface" for x in lenses)
        inputs = {
            **scenario.inputs(),
            "method": method.method,
            "parameters": method.parameters,
            "file": file_sha256(entry.path),
            "reader": Reader(self.recipe.model, self.store).inputs() if deep else None,
            "seed": self.recipe.seed,
            "draws": [numbers[0], numbers[-1] + 1],
            "planting": content_sha256(),
            "code": code_sha256(*ROOMS),
            "packages": package_versions("numpy", "scipy", "scikit-learn", "scikit-network"),
        }

        def build(out: Path) -> None:
            self._require_readings(sets.planted(numbers[0]), method, lenses)
            draws = [self._draw(scenario, sets, numbers, number, method, lenses) for number in numbers]
            write_atomic(out / FILE, json.dumps(draws))

        folder = self.store.get("audit-bench", VERSION, inputs, build)
        draws: list[Draw] = json.loads((folder / FILE).read_text())
        return draws

    def _draw(
        self,
        scenario: Scenario,
        sets: _Sets,
        numbers: Sequence[int],
        number: int,
        method: MethodRun,
        lenses: Sequence[str],
    ) -> Draw:
        if scenario.part == "shuffles":
            planted = coin_labels(sets.planted(numbers[0]), sets.seed + number)
            claims, seconds = self._run(planted, method, lenses)
            return {**seconds, **_findings(claims)}
        planted = sets.planted(number)
        claims, seconds = self._run(planted, method, lenses)
        draw = {**seconds, **_score(claims, planted)}
        if scenario.part == "discoveries":
            both, _ = self._run(
                beside(planted, sets.planted(number, without=True)), over_twice_the_rows(method), lenses
            )
            draw["moved"] = _moved(claims, both, planted)
        return draw

    def _run(
        self, planted: PlantedSet, method: MethodRun, lenses: Sequence[str]
    ) -> tuple[list[Claim], dict[str, float]]:
        features = self._features(planted, lenses)
        start = time.process_time()
        claims = run_method(method.method, AuditInput(planted.pairs, features, 0), method.parameters)
        took = (time.process_time() - start) / len(planted.pairs) * 1000
        reading = planted.reading if "surface" in lenses else 0.0
        return claims, {"seconds": took, "reading": reading}

    def _require_readings(self, planted: PlantedSet, method: MethodRun, lenses: Sequence[str]) -> None:
        """Refuse a method whose u is not read from the texts: rows of equal text must have equal values.

        Noise in u would make claims look alike or apart at will, and with that decide what takes a place.

        Raises:
            ConfigError: names the claim.
        """
        n = min(COPIES, len(planted.pairs))
        rows = np.concatenate([np.arange(len(planted.pairs)), np.arange(n)])
        twice = [planted.pairs.pairs[i] for i in range(n)]
        pairs = replace(planted.pairs, pairs=[*planted.pairs.pairs, *(replace(p, id=f"{p.id}~copy") for p in twice)])
        features = {
            lens: replace(
                part.select(rows), pair_ids=tuple(p.id for p in pairs.pairs), groups=tuple(p.group for p in pairs.pairs)
            )
            for lens, part in self._features(planted, lenses).items()
        }
        for claim in run_method(method.method, AuditInput(pairs, features, 0), method.parameters):
            if not np.allclose(claim.u[:n], claim.u[-n:], rtol=1e-4, atol=1e-6):
                raise ConfigError(
                    f"audit method '{method.label}', claim '{claim.id}': u differs between rows of equal text; it must be read "
                    "from the texts alone"
                )

    def _features(self, planted: PlantedSet, lenses: Sequence[str]) -> Mapping[str, FeatureMatrix]:
        out = {}
        for lens in lenses:
            if lens == "surface":
                out[lens] = planted.surface
            else:
                out[lens] = features_of(planted.pairs, [lens], Reader(self.recipe.model, self.store))[0]
        return out


def _score(claims: Sequence[Claim], planted: PlantedSet) -> Draw:
    """Names of concepts: planted, of those with a rule, found in the first K places, found at q < 0.05; and AUROC.

    `found_strictly` holds those found if a claim must correlate with a concept half as closely as a perfect rule
    for half of its phrasings (r of 0.3), so that it can be seen what hangs on the threshold.
    """
    truths = planted.truths
    matching, strict = match(claims, truths), match(claims, truths, STRICTLY)
    detected = {
        int(matching.about[i])
        for i, c in enumerate(claims)
        if matching.covers[i] and c.q is not None and c.q < Q_FINDING
    }
    return {
        "planted": [t.name for t in truths if t.sign],
        "ruled": [t.name for t in truths if t.sign and t.ruled],
        "found": [truths[k].name for k in sorted(found_at_k(claims, matching, truths))],
        "found_strictly": [truths[k].name for k in sorted(found_at_k(claims, strict, truths))],
        "detected": [truths[k].name for k in sorted(detected)],
        "auroc": auroc(claims, matching, truths),
        "tests": any(c.q is not None for c in claims),
    }


def over_twice_the_rows(method: MethodRun) -> MethodRun:
    """The method as it is to read a set with the same rows without insertion after it: half of each least share of rows.

    What occurs only with insertion is half as frequent there. A method that leaves out what is rarer than `min_share` would
    have no claim on it, and so it would seem that insertion had not moved it.
    """
    given = {**default().get("method", method.method).card["parameters"], **method.parameters}
    least = {k: v / 2 for k, v in given.items() if k == LEAST_SHARE and isinstance(v, int | float)}
    return method.model_copy(update={"parameters": {**method.parameters, **least}})


def _moved(
    claims: Sequence[Claim], both: Sequence[Claim], planted: PlantedSet
) -> dict[str, tuple[float | None, bool, int, float, str]]:
    """For each claim its q, whether it covers a planted concept, the side it names, what insertion moved, and who speaks for it.

    What insertion moved on chosen minus what it moved on rejected is the mean over rows of (u with insertion - u of the
    same rows without), here in standard deviations of u. Filling sentences are insertion too. One run of the method reads
    both, so that a claim on what occurs only with insertion (a sign, a word) has its zeros without it. A claim of which
    that run has no namesake is taken for the one there whose u over the rows with insertion is most like its own; where
    none is (r at least 0.5), it moved nothing that anybody could tell, and counts as null.

    Args:
        claims: of the planted set.
        both: of the planted set with the same rows without insertion after it (`planting.beside`).
        planted: the planted set.
    """
    n = len(planted.pairs)
    namesakes = {c.id: c for c in both}
    most_like = _MostLike(both, n)
    covers = match(claims, planted.truths).covers
    speaks = merged(claims)
    out: dict[str, tuple[float | None, bool, int, float, str]] = {}
    for i, c in enumerate(claims):
        read = namesakes.get(c.id) or most_like(c)
        moved = 0.0
        if read is not None:
            u = read.u.astype(np.float64)
            moved = float(u[:n].mean() - u[n:].mean()) / (float(u[:n].std()) or 1.0)
        side = 1 if c.direction == "chosen" else -1
        out[c.id] = (c.q, bool(covers[i]), side, moved, claims[speaks[i]].id)
    return out


class _MostLike:
    """Among some claims, the one whose u over the first n rows correlates most closely with that of another claim."""

    def __init__(self, claims: Sequence[Claim], n: int) -> None:
        self.claims, self.n = claims, n

    @cached_property
    def _centred(self) -> NDArray[np.float64]:
        """(n_claims, n) of mean 0 and length 1; 0 where u is constant."""
        u = np.stack([c.u[: self.n].astype(np.float64) for c in self.claims])
        u -= u.mean(axis=1, keepdims=True)
        size = np.sqrt((u**2).sum(axis=1, keepdims=True))
        u /= np.where(size > 0, size, 1.0)
        return u

    def __call__(self, claim: Claim) -> Claim | None:
        """The claim, from r 0.5 on."""
        if not self.claims:
            return None
        x = claim.u.astype(np.float64) - claim.u.mean()
        size = np.sqrt(x @ x)
        r = self._centred @ (x / size) if size > 0 else np.zeros(len(self.claims))
        best = int(r.argmax())
        return self.claims[best] if r[best] >= LIKE else None


def _findings(claims: Sequence[Claim]) -> Draw:
    q = np.array([c.q for c in claims if c.q is not None])
    return {"findings": int((q < Q_FINDING).sum()), "tests": len(q) > 0}
