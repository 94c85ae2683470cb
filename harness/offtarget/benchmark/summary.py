"""From the draws of an audit benchmark to the rows of its board."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from offtarget.audit.method import lenses_of
from offtarget.benchmark.planting import content_sha256
from offtarget.benchmark.recipe import BenchRecipe
from offtarget.benchmark.records import (
    AimRow,
    AuditBoard,
    ConceptRow,
    DiscoveryRow,
    MethodRow,
    PowerRow,
    ShuffleRow,
    TopicRow,
)
from offtarget.benchmark.run import ROOMS, Draw, Scored
from offtarget.board.estimate import Estimate
from offtarget.registry import default
from offtarget.versions import code_sha256, package_versions

Q_DISCOVERY = 0.1
MOST_SHUFFLED = 0.1
"""A method that finds something in a larger share of label shuffles has no recall: it would find everything by saying so."""
ONCE_SHIFT = 0.05
"""The same as `NULL_SHIFT` for a claim that few plantings have, judged by its own shift: insertion at equal counts moves a
rule by about 0.02 in one planting."""
NULL_SHIFT = 0.01
"""Standard deviations of u by which insertion may move a null claim to one side: at 2,000 pairs it adds less than half
a standard error to its mean."""
AIM_PAIRS, AIM_DIFFERENCE, AIM_REJECTED = 2000, 5.0, 5.0
MOST = 6
"""Names of claims listed in a cell of the board."""


def audit_board(recipe: BenchRecipe, scored: Sequence[Scored], command: str) -> AuditBoard:
    """The board of one recipe; a method that finds things in shuffled labels has no recall on it."""
    scored = [_without_recall(s, scored) for s in scored]
    power = [s for s in scored if s.scenario.part == "power"]
    aims = [s for s in power if _is_aimed_at(s)]
    discoveries = [_discoveries(s) for s in scored if s.scenario.part == "discoveries"]
    shuffles = [_shuffles(s) for s in scored if s.scenario.part == "shuffles"]
    labels = [m.label for m in recipe.methods]
    topics = [s for s in scored if s.scenario.part == "topics"]
    return AuditBoard(
        rules=2,
        title=recipe.title,
        command=command,
        code=code_sha256(*ROOMS)[:12],
        planting=content_sha256(),
        packages=package_versions("numpy", "scipy", "scikit-learn", "scikit-network"),
        recipe=recipe.model_dump(mode="json", exclude_none=True),
        methods=tuple(_method(m.method, m.label, scored) for m in recipe.methods),
        aims=tuple(_aim(m, [s for s in aims if s.method.label == m], discoveries, shuffles) for m in labels),
        power=tuple(_power(s) for s in power),
        concepts=tuple(
            ConceptRow(method=m, concept=c, ruled=ruled, recall=recall, detected=detected)
            for m in labels
            for c, ruled, recall, detected in _by_concept(_draws(s for s in aims if s.method.label == m))
        ),
        discoveries=tuple(discoveries),
        topics=tuple(
            TopicRow(method=s.method.label, concept=c, draws=len(s.draws), recall=recall, detected=detected)
            for s in topics
            for c, _, recall, detected in _by_concept(s.draws)
        ),
        shuffles=tuple(shuffles),
    )


def _without_recall(s: Scored, everything: Sequence[Scored]) -> Scored:
    """The same draws with nothing found in them, where the method's shuffles find something in more than `MOST_SHUFFLED`."""
    if s.scenario.part == "shuffles":
        return s
    shuffled = [
        sum(d["findings"] > 0 for d in x.draws) / len(x.draws)
        for x in everything
        if x.scenario.part == "shuffles" and x.method.label == s.method.label and any(d["tests"] for d in x.draws)
    ]
    if max(shuffled, default=0.0) <= MOST_SHUFFLED:
        return s
    note = f"finds in {max(shuffled):.0%} of shuffles"
    return replace(s, draws=tuple({**d, "disqualified": note} for d in s.draws))


def share(hits: int, n: int) -> Estimate:
    """A share with its Wilson interval; no value of none."""
    from scipy.stats import binomtest

    if n == 0:
        return Estimate(note="not run")
    ci = binomtest(hits, n).proportion_ci(method="wilson")
    return Estimate(value=hits / n, ci=(float(ci.low), float(ci.high)), n=n)


def mean(values: Sequence[float]) -> Estimate:
    """A mean over draws, two standard errors each way."""
    if not values:
        return Estimate(note="none")
    x = np.asarray(values, dtype=np.float64)
    if len(x) == 1:
        return Estimate(value=float(x[0]), n=1)
    half = 2 * float(x.std(ddof=1)) / np.sqrt(len(x))
    return Estimate(value=float(x.mean()), ci=(float(x.mean() - half), float(x.mean() + half)), n=len(x))


@dataclass(frozen=True)
class Movement:
    """What insertion moves of one claim, over all plantings that have it."""

    mean: float
    """Chosen minus rejected, in standard deviations of u."""
    null: bool
    """Equal on both sides: within `NULL_SHIFT` with two standard errors added, or never anything but zero."""


@dataclass(frozen=True)
class Discovered:
    """What the discoveries of one draw are, by id."""

    true: tuple[str, ...]
    false: tuple[str, ...]
    grey: tuple[str, ...]

    @property
    def fdp(self) -> float:
        """Of the discoveries that are not grey, the share that is false; 0 of none."""
        return len(self.false) / max(len(self.true) + len(self.false), 1)

    @property
    def fdp_with_grey(self) -> float:
        """The share that is false if all grey ones are: what the proportion is at most."""
        wrong = len(self.false) + len(self.grey)
        return wrong / max(len(self.true) + wrong, 1)


def movements(draws: Sequence[Draw]) -> dict[str, Movement]:
    """What insertion moves of each claim: the mean over plantings is taken for what it moves on average.

    Ids that fewer than half of the plantings have (those of data-driven methods, say) are judged by their own shift.
    """
    shifts: dict[str, list[float]] = {}
    for draw in draws:
        for name, (_, _, _, shift, _) in draw["moved"].items():
            shifts.setdefault(name, []).append(shift)
    out = {}
    for name, values in shifts.items():
        x = np.array(values)
        if len(x) * 2 < len(draws) or len(x) < 2:
            null = abs(x.mean()) <= ONCE_SHIFT
        else:
            null = not x.any() or abs(x.mean()) + 2 * x.std(ddof=1) / np.sqrt(len(x)) <= NULL_SHIFT
        out[name] = Movement(float(x.mean()), bool(null))
    return out


def discovered(draw: Draw, moved: Mapping[str, Movement]) -> Discovered:
    """Sort the discoveries of one draw into true, false (null, or against what insertion moved) and grey.

    Discoveries that say the same count once: the surest of them stands for all.
    """
    true, false, grey = [], [], []
    for name, (q, covers, side, _, speaker) in draw["moved"].items():
        if q is None or q >= Q_DISCOVERY or speaker != name:
            continue
        if covers:
            true.append(name)
        elif moved[name].null or side * moved[name].mean < 0:
            false.append(name)
        else:
            grey.append(name)
    return Discovered(tuple(true), tuple(false), tuple(grey))


def _is_aimed_at(s: Scored) -> bool:
    assert s.scenario.grid is not None
    difference, rejected, _, _ = s.scenario.grid
    return (
        s.scenario.pairs == AIM_PAIRS
        and 100 * difference >= AIM_DIFFERENCE - 1e-9
        and 100 * rejected <= AIM_REJECTED + 1e-9
    )


def _draws(scored: Iterable[Scored]) -> list[Draw]:
    return [d for s in scored for d in s.draws]


def _recall(draws: Sequence[Draw], what: str, of: str = "planted") -> Estimate:
    """Share of planted concepts, over all draws, that are among the found or the detected."""
    if notes := [d["disqualified"] for d in draws if "disqualified" in d]:
        return Estimate(note=notes[0])
    if what == "detected" and not any(d["tests"] for d in draws):
        return Estimate(note="ranks only" if draws else "not run")
    if draws and not any(d[of] for d in draws):
        return Estimate(note="nothing planted")
    return share(sum(c in d[what] for d in draws for c in d[of]), sum(len(d[of]) for d in draws))


def _auroc(draws: Sequence[Draw]) -> Estimate:
    return mean([d["auroc"] for d in draws if d["auroc"] is not None])


def _power(s: Scored) -> PowerRow:
    assert s.scenario.grid is not None and s.scenario.pairs is not None
    difference, rejected, _, _ = s.scenario.grid
    return PowerRow(
        method=s.method.label,
        pairs=s.scenario.pairs,
        rejected=round(100 * rejected, 6),
        difference=round(100 * difference, 6),
        draws=len(s.draws),
        recall=_recall(s.draws, "found"),
        recall_ruled=_recall(s.draws, "found", "ruled"),
        detected=_recall(s.draws, "detected"),
        detected_ruled=_recall(s.draws, "detected", "ruled"),
        auroc=_auroc(s.draws),
    )


def _by_concept(draws: Sequence[Draw]) -> list[tuple[str, bool, Estimate, Estimate]]:
    out = []
    for c in sorted({c for d in draws for c in d["planted"]}):
        mine = [{**d, "planted": [c]} for d in draws if c in d["planted"]]
        out.append((c, any(c in d["ruled"] for d in draws), _recall(mine, "found"), _recall(mine, "detected")))
    return out


def _discoveries(s: Scored) -> DiscoveryRow:
    moved = movements(s.draws)
    sorted_draws = [discovered(d, moved) for d in s.draws]
    tests = any(d["tests"] for d in s.draws)

    def most(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(
            f"{name} {count / len(s.draws):.0%} ({moved[name].mean:+.3f})"
            for name, count in Counter(names).most_common(MOST)
        )

    assert s.scenario.pairs is not None
    return DiscoveryRow(
        method=s.method.label,
        planting=s.scenario.name,
        pairs=s.scenario.pairs,
        draws=len(s.draws),
        fdp=mean([x.fdp for x in sorted_draws]) if tests else Estimate(note="ranks only"),
        fdp_with_grey=mean([x.fdp_with_grey for x in sorted_draws]) if tests else Estimate(note="ranks only"),
        true=float(np.mean([len(x.true) for x in sorted_draws])),
        false=float(np.mean([len(x.false) for x in sorted_draws])),
        grey=float(np.mean([len(x.grey) for x in sorted_draws])),
        null_claims=sum(m.null for m in moved.values()),
        grey_most=most(n for x in sorted_draws for n in x.grey),
        false_most=most(n for x in sorted_draws for n in x.false),
        recall=_recall(s.draws, "found"),
        recall_ruled=_recall(s.draws, "found", "ruled"),
        auroc=_auroc(s.draws),
    )


def _shuffles(s: Scored) -> ShuffleRow:
    findings = [d["findings"] for d in s.draws]
    tests = any(d["tests"] for d in s.draws)
    assert s.scenario.pairs is not None
    return ShuffleRow(
        method=s.method.label,
        pairs=s.scenario.pairs,
        shuffles=len(findings),
        any_finding=share(sum(f > 0 for f in findings), len(findings)) if tests else Estimate(note="ranks only"),
        mean_findings=float(np.mean(findings)) if tests else None,
    )


def _method(name: str, label: str, scored: Sequence[Scored]) -> MethodRow:
    entry = default().get("method", name)
    draws = _draws(s for s in scored if s.method.label == label)
    lenses = lenses_of(entry)
    return MethodRow(
        method=label,
        summary=entry.summary,
        source=str(entry.card.get("source", "")),
        lenses=lenses,
        seconds=round(float(np.median([d["seconds"] for d in draws])), 4) if draws else None,
        reading=round(float(np.median([d["reading"] for d in draws])), 4) if draws and "surface" in lenses else None,
    )


def _aim(
    method: str, aimed: Sequence[Scored], discoveries: Sequence[DiscoveryRow], shuffles: Sequence[ShuffleRow]
) -> AimRow:
    fdp = [d.fdp for d in discoveries if d.method == method]
    found = [s.any_finding for s in shuffles if s.method == method]
    draws = _draws(aimed)
    return AimRow(
        method=method,
        recall=_recall(draws, "found"),
        recall_ruled=_recall(draws, "found", "ruled"),
        recall_strict=_recall(draws, "found_strictly", "ruled"),
        fdp=_worst(fdp),
        any_finding=_worst(found),
    )


def _worst(estimates: Sequence[Estimate]) -> Estimate:
    """The largest; where none has a value, the first reason why."""
    given = [e for e in estimates if e.value is not None]
    if given:
        return max(given, key=lambda e: e.value or 0.0)
    return estimates[0] if estimates else Estimate(note="not run")
