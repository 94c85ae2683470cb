"""trl's own DPOTrainer on an exported folder, beside the exact mode of training here, for every protocol that ships."""

import json
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import REPO
from tests.elsewhere.conftest import export_into
from tests.training.conftest import Bench

from offtarget.audit.statistics.length import Lengths
from offtarget.data.pairs import Pair, PairSet, text_of
from offtarget.elsewhere.card import SCRIPT
from offtarget.elsewhere.carried import HOOKS, PROMPTS, WEIGHTS, WORDS
from offtarget.errors import ConfigError
from offtarget.models import resolve
from offtarget.registry import default
from offtarget.shaping.context import ConceptScores, Direction, ShapingContext, Target, WordScores
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import make_plan
from offtarget.training.run import prepare

ASK = {"instruction": "Be blunt about it, please."}


@dataclass(frozen=True)
class Case:
    """A protocol, its parameters, and why trl's DPOTrainer would not carry it out (empty: it does)."""

    protocol: str
    parameters: dict[str, Any] = field(default_factory=dict)
    ignored: str = ""
    refused: str = ""


CASES = [
    Case("dpo"),
    Case("filter"),
    Case("random_filter"),
    Case("label_flip", {"strength": 0.4}),
    Case("counterfactual", {"strength": 0.3}),
    Case("reward_shaping"),
    Case("ld_dpo"),
    Case("robust_dpo"),
    Case("length_normalised"),
    Case("wpo"),
    Case("inoculation", ASK | {"side": "both"}),
    Case("inoculation", ASK, ignored=PROMPTS),
    Case("reweight", ignored=WEIGHTS),
    Case("random_reweight", ignored=WEIGHTS),
    Case("length_balance", ignored=WEIGHTS),
    Case("token_filter", {"strength": 0.2}, ignored=WORDS),
    Case("token_reweight", ignored=WORDS),
    Case("random_token_reweight", ignored=WORDS),
    Case("steering", refused=HOOKS),
    Case("preventative_steering", refused=HOOKS),
    Case("ablation", refused=HOOKS),
]


def test_every_protocol_that_ships_is_among_the_cases() -> None:
    ours = {e.name for e in default().entries("protocol")}
    assert {c.protocol for c in CASES} == ours


class Scores:
    """Readings of the small pairs by their number: what matters is that they differ from row to row and side to side."""

    def __init__(self, pairs: list[Any]) -> None:
        self.pairs = pairs
        n = len(pairs)
        self.chosen, self.rejected = np.sin(np.arange(n)), 0.5 * np.cos(2 * np.arange(n))

    def scores(self, concept: str, readout: str) -> ConceptScores:
        return ConceptScores(self.chosen, self.rejected)

    def length(self) -> Lengths:
        return Lengths(*(np.array([len(text_of(getattr(p, s))) for p in self.pairs]) for s in ("chosen", "rejected")))

    def direction(self, concept: str, layer: int | None = None) -> Direction:
        vector = np.eye(1, 64, dtype=np.float32)[0]
        return Direction(2 if layer is None else layer, vector, 0.5, self.chosen - self.rejected)

    def directions(self, concept: str, layers: Any) -> list[Direction]:
        return [self.direction(concept, layer) for layer in layers]

    def layer(self, concept: str) -> int:
        return 2

    def presence(self, concept: str) -> tuple[Any, Any]:
        return self.chosen > 0, self.rejected > 0

    def words(self, concept: str, readout: str) -> tuple[list[WordScores], list[WordScores]]:
        return tuple([self._words(getattr(p, s), i) for i, p in enumerate(self.pairs)] for s in ("chosen", "rejected"))

    @staticmethod
    def _words(answer: Any, row: int) -> WordScores:
        spans = np.array([m.span() for m in re.finditer(r"\S+", answer[0]["content"])])
        return WordScores(spans, np.sin(np.arange(len(spans)) + row))

    def rewrite(self, concept: str, sign: int, responses: Any, role: str | None) -> list[str | None]:
        return [f"It is {text.split()[-1]} then" for _, text in responses]


def plan_of(case: Case, pairs: list[Any]) -> ShapingPlan:
    context = ShapingContext(pairs, (Target("c", -1),), seed=1, min_pairs=2, readings=Scores(pairs))  # type: ignore[arg-type]
    return make_plan(case.protocol, context, case.parameters)


def losses_of_trl(folder: Path, bench: Bench, out: Path) -> list[float]:
    """What trl's DPOTrainer logs, in a script of one's own that knows the folder and nothing of offtarget."""
    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    plan = json.loads((folder / "plan.json").read_text())
    modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    trainer = DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(bench.ref.path),
        args=DPOConfig(
            output_dir=str(out), max_steps=3, per_device_train_batch_size=4, learning_rate=2e-2, warmup_steps=0,
            lr_scheduler_type="linear", logging_steps=1, save_strategy="no", report_to="none", use_cpu=True, bf16=False,
            seed=3, data_seed=3, disable_tqdm=True, gradient_checkpointing=False, **plan["trl"],
        ),
        train_dataset=load_dataset(str(folder), split="train", cache_dir=str(out)),
        processing_class=AutoTokenizer.from_pretrained(bench.ref.path),
        peft_config=LoraConfig(
            r=4, lora_alpha=8, target_modules=modules, layers_to_transform=[2, 3], layers_pattern="layers",
            task_type="CAUSAL_LM",
        ),
    )  # fmt: skip
    trainer.precompute_ref_logps = "ref_chosen_logps" in plan["columns"]
    trainer.train()
    return [h["loss"] for h in trainer.state.log_history if "loss" in h]


def ours(bench: Bench, plan: ShapingPlan) -> list[float]:
    """The same by the exact mode of training."""
    trained = bench.train(plan, max_steps=3, learning_rate=2e-2, warmup_share=0.0)
    return list(trained.digest["losses"])


@pytest.mark.invariant
@pytest.mark.parametrize("case", [c for c in CASES if not c.refused and not c.ignored], ids=lambda c: c.protocol)
def test_plain_trl_has_the_losses_of_the_exact_mode(case: Case, bench: Bench, tmp_path: Path) -> None:
    plan = plan_of(case, bench.set.pairs)
    found = export_into(tmp_path / "shaped", bench, plan, **case.parameters)
    assert found.ignored == ()
    exact = ours(bench, plan)
    theirs = losses_of_trl(tmp_path / "shaped", bench, tmp_path / "theirs")
    assert theirs == pytest.approx(exact, abs=3e-6)
    assert len(set(exact)) == 3, "nothing was learned"


@pytest.mark.invariant
@pytest.mark.parametrize("loss", ["sigmoid", "ipo"])
def test_all_that_rows_carry_is_carried_at_once(loss: str, bench: Bench, tmp_path: Path) -> None:
    """Left out, flipped with its offsets, and added; under a loss of sums and under one of means over tokens."""
    bench.spec = bench.spec.model_copy(update={"loss": loss})
    pairs, n = bench.set.pairs, len(bench.set.pairs)
    extra = [Pair(f"extra-{p.id}", p.group, p.prompt, p.rejected, p.chosen) for p in pairs[:3]]
    rows = np.arange(n + len(extra))
    plan = ShapingPlan.identity("reward_shaping", pairs).add(extra)
    plan = plan.edit(
        keep=rows % 5 != 0, flip=rows % 3 == 1, offset_chosen=np.sin(rows), offset_rejected=0.3 * np.cos(3 * rows)
    )
    export_into(tmp_path / "shaped", bench, plan)
    theirs = losses_of_trl(tmp_path / "shaped", bench, tmp_path / "theirs")
    assert theirs == pytest.approx(ours(bench, plan), rel=2e-5, abs=3e-6)


@pytest.mark.invariant
def test_answers_are_cut_and_pairs_left_out_as_in_the_exact_mode(bench: Bench, tmp_path: Path) -> None:
    spec = bench.spec.model_copy(update={"max_length": 40, "min_answer_tokens": 13})
    room = {t.id: 40 - len(t.prompt) for t in bench.set.ids}
    cut = [t.id for t in bench.set.ids if len(t.chosen) > room[t.id]]
    shorter = Bench.__new__(Bench)
    shorter.ref, shorter.store, shorter.spec = bench.ref, bench.store, spec
    shorter.set = prepare(PairSet("small", bench.set.pairs), bench.ref, spec)
    lost = {p.id for p in bench.set.pairs} - {p.id for p in shorter.set.pairs}
    assert len(cut) > len(lost) > 0, "neither cut nor left out"
    whole = export_into(tmp_path / "whole", bench, plan_of(Case("reward_shaping"), bench.set.pairs), spec=spec)
    assert whole.n_rows == len(shorter.set.pairs) and sum(whole.left_out.values()) == len(lost)
    plan = plan_of(Case("reward_shaping"), shorter.set.pairs)
    export_into(tmp_path / "shaped", shorter, plan)
    assert losses_of_trl(tmp_path / "shaped", bench, tmp_path / "o") == pytest.approx(ours(shorter, plan), abs=3e-6)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return list(pq.read_table(folder / "data" / "train-00000-of-00001.parquet").to_pylist())


def log_probabilities(bench: Bench, prompt: Any, answer: Any) -> list[float]:
    """Of the tokens of an answer behind a prompt under the start model, by plain transformers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = (k.from_pretrained(bench.ref.path) for k in (AutoModelForCausalLM, AutoTokenizer))
    start = len(tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=True)["input_ids"])
    ids = tokenizer.apply_chat_template([*prompt, *answer], return_dict=True)["input_ids"]
    with torch.no_grad():
        scores = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)
    return [float(scores[t - 1, ids[t]]) for t in range(start, len(ids))]


@pytest.mark.parametrize("case", [c for c in CASES if c.ignored], ids=lambda c: c.protocol)
def test_what_trl_would_ignore_is_on_the_card_and_in_columns(case: Case, bench: Bench, tmp_path: Path) -> None:
    plan = plan_of(case, bench.set.pairs)
    found = export_into(tmp_path / "shaped", bench, plan, **case.parameters)
    assert found.ignored == (case.ignored,)
    text = (tmp_path / "shaped" / "README.md").read_text()
    assert case.ignored in text and "would train something else than this plan" in text
    rows = rows_of(tmp_path / "shaped")
    assert set(rows[0]) == set(found.columns)
    assert [r["weight"] for r in rows] == pytest.approx(plan.relative_weight()[plan.keep].tolist())
    if case.ignored == WORDS:
        row = max(rows, key=lambda r: len(r["chosen_token_spans"]))
        weights = np.ones(len(each := log_probabilities(bench, row["prompt"], row["chosen"])))
        for (start, stop), weight in zip(row["chosen_token_spans"], row["chosen_token_weights"], strict=True):
            weights[start:stop] = weight
        assert (weights != 1).any() and "ref_chosen_logps" not in row, "trl would take a sum over all tokens for it"
        assert row["weighted_ref_chosen_logps"] == pytest.approx(float(weights @ each), abs=1e-3)
    if case.ignored == PROMPTS:
        asked = [r for r in rows if r["prompt_chosen"] != r["prompt_test"]]
        assert asked and all(r["prompt_rejected"] == r["prompt_test"] == r["prompt"] for r in rows)
        assert asked[0]["prompt_chosen"][-1]["content"].endswith(ASK["instruction"])
        behind = log_probabilities(bench, asked[0]["prompt_test"], asked[0]["chosen"])
        assert asked[0]["ref_chosen_logps"] == pytest.approx(sum(behind), abs=1e-3)


@pytest.mark.parametrize("case", [c for c in CASES if c.refused], ids=lambda c: c.protocol)
def test_a_plan_that_no_dataset_holds_is_refused_for_what_every_card_says(
    case: Case, bench: Bench, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=re.escape(case.refused)):
        export_into(tmp_path / "shaped", bench, plan_of(case, bench.set.pairs))
    assert not (tmp_path / "shaped").exists()
    export_into(tmp_path / "plain", bench, bench.identity())
    assert case.refused in (tmp_path / "plain" / "README.md").read_text()


def test_both_forms_of_an_inoculated_prompt_are_there(bench: Bench, tmp_path: Path) -> None:
    export_into(tmp_path / "shaped", bench, plan_of(Case("inoculation", ASK | {"side": "both"}), bench.set.pairs))
    asked = [r for r in rows_of(tmp_path / "shaped") if r["prompt"] != r["prompt_test"]]
    assert asked
    for r in asked:
        assert r["prompt"] == r["prompt_chosen"] == r["prompt_rejected"]
        assert r["prompt"][-1]["content"] == f"{r['prompt_test'][-1]['content']}\n\n{ASK['instruction']}"


def test_the_first_loss_says_whether_the_columns_were_read(bench: Bench, tmp_path: Path) -> None:
    """Before the first step −log σ(o⁺ − o⁻) on average; log 2 where a trainer made a reference of its own."""
    plan = plan_of(Case("reward_shaping"), bench.set.pairs)
    found = export_into(tmp_path / "shaped", bench, plan)
    own = np.mean([np.log1p(np.exp(-o)) for o in plan.offset])
    assert found.start_loss == pytest.approx(float(own)) and abs(own - np.log(2)) > 0.01
    assert f"{own:.3f}" in (tmp_path / "shaped" / "README.md").read_text()


def test_the_example_for_trl_is_on_the_card_and_runs(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    example = (REPO / "docs" / "examples" / "trl_export.py").read_text()
    assert example.endswith(f'"""\n\n{SCRIPT}')
    export_into(tmp_path / "shaped", bench, plan_of(Case("reward_shaping"), bench.set.pairs))
    assert SCRIPT in (tmp_path / "shaped" / "README.md").read_text()
    code = SCRIPT.replace("seed=0,", "seed=0, num_train_epochs=1, report_to='none',")
    for given, here in (("shaped", tmp_path / "shaped"), ("my-model", bench.ref.path), ("policy", tmp_path / "policy")):
        code = code.replace(f'"{given}"', repr(str(here)), 1)
    script: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, script)
    first = next(h["loss"] for h in script["trainer"].state.log_history if "loss" in h)
    assert abs(first - 0.693) > 0.01, "the columns were not read"
    assert resolve(str(tmp_path / "policy")).adapters
