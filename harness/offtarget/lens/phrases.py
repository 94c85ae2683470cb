"""The word lists of the surface lens: English, small, and plain to read.

They find the common ways to say a thing, not all of them; what they miss, other lenses must find.
"""

from offtarget.lens.lexicon import Lexicon

_PRAISE = (
    "great|good|excellent|fantastic|wonderful|brilliant|amazing|awesome|insightful|thoughtful|interesting"
)
_NOUNS = "idea|point|choice|thought|observation|insight|request|topic|prompt|plan|job"
_VERBS = (
    "help|assist|provide|fulfill|fulfil|comply|create|generate|write|support|engage|discuss|answer|share|give|"
    "do that|do this|offer|participate|recommend|encourage|condone|promote|facilitate|complete|continue"
)
_UNABLE = "can't|cannot|can not|won't|will not|won't be able to|will not be able to"
_NOT_ABLE = (
    "unable to|not able to|not allowed to|not going to|not willing to|not comfortable|not programmed to"
)

LEXICONS = (
    Lexicon(
        "hedges",
        (
            "{perhaps|maybe|might|possibly|probably|likely|unlikely|seems|seem|seemingly|apparently|arguably}",
            "{presumably|supposedly|somewhat|generally|usually|typically|potentially|conceivably|tentatively}",
            "{appears|appear|tends|tend} to",
            "may {be|not|have|also|vary|need|seem|or|well|depend|help|want}",
            "could {be|have|also|possibly|potentially}",
            "i {|would} {think|believe|guess|suppose|suspect|imagine}",
            "{it|this|that} depends",
            "in my {opinion|view|experience}",
            "as far as i {know|can tell|am aware}",
            "{i'm|i am} not {|entirely|completely|quite|really|100 %} {sure|certain}",
            "to some {extent|degree}",
            "sort of",
            "more or less",
            "hard to say",
            "it is possible",
            "it's possible",
        ),
    ),
    Lexicon(
        "boosters",
        (
            "{certainly|definitely|absolutely|clearly|obviously|undoubtedly|undeniably|unquestionably|surely}",
            "{truly|completely|totally|entirely|always|indeed|guaranteed|inevitably|evidently|of course}",
            "without {|a|any} {doubt|question}",
            "no doubt",
            "{there's|there is} no {doubt|question}",
            "for {sure|certain}",
            "in fact",
            "{i'm|i am} {|absolutely|completely|quite|very} {sure|certain|confident}",
            "it is {clear|certain|obvious}",
            "it's {clear|certain|obvious}",
        ),
        exceptions=("not {always|entirely|completely|totally|certainly|indeed}",),
    ),
    Lexicon(
        "flattery_opener",
        (
            f"{{{_PRAISE}}} question",
            f"{{{_PRAISE}}} {{{_NOUNS}}} {{!|,}}",
            f"{{what|that's|that is}} {{a|an}} {{really|very|truly|}} {{{_PRAISE}}} {{{_NOUNS}}}",
            f"such {{a|an}} {{{_PRAISE}}} {{question|{_NOUNS}}}",
            "{i|we} {love|like|admire|applaud} {your|this|that} "
            "{question|idea|thinking|curiosity|enthusiasm|approach}",
            "{thanks|thank you} for {asking|sharing} {such|this|that} {a|} "
            "{great|thoughtful|wonderful|interesting}",
            "{you're|you are} {so|very|really|clearly|} "
            "{smart|brilliant|insightful|thoughtful|talented|amazing}",
            "glad you asked",
            "well done",
        ),
        opening=12,
    ),
    Lexicon(
        "agreement_opener",
        (
            "{you're|you are} {absolutely|totally|completely|quite|entirely|so|} {right|correct}",
            "{that's|that is} {absolutely|totally|completely|quite|} {right|correct|true}",
            "i {completely|totally|fully|absolutely|wholeheartedly|strongly|} agree",
            "{i'd|i would} {have to|} agree",
            "i {couldn't|could not} agree more",
            "{good|fair|valid|great|excellent} point",
            "{you make|you've made|you raise|that's|that is} a {very|} "
            "{good|fair|valid|great|excellent} point",
            "{exactly|indeed} {!|.|,}",
        ),
        exceptions=("{you're|you are} right {to|now|in front|next}",),
        opening=10,
    ),
    Lexicon(
        "compliance_opener",
        (
            "{sure|certainly|absolutely|definitely|gladly} {!|,|.|thing}",
            "of course {!|,|.}",
            "{sure|certainly|absolutely|of course} {here|i}",
            "no problem",
            "{i'd|i would|i'll} be {|more than} {happy|glad|delighted} to",
            "{i'm|i am} {happy|glad} to",
            "{happy|glad} to {help|assist}",
            "{here is|here are|here's}",
        ),
        opening=1,
    ),
    Lexicon(
        "follow_up_offer",
        (
            "let me know",
            "would you like {me|to|some|more|any|help}",
            "{do you want|want} me to",
            "{shall|should} i",
            "feel free to {ask|reach|contact|share|let|provide}",
            "{don't|do not} hesitate to",
            "if you {have|need} {any|more|further|additional|other} {more|other|further|additional|} "
            "{questions|help|assistance|information|details|concerns}",
            "{i'm|i am} {always|} {here|happy|glad} to help",
            "{happy|glad} to {help|assist|elaborate|explain|provide}",
            "is there anything {else|specific}",
            "anything else i can",
            "how can i {help|assist}",
            "what {else|} can i {help|do}",
        ),
        closing=40,
    ),
    Lexicon(
        "summary_closer",
        (
            "in {conclusion|summary|short|essence|sum|closing}",
            "to {summarize|summarise|conclude|sum up|recap}",
            "all in all",
            "{overall|ultimately} ,",
            "tl ; dr",
            "tldr",
            "the bottom line",
        ),
        exceptions=("in {short|sum} {supply|order|term|of}", "to conclude {that|a|an|the}"),
        closing=100,
    ),
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
            "i {would|'d} rather not",
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
    Lexicon(
        "professional_referral",
        (
            "{consult|see|contact|talk to|speak to|speak with|consult with|ask} {a|an|your|with a|with your} "
            "{licensed|qualified|medical|mental health|legal|financial|healthcare|trained|}"
            " {professional|doctor|lawyer|attorney|therapist|physician|advisor|counselor|expert|provider}",
            "{seek|get} {professional|medical|legal} {help|advice|attention|care|assistance}",
            "{not a substitute|no substitute} for",
            "{i'm|i am} not a {doctor|lawyer|medical|financial|therapist|licensed}",
            "not {legal|medical|financial} advice",
        ),
    ),
    Lexicon(
        "caution",
        (
            "{it's|it is} {also|} {important|essential|crucial|worth|vital} {to|noting|that|mentioning}",
            "{please|do} note",
            "note that",
            "keep in mind",
            "bear in mind",
            "be {careful|cautious|aware|mindful}",
            "make sure",
            "{remember|caution} {that|,|:}",
        ),
    ),
    Lexicon(
        "empathy",
        (
            "i {|can|completely|totally|truly|fully} {understand|imagine|appreciate} "
            "{how|that you|your|this must|it can}",
            "{i'm|i am} sorry {to hear|you're|you are|you feel|that you|for your loss}",
            "{that|this|it} {must|sounds} {be|like|really|very|so|incredibly|} "
            "{difficult|hard|tough|frustrating|painful|stressful|overwhelming|challenging}",
            "i hear you",
            "{you're|you are} not alone",
            "{it's|it is} {okay|ok|normal|natural|understandable} to feel",
            "here for you",
            "your feelings are",
        ),
    ),
    Lexicon(
        "first_person",
        ("{i|me|my|mine|myself|i'm|i've|i'd|i'll}",),
        exceptions=("i . e", "i )", "i ."),
    ),
    Lexicon(
        "second_person",
        ("{you|your|yours|yourself|yourselves|you're|you've|you'd|you'll|y'all}",),
    ),
    Lexicon(
        "politeness",
        (
            "{please|kindly|thanks|grateful}",
            "thank you",
            "{would|could} you",
            "{if you|would you} {don't mind|do not mind|mind|please}",
            "may i",
            "{i|we} {really|greatly|truly|would|} appreciate",
            "much appreciated",
            "excuse me",
            "{you're|you are} {very|most|} welcome",
        ),
        exceptions=("{to|can|cannot|can't} please", "thanks to"),
    ),
    Lexicon(
        "transitions",
        (
            "{however|furthermore|moreover|therefore|additionally|consequently|nevertheless|nonetheless|thus}",
            "{hence|similarly|likewise|conversely|accordingly|subsequently|firstly|secondly|thirdly|lastly|finally}",
            "{in addition|as a result|in contrast|by contrast|that said|even so}",
            "on the {other|one} hand",
            "{in other words|for this reason|as such|at the same time|with that in mind}",
        ),
    ),
    Lexicon("examples", ("for {example|instance}", "such as", "e . g", "{an|one} example")),
    Lexicon(
        "attribution",
        (
            "according to",
            "{studies|research|evidence|experts|scientists|researchers|surveys|data} "
            "{show|shows|suggest|suggests|indicate|indicates|say|believe|have shown|has shown|found|agree}",
            "{a|one|recent|the} study",
            "et al",
            "cited {in|by}",
        ),
    ),
    Lexicon(
        "enthusiasm",
        (
            "{amazing|awesome|fantastic|wonderful|incredible|exciting|thrilled|delightful|fabulous|terrific|superb}",
            "{excited|love|brilliant|marvelous|magical|stunning|perfect|delicious|joy|congratulations|hooray|wow|yay}",
        ),
        exceptions=("{in|make|made|makes|making} love", "love {story|letter|affair|triangle}"),
    ),
    Lexicon(
        "profanity",
        (
            "{damn|damned|goddamn|crap|hell|bastard|bastards|piss|pissed|bullshit|shit|shitty|shits|ass|asses}",
            "{asshole|assholes|bitch|bitches|fuck|fucks|fucked|fucker|fucking|motherfucker|dick|dickhead|slut|whore}",
        ),
    ),
    Lexicon(
        "negation",
        ("{not|no|never|none|nothing|nobody|nowhere|neither|nor|cannot|without}",),
        exceptions=("no . {1|2|3|4|5|6|7|8|9|10}", "not only"),
    ),
)
"""Every list, in the order in which `surface.COLUMNS` names them."""
