"""Columns that no shape reads: what is offered, in which order, and that each offer can be followed as it stands."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs

VOICES = ["You are a child of five.", "You are an old pilot.", "A very tired nurse speaks."]
ABOUT = "The house was built in 1903 by two brothers who had come over the sea with nothing but their tools."


def rows(column: str, kind: str) -> list[dict[str, Any]]:
    """20 prompts, three rows each: what a column holds beside them."""
    out = []
    for i in range(60):
        chosen = f"Please put the number {i} item on the dry shelf, then call us back."
        held = {
            "rewrite": f"Put the number {i} item on the dry shelf, then call back.",
            "rules": VOICES[i % 3],
            "passage": f"{ABOUT} {i // 3}",
        }[kind]
        out.append(
            {"prompt": f"How do I mend item {i // 3}?", "chosen": chosen, "rejected": f"No idea, {i}.", column: held}
        )
    return out


@pytest.mark.parametrize(
    ("column", "kind", "offered"),
    [
        ("neutral", "rewrite", ["ignore", "context"]),
        ("for_whom", "rules", ["context", "system", "ignore"]),
        ("persona", "rules", ["context", "system", "ignore"]),
        ("passage", "passage", ["context", "ignore"]),
    ],
)
def test_what_is_offered_first_is_what_one_wants_and_each_offer_settles_it(
    tmp_path: Path, column: str, kind: str, offered: list[str]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows(column, kind))))
    (caution,) = load_pairs(str(path)).cautions
    assert re.findall(rf"(\w+)={column}\b", caution) == offered
    for role in offered:
        settled = load_pairs(str(path), columns={role: column})
        assert settled.cautions == ()
        said = [m["content"] for m in settled[0].prompt]
        assert (rows(column, kind)[0][column] in "\n".join(said)) == (role != "ignore")


def test_an_answer_that_belongs_to_no_pair_is_called_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows("neutral", "rewrite"))))
    (caution,) = load_pairs(str(path)).cautions
    assert "it reads like another answer: --columns ignore=neutral goes on without it" in caution


def test_the_neutral_answers_of_a_real_set_are_known(shared_data: Path) -> None:
    (caution,) = load_pairs(str(shared_data / "politeness_pairs" / "pairs.jsonl.gz")).cautions
    assert "reads like another answer: --columns ignore=neutral" in caution and "system=" not in caution
