"""Phrases of manner: politeness, enthusiasm, swearing, and who speaks to whom."""

from offtarget.lens.surface.lexicon import Lexicon

FIRST_PERSON = Lexicon(
    "first_person",
    ("{i|me|my|mine|myself|i'm|i've|i'd|i'll}",),
    exceptions=(
        "i . e",
        "i )",
        "i .",
        "vi and i",
        # the number one
        "{charles|james|george|elizabeth|william|napoleon|henry|edward|mary|francis|nicholas|leopold|alexander|peter|"
        "catherine|otto|ramesses|frederick|pedro|ferdinand|rama|justinian|theodosius|darius|xerxes|seti|christian|gustav|"
        "philip|pius|paul|richard|robert|wilhelm|joseph|constantine|leo|gregory|mehmed|suleiman|manuel|basil|romanos|"
        "john|louis|charlemagne} i",
        "{act|part|class|type|chapter|phase|volume|section|book|title|war|stage|article|level|group|table|figure|fig .|"
        "schedule|division|case|tier|category|grade|bipolar|step|calculus|physics|appendix|vol .|unit|module|exhibit|"
        "episode|season|annex|canto|photosystem|complex} i",
        # the letter
        "{letter|index|variable|current|constant|vector|symbol|pronoun|word|integer|counter|subscript|int|iterator|vowel|"
        "imaginary|matrix|value|parameter|iteration|loop|var|interest|intensity} {|\"|'} i",
        "the i {in|of|th|-|is|has}",
        "{write|use|put|call|let|denote} i {for|as|be|denote|stand}",
        "for {|(|int|let|var|each} i {in|=|from|ranges|runs}",
        "i {=|<|>|+|*|/|[|]}",
        "{=|<|>|+|*|/|(|[} i {=|<|>|+|*|/|[|]|)|,}",
        "i / o",
        # a pit
        "{a|an|the|gold|coal|silver|copper|iron|diamond|land|salt|tin|uranium|each|every|old|abandoned} {|_} mine",
        "mine {shaft|shafts|workers|field|fields|site|closed}",
        "{data|to|can|who} mine {bitcoin|for|the|coal|gold|ore|data}",
        # a state, an illness, a word
        "{portland|augusta|bangor|lewiston|brunswick|camden} , me",
        "me {syndrome|/|cfs}",
        "{i|me|my|mine|myself} is {a|the} {pronoun|possessive|personal}",
        '" {i|me|my|mine|myself} " {is|are|as|means|can|has|and|or|refers|should}',
    ),
)

SECOND_PERSON = Lexicon(
    "second_person",
    (
        "{you|your|yours|yourself|yourselves|you're|you've|you'd|you'll|y'all|yall|ur|urself|youd}",
        "u {are|can|r|have|know|want|need|should|will|could|do|get|don't|think|guys|like|say|see|go|make|might|must|"
        "wanna}",
        "{thank|see|love|miss|are|do|can|if|for|to|with|when|what|how|tell|why} u {$|!|?|,}",
    ),
    exceptions=(
        '" {you|your|yours|yourself} " {is|are|as|means|can|has|and|or|refers|should}',
        "{you|your|yours|yourself} is {a|the} {pronoun|possessive|personal}",
        "{city of|ancient|at} ur",
        "{the|a|to|german} u",
        "{thank|see|are|do|can|if|for|to|with|when|what|how|tell|why} u .",
    ),
)

POLITENESS = Lexicon(
    "politeness",
    (
        "{please|thanks|grateful|plz|pls|thx|thankyou|tysm|thank u|much obliged}",
        "^ kindly",
        "kindly {send|let|note|wait|provide|reply|do|refrain|check|contact|ask|see|review|confirm|find|share|return|"
        "accept|take|give|help|advise|remember|ensure}",
        "thank you",
        "{many|my|with|heartfelt|sincere} {thanks|gratitude}",
        # asking
        "{would|could} you {|please|kindly|also|perhaps|possibly|maybe|just} {be so kind|be kind enough|mind|tell|send|"
        "give|help|show|explain|wait|provide|share|clarify|elaborate|let|pass|write|repeat|make|check|describe|specify|"
        "rephrase|come|take|bring|look|put|open|close|add|confirm|turn|keep|hold|read|stop|call|find|point|list|walk|fix|"
        "lend|move|spell|try|sit|suggest|recommend|remind|expand|please|kindly|forward|translate|speak}",
        "{would|could|can|will} you please",
        "{would|do} you mind",
        "if you {don't|wouldn't|do not|would not} mind",
        "if {you could|you'd} {please|kindly|be so {kind|good}|be kind enough}",
        "be so {kind|good} as",
        "if {it's|it isn't|that's} {not|no|} {|too much|any|a} {trouble|bother|inconvenience}",
        "too much {trouble|to ask}",
        "{may|might} i {|please|also|just|humbly|perhaps|kindly} {suggest|ask|add|have|offer|point|know|say|recommend|"
        "come|borrow|inquire|help|request|propose|remind|take|sit|join|use|speak|see|interrupt}",
        "may i",
        "could i {|please|perhaps|possibly|just|trouble} {have|get|ask|borrow|trouble|bother|see|use|please}",
        "can i please",
        "if i may",
        "{i'd|we'd|would} {|really|greatly|very much|truly|be} {|most|very|so|much|really} {appreciate|grateful|obliged|"
        "thankful}",
        "{i|we} {|really|greatly|truly|very much|do|so|also|sincerely|deeply|certainly|highly} appreciate {your|it|the|"
        "that|this|you|any|all|if|everything|how}",
        "{much|greatly|highly|very much|deeply|would be|truly|sincerely|so} {|very|greatly|highly|much|most|truly} "
        "appreciated",
        "{excuse|pardon|forgive} me {,|.|!|?|for|but|if|$}",
        "{beg|begging} your pardon",
        "{with {|all} due respect|at your {|earliest} convenience|no rush|sorry to {bother|trouble|interrupt}}",
        # greeting
        "^ {allow me to|with respect ,}",
        "{pleased|nice|pleasure|good|lovely|delighted} to meet you",
        "{ladies and gentlemen|dear sir|dear madam|to whom it may concern}",
        "^ dear {_|_ _|_ _ _|[ .. ]|mr . _|mrs . _|ms . _|dr . _} {,|:|!|$}",
        "good {morning|afternoon|evening} {,|!|.|to|$}",
        # answering thanks
        "you're {|very|most|more than|so|always|quite} welcome {!|,|.|$|for|and}",
        "^ {most|very} welcome {!|,|.|$}",
        "don't mention it",
        "^ {|it's} {my|with} pleasure {|!|,|.|to {help|assist|meet|serve|hear}|$}",
        "{it's|it was|it's been} {|always|such} {my|a|an} {|great|real|true|absolute} {pleasure|honor|honour|privilege} "
        "{!|,|.|$|to {help|assist|serve|meet|hear|work|have|be}}",
        # parting
        "^ {yours|your} {|very} {sincerely|faithfully|truly|respectfully}",
        "{kind|best|warm|warmest|kindest|with|my} {regards|wishes} {|,|.|!|$|to|and}",
        "{with|and} {|kind|best|warm|many} {regards|best wishes|thanks and}",
        "^ {regards|sincerely|respectfully|cordially|warmly|gratefully|with gratitude|with thanks|faithfully} {,|.|!|$}",
        "^ {respectfully|humbly} {,|i|we}",
        "{respectfully|humbly} {request|ask|submit|suggest|disagree|decline}",
        "^ {|and|please|then|so|now|thanks , and} {|,} {have|enjoy} {a|an|the|your} {|very|really|most|truly} {great|"
        "nice|good|lovely|wonderful|pleasant|safe|fantastic|fine|blessed|beautiful|happy|amazing|relaxing|rest of} {|"
        "rest of your|rest of the} {day|weekend|evening|time|trip|night|week|one|afternoon|morning|holiday|year|stay|"
        "flight|journey|vacation|meal|your day}",
        "{hope you|and|,} {have|enjoy} a {|very} {great|nice|good|lovely|wonderful|pleasant|safe|fantastic} {|rest of "
        "your} {day|weekend|evening|time|trip|week}",
        "{wish|wishing} you {|all|a|the|every|both} {|the|very} {best|luck|success|happy|wonderful|good|great|well|"
        "pleasant|joy|speedy|lovely|fine|safe}",
        "all the best {,|!|.|to|$|with|for}",
        "{i'm|we're|most|so|truly|deeply} {|so|very|most|deeply|truly} {thankful {for your|to you|if}|obliged|indebted}",
        "for your {|kind|valuable|continued|time and} {patience|consideration|cooperation|understanding|kindness|"
        "hospitality}",
        "{yes|no|thank you|sorry|hello} , {sir|madam|ma'am}",
        "would it be possible",
        "^ {cheers|take care} , {_|_ _} $",
        "^ after you {.|!|$}",
        "permit me {,|to}",
        "^ enjoy your {weekend|day|evening|stay|trip|meal|holiday|flight|vacation}",
        "{should|would} be {glad|most grateful|obliged|much obliged} if",
        "{excuse|pardon|forgive} my",
        "hope {this finds you|{you are|you're} {well|doing well}|all is well}",
        "^ {sir|madam|ma'am} ,",
    ),
    exceptions=(
        "{to|can|cannot|can't|will|would|not|might|could|you|i|he|she|they|we|it} please",
        "{as|if|whatever|when|wherever|however} {you|they|we} please",
        "thanks {to|in part to|largely to}",
        "you're welcome to",
        "would you {believe|imagine|like|rather|say|prefer}",
        "{how|why|what|where|when|who|which|never|if|that|as|so} {could|would} you",
        "{the|a|his|her} kindly",
        "^ kindly {old|man|people|soul}",
        "{give|gave|giving|gives|say|said} thanks",
        "{did|do|if} you have a",
        "{with|in} regards to",
        "how {could|would|can} you",
    ),
)

ENTHUSIASM = Lexicon(
    "enthusiasm",
    (
        "{wow|yay|hooray|hurray|hurrah|woohoo|woo {|-} hoo|yippee|wahoo|huzzah|yeehaw|omg|congratulations|congrats|ta {|"
        "-} da|hallelujah|mazel tov}",
        "{bravo|kudos|oh my {gosh|goodness}|holy {cow|moly}|hip hip}",
        # Great!
        "^ {|oh|ah|well|yes|hey|that's|this is|it's|how|so|that sounds|sounds|you're|looks} {|,|!} {|<very>|how} "
        "{<delight>|great|excellent|perfect|super|lovely|hilarious|so cool|cool|sweet|beautiful|the best|so much fun|"
        "{good|great|amazing|exciting|wonderful|fantastic} {news|job|work|choice|idea}|nice {job|work|one}|fun|nice} !",
        "^ {well done|way to go|nicely done|{good|great|nice|awesome|amazing|excellent} {job|work|going|choice|idea}|you "
        "did it|we did it|i did it|let's {go|do this|do it}|here we go|bring it on|game on|party time|{hell|heck|oh} "
        "{yes|yeah}|count me in|sign me up|cheers|go for it|best day ever|best _ ever|enjoy|have fun|lucky you|oh boy|"
        "merry christmas|boom|nailed it|love it|superb|so {cool|good|exciting|happy}|finally|success|fingers crossed|"
        "rock on|you rock|go team|victory} !",
        "^ {well done|way to go} {,|you|everyone}",
        "{you rock|high five|so much fun|so exciting|best ever|dream come true|over the moon|on cloud nine|jump for joy|"
        "jumping for joy|can't get enough|three cheers|made my day|make my day|buckle up|what are you waiting for|look "
        "no further|you're in for a treat|you'll love|let the {fun|games|adventure} begin|=here's to|blew my mind|takes "
        "my breath|dreams do come true|let's go ! !|let's party|let's celebrate|time to celebrate}",
        "happy {birthday|new year|anniversary|holidays|easter|halloween|thanksgiving|graduation|diwali}",
        "get ready {for|to}",
        "prepare to be {amazed|dazzled|wowed}",
        # What a day, how lovely
        "what {a|an} {|<very>} {<delight>|joy|thrill|delight|treat|blast|lovely|great|beautiful|perfect|fun|cool|"
        "pleasure|triumph|nice|sweet|relief|ride|game|feast|win|day !|night !}",
        "such {a|an} {|<very>} {<delight>|joy|thrill|delight|treat|blast|lovely|beautiful|fun|cool|pleasure}",
        "what {|great|good|wonderful|fantastic|amazing|sheer} {joy|fun|news|bliss|happiness|delight|excitement} {!|,|.|"
        "it|to}",
        "how {|absolutely|very|truly} {exciting|wonderful|lovely|fun|marvelous|marvellous|delightful|fantastic|thrilling|"
        "amazing|awesome|cool|great|beautiful|delicious|splendid|brilliant|fabulous|adorable} {|!|.|that|to|is|it|you|"
        "for}",
        # It is wonderful
        "{that's|this is|it's|that was|it was|they're|you're|sounds|looks|feels|these are|this was|it will be|it'll be|"
        "everything is|life is} {|<very>|nothing short of|a|an|such a|such an|one of the most|the most} {|<very>} "
        "{<delight>|so much fun|a blast|joy|delight|dream|dream come true|thrill|the best !|heaven|bliss|out of this "
        "world|{great|perfect|lovely|beautiful|excellent|cool|fun|nice|super} !|{wonderful|great|excellent|exciting|"
        "amazing|fantastic} news|treat|masterpiece|so {cool|good|great|fun}}",
        "{the|this|that|your|our|my|these|those|every|each} {_|_ _|_ _ _} {is|are|looks|look|sounds|tastes|taste|smells|"
        "feels|will be|was|were} {|<very>|nothing short of|a|an} {|<very>} {amazing|awesome|fantastic|wonderful|exciting|"
        "thrilling|delightful|fabulous|terrific|superb|marvelous|marvellous|magical|stunning|delicious|phenomenal|"
        "spectacular|breathtaking|magnificent|splendid|glorious|unforgettable|gorgeous|sensational|heavenly|outstanding|"
        "adorable|exquisite|mind - blowing|brilliant|out of this world|divine|a joy|a delight}",
        "{the|this|that|your|my} {_|_ _} {is|looks|are|will be} {|<very>} incredible",
        "{a|an|some|such|your|this|these|our|most|more|and|or|,|with|of|truly|many|for|other|another|so|absolutely|"
        "simply|really} {|<very>|most|more|truly|_ and} {amazing|awesome|fantastic|wonderful|thrilling|delightful|"
        "fabulous|terrific|superb|marvelous|marvellous|breathtaking|magnificent|unforgettable|mind - blowing|"
        "mouthwatering|mouth - watering|phenomenal|spectacular|splendid|glorious|exhilarating|exciting|delicious|"
        "gorgeous|adorable|stunning|incredible|magical|brilliant {idea|work|way|performance|film|job|show|mind|time|plan|"
        "solution|!}}",
        # I am thrilled, I love it
        "{i'm|we're|i was|we were|i feel|i'd be|i'll be|we'd be|feel|feeling|be|getting} {|<very>|beyond|super} "
        "<excited> {|to|that|about|for|by|!|.|and|,|you|when|$}",
        "{i|we|i'd|everyone|you'll} {|just|really|absolutely|simply|truly|so|also|always|still|totally|do} {love|adore|"
        "loved|adored} {|!|.|it|this|that|the|these|how|your|my|our|every|all|being|a|seeing|hearing|reading|making|"
        "talking|watching|$}",
        "^ {|just|really|absolutely|simply} {love|loved|loving|adore} {it|this|that|your|the}",
        "{can't|couldn't|can hardly|could hardly} wait",
        "{so much|lots of|loads of|tons of|great|a lot of|pure} fun",
        "{have|had|having} {|so|such|a|the} {much fun|blast|time of {your|my|our} life|ball|{great|wonderful|fantastic|"
        "fabulous|amazing} time}",
        "{filled|full|bursting|brimming|overflowing} with {|so much|such|pure|great} {joy|excitement|delight|happiness|"
        "enthusiasm}",
        "{makes|made|fills|filled|gives|brings} me {|so|very|with|such|great|the|immense} {happy|joy|smile|delight|proud|"
        "thrill}",
        "{great|exciting|wonderful|fantastic|amazing|excellent|fabulous} news",
        "{pure|sheer|absolute} {joy|bliss|magic|delight|heaven|happiness|perfection|excitement}",
        "! ! !",
        "yes ! !",
        "going to be {epic|amazing|awesome|fantastic|wonderful|incredible|{great|fun|so much fun} !}",
        "{was|is|be|had|have|having} {|such} a blast",
        "what {a|an} {_|_ _} !",
        "{the|this|that|your|my|it's} {|_|_ _} {is|looks|so|are} {|<very>} {beautiful|lovely|great|perfect|gorgeous|fun|"
        "cute} !",
        "good for you !",
        "a {huge|big} fan",
        "such a {relief|joy|pleasure} !",
    ),
    exceptions=(
        "{in|make|made|makes|making|fall|fell|of|for|with} love",
        "love {story|letter|affair|triangle}",
        "{not|never|hardly|isn't|wasn't} {|so|very|really|that|a|an|as|exactly} {<delight>|excited|thrilled|delighted}",
        "{an|the|is|are|when|of|in|become} excited {state|electron|electrons|atom|atoms|states}",
        "{a|an|some|of|the} incredible {witness|claim|story|tale|excuse|amount|number|loss|pressure|hulk}",
        "{a|the|his} stunning {blow|defeat|silence|loss}",
        "{a|of|and|some|other|with|or} magical {thinking|realism|powers|creature|creatures|item|items|weapon|spell|"
        "abilities|girl|artifact|being|beings}",
        "{i'd|would} {|really|also} {love|like} to",
        "{those|people|someone|who|god|not} {you|we|they|i} {love|loved}",
        "{i|we} {used to|once} {love|loved}",
        "what {a|an} {|<very>} {mess|pity|shame|waste|nightmare|disaster|terrible|bad|horrible|awful|fool|idiot|lie|bore|"
        "load|day|loss|damn|shitty|dreadful} {|_} !",
    ),
    names=False,
)

PROFANITY = Lexicon(
    "profanity",
    (
        "{damn|goddamn|goddamned|goddammit|dammit|damnit|crap|crappy|piss|pissed|pissing|bullshit|bullshitting|horseshit|"
        "shit|shitty|shits|shitting|shithole|shithead|shitheads|shite|shitload|batshit|dipshit|jackass|jackasses|dumbass|"
        "dumbasses|smartass|badass|fatass|asshat|kickass|asses}",
        "{asshole|assholes|arse|arses|arsehole|arseholes|bastards|bitch|bitches|bitching|bitchy|fuck|fucks|fucked|fucker|"
        "fuckers|fucking|fuckin|fckin|fcking|effing|motherfucker|motherfuckers|motherfucking|fck|clusterfuck|dickhead|"
        "dickheads|dicks|prick|pricks|slut|sluts|slutty|whore|whores|cunt|cunts|twat|twats|wanker|wankers|wank|bollocks|"
        "bugger|buggers|tosser|tossers|cocksucker|cocksuckers|douche|douchebag|douchebags|wtf|stfu|gtfo|omfg|ffs|"
        "hellhole|helluva}",
        # with stars
        "{f|s|b|c|d} {*|#|@} {|*|#|@} {|*|#|@} {ck|k|king|ker|ked|cking|cker|cked|t|tty|ch|tch|nt|mn|n}",
        "{sh|fu|bi|f *} {*|@|#} {|*|@} {t|tty|ty|k|ck|king|cking|ch|tch}",
        "a * * {hole|holes}",
        # hell, and words that are harmless elsewhere
        "{what|who|where|why|how|when} {|in|on} {|the} hell",
        "{go to|to|burn in|rot in|oh|holy|bloody|as|like|of|for the} hell {with|of it|!|.|,|yes|yeah|no|and back|"
        "yourself|$}",
        "{go to|bloody|holy} hell",
        "^ hell {yes|yeah|no|,|!}",
        "the hell {out|up|down|off|is|are|am|do|did|does|was|were|you|i|with|happened}",
        "{be|i'm|so|too|a|those|that|this|these|your|my|no|one|well|god} damned {|if|thing|fool|idiot|near|well|good|"
        "door|car}",
        "{you|that|this|poor|lucky|little|old|rich|stupid|dirty|miserable|greedy|cheap|sick|smug|rude|lying|cold|selfish|"
        "arrogant|cheeky|dumb|evil|filthy|mean|cruel|crazy|ugly|sneaky|some|such a|total|complete|absolute|a|these|those|"
        "right} bastard",
        "^ bastard {!|,|.|$}",
        "{pain|kick|pain right} {|up|in} the ass",
        "{kick|kicks|kicked|kicking|kiss|haul|bust|whip|save|saved|move|get|drag|beat|work|worked|freeze|freezing|cover|"
        "shake} {|my|your|his|her|their|our|some} {|own|sorry|lazy|fat} ass",
        "{my|your|his|her|their|our|sorry|lazy|dumb|fat|stupid|big|bad|hard|weird|long|cheap|huge|whole|half|half -|"
        "smart -|crazy|random|sweet|such an|complete|an absolute|pompous|broke|candy} ass {|!|.|,|off|out|$|on}",
        "{be|being|is|was|such|like|you're|total|complete} an ass {!|.|,|$|to|about}",
        "{a|you|total|complete|huge|such a|real|absolute|what a|selfish|utter|massive|big|his|my|your|their} dick {|!|.|"
        ",|$|to|about|move|sometimes}",
        "suck my",
        "{screw|sod} {you|this|that} {|!|,|.|$}",
        "{bloody|sodding} {|well|stupid|great} {idiot|awful|fool|stupid|useless|brilliant|thing|door|phone|car|nuisance|"
        "ridiculous|nonsense|rubbish|liar|mess|nightmare|train|bus|rain|boring|love|hate|expensive|cold|hot|terrible|"
        "great|good|computer|shame|cat|dog}",
        "{fuck's|sucks ass|suck ass}",
        "f * * *",
    ),
    exceptions=(
        "the bitch {had|has|was|is|and|gave}",
        "{a|every|her|breeding|pregnant|nursing|spayed|female} bitch {and|had|in heat|in whelp}",
        "whore of babylon",
        "the whore of",
        "the prick of",
        "prick {of|your|the|holes|it|with|each|a|test}",
        "{pin|skin|finger|needle} {|-} prick",
        "{horses|oxen|mules|wild|camels|cattle} {|and|or|,} asses",
        "asses {milk|and}",
        "{sent|going|down|descends|descended|condemned} to hell {and|$|.|,}",
    ),
    names=False,
)

CONTRACTIONS = Lexicon(
    "contractions",
    (
        "{dont|doesnt|didnt|isnt|arent|wasnt|werent|havent|hasnt|hadnt|wouldnt|couldnt|shouldnt|mustnt|neednt|aint|cant|"
        "wont}",
        "{im|ive|youre|youve|youll|theyre|theyve|theyll|weve|thats|whats|theres|heres|wheres|hows|whos|itll|thatll|theyd|"
        "youd}",
        "{wanna|gonna|gotta|gimme|lemme|kinda|sorta|dunno|hafta|oughta|shoulda|coulda|woulda|musta|y'all|d'you|y'know|"
        "c'mon}",
        "' {tis|twas|twill|em|cause|til|bout}",
        "=nobody's home",
        "{=everyone's|=someone's|=nobody's|=somebody's|=everybody's|=anyone's} {here|there|fine|going|been|got|not|happy|"
        "different|right|coming|looking|trying|ready}",
        "{=something's|=everything's|=nothing's|=anything's|=one's|=today's} {|not|just|really|so} {wrong|fine|good|gone|"
        "going|been|got|not|happening|changed|up|okay|ok|great|ready|a|the|different|possible|perfect|better|missing|"
        "here|there|in|on|off|broken|coming}",
    ),
    exceptions=("{his|her|their|its|my|your|our|the|as} wont", "the cant", "cant of", "' {em|cause|til|bout} '"),
)
