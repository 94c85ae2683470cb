"""What a limit really asked: the strata of each behaviour, and cells that were cut in the order of their files."""

import re
from collections import Counter
from collections.abc import Iterable

from offtarget.evals.scores import BehaviourScore

EVEN_SINCE = {"capability": 2, "sycophancy": 3, "over_stylization": 2, "verbosity": 2}
"""Behaviour -> the version N of its task from which a limit takes every stratum.

Before, a limit took the first lines of files that are sorted by stratum."""
_OLD_COUNT = {"capability": (24, "phenomena"), "sycophancy": (2, "kinds")}
_OLD_KINDS = {
    "over_stylization": ["explanation", "advice", "story", "email", "howto", "opinion", "summary", "description"],
    "verbosity": ["fact", "yes_no", "definition", "conversion", "arithmetic", "one_line", "one_sentence", "choice"],
}
"""The kinds of the older files in their order, 16 prompts each."""


def cut_in_file_order(scores: Iterable[BehaviourScore]) -> list[str]:
    """One line for each behaviour whose limit cut the file, not its strata: what was asked, and what was not.

    Args:
        scores: of one board.
    """
    lines = []
    for name, score in sorted({s.behaviour: s for s in scores if not s.strata}.items()):
        version = score.task_version.partition("-")[0]
        since = EVEN_SINCE.get(name)
        if since is None or not version.isdigit() or int(version) >= since:
            continue
        if said := _partial(name, score):
            lines.append(f"{name}: {said}; made before version {since}, when a limit took the first lines of the file")
    return lines


def what_was_asked(scores: Iterable[BehaviourScore]) -> dict[str, str]:
    """Behaviour -> what was asked, in words, where it is known: `96 prompts or items, 24 of 24 strata`."""
    out = {}
    for s in scores:
        if s.strata:
            asked = sum(n > 0 for n in s.strata.values())
            out[s.behaviour] = f"{sum(s.strata.values())} prompts or items, {asked} of {len(s.strata)} strata"
    return dict(sorted(out.items()))


def _partial(name: str, score: BehaviourScore) -> str:
    """What an older score asked, in words; empty where it asked every stratum."""
    if name in _OLD_KINDS:
        kinds = _OLD_KINDS[name]
        numbers = [int(m.group(1)) for i in score.samples if (m := re.fullmatch(rf"(?:{name}/)?\w\w-(\d+)", i))]
        asked = {kinds[(n - 1) // 16] for n in numbers if n <= 16 * len(kinds)}
        missed = [k.replace("_", " ") for k in kinds if k not in asked]
        return (
            f"{len(asked)} of {len(kinds)} kinds of its prompts (none of {', '.join(missed)})"
            if asked and missed
            else ""
        )
    of, what = _OLD_COUNT[name]
    found = Counter(re.sub(r"(-\d+)(#\d+)?$", "", i).removeprefix("sy-") for i in score.samples)
    if not 0 < len(found) < of:
        return ""
    return f"{len(found)} of {of} {what} ({', '.join(f'{k} {n}'.replace('_', ' ') for k, n in found.most_common(6))})"
