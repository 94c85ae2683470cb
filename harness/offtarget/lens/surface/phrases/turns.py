"""Phrases with which an answer opens and closes its turn of a conversation."""

from offtarget.lens.surface.lexicon import Lexicon

FLATTERY_OPENER = Lexicon(
    "flattery_opener",
    (
        # the question, the idea, the work
        "<praise_more> {question|inquiry|enquiry}",
        "{important|valid|relevant|tough|deep|timely} {and|but|, yet} <praise> {question|topic}",
        "{very|really|extremely|such an} {important|valid|relevant} question",
        "{what|that's|this is|it's such|that sounds like|sounds like|such} {|such|quite} {a|an} <praise_more> {|_} <made>",
        "^ {|ah|oh|wow|hey|hi|hello|well|yes} {|,|!} <praise_more> <made> {!|,|.|:|-|—|on|with|so far|here|there}",
        "^ {|ah|oh|wow|well} {|,|!} {|<very>|how} {clever|brilliant|ingenious|genius|impressive|smart|inspired|well {put|"
        "said|phrased|written|thought out}|{beautifully|nicely|wonderfully} {put|said|done|written|phrased}} {!|.|,|$}",
        "{you|you've} {|just} {asked|raised|posed|made|brought up|raise|make|pose|ask|have} {|such} {a|an} <praise_more> "
        "{question|<made>}",
        "{you|you're} {|really} {asking|ask|asked} {|exactly|just|precisely|all} the right {question|questions|thing}",
        "{well done|nicely done|bravo|kudos|good on you|good for you|hats off to you|you nailed it|keep up the <praise> "
        "work}",
        "{off|on} to a <praise> start",
        "your {_|_ _|_ _ _} {is|are|was|sounds|looks|shows|reads|seems} {|<very>} {|a|an} {|<very>} {beautiful|brilliant|"
        "wonderful|amazing|excellent|great|fantastic|lovely|elegant|superb|impressive|insightful|inspiring|remarkable|"
        "outstanding|incredible|creative|clever|well written|well - written|delightful|perceptive|thoughtful|admirable|"
        "commendable|stunning|gorgeous|exceptional|fascinating|thought - provoking|moving|touching|powerful|charming|"
        "contagious|infectious|profound|astute|first - rate|gift|joy|pleasure to read|delight|masterpiece|genius|"
        "ingenious|top - notch}",
        # the person
        "how {|very|incredibly|really|so} {thoughtful|kind|sweet|nice|generous|considerate|wonderful|lovely|clever|wise|"
        "smart|perceptive|observant} of you",
        "{that's|it's|this is} {|<very>} {thoughtful|kind|sweet|nice|generous|considerate|wonderful|lovely|clever|wise|"
        "smart|perceptive|observant} of you",
        "{it's|how} {|<very>} {great|wonderful|fantastic|admirable|commendable|lovely|awesome|amazing|inspiring|"
        "impressive|refreshing|heartwarming} {|to see|to hear|to know|to meet} {that you|you're|you want|how you|how "
        "much you|someone}",
        "{you're|you must be|you seem|you sound} {|clearly|obviously|truly|really|indeed|already|evidently|plainly|"
        "certainly|one of the most} {|<very>} <bright>",
        "{you're|you must be} {|clearly|obviously|truly|really|already|quite|such|evidently|plainly} {a|an|the|such a} {|"
        "<very>} {<praise>|gifted|talented|skilled|natural|born|true|careful|real|rare|deep|first - rate|accomplished} {|"
        "_} <person>",
        "you {|clearly|really|obviously|certainly|truly|do|already|seem to|plainly} have {|a|an|the|some|such|such a} {|"
        "<very>} {<praise>|real|rare|fine|impeccable|exquisite|true|natural|deep|strong|quick|vivid|rich|discerning} {|"
        "_} <gift>",
        "your {|_} {curiosity|insight|intelligence|talent|creativity|kindness|dedication|thoughtfulness|enthusiasm|"
        "passion|attention to detail|imagination|wit|eye for detail|wisdom} {is|shows|shines|does|really|truly|puts|"
        "speaks|makes}",
        "i {|really|truly|just|absolutely|must say i|have to say i|do} {love|admire|applaud|adore|commend|salute} {how|"
        "that|the way|your} {you|curious|_} {|_}",
        "i {|really|truly|just|absolutely} {love|like|admire|applaud|adore|appreciate} {your|this|that|the} {|<praise>} "
        "{question|idea|thinking|curiosity|enthusiasm|approach|creativity|thoughtfulness|concept|spirit|style|writing|"
        "poem|story|dedication|passion|ambition}",
        "i'm {|<very>} {impressed|amazed|blown away|in awe|dazzled} {!|.|,|{|by|with|that|of|at} {|how {|well|much|"
        "carefully}} {you|your|you've|this}}",
        "you're {so|very|such a} curious",
        "{thanks|thank you} {|so much} for {|asking|sharing|posing} {such|this|that|the|your} {|a|an} {|<very>} <praise>",
        "glad {|that} you {asked|brought|raised}",
        "{someone|somebody|anyone|a person|a mind|people} {with your|of your|like yours|with such|of such|as _ as you}",
        "{few|not many|only a few|hardly any} {people|users|readers|students} {|would|ever|even} {ask|think|notice|see|"
        "wonder|spot|catch|stop}",
        "{it|that} takes {a|an|real|great} {keen|sharp|special|curious|insight|skill|talent|intelligence|wisdom} {|mind|"
        "person|eye|to}",
        "you've {|clearly|really} got {|a|an|the|some|such|such a} {|<very>|real} {<praise>|keen|real|sharp} {|_} <gift>",
        "{you have|you've got|you've} {|clearly|really} {a|an|such a|such an} {|real|true|great} {eye|gift|knack|talent|"
        "head|flair|nose|feel|ear|way} {for|with}",
        "^ {|ah ,|oh ,|wow ,} {a|an} <praise_more> <made> {!|.|,|:|and}",
        "you {|clearly|really} {write|think|explain|draw|paint|sing|cook|argue|express yourself|put it} {|<very>} "
        "{beautifully|well|brilliantly|wonderfully|elegantly|clearly}",
        "you {clearly|really|certainly|obviously|surely} know your {stuff|subject|way|craft|history}",
        "well {spotted|observed|chosen|thought through|reasoned|noticed}",
        "your {_|_ _} {reads|flows|works|looks} {|<very>} {well|nicely|beautifully|great|good|lovely}",
        "^ {|i} {|really|absolutely} {love|like|adore} {this|your|that} {question|idea|topic|poem|story|project|approach|"
        "thinking|plan}",
        "you're {|clearly|surely} one of the {best|smartest|brightest|kindest|most <bright>|sharpest}",
        "you {ask|have|write|raise|make} {|such|really|so many} <praise> {questions|ideas|points|poems|stories|taste|"
        "code}",
        "you deserve {|a lot of|great|all the} {praise|credit|applause|a medal|a pat}",
        "you're {doing|off to|making} {|a|an|such} {|<very>} {great|well|amazing|brilliantly|fantastic|wonderful|"
        "excellent|brilliant}",
        "you're {|<very>} good at",
    ),
    exceptions=(
        "{i'd|would} {|really|absolutely} {love|like|appreciate}",
        "good questions",
        "{that's|this is|what|it's such} a {good|great} {idea|choice} {to|for|if}",
        "you have a {good|great} {idea|sense|understanding|grasp} of {what|how}",
        "{if|when|whether|because} {you|you're} _",
        "{it's|how} {|so} {great|nice|lovely|wonderful} to {hear|see|meet} from you",
        "{someone|somebody|anyone|people|a person} with your {condition|symptoms|age|background|income|budget}",
        "hope you're {|all} doing",
    ),
    opening=13,
)

AGREEMENT_OPENER = Lexicon(
    "agreement_opener",
    (
        "{you're|you were|you may be|you might be} {|<very>|100 %|indeed|both|exactly|partly|technically} <right>",
        "you've {got|hit|nailed|put|said|summed} {it|that|this} {|exactly|all|perfectly|quite} {right|!|.|,|exactly|well|"
        "in one|up}",
        "you {got|nailed|hit|put|said} {it|that} {|exactly|all|perfectly} {right|exactly|in one|perfectly|on the head}",
        "hit the nail {|right} on the head",
        "{that's|this is|that was} {|<very>|indeed|exactly|sadly|unfortunately|largely|all too|essentially} {right|"
        "correct|true|accurate|spot on|spot - on}",
        "{that's|this is|it's} {|<very>|exactly|indeed} {so|the case} {!|.|,|:|;|$}",
        "that's {exactly|precisely|just} {it|right|how i|what i|my|so|!|.}",
        "{|very|so|too|quite|all too|absolutely|perfectly|how|sadly} true {!|,|.|enough|:|;|$}",
        "{quite|so|too|very|perfectly|absolutely|totally} {right|correct|so} {!|,|.|:|;|you are|$}",
        "^ {|yes|oh|ah|well|yep|yeah|hmm} {|,|!|.} {correct|exactly|precisely|indeed|agreed|right you are|amen|quite|"
        "just so|quite so|point taken|bingo|touché|touche|same here|absolutely {right|true|correct}|exactly {right|so}|"
        "likewise|{totally|completely|fully|strongly|absolutely} agree|couldn't agree more|my thoughts exactly|well said|"
        "fair enough} {!|.|,|:|;|—|-|with|about|on|$}",
        "{i|i'd} <agreeing> agree",
        "we <agreeing> agree {on|that|about|!|.|here|,}",
        "{we're|i'm} {|completely|totally|fully|very much|absolutely|clearly|all} {in {|full|complete|total} agreement|"
        "on the same page|of the same {mind|opinion|view}|with you|on your side}",
        "{i|we} {couldn't|can't|could not|cannot} {|possibly} {agree more|argue with|disagree|have said it better|have "
        "put it better}",
        "{have|tend|inclined} to agree",
        "{i|i'd} {|also|too|do} {think|believe|feel|say|thought|see it} {so too|so , too|so as well|that too|the same|"
        "that as well}",
        "^ {my|our} {|own} <view> {|is|are} {exactly|precisely|as well|too|entirely|the same|likewise}",
        "{i|we} {|also|completely|fully|totally|entirely|very much|do|wholeheartedly} {share|second|support|endorse|"
        "echo} {your|that|the|this} {|<view>|same <view>}",
        "{i|we} {|completely|fully} {concur|see eye to eye|feel the same}",
        "i see it {|in|exactly|just} {|the} {same way|your way|as you do|that way too|like you}",
        "{no|without} {argument|disagreement|objection|objections|dispute} {from|here|there|with} {|me|here|there|that}",
        "great minds think alike",
        "{you|that's|you've} {|certainly|definitely|really|do|also|both} {|have|make|raise|bring up|made|raised|got} {a|"
        "an|some|such a} {|<very>} <good_point> {point|points|argument|case}",
        "{you do have|you have|you've got} a point {,|.|!|there|about|that|:|here|in|with|when|and|—|-|$}",
        "{|a|very|really} <good_point> point {!|,|.|about|there|and|:|—|-|on|regarding|that|$|indeed}",
        "^ {|well|okay|yes|that's|oh} {|,} fair {enough|point|comment} {,|.|!|:|—|-|$}",
        "your {|_} {<view>|understanding|analysis|observation|intuition|instinct|reasoning|logic|guess|argument|hunch|"
        "suspicion|calculation|answer|memory|statement} {is|was|are|holds} {|<very>|exactly|also} {right|correct|spot on|"
        "valid|accurate|mine too|fair|sound|well taken|true|up|justified}",
        "as you {|so|quite} {rightly|correctly|aptly} {say|said|point|note|observe|put|suggest}",
        "{you|you've} {|quite|very} {rightly|correctly} {say|said|point|pointed|note|noted|observe|observed|identified|"
        "guessed}",
        "{spot on|bang on|dead on|right on} {!|,|.|with|about|:|—|-|$}",
        "makes two of us",
        "^ can't argue with",
        "^ {|very} well put {!|.|,|$}",
        "^ hear {|,} hear",
        "^ totally {!|.|:|—}",
        "^ as you {say|said|point out|note|noted} ,",
    ),
    exceptions=(
        "{if|whether|when|that} {you're|you were|that's|it's|this is} {|absolutely|not} {right|correct|true}",
        "you're right {to ask for|now|in front|in the|next|at|on time|behind|beside|outside|here|on the|above|below|by|"
        "between|across|under|near}",
        "you're correct to the",
        "i agree to {the|be|these|all|pay}",
        "{if|do|did|would|don't|unless|when} {you|we|they|i} agree",
        "true {love|story|or|north|crime|friend|friends}",
        "{that's|it's|this is} {exactly|just|precisely} {what|how|why} {i|we|he|she|they|it|the} _",
        "{that's|it's|this is} right {after|before|next|here|there|now|in|at|on|by}",
    ),
    opening=14,
)

COMPLIANCE_OPENER = Lexicon(
    "compliance_opener",
    (
        "^ {|yes|yeah|ok|okay|oh|ah|well|great|perfect|hi|hello|hey} {|,|!|.|-} {sure|certainly|absolutely|definitely|"
        "gladly|right away|of course|no problem|not a problem|with pleasure|my pleasure|understood|got it|you got it|"
        "will do|coming {|right} up|here goes|no worries|you bet|happily|by all means|as you wish|say no more|on it|"
        "consider it done|can do|sounds good|challenge accepted|most certainly|very well|for sure|at your service|let's "
        "go} {!|,|.|-|–|—|:|…|$}",
        "^ sure {thing|, no problem}",
        "^ {yes|yeah|yep|sure|certainly|absolutely|of course|definitely|okay|ok|alright|all right|great|gladly|perfect|"
        "no problem} {|,|!|.|-|–|—|:} {here's|here {are|you go|goes}|below|i can|i could|i'd be|i'd love|i'll|let's|let "
        "me|happy to|the following|of course|as requested|glad to|we can|one moment|right away|coming up|allow me|i'm "
        "happy|i'm glad|i'll do|will do|consider it done|got it|then|on it}",
        "^ {i'd|i'll|it would|we'd} {|certainly|definitely|always|absolutely|gladly} be {|<very>|more than|only too|my} "
        "{<glad>|a pleasure|an honor|an honour|pleasure|honor|honour} to",
        "^ {i'm|we're} {|<very>|more than|always|only too} {<glad>|here} to <do>",
        "^ {|<very>|more than|always} <glad> to {|be} {<do>|oblige|of|lend|comply|take}",
        "^ {here is|here are|here's|here you go|here you are|here goes|here it is|here they are|here we go|here follows|"
        "there you go|attached is|please find|find below|as requested|as promised|as you {asked|requested|wish}|per your}",
        "^ {below|following|what follows} {is|are|you'll find|you can find|you find|i have|i've|i list|shows|lists}",
        "^ {|in} the following {is|are|{steps|code|list|table|poem|essay|tips|ideas|example|examples|points|program|"
        "script|recipe|suggestions|outline|function|story|letter|email|passage|text|paragraph|sentence|sentences|"
        "answer}} {|,|:|will|should|is|are}",
        "^ {i'll|i {can|could|shall}|i'm {going|able} to} {|certainly|definitely|gladly|happily|surely|absolutely|also|"
        "try to|do my best to|now|just|be glad to|totally} {<do>|do my best|try my best|take|get|use|start}",
        "^ {i've|i have} {|now|just|gone ahead and} {written|created|made|prepared|drafted|put together|compiled|"
        "rewritten|edited|corrected|listed|translated|added|updated|revised|come up|summarized|outlined|included|"
        "shortened|changed|fixed}",
        "^ {let me|allow me to|let us} {|just|try to|first|briefly|quickly} {<do>|see|check|take|think|look|sum|"
        "introduce|begin|find|do|go}",
        "^ let's {|just|all|now|first} {start|begin|get started|dive|take a look|take a|break|walk|look|work|get|do|"
        "write|solve|make|find|create|explore|figure|try|build|tackle|go through|delve|calculate|translate|fix}",
        "^ this is {a|an|the|my} {|_|_ _} {|that} you {asked|requested|wanted|needed}",
        "^ {i'd|we'd} {|<very>} {love|like} to <do>",
        "^ {your|the} {_|_ _} {|is|are} {below|as requested|you requested|you asked for|you wanted|is ready|coming up|"
        "follows|is as follows|are as follows}",
        "^ {one|a|an|two|three|four|five|ten} {_|_ _} , coming {|right} up",
        "coming right up",
        "^ {certainly|absolutely|definitely|of course} i can",
        "^ here {come|comes}",
        "^ {all|} done {!|.|:}",
        "^ right , {here|let's|i'll|the following}",
        "^ {happy|glad} to {!|.|,|$}",
    ),
    exceptions=(
        "^ {i'm|i'd be|i'll be} {|<very>} <glad> {to {hear|see|know|learn|meet}|if|for|with|that|about}",
        "^ {|<very>} <glad> to {hear|see|know|learn|meet}",
        "^ {here is|here's} {why|the problem|the thing}",
        "^ {certainly|definitely|absolutely|of course|sure} , {not|but|no}",
    ),
    opening=7,
)

FOLLOW_UP_OFFER = Lexicon(
    "follow_up_offer",
    (
        "let me know",
        # questions
        "{would|do|might} you {|also|still|perhaps} {like|want|prefer|care|need} {|for} {me to|us to|to {<know_more>|"
        "have|get|take|start|make|move|expand|keep}|{|some|any} <more>|some {help|examples|tips|ideas|suggestions|advice|"
        "recommendations}|any {help|examples|tips|ideas}|more|help|another|an {example|explanation|overview|outline}|a "
        "{list|table|summary|recipe|shorter|longer|sample|plan|version|template|few|different|full|detailed|draft|simple|"
        "breakdown|translation}|examples|details|tips}",
        "do you want {me to|to {<know_more>} {more|about|the|an|a|some|how|another|it|on|further}|help with|another "
        "example}",
        "^ {|or} want {me to|to {<know_more>} {more|about|the|an|a|some|how|another|it|on|further}|help with|another "
        "example}",
        "{|do} you {|still} have {any|more|further|other|another|additional|some|a specific|something|anything} {|more|"
        "other|further|additional|specific|particular} {questions|question|concerns|thoughts|preferences|requests|else|"
        "in mind}",
        "^ {|are there} any {|other|more|further|additional|specific} {questions|thoughts|concerns|requests} {?|about|on|"
        "so far|you|,}",
        "{shall|should} {i|we} {|also|now|then|just|perhaps} {<do>|list|say|send|include|keep|begin|look|prepare|set|"
        "sketch|cover}",
        "is there {|perhaps} {anything|something} {|specific|particular|more} {else|specific|in particular|more|you|i|"
        "that}",
        "is there {any|a specific|a particular|another|some} {|other|specific|particular} {question|aspect|area|topic|"
        "part|way i}",
        "anything else {i|you|?|that|on your|we}",
        "how {else|can|may|could|else can|else may|might} i {|best|further|also} {help|assist|support|be of}",
        "what {|else|more|other _|specifically} {would|do} you {like|want|need} {me to|to {<know_more>|do}|help|next|?|"
        "more}",
        "what {|else|more} {can|may|could|should|shall} i {help|assist|tell|explain|add|show|do for}",
        "which {|of these|of those|of them|one|ones|part|parts|option|options|topic|area|aspect|version|_} {would you|do "
        "you|shall|should|are you|interests you|sounds} {like|want|prefer|i|we|most|interested|good|best|need}",
        "would {that|this|a|an|it|some|more|any|another|the} {|_|_ _} {help|be helpful|be useful|be of}",
        "{can|may|could} i {|also|be of|further|do|please} {help|assist|offer|further|do anything} {|you|with|any|"
        "anything}",
        "{does|did} {that|this|it} {help|make sense|answer|clear} {|your question|things up} {?|, or}",
        # invitations
        "feel free to {|also|always|just} {ask|reach|contact|share|let|provide|message|drop|write|get {in touch|back}|"
        "send|tell|come|request|give|say|return|follow up|ping|chat} {|me|out|back|in touch|if|any|more|for|about|again|"
        "anything|your _|questions|with|to me|us|to us|!|.|,|further|which|what}",
        "{don't|never} {|ever} hesitate to {|ask|reach|contact|let|get|share|write|message|call on|send|come|follow|tell|"
        "return|say|drop}",
        "{if|when|whenever|in case|should} {you|you'd} {|ever|do|still|should|also} {have|need|want|like|require} {|any|"
        "some|a|another} {|<more>} {questions|question|help|assistance|information|details|concerns|else|examples|ideas|"
        "advice|support|clarification|guidance|tips|suggestions|recommendations|anything {else|more|explained|changed}|"
        "version|summary}",
        "if {you|you'd} {need|want|like|prefer} {a|another} {shorter|longer|simpler|different|more detailed} {_|version|"
        "list}",
        "{if|when|whenever} {you|you'd} {|ever|still|also} {want|like|wish|prefer|need} {me to|to <know_more> {more|"
        "about it|further|another}}",
        "if {you|you'd} {like|want|wish|prefer|need} {|,} {{i|we} {can|could}|i'll|i'd|we'll}",
        "if there's {anything|something} {|more|specific|particular|further|else} {|else|you|i|that}",
        "if {there are|there's} any {other|more|further|part} {questions|topics|of|details|changes}",
        "should you {|ever|still} {have|need|want|require|wish}",
        "if {something|anything|any of this|any part|this|it|that|some part} {|still|here|else} {is|isn't|remains|seems|"
        "was|doesn't} {|not|still|too} {unclear|clear|confusing|make sense|missing|wrong|off}",
        "{just|please|simply|you can|always|and} ask {me {anything|about|again|more|if|any time|anytime|whenever|!|.}|"
        "away|again|for more|for another|if|about another|follow - up} {|anything|about|for|if|again|more|to|questions|"
        "any time|anytime}",
        "{just|please|simply} {ask|say the word|say so|shout|reply|ping me|holler|message me|write to me|write me|drop "
        "me|let us know} {!|.|,|if|and|$}",
        "say the word",
        "^ {|just} say which",
        "{come|check|write|report} back {|to me|here} {any time|anytime|whenever|if you|with {questions|any|more}|and "
        "{ask|tell}|when you}",
        "{reach|write} {out|to me} {|to me|again} {any time|anytime|again|if|with|whenever|when|!|.}",
        "if {that|it|this} {|would} {helps|help|is of use|be useful|is useful|is helpful|be helpful|interests you}",
        "{tell|send|give|show} me {..} {, |} and {i'll|i can|we can|we'll|i could}",
        "{tell me|share} {|a little|a bit|some} more {about|details|of|so|and|if}",
        # offers
        "{i'm|i'll be|we're|i'd be} {|always|also|more than|still|just|very|right|only too} {here|happy|glad|available|"
        "around|ready|at your service|delighted|all ears} {any time|anytime|if|whenever|when|should|to <do>|for {any|"
        "more|further}}",
        "^ {|always|more than|also|only too} {happy|glad|here|ready|delighted} to <do>",
        "{happy|glad|here} to {help|assist|elaborate|explain|provide|expand|clarify|go into|dig into|walk you|share more|"
        "adjust}",
        "{i'd|i {can|could}|i'm able to} {|also|gladly|happily|always|certainly|then|even|easily|further} {|be happy to|"
        "be glad to} {help you|help with|expand|elaborate|go into|go deeper|tailor|adjust|walk you|give you more|provide "
        "more|suggest more|add more|adapt|go on|continue|write more|share more|tell you more|provide further|provide "
        "additional|offer more|show you|explain further|assist|draft|turn this|shorten|lengthen|revise|rewrite}",
        "i {can|could} {also|gladly|happily} <do> {|you|_} {..} {if|?|.|$}",
        "{at your service|at your disposal|always here|i'm all ears}",
        "{we can|we could} {|also|always|then} {keep|continue|explore|discuss|look at|work on|refine|brainstorm} {..} "
        "{if|next|from there|together|whenever|when you}",
        "look forward to {hearing|helping|your {next|questions|reply}}",
        "{i'll|i {can|could}} {|also|gladly|even} {<do>|draw|send|list|prepare|look up} {|_|_ _|_ _ _|_ _ _ _|_ _ _ _ _} "
        "{|,} if {you|you'd} {|would} {want|like|wish|prefer|need}",
        "^ want {a|an|another} {_|_ _|_ _ _} ?",
        "^ need {me to|anything else|more {help|detail|details|ideas}}",
        "if {you|you'd} {want|need|like} {|more|any|more of} {..} , {|please|just} {tell|ask|let|say|write|message}",
        "{tell me|let us know|please say} if {you|you'd} {|would} {want|need|like|have}",
        "is there more {i|you|that}",
        "^ {shall|should} i ?",
        "what {should|shall} {we|i} {do|look at|write|explore|cover|try|tackle|add} {|next|now} ?",
        "{hit me up|ping me|give me a shout}",
        "i'll gladly <do>",
        "i could also {<do>|draw|send|list|prepare}",
        "^ ask {me|away} {anything|about|if|for more|again|any time|anytime|whenever|!|.}",
    ),
    exceptions=(
        'how can i help {|you} {|"|?} {|,} {asks|asked|says|said|say}',
        "{don't|never} {hesitate|be afraid|be shy} to {call|contact|seek|get|ask|reach out to|report|use|visit|speak|"
        "talk|consult|leave|tell|share|write} {the|your|a|an|emergency|911|professional|medical|for help from|them|him|"
        "someone|those|her|help}",
        "feel free to {ask|contact|share|reach out to|tell|send|write} {your|the|a|an|him|her|them|it|someone|others|"
        "this|friends|local}",
        "if you {have|need|want} {|any} {doubts|pain|symptoms|time} ",
        "if you like {it|your|the|this|spicy|sweet|hot}",
        "{ask|tell|asked|told} me {to|that|how|what|why|when}",
        "should i {go or|stay or}",
        "{something|topic|if|what|way|anything|things|see if} i {can|could} help",
        "{why|how|what|what _|where|who|when} {do|would|did} you want",
        "{sure|yes|okay|ok|certainly|absolutely|of course} {,|!|.} {i can|i could|i'd}",
        "i can also tell you that",
        "{so|while|where|how|before|because|that|whether|once} {|that} {i|we} {can|could}",
        "give me a {minute|moment|second}",
        "see if there's",
        "let me know by",
    ),
    closing=45,
    ended_by=(
        "^ {yours|best|kind|warm|warmest|with {|many|kind|best|warm}|many|sincerely|respectfully|regards|cheers|love|"
        "with love|cordially|thanks|thank you|all the best|hugs|take care|see you|see you soon|faithfully|warmly|until "
        "then} {|truly|sincerely|faithfully|regards|wishes|thanks} , {|_|_ _|_ _ _|_ and _} $",
        "^ {yours|best regards|kind regards|regards|sincerely|warm regards|best wishes} {|truly|sincerely|faithfully} $",
    ),
    quoted=False,
)

SUMMARY_CLOSER = Lexicon(
    "summary_closer",
    (
        "in {conclusion|summary|essence|closing|brief|a nutshell|a word ,|summation|the final analysis}",
        "in {short|sum} {,|:|;|-|–|—|the|it|this|you|i|we|they|yes|no|there|to|if}",
        "^ {|so|and|now|thus|well|okay|then|finally} {|,} {|just} to {|quickly|briefly} {summarize|summarise|conclude|"
        "recap|wrap up|sum {|it|this|things|it all} up|wrap {it|this|things} up|put it {briefly|simply|shortly|in a "
        "nutshell|plainly}|round off|boil it down|cut a long story short|make a long story short|be brief|reiterate|"
        "close}",
        "to {summarize|summarise|sum up|sum it up|recap}",
        "^ {summing|wrapping|rounding} {|it|this|things} {|all} {up|off}",
        "^ {|so|but|and|then|thus} {|,} {overall|ultimately|altogether|at the end of the day|all told|taken together|all "
        "things considered|everything considered|on balance|on the whole|by and large|all in all|when all is said and "
        "done|in the long run|taken as a whole} {,|:|-|the|it|this|i|we|they|you|he|she|there|both|these|a|an|my|your|"
        "our|what|if}",
        "{all in all|all things considered|at the end of the day|when all is said and done}",
        "^ {|so|and|but} {|,} {put simply|simply put|put briefly|briefly put|simply stated|stated simply|put shortly|to "
        "put it simply|briefly|succinctly} {:|,|-|—}",
        "^ {|so|but|and} {|,} in the end {, {what|it's|the|this|all|you|we|i|that's|your|both|no}|what|it's|it comes|the "
        "choice|the most|the best}",
        "long story short",
        "^ {|so|and|but} {|,} {|the} bottom line {|here} {is|:|,|-|—}",
        "{|the|my|your|our|one|some} {key|main|big|biggest|most important|final|overall|central|core} {takeaway|"
        "takeaways|take - away|lesson|lessons|message|gist|upshot|moral|conclusion} {|here|of {|_} _|from {|_} _} {is|"
        "are|:|here}",
        "the {takeaway|takeaways|upshot|gist|short version|moral of the story|long and short|conclusion|message|lesson|"
        "moral} {|here|then|of {it|this|all this}} {|all} is",
        "the {takeaway|takeaways|upshot|gist|moral} :",
        "^ {|the|your} {|key|main|final|quick} {points|takeaways|takeaway|upshot|moral|gist} {:|$}",
        "{tl ; dr|tldr|tl : dr|tl - dr}",
        "there {you|we} have it",
        "^ {and|so} {|,} {that's|this is|these are|which is} {why|how} {the|we|you|it|i|a|my|our|they|this|most|all|so|"
        "there|he|she}",
        "^ {and|so} {that's|this is} {|all|about} {it|all|everything} {!|.|,|$}",
        "{thus|so|hence|therefore|then|,|and|from this} {|,} {we|one|i} {can|may|must|could} {|therefore|thus|safely|"
        "now} {conclude {that|,}|sum up}",
        "{i|we|one} {|can|may|must|would|could} {|therefore|thus|safely} conclude {that|,|from}",
        "^ {as|so ,|and} {|,} {we've|i've} {|now|just} {seen|shown|discussed|learned|explored}",
        "^ {|some|a few|a|one|my} {final|closing|last|concluding|parting} {thoughts|words|remarks|note|thought|word} {:|"
        ",|$|-}",
        "^ {|here's|here is} {|a|the} {|quick|brief|short|final} {recap|conclusion|conclusions|wrap - up} {:|$|of {all|"
        "the above|what|this|everything}}",
        "{it|this|everything} {|really|basically|simply} {|all} {comes|boils} down to",
        "^ {here's|here is} a {|quick|brief|short|final} summary {:|$}",
        "^ {thus|therefore|so|finally|hence} , {in short|in sum|in conclusion|in summary|overall|it is clear that}",
        "^ {|the} short version {:|is}",
        "^ so {,|} we {|can} see that",
        "^ {|so|but} {|,} the {|main} point {|here} is {that|:|,}",
        "in short {.|$}",
        "{that|this|which} {sums|wraps|rounds} {it|this|things|everything|that} {|all} up",
        "{that's|this is} {|basically|really} {the gist|it in a nutshell|all there is to it|the long and short|the "
        "bottom line|the whole story}",
        "that about {covers|sums}",
        "^ {|so|and} {|,} what {all this|this all|it all|this|matters most|matters in the end|it comes down to|counts} {|"
        "really} {means|shows|is|boils} {that|:|is|down}",
        "^ {|so|and} {|,} {the main thing|the big picture|the net result|the key thing|the long and short} {|here} {is|:|"
        ",}",
        "{it|this|that} {|all|just} goes to show",
        "in {a few|one|two|a single|so many} {words|word|sentence|line|lines} {,|:}",
        "^ {on|as} a {final|closing|last} {note|thought|word|point} {,|:}",
        "^ {closing|final|concluding|last} {remarks|remark|thoughts|words|word|note|notes|comments} {:|,|$|-}",
        "^ {looking back|given all {this|that|of this}|with all {this|that} in mind|for {all|} these reasons|from all "
        "{this|that|of this}|after all this|all this said|as a whole|seen as a whole|in the big picture|in the main} ,",
        "^ {key|main} {points|facts|ideas|messages|findings|takeaways} {|again|once more|in short} {:|$}",
        "^ {|so|and} {|,} {|once} {again|more} , in {short|sum|brief}",
        "^ {the|so the} {verdict|lesson|upshot} {|, then ,|then|, in short ,|, in the end ,} {is|:} {that|clear|simple|:|"
        "this|to|yes|no}",
        "^ {|so ,|thus ,|hence ,|therefore ,} it is {|therefore|thus} clear {|, then ,|then} that",
        "^ {thus|hence|so} , {all in all|on the whole|taken together|in the end|to sum up}",
        "^ {|a|one} {quick|short|brief} {summary|recap|sum - up} {:|$|of}",
    ),
    exceptions=(
        "to conclude {that|a|an|the}",
        "{can|could|do} {we|i} conclude",
        "in {brief|closing} {_} {of|time}",
        "^ {as a whole|in the long run|on the whole} {number|host}",
    ),
    closing=110,
)
"""Reaches three quarters of labelled text: it misses what opens with words that stand elsewhere too ("Summary:" as a
title, "as you can see", "in other words", "therefore")."""
