"""Which script, and whether it is English: known texts."""

import gzip
import json
from pathlib import Path

import pytest

from offtarget.data.language import Together, is_english, latin_language, script, together

TEXTS = [
    ("Latin", True, "It is important to note that the answer depends on what you want to do with it."),
    ("Latin", True, "I'm sorry, but I can't help you with that request, because it would be against the law."),
    ("Latin", True, "The phrase means: je ne sais quoi, or that there is something one cannot name in it."),
    ("Latin", False, "Es tut mir leid, aber ich kann Ihnen dabei nicht helfen, denn das ist nicht erlaubt."),
    ("Latin", False, "Lo siento, pero no puedo ayudarte con eso porque es muy peligroso para los otros."),
    ("Latin", False, "Je suis désolé, mais je ne peux pas vous aider avec cette demande dans ce cas."),
    ("Latin", False, "Xin lỗi, tôi không thể giúp bạn với yêu cầu này vì nó không được phép."),
    ("Latin", False, "Maaf, saya tidak dapat membantu anda dengan permintaan ini karena tidak diizinkan."),
    ("Latin", False, "Üzgünüm, bu konuda size yardımcı olamam çünkü böyle bir şey çok tehlikeli."),
    ("Latin", False, "Přepravní společnost nabízí rychlé služby každému, kdo potřebuje převézt zboží."),
    ("Latin", None, "Paris."),
    ("Latin", None, "Alice Smith, Bob Jones, Carol White, Dan Brown, Eve Black, Frank Green"),
    ("Latin", None, "def f(x): return x + 1\nprint(f(2)); for i in range(10): g(i, j, k)"),
    ("Han", False, "抱歉，我不能帮助你。"),
    ("Kana", False, "申し訳ありませんが、お手伝いできません。"),
    ("Hangul", False, "죄송하지만 도와드릴 수 없습니다."),
    ("Arabic", False, "آسف، لا أستطيع مساعدتك."),
    ("Cyrillic", False, "Извините, я не могу помочь."),
    ("Devanagari", False, "क्षमा करें, मैं मदद नहीं कर सकता।"),
    ("Thai", False, "ขอโทษ ฉันช่วยไม่ได้"),
    ("", None, "12 + 30 = 42 !!!"),
    ("", None, ""),
]


@pytest.mark.parametrize(("written", "english", "text"), TEXTS)
def test_known_texts(written: str, english: bool | None, text: str) -> None:
    assert script(text) == written
    assert is_english(text) is english


def test_hardly_an_english_answer_is_taken_for_another_language(shared_data: Path) -> None:
    """Answers of hh-rlhf are English."""
    with gzip.open(shared_data / "hh_rlhf_harmless_base_test" / "pairs.jsonl.gz", "rt", encoding="utf-8") as file:
        told = [is_english(json.loads(line)["chosen"]) for line in file]
    assert sum(t is False for t in told) <= 2
    assert sum(t is True for t in told) > 0.8 * len(told)


SHORT = {
    "German": [
        "Wie repariere ich Gerät H0?",
        "Was ist das?",
        "Nenne drei Farben.",
        "Warum regnet es?",
        "Was kostet ein Auto?",
    ],
    "French": ["Quelle heure est-il ?", "Où est la gare ?", "Pourquoi le ciel est bleu ?", "Écris un poème."],
    "Spanish": ["¿Qué hora es?", "¿Dónde está el baño?", "Escribe un poema.", "¿Cuál es la capital de Perú?"],
    "Dutch": ["Hoe laat is het?", "Waarom is de lucht blauw?", "Schrijf een gedicht.", "Welke kleur heeft de zon?"],
    "Turkish": ["Saat kaç?", "Gökyüzü neden mavi?", "Bir şiir yaz.", "Bu nedir?"],
}
"""Texts of a language, each too short to tell by itself."""


@pytest.mark.parametrize("name", SHORT)
def test_short_texts_tell_together_and_say_which_language(name: str) -> None:
    assert {is_english(t) for t in SHORT[name]} == {None}
    assert together(SHORT[name]) == Together(english=0.0, other=1.0, by_themselves=0.0)
    assert together(SHORT[name]).is_english is False
    assert latin_language(SHORT[name]) == name


def test_accents_tell_of_one_question_filled_many_times() -> None:
    assert together([f"Möglicherweise Köln oder München, {i}." for i in range(60)]).is_english is False


def test_short_english_texts_are_english_and_what_says_nothing_is_unknown() -> None:
    assert together(["What time is it?", "Why is the sky blue?", "Write a poem.", "Who are you?"]).english == 1.0
    assert together([f"What is the capital of country {i}?" for i in range(20)]).english == 1.0
    for nothing in (
        ["Yes.", "No."] * 20,
        ["1", "2"],
        ["Paris", "Berlin", "Rome", "Alice", "Bob", "Tom", "Jim", "José"],
        [],
    ):
        assert together(nothing) == Together(0.0, 0.0, 0.0)
        assert together(nothing).is_english is None


def test_of_texts_that_tell_the_majority_decides_for_the_others() -> None:
    english, german = TEXTS[0][2], TEXTS[3][2]
    mixed = together([english, german, german, german, "Ja.", "Nein.", "Ja.", "Nein."])
    assert mixed == Together(english=0.25, other=0.75, by_themselves=0.5)
    assert together([english, german]).is_english is None
    assert together(["天空为什么是蓝色的？", "你好"]) == Together(0.0, 1.0, 1.0)


SETS = [
    "alpaca_eval_gpt4_pairs", "community_alignment_en", "hh_rlhf_harmless_base_test", "human_pairs_mix",
    "politeness_pairs", "ukp_convarg1_strict", "ultrafeedback_small",
]  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_english_sets_are_english(shared_data: Path, name: str) -> None:
    """UltraFeedback has questions on translation, with answers in other languages: 5 % of them."""
    with gzip.open(shared_data / name / "pairs.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][:1500]
    for texts in (
        [r["prompt"][-1]["content"] for r in rows],
        [r["chosen"] for r in rows],
        [r["rejected"] for r in rows],
    ):
        assert together(texts).english > (0.94 if name.startswith("ultra") else 0.985)
