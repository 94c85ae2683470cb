"""The phrase rules of the surface lens: English, and plain to read.

They find the common ways to say a thing, not all of them; what they miss, other lenses must find. How many they find
on labelled text stands in `results/rules`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from offtarget.lens.surface import matching
from offtarget.lens.surface.batch import Batch
from offtarget.lens.surface.lexicon import Matcher
from offtarget.lens.surface.matching import Steps
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
from offtarget.lens.surface.vocabulary import ENDS, LARGEST, Vocabulary

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

_ONE_AT_A_TIME = Lock()
"""What is known of tokens and of the steps between them grows while texts are read."""
RULES = (*(x.name for x in LEXICONS), *PATTERNS)


@cache
def _matcher() -> Matcher:
    """The rules of `LEXICONS`."""
    return Matcher(LEXICONS, CLASSES)


@cache
def reader() -> PatternReader:
    """The rules of `PATTERNS`; to compile them takes half a second, so they wait for the first text."""
    from offtarget.lens.surface.phrases.apologies import APOLOGY
    from offtarget.lens.surface.phrases.disclaimers import AI_DISCLAIMER
    from offtarget.lens.surface.refusals import REFUSAL

    return PatternReader((APOLOGY, REFUSAL, AI_DISCLAIMER))


@cache
def _steps() -> Steps:
    return Steps(_matcher())


@cache
def _vocabulary() -> Vocabulary:
    """What is known of the tokens that texts held so far."""
    return Vocabulary(_steps().kind, reader().cues, reader().n_numbers)


@dataclass(frozen=True)
class Found:
    """What was found in some texts, that were read together."""

    batch: Batch
    counts: NDArray[np.int64]
    """How often every rule of `RULES` finds what it counts, shape `(n_texts, n_rules)`."""
    tokens: NDArray[np.int32]
    """The number of each token in `vocabulary`."""
    vocabulary: Vocabulary


def count(texts: Sequence[Prose]) -> Found:
    """How often every rule of `RULES` finds what it counts, in each of some texts.

    Those in ASCII are read quicker where all are.
    """
    with _ONE_AT_A_TIME:
        return _count(texts)


def _count(texts: Sequence[Prose]) -> Found:
    if len(_vocabulary()) > LARGEST:
        _vocabulary.cache_clear()
    prose = [text.text for text in texts]
    batch, vocabulary = Batch(prose), _vocabulary()
    tokens = batch.numbers(vocabulary)
    flags, kinds = vocabulary.flags[tokens], vocabulary.kinds[tokens]
    flags[batch.edges], kinds[batch.edges] = ENDS, _steps().edge
    listed = matching.count(_steps(), matching.Tokens(batch, flags, kinds))
    sayings = reader().sayings(batch, vocabulary.cues[tokens], prose)
    bounds = batch.sentences_of_texts() if any(sayings) else []
    found = np.zeros((len(texts), len(PATTERNS)), np.int64)
    for k, text in enumerate(texts):
        if sayings[k]:
            text.sentences = bounds[k]
        for name, places in reader().find(text, sayings[k]).items():
            found[k, PATTERNS.index(name)] = len(places)
    return Found(batch, np.hstack([listed, found]), tokens, vocabulary)


def find(name: str, prose: Prose) -> list[Place]:
    """Where one rule finds what it counts, in order; empty for a name that is no rule of `RULES`."""
    if name in PATTERNS:
        return reader().find(prose).get(name, [])
    at = prose.places
    found = _matcher().find(prose.lower, prose.tokens, prose.opens)
    return [(at[a][0], at[b - 1][1]) for k, a, b in found if LEXICONS[k].name == name]
