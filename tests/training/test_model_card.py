"""What a trained policy says of itself: true counts and settings, nothing of the dataset's text, and no part of its key."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard

from offtarget.data.pairs import text_of
from offtarget.models import resolve
from offtarget.training import model_card
from offtarget.training.model_card import Origin
from offtarget.training.run import train

NASTY = "set | of\n---\n# <b>rows</b>"
ORIGIN = Origin(
    dataset=NASTY,
    parameters={"strength": -0.25, "pattern": ""},
    verdicts=("suppress surface:bold (strength 1)",),
    cell="c" * 64,
)


def facts(card: Path) -> dict[str, str]:
    rows = [line.strip("| \n").split(" | ", 1) for line in card.read_text().splitlines() if line.startswith("| ")]
    return {row[0]: row[1].strip() for row in rows if len(row) == 2}


@pytest.mark.parametrize("method", ["lora", "last_layers"])
def test_a_policy_says_what_it_was_made_from(bench: Any, method: str) -> None:
    keep = np.arange(len(bench.set.pairs)) >= 4
    plan = bench.identity().edit(keep=keep, control=False, protocol="filter")
    spec = bench.spec.model_copy(update={"method": method, "max_steps": 2})
    given = {"seed": 5, "store": bench.store}
    made = train(bench.set, plan, bench.ref, spec, origin=ORIGIN, **given)
    card = made.path / "README.md"
    said = facts(card)
    assert said["pairs"] == "20 trained on, of 24" and said["what it did"] == "left out 4"
    assert (said["protocol"], said["seed"], said["its parameters"]) == ("filter", "5", "strength -0.25")
    assert said["verdicts"] == "suppress surface:bold (strength 1)"
    assert (said["loss"], said["steps"], said["beta"], said["cell"]) == ("sigmoid", "2", "0.1", "c" * 64)
    assert said["rows, sha256"] == bench.set.rows_sha256 and said["plan, sha256"] == plan.hash
    text = card.read_text()
    assert "to measure what preference data teaches" in text and "[None]" not in text
    told = {text_of(side) for p in bench.set.pairs for side in (p.prompt, p.chosen, p.rejected)}
    assert not any(t in text for t in told), "text of the set"
    assert not (made.path.parent / "README.md").exists(), "trl's"

    found = ModelCard.load(card)
    assert found.data.library_name == ("peft" if method == "lora" else "transformers")
    assert found.data.base_model is None, "the start model is a folder here, which the hub does not take"
    assert "\n# filter, seed 5, on set \\| of --- \\# \\<b\\>rows\\</b\\>\n" in found.text

    again = train(bench.set, plan, bench.ref, spec, origin=None, **given)
    assert again.path == made.path, "what a card says is no part of the key"
    identity = resolve(str(made.path)).identity
    card.unlink()
    assert resolve(str(made.path)).identity == identity


@pytest.mark.parametrize(
    ("name", "hub"),
    [
        ("smollm2-135m", "HuggingFaceTB/SmolLM2-135M-Instruct"), ("hf:org/name@abc123", "org/name"),
        ("runs/x/policies/dpo-s0", None), ("planted-style", None),
    ],
)  # fmt: skip
def test_the_hub_is_told_of_what_it_has(name: str, hub: str | None) -> None:
    assert model_card._hub_id(name) == hub
