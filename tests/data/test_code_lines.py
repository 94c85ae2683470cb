"""Code without a fence: found where a stretch is plainly code, never in prose, lists and headings."""

import time

import pytest

from offtarget.data.code_lines import code_lines

CODE = [
    "def f(x, **kwargs):\n    # step 3\n    y = [v for v in x if v > 2]\n\n    return y * 2",
    "import numpy as np\n\n# Load it\nx = np.load('a.npy')\nprint(x)",
    "#include <stdio.h>\nint main(void) {\n  char *p = 0; /* a * b */\n  return 0;\n}",
    "class A:\n    def __init__(self):\n        self.__dict__ = {}",
    "function f(a) {\n  // - no item\n  return a * 2;\n}",
    "# Make it run\npip install torch\npython train.py --lr 1",
    "x <- read.csv('a.csv')\nprint(summary(x))",
    "while running:\n    clock.tick(60)  # wait\n    for e in events:\n        print(e)",
    "public int f(int n) {\n    return n == 1;\n}",
]


@pytest.mark.parametrize("code", CODE)
def test_code_is_found_whole_within_prose(code: str) -> None:
    n = code.count("\n") + 1
    assert code_lines(code.split("\n")) == [(0, n)]
    text = f"# Title\n\nHere is **what** I mean:\n\n{code}\n\nIt runs in a moment, as you can see.\n- and so on"
    assert code_lines(text.split("\n")) == [(4, 4 + n)]


PROSE = [
    "# Title\n\n- one\n- two\n\n**bold**",
    "import taxes\nwere high, and so were wages.",
    "For example (see above):\n  - one\n  - two",
    "if you like (and I do):\n- eat\n- drink",
    "Let x = 5 and y = 3.\nThen x + y = 8.\nSo f(x) = 2x.",
    "x = 5\ny = 3\nx + y = 8",
    "1. Call print(x).\n2. Use `def f(x):`.\n    # Not code\n3. End;",
    "I like apples;\nI like pears;\nI like plums.",
    "    Indented verse of old,\n    # sung by none\n    and all",
    "Dear {name},\n\nthis is it.\n\n# End",
    "",
]


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_no_code(text: str) -> None:
    assert code_lines(text.split("\n")) == []


def test_a_list_or_heading_behind_code_is_none_of_it() -> None:
    text = "def f(x):\n    return x\n\n# Why\n- it is short\n  1. it runs"
    assert code_lines(text.split("\n")) == [(0, 2)]


@pytest.mark.parametrize(
    "line", ["def f(", "x = ", "# c\n", "{", "    a\n", "}\n\n", "import a\n", "a;\n", "```\n", "a(" * 30 + "\n", "\n"]
)
def test_time_is_linear_in_the_length_of_the_text(line: str) -> None:
    text = "def f(x):\n" + line * (100_000 // len(line))
    start = time.process_time()
    code_lines(text.split("\n"))
    assert time.process_time() - start < 3
