"""What is in a text by accident: found where it is, not where it is meant, and taken out of what is measured."""

import time
from typing import Any

import pytest

from offtarget.data import debris
from offtarget.data.debris import echo, own_text, places, read
from offtarget.data.pairs import Message, Pair
from offtarget.data.stock import stock_answers

LOREM = "The small red hen ran over the hill and sat down by the old stone wall, where it stayed until the rain came. "

FOUND = [
    ("template_marker", "<|im_start|>assistant\nHello", ["<|im_start|>assistant"]),
    ("template_marker", "[INST] <<SYS>> be kind <</SYS>> hi [/INST]", ["[INST]", "<<SYS>>", "<</SYS>>", "[/INST]"]),
    ("template_marker", "<|start_header_id|>user<|end_header_id|>\n\nHi", ["<|start_header_id|>user", "<|end_header_id|>"]),
    ("template_marker", "<start_of_turn>model\nHi", ["<start_of_turn>model"]),
    ("speaker", "### Instruction:\nDo it\n\n### Response: Done", ["### Instruction:", "### Response: "]),
    ("speaker", "Assistant: It is so.", ["Assistant: "]),
    ("speaker", "It is so.\n\nAssistant: And so.", ["Assistant: "]),
    ("invented_turn", "Fine.\n\nHuman: and now?\n\nAssistant: so", ["Human: and now?\n\nAssistant: so"]),
    ("invented_turn", "Fine.\nUser: Thanks!\nAssistant: You are welcome.", ["User: Thanks!\nAssistant: You are welcome."]),
    ("invented_turn", "Fine.\n\n### Instruction:\nNow say", ["### Instruction:\nNow say"]),
    ("invented_turn", "It is fine.\nUser:", ["User:"]),
    ("template_marker", "<｜User｜>hi", ["<｜User｜>"]),
    ("eos_text", "It is done.</s>", ["</s>"]),
    ("eos_text", "<s>It is done.", ["<s>"]),
    ("eos_text", "It is done.<|endoftext|>\n", ["<|endoftext|>"]),
    ("eos_text", "It is done.<|eot_id|>", ["<|eot_id|>"]),
    ("eos_text", "It is done.<|im_end|>\n", ["<|im_end|>"]),
    ("eos_text", "It is done.<end_of_turn>", ["<end_of_turn>"]),
    ("eos_text", "x = 1\n```py\ny = 2</s>", ["</s>"]),  # ends an open block of code
    ("think_block", "<think>\n\n</think>\n\nYes.", ["<think>\n\n</think>\n\n"]),
    ("think_block", "<think>so it is\n\nindeed</think>Yes.", ["<think>so it is\n\nindeed</think>"]),
    ("think_block", "so it is\n</think>\nYes.", ["so it is\n</think>\n"]),  # the opening was in the prompt
    ("think_block", "<thinking> cut off", ["<thinking> cut off"]),
    ("placeholder", "Dear [Your Name], I am {{user}} of ${company}.", ["[Your Name]", "{{user}}", "${company}"]),
    ("placeholder", "Dear [NAME], {instruction}", ["[NAME]", "{instruction}"]),
    ("placeholder", "Ask <insert name here> or NAME_1.", ["<insert name here>", "NAME_1"]),
    ("html", "<p>One.</p><p>Two &amp; three.</p>", ["<p>", "</p>", "<p>", "&amp;", "</p>"]),
    ("html", '<ul class="x">\n<li><b>Note</b></li></ul>Go.<br/>', ['<ul class="x">', "<li>", "<b>", "</b>", "</li>", "</ul>", "<br/>"]),
    ("mojibake", "Itâ€™s a cafÃ©.", ["â€™", "Ã©"]),
    ("mojibake", "Ã¢â‚¬Å“YesÃ¢â‚¬Â\x9d.", ["Ã¢â‚¬Å“", "Ã¢â‚¬Â\x9d"]),  # read wrongly twice
    ("mojibake", "ÐŸÑ€Ð¸Ð²ÐµÑ‚.", ["ÐŸÑ€Ð¸Ð²ÐµÑ‚"]),
    ("mojibake", "`cafÃ©` it is.", ["Ã©"]),  # in code too
    ("lost_sign", "It isn\ufffdt so\ufffd\ufffd.", ["\ufffd", "\ufffd\ufffd"]),
    ("lost_sign", LOREM + "Near the caf\ufffd", ["\ufffd"]),  # the end that was meant
    ("html", LOREM + "The fox &amp; the hen &lt;br&gt;", ["&amp;", "&lt;", "&gt;"]),
    ("lost_sign", "zero\x00nul.", ["\x00"]),
    ("lost_sign", "It is\u200bso.", ["\u200b"]),
    ("escaped", "It\\u2019s so.\\n\\nAnd so.", ["\\u2019", "\\n", "\\n"]),
    ("escaped", "So \\ud83d\\ude00 it is.", ["\\ud83d\\ude00"]),
    ("speaker", "AI: It is so.", ["AI: "]),
    ("speaker", "<bot>: It is so.", ["<bot>: "]),
    ("empty_cell", "Error 429: rate limit reached for requests", ["Error 429: rate limit reached for requests"]),
    ("empty_cell", "Internal Server Error", ["Internal Server Error"]),
    ("empty_cell", "Error: Request timed out (429)", ["Error: Request timed out (429)"]),
    ("cut_off", LOREM + "Then the fox looked at th", ["Then the fox looked at th"]),
    ("cut_off", LOREM + "Then the fox looked at the hen and,", ["Then the fox looked at the hen and,"]),
    ("cut_off", "It depends on the", ["It depends on the"]),
    ("cut_off", "Two things.\n\n1. " + LOREM + "\n2. " + LOREM + "\n3. The fox and its young ran", ["3. The fox and its young ran"]),
    ("cut_off", "So:\n```python\ndef f(x):\n    return x + y", ["```python\ndef f(x):\n    return x + y"]),
    ("cut_off", "今天天气很好。我们一起去公园散步，", ["我们一起去公园散步，"]),
    ("empty_cell", "N/A", ["N/A"]),
    ("empty_cell", " null\n", ["null"]),
    ("empty_cell", "NaN", ["NaN"]),
    ("empty_cell", "[deleted]", ["[deleted]"]),
    ("no_words", "😀😀😀", ["😀😀😀"]),
    ("repetition", "A ffine reply. " + "edReaderused" * 8, ["edReaderused" * 8]),
    ("repetition", LOREM + "and so on and so on and so on and so on and so on and so on and so on.", ["and so on " * 6]),
    ("repetition", "Yes, it can do that.\n" * 6, ["Yes, it can do that.\n" * 6]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "marked"), FOUND)
def test_debris_is_found_where_it_stands(kind: str, text: str, marked: list[str]) -> None:
    found = {k: [text[a:b] for a, b in at] for k, at in places(text).items()}
    if kind == "repetition":
        (run,) = found.pop(kind)
        assert len(run) >= len(marked[0]) - 12 and marked[0].strip()[:9] in run
        assert not found
    else:
        assert found == {kind: marked}


MEANT = [
    "Write `</s>` or `<|im_end|>` at the end.",
    "```\n[INST] {{name}} [/INST]</s>\n```\nThat is the template.",
    "A <s>mistake</s> was made.",  # a strike in HTML
    "see [the page](http://x.org), [1], [a: b] and [sic]",
    "f(x) = {a, b}, \\text{name}, \\frac{a}{b}, x_{max}",
    "The human: a study. He said: no.\nHuman: he",
    "a < b and c > d | e",
    "He laughed: ha ha ha ha ha!",
    "| a | b |\n|---|---|\n" + "-" * 200,
    "1. one\n2. two\n3. three\n" + LOREM * 3,  # said again, not stuck
    "",
    "Paris",
    "paris i guess, but i am not sure. ask someone else maybe",  # chat, without full stops
    "The Old Man and the Sea",
    "Roses are red,\nViolets are blue,\nSugar is sweet\nAnd so are you",
    "- milk\n- bread and butter\n- a pound of the best cheese",
    LOREM + "\n\nBest regards,\nThe Hen",
    LOREM + "So x = 4 + y",
    LOREM + "See https://example.org/hen",
    LOREM + "#hens #hills",
    LOREM + "“And so it was”",
    "“" + LOREM + "It was so.” - Henny P. Penny",
    "Der Zug ist da und wir fangen mit der Arbeit nun endlich alle zusammen an",
    "Er sagte: „So war es damals auch“",
    "1.1. Of the hen and of its hill\n1.2. Of the old stone wall and the rain",
    LOREM + "😀",
    "| hen | hill |\n|---|---|\n| small | steep |",
    "วันนี้อากาศดีมาก เราไปเดินเล่นที่สวน",  # Thai has no full stops
    "It was so. So it was。それでいい。",
    "The <p> tag opens a paragraph, and “<br>” breaks it.",
    "<!DOCTYPE html>\n<html><body><p>A page.</p></body></html>",
    "Write `<b>` and &c. for a < b & c.",
    "“CAFÉ”, “groß…”, «À Paris», AMANHÃ”, Straße, São Paulo, naïve – 5 × 3 €.",
    "Here is a dialogue:\n\nUser: Hello!\nAssistant: Hello.",
    "Anna: Hi.\nUser: Who?\nBen: Me.\nUser: And you?\nAssistant: I am here.",
    "None of them is so.",
    "Error: the second line has no colon.",
    "ကျောင်း\u200bသား",  # a word joint of Burmese
    "`\\u2019` and `\\n` are escapes, \\nu and \\neq are LaTeX, C:\\new\\next are folders",
    "A line\nwith \\n in it, and \\n again.",
    "The AI: the next decade.",
]


@pytest.mark.parametrize("text", MEANT)
def test_what_is_meant_is_no_debris(text: str) -> None:
    assert places(text) == {}
    assert read(text)[1] is text


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("<think>\n\n</think>\n\nYes, it is.", "Yes, it is."),
        ("Yes, it is.</s>", "Yes, it is."),
        ("<|im_start|>assistant\nYes.<|im_end|>\n", "Yes."),
        ("Dear [Your Name],\nyes", "Dear ,\nyes"),
        ("Yes.\nUser: Why?\nAssistant: So.", "Yes."),
        ("<p>One.</p><p>Two&nbsp;<b>bold</b> &lt; 3.</p>", "One.\n\nTwo bold < 3."),
        ("It isn\ufffdt, itâ€™s a cafÃ©\x00.", "It isn't, it’s a café."),
        ("It\\u2019s so.\\n\\nAnd \\ud83d\\ude00.", "It’s so.\n\nAnd 😀."),
        ("Good. So it goes on and", "Good. So it goes on and"),  # a cut is short, however it came about
        ("N/A", "N/A"),
        ("  Yes. ", "  Yes. "),  # nothing to take out: as it is
        ("word " * 30, "word " * 30),  # repetition is long, however it came about
    ],
)
def test_a_text_without_its_debris(text: str, rest: str) -> None:
    assert read(text)[1] == rest


def test_an_empty_cell_is_no_stock_answer() -> None:
    def pair(i: int, answer: str) -> Pair:
        return Pair(
            str(i),
            str(i),
            [{"role": "user", "content": f"What is {i}?"}],
            [{"role": "assistant", "content": f"It is {i}."}],
            [{"role": "assistant", "content": answer}],
        )

    cells = [pair(i, ("N/A", "null")[i % 2] if i < 40 else f"It is not {i}.") for i in range(60)]
    assert stock_answers(cells, "rejected") == []
    canned = [pair(i, "I cannot say." if i < 40 else f"It is not {i}.") for i in range(60)]
    assert [len(a.rows) for a in stock_answers(canned, "rejected")] == [40]


def test_an_answer_that_repeats_its_prompt() -> None:
    prompt: list[Message] = [
        {"role": "user", "content": "Earlier, something else entirely?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "What is the  capital of France?"},
    ]

    def at(answer: str) -> str | None:
        found = echo(prompt, answer)
        return None if found is None else answer[slice(*found)]

    assert at("What is the capital of France? Paris.") == "What is the capital of France?"
    assert at('Well.\n"WHAT IS THE\nCAPITAL OF FRANCE?"\nParis.') == '"WHAT IS THE\nCAPITAL OF FRANCE?'
    assert at("You ask: what is the capital of France? Paris.") is None  # within its own sentence
    assert at("The capital of France is Paris.") is None
    assert at("Earlier, something else entirely? No.") is None
    assert echo([{"role": "user", "content": "Why so?"}], "Why so? I see.") is None  # too short to tell
    answer: list[Message] = [{"role": "assistant", "content": "What is the capital of France?\r\nParis.</s>"}]
    assert own_text(prompt, answer) == "Paris."


@pytest.mark.parametrize(
    "sign",
    ["<think>", "</think>", "</s>", "<s>", "<|im_start|>", "<|", "[Your Name]", "[insert ", "{{a", "${a", "{abc", "[", "`",
     "<p>", "&amp;", "â€™", "Ã©", "\ufffd", "\\n", "\\u2019", "\u200b", "\nUser: ", "\n\nUser: x", "\n\n### Input:",
     "a. ", "<a b=", "<b c ",
     "~~~\n", "\n\nHuman: ", "\n\n", "ab", "a line of text that comes again\n"],
)  # fmt: skip
def test_time_is_linear_in_the_length_of_the_text(sign: str) -> None:
    text = "x" + sign * (100_000 // len(sign)) + "x"
    start = time.process_time()
    read(text)
    assert time.process_time() - start < 3  # some 0.1 s; quadratic work would take minutes


def test_kinds_have_names_to_print() -> None:
    found: set[Any] = {kind for kind, _, _ in FOUND}
    assert found == set(debris.KINDS)
