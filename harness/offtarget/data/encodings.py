"""Bytes of a file: unpacked, and in which encoding its text is."""

import codecs
import gzip
import io
import re
from pathlib import Path
from typing import BinaryIO, cast

from offtarget.data.messages import clean

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""UTF-32 before UTF-16, whose mark it begins with."""
_HEAD = 1 << 12
_ALONE = re.compile(rb"[\x00-\x7f][\x80-\xff][\x00-\x7f]")
_RUN = re.compile(rb"[\x80-\xff]{2}")


def shown(path: Path) -> str:
    """The name of a file as text that can be written: bytes that are not UTF-8 come as U+FFFD."""
    return clean(path.name)


def opened(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where its name ends in `.gz` or `.zst`."""
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(BinaryIO, gzip.open(path))
    if suffix == ".zst":
        import pyarrow as pa

        return cast(BinaryIO, io.BufferedReader(pa.input_stream(str(path), compression="zstd")))
    return path.open("rb")


def encoding_of(path: Path) -> str:
    """The encoding by the byte order mark, or by where null bytes are (UTF-16 without a mark); else UTF-8."""
    with opened(path) as file:
        head = file.read(_HEAD)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(head) >= 4 and max(even, odd) > len(head) / 4 and min(even, odd) < len(head) / 40:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def not_utf8(line: bytes, at: int, *, counted: bool = True) -> str:
    """What to say of a line that is not UTF-8.

    Args:
        line: its bytes.
        at: index of the first byte that is not.
        counted: whether that is its place in the file's line too.
    """
    advice = "save the file as UTF-8"
    place = f" (byte {at + 1})" if counted else ""
    if len(_ALONE.findall(line)) > len(_RUN.findall(line)):
        try:
            shown = line[max(0, at - 20) : at + 20].decode("cp1252").strip()
        except UnicodeDecodeError:
            pass
        else:
            return (
                f"not UTF-8{place} but probably Windows-1252 ('{shown}'); {advice}, for instance with "
                "`iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`"
            )
    return f"not UTF-8{place}; {advice}"
