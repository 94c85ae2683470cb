"""Labels by a model: made from one half of the prompts, judged on the other, and refused where there is no model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from scipy.sparse import csr_matrix

from offtarget.audit.evidence import ModelLabel
from offtarget.audit.folder import AuditFolder
from offtarget.audit.records import Audit
from offtarget.audit.run import audit
from offtarget.data.pairs import Pair, PairSet
from offtarget.engine.labelling import LabelOptions, label_concepts, yes_or_no
from offtarget.errors import UndecidedError
from offtarget.lens.features import Column, FeatureMatrix, peak_code
from offtarget.lens.reader import Reader
from offtarget.store import Store

N = 240


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, PairSet, FeatureMatrix]:
    """Latent 0 fires on "walrus", which chosen has more often; latent 1 on "otter", on neither side more."""
    rng = np.random.default_rng(3)
    pairs, fires, peaks = [], np.zeros((2, N, 2)), np.zeros((2, N, 2), int)
    for i in range(N):
        texts = []
        for side, rates in enumerate(((0.7, 0.4), (0.2, 0.4))):
            words = ["plain"] * int(rng.integers(8, 20))
            for j, animal in enumerate(("walrus", "otter")):
                if rng.random() < rates[j]:
                    words[2 + 2 * j] = animal
            text = " ".join(words) + f" {i} {side}"
            for j, animal in enumerate(("walrus", "otter")):
                fires[side, i, j] = animal in text
                start = max(text.find(animal), 0)
                peaks[side, i, j] = peak_code(start, start + len(animal))
            texts.append(text)
        prompt: Any = [{"role": "user", "content": f"question {i}"}]
        sides: Any = [[{"role": "assistant", "content": t}] for t in texts]
        pairs.append(Pair(str(i), str(i), prompt, sides[0], sides[1]))
    values = {}
    for k, side in enumerate(("chosen", "rejected")):
        on = csr_matrix(fires[k])
        codes = csr_matrix(fires[k]).astype(np.int64)
        codes.data = peaks[k][codes.nonzero()]
        values |= {(side, "freq"): on * 0.1, (side, "max"): on * 2.0, (side, "peak"): codes}
    columns = tuple(Column(f"x:{j}", f"latent {j}", "", "presence", 0.01) for j in range(2))
    ids = tuple(p.id for p in pairs)
    part = FeatureMatrix("x", columns, values, ids, ids, kind="latent", reads_model=True)  # type: ignore[arg-type]
    of = PairSet("animals", pairs)
    folder = tmp_path_factory.mktemp("audit")
    AuditFolder(folder).write(audit(of, [part]))
    return AuditFolder(folder).audit, of, part


def judge(prompts: list[str]) -> Any:
    """A model that says what is between the marks, and says yes where the label's animal is in the text."""

    def said(text: str) -> ModelOutput:
        output = ModelOutput.from_content("mockllm", text)
        output.usage = ModelUsage()  # else the mock model would count tokens with a file from the network
        return output

    def answer(messages: Any, *_: Any) -> ModelOutput:
        text = messages[-1].text
        prompts.append(text)
        if "PRESENT" in text:
            marked = text.split("\nPRESENT\n")[1].split("«")[1].split("»")[0]
            return said(f"mentions a {marked}\n")
        label, shown = text.split("Property: mentions a ")[1].split("\n", 1)
        return said("Yes." if label in shown else "no")

    return get_model("mockllm/model", custom_outputs=answer)


def test_a_label_that_holds_has_full_fidelity(case: tuple[Audit, PairSet, FeatureMatrix], tmp_path: Path) -> None:
    record, pairs, part = case
    prompts: list[str] = []
    told = label_concepts(record, pairs, [part], LabelOptions(judge(prompts), 5), Reader(None, Store(tmp_path)))
    by_id = {c.id: c for c in told.concepts}
    assert by_id["x:0"].title == "mentions a walrus"
    assert by_id["x:1"].title == "mentions a otter"
    for c in by_id.values():
        assert c.model_label and c.model_label.fidelity == 1.0
        assert c.model_label.n == 20
    assert told.hypotheses == record.hypotheses
    assert record.concepts[0].model_label is None
    asked = len(prompts)
    label_concepts(record, pairs, [part], LabelOptions(judge(prompts), 5), Reader(None, Store(tmp_path)))
    assert len(prompts) == asked, "what was asked once is read from the store"


def test_the_label_is_made_from_other_prompts_than_it_is_judged_on(
    case: tuple[Audit, PairSet, FeatureMatrix], tmp_path: Path
) -> None:
    record, pairs, part = case
    prompts: list[str] = []
    label_concepts(record, pairs, [part], LabelOptions(judge(prompts), 1), Reader(None, Store(tmp_path)))
    texts = {p.chosen[0]["content"]: p.group for p in pairs.pairs} | {
        p.rejected[0]["content"]: p.group for p in pairs.pairs
    }
    made = {g for t, g in texts.items() for p in prompts if "PRESENT" in p and t in p.replace("«", "").replace("»", "")}
    judged = {g for t, g in texts.items() for p in prompts if "PRESENT" not in p and t in p}
    assert len(made) >= 8
    assert len(judged) >= 10
    assert not made & judged


def test_a_model_that_is_not_at_hand_is_said_in_one_line(
    case: tuple[Audit, PairSet, FeatureMatrix], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    record, pairs, part = case
    for name in ("openai/gpt-none", "nosuch/model"):
        with pytest.raises(UndecidedError, match=name):
            label_concepts(record, pairs, [part], LabelOptions(name, 1), Reader(None, Store(tmp_path)))


@pytest.mark.parametrize(
    ("answer", "value"), [("Yes.", 1.0), (" no, it does not", 0.0), ('"yes"', 1.0), ("maybe", None), ("", None)]
)
def test_answers_other_than_yes_and_no_are_missing(answer: str, value: float | None) -> None:
    got = yes_or_no(answer)
    assert got == value if value is not None else np.isnan(got)


@pytest.mark.parametrize(
    ("fidelity", "n", "names"), [(0.6, 10, True), (0.59, 20, False), (0.9, 9, False), (-0.9, 20, False)]
)
def test_a_label_names_only_what_it_tells_on_held_out_responses(
    case: tuple[Audit, PairSet, FeatureMatrix], fidelity: float, n: int, names: bool
) -> None:
    concept = case[0].concepts[0]
    label = ModelLabel(label="walruses", model="m", fidelity=fidelity, n=n)
    asked = concept.model_copy(update={"model_label": label})
    assert not concept.named
    assert asked.named is names
    assert asked.title == ("walruses" if names else concept.label)
