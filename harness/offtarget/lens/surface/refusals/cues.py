"""Words of which one must stand in a sentence, so that it is searched for a refusal at all."""

from offtarget.lens.surface.patterns import words

SELF = words("i i'm im i'd i'll i've assistant ai model bot chatbot service system platform")
NEGATIONS = words(
    "dare daren't",
    "not no never cannot canot can't cant won't wont don't dont doesn't isn't aren't wasn't ain't wouldn't couldn't",
    "shouldn't mustn't shan't oughtn't didn't unable unwilling nor neither longer ` ´",
)
UNABLE_WORDS = NEGATIONS | words(
    "none limits reserve owe elsewhere",
    "breaking violating going staying",
    "hate steer staying beg pass",
    "bound constrained restrained against omitting leaving withholding only forbidden reluctant disinclined",
    "loath hesitant incapable uncomfortable unhappy uninterested uneasy refuse refused decline declined declining lack",
    "zero nothing rather prefer prohibited turn steer avoid away hardly object limited",
    "sworn keep restricted secrecy",
)
DECLINE_WORDS = words(
    "decline declining refuse refusing refrain refraining abstain abstaining bow opt pass passing say saying sit",
    "sitting stay remain keep keeping leave leaving stop stopping end ending draw drawing turn turning reject",
    "rejecting hold skip skipping step withhold withholding disengage disengaging forced obliged compelled required",
    "bound instructed obligated told programmed trained designed asked left avoid touch shy take steer staying bowing",
    "opting holding remaining stepping",
)
NO_WORDS = words(
    "another different something forget drop leave",
    "no nope nah pass hands lips unfortunately sorry afraid not isn't don't won't will can't cannot cant business next",
    "stop over ends stops wont never denied declined decline object refuse good out nothing better think interested",
    "dice",
)
RULE_WORDS = words(
    "guideline guidelines policy policies principle principles programming rule rules value values ethic ethics terms",
    "instruction instructions training code standard standards restriction restrictions safeguards boundary boundaries",
    "constraint constraints conscience safety usage content community morals protocol protocols law laws regulations",
    "use ethical prohibited forbidden barred prevented restricted banned precluded blocked",
)
AGAINST_WORDS = words(
    "against outside violate violates violating violation violated violations beyond contrary breach breaches",
    "breaching contravene contravenes conflict conflicts conflicting counter inconsistent incompatible break breaks",
    "breaking aligned line consistent afoul foul infringe infringes cross crosses fall falls allow permit let enable",
    "support allowed permitted prevent prevents prohibit prohibits forbid forbids bar bars stop stops keep keeps",
    "restrict restricts preclude precludes disallow disallows require requires tell tells limit limits prohibited",
    "forbidden barred prevented restricted banned precluded blocked under",
)
OFF_LIMITS_WORDS = words(
    "rules violates goes against breaches contravenes conflicts inappropriate prohibited forbidden limits unethical allowed",
    "permitted appropriate acceptable something crosses crossing line boundary over uncomfortable uneasy bounds debate",
    "discussion table go possible illegal harmful restricted access stop step draw say private confidential classified",
    "sensitive privileged personal",
)
OFF_LIMITS_OTHERS = words(
    "information data clear tool bot service model request prompt question query task my our what assistant we crosses crossing over "
    "draw",
    "makes make me should can may must that that's it's this topic subject discussion sorry afraid not isn't access",
    "question's topic's subject's discussion's which you you're",
)
WRONG_WORDS = words(
    "appropriate right ethical responsible okay ok proper safe possible acceptable suitable permissible advisable wise",
    "legal fair inappropriate irresponsible unethical wrong improper unsafe illegal impossible dangerous negligent",
    "reckless harmful remiss unfair immoral unwise unprofessional disservice idea place better best against",
)
DONE_WORDS = words(
    "provided given shared fulfilled completed answered discussed generated produced created written processed",
    "disclosed revealed supplied offered met granted honored honoured accommodated executed assisted helped carried",
    "published released described explained reproduced made accepted approved addressed complied entertained performed",
    "undertaken passed handed engaged facilitated satisfied withheld",
)
DENIED_WORDS = words(
    "turned left forbidden prohibited open",
    "denied declined refused rejected blocked unavailable available allowed permitted discussion option okay",
    "acceptable appropriate help instructions assistance information details answer answers guidance tips answered",
    "accepted",
)
DENIED_OTHERS = words(
    "have has must needs had forbidden prohibited", "no not isn't denied declined refused rejected blocked unavailable"
)
ELSE_WORDS = words(
    "else different other another new nicer lighter more safer subject topic matter not keep clear away respectful",
    "civil clean friendly polite",
)
LET_WORDS = words(
    "let let's lets ask talk talking chat chatting speak speaking discuss discussing change changing switch switching",
    "move moving focus focusing find stay keep help assist maybe perhaps please steer turn shift stick try pick choose",
    "request",
)
LEFT_WORDS = words(
    "anything just only though better best wiser safer wisest kinder plainly bluntly clearly straight further "
    "farther beyond right there",
    "mind grateful glad like copyright embargo seal nda privilege sorry helping writing answering doing giving telling help write "
    "answer give tell",
)
HINT_WORDS = words(
    "seal taken pass forbids says tells decision mine feel turn programmed trained meant built told taught",
    "comfortable bad wrong uneasy guilty ashamed dishonest reservations qualms misgivings scruples concerns",
    "hesitate hesitant reluctant loath inclined sooner keen rule principle leave stay keep remain neutral",
    "disappoint forgive excuse pardon doing side neither opinion view comment rest aside skip sit reply verdict",
    "nothing plainly bluntly clearly straight far much said more risky dangerous personal private sensitive",
    "harmful delicate farther ends stops end stop judge decide gut conscience heart head code wiser safer mind",
    "grateful nice protect respect guard safeguard stays remains omitted removed left cut written orders order",
    "instruction instructions refuse decline reject avoid copyright embargo care designed made",
)
WITHHELD_WORDS = words(
    "welcome granted fulfilled stays remains",
    "out unanswered unsaid closed turned declined refused rejected given written said shared told posted provided shown disclosed "
    "added offered follow",
    "wish wishes unanswered stays between private secret turned place pale taken come done made produced discussed handled answered "
    "served allowed taught permitted option granted withheld denied ruled table question offer menu",
    "no-go go forbidden prohibited pale revealed handed passed released named meant built intended designed topic subject matter theme "
    "forthcoming here help answer advice",
    "taken met no",
)
WITHHELD_OTHERS = words(
    "wish has",
    "this that that's it's such these those requests request questions question prompts nothing none no not isn't aren't can't cannot "
    "won't there help sharing giving telling",
    "tool assistant service bot chat channel model your wish advice joke jokes text message prompt writing answering helping "
    "disclosing discussing permission access consent it what texts messages",
)
WITHHELD_NOT = words(
    "not no nothing none never isn't aren't can't cannot won't out unanswered unsaid closed turned declined refused rejected denied "
    "withheld forthcoming",
    "wasn't pale must ruled off table forbidden prohibited private secret",
)
