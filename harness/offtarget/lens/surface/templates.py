"""The language in which phrases are written down.

A template is words and signs with spaces between them, and

- `{a|b c|}`: one of several, each of any length; an empty one leaves it out; choices may hold choices;
- `<name>`: a named choice, shared between lists;
- `_`: any one word; `#`: any number in digits; `..`: up to three words of any kind;
- `^` in front: only where a sentence, a line, or what follows a colon or semicolon begins;
- `/` before the last word or choice of words: it must follow, but is no part of the phrase;
- `$` at the end: only where a sentence or line ends.

A word with an apostrophe stands for its long form and for the form without apostrophe too: `i'm` is also `i am` and
`im`; `=i'm` is that form alone. Nothing is expanded into single phrases, so a template may stand for very many.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

ANY_WORD = "_"
NUMBER = "#"
SENTENCE_START = "^"
SENTENCE_END = "$"
AHEAD = "/"
_UP_TO_THREE = "{|_|_ _|_ _ _}"


@dataclass(frozen=True)
class Choice:
    """One of several sequences."""

    options: tuple[tuple["str | Choice", ...], ...]


Item = str | Choice
_PART = re.compile(r"[{}|]|<[a-z_]+>|[^\s{}|]+")
_ENDINGS = {"'m": ("am",), "'re": ("are",), "'ve": ("have",), "'ll": ("will",), "'d": ("would",), "'s": ("is",)}
_IRREGULAR = {"can't": ("cannot", "can not"), "won't": ("will not",), "shan't": ("shall not",), "let's": ("let us",)}
_OTHER_WORDS = frozenset({"id", "ill", "its", "hed", "hell", "shed", "shell", "wed", "well", "were", "whore", "theyd"})
"""What is left of some forms without their apostrophe is another word."""


def read_template(template: str, classes: Mapping[str, str]) -> tuple[Item, ...]:
    """A template as words and choices.

    Args:
        template: see the module.
        classes: templates of choices by name, without the braces around them.

    Raises:
        ValueError: a word that begins with an apostrophe, a brace that is not closed or not opened, or a name that is not in `classes`.
    """
    parts = _PART.findall(template)
    (items,), rest = _read(parts, 0, classes)
    if rest != len(parts):
        raise ValueError(f"'{template}': '{parts[rest]}' without an opening brace")
    return items


def _read(parts: list[str], at: int, classes: Mapping[str, str]) -> tuple[list[tuple[Item, ...]], int]:
    """The options from one part on, to the brace that closes them or the end; and the number of that part."""
    options: list[list[Item]] = [[]]
    nested = at > 0
    while at < len(parts):
        part = parts[at]
        if part == "}" or (part == "|" and not nested):
            break
        at += 1
        if part == "|":
            options.append([])
        elif part == "{":
            inner, at = _read(parts, at, classes)
            if at == len(parts):
                raise ValueError(f"'{' '.join(parts)}': a brace is not closed")
            at += 1
            options[-1].append(Choice(tuple(inner)))
        elif part[0] == "<" and len(part) > 2:
            if part[1:-1] not in classes:
                raise ValueError(f"'{' '.join(parts)}': there is no class {part}")
            options[-1].append(_class(classes[part[1:-1]], tuple(classes.items())))
        elif part == "..":
            options[-1].append(_class(_UP_TO_THREE[1:-1], ()))
        else:
            options[-1].append(_word(part))
    return [tuple(o) for o in options], at


@cache
def _class(options: str, classes: tuple[tuple[str, str], ...]) -> Item:
    (item,) = read_template("{" + options + "}", dict(classes))
    return item


@cache
def _word(word: str) -> Item:
    """A word, or a choice of its short and long forms."""
    if word[0] == "=" and len(word) > 1:
        return word[1:]
    base, apostrophe, ending = word.partition("'")
    if not base and ending:
        raise ValueError(f"'{word}' is no word of its own: write it with the word before it (i'd, you're)")
    if not apostrophe:
        return word
    if word in _IRREGULAR:
        long = _IRREGULAR[word]
    elif ending == "t" and base.endswith("n"):
        long = (f"{base[:-1]} not",)
    else:
        long = tuple(f"{base} {verb}" for verb in _ENDINGS.get(f"'{ending}", ()))
    plain = () if base + ending in _OTHER_WORDS or not long else (base + ending,)
    return Choice(tuple(tuple(form.split()) for form in (word, *long, *plain)))
