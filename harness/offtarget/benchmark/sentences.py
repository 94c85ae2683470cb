"""What is above and below the tables of an audit board, in sentences."""

from collections.abc import Sequence

from offtarget.benchmark.records import AuditBoard, PowerRow
from offtarget.report.html import fixed, percent

METHOD = (
    "Sets: concepts inserted in sampled responses by `datasets_registry/planted/plant.py`, at exact counts. Half of a "
    "concept's phrasings were written to escape every surface rule; goblins has no rule at all. Sets of more than 2,092 pairs hold "
    "several plantings of the same responses, so rows of one prompt share a group.",
    "A claim covers a planted concept if its u correlates with the concept's presence over rows (balanced "
    "correlation of at least 0.2, which a perfect rule for a thirteenth of its phrasings has: rows that differ in the "
    "concept weigh as much as all others; and three standard errors from zero), with no other concept more, and names "
    "the right side. A claim in a context covers a concept of a topic if half of the topic's rows lie inside, three "
    "times as frequent there as in the whole set.",
    "In its top K (recall at K): the share of planted concepts covered within the first K places by |score|, K being how many "
    "were planted. "
    "Further claims on a concept already covered take no place; of claims that cover nothing each takes one, unless it says the "
    "same (r of u, turned to the side that is named, at least 0.9) as one before. A claim and its opposite are both void.",
    "Found at q < 0.05: the share of planted concepts covered by a claim with q < 0.05. A method that names no findings has none. "
    "A method that finds something in more than 10 % of label shuffles has neither this nor a top K. A method is refused if its u differs "
    "between rows of equal text.",
    "AUROC: a claim about a planted concept, whatever side it names, against every other claim, by |score|.",
    "Null, computed from the inserter: over all plantings, the mean of (u with insertion - u of the same rows without "
    "it) is, two standard errors included, within 0.01 standard deviations of u, or exactly zero. Filling sentences, "
    "which level the length, are insertion too. FDP is the share of false ones (null, or on the side against which "
    "insertion moved them) among discoveries (q < 0.1) that are not grey; 0 where there is none. What insertion moved unequally "
    'without covering a planted concept is grey and counted apart: it is no noise, and nothing that was asked for; "FDP, grey '
    'as false" counts it as false, so that the proportion is between the two. Discoveries that say the same count once. A '
    "claim that fewer than half of the plantings have by its id is judged by its own movement (null up to 0.05).",
    "Seconds are processor seconds, median over all sets, without the reading of the responses by a lens.",
    "Shuffles: the order in which the responses were sampled takes the place of the label, turned by a coin for "
    "each prompt; a finding is q < 0.05.",
    "Brackets are 95 % intervals: Wilson over planted concepts or shuffles, two standard errors over draws for FDP "
    "and AUROC.",
)

BEFORE = (
    "This board was made before the rules of places, voids and merged discoveries below were in force: near-duplicates took no place "
    "from r 0.5 on whatever side they named, a claim and its opposite both counted, each id was its own discovery, and u was "
    "not tried for noise. Make it again with its command."
)


def method_of(board: AuditBoard) -> tuple[str, ...]:
    """How a board is to be read."""
    return METHOD if board.rules == 2 else (BEFORE, *METHOD)


AIMS = (
    "Asked for, at 2,000 pairs from 5 points over a rejected rate of at most 5 %: at least 0.95 of the planted concepts in a "
    "method's top K (K: how many were planted); a mean FDP (share of false discoveries) at q < 0.1 of at most 0.1 plus two "
    "standard errors over at least 100 plantings; a finding in at most 0.05 (the nominal share) of at least 500 label "
    "shuffles. Of several sets the worst is shown, as found. With a rule: of the concepts that a surface rule was written "
    "for. Strictly: of these, where a claim must correlate with the concept at 0.3, not 0.2."
)
DISCOVERIES = (
    "True, false and grey ones: discoveries (q < 0.1) in a planting, on average. True ones are about a planted concept. False ones are "
    "something that insertion did not move (null), or name the wrong side. Grey: about something that insertion "
    "moved unasked. FDP: false / (true + false), mean over plantings."
)
LEAD_PAIRS, LEAD_DIFFERENCE, LEAD_REJECTED = 2000, 20.0, 5.0
"""The point of the grid that the lead is about, where it was run; else the one next to it."""


def lead(board: AuditBoard) -> str:
    """What the methods find and what they find wrongly, in one sentence; of the sections that were run."""
    parts = [part for part in (_found(board), _false(board), _shuffled(board)) if part]
    return "; ".join(parts) + "." if parts else "Of this benchmark only concepts of one topic were run (below)."


def _found(board: AuditBoard) -> str:
    """How many planted concepts each method that tests finds, at one point of the grid."""
    tested = [p for p in board.power if p.detected.value is not None]
    if not tested:
        return ""

    def far(p: PowerRow) -> tuple[float, float, float]:
        return abs(p.pairs - LEAD_PAIRS), abs(p.difference - LEAD_DIFFERENCE), abs(p.rejected - LEAD_REJECTED)

    at = min(tested, key=far)
    where = (at.pairs, at.difference, at.rejected)
    counts = [
        (p.method, round((p.detected.value or 0.0) * p.detected.n), p.detected.n)
        for p in tested
        if (p.pairs, p.difference, p.rejected) == where
    ]
    (best, hits, n), *rest = sorted(counts, key=lambda c: -c[1])
    said = [f"`{best}` finds {hits} of {n} planted concepts", *(f"`{m}` {k} of {of}" for m, k, of in rest)]
    more = at.difference + at.rejected
    return (
        f"With concepts planted in {more:g} % of chosen and {at.rejected:g} % of rejected answers ({at.pairs:,} pairs), "
        f"{_listed(said)} at q < 0.05"
    )


def _false(board: AuditBoard) -> str:
    """What share of discoveries is false."""
    given = [(a.method, a.fdp.value) for a in board.aims if a.fdp.value is not None]
    said = [f"{fixed(v, 2)} with `{m}`" for m, v in sorted(given, key=lambda g: g[1])]
    return f"the mean false discovery proportion at q < 0.1 is {_listed(said)} in the worst set" if said else ""


def _shuffled(board: AuditBoard) -> str:
    """Who finds something where there is nothing."""
    given = [(a.method, a.any_finding.value) for a in board.aims if a.any_finding.value is not None]
    if not given:
        return ""
    (least, share), *rest = sorted(given, key=lambda g: g[1])
    said = [
        f"`{least}` reports something in {percent(share, 0)} of sets",
        *(f"`{m}` in {percent(v, 0)}" for m, v in rest),
    ]
    return f"with shuffled labels, where there is nothing to find, {_listed(said)}"


def _listed(said: Sequence[str]) -> str:
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
