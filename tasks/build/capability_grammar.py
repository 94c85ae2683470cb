"""Minimal pairs of English grammar.

Every function draws one unit from a seeded generator. A unit is a list of (good, bad) sentences in
which the words that differ change places: what is right in one pair is wrong in the other. A model that
merely prefers the more frequent word therefore scores one half.
"""

from random import Random

Unit = list[tuple[str, str]]

PEOPLE = [  # singular, plural
    ("nurse", "nurses"), ("pilot", "pilots"), ("farmer", "farmers"), ("teacher", "teachers"),
    ("singer", "singers"), ("lawyer", "lawyers"), ("student", "students"), ("guard", "guards"),
    ("painter", "painters"), ("doctor", "doctors"), ("driver", "drivers"), ("neighbour", "neighbours"),
    ("manager", "managers"), ("child", "children"), ("sailor", "sailors"), ("cousin", "cousins"),
]  # fmt: skip
THINGS = [
    ("lamp", "lamps"), ("chair", "chairs"), ("box", "boxes"), ("key", "keys"), ("table", "tables"),
    ("painting", "paintings"), ("bottle", "bottles"), ("book", "books"), ("clock", "clocks"),
    ("basket", "baskets"), ("window", "windows"), ("letter", "letters"), ("blanket", "blankets"),
    ("shelf", "shelves"), ("knife", "knives"), ("watch", "watches"),
]  # fmt: skip
INTRANSITIVE = [  # third person, base, complement
    ("sleeps", "sleep", "in the afternoon"), ("works", "work", "at night"),
    ("sings", "sing", "in the garden"), ("waits", "wait", "by the door"),
    ("lives", "live", "near the river"), ("laughs", "laugh", "very often"),
    ("runs", "run", "to the station"), ("cooks", "cook", "for the guests"),
    ("reads", "read", "after dinner"), ("walks", "walk", "to the market"),
]  # fmt: skip
ADJECTIVES = ["old", "new", "heavy", "beautiful", "expensive", "dirty", "clean", "broken", "famous", "dark"]
MOODS = ["tired", "hungry", "happy", "late", "angry", "famous", "ready", "busy", "ill", "polite"]
ADMIRE = [("admires", "admire"), ("knows", "know"), ("likes", "like"), ("trusts", "trust"), ("helps", "help")]
WOMEN = ["Maria", "Anna", "Julia", "Susan", "Emma", "Laura", "Helen", "Alice"]
MEN = ["Peter", "David", "Thomas", "Robert", "Daniel", "James", "Henry", "Mark"]
FEMALE = ["aunt", "mother", "queen", "girl", "grandmother", "sister", "actress", "daughter", "bride", "waitress"]
MALE = ["uncle", "father", "king", "boy", "grandfather", "brother", "actor", "son", "groom", "waiter"]


def _two(rng: Random, items: list[tuple[str, str]]) -> tuple[tuple[str, str], tuple[str, str]]:
    first, second = rng.sample(items, 2)
    return first, second


def agreement_simple(rng: Random) -> Unit:
    """The nurse sleeps / sleep; the nurses sleep / sleeps."""
    (one, many), (verb_one, verb_many, rest) = rng.choice(PEOPLE), rng.choice(INTRANSITIVE)
    return [
        (f"The {one} {verb_one} {rest}.", f"The {one} {verb_many} {rest}."),
        (f"The {many} {verb_many} {rest}.", f"The {many} {verb_one} {rest}."),
    ]


def agreement_across_phrase(rng: Random) -> Unit:
    """The key near the boxes is / are old."""
    (one, many), (near_one, near_many) = _two(rng, THINGS)
    link, adjective = rng.choice(["near", "behind", "under", "beside"]), rng.choice(ADJECTIVES)
    return [
        (f"The {one} {link} the {near_many} is {adjective}.", f"The {one} {link} the {near_many} are {adjective}."),
        (f"The {many} {link} the {near_one} are {adjective}.", f"The {many} {link} the {near_one} is {adjective}."),
    ]


def agreement_across_clause(rng: Random) -> Unit:
    """The nurse that the pilots admire is / are tired."""
    (one, many), (by_one, by_many) = _two(rng, PEOPLE)
    (verb_one, verb_many), mood = rng.choice(ADMIRE), rng.choice(MOODS)
    left, right = f"The {one} that the {by_many} {verb_many}", f"The {many} that the {by_one} {verb_one}"
    return [(f"{left} is {mood}.", f"{left} are {mood}."), (f"{right} are {mood}.", f"{right} is {mood}.")]


def determiner_noun(rng: Random) -> Unit:
    """This / these lamp; these / this old lamps."""
    (one, many), person = rng.choice(THINGS), rng.choice(WOMEN + MEN)
    near, far = rng.choice([("this", "these"), ("that", "those")])
    verb, adjective = rng.choice(["sold", "bought", "cleaned", "wanted", "lost"]), rng.choice(ADJECTIVES)
    return [
        (f"{person} {verb} {near} {adjective} {one}.", f"{person} {verb} {far} {adjective} {one}."),
        (f"{person} {verb} {far} {adjective} {many}.", f"{person} {verb} {near} {adjective} {many}."),
    ]


REFLEXIVE_VERBS = ["blamed", "introduced", "surprised", "hurt", "taught", "praised", "saw", "described"]


def reflexive_gender(rng: Random) -> Unit:
    """My uncle blamed himself / herself."""
    verb, index = rng.choice(REFLEXIVE_VERBS), rng.randrange(len(MALE))
    him, her = f"The {MALE[index]} {verb}", f"The {FEMALE[index]} {verb}"
    end = rng.choice(["after the accident", "in the letter", "at the party", "that evening"])
    return [(f"{him} himself {end}.", f"{him} herself {end}."), (f"{her} herself {end}.", f"{her} himself {end}.")]


def reflexive_number(rng: Random) -> Unit:
    """The boys blamed themselves / himself."""
    verb, word = (rng.choice(REFLEXIVE_VERBS), rng.choice(["boy", "king", "actor", "brother", "waiter", "uncle"]))
    end = rng.choice(["after the accident", "in the letter", "at the party", "that evening"])
    return [
        (f"The {word} {verb} himself {end}.", f"The {word} {verb} themselves {end}."),
        (f"The {word}s {verb} themselves {end}.", f"The {word}s {verb} himself {end}."),
    ]


TRANSITIVE = [  # past tense of verbs that want an object, and an object
    ("bought", "a car"), ("found", "the ring"), ("carried", "the boxes"), ("built", "a house"),
    ("repaired", "the roof"), ("opened", "the gift"), ("wanted", "a dog"), ("lost", "the keys"),
    ("stole", "the bicycle"), ("made", "the soup"), ("brought", "the flowers"), ("sold", "the farm"),
]  # fmt: skip


def filler_gap(rng: Random) -> Unit:
    """I know what / that the nurse bought; I know that / what the nurse bought a car."""
    (one, _), (verb, thing) = rng.choice(PEOPLE), rng.choice(TRANSITIVE)
    start = rng.choice(["I know", "We remember", "They forgot", "You discovered", "I noticed"])
    return [
        (f"{start} what the {one} {verb}.", f"{start} that the {one} {verb}."),
        (f"{start} that the {one} {verb} {thing}.", f"{start} what the {one} {verb} {thing}."),
    ]


NO_OBJECT = ["slept", "arrived", "smiled", "fell", "sneezed", "laughed", "disappeared", "sat"]
NEEDS_OBJECT = [
    ("opened", "the box"), ("repaired", "the bicycle"), ("bought", "the tickets"), ("wanted", "the book"),
    ("carried", "the chair"), ("described", "the painting"), ("found", "the coin"), ("used", "the knife"),
]  # fmt: skip


def argument_structure(rng: Random) -> Unit:
    """The nurse opened / slept the box; the nurse slept / opened near the river."""
    (one, _), none, (verb, thing) = rng.choice(PEOPLE), rng.choice(NO_OBJECT), rng.choice(NEEDS_OBJECT)
    place = rng.choice(["near the river", "in the corner", "at the station", "behind the house", "on the sofa"])
    return [
        (f"The {one} {verb} {thing}.", f"The {one} {none} {thing}."),
        (f"The {one} {none} {place}.", f"The {one} {verb} {place}."),
    ]


GOVERNED = [  # verb or adjective and the preposition it wants
    ("listened", "to", "the guide"), ("depended", "on", "the weather"), ("believed", "in", "the plan"),
    ("looked", "at", "the picture"), ("waited", "for", "the train"), ("laughed", "at", "the joke"),
    ("belonged", "to", "the museum"), ("relied", "on", "the map"), ("suffered", "from", "the cold"),
    ("apologised", "for", "the noise"), ("agreed", "with", "the judge"),
    ("recovered", "from", "the illness"), ("succeeded", "in", "the exam"), ("dealt", "with", "the problem"),
]  # fmt: skip


def governed_preposition(rng: Random) -> Unit:
    """We listened to / on the guide; we relied on / to the map."""
    while True:
        (verb, word, rest), (other_verb, other, other_rest) = rng.sample(GOVERNED, 2)
        if word != other:
            break
    who = rng.choice(["They", "We", "The visitors", "The students"])
    return [
        (f"{who} {verb} {word} {rest}.", f"{who} {verb} {other} {rest}."),
        (f"{who} {other_verb} {other} {other_rest}.", f"{who} {other_verb} {word} {other_rest}."),
    ]


def there_agreement(rng: Random) -> Unit:
    """There is / are a lamp in the room; there are / is two lamps in the room."""
    (one, many), number = rng.choice(THINGS), rng.choice(["two", "three", "several", "many", "some"])
    place = rng.choice(["in the kitchen", "on the table", "behind the door", "near the bed", "in the office"])
    is_, are = rng.choice([("is", "are"), ("was", "were")])
    return [
        (f"There {is_} one {one} {place}.", f"There {are} one {one} {place}."),
        (f"There {are} {number} {many} {place}.", f"There {is_} {number} {many} {place}."),
    ]


def correlative(rng: Random) -> Unit:
    """Both Anna and / or Peter; either Anna or / and Peter."""
    she, he = rng.choice(WOMEN), rng.choice(MEN)
    verb = rng.choice(["bring the cake", "drive the van", "call the doctor", "open the shop", "feed the cat"])
    return [
        (f"Both {she} and {he} will {verb}.", f"Both {she} or {he} will {verb}."),
        (f"Either {she} or {he} will {verb}.", f"Either {she} and {he} will {verb}."),
    ]


OPINIONS = ["beautiful", "ugly", "lovely", "nice", "horrible"]
SIZES = ["big", "small", "large", "tiny", "huge"]
AGES = ["old", "new", "young", "ancient"]
COLOURS = ["red", "green", "black", "white", "yellow"]


def adjective_order(rng: Random) -> Unit:
    """A lovely black / black lovely bottle: the same words in another order."""
    unit: Unit = []
    for early, late in ((rng.choice(OPINIONS), rng.choice(COLOURS)), (rng.choice(SIZES), rng.choice(COLOURS))):
        (one, _), who = rng.choice(THINGS), rng.choice(WOMEN + MEN)
        unit.append((f"{who} found the {early} {late} {one}.", f"{who} found the {late} {early} {one}."))
    return unit


def question_order(rng: Random) -> Unit:
    """Where is the key? / Where the key is? and, embedded, the reverse."""
    (one, _), word = (rng.choice(THINGS), rng.choice(["Where", "How old", "How big", "Whose gift", "How heavy"]))
    start = rng.choice(["Nobody knows", "Please tell me", "I forgot", "She asked me"])
    be = "was" if start in ("I forgot", "She asked me") else "is"
    return [
        (f"{word} {be} the {one}?", f"{word} the {one} {be}?"),
        (f"{start} {word.lower()} the {one} {be}.", f"{start} {word.lower()} {be} the {one}."),
    ]


FORMS = [
    ("sleeping", "slept", "on the sofa"), ("waiting", "waited", "for an hour"),
    ("singing", "sung", "all night"), ("working", "worked", "very hard"),
    ("swimming", "swum", "in the lake"), ("travelling", "travelled", "alone"),
    ("standing", "stood", "by the door"), ("laughing", "laughed", "all day"),
]  # fmt: skip


def auxiliary_form(rng: Random) -> Unit:
    """The nurse was sleeping / slept on the sofa; the nurse had slept / sleeping on the sofa."""
    (one, _), (progressive, perfect, rest) = rng.choice(PEOPLE), rng.choice(FORMS)
    return [
        (f"The {one} was {progressive} {rest}.", f"The {one} was {perfect} {rest}."),
        (f"The {one} had {perfect} {rest}.", f"The {one} had {progressive} {rest}."),
    ]


GRAMMAR = [
    agreement_simple, agreement_across_phrase, agreement_across_clause, determiner_noun, reflexive_gender,
    reflexive_number, filler_gap, argument_structure, governed_preposition, there_agreement,
    correlative, adjective_order, question_order, auxiliary_form,
]  # fmt: skip
