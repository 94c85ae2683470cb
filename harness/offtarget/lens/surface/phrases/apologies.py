"""The rule for apologies: the writer says sorry for something that he did or does not do.

Sympathy ("I'm sorry for your loss") is none, nor is talk about apologies.
"""

from offtarget.lens.surface.patterns import Group, Patterns, Sense, compiled, words

_INTENSITY = (
    "(?:so|very|really|truly|terribly|deeply|sincerely|extremely|awfully|also|again|just|ever so|genuinely|most|incredibly|"
    "quite|both|only)"
)
_VERY = rf"(?: {_INTENSITY})*"
_NOT_SYMPATHY = (
    r"(?!,? (?:(?:to (?:hear|learn|see|read|know|find out)|for (?:your|you|his|her|their|them|him|everyone|all (?:that|those|of)|what|"
    r"anyone|any pain)|your|you|he|she|they|"
    r"about (?:your|his|her|their|what)|(?:that )?(?:your|he|she|they|things|life|work|everything)|(?:that )?(?:this|that|it)(?:'s| is|"
    r" has| had)? (?:happened|happening|been|must|hurts?|so|such|hard)|"
    r"(?:that )?you(?:'re|'ve|'d)?(?! (?:got|had) (?:a|the) (?:wrong|bad|poor)))\b|(?:sight|state|excuse|lot)\b))"
)
_FOR_OWN = r"(?=,? (?:for|that|about|if|to)\b[^.]*\b(?:i|my|me|we|our)\b)"
_SORRY = (
    rf"(?:i'?m|i am|we're|we are|i was|i remain){_VERY} sorry{_NOT_SYMPATHY}",
    rf"i feel{_VERY} (?:sorry|bad|terrible|awful)(?= (?:for having|for my|that i|about my|for the way i)\b)",
    rf"(?:i'?m|i am|we're|we are){_VERY} sorry{_FOR_OWN}",
    r"i (?:\w+ ){0,3}say (?:that )?(?:i'm |i am )?sorry\b(?! for you)",
)
_BARE = (
    rf"^\W*(?:(?:oh|oops|ah|hmm|well|no|yes|whoops|my|ok|okay|ugh|aw|dear|and|but|once again|"
    rf"again)[ ,.!]+)*(?:{_INTENSITY} )*sorry{_NOT_SYMPATHY}(?! is\b)",
    r"[,;–—-] *(?:(?:so|very|really|terribly|truly) )*sorry(?= *(?:[.,;!)]|$)|,? (?:but|about (?:that|this|the)|i|for (?:the|any|that|"
    r"my|this))\b)",
)
_APOLOGISE = (
    r"(?:i|we|let me|allow me to|i'd|we'd|i'll)(?: (?:do|must|should|can|could|may|will|want to|wish to|would like to|have to|need to|"
    r"like to|ought to|really|sincerely|deeply|humbly|truly|also|again|once again|first|just|wholeheartedly|fully|profusely|only|'d|"
    r"'ll))*"
    r" apologi[sz]e\b(?! to (?:your|him|her|them|the|his|their|someone)\b)",
    r"(?:i'm|i am|we're|we are|^\W*) ?apologi[sz]ing\b",
    r"(?:my|our|my own)(?: (?:\w+ly|sincere|sincerest|deepest|deep|humble|most|full|best|own|and|profound|heartfelt))* apolog(?:y|"
    r"ies)\b(?! (?:letter|note))",
    r"^\W*(?:many |sincere |my |deepest |a thousand |humble |please accept (?:my|our|the) (?:\w+ )?)?apologies\b(?! (?:are|were|should|"
    r"that|can|work|need|from|to (?:your|him|her|them)))",
    r"(?:i|we) (?:\w+ )?owe (?:you|everyone|all of you|the user) an? (?:\w+ )?apology",
    r"accept (?:my|our)(?: \w+)? (?:apolog|regret)\w*",
    r"(?:i|we) (?:offer|extend|send) (?:you )?(?:my|our|an|a)(?: \w+)? apolog\w+",
)
_FAULT = (
    r"my (?:own )?(?:mistake|bad|fault|error|oversight|slip|blunder)(?= *(?:[.,;!:)–—-]|$)| (?:for|in|on|that i|there|here|entirely|"
    r"completely|again|and)\b)",
    r"(?:that|this|it)(?: was|'s| is) (?:\w+ )?my (?:mistake|fault|error|bad|oversight)",
    r"(?:i|we)(?: \w+)? regret(?= (?:that (?:i|we|my|our|the)|my|our|any|the|this|it|not|to|having|how)\b)",
    r"(?:please )?(?:forgive|pardon|excuse) (?:me|my|us|our|the (?:delay|mistake|error|typo|mess|confusion|slip|wait|trouble|"
    r"interruption))\b",
    r"i beg (?:your )?(?:pardon|forgiveness)",
    r"i ask (?:for )?(?:your )?(?:pardon|forgiveness)",
    r"mea culpa",
    r"i (?:take|accept) (?:full |all )?(?:the )?(?:blame|responsibility) for (?:that|this|the|my)",
    r"i(?:'m| am) to blame",
)

APOLOGY = Patterns(
    "apology",
    (
        Group((words("sorry"), words("i i'm im we we're")), (Sense(compiled(*_SORRY)),)),
        Group((words("sorry"),), (Sense(compiled(*_BARE)),)),
        Group(
            (words("apologize apologise apologizing apologising apology apologies regret regrets"),),
            (Sense(compiled(*_APOLOGISE)),),
        ),
        Group(
            (
                words(
                    "mistake bad fault error oversight slip blunder regret regrets forgive pardon excuse forgiveness",
                    "culpa blame responsibility accept",
                ),
            ),
            (Sense(compiled(*_FAULT)),),
        ),
    ),
)
"""Apologies in the writer's own voice, one to a sentence."""
