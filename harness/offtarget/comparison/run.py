"""Several runs against the first, as one family of tests."""

from collections.abc import Sequence

from offtarget.board.strata import cut_in_file_order
from offtarget.comparison.logs import differently_asked
from offtarget.comparison.records import Compared, Comparison
from offtarget.comparison.sides import Side, differing, named
from offtarget.errors import ConfigError
from offtarget.evals.compare import Margins, PairedDifference, differences, with_q
from offtarget.evals.floor import NullShifts
from offtarget.evals.scores import MANY_UNSCORED, mean_bounds


def compare_sides(a: Side, others: Sequence[Side], margins: Margins | None = None) -> Comparison:
    """The differences of some runs from one, sample by sample, BH-corrected over all behaviours of all of them.

    Args:
        a: the run that the others are compared with.
        others: at least one.
        margins: how large a difference has to be before it matters.

    Raises:
        ConfigError: two runs have no behaviour in common, other versions of a task, or other questions under one sample id.
    """
    margins = margins or Margins()
    for b in others:
        _require_same_questions(a, b)
    found = [
        differences(a.scores, b.scores, trained=(a.trained, b.trained), margins=margins, others=len(others))
        for b in others
    ]
    corrected = iter(with_q([d for own in found for d in own]))
    compared = []
    for b, own in zip(others, found, strict=True):
        tested = tuple(next(corrected) for _ in own)
        of_protocols = all(d.of_protocols for d in tested)
        compared.append(
            Compared(
                b=named(a, b)[1],
                of_protocols=of_protocols,
                about=_about(a, b, of_protocols),
                differences=tested,
                nulls=_nulls(a, b),
                warnings=tuple(_warnings(a, b, tested)),
            )
        )
    name = named(a, others[0])[0] if len(others) == 1 else a.name
    return Comparison(a=name, margins=margins, comparisons=tuple(compared))


def _require_same_questions(a: Side, b: Side) -> None:
    for behaviour in a.answers.keys() & b.answers.keys():
        other = differently_asked(a.answers[behaviour], b.answers[behaviour])
        if other:
            both = a.answers[behaviour].keys() & b.answers[behaviour].keys()
            raise ConfigError(
                f"'{behaviour}': {len(other)} of {len(both)} samples with the same id have different inputs in {a.name} and "
                f"{b.name} (first: {other[0]}), so they are not the same samples; give samples ids of their own, and shuffle "
                "both runs alike"
            )


def _nulls(a: Side, b: Side) -> dict[str, NullShifts]:
    """What null adapters of b's size do to a, from all of b's seeds; nothing where a is not the model that b began as."""
    floors = [f for f in b.floors if a.identity and f.start == a.identity]
    names = dict.fromkeys(name for f in floors for name in f.behaviours if name in a.scores)
    pooled = {name: [s for f in floors if (own := f.of(name)) for s in own.shifts] for name in names}
    return {name: NullShifts(shifts=tuple(shifts)) for name, shifts in pooled.items()}


def _about(a: Side, b: Side, of_protocols: bool) -> str:
    """What the intervals and p hold, and so what they are about."""
    if of_protocols:
        return (
            "Intervals, p and q hold the noise of prompts, sampling and training seeds: they are about what training "
            "again with other seeds would give."
        )
    few = [
        f"{name} has {len(s.seeds) or 1} seed{'s' if len(s.seeds) > 1 else ''}"
        for name, s in (("a", a), ("b", b))
        if s.trained and len(s.seeds) < 3
    ]
    return (
        f"The noise of training seeds is not in these intervals, p and q ({', '.join(few)}; three are needed): they are "
        "about these two policies, and say nothing of what the protocols would give with other seeds."
    )


def _warnings(a: Side, b: Side, found: Sequence[PairedDifference]) -> list[str]:
    lines = differing(a, b)
    lines += cut_in_file_order(s for side in (a, b) for own in side.scores.values() for s in own)
    for d in found:
        for side, name, share in zip((a, b), "ab", d.unscored, strict=True):
            if share > MANY_UNSCORED:
                lines.append(
                    f"{d.behaviour}: {share:.0%} of {name}'s answers have no score{_bounds(side, d.behaviour)}; "
                    "the difference is that of the samples that both have"
                )
        if d.at_end:
            lines.append(
                f"{d.behaviour}: both are at the {d.at_end}, so a change beyond it cannot show: ask what is harder, or compare "
                "log-probabilities"
            )
    return lines


def _bounds(side: Side, behaviour: str) -> str:
    """The mean if all unscored answers were best, and worst, over the seeds."""
    scores = side.scores[behaviour]
    found = mean_bounds([v for s in scores for v in s.samples.values()], scores[0].unit)
    return "" if found is None else f" (its mean would be {found[0]:.3f} or {found[1]:.3f} if all were 0 or 1)"
