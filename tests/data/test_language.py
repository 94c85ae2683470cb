"""Which script, and whether it is English: known texts."""

import gzip
import json
from pathlib import Path

import pytest

from offtarget.data.language import is_english, script

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
