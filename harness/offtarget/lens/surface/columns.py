"""The columns of the surface lens: name, what a reader sees, unit, and how sides are compared."""

from typing import Literal

from offtarget.lens.features import Column
from offtarget.lens.surface import debris
from offtarget.lens.surface.phrases import RULES


def _column(
    name: str, label: str, unit: str = "count per response", contrast: Literal["presence", "value", "log"] = "presence"
) -> Column:
    return Column(f"surface:{name}", label, unit, contrast)


RATE = "per 100 words"
_FLAG = "1 if there"

COLUMNS: tuple[Column, ...] = (
    _column("tokens", "length in words and punctuation marks", "tokens", "log"),
    _column("characters", "length in characters", "characters", "log"),
    _column("sentences", "sentences", "sentences", "log"),
    _column("words_per_sentence", "words per sentence", "words", "value"),
    _column("paragraphs", "paragraphs (blocks between blank lines)", "paragraphs", "log"),
    _column("newline_density", "line breaks", "per 100 characters", "value"),
    _column("markdown", "any markdown heading, list or bold", _FLAG),
    _column("bold", "bold text"),
    _column("italic", "italic text"),
    _column("heading", "markdown headings"),
    _column("bullets", "bullet list items"),
    _column("glyph_bullets", "typographic bullets (•), not markdown"),
    _column("numbered", "numbered list items"),
    _column("table", "tables"),
    _column("rule", "horizontal rules"),
    _column("inline_code", "inline code"),
    _column("code_block", "fenced code blocks"),
    _column("blockquote", "block-quoted lines"),
    _column("link", "markdown links"),
    _column("url", "web addresses"),
    _column("bold_opener", "opens with bold text or a heading", _FLAG),
    _column("emoji", "emoji"),
    _column("em_dash", "em-dashes"),
    _column("exclamations", "exclamation marks", contrast="log"),
    _column("questions", "question marks", contrast="log"),
    _column("ellipsis", "ellipses"),
    _column("quotations", "text in double quotation marks", contrast="log"),
    _column("parentheses", "text in parentheses", contrast="log"),
    _column("digits", "digits", "per 100 characters", "value"),
    _column("caps_words", "shouted words in capitals"),
    _column("ends_with_question", "ends with a question", _FLAG),
    _column("hedges", "hedges (perhaps, might, I think)", RATE, "value"),
    _column("boosters", "certainty and emphasis (definitely, of course)", RATE, "value"),
    _column("flattery_opener", "praise of the user or the question in the opening words"),
    _column("agreement_opener", "agreement in the opening words (you're right)"),
    _column("compliance_opener", "compliance in the opening words (sure, here is)"),
    _column("follow_up_offer", "offers of more help in the closing words (let me know)"),
    _column("summary_closer", "summing up in the closing words, marked as such (in conclusion, overall)"),
    _column("apology", "apologies (I'm sorry)"),
    _column("refusal", "refusals (I can't help with that)"),
    _column("ai_disclaimer", "speaks of itself as an AI (as an AI, I have no opinions)"),
    _column("professional_referral", "referrals to a professional (see a doctor)"),
    _column("caution", "cautions and notes (it is important to)"),
    _column("empathy", "empathy (I understand how, you are not alone)"),
    _column("first_person", "first person singular (I, my)", RATE, "value"),
    _column("second_person", "second person (you, your)", RATE, "value"),
    _column("politeness", "politeness (please, thank you)"),
    _column("transitions", "transitions (however, furthermore)", RATE, "value"),
    _column("examples", "examples (for example, such as)"),
    _column("attribution", "appeals to sources (according to, studies show)"),
    _column("enthusiasm", "enthusiasm (amazing, wonderful)"),
    _column("profanity", "profanity"),
    _column("negation", "negation", RATE, "value"),
    _column("contractions", "contractions (don't, it's)", RATE, "value"),
    _column("mattr", "lexical variety (moving-average type-token ratio)", "share of words", "value"),
    _column("word_length", "word length", "characters per word", "value"),
    _column("other_language", "text in another language than English", _FLAG),
    *(_column(name, label, _FLAG) for name, label in debris.NAMES.items()),
)

NAMES = tuple(c.id.removeprefix("surface:") for c in COLUMNS)
RATES = frozenset(n for n, c in zip(NAMES, COLUMNS, strict=True) if c.unit == RATE)
PHRASES = frozenset(RULES)
"""Rules that read English alone."""
