"""Which script a text is written in, and whether it is English: enough to say what rules for English cannot read."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_READ = 800
"""Characters of a text that are looked at."""
_WORDS = 8
"""A text in Latin letters with fewer words is not told from its words."""
_WORD = re.compile(r"[^\W\d_]+")
_ASCII_LETTERS = {c: chr(c).lower() if chr(c).isalpha() else " " for c in range(128)}
"""Small letters as they are, and spaces for all that is none: between them are the words of ASCII text."""
_SCRIPTS = {
    "cjk": "Han", "hiragana": "Kana", "katakana": "Kana", "katakana-hiragana": "Kana", "fullwidth": "Latin",
    "halfwidth": "Kana", "hangul": "Hangul", "kangxi": "Han",
}  # fmt: skip
"""First word of a letter's Unicode name -> script, where it is not the name of the script."""

_ENGLISH_WORDS = (
    "the and of to that it for with are this you your have not from can will they which but what would there their "
    "when how about because should is be or by at if has was were we been had could more some other than then these "
    "those into its it's i'm don't who where why very just only also any our my"
)
_MORE_ENGLISH = "an he she his does did please between every many much most write explain describe give"
"""Words that are common in short questions and orders."""
# without those that are English words or parts of addresses too (die, per, plus, van, com, ...)
_OTHER_WORDS = {
    "Spanish": "de la que el en los del las por un una para su al lo como pero más está esto muy sobre ser "
    "qué cómo cuál dónde cuándo quién es son hay puedo yo tu mi",
    "French": "le les des et est dans qui sur pas au du ce cette vous nous ne il elle mais avec être aux de la un en "
    "je une quel quelle quels quelles où combien pourquoi peut mes mon",
    "German": "der das und ist nicht mit ein eine zu den von auf für sich dem auch wie oder aus bei nach sind wird "
    "ich wir mir mich mein kann kein keine dass noch nur wenn aber haben gibt zum zur vom einen einem einer warum welche "
    "über dir dich du es",
    "Portuguese": "os uma em não você isso mais ao pelo são mas foi ter de que um para por como qual onde é",
    "Italian": "di che è sono della dei delle gli nel più anche questo alla la il un una perché qual quale posso",
    "Dutch": "het een dat niet voor zijn op aan ook maar bij wordt de en ik je waarom welke geen kun mijn deze dit "
    "hoeveel naar ze",
    "Vietnamese": "và là của có không được cho với những các một trong này đó người thì để bạn tôi như khi",
    "Indonesian": "yang untuk dengan ini itu tidak adalah dari pada dalam anda saya akan bagaimana apa",
    "Turkish": "ve bu için ile bir çok daha olarak gibi ama değil nedir nasıl neden kaç hangi mi mı var",
    "Polish": "nie na się jest że jak ale lub przez dla czy są co gdzie",
    "Swedish": "och att det som är på inte av jag en hur vad",
}
ENGLISH = frozenset(_ENGLISH_WORDS.split())
_KNOWN_ENGLISH = ENGLISH | frozenset(_MORE_ENGLISH.split())
_OTHERS = frozenset(w for words in _OTHER_WORDS.values() for w in words.split())
_FEW = 0.1
"""Below this share of texts that tell by themselves, the others are asked together."""
_ASKED = 1000
"""Different short texts that are asked together."""


def script(text: str) -> str:
    """The script of most letters of a text, by its English name (Latin, Han, Arabic, ...); empty without letters."""
    if text.isascii():
        return "Latin" if any(map(str.isalpha, text)) else ""
    found: Counter[str] = Counter()
    for sign, n in Counter(text[:_READ]).items():
        name = _of_letter(sign)
        if name:
            found[name] += n
    if found["Kana"] >= 0.1 * (found["Kana"] + found["Han"]) > 0:  # Japanese mixes both
        found["Kana"] += found.pop("Han", 0)
    return found.most_common(1)[0][0] if found else ""


def is_english(text: str) -> bool | None:
    """Whether a text is English, by its letters and its commonest words; None where that does not tell.

    A text mostly in another script is not English. One in Latin letters, of eight words or more, is not where words
    that are common in eleven other European and Asian languages outnumber those common in English, or where one
    letter in thirty has an accent and hardly a word is an English one. Lists of names, code and short texts have
    neither, and are not told.
    """
    written = script(text)
    if written and written != "Latin":
        return False
    return _by_words(_words(text))


class Languages(dict[str, bool | None]):
    """Text -> `is_english` of it; each text is looked at once, when it is first asked for."""

    def __missing__(self, text: str) -> bool | None:
        """See, and keep."""
        found = self[text] = is_english(text)
        return found


@dataclass(frozen=True)
class Together:
    """What some texts say of their language, all together."""

    english: float = 0.0
    """Share that is English, of the texts that tell by themselves; where fewer than a tenth do, 1 or 0: what the others
    say together. 0 like `other` where nothing tells."""
    other: float = 0.0
    """Share that is not."""
    by_themselves: float = 0.0
    """Share of the texts that tell by themselves."""

    @property
    def is_english(self) -> bool | None:
        """The majority; None where nothing tells, or one half says this and one that."""
        return None if self.english == self.other else self.english > self.other


def together(texts: Sequence[str], languages: Languages | None = None) -> Together:
    """The language of texts of one kind (all prompts, all answers) in which short ones do not tell by themselves.

    Args:
        texts: the texts.
        languages: of those that were looked at before; the others join them.
    """
    languages = Languages() if languages is None else languages
    alone = {t: languages[t] for t in dict.fromkeys(texts)}
    told = [x for t in texts if (x := alone[t]) is not None]
    share = len(told) / len(texts) if texts else 0.0
    if share < _FEW:
        short = [t for t, x in alone.items() if x is None][:_ASKED]
        of_all = _by_words([w for t in short for w in _words(t)])
        if of_all is not None:
            return Together(float(of_all), float(not of_all), share)
    if not told:
        return Together()
    return Together(sum(told) / len(told), 1 - sum(told) / len(told), share)


def latin_language(texts: Iterable[str]) -> str:
    """The name of the language of texts in Latin letters that are not English; empty where it is not plain."""
    counts = Counter(w for t in texts for w in _words(t))
    of_each = sorted(
        ((sum(counts[w] for w in words.split()), name) for name, words in _OTHER_WORDS.items()), reverse=True
    )
    (most, name), (next_most, _) = of_each[:2]
    return name if most >= 0.08 * max(counts.total(), 1) and most >= 1.25 * next_most else ""


def _words(text: str) -> list[str]:
    head = text[:_READ]
    if head.isascii():
        return head.translate(_ASCII_LETTERS).split()
    return [w.lower() for w in _WORD.findall(head)]


def _by_words(words: Sequence[str]) -> bool | None:
    """Whether words are English; None of fewer than eight, and where they do not tell."""
    if len(words) < _WORDS:
        return None
    english = sum(map(_KNOWN_ENGLISH.__contains__, words)) / len(words)
    foreign = list(filter(_OTHERS.__contains__, words))
    other = len(foreign) / len(words) if len(set(foreign)) > 1 else 0.0
    if english >= 0.1 and english >= other:
        return True
    if other >= 0.08 and other > english:
        return False
    letters = "".join(words)
    accents = sum(ord(c) > 127 for c in letters) / len(letters)
    return False if accents > 1 / 30 and english < 0.05 else None


@lru_cache(maxsize=20_000)
def _of_letter(sign: str) -> str:
    """The script of a letter; empty for signs that are none."""
    if not sign.isalpha():
        return ""
    first = unicodedata.name(sign, "").split(" ")[0].lower()
    return _SCRIPTS.get(first, first.capitalize())
