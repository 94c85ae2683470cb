"""Minimal pairs of everyday knowledge: facts in simple sentences.

Two facts of one kind exchange their answers, so that every answer is right once and wrong once
("a baker bakes bread / sews clothes", "a tailor sews clothes / bakes bread"). Who does what to whom is turned
round instead: both sentences have the same words.
"""

from collections.abc import Callable
from random import Random

Unit = list[tuple[str, str]]

OPPOSITES = [
    ("hot", "cold"), ("dry", "wet"), ("big", "small"), ("early", "late"), ("full", "empty"),
    ("old", "young"), ("happy", "sad"), ("rich", "poor"), ("hard", "soft"), ("dark", "light"),
    ("strong", "weak"), ("open", "closed"), ("near", "far"), ("clean", "dirty"), ("fast", "slow"),
    ("loud", "quiet"), ("deep", "shallow"), ("cheap", "expensive"), ("true", "false"), ("wide", "narrow"),
]  # fmt: skip
YOUNG = [
    ("dog", "puppy"), ("cat", "kitten"), ("cow", "calf"), ("horse", "foal"), ("sheep", "lamb"),
    ("goat", "kid"), ("pig", "piglet"), ("bear", "cub"), ("hen", "chick"), ("duck", "duckling"),
    ("goose", "gosling"), ("deer", "fawn"), ("frog", "tadpole"), ("kangaroo", "joey"), ("swan", "cygnet"),
    ("butterfly", "caterpillar"),
]  # fmt: skip
COLOURS = [
    ("grass", "green"), ("snow", "white"), ("blood", "red"), ("coal", "black"), ("a ripe banana", "yellow"),
    ("a clear sky", "blue"), ("milk", "white"), ("a ripe strawberry", "red"), ("a lemon", "yellow"),
    ("spinach", "green"), ("a raven", "black"), ("chocolate", "brown"), ("a ripe carrot", "orange"),
    ("an elephant", "grey"), ("a flamingo", "pink"), ("broccoli", "green"),
]  # fmt: skip
JOBS = [
    ("a baker", "bakes bread"), ("a tailor", "sews clothes"), ("a pilot", "flies planes"),
    ("a dentist", "treats teeth"), ("a farmer", "grows crops"), ("a fisherman", "catches fish"),
    ("a plumber", "repairs pipes"), ("a postman", "delivers letters"), ("an author", "writes novels"),
    ("a judge", "decides cases"), ("a barber", "cuts hair"), ("a mechanic", "repairs cars"),
    ("a soldier", "fights in wars"), ("a florist", "sells flowers"), ("a butcher", "sells meat"),
    ("a composer", "writes music"),
]  # fmt: skip
MATERIALS = [
    ("a window", "glass"), ("a jumper", "wool"), ("a sword", "steel"), ("a book", "paper"),
    ("a tyre", "rubber"), ("a log cabin", "wood"), ("a statue", "marble"), ("a necklace", "pearls"),
    ("bread", "flour"), ("wine", "grapes"), ("a saddle", "leather"), ("a wall", "bricks"),
    ("a snowman", "snow"), ("a candle", "wax"), ("ketchup", "tomatoes"), ("a bird's nest", "twigs"),
    ("chocolate", "cocoa"),
]  # fmt: skip
TOOLS = [
    ("cut bread", "a knife"), ("eat soup", "a spoon"), ("open a lock", "a key"),
    ("drive in nails", "a hammer"), ("dig a hole", "a shovel"), ("sweep the floor", "a broom"),
    ("write a letter", "a pen"), ("tell the time", "a clock"), ("paint a wall", "a brush"),
    ("look at stars", "a telescope"), ("take photographs", "a camera"), ("cut paper", "scissors"),
    ("dry wet hands", "a towel"), ("catch fish", "a net"), ("find north", "a compass"),
    ("measure a fever", "a thermometer"),
]  # fmt: skip
CAUSES = [
    ("ice in the sun", "melts"), ("water in the freezer", "freezes"),
    ("a glass on a stone floor", "breaks"), ("dry wood in a fire", "burns"),
    ("sugar in hot tea", "dissolves"), ("a stone in a lake", "sinks"), ("a cork in a lake", "floats"),
    ("water in a hot kettle", "boils"), ("milk in the warm sun", "turns sour"),
    ("a plant without water", "dies"), ("iron in the rain", "rusts"), ("a baby without food", "cries"),
    ("a ball on a slope", "rolls"), ("a flower in spring", "blooms"), ("a wet towel in the wind", "dries"),
    ("a balloon near a needle", "bursts"),
]  # fmt: skip
CONTINENTS = [
    ("Egypt", "Africa"), ("India", "Asia"), ("Brazil", "South America"), ("Canada", "North America"),
    ("Poland", "Europe"), ("Nigeria", "Africa"), ("China", "Asia"), ("Peru", "South America"),
    ("Mexico", "North America"), ("Sweden", "Europe"), ("Kenya", "Africa"), ("Thailand", "Asia"),
    ("Chile", "South America"), ("Cuba", "North America"), ("Greece", "Europe"), ("Ghana", "Africa"),
    ("Vietnam", "Asia"), ("Bolivia", "South America"), ("Norway", "Europe"), ("Nepal", "Asia"),
]  # fmt: skip
SOUNDS = [
    ("dog", "barks"), ("cat", "purrs"), ("cow", "moos"), ("duck", "quacks"), ("lion", "roars"),
    ("horse", "neighs"), ("snake", "hisses"), ("wolf", "howls"), ("bee", "buzzes"), ("frog", "croaks"),
    ("owl", "hoots"), ("pig", "grunts"), ("sheep", "bleats"), ("mouse", "squeaks"), ("parrot", "talks"),
    ("rooster", "crows"),
]  # fmt: skip
ACTIONS = [  # who does what to what, never the other way round
    ("teacher", "read", "book"), ("cat", "chased", "ball"), ("boy", "ate", "apple"),
    ("nurse", "opened", "window"), ("driver", "parked", "car"), ("girl", "kicked", "stone"),
    ("tailor", "sewed", "dress"), ("farmer", "bought", "tractor"), ("guest", "drank", "coffee"),
    ("student", "wrote", "essay"), ("queen", "wore", "crown"), ("dog", "buried", "bone"),
    ("singer", "learned", "song"), ("mechanic", "repaired", "engine"), ("child", "broke", "vase"),
    ("thief", "stole", "necklace"), ("painter", "sold", "picture"), ("waiter", "carried", "tray"),
]  # fmt: skip


def _start(text: str) -> str:
    return text[0].upper() + text[1:]


def _swap(facts: list[tuple[str, str]], *frames: str) -> Callable[[Random], Unit]:
    """A unit maker: two facts with different answers, each also told with the other's answer."""

    def unit(rng: Random) -> Unit:
        (first, right), (second, other) = rng.sample(facts, 2)
        frame = rng.choice(frames)
        return [(_start(frame.format(first, right)), _start(frame.format(first, other))),
                (_start(frame.format(second, other)), _start(frame.format(second, right)))]  # fmt: skip

    return unit


def agent_patient(rng: Random) -> Unit:
    """The teacher read the book / the book read the teacher."""
    actions, turned = rng.sample(ACTIONS, 2), rng.random() < 0.5
    frame = "It was the {0} that the {1} {2}." if turned else "The {1} {2} the {0}."
    return [(frame.format(what, who, verb), frame.format(who, what, verb)) for who, verb, what in actions]


WORLD: dict[str, Callable[[Random], Unit]] = {
    "opposite": _swap(OPPOSITES, "The opposite of {} is {}.", "What is not {} is {}."),
    "young_animal": _swap(YOUNG, "A young {} is called a {}.", "A baby {} is known as a {}."),
    "animal_sound": _swap(SOUNDS, "The {} {}.", "Listen to how the {} {}."),
    "colour": _swap(COLOURS, "{} is {}.", "The usual colour of {} is {}."),
    "occupation": _swap(JOBS, "A person who works as {} {}.", "As everyone knows, {} {}."),
    "material": _swap(MATERIALS, "{} is made of {}.", "To make {} one needs {}."),
    "tool": _swap(TOOLS, "People {} with {}.", "In order to {} we use {}."),
    "cause": _swap(CAUSES, "{} {}.", "Sooner or later {} {}."),
    "continent": _swap(CONTINENTS, "{} is a country in {}.", "If you travel to {}, you will be in {}."),
    "agent_patient": agent_patient,
}
