"""The phrase rules of the surface lens: English, and plain to read.

They find the common ways to say a thing, not all of them; what they miss, other lenses must find. How many they find
on labelled text stands in `results/rules`.
"""

from collections.abc import Sequence
from functools import cache

from offtarget.lens.surface.lexicon import Matcher
from offtarget.lens.surface.patterns import PatternReader
from offtarget.lens.surface.phrases.care import CAUTION, EMPATHY, PROFESSIONAL_REFERRAL
from offtarget.lens.surface.phrases.manner import (
    CONTRACTIONS,
    ENTHUSIASM,
    FIRST_PERSON,
    POLITENESS,
    PROFANITY,
    SECOND_PERSON,
)
from offtarget.lens.surface.phrases.stance import ATTRIBUTION, BOOSTERS, EXAMPLES, HEDGES, NEGATION, TRANSITIONS
from offtarget.lens.surface.phrases.turns import (
    AGREEMENT_OPENER,
    COMPLIANCE_OPENER,
    FLATTERY_OPENER,
    FOLLOW_UP_OFFER,
    SUMMARY_CLOSER,
)
from offtarget.lens.surface.phrases.word_classes import CLASSES
from offtarget.lens.surface.prose import Place, Prose

LEXICONS = (
    HEDGES,
    BOOSTERS,
    FLATTERY_OPENER,
    AGREEMENT_OPENER,
    COMPLIANCE_OPENER,
    FOLLOW_UP_OFFER,
    SUMMARY_CLOSER,
    PROFESSIONAL_REFERRAL,
    CAUTION,
    EMPATHY,
    FIRST_PERSON,
    SECOND_PERSON,
    POLITENESS,
    TRANSITIONS,
    EXAMPLES,
    ATTRIBUTION,
    ENTHUSIASM,
    PROFANITY,
    NEGATION,
    CONTRACTIONS,
)
"""Rules that are lists of phrases, in the order in which `surface.COLUMNS` names them."""

PATTERNS = ("apology", "refusal", "ai_disclaimer")
"""Names of the rules that read sentence by sentence in the writer's own voice."""

RULES = (*(x.name for x in LEXICONS), *PATTERNS)
_MATCHER = Matcher(LEXICONS, CLASSES)


@cache
def reader() -> PatternReader:
    """The rules of `PATTERNS`; to compile them takes half a second, so they wait for the first text."""
    from offtarget.lens.surface.phrases.apologies import APOLOGY
    from offtarget.lens.surface.phrases.disclaimers import AI_DISCLAIMER
    from offtarget.lens.surface.refusals import REFUSAL

    return PatternReader((APOLOGY, REFUSAL, AI_DISCLAIMER))


def count(texts: Sequence[Prose]) -> list[dict[str, int]]:
    """How often every rule of `RULES` finds what it counts, in each of some texts.

    One kind of rule reads all texts before the next does: what it needs then stays in the processor's cache.
    """
    listed = [_MATCHER.count(prose.lower, prose.tokens, prose.opens) for prose in texts]
    found = [reader().find(prose) for prose in texts]
    return [
        {
            **dict(zip((x.name for x in LEXICONS), hits, strict=True)),
            **{name: len(places.get(name, ())) for name in PATTERNS},
        }
        for hits, places in zip(listed, found, strict=True)
    ]


def find(name: str, prose: Prose) -> list[Place]:
    """Where one rule finds what it counts, in order; empty for a name that is no rule of `RULES`."""
    if name in PATTERNS:
        return reader().find(prose).get(name, [])
    at = prose.places
    found = _MATCHER.find(prose.lower, prose.tokens, prose.opens)
    return [(at[a][0], at[b - 1][1]) for k, a, b in found if LEXICONS[k].name == name]
