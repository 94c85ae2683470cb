"""What stands in a text by accident: found where it is, not where it is meant, and taken out of what is measured."""

import time
from typing import Any

import pytest
from offtarget.data import debris
from offtarget.data.debris import echo, own_text, places, read
from offtarget.data.pairs import Message

LOREM = "The small red hen ran over the hill and sat down by the old stone wall, where it stayed until the rain came. "

FOUND = [
    ("template_marker", "<|im_start|>assistant\nHello<|im_end|>", ["<|im_start|>assistant", "<|im_end|>"]),
    ("template_marker", "[INST] <<SYS>> be kind <</SYS>> hi [/INST]", ["[INST]", "<<SYS>>", "<</SYS>>", "[/INST]"]),
    ("template_marker", "<|start_header_id|>user<|end_header_id|>\n\nHi", ["<|start_header_id|>user", "<|end_header_id|>"]),
    ("template_marker", "<start_of_turn>model\nHi<end_of_turn>", ["<start_of_turn>model", "<end_of_turn>"]),
    ("template_marker", "### Instruction:\nDo it\n\n### Response: Done", ["### Instruction:", "### Response: "]),
    ("template_marker", "Fine.\n\nHuman: and now?\n\nAssistant: so", ["Human: ", "Assistant: "]),
    ("template_marker", "<｜User｜>hi", ["<｜User｜>"]),
    ("eos_text", "It is done.</s>", ["</s>"]),
    ("eos_text", "<s>It is done.", ["<s>"]),
    ("eos_text", "It is done.<|endoftext|>\n", ["<|endoftext|>"]),
    ("eos_text", "It is done.<|eot_id|>", ["<|eot_id|>"]),
    ("eos_text", "x = 1\n```py\ny = 2</s>", ["</s>"]),  # ends an open block of code
    ("think_block", "<think>\n\n</think>\n\nYes.", ["<think>\n\n</think>\n\n"]),
    ("think_block", "<think>so it is\n\nindeed</think>Yes.", ["<think>so it is\n\nindeed</think>"]),
    ("think_block", "so it is\n</think>\nYes.", ["so it is\n</think>\n"]),  # the opening was in the prompt
    ("think_block", "<thinking> cut off", ["<thinking> cut off"]),
    ("placeholder", "Dear [Your Name], I am {{user}} of ${company}.", ["[Your Name]", "{{user}}", "${company}"]),
    ("placeholder", "Dear [NAME], {instruction}", ["[NAME]", "{instruction}"]),
    ("placeholder", "Ask <insert name here> or NAME_1.", ["<insert name here>", "NAME_1"]),
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
        ("  Yes. ", "  Yes. "),  # nothing to take out: as it stands
        ("word " * 30, "word " * 30),  # repetition is long, however it came about
    ],
)
def test_a_text_without_its_debris(text: str, rest: str) -> None:
    assert read(text)[1] == rest


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
    assert at("You ask: what is the capital of France? Paris.") is None  # within a sentence of its own
    assert at("The capital of France is Paris.") is None
    assert at("Earlier, something else entirely? No.") is None
    assert echo([{"role": "user", "content": "Why so?"}], "Why so? I see.") is None  # too short to tell
    answer: list[Message] = [{"role": "assistant", "content": "What is the capital of France?\r\nParis.</s>"}]
    assert own_text(prompt, answer) == "Paris."


@pytest.mark.parametrize(
    "sign",
    ["<think>", "</think>", "</s>", "<s>", "<|im_start|>", "<|", "[Your Name]", "[insert ", "{{a", "${a", "{abc", "[", "`",
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
