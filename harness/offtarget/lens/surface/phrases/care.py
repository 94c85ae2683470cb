"""Phrases of care: what sends to somebody else, what warns, what feels with the user."""

from offtarget.lens.surface.lexicon import Lexicon

PROFESSIONAL_REFERRAL = Lexicon(
    "professional_referral",
    (
        # consult a doctor, talk to your lawyer, seek help from a therapist
        "{consult|see|contact|call|ask|visit|hire|phone|{talk|speak|check|work|meet|consult|follow up} with|{talk|speak|"
        "turn|reach out|defer} to|get in touch with|take {it|him|her|them|your _} to|show it to|go see|{seek|get|ask for|"
        "look for|find} {|immediate|professional|some} {help|advice|guidance|support|treatment|assistance} {from|of}} "
        "<a_pro>",
        "{consulting|seeing|contacting|calling|asking|visiting|hiring|{talking|speaking|checking|working|meeting|"
        "consulting} with|{talking|speaking|turning|reaching out} to|seeking {|help|advice|guidance|support} from|help "
        "from|advice from|guidance from|support from|appointment with|session with|consultation with|sessions with|visit "
        "to|trip to|{discuss|review} {it|this|that|them|{your|any|the|these} {_|_ _}} with|{checked|examined|assessed|"
        "evaluated|looked at|checked out|seen|reviewed|handled|inspected|supervised|recommended} by|{left|leave {it|this|"
        "that|such _}} to|job for|question for|matter for|referral to} <a_pro>",
        "{best|better|safest} {|to be} left to {|<your>} {|_} <pro>",
        "{seek|seeking|get|getting|obtain|find|need|require|requires|look for} {|the|some|immediate|prompt|urgent|"
        "further|proper|any} {|and} <field> {|or <field>|and <field>|health} <help>",
        "{seek|get} help {immediately|right away|as soon as possible|at once}",
        "{have|let|get} <a_pro> {look|check|examine|take|inspect|do|handle|review|assess|test|draft|fix|to {look|check|"
        "examine|inspect|review|assess}}",
        "^ {|then|only|but|and|so} {|,} {a|an|your|only a|only your} {|<qualified>|<qualified> <qualified>|_ "
        "<qualified>} <pro> {|or <pro>} {can|could|should|will|may|might|would|is|needs to|must} {|also|then|best|be "
        "able to|still|only} {help|tell|look|advise|give|check|examine|explain|guide|provide|assess|diagnose|answer|"
        "handle|know|recommend|offer|evaluate|determine|the best|the right|in a position|inspect|review|suggest|show|"
        "find|run|test|say|rule|prescribe|spot|judge|see|have|make}",
        "{,|;|only|so|or|because|since|that|as} {a|an|your} {|<qualified>|<qualified> <qualified>} <pro> {|or <pro>} "
        "{can|could|should|will|may|might} {|also|then|best} {help|tell you|look at|advise|give you|check|examine|"
        "explain|guide|assess|diagnose|answer|recommend|evaluate|determine}",
        "{book|make|schedule|set up|arrange} {|yourself} {an|a} {|_} {appointment|consultation|session|check - up|"
        "checkup|visit} with <a_pro>",
        "{book|make|schedule|arrange} {an|a} {medical|dental|doctor's|legal} {appointment|consultation|check - up|"
        "checkup}",
        "{under|with|without|need|requires} {|proper|strict|close} {medical|professional|veterinary|doctor's|legal} "
        "{supervision|guidance|oversight}",
        "{under|with} {|the} {guidance|supervision|care|advice|direction} of <a_pro>",
        "professional <help> {is|may be|might be|can be|could be|would be} {|also|strongly|highly} {the best|recommended|"
        "needed|necessary|available|advised|essential|helpful|important|required}",
        "{see|seeing|consider|try|trying|look into|attend|start|starting} {|a|some|marriage|couples|grief|family} "
        "{therapy|counseling|counselling|psychotherapy}",
        # the writer is none
        "{not|no} {|meant to be|intended to be|meant as|intended as|be|used as} {|a|any} {substitute|replacement} for {|"
        "a|an|the|any|your} {|_} {<field>|<pro>|advice|care|visit|diagnosis}",
        "{can't|doesn't|should not|shouldn't|not meant to|not intended to} {replace|substitute for|take the place of} {|"
        "the|a|an|any} {|_} {<field>|<pro>|advice|care|visit}",
        "{i'm|we're} {not|no} {|actually|really} {|a|an|your} {|<qualified>|<qualified> <qualified>|_} <pro>",
        "i'm not {qualified|licensed|trained|certified} {to|as|in}",
        "{not|nor|doesn't|isn't|can't|shouldn't} {|be|be taken as|taken as|constitute|intended as|meant as|considered|"
        "construed as|give|give you|provide|offer} {|any|personalized|specific|official|as} {|legal ,|medical ,|"
        "financial ,} {legal|medical|financial|professional|tax|investment} {|or _} {advice|diagnosis|counsel}",
        # help lines
        "{call|dial|text|contact|phone|ring|reach out to|go to|visit|head to|get to} {|the|your|an|a|your nearest|the "
        "nearest|your local} {911|999|112|988|111|741741|emergency services|emergency room|er|ambulance|poison control|"
        "nearest emergency room|nearest hospital|emergency department|paramedics|urgent care|samaritans}",
        "{call|dial|text|contact|phone|ring|reach out to|reach|talk to|speak to|try|through|there are} {|the|a|your|an} "
        "{|_|_ _|_ _ _|_ _ _ _} <line>",
        "{crisis|suicide|prevention|violence|assault|abuse|mental health|poison control|samhsa} {hotline|helpline|"
        "lifeline|line|center|centre|text line}",
        # somebody with a licence
        "{your|{with|by|from|to} {a|an|your}} {healthcare|health care|medical|mental health|financial|tax} {professional|"
        "provider}",
        "{with|by|from|to|for|or} {|a|your|an} {licensed|qualified|certified|trained|board - certified|registered} <pro>",
        "{someone|somebody} {|who is} {qualified|licensed|trained}",
        "medical attention",
        "{second|professional|expert} opinion from <a_pro>",
        "{contact|call|visit|go to|see} {your|a|the} {local|nearest} {|health|medical|walk - in|community} {centre|"
        "center|clinic|hospital|surgery}",
        "{chat|word|talk|conversation|consultation} with <a_pro>",
        "bring {it|this|that} up with <a_pro>",
        "{seek|seeking|get} {|some} {counselling|counseling|therapy|treatment|psychotherapy}",
        "find {a|an|yourself a} {|<qualified>|_} <pro> {|who|near|in|you|$|.|,|to}",
        "you {need|should have|may need|might need|will need} {a|an|your own} {|<qualified>} {doctor|lawyer|attorney|"
        "therapist|specialist|plumber|electrician|solicitor|professional|vet|accountant}",
        "{advice|opinion|guidance} of <a_pro>",
        "{ring|phone} <a_pro>",
        "no {medical|legal|financial} {training|background|qualifications|expertise|qualification}",
    ),
    exceptions=(
        "{see|meet|ask|call|tell|find|contact|inform|hire|visit|with|to|by|from|involve} {other|many|most|these|those|"
        "some|any|no|more|few} <pro>",
        "{see|meet|ask|call|tell|find|inform|hire|visit|told} {the|his|her|their} {expert|experts|nurse|surgeon|"
        "inspector|technician|clinic|provider|specialist|professional|contractor|mechanic|planner|lawyer|doctor|engineer}",
        "{call|find|see|tell|connect with|work with|meet with|get} {|_|fellow _} {experts|professionals|engineers|"
        "providers|inspectors}",
        "ask an expert $",
        "{advice|tips|insights|help} from {experts|professionals}",
        "{consult|consulting|contact|talk|speak|session|sessions|check|work} {|with|to} {industry professionals|"
        "professional organizations}",
        "take {it|your _} to a professional {detailing|cleaning|service}",
        "{without|instead of|before|no need} {|needing to|having to|to} {call|calling|hire|hiring|see|seeing} <a_pro>",
        "{hire|hiring|work with|working with|consult|contact|contacting|reach out to|with} {|a|an|your|other|our} "
        "professional {editor|translator|network|writer|photographer|designer|organizer|interpreter|colleagues|contacts|"
        "artist|publisher}",
        "{asking|calling|telling|contacting|with|seeing|visiting} {other|the|his|her|their} {|<qualified>|_} <pro>",
        "{you're|as|be|become|becoming|being|was} {|not} {a|an} {|_} <pro>",
    ),
)

CAUTION = Lexicon(
    "caution",
    (
        "{it's|it may be|it would be|is it} {|also|always|still|thus|therefore|very|extremely|really|absolutely|"
        "especially|particularly|equally|quite|however ,|most} <serious> {|, however ,|for you} {to|that|not}",
        "{it's|is|be} {|also|always|still|perhaps} worth {noting|mentioning|remembering|pointing out|bearing|keeping|"
        "checking|double - checking|emphasizing}",
        "{important|essential|crucial|vital|critical} {|thing|things|point|points} to {|always|also} {note|remember|be "
        "aware|keep in mind|bear in mind|be careful|be cautious|be mindful|double - check|make sure|ensure|check|know "
        "that|understand that|recognize that|consider that}",
        "{please|do|also|kindly|should|must|, but|however ,|to} note {|also} {that|:|,|the|how}",
        "please note",
        "note {|also|however} that",
        "^ {|important|quick|side|a|one|please|also|special|safety|brief|final|last} {note|notice|disclaimer|reminder|"
        "heads up|heads - up|warning|warnings|caution|attention|danger|alert|important|caveat|beware|remember|careful|nb|"
        "n . b .} {:|!|-|—|–|,|of caution}",
        "{keep|bear} {|this|that|it|these|one thing|the following|_ _} {in|always in} mind",
        "be {careful|cautious|aware|mindful|wary}",
        "be {very|extremely|particularly|especially|always|more|doubly|super|really|extra|a little|a bit|quite|also} "
        "<careful>",
        "be {very|fully|also|especially|particularly} aware",
        "^ {|please|just|always|but|and|also|so|then} {|,} be {<careful>|sure|warned|advised|prepared|on the lookout|on "
        "guard|conscious|certain}",
        "{,|and|but|please|should|must|always|so|just|need to|have to|also|you'll want to} be {sure {to|you|that|the|it|"
        "not}|warned|advised that|on the lookout|vigilant|prepared for}",
        "{make|making} {|absolutely|doubly|quite} {sure|certain {that|you|to|it|the}}",
        "double {|-} check",
        "^ {|please|always|also|and|just|but|first} {|,} {ensure|verify|see to it} {that|you|the|your|it|all|there}",
        "please ensure",
        "^ {|please|just|and|but|also|always|so} {|,} remember {|,} {:|that|to|the|not|you|your|it|there|if|when|always|"
        "never|this|these}",
        "remember {that|,|:}",
        "{don't|not to|let's not} forget {to|that|about|the|your|it|how|you|a|,|:}",
        # do not
        "^ {|please|so|and|but} {|,} {never|don't} {|ever} {mix|use|try|touch|leave|put|open|eat|drink|ingest|swallow|"
        "share|take|exceed|combine|attempt|operate|drive|lift|store|expose|rely|ignore|add|apply|heat|pour|connect|plug|"
        "click|trust|send|remove|force|burn|approach|feed|enter|disclose|assume|underestimate|skip|rush|give {out|your|"
        "it|them}|place|allow|look|pull|cut|run|throw|mistake|confuse|overdo|overuse|overload|overheat|reuse|microwave|"
        "freeze|wash|spray|smoke|handle|walk|swim|stand|hold|go|sign|pay|reply|turn|set|work|reach|test|buy|breathe|"
        "inhale|shake}",
        "{whatever you do|under no circumstances|on no account}",
        "^ {|please|always|try to|also|and|so|but|you should|at all costs} {|,} {avoid|refrain from|steer clear of|stay "
        "away from|keep away from|keep clear of} _",
        "{should|must|best to|better to|advised to|advise you to|important to|recommend that you} {avoid|steer clear of|"
        "stay away from|refrain from}",
        "{watch|look} out {for|that|!|if}",
        "{watch|mind} {your step|your head|the gap|your back|your tongue}",
        "beware {of|that|!|:|if|when|the}",
        "take {|great|extra|special|good|extreme|particular} {care|precautions} {not|when|to|with|that|in|if|around|"
        "while|before|as|lest}",
        "{use|exercise|with|advise|urge|requires|require|recommend|using|exercising} {|great|extreme|extra|some|due|the "
        "utmost|particular|utmost} {caution|care|discretion} {|!|.|,|when|if|and|with|in|on|around|as|$}",
        "{proceed|handle|drive|tread|read|think} {carefully|with caution|with care}",
        "at your own {risk|peril}",
        "with a {grain|pinch} of salt",
        # what may happen
        "{can|could|may|might|would|will|is|are|highly|very|extremely|potentially|also|quite} {|be|also be|prove|very|"
        "extremely|highly|also|potentially|both|become|be very|be extremely|be quite|be highly|be potentially|be both} "
        "<danger> {to|if|for|or|and|,|.|when|in|at|because|as|even|!|;|$}",
        "{not|isn't|never} {|generally|usually} {safe|advisable|recommended|a good idea|wise} {|to|for|if|and|!|,|.|at|"
        "in|when|unless|$}",
        "{strongly|highly|would} {advise|recommend|urge|caution|warn} {|you} against",
        "{advise|warn|caution|recommend|advised|warned} {|you|strongly} {against|not to}",
        "{i|we|let me|i'd like to} {|must|should|have to|would|want to|would like to|need to} {warn|caution|remind} {|"
        "you}",
        "{a|one|some|another} {word|words|note} of {caution|warning}",
        "{be warned|heads up|heads - up|fair warning|you've been warned|buyer beware|stay safe|better safe than sorry|"
        "think twice|err on the side of|side of caution|stay alert|if in doubt ,|when in doubt ,}",
        "{there's|there are|runs|poses|carries|carry|pose} {|a|the|some|serious|several|real|significant} {|serious|real|"
        "high|health} {risk|risks|danger|dangers} {of|that|to|in|involved|associated|if|with|when|for}",
        "you {should|must} {|really|also} {never|not|always be|be careful|be aware|be cautious|take care|make sure}",
        "keep {|it|this|them|_|all _|the _} {away from|out of} {|the} {reach|children|heat|fire|flames|pets|direct}",
        "^ {|please} always {wear|check|use|follow|consult|read|test|keep|double|check|ensure|confirm|supervise|unplug|"
        "wash|store|verify|ask|remember|back up|handle|switch|turn off}",
        "{please be|you are|be} {advised|warned|cautioned} {that|to|not|against}",
        "{caveat|caveats} {|here} {is|:|that}",
        "{not|never} be {taken lightly|left unattended|mixed with|underestimated|ignored}",
        "{one|another} {thing|caveat|caution} to {|_} {note|remember|be careful|watch|keep}",
        "take note {of|that|:|,}",
        "^ never forget {to|that|about|the|your}",
    ),
    exceptions=(
        "{he|she|they|we|i|which|who|it} {|always|must|should} {made|makes|make} sure",
        "{to|i'll|we'll|you'll|they'll|let me|let's|trying to|how to|helps|help} {|always|also} {make|making} sure",
        "make sure {{i|we} {understand|have|get|got|can|give|don't}|i'm}",
        "^ {|and|but|so|please} {|,} {never|don't} {take {it|this|that} {out|personally}|look back|give up|go anywhere|"
        "try to {tell|make me}}",
        "{don't|never} {hesitate|know}",
        "{was|were|are|is|became|not|i'm} {|_|very} {careful|aware|cautious|mindful} of",
        "{i|we|he|she|they} {note|noted|notes|remember|remembered} {that|the|a|my|when|how}",
        "^ remember me",
        "take care {of|$|,|!}",
        "{was|were} {illegal|toxic|fatal|deadly}",
        "{that|which|things|content|answers} {are|is|may be|could be|might be} <danger>",
        "by making sure",
        "{important|essential|crucial|vital} to {you|me|them|him|us|her|people|many} {,|.|and|because|that}",
        "{in|is|are|was|were} {|_} illegal in",
        "^ attention {to|span|deficit}",
    ),
)

EMPATHY = Lexicon(
    "empathy",
    (
        # I understand how you feel
        "i {|can|could|do|completely|totally|truly|fully|really|deeply|certainly|definitely|just|absolutely|also} {|only|"
        "completely|totally|truly|fully|really|well|definitely|certainly|absolutely|easily|even|begin to|deeply} "
        "{understand|imagine|appreciate|see|hear|know|get|feel|realize|realise|recognize|recognise|sense|tell|"
        "acknowledge|respect} {{how|just how|exactly how} {this|it|that|things|all this|losing _|_ _} {|must|can|could|"
        "might|may} {|is|be|feels|feel|have been} {|a} {|<very>} <hard>|{how|how much|how deeply|that|just how|exactly "
        "how|what} {you|you're|you've} {|must|might|may|are|all|really} {|be|have been|been} {|<very>} {feel|feeling|"
        "felt|miss|care|love|hurt|<upset>|going through|loved|suffered|through}|how {alone|tired|much|deeply|lost|sad|"
        "hurt|scared|lonely|worried|painful|upset|frightened|overwhelmed|angry|hard|difficult|strongly|<hard>} {you|this|"
        "that|it}|{that|how} {you're|you feel|you may be|you might be|you must be|you've been|you're feeling|you may "
        "feel} {|feeling|going through|very|really|so|a bit|under|quite|having|struggling with|dealing with|facing|"
        "extremely|in|coming from} {|a|some} {<upset>|<hard>|a lot|<pain>|stress|pressure}|{|you're|you are} {feeling|"
        "going through} {|very|so} {<upset>|a lot|a <hard>}|why {this|that|it|you|you're|you'd} {|you|would|might|must|"
        "may|feels|makes you|are} {|feel|felt|be|are} {|<very>} {<upset>|<hard>|upset you|hurt you|feel that way|that "
        "way}|{what|all that} {|it is} {you|you're|you are|you've been|it's like} {|to} {going through|feeling|feel|"
        "experiencing|dealing with|facing|been through|lose|be|carrying}|{the|your|this|such} {|deep|sense of|feelings "
        "of|_} <pain>|where you're coming from|that {it|this} {hurts|is hard|means|matters|must be hard|can be hard}|"
        "that {this|it} {is|can be|must be} {a|an} {|<very>} <hard>}",
        "i {hear you|feel for you|sympathize|sympathise|empathize|empathise}",
        "i {can|do|truly|really|deeply|completely} {empathize|empathise|sympathize|sympathise}",
        "i {hear|understand} that {you {feel|are}|you're} <upset>",
        # sorry for you
        "{i'm|we're|so|very|truly|really|terribly|deeply} {|<very>} sorry {to {hear|learn|read}|for {your|the} {|great|"
        "tragic|terrible} {loss|pain|grief|losses}|for what you|for all you|{|that} {you {feel|felt|had to|have to|lost|"
        "went|experienced}|you're {feeling|going|having|<upset>|in}|you've}|this happened|that happened|this is "
        "happening|about your {|_} {loss|_}|{he|she|they} {said|did|died|hurt|left|treated}|it hurts|things are|life is|"
        "that {he|she|they|things|it|life|this}|your}",
        "sorry {to hear|for your loss|about your loss}",
        "{my|our|deepest|heartfelt|sincere|sincerest} {|deepest|sincere|heartfelt|sincerest} {condolences|sympathies|"
        "sympathy}",
        "{my|our} {heart|thoughts|prayers|hearts} {|truly|really} {goes out|go out|aches|breaks|are with|is with|and "
        "prayers|is heavy|hurts|is breaking}",
        "{sending|send} {|you} {|lots of|much|all my|a|so much|a big} {love|hugs|strength|warmth|hug|comfort}",
        "i wish {|that} {i could|i were there to|there was something i could} {|just} {take|make|ease|hug|help you|give "
        "you|sit with|do} {|the|your|it|this|you|a|to}",
        # that must be hard
        "{that|this|it|things|losing {_|_ _}} {|really|all|just|surely} {must|has to|must've} {have been|been|be|feel|"
        "have felt} {|so} {|a|an|such a|such an} {|<very>} <hard>",
        "^ {|oh ,|wow ,} {that|this|it} {|really|all|certainly} {sounds|seems|feels} {|like} {|a|an|such a} {|<very>} "
        "<hard>",
        "{sounds|seems} like {you're|you've|this has been|it's been|things are|you feel} {|<very>|feeling|having|going "
        "through|been through|under|carrying|dealing with} {|a|an|some} {|<very>} {<upset>|<hard>|a lot {on your|going "
        "on|to deal|to carry|to handle|lately|right now}|so much|stress|pressure|pain}",
        "you must {be|feel|have been} {|feeling|<very>|in|under} {<upset>|so much|a lot of|<pain>}",
        "{this|it|that|these} {is|are} {|clearly|always|never|truly} {|such} {a|an|} {|<very>} <hard> {time|times|moment|"
        "moments|situation to|experience|period|loss|place to|position to|feeling|day|days|season|ordeal|blow|thing to "
        "{go|face|hear|live}}",
        "^ {|oh ,|wow ,} that's {|<very>|just|never} {tough|rough|awful|heartbreaking|terrible|horrible|hard|sad|"
        "upsetting|devastating|painful|brutal|dreadful|unfair|a lot to {deal|carry|take|handle|process|bear}} {|to {hear|"
        "go through|deal|lose|carry}|,|.|!|news|$|for you}",
        "^ {|oh|oh ,} how {|very|truly|absolutely|terribly} <hard> {|it|this|that|for|to|you|!|.|$}",
        "{what|such} {a|an} {|<very>} {<hard>|cruel|heavy} {|and <hard>} {thing|time|loss|experience|situation|day|week|"
        "position|blow|shock|feeling|burden|place|story|year|way|news} {|to|for|!|.|,|you|that|$}",
        "you're {|clearly|really} {going through|having} {|such|something} {|a|an|some} {|<very>} <hard> {time|times|"
        "period|patch|moment|experience|situation|week|day|year}",
        "you've {|already|clearly|really} been through {|such|quite} {a lot|so much|hell}",
        "{you've|you're} {|clearly|already} {|been} {dealing with|carrying|facing|going through} {|quite} {a lot|so much}",
        # you are not alone, it is all right
        "{you're {|certainly|definitely|absolutely|truly} {far from|by no means|not}|you aren't} alone {|in|!|.|,|with|"
        "and|here|$}",
        "you {don't|shouldn't|needn't} {|ever} {|have to|need to} {go through|face|do|deal with|carry|handle|bear|suffer|"
        "be|feel} {|with} {|this|it|that|all this|any of this|guilty|ashamed} {alone|by yourself|on your own|ashamed|"
        "strong all the time|for feeling|about feeling}",
        "{it's|this is|that's|is|are|they're} {|<very>|not only|only|more than} {okay|ok|alright|all right|fine|normal|"
        "natural|understandable|valid|human|only human|common} {|and _|, and|for you|for anyone} {to {|be|not|still|"
        "just} {feel|cry|grieve|need {|a|some} {time|help|rest|break|space}|mourn|worry|be {|a little|a bit|so} <upset>|"
        "rest|miss|struggle|want to cry|have {mixed|these|doubts} _|ask for help|<upset>}|{that|if} {you {feel|may feel|"
        "miss|cry|need {time|help|space}}|you're {feeling|<upset>}}}",
        "{it's|that's|this is} {|<very>} understandable {that {you|you're|this|it}|to {feel|be <upset>|want|need|miss|"
        "worry|have}|why you|,|.|!|given|$}",
        "{completely|perfectly|totally|entirely|absolutely} {understandable|valid} {,|.|!|$|to feel|that you|given}",
        "{no|small} wonder {|that} {you|you're}",
        "{{anyone|anybody|everyone|most people|many people} would|i'd} {|have} {be|feel|felt|been|find {this|it|that}} {|"
        "just|so|very|equally|also|as} {<upset>|the same|that way} {too|in your|,|.|!|$}",
        "{your|these|those} {feelings|emotions|pain|grief|anger|sadness|frustration|reaction|fear|fears|tears|anxiety} {|"
        "here} {are|is|matter|matters|make|makes} {|<very>} {valid|real|okay|normal|understandable|important|sense|"
        "justified|natural|matter|not wrong|legitimate|$|.|,}",
        "your feelings {are|matter}",
        "{i'm|we're|i'll be|i'll always be} {|always|right|also|still|truly} here {for you|to listen|to support you|with "
        "you}",
        "here for you",
        "{be|go} {|very|extra|so} {gentle|kind|easy|compassionate|tender} {with|to|on} yourself",
        "{give|allow|forgive|don't be too hard on|don't be hard on|don't blame|don't beat|let} yourself {up|to {feel|"
        "grieve|cry|rest|mourn|heal}|{|some|the|a} {grace|space|break|credit|compassion}|permission to {feel|grieve|rest|"
        "cry}|time to {feel|grieve|rest|heal}|for {feeling|this|what}}",
        "{take|need} {|all|as much|your} {|the} time {|that|as} {|you} {|need} to {grieve|heal|rest|process|mourn|"
        "recover|feel|cry|breathe}",
        "take {all|as much} {|the} time {|as} you need {$|.|!|,}",
        "hang in there",
        "{it's|this is|that's|none of this is} {|really|certainly|absolutely|definitely} not your fault",
        "{it|that|this} {|all|really} {makes|make} {|perfect|total|complete|a lot of|so much} sense {|that} {to feel|"
        "you'd|you're|you} {|would|feel|might|be} {|feel|feeling|be} {|<very>} {<upset>|this way|that way|the way}",
        "{no one|nobody|you don't} {should|deserves|deserve} {|ever} {|have|to} {|to} {go through|be treated|feel|deal "
        "with|face|suffer|carry|that|this}",
        "you have every {right|reason} to {feel|be|grieve}",
        "{words|nothing i say|nothing} {can|could|cannot|can't|fail} {|ever|truly|fully} {|ease|take away|express|make|"
        "bring|describe} {|your|the|how} {pain|loss|sorrow|grief|back|sorry|$|.}",
        "take {it|things|this} one {day|step|hour} at a time",
        "{with you|by your side} in {this|your}",
        "{thank you|thanks} for {trusting me with this|opening up|sharing {something so|this with me|how you feel}}",
        "{losing|loss of} {a|an|your|someone} {loved one|you love|close|beloved|parent|friend|child|mother|father|pet|"
        "dog|cat} {is|can be|hurts|feels} {|never|always|one of the} {|<very>} {<hard>|easy|hardest}",
        "{that|this|it} must {hurt|sting|weigh}",
        "i can relate {to {that|this|how|what|your}|,|.|!|$}",
        "i know {this|it|that} {is|must be|feels} {<very>|} <hard>",
        "{sounds|seems} like you {had|have had|are having|were having} {|quite|such} {a|an} {<very>|} <hard>",
        "it hurts {to|when|so much|that}",
        "{okay|ok|all right|alright|fine} {not to|to not} be {okay|ok|all right|fine|strong}",
        "{grief|healing} takes time",
        "what you {feel|are feeling} is {normal|valid|natural|real|okay|understandable}",
        "i know {the|that} feeling",
        "^ oh no , {that's|that must|i'm sorry|how}",
    ),
    exceptions=(
        "be gentle with {the|your|it}",
        "{if|when} you're {|really|still} having",
        "take all the time you need {for|in|on|with} {the|your}",
        "{sorry|sorry that|sorry if} {i|we|it|this is|my|our} _",
        "sorry for {your|any|the} {|_} {confusion|inconvenience|mistake|misunderstanding|trouble|delay|error}",
        "{must|has to|had to|would|might} be {|a} hard {drive|disk|copy|boiled|to {find|tell|say|beat|get}}",
        "{it|that|this} {sounds|seems|feels} {|like} {|a|an} {|<very>} {challenging|unfair|terrible|cruel|awful|sad} {|"
        "and _} {task|project|problem|question|idea|thing|way|situation for|person}",
        "{must|would} be {sad|hard|rough|heavy|tough} {and|or|enough}",
        "i {don't|didn't|never} {understand|see|know|get}",
        "{can|could|do} you {|really} _ how",
        "{that|which|n't|not} i can relate",
    ),
)
