"""Paired comparison of two runs, or of two sets of training seeds: the same samples, clustered by prompt."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from offtarget.errors import ConfigError
from offtarget.evals.contrast import Contrast, difference
from offtarget.evals.panel import Panel, common, n_prompts
from offtarget.evals.scores import BehaviourScore, Direction, Role, share_unscored
from offtarget.records import Record

Conclusion = Literal["differs", "alike", "insufficient evidence"]
"""differs: q < 0.05. alike: the 95 % interval lies within the margin, so there is no difference that matters.
Neither: these samples cannot tell."""
LEVEL, POWER = 0.05, 0.8
END = 0.02
"""A share within this of 0 or of 1 is at its end."""


class Margins(Record):
    """How large a difference has to be before it matters."""

    share: float = Field(default=0.05, gt=0, lt=1)
    """Of behaviours that are shares of answers."""
    sd: float = Field(default=0.2, gt=0)
    """Of all others, in standard deviations of a's values (0.2: a small effect, Cohen 1988)."""


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
    detectable: float | None = None
    """The smallest difference that these samples would show with 80 % power as the only one of the family, by the error
    that they have: (t_{1 − α/2} + t_{power}) standard errors with α = 0.05/m (Bloom 1995). None where nothing varies."""
    margin: float | None = None
    """Differences smaller than this do not matter; None where a's values are no shares and do not vary."""
    at_end: Literal["floor", "ceiling"] | None = None
    """Whether both sides are shares within two points of 0, or of 1: what lies beyond cannot show."""
    conclusion: Conclusion = "insufficient evidence"


def paired(
    a: BehaviourScore | Sequence[BehaviourScore],
    b: BehaviourScore | Sequence[BehaviourScore],
    *,
    trained: tuple[bool, bool] = (True, True),
    margins: Margins | None = None,
    family: int = 1,
) -> PairedDifference:
    """The change of one behaviour between two policies, sample by sample.

    Args:
        a: the score before; or one for each training seed.
        b: the score after; or one for each training seed.
        trained: whether training made a, and b: False for the start model, whose seeds are those of sampling alone.
        margins: how large a difference has to be before it matters.
        family: m, how many differences are tested together.

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
    least = margins or Margins()
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
        detectable=_detectable(change, family) if x.ids else None,
        margin=least.share if x.rate and y.rate else least.sd * x.spread or None,
        at_end=_at_end(x, y),
    )


def differences(
    a: Mapping[str, BehaviourScore | Sequence[BehaviourScore]],
    b: Mapping[str, BehaviourScore | Sequence[BehaviourScore]],
    *,
    trained: tuple[bool, bool] = (True, True),
    margins: Margins | None = None,
    others: int = 1,
) -> list[PairedDifference]:
    """All behaviours that both runs have, before the correction for their number.

    Args:
        a: scores by behaviour, before; one for each training seed where there are several.
        b: scores by behaviour, after.
        trained: as in `paired`.
        margins: as in `paired`.
        others: how many runs are compared with a, in one family.

    Raises:
        ConfigError: no behaviour in common, or different task versions.
    """
    shared = [name for name in a if name in b]
    if not shared:
        raise ConfigError(
            f"the runs have no behaviour in common ({', '.join(a) or 'none'} against "
            f"{', '.join(b) or 'none'}): evaluate both on the same ones"
        )
    family = len(shared) * others
    return [paired(a[name], b[name], trained=trained, margins=margins, family=family) for name in shared]


def with_q(differences: Sequence[PairedDifference]) -> list[PairedDifference]:
    """Benjamini-Hochberg q-values over a family, and so the conclusions; a comparison without p has none and does not count."""
    q = false_discovery([d.p for d in differences])
    return [d.model_copy(update={"q": x, "conclusion": _concluded(d, x)}) for d, x in zip(differences, q, strict=True)]


def _concluded(d: PairedDifference, q: float | None) -> Conclusion:
    if q is None or d.difference is None:
        return "insufficient evidence"
    if q < LEVEL:
        return "differs"
    if d.ci is None:  # every sample changed by the same
        return "alike" if d.difference == 0 else "insufficient evidence"
    within = d.margin is not None and -d.margin < d.ci[0] and d.ci[1] < d.margin
    return "alike" if within else "insufficient evidence"


def _detectable(change: Contrast, family: int) -> float | None:
    if change.n_prompts < 2 or change.variance == 0:
        return None
    return change.half(1 - LEVEL / max(family, 1)) + change.half(2 * POWER - 1)


def _at_end(x: Panel, y: Panel) -> Literal["floor", "ceiling"] | None:
    if not x.ids or not (x.rate and y.rate):
        return None
    if max(x.mean, y.mean) <= END:
        return "floor"
    return "ceiling" if min(x.mean, y.mean) >= 1 - END else None


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
    from scipy.special import bdtr  # scipy.stats takes a second to import

    up = sum(y > x for x, y in zip(before, after, strict=True))
    down = sum(y < x for x, y in zip(before, after, strict=True))
    return min(1.0, 2 * float(bdtr(min(up, down), up + down, 0.5)))


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
