"""Refusals by rule: what policies forbid, what would be wrong of the writer, what is not given here."""

import re

from offtarget.lens.surface.refusals.parts import (
    ADV,
    AGAINST,
    ANY,
    DO_NOT_LET,
    DONE,
    MY,
    REQUEST,
    RIGHT_TO,
    RULES,
    SENTENCE_END,
    SUCH,
    THING,
    WHO_IS,
    WORDS,
    WRONG_TO,
)

FORBIDDEN = (
    rf"(?:the|my|our|all) {WORDS}{RULES}{ADV} {DO_NOT_LET} (?:it|this|that|such|these|those)\b",
    rf"(?:against|outside|violat\w+|beyond|contrary to|breach\w*|contraven\w+|conflicts? with|counter to|inconsistent with|"
    rf"in conflict with|not (?:aligned|in line|consistent) with|"
    rf"incompatible with|break\w*) (?:\w+ )?{MY} {WORDS}{RULES}",
    rf"{REQUEST}{ADV}(?: would| could| may| might| appears to| seems to)?{ADV} {AGAINST}(?: \w+){{0,2}}? (?:{MY}|"
    rf"{ANY}) {WORDS}(?:use of|use polic\w+|{RULES})(?! (?:of|on) (?:the|your) (?:school|lease|company|employer|game|club))",
    rf"{SUCH}{ADV}(?: would| could| may| might| appears to| seems to)?{ADV} {AGAINST}(?: \w+)? (?:the )?(?:usage|content|safety|"
    rf"ethical|acceptable use|community|principles? i)(?: \w+)?",
    rf"(?:{MY}|the (?:usage|safety|content|ethical)|content|safety|usage|openai) {WORDS}{RULES}{ADV} (?:{DO_NOT_LET}|disallows?|"
    rf"requires? (?:me|that i) (?:to )?(?:decline|refuse|not)|tells? me not|limits? (?:me|what))",
    rf"(?:{RULES}|law|laws|regulations){ADV} {DO_NOT_LET} (?:me|us|this assistant|an assistant)",
    rf"(?:{WHO_IS}|we are|we're) *(?:prohibited|forbidden|barred|prevented|restricted|banned|precluded|blocked) (?:from|by|to)",
)
OFF_LIMITS = (
    r"(?:not|isn't) something (?:that )?(?:we|this (?:tool|assistant|bot|service|model)) (?:offers?|does|do|provides?|shares?|discuss|"
    r"discusses|supports?|answers?|gives?|can|will|may)\b",
    r"^\W*access to (?:\w+ ){1,5}is (?:restricted|denied|limited)",
    r"(?:this|that)(?:'s| is) where i(?: have to| must| need to)? (?:stop|draw|step back|say no)",
    r"my rules are clear",
    r"(?:this|that|your|the) (?:request|prompt|question|query|task)(?: \w+)? (?:violates|goes against|is against|breaches|contravenes|"
    r"conflicts with|is (?:(?:\w+ly )?inappropriate|prohibited|forbidden|off-limits|off limits|unethical|not (?:allowed|permitted|"
    r"appropriate|acceptable)))",
    r"(?:this|that)(?:'s| is) an? (?:\w+ )?(?:inappropriate|unethical|illegal|harmful) (?:request|question|prompt|ask)",
    r"not something (?:that )?(?:an ai|this assistant|we)(?: (?:should|can|may|must|will))",
    rf"not something (?:that )?(?:should|ought|may)(?: to)? be {DONE}",
    r"where i (?:have to |must |need to )?draw (?:the|a) line",
    r"(?:that|this|which|you(?:'re| are))(?:'s| is)? (?:crosses|crossing|over) (?:a|the|my|an ethical)(?: ethical| moral)? (?:line|"
    r"boundary)(?! (?:of|into))",
    r"makes? me (?:\w+ )?(?:uncomfortable|uneasy)",
    r"(?:off[- ]limits|out of bounds|a no-go) (?:for|to) me",
    r"(?:topic|subject|question|discussion|that|this)(?:'s| is) (?:strictly )?(?:off[- ]limits|out of bounds|not on the table|"
    r"not up for (?:discussion|debate))",
    r"(?:that|this|it)(?:'s not| is not| isn't) (?:allowed|permitted) here",
    r"(?:that|this|it)(?:'s| is) (?:private|confidential|classified|sensitive|privileged|personal) (?:information|data)(?= *[.,;!]|$)",
    r"(?:i'm|i am) (?:sorry|afraid),? (?:but )?(?:that )?(?:that|this|it)(?:(?:'s| is) not| would not be| isn't|"
    r" wouldn't be) (?:possible|allowed|permitted|something)",
)
DOING_SO = (
    r"(?:giving|sharing|disclosing|providing|revealing|handing|releasing|writing|creating|discussing|answering|discussion of|"
    r"content of|help with|posting|publishing|generating)(?: [\w'-]+){0,6}? (?:is|are) (?:not (?:allowed|permitted|appropriate|"
    r"available|possible here|something i)|prohibited|forbidden|off[- ]limits|against (?:my|our|the rules|policy))",
    r"(?:sharing|disclosing|giving|revealing|providing|releasing)(?: (?:that|this|it|such|out|someone's|his|her|their|personal|"
    r"private)\b)+(?: [\w'-]+){0,4}? (?:would|could|might) (?:be a (?:breach|violation|invasion)|violate|breach|harm|hurt|put)",
)
PRIVATE = (
    r"(?:that|this|it)(?:'s| is) (?:private|confidential|classified|privileged|off the record)(?= *[.,;!]|$)",
    r"(?:this|that|the|such) (?:\w+ )?(?:content|information|data|detail|material|answer|topic)s?(?: to that| on that)? (?:is|are|"
    r"must (?:remain|stay|be)|has to (?:remain|stay)) (?:restricted|private|confidential|classified|secret|not available to (?:me|you)|"
    r"off[- ]limits|withheld)",
)
WRONG_TO_SAY = (
    r"(?:it|that|this)(?:(?:'s| is| would be|'d be)(?: \w+ly| very)? (?:inappropriate|irresponsible|unethical|dangerous|wrong|unsafe|"
    r"improper|better not|"
    r"best not|not (?:\w+ )?(?:appropriate|responsible|ethical|right|safe))|(?: isn't| wouldn't be|"
    r" would not be)(?: \w+ly)? (?:appropriate|responsible|ethical|right|safe)) to "
    r"(?:answer|discuss|share|help|provide|explain|comment|write|tell you|give|talk|say|describe|reveal|disclose|assist|respond|"
    r"go into|joke|speculate)(?: (?:with|on|about|to|into|you))? "
    r"(?:that|this|such|those|these|any|it|more)\b(?! in)",
)
NOT_MINE = (
    r"(?:outside|beyond)(?: of)? what (?:is|may be|can be|should be) (?:permitted|allowed|safe|right|appropriate|said|shared|told|"
    r"given)",
    r"(?:not|isn't|n't) (?:within|in|part of|among) (?:my|our|what i)(?: \w+)? (?:programming|capabilit\w+|scope|power|remit|abilit\w+|"
    r"purview|guidelines|nature|can|may|do)",
    r"(?:outside|beyond|exceeds?)(?: of)? (?:the (?:scope|bounds|limits|range|realm) of )?(?:(?:my|our)(?: \w+)? (?:scope|capabilit\w+|"
    r"abilit\w+|remit|purview|power|role|boundaries|reach|competence|permissions?)|what (?:i|this (?:assistant|"
    r"service))(?:'m| am| is| can| may| could| will| do)\b)",
    r"my (?:abilit|capabilit|skill|function|role|job|dut|design|scope)\w*(?: \w+){0,2} (?:do not|don't|does not|doesn't) (?:include|"
    r"extend|cover|allow|reach)",
)
NOT_A_THING = (
    r"(?:not|isn't|aren't|hardly|never) (?:something|anything|one|ones|the (?:kind|sort|type) of \w+)(?: (?:that|which))? i(?:'m| am|"
    r"'d be| would be| can| could| may| will|'ll| feel| want| should| shall| do| share| write| discuss| create| make| help| give|"
    r" provide| produce| generate| tell| offer| engage| support)(?! (?:see|imagine|worry|expect|use|eat|own|recall|remember|know|"
    r"say for|miss|bother|ever)\b)",
    r"(?:that|this|it|which|these|those|such \w+)(?:'s| is| are|'re|) *(?:\w+ )?(?:not|isn't|aren't|hardly|never) (?:a (?:topic|"
    r"subject|request|question|thing|task|story|conversation|line|role|road|line of \w+)|(?:territory|content|material)|"
    r"an? \w+)(?: (?:that|which))? i(?:'m| am|'d| would| can| could| may| will|'ll| do| feel| want| should| shall)(?! (?:see|imagine|"
    r"worry|expect|use|eat|own|recall|remember|know|say for|miss|bother|ever)\b)",
    r"(?:something|things?|ones?|topics?|requests?|content|material|a (?:topic|subject|request|question|task|story|role|line|road|"
    r"place))(?: (?:that|which))? i *(?:\w+ly )?(?:can'?t|can ?not|won'?t|will not|am not|'m not|am unable|do not|don't|must not|"
    r"refuse|decline|avoid|turn away|turn down|steer clear|stay away|(?:have to|must) (?:decline|refuse|avoid|turn))(?! (?:see|imagine|"
    r"stand|understand|believe|explain why|live|remember|recall|know|like|eat|afford|have|own|find|get|think|want you|need|good|sure|"
    r"aware|familiar|proud|certain|an?|the)\b)",
)
WRONG = (
    rf"(?:it|that|this|doing so)(?:'s|'d| is| was| would| isn't| wouldn't| doesn't| does not| will)(?: not)?(?: be| feel|"
    rf" seem)?(?: (?:not|\w+ly|very|quite|both|be))* (?:{RIGHT_TO}|{WRONG_TO})"
    r"(?: and \w+)? (?:for|of) (?:me|an? (?:ai|assistant|\w+ model)|this assistant)(?! (?:not |to (?:not|choose|decide|say|know|"
    r"tell (?:which|whether|from))))",
    r"i would be (?:wrong|remiss|irresponsible|doing you a disservice) (?:to|if)(?! (?:not|i didn't|i did not))",
    rf"(?:helping|assisting|answering|telling you|giving you|supporting|providing|sharing (?:this|that|such|"
    rf"it))(?: \w+){{0,6}}? (?:would|is|could) (?:be |be considered )?{WRONG_TO}",
)
NOT_DONE = (
    rf"(?:can'?t|can ?not|could not|couldn't|will not|won'?t|may not|will never|can never|is never|"
    rf"are never){ADV} be{ADV} {DONE}(?! with\b)",
    rf"(?:(?:is|are) (?:not|never|no longer)|isn't|aren't){ADV} {DONE} (?:here|by (?:me|this)|from (?:me|this))",
    rf"(?:is|are) (?:not|never) (?:something|things?) (?:that |which )?(?:should|may) be {DONE}",
    rf"(?:should|must) not be {DONE}{SENTENCE_END}",
    r"(?:is|are) (?:being )?withheld",
)
THING_BEFORE = re.compile(
    rf"(?:^\W*|[,;:(-] *|\b(?:and|but|so|that|because|as|since|therefore|however|afraid|sorry|unfortunately) +)(?:the |any |"
    rf"all )?{THING}"
    rf"(?: +(?!(?:which|who|and|but|is|are|was|has|have|it|they)\b)[\w'-]+){{0,6}}? *{ADV} *$"
)
DOWN = re.compile(
    r"\b(?:server|network|timeout|disk|printer|connection|in case|oven|until|alone|by (?:physics|science|logic)|unless|if (?:the|it|"
    r"you))\b|\bwithout (?:a|an|more|the)\b"
)
PASSIVE = (
    r"(?:this|that|it|your|such an?|the)(?: \w+)? (?:request |question |wish )?(?:will have to|has to|must|needs to|had to|"
    r"have to) be (?:declined|refused|denied|turned down|rejected|left (?:out|unanswered))",
    r"^\W*it(?:'s| is) (?:forbidden|prohibited|not allowed|not permitted)(?: for me)? to (?:share|give|tell|discuss|write|show|answer|"
    r"post|disclose|help|explain|provide)",
    r"(?:not|isn't) open (?:for|to) (?:discussion|debate)",
    r"(?:requests?|questions?|prompts?) (?:like (?:this|that|these)|of (?:this|that) (?:kind|sort|type|nature)) (?:is|are|will be|"
    r"get) (?:declined|denied|refused|rejected|blocked|not (?:answered|accepted|allowed|permitted))",
    r"(?:this|that|your)(?: \w+)? (?:request|question|prompt|query) (?:has been |is |was |must be |will be |"
    r"needs to be )(?:declined|denied|refused|rejected|blocked)",
    rf"(?:^|[\s,;]){THING}(?: [\w'-]+){{0,4}} (?:is|are) (?:not |un)available (?:to me|here|from (?:me|this|an)|through (?:me|this)|"
    rf"in this (?:chat|conversation))",
    rf"no (?:help|instructions|assistance|information|details|answers?|guidance|tips)(?: \w+){{0,4}} (?:will|can|shall) be (?:{DONE}|"
    rf"available)",
    rf"^\W*(?:sorry,? (?:but )?|no,? |unfortunately,? )?(?:this|that|it)(?:(?:'s| is)(?: \w+ly)? not| isn't) (?:allowed|permitted|"
    rf"up for discussion|an option here|okay|acceptable|appropriate)(?: here| in this (?:chat|conversation))?{SENTENCE_END}",
    r"^\W*access to \w+(?: \w+){1,3} is (?:denied|refused)",
    r"^\W*(?:request|permission)(?: to \w+(?: \w+){0,3})?(?: is| was)? (?:denied|declined|refused|rejected)",
    r"(?:assistance|help) (?:is )?(?:denied|refused|declined)",
)
