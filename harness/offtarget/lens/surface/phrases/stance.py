"""Phrases that show how a writer stands to what is said, and how it is joined together."""

from offtarget.lens.surface.lexicon import Lexicon

HEDGES = Lexicon(
    "hedges",
    (
        "{perhaps|maybe|might|possibly|probably|likely|unlikely|seems|seem|seemed|seemingly|apparently|arguably}",
        "{presumably|supposedly|allegedly|reportedly|ostensibly|somewhat|generally|usually|typically|potentially}",
        "{conceivably|tentatively|approximately|roughly|mostly|largely|partly|partially|often|sometimes|hopefully}",
        "{occasionally|normally|commonly|almost|nearly|plausible|plausibly|debatable|questionable}",
        "{about|around|some|nearly|roughly|close to|an estimated|somewhere between} <number>",
        "{days|weeks|months|years|hours|minutes|people|percent|%} or so",
        "{give or take|or thereabouts|in the region of|ballpark|more or less|so to speak|as it were}",
        "{appears|appear|appeared|tends|tend|tended} to",
        "{it|this|that|there} {appears|looks as if|looks as though|sounds as if}",
        "it {looks|sounds} like",
        "{it|this|feels|seems|looks|reads} to me {|as|like|that|it}",
        # modal verbs
        "{it|this|that|there|they|he|she|we|which|who|some|one|people|others|these|those|symptoms|results} may",
        "{you|i} may {|not|also|well|even|still} {be|have|need|want|feel|find|like|experience|notice|prefer|wish|think}",
        "may {be|have|also|vary|need|seem|or may not|well|depend|help|want|lead|cause|require|take|even|still|result|"
        "affect|change|contain|differ|occur|experience|appear|prefer|indicate|mean|feel|find|suggest|include|work|"
        "contribute|increase|reduce|improve|make|provide|offer|benefit|involve|become|sometimes|just|come|fail|apply}",
        "may not {be|have|always|need|work|know|want|apply|even|necessarily|suit|feel|seem|fully|hold}",
        "could {be|have|also|possibly|potentially|mean|explain|lead|cause|help|come|indicate|suggest|result|happen|well|"
        "perhaps|still|easily|make|argue|imply|point|stem|depend}",
        "{it|this|that|there|which|one} could",
        "can {vary|sometimes|differ|depend|occasionally|often}",
        # belief
        "{i|i'd} {|do|personally|still|also|rather|strongly|really} {think|believe|guess|suppose|suspect|imagine|reckon|"
        "assume|gather|presume|feel {that|like|as}|sense|take it|expect|say|argue|bet}",
        "i'm {inclined|tempted} to",
        "i doubt",
        "in my {|humble|personal|own|honest} {opinion|view|experience|mind|judgement|judgment|understanding}",
        "to my {mind|knowledge|eye|ear}",
        "to the best of my {knowledge|recollection|understanding}",
        "as far as {i|we|anyone} {know|can tell|am aware|can see|knows|understand|remember|recall}",
        "from what {i|we} {know|can tell|can see|understand|remember|have read|have seen|gather|hear|recall}",
        "my {|best|own|first|educated} {guess|hunch|impression|understanding|sense|feeling|bet|suspicion|belief} {is|"
        "would|was}",
        "{i'm|we're|isn't|not} {|entirely|completely|quite|really|absolutely|fully|too|so} {unsure|uncertain|not sure}",
        "{i'm|we're} not {|entirely|completely|quite|really|100 %|absolutely|fully|totally|too|so|all that} {sure|"
        "certain|convinced|positive|confident}",
        "{not|hard to|difficult to|impossible to} {|be|quite|entirely} {sure|certain} {if|whether|that|about|what|how|"
        "why|,|.}",
        "i don't know {if|whether|for sure|for certain|exactly}",
        "if {i|i'm} {|not} {recall|remember|recollect|mistaken}",
        "unless i'm mistaken",
        "i {could|may|might} {well|} be {wrong|mistaken}",
        "{correct me if|don't quote me|for all i know|who knows|your mileage may vary|ymmv|imho|imo|afaik|iirc}",
        # limits
        "{it|this|that|answer|much|lot|all|everything} {|really|all|also|largely|mostly|partly|will|may|can} {depends|"
        "depend}",
        "depending on",
        "to {some|a certain|a large|a great|a limited|varying} {extent|degree}",
        "{at least in|in} part {,|because|due|by|to|the|$}",
        "{in|under} {most|some|many|certain|several} {cases|instances|situations|circumstances|respects}",
        "{in general|in theory|in principle|as a general rule|as a rule|for the most part|by and large|on the whole}",
        "{on average|on balance|at times|more often than not|up to a point|if anything|broadly speaking|generally "
        "speaking}",
        "{in a|in a certain|in some} {sense|manner of speaking|ways}",
        "{not|doesn't|don't|isn't|aren't} {necessarily|always|entirely|fully|completely|exactly|quite}",
        "{not|isn't|aren't|poorly|little} {|fully|entirely|completely|yet|well|quite|really|totally|been} {understood|"
        "known|clear|settled|established|conclusive}",
        "{remains|remain|still} {|very|largely|somewhat} {to be seen|unclear|uncertain|unknown|debated|disputed|an open "
        "question}",
        "{is|are|was|were} {|very|rather|still|somewhat|a bit|largely} {unclear|uncertain|inconclusive|debated|disputed|"
        "up for debate|open to {debate|interpretation}|anyone's guess|anybody's guess}",
        "{kind|sort} of",
        "{hard|difficult|tough|tricky|impossible|too early|too soon} to {say|tell|know|pin down|judge|be sure|predict}",
        "{it's|is|are|was|be} {|also|quite|very|at least|always|entirely} {possible|conceivable|probable|doubtful} {|"
        "that|to}",
        "{possible|possibility} that",
        "{a|one} possible {cause|explanation|reason|reading}",
        "one {possibility|theory}",
        "there's {a|some|a good|a fair|a small|a slight|always a} {chance|possibility|likelihood|probability|doubt}",
        "{chances|odds} are",
        "with a {grain|pinch} of salt",
        "{data|evidence|results|findings|signs|studies|research|clues|facts|tests|numbers} {suggest|suggests|hint|hints|"
        "point to|points to|point towards|points towards|point toward|seem|seems}",
        "{some|one|many|critics|people} {might|could|may|would} {also|even|} {argue|say|claim|object}",
        "a {bit|little|touch|tad} {too|unclear|risky|tricky|vague|ambiguous|confusing|off|hard|odd|late|weak}",
        "{fairly|relatively|comparatively|moderately|reasonably} _",
        "as i understand it",
        "it's {|widely|often|generally} {thought|believed|assumed|estimated|said} that",
        "{nobody|no one} {|really} knows {for|exactly|why|how|what|if|whether}",
        "i have a {feeling|hunch|suspicion}",
        "opinions {differ|vary|are divided}",
        "{seldom|rarely}",
        "should {work|suffice|be {fine|enough|okay|about|roughly}}",
        "around {noon|midnight|midday}",
    ),
    exceptions=(
        "{the|his|her|their|its|all|own|our|my|your|with} {|own|full|military|naval} might",
        "might {of|is right|makes right}",
        "i think , therefore",
        "i {say|argue|bet|expect} {_|,|.}",
        "{this|that|these|those|what|the|a|some|any|same|which|every|all|another|other|different|certain|one|right|wrong|"
        "no|new|best|worst|only|first|special|particular|each|many|various|two|of} {kind|sort} of",
        "^ {sort|kind} of _ {sold|made|used|of|is}",
        "{looks|sounds} like {you want|fun}",
        "may not {park|enter|smoke|use|leave|go|pass|touch|take|bring|sell|copy|eat|drive|vote|marry}",
        "could not {open|find|read|load|connect|parse}",
        "{i|we} could {help|also help|assist}",
        "whom it may concern",
    ),
)

BOOSTERS = Lexicon(
    "boosters",
    (
        "{certainly|definitely|absolutely|clearly|obviously|undoubtedly|undeniably|unquestionably|surely|indisputably}",
        "{truly|completely|totally|entirely|utterly|wholly|always|indeed|guaranteed|inevitably|evidently|of course}",
        "{extremely|incredibly|immensely|enormously|tremendously|exceptionally|extraordinarily|unbelievably|insanely}",
        "{literally|plainly|assuredly|decidedly|invariably|categorically|unmistakably|doubtless|unequivocally}",
        "{hugely|vastly|infinitely|remarkably|ridiculously|astonishingly|overwhelmingly|profoundly|supremely}",
        "{100|one hundred|a hundred} {%|percent|per cent} {,|!|safe|sure|certain|right|correct|free|accurate|effective|"
        "agree|positive|of the time}",
        "perfectly {clear|fine|safe|normal|possible|good|legal|okay|acceptable|natural|obvious|true|happy|capable}",
        "simply {impossible|not|the best|the worst|wrong|amazing|no|can't|cannot|untrue|false|ridiculous|wonderful|"
        "unacceptable|stunning|brilliant|perfect|won't|doesn't|don't|isn't|beautiful|terrible|incredible}",
        "{flat out|flat - out|downright|outright|just plain|plain} {impossible|wrong|false|awful|terrible|ridiculous|"
        "untrue}",
        "^ {naturally|make no mistake}",
        "{absolute|utter|sheer|total|complete} {must|nightmare|disaster|joy|nonsense|waste|chaos|certainty|best|worst|"
        "delight|failure|success|genius|madness|necessity|beauty|mess|lie|fool|pleasure|rubbish}",
        "{by far|hands down|at all costs|bar none|without exception|far and away|each and every|every single|once and "
        "for all}",
        "beyond {all|any|a|} {|reasonable|shadow of a} {doubt|question|dispute|compare}",
        "without {|a|any} {|shadow of a} {doubt|question|fail}",
        "{no|little|zero} {|room for|shadow of a} {doubt|denying|mistaking|question about|question that}",
        "there's {no|absolutely no} {question|denying|way}",
        "{needless to say|goes without saying|rest assured|mark my words|plain and simple|no two ways}",
        "the {|simple|plain|hard|sad|honest} {truth|fact|reality} {is|of the matter|remains}",
        "{, |. } period $",
        "{,|.} full stop",
        "{believe|trust} me {,|.|!|:|—|when|$}",
        "i {|can|do|would|very|cannot} {strongly|firmly|fully|wholeheartedly|highly|sincerely} {advise|recommend|believe|"
        "suggest|urge|encourage|support|oppose|condemn|agree|disagree|feel}",
        "{strongly|firmly} {advise|recommend|believe|urge|encourage|oppose|advised|recommended}",
        "{it's|that's|this is} {|really|truly} a {must|given|certainty|no - brainer|sure thing|fact}",
        "a must {- see|- have|- read|- try|$}",
        "{it's|that's|it seems} {|very|quite|really|pretty|also|more than|absolutely|perfectly|painfully|now} {clear|"
        "certain|obvious|undeniable|evident|crystal clear|plain|indisputable|self - evident} {|that|who|what|why|how}",
        "is {obvious|undeniable|indisputable|crystal clear|beyond dispute}",
        "{i'm|we're|one can be|you can be} {|absolutely|completely|quite|very|totally|fully|100 %|so|dead} {sure|certain|"
        "confident|convinced|positive} {|that|of|about|it|he|she|they|we|you will|you'll|you can}",
        "i {|can|personally|do} {guarantee|assure|promise|swear|insist}",
        "{we|you|they} {can|may} {|safely} {be sure|be certain|safely say|count on|rest assured}",
        "{guarantee|guarantees} {that|you|a|success}",
        "{is|are} bound to",
        "for {sure|certain|a fact}",
        "{in fact|as a matter of fact|in truth ,|most certainly|most definitely|with certainty|, to be sure|to be sure ,|"
        "no matter what}",
        "{this|that|which|it} {proves|prove} {that|beyond}",
        "{prove|proves|proven|proved} {beyond|conclusively|without a}",
        "{can't|cannot|couldn't|can not} {|possibly} {be|} {denied|overstated|stressed enough|emphasized enough|go wrong|"
        "fail|stress enough|emphasize enough|recommend enough}",
        "{never ever|nothing but|the very {best|worst|first|last|same|heart}}",
        "{no one|nobody} {can|could|would} {deny|doubt|dispute|question}",
        "{never fails|everyone knows {that|it|this|the}|nothing could be {further|clearer|simpler|easier}|simply must|by "
        "all means}",
        "impossible to {deny|overstate|ignore|miss}",
        "must be {true|wrong|right}",
        "in every {sense|respect}",
        "^ no question {about|,|:|.}",
    ),
    exceptions=(
        "{not|isn't|aren't|don't|doesn't|won't|wasn't|weren't|can't|didn't|never|hardly} {|be} {always|entirely|"
        "completely|totally|certainly|indeed|clearly|truly|absolutely|definitely|extremely|literally|wholly|thoroughly}",
        "{it's|is|that's|isn't|are|am|be|feel} not {|very|quite|so|entirely|really|at all} {clear|certain|obvious|"
        "evident|sure|confident|plain|convinced|positive} {|that|who|what|why|how|of|about}",
        "{speak|see|write|communicate|state|explain|think|read|define|hear|express|label|show|mark|talk|understand|"
        "remember|articulate|as} {|very|more|it|them|your _} {clearly|plainly}",
        "clearly {state|define|defined|communicate|explain|label|labeled|labelled|marked|written|visible|articulate|"
        "outline|identify|explained|stated|indicate|express|communicated|outlined|articulated|show|specify|and}",
        "{cool|cooled|dry|dried|melt|melted|dissolve|dissolved|thaw|cover|covered|drain} {|it|them} {completely|entirely}",
        "until {|it|they|the _} {|is|are|has|have} completely",
        "are you {|absolutely|completely|quite} {sure|certain}",
        "{if|unless|when} you're {|not|absolutely|completely} {sure|certain|confident}",
        "not every single",
        'literally {"|translates|translated|translating|means|meaning|as|,}',
        "{translates|translated|means|translating} {|to|as} literally",
        "impossible to {..} with {|absolute} certainty",
    ),
)

ATTRIBUTION = Lexicon(
    "attribution",
    (
        "according to",
        "as per the {|_|_ _} {census|report|study|law|survey|act|guidelines|latest|article}",
        "<sources> {|now|also|often|generally|still|all|have|has|consistently|increasingly|mostly|widely|clearly|"
        "strongly|usually|long|have long|has long|have also|has also|even|once} <found>",
        "<sources> {from|by|of|in|at|for|into|with} {_|_ _|_ _ _|_ _ _ _} <found>",
        "{a|an|one|the|this|that|recent|another|new|large|same} {|recent|new|_|_ _} <study> {|also|has|later|{by|from|of|"
        "in} {_|_ _|_ _ _}} <found>",
        "{a|an|one|another|recent|this|the|new} {|recent|new|#|large|famous|_} <study> {published|conducted|done|carried "
        "out|by {the|_ and|_ et}|from {the|#}|of #|in #}",
        "{a|an|one|another|recent} {|recent|new|#|famous} {survey|poll|report|study} {by|from} _",
        "the {survey|poll|report|study} {by|from} the",
        "{the|a|an} {|_|_ _|_ _ _} <body> {|of _|of _ _|for _|for _ and _|on _|also|has|now} {recommends|reports|"
        "suggests|warns|advises|estimates|found|{claims|states} that|concluded|reported|estimated|has found|says|notes|"
        "argues|believes|defines}",
        "{|the} <acronym> {|has|also|scientists|data|researchers} {<found>|defines|announced}",
        "the who {says|recommends|reports|states|warns|advises|estimates|declared|defines}",
        "( # ) <found>",
        "( {_|_ and _|_ & _|_ et al .|_ et al|see _} , # )",
        "et al",
        "{cited|quoted} {in|by}",
        "as {reported|described|documented} {in|by}",
        "based on {|recent|new|current|available|scientific|the latest} {studies|evidence|surveys}",
        "based on {a|the} {|recent|new|#} {report|study|survey|poll} {from|by|of|in}",
        "{it|this|that} {has|is|was} {|also|long|now|been|often|long been|also been} {|widely|generally|commonly|well|"
        "often} {shown|believed|reported|accepted|thought|said|estimated|documented|established|proven|demonstrated|"
        "known} that",
        "{is|are|was|were} {|widely|often|generally|commonly} {believed|reported|said|thought|alleged} to",
        "{many|most|some|several|other|leading|few} {|_} {researchers|experts|scholars|critics|scientists|historians|"
        "doctors|economists|philosophers} {|have} {say|believe|argue|think|claim|agree|recommend|consider|suggest|argued|"
        "said}",
        "^ {source|sources|references|citation|citations|bibliography|works cited} {:|$}",
        "as {_|_ _} {|once|famously|later} {put it|puts it|wrote|once said|famously said|argued|observed|points out|"
        "pointed out}",
        "in the words of",
        "in {his|her|their} {|#|famous|own|_} {book|paper|essay|article|study|memoir|lecture}",
        "{he|she|who|einstein|aristotle|churchill|shakespeare|plato|darwin|newton|lincoln|twain} {once|famously} {said|"
        "wrote|remarked|observed|quipped|argued}",
        "per {the|a} {|_|_ _} {report|study|census|guidelines|survey|article|cdc|who|fda|manual}",
        "{researchers|scientists|a team|a professor|economists} {at|from} the",
        "{growing|strong|some|little|no|ample|scientific|clear|limited|solid} {|scientific} evidence {that|for|to|"
        "suggesting}",
        "{scientific|medical|expert|academic} consensus",
        "{tradition|legend|folklore} {says|has it|holds|tells us}",
        "{aristotle|churchill|darwin|descartes|einstein|freud|galileo|gandhi|hume|kant|keynes|lincoln|locke|marx|newton|"
        "nietzsche|orwell|plato|rousseau|shakespeare|socrates|twain|voltaire} {|once|famously} {wrote|said|argued|"
        "believed|claimed|held|taught|called|warned}",
        "in {a|the} # {paper|article|study|book|report|essay|interview}",
        "the {authors|author} {<found>|{argues|notes|concludes|claims} that}",
        "{quoting|citing} {the|a|_ ,|_ and}",
        "as {stated|reported|noted|described} in {the|a|his|her|their}",
        "the police {say|report|believe}",
    ),
    exceptions=(
        "according to {size|plan|color|colour|taste|age|weight|type|need|needs|preference|preferences|schedule|how|"
        "whether|its|their|my|these|what|you|your|his|her|our|date|price|order|height|rank|merit|length|name|package|"
        "this|those|that|each|personal|individual|ability|season|custom|instructions|style|importance|priority|rules}",
        "according to the {package|instructions|instruction|size|recipe|label|rules|following|manufacturer|number|plan|"
        "date|weather|season|type|directions|given|order|needs|weight|specific|same|time|situation|context|length|"
        "pattern}",
        "( # , # )",
        "{findings|data|research|results|evidence} in {a|an|the} {|_} {report|claim|note}",
        "as per {your|my|our|the {request|instructions|user|given|usual}}",
        "evidence for its",
        "is said to be {valid|true|false|equal|linear|even|odd|continuous|a|an|in}",
        "per the project",
    ),
)

TRANSITIONS = Lexicon(
    "transitions",
    (
        "{furthermore|moreover|therefore|additionally|consequently|nevertheless|nonetheless|meanwhile}",
        "^ {|and|but} {however|yet} / {,|the|it|this|i|we|they|he|she|there|in|if|when|some|a|as|you|these|for|not}",
        "{,|)} however / {,|.}",
        "^ {|and|or|but} {thus|hence|similarly|likewise|conversely|accordingly|subsequently|finally|lastly|firstly|"
        "secondly|thirdly|first|second|third|fourth|next|then|afterwards|afterward|thereafter|still|besides|also|instead|"
        "otherwise|in the same way|indeed|alternatively|specifically|notably|regardless|anyway|equally|rather|again|"
        "importantly|ultimately|overall|eventually|later|correspondingly|incidentally|plus|now|so|in fact|in particular|"
        "in general|above all|after all|once done|in turn|in practice|more importantly|most importantly|simultaneously|"
        "elsewhere|to that end} / ,",
        "^ {then|next|finally|afterwards|thus|hence|so|lastly|also|instead|subsequently|therefore|similarly|likewise|"
        "accordingly} / {the|a|you|i|he|she|it|we|they|there|this|these|that|add|his|her|my|your|our|came|comes|go|use|"
        "take|place|put|set|mix|stir|repeat|let|an|one|cut|try|make|pour|write|press|click|select|open|bake|rinse|heat|"
        "check|turn|remove}",
        "{,|;} {thus|hence|conversely|instead|otherwise|similarly|likewise|indeed|rather|then|accordingly|subsequently} ,",
        "and {thus|hence|so ,|then ,|finally ,|lastly ,|subsequently}",
        "{in addition|as a result|as a consequence|in consequence|by contrast|in contrast|even so}",
        "^ {all the same|by the way|for starters|for a start|for one thing|to begin with|not only that|what's more} ,",
        "{,|and} what's more ,",
        "^ {that|this} {said|being said|aside|notwithstanding} {,|-}",
        "{|with} that being said",
        "{,|;|but|and} that said ,",
        "having said {that|this}",
        "with {this|that|these|all this|all that} {in mind|said}",
        "on the other hand {,|the|it|you|we|they|there|if|this|some|many|people|$}",
        "^ on the one hand",
        "on the {contrary|flip side|flipside|plus side|downside|upside}",
        "{in other words {,|:|the|it|you|we|they|there|nobody|no}|at the same time {,|the|it|we|they|you|he|she}|to this "
        "end|that is to say}",
        "for {this|that|these|those} {reason|reasons}",
        "^ {as such|put differently|put another way|to start with|as it turns out|as it happens} ,",
        "{,|;} as such ,",
        "in the {meantime|meanwhile|interim}",
        "^ {after|before|following|during|since|until|beyond|apart from|aside from|besides|because of|due to|thanks to|"
        "owing to|despite|in spite of|in light of|given|on account of|instead of|contrary to|unlike|by doing|regardless "
        "of|in contrast to|compared to|in addition to|along with|on top of} {this|that|these|those|it|which|then|all "
        "this|all that|everything} {,|the|they|he|she|it|we|you|i|let|add}",
        "^ {during|since|after|before|until|given|despite|due to} {this|that|these|those} _ ,",
        "on top of {that|this} ,",
        "first of all",
        "{last but not least|first and foremost|by the same token}",
        "{in the same vein|along the same lines|then again|by comparison|worse still|better still|even better|better yet}",
        "^ {in|by} {conclusion|summary|short|sum|brief|closing|essence|comparison|reality|return|retrospect|the end|this "
        "way|that way|this case|that case|doing so|this regard|this context|any case|any event|either case|parallel|"
        "turn} ,",
        "^ {all in all|at first|at last|at any rate|from there|if so|if not|once again|over time|either way|that way|"
        "this way|as before|to sum up|to summarize|to conclude|soon after|shortly after|later on|all things considered|"
        "by then} ,",
        "^ {this|that|which} is {why|because}",
        "it follows that",
        "^ {last|next up|above all else|as a matter of fact} ,",
    ),
    exceptions=(
        "thus far",
        "as a {result|consequence} of",
        "in {addition|contrast} to {the|a|an|his|her|its|their|your|our|my|being|other|these}",
        "so {far|long|many|much} ,",
    ),
)

EXAMPLES = Lexicon(
    "examples",
    (
        "for {example|instance}",
        "such as",
        "e . g",
        "eg {.|,|:}",
        "ex :",
        "{an|one|another|a|this|that|each|first|second|my|your} {|_|_ _} {example|illustration} {|of|is|are|:|would be|,|"
        "#|from|was|where|might be|could be}",
        "{other|some|more|few|several|common|popular|these|many|notable|specific|concrete|famous|good|best|everyday|"
        "classic|two|three|four|five|further|clear|typical|include|with|give|provide} examples",
        "^ {|here's an|here are} {example|examples} {#|:|of|{one|two|three} :}",
        "{example|examples} {include|are|:|of|would be}",
        "by way of {example|illustration}",
        "{to|let me|let us|let's} {give you|give|take|consider} {an example|one example}",
        "to illustrate {,|this|:}",
        "{exemplified|illustrated|typified} by",
        "including",
        "{and|or|,|)} include",
        "{perks|symptoms|options|benefits|examples|factors|features|causes|ingredients|activities|foods|types|uses|these|"
        "those|they|signs|methods|tools|topics|others|effects|ways|issues|materials|items|things|risks|sources|duties|"
        "services|products|advantages|works|strategies|techniques|applications|reasons|areas|subjects|species|sights|"
        "dishes} {|may|can|also|might|of _} include",
        "{things|stuff|something|items|foods|food|topics|places|companies|tools|activities|animals|countries|cities|"
        "factors|apps|programs|languages|sports|materials|metals|websites|sites|games|issues|symptoms|skills|areas|"
        "subjects|services|products|brands|plants|fruits|vegetables|birds|fish|drinks|spices|herbs|artists|authors|books|"
        "films|movies|shows|words|phrases|questions|devices|platforms|features|ingredients|hobbies|pets|fields|"
        "instruments|resources|events|options|conditions|diseases|colors|colours|creatures|substances|nutrients|nuts|"
        "grains|dishes|genres|techniques|methods|functions|libraries|problems|costs|oils|trees|flowers|minerals|crops|"
        'gases|tasks|jobs|cars|bands|writers|planets|insects|mammals} {|,|(} like {_|"}',
        "( like",
        "^ {|let's|let us} say {|that} {you|we|i|someone|there|a|an|he|she|it}",
        "let's {say|suppose|pretend|imagine {that|a|you|an}}",
        "^ {|now|just|so|but} {suppose|imagine|picture} {|that|for a moment|, for a moment ,} {{a|an} {_|_ _|_ _ _} "
        "{that|who|which|on|with|rolling|is|has}|you|someone|there|we|one|two|your|the case|this scenario|how}",
        "suppose {you|that|we|i|a|an|there|someone}",
        "^ {|now|just} take {|the|the case of|the example of} {_|_ _} {:|, for}",
        "^ {|just|now} think of {a|an|the|how}",
        "{consider|take} {the|this|a} {case|example|scenario|situation|classic example|hypothetical}",
        "^ in the case of",
        "{case in point|namely|viz|among others|and the like}",
        "to name {a few|some|one|but a few|just a few}",
        "as an illustration",
        "for one ,",
        "an instance of {this|that|how}",
        ", like {the|a|an} {_|_ _} ,",
        "let's take {a|an|the}",
        "^ consider {a|an} {coin|ball|man|woman|person|car|company|town|city|student|world|group|box|circle|triangle|"
        "function|simple|typical}",
    ),
    exceptions=(
        "{was|were|is|are|be} such as",
        "{is|was|be|as|set|sets|good|bad|an} {|a|an} {|good|bad|_} example {to|for {his|her|their|your|others|us|all}}",
        "^ take {breaks|notes|action|photos|care|part|time|responsibility|turns|advantage|pictures|control|stock|it|this|"
        "a _|the _} :",
        "{something|someone} like {that|this|you|it|him|her|me|us|them|a|the}",
        "{and|or|,} include {your|the|a|any|all|it|them|this|that|in}",
        "{not|without|even|by|when|consider|of} including",
        "let's take a {step|look|break|moment|closer}",
        "i suppose {i|so|that|you|we|it|the}",
        "{things|stuff} , like {with|people|when}",
    ),
)

NEGATION = Lexicon(
    "negation",
    (
        "{not|no|never|none|nothing|nobody|nowhere|neither|nor|cannot|without|nay|nope|nah|naught|noone}",
        "{dont|doesnt|didnt|isnt|arent|wasnt|werent|havent|hasnt|hadnt|wouldnt|couldnt|shouldnt|mustnt|neednt|aint|cant|"
        "wont}",
    ),
    exceptions=("no . #", "not only", "{his|her|their|its|my|your|our|the|as} wont", "the cant", "cant of"),
)
