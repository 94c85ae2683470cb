"""Named choices that phrases share (see `offtarget.lens.surface.templates`)."""

CLASSES: dict[str, str] = {
    "very": (
        "so|very|really|truly|quite|absolutely|completely|totally|entirely|incredibly|extremely|particularly|especially|"
        "rather|pretty|just|simply|certainly|definitely|most|always|also|such|perfectly|clearly|obviously|deeply|"
        "genuinely|actually|super|exceptionally|all|fully|very much|only"
    ),
    "your": "your|the|a|an|another|some|any",
    "glad": "happy|glad|delighted|pleased|thrilled|honored|honoured|eager|excited|ready",
    "number": (
        "#|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|"
        "eighty|ninety|half|a hundred|a thousand|a dozen|a quarter|a third|one hundred"
    ),
    # praise
    "praise": (
        "great|good|excellent|fantastic|wonderful|brilliant|amazing|awesome|insightful|thoughtful|interesting|lovely|"
        "creative|beautiful|fascinating|smart|clever|profound|intelligent|perceptive|astute|impressive|inspiring|superb|"
        "terrific|incredible|fabulous|marvelous|marvellous|outstanding|remarkable|stellar|splendid|delightful|charming|"
        "elegant|witty|ingenious|genius|exceptional|magnificent|gorgeous|intriguing|neat|nice|cool|fun|commendable|"
        "admirable|ambitious|noble|solid|perfect|sharp|compelling|well written|well - written|well thought out|well - "
        "thought - out|top - notch|thought - provoking|heartwarming|touching|powerful|stunning|sophisticated|imaginative|"
        "considerate|kind|wise|bold|sweet|savvy|keen"
    ),
    "praise_more": "{|<very>} {|very|really} <praise> {|and <praise>|, <praise>|and important|but _}",
    "made": (
        "idea|ideas|point|choice|thought|thoughts|observation|insight|plan|job|work|start|effort|thinking|approach|poem|"
        "story|essay|code|project|draft|list|recipe|design|theme|name|title|goal|attempt|analysis|argument|initiative|"
        "concept|suggestion|catch|solution|decision|instinct|instincts|attitude|mindset|piece|writing|perspective|"
        "hypothesis|gesture|way to {think|look|see|put|approach}|way of {thinking|looking|seeing|putting}|first draft|"
        "taste|strategy|intuition|reasoning|proposal|hobby|passion|achievement|gift|photo|picture|painting|song|drawing|"
        "speech|letter|paragraph|sentence|request|topic|prompt|thing to {ask|wonder|notice|do}"
    ),
    "bright": (
        "smart|brilliant|insightful|thoughtful|talented|amazing|clever|gifted|perceptive|wise|intelligent|creative|"
        "observant|astute|sharp|impressive|bright|knowledgeable|exceptional|remarkable|incredible|awesome|extraordinary|"
        "inspiring|skilled|skillful|admirable|imaginative|articulate|outstanding|wonderful|fantastic|well - informed|"
        "well informed|a genius|a natural|a star"
    ),
    "person": (
        "writer|thinker|reader|person|observer|poet|artist|cook|chef|mind|soul|student|listener|storyteller|programmer|"
        "coder|scientist|friend|leader|teacher|parent|human|human being|individual|musician|learner|detective|speaker|"
        "singer|critic|author|philosopher|planner|natural|gem|genius|star|pro|designer|engineer|photographer|painter"
    ),
    "gift": (
        "sense|eye|taste|mind|ear|talent|gift|way|grasp|understanding|instincts|instinct|judgement|judgment|voice|"
        "imagination|skill|skills|style|memory|knack|heart|attitude|touch|command|feel|flair|intuition|vocabulary|insight"
    ),
    # agreement
    "right": "right|correct|spot on|spot - on|on point|on the money|dead on|on to something|onto something|not wrong",
    "agreeing": "|completely|totally|fully|absolutely|wholeheartedly|strongly|also|very much|do|certainly|entirely|quite|"
    "definitely|really|mostly|heartily|must|can only|have to|would|would have to|tend to|am inclined to",
    "good_point": "good|fair|valid|great|excellent|strong|solid|interesting|important|compelling|reasonable|legitimate",
    "view": "view|views|opinion|take|position|sentiment|sentiments|feeling|feelings|conclusion|belief|assessment|point|"
    "concern|concerns|thoughts|perspective|thinking|impression|reading|judgement|judgment",
    # distress
    "hard": (
        "difficult|hard|tough|frustrating|painful|stressful|overwhelming|challenging|exhausting|awful|terrible|"
        "heartbreaking|devastating|upsetting|scary|lonely|horrible|rough|distressing|hurtful|draining|disappointing|"
        "frightening|tiring|worrying|miserable|isolating|humiliating|heavy|crushing|sad|traumatic|unsettling|dreadful|"
        "agonizing|agonising|terrifying|discouraging|embarrassing|maddening|infuriating|unfair|unbearable|tragic|"
        "shocking|excruciating|nerve - wracking|gut - wrenching|heart - wrenching"
    ),
    "upset": (
        "upset|sad|angry|nervous|scared|afraid|anxious|worried|hurt|frustrated|overwhelmed|lonely|alone|tired|exhausted|"
        "stressed|disappointed|mad|furious|devastated|heartbroken|hopeless|guilty|ashamed|embarrassed|betrayed|"
        "frightened|struggling|suffering|in pain|depressed|annoyed|hesitant|uneasy|uncomfortable|concerned|discouraged|"
        "jealous|resentful|rejected|helpless|unhappy|miserable|torn|numb|shaken|drained|burned out|burnt out|"
        "disheartened|terrified|grieving"
    ),
    "pain": (
        "pain|frustration|anger|sadness|grief|worry|worries|anxiety|fear|fears|disappointment|loss|struggle|struggles|"
        "distress|hurt|stress|suffering|heartbreak|feelings|loneliness|exhaustion|hesitation|concern|concerns|heartache|"
        "sorrow|despair|discomfort|emotions|annoyance|shame|guilt|nerves|pain and _"
    ),
    # delight
    "delight": (
        "amazing|awesome|fantastic|wonderful|incredible|exciting|thrilling|delightful|fabulous|terrific|superb|brilliant|"
        "marvelous|marvellous|magical|stunning|delicious|phenomenal|spectacular|breathtaking|magnificent|splendid|"
        "glorious|unforgettable|mind - blowing|gorgeous|sensational|heavenly|outstanding|adorable|exquisite|dazzling|"
        "divine"
    ),
    "excited": (
        "excited|thrilled|delighted|overjoyed|ecstatic|stoked|pumped|psyched|elated|over the moon|on cloud nine|"
        "exhilarated|tickled pink|so happy|so glad|so proud|so pleased|giddy|fired up|hyped"
    ),
    # people to go to
    "pro": (
        "doctor|doctors|physician|gp|therapist|therapists|psychologist|psychiatrist|psychotherapist|counselor|counsellor|"
        "lawyer|lawyers|attorney|attorneys|solicitor|barrister|accountant|cpa|advisor|adviser|advisors|dentist|"
        "orthodontist|pharmacist|vet|veterinarian|nurse|midwife|specialist|specialists|expert|experts|professional|"
        "professionals|provider|providers|practitioner|clinician|dermatologist|cardiologist|neurologist|gynecologist|"
        "gynaecologist|pediatrician|paediatrician|oncologist|urologist|allergist|optometrist|ophthalmologist|surgeon|"
        "dietitian|dietician|nutritionist|physiotherapist|physio|physical therapist|chiropractor|plumber|electrician|"
        "contractor|mechanic|roofer|locksmith|technician|surveyor|engineer|inspector|planner|social worker|notary|"
        "paralegal|audiologist|podiatrist|obstetrician|endocrinologist|arborist|clinic|care team|law firm|doctor's office"
    ),
    "qualified": (
        "licensed|qualified|medical|mental health|mental - health|legal|financial|health care|healthcare|health|trained|"
        "tax|certified|professional|family|local|good|trusted|reputable|experienced|real|registered|accredited|primary "
        "care|immigration|divorce|employment|criminal|independent|human|board - certified|investment|estate|grief|"
        "marriage|couples|school|speech|eye|sleep|competent|structural|debt|credit|gas"
    ),
    "a_pro": "{|<your>|one of your} {|<qualified>|<qualified> <qualified>|_ <qualified>|<qualified> or <qualified>|_} <pro>",
    "field": (
        "professional|medical|legal|financial|psychological|psychiatric|veterinary|expert|specialist|specialised|"
        "specialized|emergency|mental health|clinical|qualified|tax|dental|investment"
    ),
    "help": (
        "help|advice|attention|care|assistance|support|treatment|guidance|counsel|counseling|counselling|intervention|"
        "opinion|evaluation|services|therapy|diagnosis|supervision|assessment|representation"
    ),
    "line": (
        "hotline|helpline|lifeline|crisis line|hotlines|helplines|crisis text line|support line|crisis centre|crisis "
        "center|control centre|control center|text line"
    ),
    # sources
    "sources": (
        "studies|experts|scientists|researchers|surveys|data|polls|reports|statistics|figures|records|critics|economists|"
        "doctors|historians|analysts|officials|authorities|psychologists|scholars|philosophers|meta - analyses|meta - "
        "analysis|reviews|trials|findings|physicians|dentists|biologists|nutritionists|physicists|astronomers|"
        "archaeologists|sociologists|linguists|research|evidence|science|literature|estimates|anthropologists|"
        "neuroscientists|commentators|observers|academics|specialists|engineers|geologists|theologians|papers|witnesses|"
        "eyewitnesses"
    ),
    "study": (
        "study|survey|poll|report|paper|review|meta - analysis|trial|analysis|article|experiment|investigation|audit|"
        "census"
    ),
    "body": (
        "organization|organisation|association|institute|agency|department|administration|foundation|academy|university|"
        "bureau|ministry|council|commission|centers|centre|center|society|union|police|court|government|bible|"
        "encyclopedia|encyclopaedia|journal|college|clinic|bank|times|guardian|post|dictionary|manual|constitution|"
        "federation|book|quran|museum|observatory|committee|panel|author|authors|article|data|evidence|research"
    ),
    "acronym": (
        "nasa|cdc|fda|epa|ipcc|nhs|fbi|apa|ama|aap|usda|noaa|unesco|unicef|oecd|imf|osha|nih|bbc|cnn|reuters|wikipedia|"
        "gallup|pew|harvard|stanford|oxford|cambridge|mit|aha|un|eu|esa|britannica|forbes|yale"
    ),
    "found": (
        "show|shows|showed|suggest|suggests|suggested|indicate|indicates|indicated|say|says|said|believe|believes|"
        "believed|expect|expects|have shown|has shown|found|find|finds|agree|agrees|report|reports|reported|argue|argues|"
        "argued|claim|claims|claimed|recommend|recommends|recommended|estimate|estimates|estimated|conclude|concludes|"
        "concluded|state that|states that|stated that|reveal|reveals|revealed|note|notes|noted|warn|warns|warned|think|"
        "demonstrate|demonstrates|demonstrated|confirm|confirms|confirmed|point to|points to|point out|points out|"
        "support|supports|predict|predicts|predicted|advise|advises|advised|observed|discovered|maintain|maintains|link|"
        "links|linked|contend|have found|has found|have suggested|has suggested|suspect|propose|proposed|proposes|"
        "describes|described|tell us|tells us|have argued|has argued|hold that|holds that"
    ),
    "finds": (
        "shows|showed|suggests|suggested|indicates|indicated|says|said|found|finds|reports|reported|argues|argued|"
        "claimed|recommends|recommended|estimates|estimated|concludes|concluded|reveals|revealed|notes|noted|warns|"
        "warned|demonstrates|demonstrated|confirms|confirmed|points to|points out|predicts|predicted|has shown|has found|"
        "proposes|has suggested|linked|discovered|observed"
    ),
    # cautions
    "danger": (
        "dangerous|harmful|fatal|toxic|deadly|risky|hazardous|poisonous|lethal|life - threatening|unsafe|flammable|"
        "explosive|addictive|illegal"
    ),
    "serious": "important|essential|crucial|vital|critical|imperative|key|paramount",
    "careful": "careful|cautious|mindful|wary|vigilant|alert",
    # what an answer may offer or promise to do
    "do": (
        "help|assist|provide|explain|write|show|give|create|draft|make|walk|tell|answer|describe|list|suggest|guide|"
        "offer|translate|rewrite|summarize|summarise|compose|share|start|shorten|fix|correct|break|outline|turn|convert|"
        "generate|edit|teach|support|add|compare|recommend|change|calculate|solve|expand|elaborate|clarify|continue|"
        "discuss|adjust|go over|go into|go through|go deeper|go on|look into|look at|revise|tailor|adapt|do that|do this|"
        "do so|do it|try|work|talk|plan|design|build|proceed|simplify|rephrase|format|demonstrate|illustrate|put|come up "
        "with"
    ),
    "know_more": "know|see|hear|learn|read|explore|discuss|talk|try|go|continue|add|share|practice|practise|change|focus|dive",
    "more": "more|other|further|additional|specific|any other|any more|any further|follow - up|another|particular|else",
}
