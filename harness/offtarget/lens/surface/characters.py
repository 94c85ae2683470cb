"""What each character is to the rules, as one number a character: whole texts are then read with numpy at once.

Made from the very expressions by which one text is read (`lexicon`, `sentences`), so there is one answer to what a word is.
"""

import re
from functools import cache

import numpy as np
from numpy.typing import NDArray

from offtarget.lens.surface import lexicon, sentences

SKIPPED, WORD, ALONE, APOSTROPHE = range(4)
"""Part in a token: none; part of a word; a token by itself; part of a word between two parts of one, else by itself."""
TOKEN = 3
"""The bits that say it."""
SAYS, DIGIT, SPACE, END, CLOSER, STOP = (1 << k for k in range(2, 8))
"""A letter or digit; a digit; a space; a sign at which a sentence may end; one that may stand behind it; one at which it ends."""
_PAGE = 256
_N = 0x110000
_DIGIT = re.compile(r"\d")
_SPACE = re.compile(r"\s")


def kinds_of(text: str) -> tuple[NDArray[np.unsignedinteger], NDArray[np.uint8]]:
    """The code points of a text, and what each is.

    Args:
        text: any text; half a surrogate pair is a sign.

    Returns:
        Code points, `uint8` of ASCII text and else `uint32`, and the kinds, `uint8`, each of shape `(n_characters,)`.
    """
    if text.isascii():
        raw = text.encode("ascii")
        return np.frombuffer(raw, np.uint8), np.frombuffer(raw.translate(_ascii()), np.uint8)
    codes = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.dtype("<u4"))
    table, known = _table()
    pages = np.flatnonzero(np.bincount(codes >> 8, minlength=len(known)).astype(bool) & ~known)
    for page in pages.tolist():
        first = page * _PAGE
        table[first : first + _PAGE] = [_kind(chr(c)) for c in range(first, first + _PAGE)]
        known[page] = True
    return codes, table.take(codes)


@cache
def _ascii() -> bytes:
    return bytes(_kind(chr(c)) for c in range(128)) + bytes(128)


@cache
def _table() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The kinds of all code points, and of which pages of them they are known; filled where texts have them."""
    return np.zeros(_N, np.uint8), np.zeros(_N // _PAGE, bool)


def _kind(sign: str) -> int:
    if sign in lexicon.APOSTROPHES:
        token = APOSTROPHE
    elif lexicon.CJK.match(sign):
        token = ALONE if lexicon.TOKEN.match(sign) else SKIPPED
    elif lexicon.WORD_SIGN.match(sign):
        token = WORD
    else:
        token = ALONE if lexicon.TOKEN.match(sign) else SKIPPED
    return (
        token
        | (SAYS if sentences.SAYS.match(sign) else 0)
        | (DIGIT if _DIGIT.match(sign) else 0)
        | (SPACE if _SPACE.match(sign) else 0)
        | (END if sign in sentences.ENDS else 0)
        | (CLOSER if sign in sentences.CLOSERS else 0)
        | (STOP if sign in sentences.STOPS else 0)
    )
