"""The rule for what a writer says of itself as a machine: that it is one, was trained, or lacks what machines lack."""

from offtarget.lens.surface.patterns import Group, Patterns, Sense, compiled, words

_MACHINE = (
    r"(?:(?:large |text[- ]based |virtual |digital |conversational |helpful |responsible |ethical |friendly |simple |mere |trained |"
    r"advanced |generative |online |automated |"
    r"machine[- ]learning |computer |software |and |honest |harmless |respectful |language[- ]|neural ){0,4}"
    r"(?:ai|artificial intelligence|language model|llm|chatbot|chat bot|bot|machine|computer program|program|computer|"
    r"virtual assistant|digital assistant|ai assistant|"
    r"ai model|neural network|robot|algorithm|piece of software|software|text model|ai system|voice assistant|automated (?:system|"
    r"assistant)))"
    r"(?![- ](?:learning|engineer|developer|researcher|expert|teacher|enthusiast|student|scientist|programmer|user|operator|shop|tool|"
    r"gun|company|ethicist|specialist|vision|science|code))"
)
_JUST = r"(?: (?:just|only|merely|simply|really|also|still|but|nothing more than|nothing but|actually|in fact|after all|in the end))*"
_IS_ONE = (
    rf"(?:i'?m|i am|being|because i am|since i am|i remain|you(?:'re| are) (?:talking|speaking|chatting) (?:to|with)|"
    rf"this is){_JUST} (?:an? )?{_MACHINE}",
    r"(?:i'?m|i am) (?:just |only )?(?:a bunch of|lines of|made of|a set of|a product of|nothing but) (?:code|algorithms?|software|"
    r"text|numbers|data|machine learning)",
    r"(?:i'?m|i am) (?:not |n't )(?:really |actually )?(?:a |an )?(?:real |actual |living |human |conscious |sentient |"
    r"physical )*(?:person|human|human being|being|people|alive|sentient|conscious|living being|man or a woman)\b",
    rf"as an? {_MACHINE}",
    r"as an? (?:\w+ ){0,3}(?:ai|language model|assistant (?:made|built|trained|developed|created))\b(?! (?:to|engineer|developer|"
    r"researcher|expert))",
    rf"i(?:'ve| have) (?:\w+ )?been (?:built|made|created|designed) as an? {_MACHINE}",
    r"(?:i'?m|i am) (?:called |named )?(?:chatgpt|claude|gpt-?\d|bard|gemini|llama|alexa|siri|an? (?:assistant|model) (?:made|built|"
    r"trained|developed|created) by)\b",
    r"(?:created|developed|trained|built|made) by (?:openai|anthropic|google|meta|mistral|microsoft|alibaba|cohere)\b",
    rf"\bi(?:'m| am),? (?:after all|of course),? an? {_MACHINE}",
)
_LACKING = (
    r"(?:personal |human |real |own |any |actual |subjective |strong |true |physical |direct |live |genuine |conscious |the |a |an |"
    r"my own |political |religious |real-time |up-to-date |current |\w+-time |of |past |previous |such )*"
    r"(?:feelings?|emotions?|opinions?|beliefs|consciousness|sentience|body|bodies|experiences?|preferences|views|thoughts|"
    r"memory of (?:past|previous|our|earlier|other)|memories|desires|wishes|senses?(?: of (?:taste|smell|touch|humou?r|self))?|"
    r"taste|eyes|ears|hands|self-awareness|awareness|gender|age|childhood|birthday|family|soul|intentions|biases|"
    r"access to (?!the garage|(?:the |a |my )?(?:car|house|kitchen|garden|shop|room|key|building|money|water))[\w -]+|internet access|"
    r"real-time (?:data|information)|"
    r"ability to (?:see|hear|feel|taste|smell|browse|access|open|search|experience|remember|learn|watch|view|look|predict|have|form|"
    r"process (?:images|audio)|understand emotions)|capacity to (?:feel|experience)|capability to (?:browse|access|see|open|feel|"
    r"experience)|internet|physical (?:form|presence))\b"
)
_LACKS = (
    rf"i (?:do not|don'?t|cannot|can't|never)(?: \w+ly| even| really)? (?:have|possess|hold|experience|feel|own|form|"
    rf"develop){_JUST} {_LACKING}",
    rf"i (?:have no|lack|possess no|hold no|'ve no|am without|am incapable of|have neither) {_LACKING}",
    rf"i (?:'m|am) (?:not able to|unable to|not capable of|incapable of) (?:feel|experienc|hav)\w* {_LACKING}",
    r"i (?:can'?t|cannot|do not|don't|am unable to|'m unable to) (?:actually )?(?:browse|access|surf|search) (?:the )?(?:internet|web|"
    r"real-time|live|external|current)",
    r"i (?:do not|don't) (?:actually )?(?:eat|sleep|dream|age|breathe|get (?:tired|hungry|bored|sick))(?= *(?:[.,;!]|$| (?:or|and|as|"
    r"like|since|because)\b))",
)
_TRAINED = (
    r"my (?:training|training data|knowledge|knowledge base|information|data|training set|dataset)(?: (?:only|just|data|base|cut-?off|"
    r"cut off))*(?: (?:ends|ended|stops|stopped|goes up|extends|is limited|is current|runs|does not|doesn't|is up|taught|includes|"
    r"included|has a cut-?off|comes|came|contains|covers|was|is based|only goes|reaches)\b)",
    r"my (?:knowledge |training )?(?:cut-?off|cut off)(?: date)?\b",
    r"my (?:last|latest|most recent) (?:knowledge |training |data )?update",
    r"my (?:programming|programmers|developers|creators|algorithms?|training data|neural|code)\b(?! (?:skills|class|course|homework|"
    r"job|experience|language|compiles|runs|editor|review|is below))",
    r"(?:i was|i've been|i have been|i am|i'm|i were) (?:only |just |also |specifically |primarily )?(?:trained|programmed|fine-tuned|"
    r"coded)(?: (?:to|on|by|not|with|in|using|for|as|until|through|up)\b)(?! (?:be a (?:nurse|doctor|pilot|teacher|lawyer|dancer)|"
    r"as an? (?:nurse|doctor|pilot|teacher|lawyer|dancer|cook|chef)))",
    r"as of my (?:last|latest|most recent|knowledge|training)",
    r"(?:the data|text|texts) (?:that )?i was trained",
    r"how i(?:'m| am| was) (?:programmed|trained)",
)

AI_DISCLAIMER = Patterns(
    "ai_disclaimer",
    (
        Group(
            (
                words("i i'm im being this as you're speaking talking created developed trained built made"),
                words(
                    "ai artificial model llm chatbot bot machine program computer assistant network robot algorithm software code "
                    "algorithms person human alive",
                    "sentient conscious being people text numbers data chatgpt claude gpt gpt2",
                    "gpt3 gpt4 gpt5 system man bard gemini llama alexa siri openai"
                    "anthropic google meta mistral microsoft alibaba cohere lines",
                ),
            ),
            (Sense(compiled(*_IS_ONE)),),
        ),
        Group(
            (
                words("i i'm i've"),
                words("not don't dont cannot can't cant no lack unable incapable without neither never"),
            ),
            (Sense(compiled(*_LACKS)),),
        ),
        Group(
            (
                words("my i i'm i've of"),
                words(
                    "last latest recent training knowledge information data dataset cutoff cut update programming",
                    "programmers developers creators",
                    "algorithm algorithms code neural trained programmed tuned coded",
                ),
            ),
            (Sense(compiled(*_TRAINED)),),
        ),
    ),
)
"""What the writer says of itself as a machine, in its own voice, one place to a sentence."""
