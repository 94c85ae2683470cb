"""Whether a file that is not UTF-8 is text in Windows-1252, the encoding in which older spreadsheets save tables.

Nearly all bytes are signs in Windows-1252, so that a file can be read in it says little. It is taken for Windows-1252
only where the text is one that somebody wrote: its accented letters are those of one of the languages that the encoding
was made for, they are capital where capitals are, no currency or quotation sign is in the middle of a word, and no
stretch of it is UTF-8. Czech, Turkish or Cyrillic text in an encoding of its own, and a file of mixed encodings, fail.
"""

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

from offtarget.data.encodings import opened
from offtarget.data.mojibake import mojibake

_ALPHABETS = tuple(
    frozenset(letters + letters.upper().replace("SS", ""))
    for letters in (
        "äöüßéèà", "àâæçéèêëîïôùûüœ", "áéíñóúüªº", "àáâãçéêíóôõúüªº", "àèéìíîòóùúªº", "åäöéü", "åæøéöäü", "ëïéèöüêáóíú",
        "áðéíóúýþæö", "äöõüšž", "àçéèíïóòúü",
    )
)  # fmt: skip
"""Letters of German, French (but ÿ: a byte that files without text are full of), Spanish, Portuguese, Italian, Swedish, Danish,
Dutch, Icelandic, Estonian and Catalan."""
_IN_WORDS = frozenset("’‘–—·…-")
"""Signs that may be between two letters."""
_STRANGE = 0.05
"""Share of the signs beyond ASCII that may be strange: names of other languages, slips."""
_BEYOND = re.compile(r"[^\x00-\x7f]")
_WITHIN = re.compile(r"(?<=[^\W\d_])[^\x00-\x7f](?=[^\W\d_])")
_CAPITAL = re.compile(r"(?<=[a-zß-öø-ÿ])[À-ÖØ-ÞŠŽŒŸ]")
"""A capital accented letter behind a small one."""


def is_windows_1252_file(path: Path) -> bool:
    """Whether a file that is not UTF-8 is text in Windows-1252; all of it is read."""
    stat = path.stat()
    return _of_file(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _of_file(path: Path, size: int, changed: int) -> bool:
    with opened(path) as file:
        return is_windows_1252(file.read())


def is_windows_1252(raw: bytes) -> bool:
    """Whether bytes that are not UTF-8 are text of somebody in Windows-1252."""
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        return False
    signs = Counter(_BEYOND.findall(text))
    letters = Counter({s: n for s, n in signs.items() if s.isalpha()})
    of_one = max(sum(n for s, n in letters.items() if s in alphabet) for alphabet in _ALPHABETS)
    in_words = sum(not s.isalpha() and s not in _IN_WORDS for s in _WITHIN.findall(text))
    strange = letters.total() - of_one + in_words + len(_CAPITAL.findall(text))
    return strange <= _STRANGE * signs.total() and not mojibake(text)
