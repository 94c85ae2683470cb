"""The surface lens: every feature on text where the right value can be counted by hand."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from offtarget.data.describe import describe
from offtarget.data.loading import load_pairs
from offtarget.data.markup import read
from offtarget.data.pairs import Pair, PairSet, reading, text_of
from offtarget.lens import surface
from offtarget.lens.surface.columns import PHRASES
from offtarget.lens.surface.lexicon import Lexicon, Matcher, tokenize
from offtarget.lens.surface.measures import mattr

LIST = "**Plan** for *today*:\n\n- buy **milk**\n- walk\n* sleep\n\n1. one\n2) two\n"
LONG = "The small red hen ran over the hill and sat down by the old stone wall. " * 6  # 90 words, 102 tokens
PROFESSIONAL = "If the pain goes on, see your doctor or talk to a licensed therapist."

# feature, text that has it, its value there, a near miss (value 0)
CASES = [
    ("markdown", "## Title\ntext", 1, "Title\n#hashtag\n1986. That was a year.\n-5 degrees, **"),
    ("bold", LIST, 2, "2 ** 3 ** 4, 2**3 and 4**5, call __init__ and **open"),
    ("italic", LIST + "_so_ and *so*", 3, "2 * 3 * 4 = 24, snake_case_name, * star, **bold**"),
    ("heading", "# A\ntext\n### B ###\nmore", 2, "#hashtag\n####### seven\ntext # no"),
    ("bullets", LIST, 3, "well-known\n-5 degrees\n**bold** line\n---\n- \n*em* word"),
    ("glyph_bullets", "• one\n ▪ two", 2, "a • b\n- c"),
    ("numbered", LIST + "  10. ten", 3, "1986. A year\n3.5 litres\n2nd\n1.\nv1. x"),
    ("table", "| a | b |\n|---|:-:|\n| 1 | 2 |", 1, "a | b\nc | d\n---"),
    ("rule", "a\n\n---\n\n* * *\nb", 2, "--\n- -\na --- b\n***bold***"),
    ("inline_code", "use `ls -l` and ``a`b``", 2, "an open ` tick, and ```"),
    ("code_block", "```py\nx\n```\ntext\n~~~\ny", 2, "use ```x``` inline"),
    ("blockquote", "> he said\n> so\nand I", 2, "a > b\n>:( no"),
    ("link", "see [a](http://x.org/b_(c)) and ![i](i.png)", 2, "see [a] (b), f[0](x y) and [1]"),
    ("url", "go to https://x.org/?q=1 or www.y.de, [z](http://z.org)", 3, "the http protocol, a www. page, x.org"),
    ("bold_opener", "\n**Note:** read this", 1, "Read **this**\n\n# Title"),
    ("emoji", "Hi 👋🏽 👨‍👩‍👧 🇩🇪 ❤️ ✅ 1️⃣", 6, "★ ✓ © 1 # → :-) 中文"),
    ("em_dash", "It was—so they say—late", 2, "2010–2015, well-known, a - b -- c"),
    ("exclamations", "Wow! Really!! Yes！", 4, "![alt](x.png) and `a != b`"),
    ("questions", "Why? How?? 何？", 4, "https://x.org/?q=1?r=2 and `a ? b : c`"),
    ("ellipsis", "well... so… and .....", 3, "a.. b. . ."),
    ("quotations", 'He said "a b" and “c” and «d».', 3, "5\" wide, it's, 'so', “open"),
    ("parentheses", "one (two) and (three (four))", 2, "1) a\n:-( b and [x](y)"),
    ("caps_words", "STOP RIGHT NOW, this is IMPORTANT", 4, "NASA and I saw the USA, HTML5 or a-B C"),
    ("ends_with_question", 'Did he say "why?" 😊', 1, "Why? Because."),
    ("hedges", "Perhaps it might rain, I think so, maybe even now.", 40, "The mighty May sun, a certain seam, always"),
    (
        "boosters",
        "Definitely so, of course, and without a doubt clearly true.",
        40,
        "a clear day, certain, it is not always so",
    ),
    (
        "flattery_opener",
        "What a great question! Here it is.",
        1,
        "It was found a long, long time ago, by him. A great question.",
    ),
    ("agreement_opener", "You’re absolutely right, I missed it.", 1, "You're right now in the house. I disagree."),
    ("agreement_opener", "I completely agree with that.", 1, "I don't think you're right."),
    ("compliance_opener", "Sure, here you go.", 1, "Make sure, of course, to go."),
    ("follow_up_offer", LONG + "Let me know if you need any more help.", 2, "Let me know. " + LONG),
    (
        "summary_closer",
        "In conclusion, it rains. Overall, fine.",
        2,
        "In short supply. The overall result. To conclude that is wrong.",
    ),
    ("apology", "I'm so sorry. My apologies, my mistake!", 2, "A sorry state. The sorrow."),
    (
        "refusal",
        "I'm sorry, but I can’t help with that. I am unable to do so.",
        2,
        "I can't wait to help! I can't help but smile. You cannot provide it.",
    ),
    ("ai_disclaimer", "As an AI language model, I don't have feelings. I'm a bot.", 2, "As an aid to you, AI is used."),
    ("professional_referral", PROFESSIONAL, 2, "The doctor saw a licensed driver."),
    ("caution", "It is important to rest. Please note: be careful.", 3, "An important note. He is careful."),
    ("empathy", "I understand how you feel. That must be hard.", 2, "I understand the code. It is hard."),
    ("first_person", "I lost my hat.", 50, "The minor, i.e. the pit, i) one."),
    ("second_person", "You lost your hat.", 50, "The youth thou."),
    ("politeness", "Please sit. Thank you! Would you wait?", 3, "He was pleased to please the kind, thanks to you"),
    ("transitions", "However, it rained. In addition, it was cold.", 25, "How ever it rained. An addition."),
    ("examples", "For example, cats, such as lions, e.g. Leo.", 3, "An exemplary cat, such a lion."),
    ("attribution", "According to him, studies show it.", 2, "He studies. Accordingly, show it."),
    ("enthusiasm", "Wow, an amazing, wonderful day", 3, "an amazed lover, a love story"),
    ("profanity", "damn this shit", 2, "a hello to the class in Scunthorpe, a shell"),
    ("negation", "It is not so, it isn't.", 100 * 2 / 6, "a knot, not only notes, No. 5"),
    ("contractions", "It's late, don't go, we’ll stay", 50, "John's cat and the students' o'clock"),
    ("template_marker", "[INST] Do it [/INST] Done.", 1, "Use `[INST]` and ### Notes: so"),
    ("eos_text", "It is done.</s>", 1, "A <s>strike</s> of HTML, and `</s>`"),
    ("speaker", "Assistant: It is done.", 1, "The assistant: it is done."),
    ("invented_turn", "It is done.\n\nHuman: and now", 1, "It is said:\n\nHuman: and now"),
    ("html", "<p>It is done.</p>", 1, "The <p> tag, a < b > c"),
    ("mojibake", "Itâ€™s done.", 1, "It’s “CAFÉ”."),
    ("escaped", "It is done.\\n\\nSo it is.", 1, "The \\\\nu of \\\\neq is done."),
    ("lost_sign", "It\ufffds done.", 1, "It’s done."),
    ("cut_off", "It is done. And so they all went to th", 1, "And so they all went there"),
    ("empty_cell", "N/A", 1, "None of it"),
    ("no_words", "👍", 1, "👍 1"),
    ("think_block", "<think>\n\n</think>\n\nYes.", 1, "I think so, <b>really</b>"),
    ("placeholder", "Dear [Your Name], hello", 1, "see [your page](x.org), [1] and {a, b}"),
    ("repetition", "Well: " + "and so on " * 8, 1, "Well: " + "and so on " * 4),
]


@pytest.mark.parametrize(("name", "there", "value", "miss"), CASES, ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)])
def test_each_feature_has_its_value_where_it_is_and_zero_on_a_near_miss(name: str, there: str, value: float, miss: str):
    assert surface.features(there)[name] == pytest.approx(value)
    assert surface.features(miss)[name] == 0


MEASURES = [
    ("tokens", "Don't stop, well-known fox!", 8),
    ("characters", "né\n", 3),
    ("sentences", "Dr. J. Smith paid $3.50, e.g. twice. Really?! Yes\n1. Go on\n```\na. b. c.\n```", 4),
    ("sentences", "今天下雨。真的吗？", 2),
    ("words_per_sentence", "One two three. Four five!", 2.5),
    ("paragraphs", "a\nb\n\nc\n \n\nd\n", 3),
    ("newline_density", "abc\ndefgh\n", 10),
    ("digits", "a1b22", 60),
    ("word_length", "a bcd, efgh", 8 / 3),
    ("mattr", "the cat saw the dog", 0.8),
    ("other_language", "No sé si mañana vamos a poder salir de la casa con los niños", 1),
    ("other_language", "I do not know whether we can leave the house with the children", 0),
]


@pytest.mark.parametrize(("name", "text", "value"), MEASURES)
def test_each_measure_counts_what_it_says(name: str, text: str, value: float):
    assert surface.features(text)[name] == pytest.approx(value)


def test_every_column_is_tried_on_a_value_that_is_not_zero():
    tried = {c[0] for c in CASES} | {m[0] for m in MEASURES} | {"echoes_prompt"}  # below, beside its prompt
    assert tried == {c.id.removeprefix("surface:") for c in surface.COLUMNS}


def test_markup_inside_a_fence_is_not_counted():
    code = "```\n- **a**\n# b\n1. *c* d! (e) https://f.g\n```\n"
    found = surface.features("Look!\n" + code + "**end**")
    assert found["code_block"] == 1
    assert found["bold"] == 1
    for name in ("bullets", "heading", "numbered", "italic", "parentheses", "url"):
        assert found[name] == 0
    assert found["exclamations"] == 1
    assert surface.features(code)["markdown"] == 0


def test_the_page_of_lenses_says_how_many_rules_there_are_and_names_them():
    page = (Path(surface.__file__).parents[4] / "docs" / "reference" / "lenses.md").read_text(encoding="utf-8")
    assert f"\n{len(surface.COLUMNS)} rules." in page
    assert all(f"| `{c.id}` |" in page for c in surface.COLUMNS)


def test_phrases_and_contractions_are_read_in_repaired_text():
    broken = surface.features("Iâ€™m sorry, but I donâ€™t know the cafÃ©.")
    meant = surface.features("I’m sorry, but I don’t know the café.")
    assert broken["mojibake"] == 1
    assert {k: v for k, v in broken.items() if k != "mojibake"} == {k: v for k, v in meant.items() if k != "mojibake"}
    assert meant["contractions"] > 0 and meant["apology"] == 1


def test_markup_inside_code_without_a_fence_is_not_counted():
    code = "def f(*args, **kwargs):\n    # step 3\n    i = 1 * 2\n    return __name__, i * args[0] * 2"
    for text in (code, f"Look:\n\n{code}\n\n**end**", f"- a\n\n{code}\n"):
        found = surface.features(text)
        assert found["heading"] == found["italic"] == found["first_person"] == found["code_block"] == 0
        assert found["bold"] == text.count("**end**")
        assert found["bullets"] == text.count("- a")
        assert found["bold_opener"] == 0
        assert found["characters"] == len(text)  # length is of all that is there
    assert surface.features("# step 3\n\nThat is the third.")["heading"] == 1


def test_a_fence_closes_only_with_its_own_sign_and_length():
    found = surface.features("````\n```\n- a\n~~~~\n````\n- b")
    assert (found["code_block"], found["bullets"]) == (1, 1)


def test_the_prose_keeps_words_and_loses_markers():
    text = "# Title\n> - **bold *both***, [text](http://u.v), `code`, __init__ and snake_case"
    assert read(text).prose == "Title\nbold both, text, \ue000, __init__ and snake_case"


def test_a_bold_phrase_is_still_a_phrase():
    assert surface.features("**I'm sorry**, but no")["apology"] == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_the_same(end: str):
    text = end.join(["# A", "- b", "- c", "", "```", "- d", "```", "", "1. e"])
    found = surface.features(text)
    counts = {"heading": 1, "bullets": 2, "code_block": 1, "numbered": 1, "paragraphs": 3, "characters": 30}
    assert {n: found[n] for n in counts} == counts


def test_right_to_left_text_with_direction_marks_and_controls_reads_as_words():
    text = "\u200fשָׁלוֹם\u200e **עולם**، كيف الحال؟\x00\x07"
    found = surface.features(text)
    assert found["bold"] == 1
    assert found["questions"] == 1
    assert tokenize(read(text).prose) == ["שָׁלוֹם", "עולם", "،", "كيف", "الحال", "؟"]


def test_words_of_many_scripts_stay_whole():
    assert tokenize("नमस्ते दुनिया। cafe\u0301 L’été 東京です") == [
        "नमस्ते", "दुनिया", "।", "cafe\u0301", "L’été", "東", "京", "で", "す",
    ]  # fmt: skip


def test_empty_and_blank_texts_are_zero_but_for_their_characters():
    assert set(surface.features("").values()) == {0.0}
    assert {n for n, v in surface.features(" \n\t").items() if v} == {"characters"}


@pytest.mark.parametrize("sign", ["*", "_", "`", "(", "[", "“", "http://", "**a ", "_a", "[a](", "> ", "...a", "|-"])
def test_a_long_run_of_opening_signs_is_read_to_its_end_and_closes_nothing(sign: str):
    # A pattern that looked ahead from each sign to the end would need minutes here.
    found = surface.features("x" + sign * (100_000 // len(sign)) + "x")
    for name in ("bold", "italic", "inline_code", "link", "parentheses", "quotations", "table"):
        assert found[name] == 0
    assert found["characters"] == 2 + 100_000 // len(sign) * len(sign)


def test_mattr_is_the_mean_over_windows():
    # Windows of 2 over a a b a: {a}, {a b}, {b a} -> (1 + 2 + 2) / (3 windows * 2 words)
    assert mattr(["a", "a", "b", "a"], window=2) == pytest.approx(5 / 6)


def test_mattr_does_not_fall_with_length_as_the_plain_ratio_does():
    words = [f"w{i % 60}" for i in range(600)]
    assert mattr(words) == 1.0
    assert mattr(words[:120]) == 1.0
    assert len(set(words)) / len(words) == 0.1


def test_the_longest_phrase_wins_and_matches_do_not_overlap():
    matcher = Matcher([Lexicon("x", ("a", "a b", "b c"), exceptions=("a b d",)), Lexicon("y", ("b",))])
    assert matcher.count(["a", "b", "c"]) == [1, 1]
    assert matcher.count(["a", "b", "d", "a"]) == [1, 1]
    assert matcher.count(["b", "c", "b", "c"]) == [2, 2]


def test_a_phrase_does_not_run_across_punctuation():
    assert surface.features("It was for. Example one")["examples"] == 0


def test_openings_and_closings_count_only_there():
    matcher = Matcher([Lexicon("first", ("x",), opening=2), Lexicon("last", ("x",), closing=2)])
    assert matcher.count(["x", "o", "o", "o", "x"]) == [1, 1]
    assert matcher.count(["o", "o", "x", "o", "o"]) == [0, 0]
    assert matcher.count(["not", "x", "o", "o"]) == [0, 0]


def pair(prompt: str, chosen: str, rejected: str) -> Pair:
    turns = [
        {"role": "user", "content": "**old**"},
        {"role": "assistant", "content": "**older**"},
        {"role": "user", "content": prompt},
    ]
    return Pair(
        "p", "g", turns, [{"role": "assistant", "content": chosen}], [{"role": "assistant", "content": rejected}]
    )


def test_encode_reads_the_last_user_turn_and_both_completions():
    fm = surface.encode([pair("why?", "**a** **b**", "- c"), pair("**so**", "d", "**e**")])
    bold, bullets, questions = (fm.position(f"surface:{n}") for n in ("bold", "bullets", "questions"))
    assert fm.values["prompt", "value"].toarray()[:, bold].tolist() == [0, 1]
    assert fm.values["chosen", "value"].toarray()[:, bold].tolist() == [2, 0]
    assert fm.values["rejected", "value"].toarray()[:, bold].tolist() == [0, 1]
    assert fm.values["rejected", "value"].toarray()[:, bullets].tolist() == [1, 0]
    assert fm.values["prompt", "value"].toarray()[:, questions].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("name", "littered"),
    [
        ("template_marker", "<|im_start|>assistant\n{}"),
        ("eos_text", "{}</s>"),
        ("eos_text", "{}<|im_end|>"),
        ("speaker", "Assistant: {}"),
        ("invented_turn", "{}\nUser: Thank you so much!\nAssistant: You're welcome! I hope it isn't too late."),
        ("html", "<p>{}</p>"),
        ("lost_sign", "{}\ufffd"),
        ("think_block", "<think>\n\n</think>\n\n{}"),
        ("think_block", "<think>First, this.\n\n- Then that!</think>\n\n{}"),
        ("placeholder", "{} [Your Name]"),
        ("echoes_prompt", "How do I clean an old kettle?\n\n{}"),
    ],
)
def test_debris_on_one_side_is_found_as_debris_and_not_as_length(name: str, littered: str):
    answer = "Fill it with **water** and vinegar.\n\nLeave it for an hour, then rinse it."
    fm = surface.encode([pair("How do I clean an old kettle?", littered.replace("{}", answer), answer)])
    chosen, rejected = (fm.values[s, "value"].toarray()[0] for s in ("chosen", "rejected"))
    assert {c.id for c, differs in zip(fm.columns, chosen != rejected, strict=True) if differs} == {f"surface:{name}"}
    assert (chosen[fm.position(f"surface:{name}")], rejected[fm.position(f"surface:{name}")]) == (1, 0)


def test_phrase_rules_do_not_apply_to_rows_in_another_language():
    english, german = (
        "I'm sorry, but I can't help you with that because it is not allowed.",
        "Tut mir leid, aber dabei kann ich nicht helfen, denn das ist nicht erlaubt und auch sehr gefährlich!",
    )
    fm = surface.encode([pair("why?", english, "Yes."), pair("why?", english, german), pair("why?", german, german)])
    refusal, exclaims = fm.position("surface:refusal"), fm.position("surface:exclamations")
    assert fm.values["chosen", "value"].toarray()[:, refusal].tolist() == [1, 0, 0]  # not one side alone
    assert fm.values["rejected", "value"].toarray()[:, exclaims].tolist() == [0, 1, 1]  # a sign is no phrase
    assert fm.info["rows_for_phrases"] == 1
    assert fm.not_read(refusal).tolist() == [False, True, True] and fm.not_read(exclaims) is None
    (said,) = fm.info["cautions"]
    assert said.startswith("most text is not English (67% of rows are not)")
    assert f"{len(PHRASES)} of {len(surface.COLUMNS)} surface rules" in said and "of the other 1 rows" in said
    only = surface.encode([pair("why?", german, german)])
    assert only.info["cautions"][0].startswith("most text is not English (no row is)")
    assert surface.encode([pair("why?", english, "Yes.")]).info["cautions"] == []


def test_rows_too_short_to_tell_are_in_the_language_of_most():
    german = "Tut mir leid, aber dabei kann ich nicht helfen, denn das ist nicht erlaubt und auch sehr gefährlich!"
    english = "I'm sorry, but I can't help you with that because it is not allowed."
    short = pair("Warum?", "I'm sorry, nein.", "Ja.")
    refusal = surface.encode([short]).position("surface:apology")
    most_german = surface.encode([pair("Warum?", german, german), pair("Wozu?", german, "Ja."), short])
    assert most_german.info["rows_for_phrases"] == 0
    assert most_german.values["chosen", "value"].toarray()[2, refusal] == 0
    most_english = surface.encode([pair("Why?", english, "No."), pair("Why?", "Yes.", english), short])
    assert most_english.info["rows_for_phrases"] == 3
    assert most_english.values["chosen", "value"].toarray()[2, refusal] > 0
    alone = [pair(f"Warum {i}?", f"Möglicherweise Köln, {i}.", f"Oder doch München, {i}.") for i in range(9)]
    assert surface.encode(alone).info["rows_for_phrases"] == 0


def test_markdown_is_one_thing_in_the_check_and_in_the_audit():
    chosen = [
        "__The idea__",
        "01) one\n02) two",
        "+ one\n+ two",
        "# Title",
        "It is **so**.",
        "#tag **",
        "x = a*b*c",
        "1986. Then",
    ]
    rows = [pair(f"q{i}?", text, "plain" if i else "- one") for i, text in enumerate(chosen)]
    found = describe(rows)
    assert (found.markdown_chosen, found.markdown_rejected) == (5 / 8, 1 / 8)
    planted = load_pairs("planted-style", limit=300)
    read = surface.encode(planted.pairs)
    for side, share in zip(
        ("chosen", "rejected"),
        (describe(planted.pairs).markdown_chosen, describe(planted.pairs).markdown_rejected),
        strict=True,
    ):
        assert share == pytest.approx(read.values[side, "value"].toarray()[:, read.position("surface:markdown")].mean())
    code = [pair("q?", "```py\n# no heading\n```", "So:\n\n~~~\n- no list\n"), pair("p?", "- yes", "`a`")]
    assert (describe(code).markdown_chosen, describe(code).markdown_rejected) == (0.5, 0)
    assert (describe(code).code_chosen, describe(code).code_rejected) == (0.5, 0.5)


def load(data: Path, name: str) -> list[Pair]:
    with gzip.open(data / name / "pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Pair(
            r["id"],
            r["id"],
            r["prompt"],
            [{"role": "assistant", "content": r["chosen"]}],
            [{"role": "assistant", "content": r["rejected"]}],
        )
        for r in rows
    ]


# Measured on the raw text by patterns of their own when the sets were collected. Fenced code, which this lens
# leaves out, accounts for up to 0.01 on the set of coding answers; placeholders such as [Your Name], which are not
# counted as length, for 0.002 on the set with most of them.
@pytest.mark.parametrize(
    ("name", "longer", "chosen", "rejected", "margin"),
    [
        pytest.param(
            "alpaca_eval_gpt4_pairs", 0.839, 0.462, 0.253, 0.01, marks=pytest.mark.slow
        ),  # the longest answers
        ("community_alignment_en", 0.416, 0.170, 0.014, 0.001),
        ("ukp_convarg1_strict", 0.772, 0.006, 0.007, 0.006),
    ],
)
def test_real_sets_have_the_shape_that_was_measured_before(
    shared_data: Path, name: str, longer: float, chosen: float, rejected: float, margin: float
):
    fm = surface.encode(load(shared_data, name))
    values = {s: fm.values[s, "value"].toarray() for s in ("chosen", "rejected")}
    characters, markdown = fm.position("surface:characters"), fm.position("surface:markdown")
    share_longer = np.mean(values["chosen"][:, characters] > values["rejected"][:, characters])
    assert share_longer == pytest.approx(longer, abs=0.002)
    assert values["chosen"][:, markdown].mean() == pytest.approx(chosen, abs=margin)
    assert values["rejected"][:, markdown].mean() == pytest.approx(rejected, abs=margin)


def test_turns_of_the_user_inside_an_answer_are_not_its_text(tmp_path: Path) -> None:
    """Chosen and rejected part at the first answer, and only the user says thanks."""

    def talk(*texts: str) -> list[dict[str, str]]:
        return [{"role": ("user", "assistant")[i % 2], "content": t} for i, t in enumerate(texts)]

    rows = [
        {
            "chosen": talk(f"Question {i}?", f"Answer {i}.", "Thank you, please go on!", "Sure thing."),
            "rejected": talk(f"Question {i}?", f"Reply {i}, so.", "No, never. Again?", "Fine."),
        }
        for i in range(30)
    ]
    path = tmp_path / "talks.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    pairs = load_pairs(str(path))
    (note,) = (n for n in pairs.notes if "part before the last turn" in n)
    assert "in 30 pairs" in note and "what the assistant says is read" in note
    one = pairs.pairs[0]
    assert text_of(one.chosen) == "Answer 0.\n\nSure thing."
    assert text_of(one.rejected) == "Reply 0, so.\n\nFine."
    assert text_of(one.prompt) == "Question 0?"
    names = [c.id for c in surface.COLUMNS]
    found = surface.encode(pairs.pairs)
    for rule in ("politeness", "exclamations", "questions", "negation"):
        j = names.index(f"surface:{rule}")
        assert found.values["chosen", "value"][:, j].sum() == 0
        assert found.values["rejected", "value"][:, j].sum() == 0
    j = names.index("surface:characters")
    assert found.values["chosen", "value"][0, j] == len("Answer 0.\n\nSure thing.")
    assert describe(pairs.pairs[:1]).chosen_chars == len("Answer 0.\n\nSure thing.")
    plain = PairSet("plain", [replace(p, chosen=p.chosen[:1], rejected=p.rejected[:1]) for p in pairs.pairs])
    assert reading(plain.pairs) == {}
    assert reading(pairs.pairs) == {"answers": "turns of the assistant"}
