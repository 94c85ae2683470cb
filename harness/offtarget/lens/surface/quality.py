"""How well a phrase rule finds what it is named for: recall and precision on labelled text.

Half of the labelled text is there to work on the rules with; the figures that count are of the other half.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from offtarget.versions import source_sha256

MEASURED = Path(__file__).with_name("measured.json")
"""Figures of every rule on the held-out half; made by `python tests/bench/bench_rules.py --write`."""
_ASIDE = ("places.py", "quality.py", "rewrite.py")
"""Files of this room that do not decide what a rule finds."""
_CLEANED_BY = (
    "code_lines", "debris", "endings", "html_tags", "identity", "language", "markup", "mojibake", "repetition", "turns",
)  # fmt: skip
"""Files of the data room that decide what text a rule reads."""

Half = Literal["development", "held-out"]
"""Which half of the labelled text: rules are written with the first and measured on the second."""


@dataclass(frozen=True)
class Labelled:
    """One text and whether it does what a rule counts."""

    text: str
    label: bool
    kind: str = ""
    """The heading under which it was written."""


@dataclass(frozen=True)
class Quality:
    """What a rule found and missed among labelled texts. It fires where its value is above 0."""

    rule: str
    hits: int
    """Texts of label 1 in which it fires."""
    misses: int
    """Texts of label 1 in which it does not."""
    false_alarms: int
    """Texts of label 0 in which it fires."""
    rejections: int
    """Texts of label 0 in which it does not."""

    @property
    def recall(self) -> float:
        """Share of the texts of label 1 in which it fires; NaN without one."""
        return _share(self.hits, self.hits + self.misses)

    @property
    def precision(self) -> float:
        """Share of the texts in which it fires that have label 1; NaN if it never fires."""
        return _share(self.hits, self.hits + self.false_alarms)


def half(rule: str, text: str) -> Half:
    """The half to which a labelled text of a rule belongs: by hash, so that adding texts moves none."""
    digest = hashlib.sha256(f"{rule}\0{text}".encode()).digest()
    return "held-out" if digest[0] % 2 else "development"


def fires(rule: str, text: str) -> bool:
    """Whether a rule of the surface lens counts anything in a text."""
    (found,) = _fired(rule, [Labelled(text, True)])
    return found


def _fired(rule: str, texts: Sequence[Labelled]) -> list[bool]:
    """The same of several texts."""
    from offtarget.lens.surface.measures import features_of

    return [found[rule] > 0 for found in features_of([item.text for item in texts])]


def measure(rule: str, texts: Iterable[Labelled]) -> Quality:
    """Compare a rule with labels.

    Args:
        rule: name of a surface rule, without `surface:`.
        texts: labelled texts.
    """
    items = list(texts)
    counts = {(said, found): 0 for said in (True, False) for found in (True, False)}
    for item, found in zip(items, _fired(rule, items), strict=True):
        counts[item.label, found] += 1
    return Quality(rule, counts[True, True], counts[True, False], counts[False, True], counts[False, False])


def mistakes(rule: str, texts: Sequence[Labelled]) -> list[Labelled]:
    """The texts on which rule and label differ."""
    return [item for item, found in zip(texts, _fired(rule, texts), strict=True) if found != item.label]


def rules_sha256() -> str:
    """Hash of the code of the rules, and of what cleans the text that they read: figures of other code are not those of this."""
    here = Path(__file__).parent
    home = here.parents[1]
    rules = [path for path in here.rglob("*.py") if path.name not in _ASIDE]
    return source_sha256(home, [*rules, *(home / "data" / f"{name}.py" for name in _CLEANED_BY)])


@cache
def measured() -> Mapping[str, Quality]:
    """Figures of every rule on the held-out half, as they are in the package."""
    found = json.loads(MEASURED.read_text(encoding="utf-8"))["rules"]
    return {
        rule: Quality(
            rule, r["hits"], r["positives"] - r["hits"], r["false_alarms"], r["negatives"] - r["false_alarms"]
        )
        for rule, r in found.items()
    }


def stated(rule: str) -> str:
    """How well a rule finds what it counts, in a few words; empty for rules that are no phrase rules.

    Args:
        rule: name of a surface rule, with or without `surface:`.
    """
    q = measured().get(rule.removeprefix("surface:"))
    if q is None:
        return ""
    right = f", {q.precision:.0%} of what it finds is right" if q.hits + q.false_alarms else ""
    return f"rule finds {q.recall:.0%} of labelled cases{right}"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
