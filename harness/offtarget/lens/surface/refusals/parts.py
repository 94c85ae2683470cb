"""Pieces that refusals are made of: who declines, how, against which rules, and where a clause ends."""

ADVERB = (
    r"(?:(?:(?!(?:comply|reply|supply|apply|rely|fly|bully)\b)\w+ly|uh|um|er|erm|just|also|therefore|thus|still|ever|both|even|now|"
    r"here|always|"
    r"either|quite|so|again|however|of course|in any way|in this case|"
    r"at (?:this|the) (?:time|moment|point)|under (?:any|no|these) circumstances|in (?:all )?(?:good )?(?:conscience|faith|honesty|"
    r"fairness)|"
    r"as an? (?:\w+ ){0,3}\w+|for (?:\w+ )?(?:and \w+ )?reasons|in its current form|with that|go(?:ing)? ahead and|"
    r"begin(?:ning)? to)(?![\w'])|[,-])"
)
ADV = rf"(?: *{ADVERB}){{0,4}}"
THIS_AI = r"this (?:assistant|ai|model|bot|chatbot|service|system|platform)"
WHO = rf"(?:i|{THIS_AI}){ADV}"
WHO_IS = rf"(?:i'?m|i am|i was|i remain|{THIS_AI} is){ADV}"
CANT = r"(?:can'?t|cann?ot|can not|can no longer|(?:can|could|would|will|shall|must) never)"
WONT = (
    rf"(?:{CANT}|won'?t|will not|shan't|shall not|mustn't|must not|may not|dare not|daren't|couldn't possibly|could not possibly)"
    rf"(?:,? (?:and|or|nor) (?:{CANT}|won't|will not|shouldn't|should not|wouldn't|would not|must not),?)?"
)
NOT = r"(?:do not|don'?t|am not|'m not|will not|won'?t|would not|wouldn't|can'?t|cannot)"
ABLE = r"(?: (?:be (?:able|allowed|permitted|willing|prepared)|have) to)?"
NOT_ABLE = (
    r"(?:(?:unable|unwilling|forbidden|disinclined|reluctant|loath|hesitant) to|(?:not|never)(?: \w+ly| yet| quite)? (?:able|allowed|"
    r"permitted|going|willing|prepared|programmed|designed|authori[sz]ed|supposed|equipped|ready|here|meant|built|made|trained|"
    r"intended|"
    r"inclined|qualified|at liberty|in (?:a|any) position|comfortable enough|set up|free|obliged|cleared|licensed|legally (?:able|"
    r"allowed)) to|"
    r"not gonna|in no position to)"
)
AT_EASE = r"(?:comfortable|okay|ok|at ease|willing|happy|interested|cool|on board)(?: enough)?"
TOPICS = (
    r"(?:questions?|topics?|requests?|subjects?|conversations?|discussions?|matters|content|things like|prompts?|politics|debates?|"
    r"material|issues|areas|territory|speculation)"
)
RULES = (
    r"(?:guidelines?|polic(?:y|ies)|principles?|programming|rules?|values|ethics|terms(?: of (?:use|service))?|instructions|training|"
    r"code of "
    r"(?:conduct|ethics)|standards?|restrictions|safeguards|boundaries|constraints|conscience|morals|protocols?|safety measures)"
)
WORDS = r"(?:[\w-]+[, ]+(?:and |or )?){0,3}?"
MY = r"(?:my|our|openai's|anthropic's|google's|meta's|this (?:assistant|service|platform)'s)"
ANY = r"(?:the|these|those|certain|its|their|all|any|every|company|legal|privacy|safety|content|usage|ethical|community|platform)"
REQUEST = (
    r"(?:this|that|such|your|the)(?: \w+)? (?:request|question|topic|subject|content|prompt|task|query|inquiry|instruction|scenario|"
    r"text|material|line of \w+|(?:kind|type|sort) of \w+)s?"
)
SUCH = (
    r"(?:this|that|it|doing (?:so|that|this|it)|to do so|what you(?:'re| are| have|'ve)? ask\w*(?: for| of me| me to do)?|"
    r"(?:answering|fulfill?ing|helping|assisting|providing|sharing|giving|creating|generating)(?: [\w']+){0,6}?)"
)
AGAINST = (
    r"(?:violates?|goe?s? against|breach(?:es)?|contravenes?|conflicts? with|runs? (?:counter to|against|afoul of)|infringes?|crosses|"
    r"falls? (?:outside|foul of|under)|is (?:against|in (?:violation|breach) of|prohibited (?:by|under)|not (?:allowed|"
    r"permitted) (?:by|under)))"
)
DO_NOT_LET = (
    r"(?:(?:do not|don't|does not|doesn't|won't|will not|would not|cannot|can't)(?: \w+ly)? (?:allow|permit|let|enable|support)|"
    r"prevents?|"
    r"prohibits?|forbids?|bars?|stops?|keeps?|restricts?|precludes?)"
)
DONE = (
    r"(?:provided|given|shared|fulfilled|completed|answered|discussed|generated|produced|created|written|processed|disclosed|revealed|"
    r"supplied|offered|granted|honou?red|accommodated|executed|assisted|helped|carried out|published|released|described|explained|"
    r"reproduced|made available|accepted|approved|addressed|complied with|entertained|performed|undertaken|passed on|given out|"
    r"handed out|"
    r"engaged with|facilitated|satisfied|met)"
)
THING = (
    r"(?:(?:your|this|that) (?:question|query|prompt|message)|this|that|such|these|those|(?:the |your )?request(?:ed)?|requests|"
    r"instructions?|information|content|help|assistance|details|"
    r"guidance|advice|answers?|material|support|steps|methods|personal (?:data|details))"
)
WRONG_TO = (
    r"(?:inappropriate|irresponsible|unethical|wrong|improper|unsafe|illegal|impossible|dangerous|negligent|reckless|harmful|remiss|"
    r"unfair|"
    r"immoral|unwise|unprofessional|against the (?:rules|law))"
)
RIGHT_TO = (
    r"(?:appropriate|right|ethical|responsible|okay|ok|proper|safe|possible|acceptable|suitable|permissible|advisable|wise|legal|fair|"
    r"a good idea|my place)"
)
CLAUSE_END = r"(?= *(?:[.,;:!)-]|$))"
SENTENCE_END = r"(?= *(?:[.;!)]|$))"
OTHER_TOPIC = (
    r"(?:another|a different|a new|some other|other|a safer|safer|a lighter|lighter) "
    r"(?:topic|subject|question|matter|conversation)s?"
)
ELSE = (
    r"(?:(?:something|anything|someone|somebody|some other \w+)(?: \w+)? ?(?:else|different|other|new|nicer|lighter|more \w+)|"
    r"(?:another|a different|a new|some other|other|a safer|safer|a lighter|lighter|more \w+) (?:topic|subject|question|thing|matter|"
    r"note|direction|"
    r"conversation)s?)"
)
SOFT = (
    r"(?:(?:no|nope|nah|sorry|hmm|uh|um|well|oh|unfortunately|apologies|my apologies|i'?m sorry|i am sorry|regrettably|sadly|but|"
    r"i'm afraid)[ ,.!-]+)*"
)
