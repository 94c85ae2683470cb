"""When two texts are the same, and which prompts make one group."""

import json
from pathlib import Path

import pytest

from offtarget.data.identity import PromptGroups, normalise, text_key
from offtarget.data.loading import load_pairs
from offtarget.data.pairs import Message, prompt_group


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How  do I\n clean\ta kettle? ", "how do i clean a kettle?"),
        ("\u00a0Straße", "STRASSE"),  # no-break space, sharp s
        ("ﬁle", "FILE"),  # ligature
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),  # full-width letters and space
        ("cafe\u0301", "CAFÉ"),  # composed and decomposed accent
        ("x²", "x2"),  # what NFKC takes for the same: superscripts too
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),  # final sigma
    ],
)
def test_the_same_text_in_another_form(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Clean it.", "Clean it"), ("**a**", "a"), ("a b", "ab"), ("resume", "résumé")]
)
def test_punctuation_markup_and_accents_tell_texts_apart(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


def test_a_normalised_text_is_its_own_form() -> None:
    letters = [chr(c) for c in range(0x30000) if not 0xD800 <= c < 0xE000]  # all planes with letters that have a case
    for start in range(0, len(letters), 64):
        text = "\u0301 ".join(letters[start : start + 64])
        assert normalise(normalise(text)) == normalise(text)


def test_roles_and_the_bounds_of_turns_count() -> None:
    def talk(*turns: tuple[str, str]) -> list[Message]:
        return [{"role": r, "content": c} for r, c in turns]

    assert text_key(talk(("user", "a b"))) == text_key(talk(("user", " A\nB ")))
    assert text_key(talk(("user", "a b"))) != text_key(talk(("user", "a"), ("user", "b")))
    assert text_key(talk(("system", "a"))) != text_key(talk(("user", "a")))
    assert text_key(talk(("user", "a\x1euser\x1fb"))) != text_key(talk(("user", "a"), ("user", "b")))


def test_prompts_that_are_the_same_text_are_one_group_named_by_the_first() -> None:
    def user(text: str) -> list[Message]:
        return [{"role": "user", "content": text}]

    groups = PromptGroups()
    names = [groups.of(user(t)) for t in ("What is it?", "WHAT IS  IT?", "What is it", "what is it?\n")]
    assert names == [prompt_group(user("What is it?"))] * 2 + [
        prompt_group(user("What is it")),
        prompt_group(user("What is it?")),
    ]


def test_a_file_is_grouped_by_what_its_prompts_say(tmp_path: Path) -> None:
    rows = [{"prompt": p, "chosen": f"a{i}", "rejected": "b"} for i, p in enumerate(["One?", "one? ", "TWO", "ONE?"])]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    groups = [p.group for p in load_pairs(str(path)).pairs]
    assert [groups.index(g) for g in groups] == [0, 0, 2, 0]
