"""Refusals that need no act: I can't, I must decline, hard pass, let us talk about something else."""

import re

from offtarget.lens.surface.patterns import compiled
from offtarget.lens.surface.refusals.parts import (
    ADV,
    ADVERB,
    AT_EASE,
    CLAUSE_END,
    ELSE,
    OTHER_TOPIC,
    SENTENCE_END,
    SOFT,
    TOPICS,
    WHO_IS,
)

CURT_ALONE = (
    r"^\W*(?:(?:so sorry|sorry|sry|no|nope|nah|hmm|well|ok|okay),? )*(?:can'?t do(?: it| that)?|not happening|no can do|no comment|"
    r"let's not|let us not|afraid not|"
    r"i'?m afraid not|"
    r"no can do|not on my watch|not interested|"
    r"i'?m good|i better not|i'd better not|better not|declined|denied|i decline|i refuse|i pass|hard pass|pass|i object|never|"
    r"nothing doing|out of the question|count me out|"
    r"i think not|can'?t|cannot|won'?t|can not|not (?:going|gonna) (?:to )?happen|(?:unfortunately|regrettably|sadly),? (?:no|not)|"
    r"not a chance|no chance|no way|absolutely not|certainly not|definitely not|of course not|not this time|no dice|"
    r"no thanks|no thank you)(?:,? (?:sorry|thanks|thank you|ever))?\W*$"
)
NEXT_QUESTION = (
    r"^\W*(?:next (?:question|topic|subject)(?:,? please)?|(?:another|a different|different|some other) (?:topic|question|"
    r"subject),? please|something else,? please|(?:try|ask) something else|(?:forget|drop|leave) it|not (?:this|that|me|now|"
    r"today)|"
    r"(?:that is |that's |it's |it is )?(?:none of your|nobody's) business)\W*$"
)
BARE_CANT = (
    rf"(?:for|due to|because of|in the interests? of|out of|given|owing to)\b[^.]{{0,40}}, i{ADV} (?:can'?t|cannot|can not|won'?t|"
    rf"will not|may not) (?:say|tell){SENTENCE_END}",
    r"^\W*(?:this|that|such(?: \w+)?|those(?: \w+)?|these(?: \w+)?),? i (?:will not|won't|do not|don't|cannot|can't|refuse|"
    r"must not)(?! (?:know|believe|remember|like|understand|recall|see|have)\b)",
    rf"(?:,|\bso|\band|\bbut|therefore|however|which is why|hence|then|no|sorry) i{ADV} (?:can'?t|cannot|can not|won'?t|will not|"
    rf"must not)(?: do (?:that|it|this|so))?{SENTENCE_END}",
    rf"^\W*{SOFT}i{ADV} (?:can'?t|cannot|can not|won'?t|will not|shan't|shall not|may not|must not|dare not)(?: (?:do (?:that|it|this|"
    rf"so)|say))?(?= *(?:[.;!]|$|"
    rf",? sorry|,? i'm (?:afraid|sorry)|,? unfortunately|,? (?:as|because|since)\b))",
)  # fmt: skip
WISHED = (
    r"i(?:'d| would) like to (?:move on|change the subject|end (?:this|it|the conversation)|stop here|leave it (?:there|at that)|"
    r"steer (?:away|clear))",
    r"so i(?:'d| would|'ll| will|'d rather| would rather) (?:rather )?(?:leave it|stop here|leave (?:this|that|it) (?:there|alone|out|"
    r"aside|unanswered)|pass(?= *[.!]|$)|not(?= *[.!]|$))",
    r"i (?:wish|would (?:love|like)|'d (?:love|like)|want|would be happy)(?: that)? (?:i could|to)(?: be able to)? (?:help|assist|do|"
    r"tell|give|answer|please|oblige)\b(?! more)[^.]{0,40}\bbut\b",
)  # fmt: skip
SHORT = (
    r"i(?: can| will|'ll| shall| may| could|'m able to)?(?: (?:only|simply|also))? (?:give|offer|provide|share|lend|tell|write|make|do|"
    r"show|be of|am of|have) no (?:such |more |further |other )?(?:help|advice|details?|information|thing|instructions?|answer|support|"
    r"use|assistance|guidance|opinion|comment|tips|numbers?|names?|steps|part|jokes?|code|text|list)\b(?! (?:to (?:myself|you)|left))",
    r"i am of no (?:help|use)",
    r"i'll have none of",
    r"i know better than to",
    r"i(?:'m| am) not an? (?:tool|weapon|means|instrument) (?:for|of|to)",
    r"i(?:'m| am) told to (?:keep|decline|refuse|avoid)",
    r"i regret having to (?:decline|refuse|say no)",
    r"i have (?:my )?limits,? and (?:this|that)",
    r"i reserve the right not to",
    r"(?:but|though|yet) here i (?:can't|cannot|won't|will not|must not)(?= *[.!]|$)",
    r"i owe it to (?:her|him|them|others|you) not to",
    r"i must ask you to (?:look|ask|go|turn|try) (?:elsewhere|someone|somebody)",
    rf"i(?:'m| am)(?: (?:just|simply|really))* not able to{SENTENCE_END}",
    r"i have never (?:helped|done|written|given)[^.]{0,40} never will",
    r"(?:understand|hope|see|accept|respect|know) (?:that|why) i (?:can't|cannot|won't|will not|may not|must not) (?:say|tell|go|do|"
    r"write|share|help|give|answer)",
    r"(?:here|there|at this point),? i (?:must |have to |need to )?(?:stop|draw (?:a|the) line|end this)(?= *[.!,]|$)",
    r"i'd do (?:you|others|her|him|them) harm by",
    r"i(?:'ve| have)? ?(?:left|kept|leave|keep|am leaving|'m leaving|am keeping) (?:that|this|the \w+)(?: \w+)? out(?: of it|"
    r" on purpose| of this)?(?= *[.!,]|$)",
    r"the rules,? and they (?:forbid|do not allow|don't allow|prohibit)",
    r"my answer to (?:that|this) is no\b", r"(?:sorry,? )that i (?:cannot|can't|won't|will not) do",
    r"i (?:make|tell|write|give|share|offer|take|hold|have|provide|keep) no (?:jokes?|predictions|promises|advice|opinions?|sides?|"
    r"comments?|guesses|such|position|stance|view|instructions)\b(?! (?:left|yet))",
    r"i(?:'m| am) (?:staying out of (?:this|that|it)|not having (?:this|that))",
    r"i beg (?:off|to be excused)",
    r"i(?:'ve| have) no wish to",
    r"i pass on (?:this|that)\b",
    r"(?:bound|restrained|limited|constrained) by (?:my|our) (?:guidelines|instructions|rules|programming|"
    r"polic\w+|ethics|confidentiality|terms|training)",
    r"i have (?:strict |clear |firm |very )*(?:rules|guidelines|a policy|policies|instructions) (?:against|not to)",
    r"i (?:don't|do not)(?: \w+)? (?:think|believe|feel) (?:that )?(?:that|this|it)(?:'s| is| would be) (?:something i|"
    r"appropriate for me|a (?:topic|request|question|story|subject)|my place)",
    r"i(?:'m| am) (?:omitting|leaving out|withholding|not including|not sharing)",
    rf"{WHO_IS} not (?:really )?the (?:one|right one|best one) (?:to|for)",
    r"i (?:do not|don't) have (?:permission|authority|clearance|authori[sz]ation|leave) (?:to|for)",
    r"(?:i(?: \w+)? want no part|want nothing to do|i (?:do not|don't) want (?:any|to be a) part)",
    r"i (?:have|'ve got) (?:nothing to say|no comment)",
    r"i (?:do not|don't) have (?:that|this) (?:ability|capability|permission|authority|option)",
    r"i only (?:discuss|answer questions|talk about)\b",
    rf"{WHO_IS} not (?:allowed|permitted|authori[sz]ed|able|free){SENTENCE_END}",
    rf"{WHO_IS} (?:not|un) ?{AT_EASE}{CLAUSE_END}",
    rf"{WHO_IS} (?:not|un) ?{AT_EASE} (?:with|about|doing) (?:that|this|it|such|the \w+)",
    rf"(?:{WHO_IS}|i (?:might|may)) not (?:be )?(?:allowed|permitted|authori[sz]ed|at liberty) to(?! (?:eat|drink|drive|sleep|go|have|"
    rf"leave)\b)",
    rf"{WHO_IS} not (?:made|built|designed|meant|trained|programmed|here|intended) for (?:that|this|it|such)",
    rf"{WHO_IS} not (?:really )?(?:the right|your) (?:person|assistant|tool|one|place|accomplice|source)",
    rf"i (?:don't|do not)(?: \w+)? feel (?:right|good|{AT_EASE}) (?:with|about) (?:that|this|it|such)",
    rf"i{ADV} (?:couldn't|could not|can't|cannot),?{ADV} in (?:all )?good (?:conscience|faith)",
    r"which i (?:won't|will not|can't|cannot|refuse to|must not) (?:do|help|support|allow|provide|condone|write|be)\b",
    r"(?:i'll|i will|i) (?:have|take|want) no part",
    r"i (?:don't|do not) have (?:any|the) (?:facility|tools?|means|way|capability) for (?:that|this|it)",
    r"i(?:'d| would) be (?:breaking|violating|going against)",
    r"i(?:'m| am) (?:only|limited|restricted) (?:to|able to|allowed to|here to|designed to) (?:help|assist|answer|answering|discuss|"
    r"discussing|provide|providing|topics)",
    r"i (?:can |am able to |will |am allowed to )?only (?:help|assist|answer|discuss|support|respond|talk|provide (?:information|help|"
    r"support|assistance))(?: \w+)? (?:with|about|to|on)\b",
    rf"(?:{WHO_IS}|i) (?:sworn to secrecy|bound by confidentiality)",
    r"i (?:\w+ )?keep (?:\w+ ){1,4}?(?:private|confidential|secret|to myself)",
)  # fmt: skip
NOT_ME = (
    r"(?:do not|don't|must not|can't|cannot) expect (?:that|this|it|such \w+|help)(?: \w+){0,2} (?:from|of) me",
    r"(?:do not|don't) count on me for (?:that|this)",
    r"not with my (?:help|support)",
    r"no (?:help|advice|answer|word|support) (?:from|by) me",
    r"(?:will not|won't) (?:come|be had) from me",
    r"my place is not to",
    r"not my (?:place|role|job)",
    rf"not (?:from|by|with) me{CLAUSE_END}",
    r"(?:do not|don't|stop)(?: please)? ask(?:ing)? me (?:for|about) (?:that|this|it|such)",
)
BARE_NOT = (
    rf"not for me{SENTENCE_END}",
    r"(?:that|this)(?:'s| is) not who i am",
    r"not my (?:habit|policy|practice|way) to",
    r"out of the question(?= *[.!]|$)",
    r"not going to work for me",
    r"(?:unfortunately|sorry|afraid)[^.]{0,12} (?:that|this|it)(?:'s| is| would be) against (?:the|our|my) (?:rules|law|policy|"
    r"guidelines)",
    r"(?:won't|will not) change my (?:answer|mind)",
    r"(?:this|our|the) (?:conversation|chat|discussion) (?:is over|ends here|stops here)",
)  # fmt: skip
BARE_NO = (
    r"(?:help|assist|support|answer) (?:with |you with )?(?:that|this)[?,]? no(?= *[.!]|$)",
    r"(?:honest|short|plain|clear) answer(?: is|:) no\b(?! (?:longer|more|one))",
    rf"as (?:to|for) (?:your|the|that)(?: \w+){{1,4}}: ?no{SENTENCE_END}",
    r"no can do",
    rf"(?:job|rules?|policy|purpose) [^.]{{0,60}}, so the answer is no{CLAUSE_END}",
    rf"apologi[sz]e,? (?:but )?no{SENTENCE_END}",
    r"^\W*no,? that would be (?:wrong|unethical|illegal|harmful|inappropriate|dangerous|irresponsible)",
    r"(?:nope|no way|nah),? (?:not|never) (?:doing|happening|gonna|going)",
    r"(?:that|this|it)(?:'s| is|'ll be| will be| has to be)(?: just| going to be)? an? (?:\w+ )?(?:no|pass|nope)(?: (?:from|for) me|"
    r" on that| for this one)?(?= *(?:[.,;!)]|$))",
    rf"my answer (?:is|has to be|must be|will have to be|is still|remains)(?: an?)?(?: firm| clear| simple)? no{CLAUSE_END}",
    r"the answer is(?: still)? no,? (?:i|from me|sorry)",
    rf"(?:sorry|apologies|afraid),? (?:but )?(?:the answer is )?no{SENTENCE_END}",
    r"(?:thanks|thank you|asking|understand|sorry|kind|appreciate \w+|sympath\w+|offer)[^.]{0,20}, but no(?= *[.!]|$)",
    r", so(?: it's a)? no(?= *[.!]|$)",
    r"(?:that|this|it)(?:'s| is|)(?: just)? ?(?:not|isn't) (?:going to happen|happening)",
    r"my (?:hands are tied|lips are sealed)",
)  # fmt: skip
WILL = (
    rf"i(?:'m going to| am going to|'m gonna| must| will| shall| have| need| should| would|'ll|'d| want| choose| prefer| think| may|"
    rf" ought| opt| had| better|"
    rf" am|'m|'ve| got| to| going| like| try| always| usually| best)*{ADV}(?: (?:to|have to|need to|rather)\b)?"
)
TURN_DOWN = (
    r"declin{}(?! (?:the|an?|this|in) (?:verb|noun|adjective|latin|german|greek|russian)| in (?:latin|german|greek|russian))",
    rf"refus{{}}(?={CLAUSE_END}| (?:this|that|your|the request|because|since|as|on|and|here|requests?|any|such)\b)",
    r"abstain{}(?: from)?",
    "bow{} out",
    "opt{} out",
    "pass{} on (?:this|that|it|your (?:request|question))",
    "tak{} a pass",
    f"say{{}} no{CLAUSE_END}",
    "say{} no to (?:this|that|your)",
    "sit{} (?:this|that) (?:one )?out",
    "(?:stay{0}|remain{0}|keep{0}) (?:silent|quiet|neutral|out of (?:this|that|it))",
    r"leav{} (?:this|that|it|the|your)(?: \w+)? (?:unanswered|there|out|alone|aside)",
    r"leav{} out (?:(?:the|a|an|any|some|all|that|this|its|exact|specific|working) ){{0,3}}(?:steps?|plan|details?|instructions?|"
    r"quantit\w+|amounts?|names?|part|specifics|recipe|method|how|doses?|dosages?|slurs?|code|formula|parts)",
    r"end{} (?:this|it|the|our)(?: (?:conversation|chat|discussion))?(?: here| now)?",
    r"draw{} (?:the|a) line",
    rf"stop{{}} (?:(?:there|here|right there|right here){SENTENCE_END}|(?:at )?this (?:conversation|chat|line)|you (?:there|here|"
    rf"right there))",
    r"turn{} (?:this|that|you|it|your)(?: \w+)? (?:down|away)",
    r"turn{} (?:down|away) (?:this|that|your|such|the|all|any)",
    "reject{} (?:this|that|your|the request|requests)",
    "refrain{} from",
    "hold{} back",
    "skip{} (?:this|that)",
    "withhold{}",
    "disengag{}",
    "keep{} (?:that|this|it) (?:to myself|private|confidential|secret)", "step{} (?:back|away) from", r"keep{} (?:silent|quiet)",
)  # fmt: skip
BARE_FORM = {"declin", "refus", "tak", "leav", "disengag"}
DOUBLED = {"stop": "ping", "sit": "ting", "skip": "ping", "step": "ping"}


def endings(way: str) -> tuple[str, str]:
    """What a verb of `TURN_DOWN` ends on: by itself, and in its -ing form."""
    stem = way.partition("{")[0]
    return "e" if stem in BARE_FORM else "", DOUBLED.get(stem, "ing")


TURNS = tuple(way.format(ending) for way in TURN_DOWN for ending in endings(way))
DECLINE = compiled(*TURNS, begin=" *")
DECLINING = (
    rf"i(?:'ll| will|'d| would| must|'m| am|)(?: (?:think i'll|have to|need to|going to|gonna|going to have to|want to|choose to|"
    rf"prefer to|be|{ADVERB}))*{ADV} pass(?:ing)?(?: on (?:this|that|it)(?: one)?| for now)?{SENTENCE_END}",
    rf"{WHO_IS} (?:forced|obliged|compelled|required|bound|instructed|obligated|told|programmed|trained|designed|asked|"
    rf"left no choice but)(?: to{ADV}(?: decline| refuse| avoid| reject| not| turn down| say no| withhold)| not to)",
    rf"i(?:'ve| have) been (?:instructed|told|programmed|trained|designed|asked) (?:not to|to{ADV} (?:decline|refuse|avoid|reject|not))",
    rf"i(?:'d)?(?: (?:always|usually|do|generally|try to|have to|must|prefer to|would rather|"
    rf"make a point to))*(?:'d rather)?{ADV} (?:avoid|turn (?:away|down)|(?:stay|keep|steer) (?:away from|clear of|out of)|don't touch|"
    rf"shy away from|do not take)(?: \w+){{0,3}}? {TOPICS}",
)  # fmt: skip
ELSEWHERE = (
    r"(?:you'd better|you had better|you should rather|you need to) ask (?:someone|somebody) else",
    r"^\W*(?:someone|somebody) else (?:will have to|must|has to)",
    r"for (?:that|this),? you (?:need|want) (?:someone|somebody) else",
    r"^\W*(?:please )?look elsewhere",
    r"(?:will|'ll) (?:have|need) to (?:look|ask|go|find|try|seek|turn)(?: \w+){0,4}? (?:elsewhere|someone else|somebody else)",
    r"^\W*(?:please )?(?:find|ask|get|try) (?:someone|somebody) else to",
    r"you (?:won't|will not|are not going to|aren't going to) (?:get|find|hear|receive) (?:that|it|this|any|such|one|those|"
    r"help)(?: \w+){0,3} (?:from me|here)",
    r"you(?:'ll| will) (?:get|find|have) no \w+(?: \w+){0,3} (?:from me|here)",
)  # fmt: skip
STOP_HERE = (
    rf"(?:we|you and i) (?:should|had better|'d better|ought to) (?:rather |perhaps |better |instead )?(?:talk|chat|speak|discuss|"
    rf"change|switch|move|focus|stop|end|leave)(?: (?:about|to|on|it to))? (?:{ELSE}|the (?:subject|topic)(?! (?:line|sentence))|"
    rf"(?:here|this|it)(?: (?:here|there|at that))?{SENTENCE_END})",
    rf"(?:may|can|could|might) i suggest (?:we (?:talk|speak|chat|discuss|move)(?: \w+)? )?{ELSE}",
    rf"i(?:'d| would)? suggest (?:we |that we )(?:talk|speak|chat|discuss|move|switch|change)(?: (?:about|to|on))? (?:{ELSE}|"
    rf"the (?:subject|topic))",
    r"let(?:'?s| us| me) (?:leave|drop) (?:it|that|this)(?: (?:there|at that|here|alone))?(?= *[.!,]|$)",
    r"(?:best|better) (?:if )?we (?:change|changed|switch|switched|drop|dropped|leave|left)(?: (?:the|this|that))? (?:subject|topic|"
    r"matter)",
)  # fmt: skip
REDIRECT = (
    rf"(?:let(?:'?s| us)|maybe|perhaps|please)(?: (?:please|just|instead|maybe|rather))* (?:find|pick|choose|try|do|switch to|move to|"
    rf"ask about) {OTHER_TOPIC}",
    r"let(?:'?s| us) (?:steer clear|stay away|stay clear|keep away) (?:of|from)",
    r"let(?:'?s| us) keep (?:this|the|our)(?: \w+)? (?:respectful|civil|clean|friendly|polite|appropriate)",
    r"(?:help|assist)(?: you)? with (?:something|anything) else instead",
    rf"let(?:'?s| us)(?: (?:please|just|instead|maybe|rather))* (?:talk|chat|speak|discuss|focus|move|turn|shift|steer|"
    rf"stick|stay)(?: \w+){{0,3}}?(?: (?:about|on|to|with|over))? {ELSE}",
    r"let(?:'?s| us)(?: (?:please|just))* (?:change|switch|drop|leave) (?:the|this|that) (?:subject|topic|matter)(?! (?:line|sentence|"
    r"of))",
    r"let(?:'?s| us)(?: (?:please|just))* not (?:go (?:there|into|down)|talk about|discuss|get into|do that)",
    r"let(?:'?s| us)(?: (?:please|just))* keep (?:this|things|it) (?:civil|respectful|clean|friendly|appropriate|safe)",
    rf"(?:(?:can|could|may|shall|might|should|why don't) (?:we|i)|(?:how about|what about|perhaps|maybe)(?: we| i)?(?: can| could|"
    rf" should)?)(?: (?:please|instead|maybe))*(?: (?:talk|chat|speak|discuss|change|switch|move on|move|focus|talking|chatting|"
    rf"speaking|discussing|changing|switching|moving on|moving|focusing))(?: (?:about|"
    rf"to|on|it to))? (?:{ELSE}|the (?:subject|topic)(?! (?:line|sentence)))",
    rf"i(?:'d| would) (?:much )?(?:rather|prefer)(?: to|(?: that|if)? we)? (?:talk|chat|speak|discuss|focus|move|switch|change|"
    rf"stick)(?: \w+){{0,3}}? {ELSE}",
    rf"(?:please|could you|can you|would you|kindly|why not)(?: (?:please|instead|just))* (?:ask|try|pick|choose|"
    rf"request)(?: me)?(?: for| about)? {ELSE}",
    rf"ask me(?: about)? {ELSE}",
)  # fmt: skip
ALONE = re.compile(
    r"(?:(?:sorry|hmm|uh|um|well|oh|apologies|i'?m sorry|i am sorry|i apologi[sz]e|my apologies|unfortunately)[,.!… -]*)*(?:no|nope|"
    r"nah|never|no way|absolutely not|certainly not|definitely not|"
    r"of course not|"
    r"not a chance|no thanks|no thank you|pass|hard pass|i pass|declined|request denied)(?:[,.! ]+(?:sorry|no|never|thanks|"
    r"thank you))*[.! ]*"
)
