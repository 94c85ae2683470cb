"""Signs that broke when bytes were read as another encoding: UTF-8 read as Windows-1252, and signs that were lost.

The text meant is known where the bytes are still there ("itâ€™s", "cafÃ©"); a lost sign (U+FFFD) is not, but for an
apostrophe inside an English word. Sequences that a writer may mean (É before a closing quote) are left alone: a sign of
two bytes alone counts only in Latin-1, one of three only among punctuation, symbols and full-width forms; other scripts
count from two in a row on.
"""

import re

_HIGH = {bytes([b]).decode("cp1252", errors="replace"): b for b in range(0x80, 0xC0)} | {
    chr(b): b for b in range(0x80, 0xC0)
}
_HIGH.pop("\ufffd", None)
_BYTES = _HIGH | {chr(b): b for b in range(0xC0, 0xF8)}
"""The byte that each sign was read from, by Windows-1252 and by Latin-1."""
_H = "[" + "".join(map(re.escape, sorted(_HIGH))) + "]"
_ANY = f"(?:[Â-ß]{_H}|[à-ï]{_H}{_H}|[ð-ô]{_H}{_H}{_H})"
_RUN = re.compile(
    rf"{_ANY}{{2,}}"
    rf"|ð[Ÿ\x9f]{_H}{_H}"
    rf"|[âï]{_H}{_H}"
    rf"|Â{_H}"
    rf"|(?<![A-ZÀ-Þ])Ã{_H}"
    rf"|[ÄÅ]{_H}(?=[a-z])"
    r"|â€(?![\w])"
    r"|(?<=[a-z.,;:!?)])Â(?= )"
)
_LOST = re.compile(
    r"\ufffd+|[\x00-\x08\x0b\x0e-\x1f\x7f]+|(?:(?<=[\x21-\u024f])|(?<![\s\S]))[\u200b\ufeff]+(?=[\x21-\u024f]|\Z)"
)
_UNICODE = re.compile(
    r"(?<!\\)\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?<!\\)\\u[0-9a-fA-F]{4}(?![0-9a-fA-F])"
)
_LINE_END = re.compile(r"(?<!\\)(?:\\r)?\\n(?![a-z])")
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])\ufffd(?=(?:s|t|re|ve|ll|d|m)\b)")
_LEAD = re.compile(rf"[Â-ô]{_H}|â€|Â ")

Place = tuple[int, int]
"""First character, and the one after the last."""


def mojibake(text: str) -> list[tuple[Place, str]]:
    """Stretches of UTF-8 that was read as Windows-1252 or Latin-1, each with the text that was meant."""
    if text.isascii() or not _LEAD.search(text):
        return []
    read = ((m.span(), _meant(m[0])) for m in _RUN.finditer(text))
    return [(place, meant) for place, meant in read if meant is not None]


def lost_signs(text: str) -> list[tuple[Place, str]]:
    """Signs that were lost in decoding (U+FFFD), control signs, and signs of no width within Latin text.

    Returns:
        The place of each run, and what may be there instead.
    """
    if "\ufffd" not in text and text.replace("\n", "").replace("\t", "").isprintable():
        return []
    apostrophes = {m.start() for m in _APOSTROPHE.finditer(text)} if "\ufffd" in text else set()
    return [(m.span(), "'" if m.start() in apostrophes else "") for m in _LOST.finditer(text)]


def _meant(run: str) -> str | None:
    """What a stretch was before it was misread; None where it is none."""
    if run == "Â":
        return ""
    if run == "â€":
        return "”"
    meant = _decode(run)
    if meant is None:
        return None
    if len(meant) == 1:
        code = ord(meant)
        if len(run) == 3 and not (0x2000 <= code < 0x2C00 or 0xFE00 <= code < 0x10000):
            return None
    return _decode(meant) or meant  # read wrongly twice over


def _decode(run: str) -> str | None:
    raw = bytearray()
    for sign in run:
        if sign not in _BYTES:
            return None
        raw.append(_BYTES[sign])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def escaped_signs(text: str) -> list[tuple[Place, str]]:
    r"""Signs that were escaped once too often, each with the sign meant: `\u2019`, and `\n` in a text without line ends.

    LaTeX has `\nu` and `\neq`, paths have `\new`: a line end counts where no small letter is behind it, twice or more.
    """
    if "\\" not in text:
        return []
    out = [(m.span(), _unescaped(m[0])) for m in _UNICODE.finditer(text)] if "\\u" in text else []
    if "\n" not in text and "\\n" in text:
        ends = [(m.span(), "\n") for m in _LINE_END.finditer(text)]
        out += ends if len(ends) >= 2 else []
    return sorted(out)


def _unescaped(sequence: str) -> str:
    units = bytes.fromhex(sequence.replace("\\u", ""))
    return units.decode("utf-16-be", errors="replace")
