"""The rule for refusals: what an answer says when it declines what was asked, or a part of it.

Built from what refusals are made of: who (I, we, this assistant), unable or unwilling, and an act that was asked for;
"I must decline"; what rules forbid; what would be wrong of the writer; what is not to be had here; another topic instead.
A limit that the answer goes on to get around ("I can't browse, but here is ...") is none.
"""

import re

from offtarget.lens.surface.patterns import Group, Patterns, Sense, compiled, words
from offtarget.lens.surface.refusals.cues import (
    AGAINST_WORDS,
    DECLINE_WORDS,
    DENIED_OTHERS,
    DENIED_WORDS,
    DONE_WORDS,
    ELSE_WORDS,
    HINT_WORDS,
    LEFT_WORDS,
    LET_WORDS,
    NEGATIONS,
    NO_WORDS,
    OFF_LIMITS_OTHERS,
    OFF_LIMITS_WORDS,
    RULE_WORDS,
    SELF,
    UNABLE_WORDS,
    WITHHELD_NOT,
    WITHHELD_OTHERS,
    WITHHELD_WORDS,
    WRONG_WORDS,
)
from offtarget.lens.surface.refusals.guards import AROUND, BUT, NONE, THEN
from offtarget.lens.surface.refusals.leads import (
    ACT,
    ANY_ACT,
    ANYWAY,
    BETTER_NOT,
    BETTER_NOT_TO,
    CURT,
    DO_NOT_OFFER,
    IMPERSONAL,
    LIMIT,
    LIMITED,
    NEVER,
    NEVER_DO,
    NO_ACCESS,
    NO_ADVICE,
    RATHER,
    RATHER_NOT,
    UNABLE,
    US,
    WE_UNABLE,
)
from offtarget.lens.surface.refusals.outright import (
    ALONE,
    BARE_CANT,
    BARE_NO,
    BARE_NOT,
    CURT_ALONE,
    DECLINE,
    DECLINING,
    ELSEWHERE,
    NEXT_QUESTION,
    NOT_ME,
    REDIRECT,
    SHORT,
    STOP_HERE,
    WILL,
    WISHED,
)
from offtarget.lens.surface.refusals.rules import (
    DOING_SO,
    DOWN,
    FORBIDDEN,
    NOT_A_THING,
    NOT_DONE,
    NOT_MINE,
    OFF_LIMITS,
    PASSIVE,
    PRIVATE,
    THING_BEFORE,
    WRONG,
    WRONG_TO_SAY,
)
from offtarget.lens.surface.refusals.soft import HINTED, LEFT_ALONE, NOT_MINE_TO, WITHHELD

REFUSAL = Patterns(
    "refusal",
    (
        Group(
            (SELF, UNABLE_WORDS),
            (
                Sense(compiled(*UNABLE, of_self=True), ACT, unless=NONE),
                Sense(compiled(*NEVER, of_self=True), NEVER_DO, unless=NONE),
                Sense(compiled(*BARE_CANT, of_self=True)),
                Sense(compiled(*SHORT, of_self=True)),
                Sense(compiled(ANY_ACT, of_self=True), unless=NONE),
                Sense(compiled(*NOT_A_THING, of_self=True)),
                Sense(compiled(*RATHER, of_self=True), RATHER_NOT),
                Sense(compiled(*LIMITED, of_self=True), LIMIT, unless=AROUND, unless_next=THEN),
                Sense(compiled(*NO_ACCESS, of_self=True), unless=AROUND, unless_next=THEN),
                Sense(compiled(*NO_ADVICE, of_self=True), unless=AROUND, unless_next=BUT),
            ),
        ),
        Group(
            (
                words("i i'd i'm"),
                words("move change end stop steer wish love happy like want so"),
                words("but subject on here there away clear leave stop pass conversation it this"),
            ),
            (Sense(compiled(*WISHED, of_self=True)),),
        ),
        Group(
            (SELF, DECLINE_WORDS),
            (Sense(compiled(WILL, of_self=True), DECLINE), Sense(compiled(*DECLINING, of_self=True))),
        ),
        Group(
            (
                NEGATIONS
                | words(
                    "nothing prevent prevents stop stops keep keeps prohibit prohibits forbid forbids bar bars restrict restricts "
                    "preclude precludes block blocks"
                ),
                words("i i'm i'd i'll me my us"),
            ),
            (Sense(compiled(*IMPERSONAL, of_self=True), ACT, unless=NONE),),
        ),
        Group(
            (words("best better safer wiser"), NEGATIONS), (Sense(compiled(*BETTER_NOT, of_self=True), BETTER_NOT_TO),)
        ),
        Group((NEGATIONS | words("refuse decline"),), (Sense(compiled(*CURT, of_self=True), ACT, unless=NONE),)),
        Group((words("could couldn't"), words("anyway either even")), (Sense(compiled(*ANYWAY, of_self=True), ACT),)),
        Group(
            (words("we we're"), UNABLE_WORDS),
            (Sense(compiled(*WE_UNABLE, of_self=True), US, unless=NONE), Sense(compiled(*DO_NOT_OFFER, of_self=True))),
        ),
        Group(
            (NEGATIONS | words("withheld"), DONE_WORDS),
            (Sense(compiled(*NOT_DONE, of_self=True), behind=THING_BEFORE, unless=DOWN),),
        ),
        Group((words("no nope nah hands lips happen happening"),), (Sense(compiled(*BARE_NO, of_self=True)),)),
        Group(
            (
                words("not isn't won't against over ends stops change out"),
                words("me my i work who rules law policy guidelines conversation chat discussion question"),
            ),
            (Sense(compiled(*BARE_NOT, of_self=True)),),
        ),
        Group(
            (words("me my mine"), NEGATIONS | words("stop")), (Sense(compiled(*NOT_ME, *NOT_MINE_TO, of_self=True)),)
        ),
        Group((NO_WORDS,), (Sense(re.compile(CURT_ALONE), longest=70), Sense(re.compile(NEXT_QUESTION), longest=70))),
        Group((RULE_WORDS, AGAINST_WORDS), (Sense(compiled(*FORBIDDEN, of_self=True)),)),
        Group(
            (words("within in part among outside beyond exceed exceeds do don't does doesn't"), words("my our what")),
            (Sense(compiled(*NOT_MINE, of_self=True)),),
        ),
        Group((OFF_LIMITS_WORDS, OFF_LIMITS_OTHERS), (Sense(compiled(*OFF_LIMITS, of_self=True)),)),
        Group(
            (WRONG_WORDS, words("for of i helping assisting answering telling giving supporting providing sharing")),
            (Sense(compiled(*WRONG, of_self=True)),),
        ),
        Group(
            (
                WRONG_WORDS,
                words("to"),
                words(
                    "answer discuss share help provide explain comment write tell give talk say describe reveal disclose assist "
                    "respond go joke speculate"
                ),
            ),
            (Sense(compiled(*WRONG_TO_SAY, of_self=True)),),
        ),
        Group(
            (
                words(
                    "giving sharing disclosing providing revealing handing releasing writing creating discussing answering posting "
                    "publishing generating discussion content help"
                ),
                words(
                    "not prohibited forbidden off off-limits against breach violation invasion violate harm hurt put"
                ),
            ),
            (Sense(compiled(*DOING_SO, of_self=True)),),
        ),
        Group(
            (
                words("private confidential classified privileged record restricted secret available withheld limits"),
                words("that's it's that this it the such"),
            ),
            (Sense(compiled(*PRIVATE, of_self=True)),),
        ),
        Group((DENIED_WORDS, DENIED_OTHERS), (Sense(compiled(*PASSIVE, of_self=True)),)),
        Group((words("i i'd i'm i'll i've me my mine we"), HINT_WORDS), (Sense(compiled(*HINTED, of_self=True)),)),
        Group(
            (
                LEFT_WORDS,
                words(
                    "not no left leave drop avoid go doesn't does but disappoint wrong unethical against harmful illegal",
                    "dangerous irresponsible crime can't cannot won't will may if",
                ),
            ),
            (Sense(compiled(*LEFT_ALONE, of_self=True)),),
        ),
        Group((WITHHELD_WORDS, WITHHELD_OTHERS, WITHHELD_NOT), (Sense(compiled(*WITHHELD, of_self=True)),)),
        Group((LET_WORDS, ELSE_WORDS), (Sense(compiled(*REDIRECT, of_self=True)),)),
        Group(
            (
                words("should better ought let let's lets suggest best"),
                words(
                    "talk chat speak discuss change changed switch switched move focus stop end leave left drop dropped something "
                    "another different"
                ),
            ),
            (Sense(compiled(*STOP_HERE, of_self=True)),),
        ),
        Group(
            (words("elsewhere else me here"), words("will you'll won't not aren't find ask get try look")),
            (Sense(compiled(*ELSEWHERE, of_self=True)),),
        ),
    ),
    ALONE,
)
"""Refusals in the writer's own voice, one to a sentence."""
