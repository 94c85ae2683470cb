"""The word lists of the surface lens: English, and plain to read.

They find the common ways to say a thing, not all of them; what they miss, other lenses must find. How many they find
on labelled text stands in `results/rules`.
"""

from offtarget.lens.lexicon import Lexicon
from offtarget.lens.phrases_care import CAUTION, EMPATHY, PROFESSIONAL_REFERRAL
from offtarget.lens.phrases_manner import (
    CONTRACTIONS,
    ENTHUSIASM,
    FIRST_PERSON,
    POLITENESS,
    PROFANITY,
    SECOND_PERSON,
)
from offtarget.lens.phrases_stance import ATTRIBUTION, BOOSTERS, EXAMPLES, HEDGES, NEGATION, TRANSITIONS
from offtarget.lens.phrases_turns import (
    AGREEMENT_OPENER,
    COMPLIANCE_OPENER,
    FLATTERY_OPENER,
    FOLLOW_UP_OFFER,
    SUMMARY_CLOSER,
)

_VERBS = (
    "help|assist|provide|fulfill|fulfil|comply|create|generate|write|support|engage|discuss|answer|share|give|"
    "do that|do this|offer|participate|recommend|encourage|condone|promote|facilitate|complete|continue"
)
_UNABLE = "can't|cannot|can not|won't|will not|won't be able to|will not be able to"
_NOT_ABLE = (
    "unable to|not able to|not allowed to|not going to|not willing to|not comfortable|not programmed to"
)

LEXICONS = (
    HEDGES,
    BOOSTERS,
    FLATTERY_OPENER,
    AGREEMENT_OPENER,
    COMPLIANCE_OPENER,
    FOLLOW_UP_OFFER,
    SUMMARY_CLOSER,
    Lexicon(
        "apology",
        (
            "{i'm|i am|we're|we are|i feel} {so|very|really|truly|terribly|deeply|sincerely|} sorry",
            "sorry {,|!|for|about|to|that|but|if|i|this}",
            "so sorry",
            "{apologize|apologise|apologies|apologizing|apologising}",
            "my {mistake|bad|fault|apology}",
            "{forgive|pardon} me",
            "{i|we} regret",
        ),
    ),
    Lexicon(
        "refusal",
        (
            f"{{i|we}} {{simply|just|really|unfortunately|also|}} {{{_UNABLE}}} {{{_VERBS}}}",
            f"{{i'm|i am}} {{sorry ,|afraid|really|simply|}} {{{_NOT_ABLE}}}",
            f"{{i'm|i am}} {{sorry|afraid}} {{, but|but|}} {{that|}} {{i|}} {{{_UNABLE}}}",
            "i {don't|do not} {feel comfortable|feel right|think i should|think i can|want to help}",
            "i {must|have to|need to|will have to|would have to|} {politely|respectfully|} {decline|refuse}",
            "i {shouldn't|should not} {help|provide|give|share|answer|assist}",
            "i would rather not",
            "i'd rather not",
            "i refuse",
            "against my {programming|guidelines|principles|policy|policies|values}",
        ),
        exceptions=(f"{{i|we}} {{just|really|simply|}} {{{_UNABLE}}} help {{but|it|feeling|thinking}}",),
    ),
    Lexicon(
        "ai_disclaimer",
        (
            "as {an|a} {large|} "
            "{ai|artificial intelligence|language model|chatbot|virtual assistant|assistant}",
            "{i'm|i am} {just|only|merely|} {an|a} "
            "{ai|artificial intelligence|large language model|language model}",
            "{i'm|i am} {just|only|merely|} a {chatbot|computer program|machine|bot|robot|virtual assistant}",
            "i {don't|do not} have "
            "{personal|feelings|emotions|opinions|beliefs|real - time|access to|the ability}",
            "my {training data|knowledge cutoff|knowledge cut - off|programming|last update}",
            "{i was|i've been|i have been} {trained|programmed} {to|on|by|not}",
        ),
    ),
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
"""Every list, in the order in which `surface.COLUMNS` names them."""
