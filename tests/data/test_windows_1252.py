"""Tables in Windows-1252, as older spreadsheets write them: read where that is what they are, refused where it may not be."""

from pathlib import Path

import pytest

from offtarget.data.loading import load_pairs
from offtarget.data.windows_1252 import is_windows_1252
from offtarget.errors import DataError

WRITTEN = {
    "German": "Wie heißt die größte Stadt? Möglicherweise Köln oder München – „schön“, für 5 €.",
    "French": "Où êtes-vous allés cet été ? Nous l’avons déjà créé : « ça dépend du cœur », à Noël.",
    "Spanish": "¿Dónde está el niño? ¡Mañana será otro día, señor! El 1º de enero y la 2ª vez.",
    "Portuguese": "Você não pode; são três corações à espera da manhã, já é avô.",
    "Italian": "Perché la città è più bella? Così è, già, e può restare.",
    "Swedish": "Får jag gå över ån på en ö? Ja, där är det lätt.",
    "Danish": "Må jeg få en smørrebrød på øen? Ja, det er så let, og æblet er rødt.",
    "Dutch": "Eén idee: de coördinatie van België is geïnd; ’s morgens vóór acht.",
    "English": "It’s a “naïve” idea — don’t go to the café…",
    "English with one apostrophe": "It’s here.",
}
OTHERS = {
    "Czech": ("cp1250", "Přepravní společnost nabízí rychlé služby každému, kdo potřebuje převézt zboží."),
    "Polish": ("cp1250", "Był już późny wieczór, gdy mężczyzna wszedł do środka i usiadł przy łóżku."),
    "Hungarian": ("cp1250", "Őszintén szólva nem tűnik jó ötletnek, hogy erről több időt beszéljünk."),
    "Turkish": (
        "cp1254",
        "Üzgünüm, bu konuda size yardımcı olamam çünkü böyle bir şey çok tehlikeli olabilir, değil mi?",
    ),
    "Russian": ("cp1251", "Извините, я не могу помочь вам с этим вопросом."),
    "Greek": ("cp1253", "Συγγνώμη, δεν μπορώ να σας βοηθήσω."),
    "Chinese": ("gbk", "抱歉，我不能帮助你。"),
    "Japanese": ("shift_jis", "申し訳ありませんが、お手伝いできません。"),
    "German of a Macintosh": ("mac_roman", "Wie heißt die größte Stadt? Möglicherweise Köln oder München."),
    "French of a Macintosh": ("mac_roman", "Où êtes-vous allés cet été ? Ça dépend."),
    "German of DOS": ("cp850", "Wie heißt die größte Stadt? Möglicherweise Köln oder München."),
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN.keys())
def test_text_of_its_languages_is_known(text: str) -> None:
    assert is_windows_1252(text.encode("cp1252"))


@pytest.mark.parametrize(("encoding", "text"), OTHERS.values(), ids=OTHERS.keys())
def test_text_of_another_encoding_is_not_taken_for_it(encoding: str, text: str) -> None:
    assert not is_windows_1252(text.encode(encoding))


def test_nor_are_mixed_encodings_a_cut_sign_and_bytes_that_mean_nothing() -> None:
    german = WRITTEN["German"]
    assert not is_windows_1252(german.encode() + german.encode("cp1252"))
    assert not is_windows_1252("Das Café ist schön.".encode() + b"Caf\xc3")
    assert not is_windows_1252(german.encode("cp1252") + b"\x81")


def table(text: str, rows: int = 3, parted: str = ",") -> str:
    lines = [parted.join((f'"Frage {i}: {text}"', f'"Ja: {text}"', f'"Nein {i}"')) for i in range(rows)]
    return "\n".join([parted.join(("prompt", "chosen", "rejected")), *lines]) + "\n"


@pytest.mark.parametrize(("name", "parted"), [("a.csv", ","), ("b.csv", ";"), ("c.tsv", "\t")])
def test_a_table_is_read_and_one_line_says_how(tmp_path: Path, name: str, parted: str) -> None:
    text = WRITTEN["German"]
    (tmp_path / name).write_bytes(table(text, parted=parted).encode("cp1252"))
    pairs = load_pairs(str(tmp_path / name))
    assert [p.prompt[0]["content"] for p in pairs] == [f"Frage {i}: {text}" for i in range(3)]
    assert [p.chosen[0]["content"] for p in pairs] == [f"Ja: {text}"] * 3
    assert pairs.cautions == (
        f"{name} is not UTF-8 and was read as Windows-1252 (“Frage 0: Wie heißt die größte Stadt?”); if that is wrong, save "
        "it as UTF-8",
    )


def test_a_header_beyond_ascii_is_read_too_and_only_the_first_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("Prämisse,chosen,rejected\nWarum?,Größe,Nähe\nWozu?,Größe,Nähe\n".encode("cp1252"))
    pairs = load_pairs(str(path), columns={"prompt": "Prämisse"}, head=1)
    assert [(p.prompt[0]["content"], p.rejected[0]["content"]) for p in pairs] == [("Warum?", "Nähe")]
    assert "read as Windows-1252 (“Größe”)" in pairs.cautions[0]


def test_utf8_is_utf8_whatever_it_would_be_in_windows_1252(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table(WRITTEN["French"]), encoding="utf-8")
    pairs = load_pairs(str(path))
    assert pairs.cautions == () and pairs[0].chosen[0]["content"] == "Ja: " + WRITTEN["French"]


def test_a_table_in_another_encoding_is_refused_in_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(table(OTHERS["Russian"][1]).encode("cp1251"))
    with pytest.raises(DataError, match=r"a\.csv line 2: not UTF-8; save the file as UTF-8"):
        load_pairs(str(path))
