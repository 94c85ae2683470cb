"""Which script a text is written in, and whether it is English: enough to say what rules for English cannot read."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_READ = 800
"""Characters of a text that are looked at."""
_WORDS = 8
"""A text in Latin letters with fewer words is not told from its words."""
_WORD = re.compile(r"[^\W\d_]+")
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
# without those that are English words or parts of addresses too (die, per, plus, van, com, ...)
_OTHER_WORDS = (
    "de la que el en los del las por un una para su al lo como pero más está esto muy sobre ser "  # Spanish
    "le les des et est dans qui sur pas au du ce cette vous nous ne il elle mais avec être aux "  # French
    "der das und ist nicht mit ein eine zu den von auf für sich dem auch wie oder aus bei nach sind wird "  # German
    "os uma em não você isso mais ao pelo são mas foi ter "  # Portuguese
    "di che è sono della dei delle gli nel più anche questo alla "  # Italian
    "het een dat niet voor zijn op aan ook maar bij wordt "  # Dutch
    "và là của có không được cho với những các một trong này đó người thì để bạn tôi như khi "  # Vietnamese
    "yang untuk dengan ini itu tidak adalah dari pada dalam anda saya akan "  # Indonesian
    "ve bu için ile bir çok daha olarak gibi ama değil "  # Turkish
    "nie na się jest że jak ale lub przez dla czy są "  # Polish
    "och att det som är på inte av jag"  # Swedish
)
ENGLISH, _OTHERS = frozenset(_ENGLISH_WORDS.split()), frozenset(_OTHER_WORDS.split())


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
    words = [w.lower() for w in _WORD.findall(text[:_READ])]
    if len(words) < _WORDS:
        return None
    english = sum(map(ENGLISH.__contains__, words)) / len(words)
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
