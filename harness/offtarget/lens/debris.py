"""Debris as columns of the surface lens, each under its own name, and the rules that need to know more than one text.

What stands there by accident is found as such, not as length: all other rules read the text without it. Patterns are
those of `offtarget.data.debris`.
"""

from offtarget.data import debris
from offtarget.data.language import is_english

NAMES = {
    "template_marker": "text that looks like a template marker: chat turns (<|im_start|>, [INST])",
    "eos_text": "text that looks like a template marker: end of text (</s>, <|endoftext|>)",
    "think_block": "text that looks like a template marker: think block (<think>)",
    "placeholder": "unfilled placeholders ([Your Name], {{name}})",
    "repetition": "says the same over and over, as a model that is stuck (degenerate repetition)",
    debris.ECHO: "repeats its prompt word for word",
}
"""Name of each rule without `surface:`, and its label."""


def read(text: str) -> tuple[dict[str, float], str]:
    """1 for each kind of debris that a text holds, and the text without it.

    Whether it repeats its prompt is not to be seen in the text alone: 0 here.

    Args:
        text: with a line feed at every line end.
    """
    found, clean = debris.read(text)
    return {name: float(name in found) for name in NAMES}, clean


def phrases_apply(*texts: str) -> bool:
    """Whether rules for English phrases can read these texts: none of them is known to be in another language."""
    return all(is_english(t) is not False for t in texts)


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
    return (
        f"{what} ({share} of rows are not): there {rules} do not apply; such rows count as no difference, and what "
        f"these rules say rests on the other {n_read:,} rows"
    )
