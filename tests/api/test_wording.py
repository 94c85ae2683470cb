"""A message to a program names arguments, not options of the command line."""

import pytest

import offtarget
from offtarget.api.wording import as_arguments
from offtarget.errors import ConfigError, UndecidedError


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "12 pairs were cut there: raise --max-length, or go on",
            "12 pairs were cut there: raise `max_length`, or go on",
        ),
        ("--by vendor: no such column", 'by="vendor": no such column'),
        ("use --by vendor,source", 'use by="vendor,source"'),
        ("--columns group=prompt makes prompts the unit", 'columns={"group": "prompt"} makes prompts the unit'),
        ("give another with `--chat-template FILE.jinja`", "give another with `template=FILE.jinja`"),
        ("use --columns a=left,b=right,label=winner", 'use columns={"a": "left", "b": "right", "label": "winner"}'),
        ("--limit 200: too few", "limit=200: too few"),
        ("they are contexts (`audit --by`)", "they are contexts (`audit --by`)"),
        ("write to another --out", "write to another --out"),
    ],
)
def test_an_option_that_the_function_has_is_its_argument(message: str, said: str) -> None:
    assert as_arguments(message, {"max_length", "by", "columns", "template", "limit"}) == said


def test_the_functions_say_it_so() -> None:
    rows = [{"prompt": f"p{i}", "chosen": f"Yes, {i}.", "rejected": f"No, {i * i}."} for i in range(40)]
    with pytest.raises(ConfigError, match=r'^by="vendor": the rows carry no metadata'):
        offtarget.audit(rows, by="vendor")
    with pytest.raises(
        UndecidedError, match=r'one unit.*; `columns=\{"group": "prompt"\}` takes each prompt for a unit'
    ):
        offtarget.audit([{**row, "chosen": "Yes.", "rejected": "No."} for row in rows])
