"""What makes one statement: a sentence that sets off five rules, layout, length; and that every number is true."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest

from offtarget.audit.run import audit
from offtarget.data.describe import describe
from offtarget.data.pairs import Pair, PairSet, text_of
from offtarget.lens.surface import encode
from offtarget.report.claims import glance
from offtarget.report.statements import Stated, state

CLOSER = "\n\nI hope this helps! Let me know if you have any other questions."
WORDS = ["river", "stone", "lamp", "garden", "window", "table", "letter", "paper", "morning", "road", "bridge", "music"]


def answer(rng: np.random.Generator) -> str:
    """A few plain sentences in one to three paragraphs, now and then with an exclamation mark or an I."""
    sentences = []
    for _ in range(int(rng.integers(3, 9))):
        words = list(rng.choice(WORDS, int(rng.integers(6, 14))))
        if rng.random() < 0.15:
            words.insert(0, "I")
        sentences.append(" ".join(words).capitalize() + ("!" if rng.random() < 0.04 else "."))
    cut = int(rng.integers(1, len(sentences)))
    return " ".join(sentences[:cut]) + rng.choice(["\n\n", " "]) + " ".join(sentences[cut:])


def stated(texts: list[tuple[str, str]]) -> tuple[Stated, list[str]]:
    pairs = [
        Pair(str(i), f"g{i}", [{"role": "user", "content": f"question {i}"}],
             [{"role": "assistant", "content": c}], [{"role": "assistant", "content": r}])
        for i, (c, r) in enumerate(texts)
    ]  # fmt: skip
    found = audit(PairSet("texts", pairs), [encode(pairs)])
    put = state(found.audit, found.workings)
    return put, [s.text for s in glance(found.audit, put)]


def groups(put: Stated) -> list[set[str]]:
    return [{h.concept.removeprefix("surface:") for h in (s.lead, *s.along)} for s in put.statements]


def test_one_sentence_that_sets_off_many_rules_is_one_statement_and_the_phrase_leads() -> None:
    rng = np.random.default_rng(0)
    texts = [(answer(rng) + CLOSER * (i % 6 == 0), answer(rng)) for i in range(500)]
    put, said = stated(texts)
    found = {h.concept.removeprefix("surface:") for s in put.statements for h in (s.lead, *s.along, *s.explained)}
    assert {"follow_up_offer", "exclamations", "paragraphs"} <= found, "it is a finding of its own"
    assert put.statements[0].lead.concept == "surface:follow_up_offer"
    assert {"exclamations", "paragraphs"} <= groups(put)[0]
    assert {"exclamations", "paragraphs"}.isdisjoint(s.lead.concept.removeprefix("surface:") for s in put.statements)
    assert sum(not s.is_length for s in put.statements) <= 2
    assert len(said) <= 3


def test_answers_that_were_cut_are_named_so_and_length_goes_with_it() -> None:
    rng = np.random.default_rng(5)
    texts = [(answer(rng), answer(rng)[: int(rng.integers(60, 150))]) for _ in range(300)]
    put, said = stated(texts)
    assert put.statements[0].lead.concept == "surface:cut_off"
    assert put.statements[0].lead.direction == "rejected"
    assert "words_per_sentence" not in {s.lead.concept.removeprefix("surface:") for s in put.statements}
    assert put.length is not None and put.length.due_to is put.statements[0].lead
    assert "surface:cut_off" not in {h.concept for h in (*put.length.along, *put.length.explained)}
    assert said[0].startswith("Ends in the middle of a sentence (cut off): in 0.0\u202f% of chosen")


def test_empty_cells_are_named_so_and_length_goes_with_them() -> None:
    rng = np.random.default_rng(8)
    cells = ["N/A", "null", "[deleted]"]
    put, said = stated([(answer(rng), cells[i % 9 // 3] if i % 3 == 0 else answer(rng)) for i in range(240)])
    assert put.statements[0].lead.concept == "surface:empty_cell"
    assert said[0].startswith("Nothing but N/A, null, an error or the like: in 0.0\u202f% of chosen, 33.3\u202f% of")
    assert put.length is not None and put.length.due_to is put.statements[0].lead


def test_length_of_its_own_is_not_laid_to_a_few_cuts() -> None:
    rng = np.random.default_rng(6)
    texts = [(answer(rng) + " " + answer(rng), answer(rng)[:-4] if i % 25 == 0 else answer(rng)) for i in range(300)]
    put, _ = stated(texts)
    assert put.length is not None and put.length.due_to is None
    assert put.statements[0] is put.length
    # a slight lean in length, and cuts that lean as much but are too few to make it
    slight = [(a if i % 12 else f"{a} And so it goes on with the", answer(rng) + " It was so with all of them that day." * (i % 2))
              for i, a in enumerate(answer(rng) for _ in range(900))]  # fmt: skip
    put, _ = stated(slight)
    assert "surface:cut_off" in {s.lead.concept for s in put.statements}
    assert put.length is not None and put.length.lead.direction == "rejected"
    assert put.length.due_to is None


def test_debris_is_named_by_what_stands_in_the_answers() -> None:
    rng = np.random.default_rng(7)
    ends = ["<|im_end|>", "<|im_end|>", "</s>", "", "", ""]
    _, said = stated([(answer(rng) + ends[i % 6], answer(rng)) for i in range(300)])
    assert said[0].startswith(
        "Text that looks like a template marker: end of a turn or text (<|im_end|>, </s>): in 50.0\u202f% of chosen"
    )


def test_what_leans_by_itself_keeps_its_statement() -> None:
    """Exclamation marks are in many more chosen answers than the closing sentence does."""
    rng = np.random.default_rng(1)

    def louder(text: str, often: bool) -> str:
        return text.replace(".", "!", 2) if often else text

    texts = [(louder(answer(rng), rng.random() < 0.4) + CLOSER * (i % 10 == 0), answer(rng)) for i in range(500)]
    leads = {s.lead.concept for s in stated(texts)[0].statements}
    assert {"surface:follow_up_offer", "surface:exclamations"} <= leads


def test_layout_that_comes_together_is_one_statement() -> None:
    rng = np.random.default_rng(2)

    def list_of(text: str) -> str:
        return "\n".join(f"- **{w}** is here" for w in rng.choice(WORDS, 4)) + "\n\n" + text

    texts = [(list_of(answer(rng)) if rng.random() < 0.3 else answer(rng), answer(rng)) for i in range(400)]
    put, _ = stated(texts)
    together = next(g for g in groups(put) if "bullets" in g)
    assert {"markdown", "bold", "bullets", "newline_density"} <= together


def test_length_is_one_statement_with_what_grows_with_it() -> None:
    rng = np.random.default_rng(3)
    texts = [(answer(rng) + " " + answer(rng), answer(rng)) for _ in range(300)]
    put, said = stated(texts)
    assert put.length is not None and put.statements[0] is put.length
    assert {"characters", "tokens", "sentences"} <= groups(put)[0]
    assert sum("length" in s.lower() for s in said) == 1
    longer = np.mean([len(c) > len(r) for c, r in texts])
    shorter = np.mean([len(c) < len(r) for c, r in texts])
    assert f"longer in {100 * longer:.1f}" in said[0] and f"shorter in {100 * shorter:.1f}" in said[0]


def test_another_measure_of_length_than_characters_speaks_under_its_own_name() -> None:
    """All answers have 100 characters; chosen ones have them in more words."""
    rng = np.random.default_rng(5)
    texts = []
    for _ in range(200):
        letters = ["".join(rng.choice(list("bdghklmnp"), 100)) for _ in range(2)]
        texts.append(
            (
                " ".join(letters[0][i : i + 3] for i in range(0, 75, 3)) + "b",
                " ".join(letters[1][i : i + 9] for i in range(0, 90, 9)) + "b",
            )
        )
    assert {len(t) for pair in texts for t in pair} == {100}
    put, said = stated(texts)
    assert put.length is None
    (line,) = (s for s in said if s.startswith("Length:"))
    assert "longer in 0.0" in line and "(no lean in characters was found)" in line
    assert any("tokens" in g for g in groups(put))
    assert not any("characters" in g for g in groups(put))


def test_shares_and_medians_of_length_are_one_reading_and_the_other_is_said_once() -> None:
    """Every second rejected answer repeats its prompt; without it all answers are 40 or 41 characters long."""
    asked = "Tell me all you know about the river number {}."
    pairs = []
    for i in range(120):
        own = [f"{i:03d} " + "stone " * 6 + x for x in ("", "!")]
        rejected = (asked.format(i) + "\n\n" if i % 2 else "") + own[i % 3 == 0]
        turns = [[{"role": "assistant", "content": t}] for t in (own[i % 3 != 0], rejected)]
        prompt = [{"role": "user", "content": asked.format(i)}]
        pairs.append(Pair(str(i), f"g{i}", prompt, *turns))
    found = audit(PairSet("echoes", pairs), [encode(pairs)])
    (line,) = (s.text for s in glance(found.audit) if s.text.startswith("Length:"))
    assert found.audit.dataset.median_characters[1] in (40.0, 41.0)
    raw = np.median([len(p.rejected[0]["content"]) for p in pairs])
    assert found.audit.dataset.median_as_they_stand is not None
    assert found.audit.dataset.median_as_they_stand[1] == raw > 60
    assert line.count("with repeated prompts and debris") == 1
    assert describe(pairs).rejected_chars == found.audit.dataset.median_characters[1]
    assert describe(pairs).chosen_longer == found.audit.dataset.chosen_longer


def test_two_asterisks_are_bold_text_and_not_more_length() -> None:
    """All answers have twenty words, so tokens differ wherever bold text does, and by no more than its marks."""
    rng = np.random.default_rng(4)
    texts = []
    for _ in range(240):
        chosen, rejected = (list(rng.choice(WORDS, 20)) for _ in range(2))
        if rng.random() < 0.5:
            chosen[3] = f"**{chosen[3]}**"
        texts.append((" ".join(chosen), " ".join(rejected)))
    put, _ = stated(texts)
    assert put.statements[0].lead.concept in ("surface:bold", "surface:markdown")
    assert "tokens" in groups(put)[0]


def test_what_differs_alike_in_every_row_is_one_statement() -> None:
    texts = [(f"**Answer {10 + i}** in bold", f"Answer {10 + i} in plain") for i in range(60)]
    put, said = stated(texts)
    (bold,) = [g for g in groups(put) if "bold" in g]
    assert "markdown" in bold
    assert "in 100.0\u202f% of chosen, 0.0\u202f% of rejected responses" in " ".join(said)


def test_shuffled_labels_say_that_nothing_leans() -> None:
    rng = np.random.default_rng(5)
    put, said = stated([(answer(rng), answer(rng)) for _ in range(200)])
    assert not put.statements and not put.unnamed
    assert len(said) == 1 and said[0].endswith("(no lean in length was found).")


def test_the_sentence_in_real_answers_is_one_statement(shared_data: Path) -> None:
    with gzip.open(shared_data / "community_alignment_en" / "pairs.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file][:700]
    rng = np.random.default_rng(0)
    texts = [(r["chosen"] + CLOSER * (rng.random() < 0.1), r["rejected"]) for r in rows]
    put, said = stated(texts)
    mine = next(s for s in put.statements if s.lead.concept == "surface:follow_up_offer")
    assert "surface:exclamations" in {h.concept for h in mine.along}
    sentence = said[put.statements.index(mine)].replace("\u202f", " ")
    planted = 100 * np.mean([c.endswith(CLOSER) for c, _ in texts])
    of_its_own = 100 * np.mean(["let me know" in r["chosen"].lower() or "?" in r["chosen"][-200:] for r in rows])
    shown = float(re.search(r"in ([0-9.]+) % of chosen", sentence)[1])  # type: ignore[index]
    assert planted <= shown <= planted + of_its_own


def test_the_head_is_true_of_the_rows_it_counts(shared_data: Path) -> None:
    """Counted here without the rules: bold and exclamation marks by plain expressions, on 400 real pairs."""
    from offtarget.data.loading import load_pairs

    pairs = load_pairs(str(shared_data / "community_alignment_en" / "pairs.jsonl.gz"))
    few = PairSet("rows", pairs.pairs[:400])
    found = audit(few, [encode(few.pairs)])
    of = {c.id: c.evidence for c in found.audit.concepts}
    chosen, rejected = (
        [text_of(s) for s in side] for side in zip(*((p.chosen, p.rejected) for p in few.pairs), strict=True)
    )
    bold = [np.mean([bool(re.search(r"\*\*\S.*?\*\*", t)) for t in side]) for side in (chosen, rejected)]
    assert of["surface:bold"].chosen_rate == pytest.approx(bold[0], abs=0.01)
    assert of["surface:bold"].rejected_rate == pytest.approx(bold[1], abs=0.01)
    marks = np.array([[t.count("!") for t in side] for side in (chosen, rejected)])
    assert of["surface:exclamations"].chosen_mean == pytest.approx(marks[0].mean(), abs=0.02)
    assert of["surface:exclamations"].more_in_chosen == pytest.approx(np.mean(marks[0] > marks[1]), abs=0.01)
    assert found.audit.dataset.median_as_they_stand == (
        float(np.median([len(t) for t in chosen])), float(np.median([len(t) for t in rejected])),
    )  # fmt: skip
