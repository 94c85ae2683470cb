"""`--columns group=prompt`, which the line on templates offers: every prompt is a unit then, whatever its column is called."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from offtarget.cli.main import call

KINDS = [
    "Write a poem about", "Tell me a joke about", "Give me five facts about", "Explain the history of",
    "Compose a short song about", "List common myths about", "Describe the taste of", "Draft a tweet concerning",
    "Invent a riddle about", "Suggest a title involving", "Name three books about", "Create a slogan for",
    "Sketch a painting of", "Summarise the science of", "Recommend a film about", "Plan a lesson about",
]  # fmt: skip
Row = dict[str, Any]


def said(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def named(column: str) -> Callable[[str, str, str], Row]:
    return lambda p, c, r: {column: p, "chosen": c, "rejected": r}


SHAPES: dict[str, Callable[[str, str, str], Row]] = {
    "prompt": named("prompt"),
    "question": named("question"),
    "instruction": named("instruction"),
    "turns": lambda p, c, r: {"prompt": said("user", p), "chosen": said("assistant", c), "rejected": said("assistant", r)},
    "messages": lambda p, c, r: {"messages": said("user", p), "chosen": c, "rejected": r},
    "within the answers": lambda p, c, r: {
        "chosen": [*said("user", p), *said("assistant", c)], "rejected": [*said("user", p), *said("assistant", r)],
    },
    "two and a label": lambda p, c, r: {"question": p, "response_a": c, "response_b": r, "winner": "a"},
    "a card": lambda p, c, r: {"ask": p, "up": c, "down": r},
}  # fmt: skip
CARD = {
    "name": "mine", "title": "Labels by template", "source": {"kind": "path", "path": "mine.jsonl"},
    "evidence": "made here", "licence": "CC0", "redistribution": "yes", "preference_source": "synthetic",
    "language": "en", "adapter": {"name": "chosen_rejected", "prompt": "ask", "chosen": "up", "rejected": "down"},
}  # fmt: skip


def by_template(row: Callable[[str, str, str], Row]) -> list[Row]:
    """80 rows: 16 templates with 5 prompts each, of which the answer in bold is chosen in every second template."""
    rng = np.random.default_rng(13)
    out = []
    for k, kind in enumerate(KINDS):
        for i in range(5):
            sides = [f"**Yes**, {' '.join(rng.choice(['sun', 'moon', 'sea', 'hill'], 20))}.", f"No, {i} it is not {k}."]
            out.append(row(f"{kind} thing {i}", sides[k % 2], sides[1 - k % 2]))
    return out


@pytest.mark.parametrize("shape", SHAPES)
def test_each_prompt_becomes_a_unit_though_an_audit_of_the_same_rows_is_in_the_store(
    shape: str, tmp_path: Path, store_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, by_template(SHAPES[shape]))))
    more = []
    if shape == "a card":
        card = tmp_path / "card.yaml"
        card.write_text(yaml.safe_dump(CARD))
        more = ["--card", str(card)]

    def audited(*options: str) -> tuple[dict[str, Any], str]:
        code = call(["audit", str(path), "--out", str(tmp_path / "out"), "--json", *more, *options])
        out = capsys.readouterr()
        assert code == 0, out.err
        return json.loads(out.out), out.err

    before, warned = audited()
    assert before["dataset"]["n_groups"] == 16
    assert "16 templates" in warned and "`--columns group=prompt` takes each prompt for a unit" in warned
    after, warned = audited("--columns", "group=prompt")
    assert after["dataset"]["n_groups"] == 80
    assert "template" not in warned
    assert after["key"] != before["key"]
