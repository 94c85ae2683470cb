"""Paired comparison of two runs, or of two sets of training seeds: the same samples, clustered by prompt."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from offtarget.errors import ConfigError
from offtarget.evals.contrast import difference
from offtarget.evals.panel import Panel, common, n_prompts
from offtarget.evals.scores import BehaviourScore, Direction, Role, share_unscored
from offtarget.records import Record


class PairedDifference(Record):
    """What changed in one behaviour from run a to run b."""

    behaviour: str
    task_version: str
    direction: Direction
    """Which way is better."""
    role: Role
    unit: str
    difference: float | None
    """Mean of b − a over the pairs; None without pairs."""
    ci: tuple[float, float] | None
    """95 per cent, t (`evals.contrast`); None below two prompts, and where every sample changed by the same."""
    shift: float | None
    """`difference` divided by the standard deviation (n − 1) of a's values over the pairs. None where a
    does not vary and b differs."""
    p: float | None
    """Two-sided; None below two prompts."""
    test: Literal["cluster t", "exact McNemar", "t over prompts and seeds"]
    """McNemar for single runs where all values are 0 or 1 and every prompt has one pair."""
    q: float | None = None
    """Benjamini-Hochberg over the behaviours compared together."""
    of_protocols: bool = False
    """Whether interval and p hold the noise of training seeds, so that they are about what was trained and not only
    about these policies: each side is the start model or has three seeds or more."""
    n: int
    """Pairs: samples that have a value in both runs (in every seed)."""
    n_clusters: int
    """Prompts among them."""
    n_missing: int
    """Samples that have no value in one run or both."""
    unscored: tuple[float, float] = (0.0, 0.0)
    """Share of a's and of b's answers that have no value."""


def paired(
    a: BehaviourScore | Sequence[BehaviourScore],
    b: BehaviourScore | Sequence[BehaviourScore],
    *,
    trained: tuple[bool, bool] = (True, True),
) -> PairedDifference:
    """The change of one behaviour between two policies, sample by sample.

    Args:
        a: the score before; or one for each training seed.
        b: the score after; or one for each training seed.
        trained: whether training made a, and b: False for the start model, whose seeds are those of sampling alone.

    Raises:
        ConfigError: not the same behaviour, or another version of its task.
    """
    before = [a] if isinstance(a, BehaviourScore) else list(a)
    after = [b] if isinstance(b, BehaviourScore) else list(b)
    card = before[0]
    for other in (*before, *after):
        _comparable(card, other)
    panels = common({"a": Panel.of(before, trained=trained[0]), "b": Panel.of(after, trained=trained[1])})
    x, y = panels["a"], panels["b"]
    every = {k for s in (*before, *after) for k in s.samples}
    change = difference(y, x, of="b", to="a")
    binary = len(before) == len(after) == 1 and _binary(x, y)
    told = bool(x.ids) and change.told and (len(before) > 1 or len(after) > 1)
    found = change.value if x.ids else None
    return PairedDifference(
        behaviour=card.behaviour,
        task_version=card.task_version,
        direction=card.direction,
        role=card.role,
        unit=card.unit,
        difference=found,
        ci=change.interval(),
        shift=_standardised(found, x),
        p=mcnemar_exact(x.by_sample.tolist(), y.by_sample.tolist()) if binary and n_prompts(x) > 1 else change.p(),
        test="exact McNemar" if binary else "t over prompts and seeds" if told else "cluster t",
        of_protocols=told,
        n=len(x.ids),
        n_clusters=n_prompts(x),
        n_missing=len(every) - len(x.ids),
        unscored=(share_unscored(before), share_unscored(after)),
    )


def compare_runs(
    a: Mapping[str, BehaviourScore | Sequence[BehaviourScore]],
    b: Mapping[str, BehaviourScore | Sequence[BehaviourScore]],
    *,
    trained: tuple[bool, bool] = (True, True),
) -> list[PairedDifference]:
    """All behaviours that both runs have, with q-values over that family.

    Args:
        a: scores by behaviour, before; one for each training seed where there are several.
        b: scores by behaviour, after.
        trained: as in `paired`.

    Raises:
        ConfigError: no behaviour in common, or different task versions.
    """
    shared = [name for name in a if name in b]
    if not shared:
        raise ConfigError(
            f"the runs have no behaviour in common ({', '.join(a) or 'none'} against "
            f"{', '.join(b) or 'none'}): evaluate both on the same ones"
        )
    return with_q([paired(a[name], b[name], trained=trained) for name in shared])


def with_q(differences: Sequence[PairedDifference]) -> list[PairedDifference]:
    """Benjamini-Hochberg q-values over a family; a comparison without p has none and does not count."""
    q = iter(false_discovery([d.p for d in differences]))
    return [d.model_copy(update={"q": next(q)}) for d in differences]


def false_discovery(p: Sequence[float | None]) -> list[float | None]:
    """Benjamini-Hochberg q-values of the tests that have a p; None for the others."""
    tested = sorted((v, i) for i, v in enumerate(p) if v is not None)
    q: list[float | None] = [None] * len(p)
    least = 1.0
    for rank in range(len(tested), 0, -1):
        v, i = tested[rank - 1]
        least = min(least, v * len(tested) / rank)
        q[i] = least
    return q


def mcnemar_exact(before: Sequence[float], after: Sequence[float]) -> float:
    """Exact two-sided McNemar test of paired values in {0, 1}: a sign test on the pairs that changed."""
    from scipy.stats import binomtest

    up = sum(y > x for x, y in zip(before, after, strict=True))
    down = sum(y < x for x, y in zip(before, after, strict=True))
    return float(binomtest(up, up + down, 0.5).pvalue) if up + down else 1.0


def _comparable(card: BehaviourScore, other: BehaviourScore) -> None:
    if card.behaviour != other.behaviour:
        raise ConfigError(
            f"'{card.behaviour}' and '{other.behaviour}' are different behaviours: compare each with itself"
        )
    if card.task_version != other.task_version:
        raise ConfigError(
            f"behaviour '{card.behaviour}': task versions {card.task_version} and {other.task_version} "
            "cannot be compared; evaluate both runs again"
        )


def _binary(x: Panel, y: Panel) -> bool:
    """Whether McNemar's test applies: every value 0 or 1, and one sample for each prompt."""
    seen = {*x.values.ravel().tolist(), *y.values.ravel().tolist()}
    return bool(x.ids) and seen <= {0.0, 1.0} and n_prompts(x) == len(x.ids)


def _standardised(change: float | None, before: Panel) -> float | None:
    if change is None or len(before.ids) < 2:
        return None
    sd = before.spread
    if sd == 0:
        return 0.0 if change == 0 else None
    return change / sd if math.isfinite(sd) else None
