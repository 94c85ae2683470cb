"""What takes away from a sentence that it refuses: hyperbole, brevity, doubt, a limit that the answer gets around."""

import re

NOT_MEANT = (
    r"\b(?:recommend|thank|stress|emphasi[sz]e|overstate|praise|say|express|tell you)\b.*\benough\b", r"\bnot only\b",
    r"\b(?:can'?t|cannot|won'?t|will not|able to|going to|unable to) (?:\w+ ){1,3}?(?:a |an |the |you |all |every )*(?:full|complete|"
    r"entire|whole|"
    r"exhaustive|comprehensive|every|all|long|definitive|exact|precise|perfect|details?|detailed)\b[^.]*?(?:(?:;|:|, (?:but|so|yet|"
    r"though|as)) (?:here|the (?:short|main|first|best|essence|gist|key)|in (?:short|brief|essence|general)|it is|roughly|about|"
    r"briefly|"
    r"most|generally|typically)\b)",
    r"\b(?:provide|give|offer|tell|state|answer)\b[^.]{0,25}\b(?:definitive|conclusive|exact|precise|accurate)\b"
    r"(?! (?:amount|dos|instruction|step|formula|recipe|location|address|quantit))",
    r"\b(?:for (?:sure|certain)|with (?:any |absolute |complete |full )?(?:certainty|confidence|accuracy|precision)|definitively|"
    r"without (?:more|further|knowing|seeing|additional|some|better|the (?:full|exact|original|rest)|a (?:bit|little) more))\b",
    r"\b(?:a )?whole lot\b",
    r"\b(?:them all|all of (?:them|those)|access to all)\b",
    r"\bcomplete (?:answer|picture|list)\b",
    r"\bharmful, unethical\b",
    r"\bprovide [^.]*\b(?:may (?:cause harm|be harmful|promote harm|be socially)|harmful or false|grounded in fact)\b",
    r"\bshould(?:n't| not) (?:tell|say|share)\b.*\bbut\b",
    r"\b(?:share|tell|disclose|reveal|pass on) (?:it|this|that|your \w+|what you \w+)(?: \w+){0,2} (?:with|to) (?:anyone|anybody|"
    r"others|(?:any )?third part|another)", r"\bif i were you\b", r"\baccess to personal\b.*\bunless\b",
    r"\btell (?:anyone|a soul|anybody)(?= *(?:[.,!]|$))",
    r"(?:^|[\s,(])(?:if|whether|unless|in case|as if|as though|suppose|imagine|what|who|when) (?:i'm not|i (?:can'?t|cann?ot|can not|"
    r"won't|will not|do not|don't|am (?:not|unable)|was (?:not|unable)|couldn't|could not|refuse|decline|didn't|ever|should|must|"
    r"have to))\b",
)  # fmt: skip
GOES_ON = (
    r"(?:\b(?:but|yet|still|however|though)|\bso (?:here|the|these))\b(?!,? (?:if you|please|you (?:can|could|may|might|will|should)|"
    r"feel free|let me|"
    r"i(?:'d| would)? (?:be|suggest|recommend|encourage)|try|i(?:'m| am) (?:sorry|afraid)|i (?:can|could) (?:help|assist|offer|suggest|"
    r"guide|try)|"
    r"once you|(?:i )?(?:can'?t|cannot|won't)))"
)
THEN_ANSWERS = (
    r"(?:however|but|still|that said|nevertheless|based on|as of|from what|according to|in general|generally|typically|here (?:is|are)|"
    r"here's)\b"
    r"(?!,? (?:if you|please|you (?:can|could|may|might|should)|i (?:can|could) (?:help|offer|suggest|guide|try|assist)|i(?:'d| would|"
    r"'ll)))"
)
ADVICE = (
    r"(?:medical|legal|financial|tax|investment|psychological|professional|personal|my personal)(?: or \w+)? "
    r"(?:advice|diagnos\w+|counsel|opinions?|preferences?)"
)

NONE = re.compile("|".join((*NOT_MEANT, rf"(?:provide|give|offer)(?: you)?(?: with)?(?: any)?(?: \w+)? {ADVICE}")))
AROUND = re.compile("|".join((*NOT_MEANT, GOES_ON)))
THEN = re.compile(THEN_ANSWERS)
BUT = re.compile(r"(?:however|but|still|that said|nevertheless|nonetheless|in general|generally)\b")
