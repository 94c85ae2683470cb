import pytest

from offtarget.report.html import coded, environment, fixed, moment, number, p_value, percent, visible


def test_hidden_signs_become_visible_and_ordinary_text_stays():
    assert visible("a\u202eb") == "a⟦U+202E⟧b"
    assert visible("a\x00b\x1b[0m") == "a⟦U+0000⟧b⟦U+001B⟧[0m"
    assert visible("zero\u200bwidth \ufeff \u2066x") == "zero⟦U+200B⟧width ⟦U+FEFF⟧ ⟦U+2066⟧x"
    assert visible("\ud800") == "⟦U+D800⟧"
    ordinary = "Zeile\n\tüber日本語 👩\u200d👧 שלום\u202f%"
    assert visible(ordinary) == ordinary


def test_cutting_shows_that_it_was_cut():
    assert visible("abcdef", 6) == "abcdef"
    assert visible("abcdefg", 6) == "abcde…"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (-1234.5, "−1,234"),
        (0.0, "0"),
        (7, "7"),
        (1.5e-7, "1.50e−07"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_number(value, text):
    assert number(value) == text


def test_numbers_line_up_and_carry_their_sign():
    assert fixed(0.256, 2, sign=True) == "+0.26"
    assert fixed(-0.256, 2) == "−0.26"
    assert fixed(-0.001, 2) == "0.00"
    assert fixed(0.001, 2, sign=True) == "0.00"
    assert percent(0.8391) == "83.9\u202f%"


def test_p_is_never_zero():
    assert p_value(0.0) == "< 1e−300"
    assert p_value(0.0312) == "0.031"
    assert p_value(3.4e-169) == "3e−169"
    assert p_value(0.00012) == "1e−4"


def test_moment():
    assert moment("2026-01-31T12:00:00+00:00") == "2026-01-31 12:00 UTC"
    assert moment("yesterday") == "yesterday"


def test_templates_escape_and_refuse_unknown_names():
    env = environment()
    assert env.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
    with pytest.raises(Exception, match="undefined"):
        env.from_string("{{ y }}").render()


def test_words_between_backticks_are_code_and_everything_is_escaped():
    assert coded("so `start` is <b>") == "so <code>start</code> is &lt;b&gt;"
    assert coded("`<i>`") == "<code>&lt;i&gt;</code>"
    assert coded("a lone ` and <") == "a lone ` and &lt;"
