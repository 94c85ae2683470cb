"""offtarget.toml: what is wrong with it is said in one line."""

from pathlib import Path

import pytest

from offtarget.errors import ConfigError
from offtarget.gate.config import line_of_rule, read_config


def test_all_that_it_may_say(tmp_path: Path) -> None:
    path = tmp_path / "offtarget.toml"
    path.write_text(
        '[gate]\nviews = ["overall", "global"]\nq = 0.01\n[[rule]]\nconcept = "surface:*"\nmax_effect = 5\n'
        '[[rule]] # two\nconcept = "surface:bold"\nmax_effect = 1.5\ndirection = "chosen"\nseverity = "warn"\n'
        '[review.keys]\nallow = "a"\n'
    )
    found = read_config(path)
    assert found.gate.views == ("overall", "global") and found.gate.min_points == 2.0
    assert [(r.concept, r.max_effect, r.severity) for r in found.rule] == [
        ("surface:*", 5.0, "error"), ("surface:bold", 1.5, "warn"),
    ]  # fmt: skip
    assert [line_of_rule(path, k) for k in (0, 1, 2, 3)] == [1, 4, 7, 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[gate]\nundecidd = 'warn'\n", "unknown key 'gate.undecidd'; did you mean gate.undecided"),
        ("[gates]\n", "unknown key 'gates'; did you mean gate"),
        (
            "[[rule]]\nconcept = 'a'\nmax_efect = 3\n",
            r"rule 1 \(a\) has an unknown key 'max_efect'; did you mean max_effect",
        ),
        ("[[rule]]\nconcept = 'a'\n", r"rule 1 \(a\) lacks 'max_effect'"),
        ("[[rule]]\nconcept = 'a'\nmax_effect = -1\n", "rule 1"),
        ("[gate\n", "not TOML .*line 1"),
        ("[gate]\nundecided = 'pass'\n", "gate.undecided"),
    ],
)
def test_what_is_wrong_is_named(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "offtarget.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says) as error:
        read_config(path)
    assert "\n" not in str(error.value) and "offtarget.toml" in str(error.value)


def test_a_file_without_a_rule_has_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "offtarget.toml"
    path.write_text("[gate]\n")
    assert [line_of_rule(path, k) for k in (0, 1)] == [1, 1]


def test_none_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="offtarget gate init"):
        read_config(tmp_path / "offtarget.toml")
