"""How well the rules find what they count that score behaviours, and figures that an earlier form of a rule made."""

from collections.abc import Iterable

from offtarget.evals.scores import BehaviourScore
from offtarget.lens.surface.quality import stated
from offtarget.registry import default

EARLIER = {
    "enthusiasm": "found 55% of the labelled cases of the development half, and 53% of what it found was right",
    "refusal": "found 33% of the labelled cases of the development half, and 74% of what it found was right",
}
"""What is known of the rules of surface version 2 (text: `tests/lens/labelled`)."""


def scored_by_rule(scores: Iterable[BehaviourScore]) -> list[str]:
    """One line for each rule and task version that scored behaviours of a board.

    Args:
        scores: of one board; behaviours that no phrase rule scores, or that are not installed, say nothing.
    """
    cards = {e.name: e.card for e in default().entries("behaviour")}
    behaviours: dict[tuple[str, str], set[str]] = {}
    for s in scores:
        for rule in cards.get(s.behaviour, {}).get("rules", ()):
            behaviours.setdefault((rule, s.task_version), set()).add(s.behaviour)
    lines = []
    for (rule, version), names in sorted(behaviours.items()):
        now = max(str(cards[name]["version"]) for name in names)
        of = ", ".join(sorted(names))
        if _number(version) < _number(now):
            lines.append(
                f"{of}: scored by an earlier form of the rule {rule} (task version {version}, now {now}), which "
                f"{EARLIER.get(rule, 'counts otherwise')}"
            )
        elif said := stated(rule):
            lines.append(f"{of}: scored by the rule {rule}; {said}")
    return lines


def _number(version: str) -> int:
    n = version.partition("-")[0]
    return int(n) if n.isdigit() else 0
