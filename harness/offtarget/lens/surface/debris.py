"""Debris as columns of the surface lens, each under its own name, and the rules that need to know more than one text.

What is there by accident is found as such, not as length: all other rules read the text without it. Patterns are
those of `offtarget.data.debris`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from offtarget.data import debris
from offtarget.lens.features import Column

NAMES = {
    "template_marker": "text that looks like a template marker: chat turns (<|im_start|>, [INST])",
    "eos_text": "text that looks like a template marker: end of a turn or text (</s>, <|endoftext|>)",
    "speaker": "a speaker's name as in a transcript (Assistant:)",
    "invented_turn": "goes on with a turn of the user (User:)",
    "think_block": "text that looks like a template marker: think block (<think>)",
    "placeholder": "unfilled placeholders ([Your Name], {{name}})",
    "html": "HTML tags or entities (<p>, &nbsp;)",
    "mojibake": "broken signs of a wrong encoding (â€™, Ã©)",
    "lost_sign": "lost or control signs (\ufffd, NUL)",
    "escaped": "escaped signs (\\n, \\u2019)",
    "repetition": "says the same over and over, as a model that is stuck (degenerate repetition)",
    "cut_off": "ends in the middle of a sentence (cut off)",
    "empty_cell": "nothing but N/A, null, an error or the like",
    "no_words": "no letter or digit, signs or emoji alone",
    debris.ECHO: "repeats its prompt word for word",
}
"""Name of each rule without `surface:`, and its label."""


def named(columns: Sequence[Column], holding: Mapping[str, Sequence[str]]) -> tuple[Column, ...]:
    """The columns, debris named by what really is in the answers.

    Args:
        columns: of the lens.
        holding: name of a rule -> answers that hold it.
    """
    out = []
    for column in columns:
        name = column.id.removeprefix("surface:")
        if name in debris.KINDS and (texts := holding.get(name)):
            column = replace(column, label=debris.told(name, column.label, texts))
        out.append(column)
    return tuple(out)


def language_note(n_read: int, n_rows: int, n_phrases: int, n_columns: int) -> str | None:
    """What to say of rows that phrase rules cannot read; None of hardly any.

    Args:
        n_read: rows that they can read.
        n_rows: all rows.
        n_phrases: phrase rules.
        n_columns: all surface rules.
    """
    lost = n_rows - n_read
    if lost < 0.02 * n_rows:
        return None
    share = f"{lost / n_rows:.0%}"
    rules = f"{n_phrases} of {n_columns} surface rules, which look for English phrases,"
    if not n_read:
        return f"most text is not English (no row is): {rules} do not apply and are not tested"
    what = "most text is not English" if lost > n_rows / 2 else "not all text is English"
    return f"{what} ({share} of rows are not): there {rules} do not apply, and what they say is of the other {n_read:,} rows"
