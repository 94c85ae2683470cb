"""Code that is in a text without a fence: which of its lines are code.

What a line looks like alone tells little ("x = 5" is mathematics, "# Title" a heading), so a stretch is code only if it
holds a line that hardly is anything else (`def f(x):`, `import numpy as np`, `for (...) {`, a statement with its
semicolon) and a second line of code. Comments, indented lines and blank lines count where they are within it. A list
item, a fence and a line of prose end it. Where in doubt a line is prose.
"""

import re
from collections.abc import Sequence

_SURE = re.compile(
    r"(?:async )?def \w+ ?\(|class \w+(?:\([\w., =]*\))?(?: \w+)*[ ]?[:{]$|class \w+ extends \w+"
    r"|(?:from [\w.]+ )?import [\w.*{'\"][\w., {}*'\":/-]*(?: as \w+)?;?$"
    r"|#include ?[<\"]|\#!/|using namespace \w+;|package [\w.]+;"
    r"|(?:for|while|if|elif|else if|switch|catch|with) ?.*[()\[\]=<>].*[:{]$|for \w+(?:, ?\w+)* in \S+.*:$"
    r"|(?:const|var) [\w{}\[\], :]+ = |function \w*\(|(?:func|fn) \w+\("
    r"|(?:public|private|protected|static|export) .*[({;]$"
    r"|(?:print|printf|println|console\.log|System\.out\.print(?:ln)?) ?\(|(?:std::)?cout ?<<"
    r"|[A-Za-z_]\w*(?:\.\w+|\[[^\[\]\n]*\])* (?:=|<-) (?:.*\w\.\w+\(|[\[{'\"]|\w+\(.*\)$|.*\[.*\]$)"
    r"|.*[\w)\]'\"] ?\{$|(?:[^,]*[=()].*|(?:return|break|continue)\b.*);$|[)\]}]*\}[)\]},;]*$"
    r"|(?:sudo|pip3?|npm|yarn|conda|brew|apt(?:-get)?|git|docker|go|cargo) "
    r"(?:install|update|add|run|build|clone|commit|push|pull|checkout|init|start|create|apt|apt-get|-\w)\b[^.?!]*$"
    r"|python3? [\w./-]+\.py|\$ \w"
)
"""A line that hardly is anything but code."""
_LIKELY = re.compile(
    r"[A-Za-z_][\w.\[\]'\"]*(?: ?[:,] ?\w+)* ?(?:=|[-+*/:]=) ?\S|return\b|[\w.]+\(.*\)[;,:]?$|(?:else|try|finally|do) ?[:{]?$"
    r"|(?:pass|break|continue|end|fi|done|esac)$|(?:except|raise|yield|elif|case|assert|del|lambda)\b.*[:()\w]$|[)\]}]+[;,)]*$"
    r"|(?:while|for|if|elif|with) (?:not )?[\w.]+:$|@\w+(?:\(.*\))?$|['\"][\w -]+['\"] ?:|\w+ = .*"
)
_COMMENT = re.compile(r"#+(?!!)|//|/\*|\*/|--(?!-)|;;")
_REMARK = re.compile(r"(?<=[\w)\]}'\";:,{(])[ \t]+(?:#|//) .*")
_ITEM = re.compile(r"[-+•*] \S|[0-9]{1,3}[.)] ")
_PROSE = re.compile(r"[A-Z](?:[\w'’-]+[,;:]? ){4,}.*[.!?:]$")
_HINT = re.compile(
    r"\n[ \t]*(?:(?:async )?def |class |import |from \w|#include|#!|function |const |var |func |fn |public |private |static |print"
    r"|console|cout|std::|for |while |if |with "
    r"|sudo |pip|npm|git |docker |conda |brew |apt|python|\$ |go |cargo |yarn |[\w.\[\]]+ ?(?:=|<-) )"
)
"""No code is in a text without it, or a brace or semicolon."""

_SURE_KIND, _LIKELY_KIND, _COMMENT_KIND, _BLANK, _INDENTED, _OTHER = range(6)


def code_lines(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Stretches of lines that are code: the first line of each, and the one after its last.

    Args:
        lines: of a text, without their ends; what is in fences is read too.
    """
    kinds = [_kind(line) for line in lines]
    out: list[tuple[int, int]] = []
    done = 0
    for i, kind in enumerate(kinds):
        if kind != _SURE_KIND or i < done:
            continue
        start, stop = _up(kinds, i, done), _down(kinds, i)
        if sum(k in (_SURE_KIND, _LIKELY_KIND) for k in kinds[start:stop]) >= 2:
            out.append((start, stop))
            done = stop
    return out


def may_hold_code(text: str) -> bool:
    """Whether it is worth looking for code; quick."""
    return "{" in text or "}" in text or ";" in text or _HINT.search("\n" + text) is not None


def _kind(line: str) -> int:
    rest = line.strip()
    if not rest:
        return _BLANK
    if rest[:3] in ("```", "~~~") or _ITEM.match(rest) or len(rest) > 400:
        return _OTHER
    if _COMMENT.match(rest):
        return _SURE_KIND if rest.startswith("#include") else _COMMENT_KIND
    if _PROSE.match(rest):
        return _OTHER
    rest = _REMARK.sub("", rest)
    if _SURE.match(rest):
        return _SURE_KIND
    if _LIKELY.match(rest):
        return _LIKELY_KIND
    return _INDENTED if line[:1] == "\t" or line[:2] == "  " else _OTHER


def _down(kinds: Sequence[int], start: int) -> int:
    """The end of a stretch: behind the last line of code, indented line, or comment right below one."""
    stop = start + 1
    for j in range(start + 1, len(kinds)):
        kind = kinds[j]
        if kind == _OTHER:
            break
        if kind in (_SURE_KIND, _LIKELY_KIND) or (kind in (_INDENTED, _COMMENT_KIND) and stop == j):
            stop = j + 1
        elif kind == _BLANK and j > start + 2 and kinds[j - 1] == kinds[j - 2] == _BLANK:
            break
    return stop


def _up(kinds: Sequence[int], start: int, floor: int) -> int:
    """The beginning: comments, likely and indented lines right above."""
    while start > floor and kinds[start - 1] in (_COMMENT_KIND, _LIKELY_KIND, _INDENTED):
        start -= 1
    return start
