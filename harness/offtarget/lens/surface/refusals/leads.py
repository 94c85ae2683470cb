"""Leads that refuse where an act follows: I cannot, I am not going to, we are unable to; and the acts."""

import re

from offtarget.lens.surface.patterns import compiled
from offtarget.lens.surface.refusals.acts import ACTS, LIMITS, ing
from offtarget.lens.surface.refusals.guards import ADVICE
from offtarget.lens.surface.refusals.parts import (
    ABLE,
    ADV,
    ADVERB,
    AT_EASE,
    CANT,
    NOT,
    NOT_ABLE,
    RIGHT_TO,
    SOFT,
    THIS_AI,
    WHO,
    WHO_IS,
    WONT,
)

ACT = re.compile(rf" *(?:{ADVERB} *){{0,4}}(?:be )?" + compiled(*ACTS, *map(ing, ACTS), begin="").pattern)
LIMIT = re.compile(rf" *(?:{ADVERB} *){{0,4}}(?:be )?" + compiled(*LIMITS, *map(ing, LIMITS), begin="").pattern)
# Within a tuple the first way that begins at a place is the one that is tried: the longer ones stand first.
UNABLE = (
    rf"i(?:'ll| shall){ADV} (?:not|never){ABLE}", rf"i(?:'d| would){ADV} never", r"i(?:'d| would) hate to",
    rf"{WHO_IS} (?:(?:sorry|afraid),? (?:but |that |to say )*)?{ADV}(?:i(?:'m| am)?)?{ADV} *{NOT_ABLE}{ABLE}",
    rf"i {ADV} *(?:do not|don'?t|never|no longer) ?{ADV}(?:feel |think i(?:'m| am) )(?:able|right|ok|okay|good|{AT_EASE})(?: to| about|"
    rf" in| with)?",
    rf"i {NOT}{ADV} (?:feel|be){ADV} (?:able|right|{AT_EASE})(?: to| with| in| about)?",
    rf"{WHO_IS} (?:not|un) ?{ADV} *{AT_EASE}(?: with| in| about| to)?",
    rf"i(?:'d| would) (?:be|feel){ADV} (?:uncomfortable|uneasy)(?: with| about)?",
    rf"i{ADV} (?:couldn't|could not){ADV} (?:possibly|ethically|responsibly|legally|knowingly|in good conscience|in good faith)",
    rf"i{ADV} (?:shouldn't|should not|ought not to|oughtn't to|may not|must not|don't get to|am not to){ABLE}",
    rf"i{ADV} (?:do not|don'?t){ADV} (?:want|wish|care|intend|plan|propose|mean) to",
    rf"i (?:don't|do not|dont|didn't){ADV} (?:think|believe|feel|see how|see that)(?: that)? (?:i|we)(?: should|'d want to|'ll| can|"
    rf" could| ought to| may|(?:'m| am) able to|"
    rf" will| would| want to){ABLE}",
    rf"i (?:don't|do not|dont){ADV} (?:think|believe|feel)(?: that)? (?:it|that)(?:'s| is| would be|'d be| was) (?:right|"
    rf"{RIGHT_TO})(?: for me)? to",
    rf"{WHO_IS} not (?:sure|convinced)(?: that)? i(?: should|'d want to| can| ought to| would be able to| want to)",
    r"(?:i have|i've|i've got|i see|i know of|i know) (?:no|zero) (?:intention|desire|wish|interest|plans?|way|means|ability|"
    r"facility) (?:of|to|in|for)",
    r"i (?:lack|(?:don't|do not) have) (?:the|any|an?) (?:\w+ )?(?:ability|capability|capacity|means|way|authority|permission|right|"
    r"clearance|authori[sz]ation|power|tools?|facility) (?:to|of|for)",
    r"i (?:don't|do not) have (?:enough |the necessary |sufficient )?information (?:[\w ]{0,24} )?to(?= (?:help|assist|process|fulfil))",
    r"i(?: [\w']+){0,3}? (?:refuse|decline)d? to", r"i object to", r"(?:i'd|i had|i) better not",
    r"i(?:'ve|'m| have| am|)(?: \w+)? (?:choose|chosen|choosing|decided|opt|opting|elect|resolved|prefer|trying|try|tend|aim|agreed|"
    r"promised|learned|endeavou?r|like|seek|take care) not to",
    rf"i(?:'m| am)(?: [\w'-]+){{1,12}}?,? (?:and|so){ADV} (?:i )?(?:can'?t|cannot|can not|am not able to|am unable to|won'?t|will not|"
    rf"unable to|not able to)",
    rf"{WHO_IS} (?:incapable of|uncomfortable(?: with)?|not capable of)", rf"{WHO} (?:can|will|could) neither",
    rf"{WHO} {WONT}{ADV}{ABLE}",
    rf"(?:{WHO_IS}|i ain't) not",
    r"i ain't(?: going to| gonna)?",
    r"i(?: [\w']+){1,9}?,? (?:and|but|so)(?: \w+)? (?:will not|won't|cannot|can't)",
)  # fmt: skip
NOT_REFUSED = (
    r"(?:believe|wait|imagine|remember|recall|think|say|find|fault|blame|help|complain|argue|disagree|agree|decide|choose|know|forget|"
    r"stop|regret|"
    r"mind|deny|worry|understand|stand|beat|afford|sleep|eat|get|see|hear|feel|taste|smell|guarantee|promise|be|tell|thank|overstate|"
    r"stress|emphasi[sz]e|recommend|"
    r"put|keep|hold|make|miss|resist|lose|live|picture|fathom|place|pin|bear|seem|top|vouch|rule|read|count|like|love|bore|spoil|have|"
    r"need|want|repeat|judge|"
    r"hide|pretend|go|give|come|share|explain|describe|express|emphasize|do|trust|relate|claim|wrap|really|even|only|always|also|ever|"
    r"simply|actually)"
)
ANY_ACT = (
    rf"{WHO} {WONT}{ADV} (?!{NOT_REFUSED}\b)[a-z]+(?: (?!but|so|because|until)\w+){{0,2}}? (?:(?:that|this|those|these|"
    rf"such) (?:request|instruction|order|command|question|kind|sort|type|task|conversation|topic|prompt|idea|plan|content|scenario|"
    rf"story)s?|your (?:request|question|prompt|message|instructions?|orders?|plan))\b"
)
IMPERSONAL = (
    r"(?:prevents?|stops?|keeps?|prohibits?|forbids?|bars?|restricts?|precludes?|blocks?) (?:me|us) from",
    r"(?:don't|do not|doesn't|does not|won't|will not) (?:let|allow|permit) (?:me|us)(?: to)?",
    r"(?:asked|told|instructed|ordered) me not to",
    r"(?:not|isn't|n't) my (?:place|role|job) to",
    r"no (?:way|chance)(?: in hell)? (?:for me to|(?:that )?i(?:(?:'m| am)(?: going to| gonna)?|'ll|'d| can| will| would)?|"
    r"am i(?: going to| gonna)?)",
    r"(?:never|nor|neither|under no circumstances?|in no way|at no point|not once|on no account),? (?:will|would|can|could|shall|am|do|"
    r"should) i(?: going to| gonna| ever)?",
    r"nothing (?:that )?i can(?: do)?(?: to)?",
    r"(?:do not|don't|stop)(?: please)? ask(?:ing)? me to", r"if i (?:did|were to),? i would be",
)  # fmt: skip
BETTER_NOT = (
    r"(?:best|better|safer|wiser) (?:if i (?:don't|didn't|do not|did not)|that i (?:don't|do not|not)|for me not to)",
    r"i think it(?:'s| is|'d be| would be) (?:best|better) not to",
)
BETTER_NOT_TO = compiled(
    "answer",
    "go into",
    "discuss",
    "say",
    "talk",
    "comment",
    "share",
    "get into",
    "respond",
    "help",
    "tell",
    "do (?:that|this)",
    "write",
    begin=" *",
)
CURT = (
    rf"^\W*{SOFT}(?:{CANT}|won'?t|will not|unable to|not (?:able|going|willing|allowed|permitted) to|not gonna|refuse to|"
    rf"must decline to|not)",
)
ANYWAY = (r"could(?:n't| not)(?= .{3,50} (?:anyway|either|even if))",)
DO_NOT_OFFER = (
    r"we(?: \w+ly)? (?:do not|don't|never|no longer)(?: \w+ly)? (?:provide|offer|share|give(?: out)?|discuss|support|allow|disclose|"
    r"sell) (?:that|this|such|these|those|any|medical|legal|personal|private|information|advice|content)",
)
NEVER = (
    rf"i{ADV} (?:do not|don'?t|never|no longer|will never|would never)",
    rf"{THIS_AI}{ADV} (?:does not|doesn't|never|will not)",
)
NEVER_DO = compiled(
    "provide", "offer", "assist", "help (?:people|with|anyone|users|you|others|someone|anybody)", "engage", "participate", "discuss",
    "give (?:out|opinions?|advice|instructions|information|that|such|tips|any)", "generate", "create", "produce", "condone",
    "facilitate", "answer", "comment", "take (?:sides|part|positions|an? (?:side|stance|position))",
    r"write(?! (?:often|much|well|code|letters|that way)\b)",
    "share (?:that|personal|private|such|information|instructions|details|this|any|opinions)",
    "speculate",
    "do (?:that|this|such|requests|hate|harm|violence|porn|malware|weapons|insults)",
    "tell (?:jokes|people how)",
    "talk about",
    "explain how",
    "describe",
    "respond to",
    "judge(?! you)", "make (?:predictions|promises of)", "have an opinion to", "follow (?:that|such)", "accept (?:that|such|requests)",
    "support (?:that|this|such|violence|hate|illegal|harm|any)",
    "teach (?:people|that|how)",
    "make (?:jokes|fun|threats|bombs)",
    "touch (?:that|this)",
    "go (?:there|into|down that)",
    "cross",
    "hand out",
    "get (?:into|involved)",
    "disclose",
    "reveal",
    "aid",
    "work on (?:that|this|such)",
    begin=rf" *(?:{ADVERB} *){{0,4}}",
)  # fmt: skip
US_ACT = compiled(
    "help",
    "assist",
    "provide",
    "comply",
    "fulfill?",
    "process",
    "accommodate",
    "share",
    "discuss",
    "answer",
    "offer",
    "give",
    "complete",
    "disclose",
    "support",
    "grant",
    "honou?r",
    "do",
    "write",
    "generate",
    "create",
    "respond",
    "engage",
    "continue",
    "proceed",
    "tell",
    "talk",
    "speak",
    begin=" *",
)  # fmt: skip
US = re.compile(
    US_ACT.pattern
    + r"(?:(?: +(?:with|to|on|about|for|in))? +(?:that|this|these|those|such|it|you|your|any|anything|the request\w*)\b| *(?:[.,;!]|$))"
)
WE_UNABLE = (rf"we{ADV} (?:{WONT}|shouldn't|should not){ABLE}", rf"we(?:'re| are){ADV} *{NOT_ABLE}")
RATHER = (rf"i(?:'d| would)?,?{ADV} (?:rather|prefer)(?: that (?:i|we)| we| i)? (?:not|did not|didn't)(?: to)?",)
RATHER_NOT = re.compile(rf"{ACT.pattern}| *(?:[.,;!]|$)| +(?:get|go|be|touch|continue|have this|say)\b")
LIMITED = (
    r"i (?:don't|do not|lack|have no)(?: currently)?(?: have)?(?: any| the)?(?: direct| live| real-time)? (?:ability|capability|way|"
    r"means) (?:to|of)",
    rf"{WHO_IS} (?:not capable of|incapable of)", rf"{WHO_IS} *{NOT_ABLE}", rf"{WHO} (?:can'?t|can ?not)(?: be able to)?",
)  # fmt: skip
NO_ACCESS = (
    r"i (?:don't|do not|lack|have no)(?: currently)?(?: have)?(?: any| the)?(?: direct| live| real-time)? (?:(?:internet |web |"
    r"real-time )?access\b|memory of|knowledge of your|information about your)",
)  # fmt: skip
NO_ADVICE = (
    rf"(?:i{ADV} (?:can'?t|cannot|can not|don't|do not)|{WHO_IS} {NOT_ABLE}){ADV} (?:provide|give|"
    rf"offer)(?: you)?(?: with)?(?: any)?(?: \w+)? {ADVICE}",
)
