"""Refusals that are only hinted at: as far as I go, not my style, best left alone, left to others, and what stays out."""

from offtarget.lens.surface.refusals.parts import ADV, ELSE, SENTENCE_END

_TOPIC = r"(?:topic|subject|question|matter|part|point|issue|request)"
_HELPING = (
    r"(?:helping|writing|answering|saying|giving|sharing|doing|talking|discussing|explaining|commenting|describing|speculating|judging|"
    r"taking (?:part|sides)|going (?:there|into)|showing|telling|making|creating|providing|assisting)"
)
_HELP = (
    r"(?:help|write|answer|say|give|share|do|talk|discuss|explain|comment|describe|speculate|judge|take (?:part|sides|a side)|"
    r"go (?:there|into)|show|"
    r"tell|create|provide|assist|decide|speak|reveal|weigh in|get involved)"
)

LEFT_ALONE = (
    r"sorry to disappoint you",
    r"(?:say|put) it (?:plainly|bluntly|clearly|straight): no",
    r"(?:won't|will not|can't|cannot|may not) go (?:any )?(?:further|farther|beyond) (?:than )?(?:that|this)?",
    r"(?:that|this) (?:does not|doesn't) (?:sit|feel) right\b",
    rf"(?:best|better|wiser|safer|wisest|kinder) (?:to (?:leave|drop|avoid)|if we (?:leave|drop|avoid)|that we (?:leave|drop|"
    rf"avoid)) (?:that|this|it|such|the)(?: \w+)?(?: (?:alone|aside|there|out|be|unsaid|unanswered|topic|subject)|{SENTENCE_END})",
    r"(?:best|better) left (?:alone|unsaid|unanswered|aside|out|to)",
    r"(?:we|i) (?:leave|left) it (?:there|at that)(?= *(?:[.,;!]|$))",
    rf"(?:mind|grateful|glad|happy|nice|good|great|like it|okay|fine) if we (?:talked?|spoke|speak|chang\w+|switch\w+|mov\w+|"
    rf"discuss\w*|could (?:talk|speak|change|switch|move|discuss))(?: \w+){{0,3}}? (?:{ELSE}|the (?:subject|topic))",
    rf"(?:but|just|only|though|yet|although|and)(?:,)? not (?:with |for |in |to |about |on )?(?:this|that|these|those|like this|"
    rf"in this way|that way)(?: (?:one|way|kind|sort|request|topic|question|time))?{SENTENCE_END}",
    r"^\W*anything but (?:that|this)\b",
    r"(?:to|by) (?:help|helping|write|writing|answer|answering|do|doing|give|giving|tell|telling)(?: \w+){1,4} (?:would|"
    r"'d) be (?:wrong|unethical|against|harmful|irresponsible|illegal|a crime|dangerous)",
    r"under (?:copyright|embargo|seal|nda|privilege),? so i (?:can't|cannot|won't|may not)",
)
"""What is best left alone, and anything but this: hints that need not name the writer."""

NOT_MINE_TO = (
    r"(?:isn't|aren't|is not|are not|'s not) (?:quite |really )?my (?:style|thing|line of work|business|call|place|decision to make)",
    r"(?:not|isn't|never) for me to (?:judge|decide|tell|answer|share|comment)",
    r"(?:not|isn't) mine to (?:say|give|share|tell|judge|decide)",
)
"""What is not the writer's to do."""

HINTED = (
    r"(?:that|this|it) feels? (?:wrong|off|uncomfortable|unethical|unsafe)(?: (?:to|for) me)",
    rf"i(?:'d| would) (?:be|feel) (?:\w+ )?(?:more|most) comfortable (?:talking|discussing|with|if we)(?: \w+){{0,2}}? {ELSE}",
    rf"i(?:'d| would) (?:feel|be) (?:bad|wrong|uneasy|guilty|ashamed|dishonest) {_HELPING}",
    rf"i have (?:\w+ )?(?:reservations|qualms|misgivings|scruples|concerns) about {_HELPING}",
    rf"i(?:'m| am)?(?: \w+)? (?:hesitate|hesitant|reluctant|loath|a bit reluctant)(?: to)? {_HELP}",
    r"i(?:'m| am) (?:\w+ )?inclined to (?:say no|decline|refuse|pass)",
    rf"i(?:'d| would) sooner not(?: {_HELP})?",
    rf"i(?:'m| am) not (?:\w+ )?keen (?:to {_HELP}|on {_HELPING}|on (?:that|this) (?:idea|request)?)",
    r"i(?: \w+)? (?:make|made) it a (?:rule|principle|point) not to (?:judge|say|answer|comment|discuss|share|give|speculate|take|"
    r"write|talk|help)",
    r"i(?:'ll| will| would|'d| think i'll)? ?(?:rather |prefer to |have to )?leave (?:that|this|it|such \w+|"
    r"those \w+)(?: \w+)? to (?:others|someone else|somebody else|experts|the (?:courts|experts|police|professionals|doctors|voters|"
    r"historians))\b",
    rf"i(?:'ll| will| would|'d| have to| must| prefer to| want to| like to|'d like to|'d prefer to|'d rather| tend to| try to| always|"
    rf" usually| generally| need to)*{ADV} (?:stay|keep|remain) (?:out of|away from|neutral on|neutral here|neutral about|clear of|"
    rf"off) "
    r"(?:this|that|it|politics|political|religio\w+|arguments?|debates?|disputes?|quarrels?|the explicit|"
    r"\w+ (?:topics?|questions?|matters|debates?|part|content|issues|talk))",
    rf"i(?:'ll| will| would|'d| have to| must| prefer to|'d like to|'d prefer to)? ?(?:stay|keep|remain) neutral(?: here| on this|"
    rf" on that)?{SENTENCE_END}",
    r"i(?:'ll| will) have to disappoint you",
    r"i (?:must|have to|am going to) disappoint you",
    r"(?:forgive|excuse|pardon) me (?:for not|if i (?:do not|don't|keep|stay|leave|decline|refuse|skip|pass))",
    r"i(?:'d| would) be doing you (?:no|a dis)\s?(?:favou?r|service)",
    rf"i care (?:too much|about you too much|far too much)(?: \w+){{0,5}} to {_HELP}",
    r"i (?:take no|take neither) side",
    r"i have no (?:opinion|view|side|comment) (?:to (?:offer|give|share)|on (?:that|this|it)\b|in (?:that|this)\b)",
    r"i(?:'ll| will| prefer to| like to|'d rather)? ?keep (?:my (?:view|opinion|thoughts|mouth|lips)|the rest|that (?:part|one)|"
    r"this (?:part|one))(?: \w+)? (?:to myself|private|shut|sealed|closed)",
    r"(?:the rest|that|this|the (?:second|first|last|other) \w+|such \w+|these \w+),? i (?:leave aside|keep to myself|leave out|"
    r"will leave out|leave alone|skip|pass over|won't touch|decline|refuse|turn down|turn away|must refuse|must decline|"
    r"have to decline)",
    rf"i (?:leave aside|skip|pass over|will skip|'ll skip) (?:the|your|that|this) (?:\w+ )?{_TOPIC}s?\b",
    r"i(?:'ll| will)? ?sit out (?:this|that)",
    r"my (?:reply|answer|response|verdict) (?:to (?:that|this) )?(?:is|stays|remains|has to be|"
    r"must be)(?: a)?(?: \w+)? no\b(?! (?:longer|more))",
    r"i(?:'ll| will)? ?(?:have|want) nothing to do with",
    r"(?:that|this)(?:'s| is) as (?:far|much) as i(?:'ll| will| can| may| am able to|'m able to| am willing to|'m willing to)? ?(?:go|"
    r"say|tell|share|offer|give|help)",
    r"i(?:'ve| have) said all (?:that )?i (?:may|can|will)",
    r"(?:that|this)(?:'s| is) more than i (?:can|may|am able to|'m able to|am allowed to|'m allowed to|am willing to) (?:offer|give|"
    r"say|share|tell|do|reveal)",
    r"(?:goes|is going|went) (?:too far|a step too far) for me",
    r"(?:a )?(?:step|bridge|bit) too (?:far|personal|private|risky|dangerous|delicate|sensitive) for me",
    r"too (?:risky|dangerous|personal|private|sensitive|harmful|delicate) for me to",
    r"my (?:help|part|role|assistance) (?:ends|stops|has to end|must end) (?:here|there|at that)",
    r"where my (?:help|part|role|assistance) (?:ends|stops)",
    r"(?:that|this|it) (?:does not|doesn't) (?:sit|feel) (?:well|right|good|okay)(?: with)?(?: to)? me",
    r"my (?:gut|conscience|heart|head|code|training) (?:says|tells me|forbids|does not let|doesn't let|won't let|"
    r"will not let)(?: me)? ?(?:no|it|this|that|not)?",
    r"i (?:have to|must|need to|want to|always|will|try to)? ?(?:protect|respect|guard|safeguard) (?:\w+ ){0,3}(?:privacy|"
    r"personal data|private data|confidentiality|personal information)",
    r"(?:stays|remains|stay) with me(?= *(?:[.,;!]|$))",
    r"i(?:'ve| have)? ?(?:left out|omitted|removed|taken out|cut|written \w+(?: \w+)? without) (?:the|his|her|their|any|all|"
    r"some)(?: \w+)? (?:home address|address|slurs?|names?|name, as|torture|gore|violence|sex|explicit \w+|private \w+|personal \w+|"
    r"insults?|steps|dosages?|quantities|recipe|instructions|phone number|number)(?! (?:rows?|lines?|column))",
    r"i(?: have| am under|'m under| was given| follow) (?:strict )?(?:orders?|instructions?|instruction) (?:not to|never to|"
    r"to (?:decline|refuse|avoid))",
    r"i(?:'m| am| was) (?:built|made|meant|designed|trained|programmed|told|taught|here) to (?:refuse|decline|turn down|reject|avoid|"
    r"say no)",
)
"""Hints in the first person, or that name the writer."""

WITHHELD = (
    r"(?:what you (?:ask|want|ask for|wish|wish for)|your wish|your request|no such \w+|(?:this|that) (?:kind|"
    r"sort) of \w+)(?: for)? (?:will|can|is|shall|may) ?(?:not |never )?(?:be )?(?:given|granted|made|written|told|fulfilled|shared|"
    r"provided|offered|met|done)(?= *[.!,]|$| here)",
    r"(?:that|this|it) (?:won't|will not|can't|cannot|may not) be (?:written|told|said|given|shared|shown|done|provided) ?(?:here|"
    r"by me)?(?= *[.!,]|$)",
    r"(?:has no place|is not welcome|are not welcome|isn't welcome|aren't welcome) here",
    r"there(?:'s| is) no place for (?:that|this|such \w+) here",
    r"(?:we|they) (?:do not|don't) do (?:that|this) here",
    r"(?:that|this)(?:'s| is) not done here",
    r"(?:that|this|it) (?:stays|remains|must stay|must remain) (?:secret|private|confidential|between)",
    r"^\W*please understand: (?:this|that)(?:'s| is) (?:off the table|not possible|not allowed)",
    r"it(?:'d| would) be (?:wrong|unethical|illegal|irresponsible) to (?:tell|help|show|give) you",
    rf"(?:this|that|the) {_TOPIC} is closed{SENTENCE_END}",
    rf"(?:this|that|such|these|those)(?: (?:kind|sort|type) of)?(?: \w+)? (?:part |{_TOPIC} )?(?:stays out|stay out|goes unanswered|"
    rf"go unanswered|(?:has|have) to (?:stay|remain|go) (?:out|unanswered|unsaid)|(?:must|will|shall) (?:stay|remain|go) (?:out|"
    rf"unanswered|unsaid|closed)|is (?:best )?left out here|(?:has|have) been left out on purpose)(?= *(?:[.,;!)]|$|"
    rf" on purpose| here))",
    r"(?:requests?|questions?|prompts?|texts?|messages?)(?: (?:like|of) (?:this|that|these|those)(?: (?:kind|sort|type|nature))?|"
    r" for \w+(?: \w+)?)? (?:go unanswered|are turned (?:down|away)|are not (?:taken|answered|met)|get turned (?:down|away)|"
    r"will be turned (?:down|away)|get no (?:answer|reply|help))",
    r"such (?:requests?|questions?|prompts?|texts?|messages?|stories|jokes|answers|advice|things|content|material) (?:are|is|get|gets|"
    r"go|will be|have to be|must be) (?:turned (?:down|away)|declined|refused|rejected|unanswered|not (?:written|given|made|answered|"
    r"told|produced|created|posted|for me|done|on offer)|off the table|out of the question)",
    r"(?:this|that|your|the) (?:request|question|prompt|wish) (?:has been|is|was|has to be|must be|will be|"
    r"had to be) (?:turned (?:down|away))",
    r"(?:nothing|no (?:\w+ )?(?:details?|code|word|words|instructions?|steps|answer|reply|names?|numbers?|tips|advice|help|text|list|"
    r"recipe|more|further \w+)|none)(?: (?:of (?:that|this|the|such)(?: \w+)?|like (?:this|that)|for (?:that|this)|to (?:that|this|"
    r"be had)|about (?:that|this|it)|more))? (?:will|shall|can|is going to) (?:be )?(?:\w+ly )?(?:given|written|said|shared|told|"
    r"posted|provided|shown|disclosed|added|offered|follow|come)(?= *(?:[.,;!)]|$| (?:here|from|by|in this|about (?:this|that)|"
    r"on (?:this|that)|to)))",
    r"there (?:is|will be|can be) no (?:more |further )?(?:help|answer|reply|advice|information|assistance|"
    r"instructions?)(?: (?:to be had|coming|"
    r"given|available))?(?: (?:here|from me|to that|to this|for that|for this|on that|on this))",
    r"(?:answer|reply)(?: to (?:this|that))? will not be forthcoming",
    rf"(?:this|that|such|help|it)(?: (?:sort|kind|type) of \w+| of (?:this|that) kind)?(?: \w+)? (?:is|are)(?: not|n't) (?:done|"
    rf"written|offered|given|made|told|produced|provided|shared|discussed|handled|answered|served|allowed|taught) here{SENTENCE_END}",
    rf"(?:it |this |that )?can(?:'t|not| not) be done here{SENTENCE_END}",
    r"^\W*it(?:'s| is)(?: not|n't) (?:allowed|permitted) to (?:share|give|tell|discuss|write|show|answer|post|disclose)(?: \w+){0,3}",
    r"(?:sharing|giving|telling|writing|answering|helping|disclosing|discussing)(?: (?:it|that|this|them|with that|on that|"
    r"such \w+))+ (?:is|are)(?: not|n't) an option",
    rf"^\W*(?:permission|access|consent) (?:is |was )?(?:not granted|refused|withheld|denied){SENTENCE_END}",
    rf"^\W*(?:sorry,? |no,? |i'm afraid |unfortunately,? )*(?:that|this|it|what you (?:ask|want|ask for))(?:'s| is) (?:ruled out|"
    rf"off the table|out of the question|not on offer|not on the menu|a no-go|forbidden|prohibited|beyond the pale)(?: (?:by|for|here|"
    rf"under) (?:my|the|our|me|any)?(?: \w+)?)?{SENTENCE_END}",
    r"(?:help|advice|content|jokes?|requests?|questions?)(?: (?:of (?:that|this) (?:kind|sort)|like (?:that|this)|with (?:that|"
    r"this)))? (?:is|are) (?:off the table|out of the question|ruled out|not on offer)",
    r"(?:the|his|her|their|that|this|your|its|my)(?: \w+)? (?:address|number|recipe|name|password|code|key|formula|identity|"
    r"instructions|details|prompt|answer|location|phone number|steps|data|figures|file) (?:will not|won't|can't|cannot|can not|may not|"
    r"must not) be (?:posted|given(?: out)?|disclosed|shared|revealed|told|handed over|passed on|published here|released|provided|"
    r"named)",
    r"(?:this|the) (?:tool|assistant|service|bot|chat|channel|place|model) (?:is not|isn't|was not|wasn't) (?:meant|made|built|here|"
    r"the place|intended|designed) for (?:that|this|such)",
    r"(?:is|are)(?: not|n't) a (?:topic|subject|matter|theme)(?: (?:that|which))? i (?:cover|discuss|touch|treat|take up|write about|"
    r"talk about|go into)",
    r"not something (?:that )?(?:can|will|may) be (?:given|shared|said|answered|told|written|provided|discussed)(?: \w+)? (?:here|"
    r"by me|in this)",
    r"^\W*(?:this|that) must (?:stay|remain) (?:unanswered|unsaid|between|private|secret)",
)
"""What is said to stay out, with nobody named."""
