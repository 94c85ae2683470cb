"""The phrase rules of the surface lens: English, and plain to read.

They find the common ways to say a thing, not all of them; what they miss, other lenses must find. How many they find
on labelled text stands in `results/rules`.
"""

from functools import cache

from offtarget.lens.lexicon import Matcher
from offtarget.lens.patterns import PatternReader
from offtarget.lens.phrases_care import CAUTION, EMPATHY, PROFESSIONAL_REFERRAL
from offtarget.lens.phrases_manner import CONTRACTIONS, ENTHUSIASM, FIRST_PERSON, POLITENESS, PROFANITY, SECOND_PERSON
from offtarget.lens.phrases_stance import ATTRIBUTION, BOOSTERS, EXAMPLES, HEDGES, NEGATION, TRANSITIONS
from offtarget.lens.phrases_turns import (
    AGREEMENT_OPENER,
    COMPLIANCE_OPENER,
    FLATTERY_OPENER,
    FOLLOW_UP_OFFER,
    SUMMARY_CLOSER,
)
from offtarget.lens.prose import Place, Prose
from offtarget.lens.word_classes import CLASSES

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
    from offtarget.lens.apologies import APOLOGY
    from offtarget.lens.disclaimers import AI_DISCLAIMER
    from offtarget.lens.refusals import REFUSAL

    return PatternReader((APOLOGY, REFUSAL, AI_DISCLAIMER))


def count(prose: Prose) -> dict[str, int]:
    """How often every rule of `RULES` finds what it counts."""
    listed = _MATCHER.count(prose.lower, prose.tokens, prose.opens)
    read = reader().find(prose)
    return {
        **dict(zip((x.name for x in LEXICONS), listed, strict=True)),
        **{name: len(read.get(name, ())) for name in PATTERNS},
    }


def find(name: str, prose: Prose) -> list[Place]:
    """Where one rule finds what it counts, in order; empty for a name that is no rule of `RULES`."""
    if name in PATTERNS:
        return reader().find(prose).get(name, [])
    at = prose.places
    found = _MATCHER.find(prose.lower, prose.tokens, prose.opens)
    return [(at[a][0], at[b - 1][1]) for k, a, b in found if LEXICONS[k].name == name]
