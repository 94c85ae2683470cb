"""README.md of an exported folder: what the rows are, how to train on them, and what they cannot carry."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from offtarget.documents import markdown_line
from offtarget.elsewhere.carried import CUT, HOOKS, PROMPTS, WEIGHTS, WORDS
from offtarget.elsewhere.folder import DATA, PLAN, TEMPLATE, Exported

SCRIPT = """\
import json
from pathlib import Path

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

FOLDER, START, POLICY = "shaped", "my-model", "policy"
plan = json.loads(Path(FOLDER, "plan.json").read_text())
trainer = DPOTrainer(
    model=AutoModelForCausalLM.from_pretrained(START),
    args=DPOConfig(output_dir=POLICY, seed=0, logging_steps=1, use_cpu=not torch.cuda.is_available(), **plan["trl"]),
    train_dataset=load_dataset(FOLDER, split="train"),
    processing_class=AutoTokenizer.from_pretrained(START),
    peft_config=LoraConfig(r=16, task_type="CAUSAL_LM"),
)
trainer.precompute_ref_logps |= "ref_chosen_logps" in plan["columns"]  # else trl ignores the columns
trainer.train()
trainer.save_model(POLICY)
"""
"""Plain trl on an exported folder."""

COLUMNS = {
    "id": "of the pair",
    "prompt": "messages before either answer",
    "chosen": "messages of the answer to prefer; the plan's flips are done",
    "rejected": "messages of the other answer",
    "weight": "factor on the pair's gradient, 1 on average",
    "offset_chosen": "nats that the plan adds to the reward of `chosen` inside the loss",
    "offset_rejected": "nats that it adds to the reward of `rejected`",
    "ref_chosen_logps": "reference log-probability of `chosen`, shifted by −offset/β",
    "ref_rejected_logps": "reference log-probability of `rejected`, shifted by −offset/β",
    "weighted_ref_chosen_logps": "the same as a sum in which each token has its weight; no column that trl reads",
    "weighted_ref_rejected_logps": "the same of `rejected`",
    "prompt_test": "what the reference reads, and the policy after training",
    "prompt_chosen": "what the policy reads before `chosen` while it trains",
    "prompt_rejected": "what the policy reads before `rejected` while it trains",
    "chosen_token_spans": "[first token, token behind the last] of the answer that do not count as 1",
    "chosen_token_weights": "what each of these spans weighs; 0 is a mask",
    "rejected_token_spans": "the same of `rejected`",
    "rejected_token_weights": "the same of `rejected`",
}
"""Column -> what it holds."""
USES = {
    WEIGHTS: "Multiply the gradient of each pair by `weight`.",
    WORDS: "Multiply the log-probabilities of the tokens in `chosen_token_spans` and `rejected_token_spans` by their "
    "weights, for the policy; `weighted_ref_*_logps` is that sum of the reference.",
    PROMPTS: "Let the policy read `prompt_chosen` before `chosen` and `prompt_rejected` before `rejected`; the reference "
    "columns are of `prompt_test`. Here `prompt` is that too, so trl trains plain DPO.",
    CUT: "Raise max_length, or leave long answers out.",
}
"""What trl's DPOTrainer would ignore -> what another trainer does with the columns."""


def card(of: Exported) -> str:
    """The text of the README.md."""
    head = {
        # datasets keeps what it loads by the names of folder and configuration, whatever the rows are: the name is of the rows
        "configs": [
            {
                "config_name": f"rows-{of.export_sha256[:12]}",
                "data_files": [{"split": "train", "path": f"{DATA}/*.parquet"}],
            }
        ],
        "tags": ["offtarget", "dpo", "preference"],
    }
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    parts = [
        f"---\n{front}---",
        f"# {markdown_line(of.dataset)} as '{markdown_line(of.protocol)}' shapes it",
        _table([("", ""), *_facts(of)]),
        "The texts are those of the dataset: its licence holds for this folder too.",
        "## Columns",
        _table([("column", "holds"), *((f"`{c}`", COLUMNS[c]) for c in of.columns)]),
        "## Train on it",
        _trl(of),
        _must(of),
        "## What this folder cannot carry",
        _cannot(of),
        "## Put the policy on a board",
        "```bash\nofftarget cell POLICY --plan FOLDER --seed 0\n```",
        f"FOLDER is the folder of this file. `{PLAN}` holds the plan with its hash and the hash of these rows: keep both as "
        "they are.",
    ]
    return "\n\n".join(parts) + "\n"


def _facts(of: Exported) -> list[tuple[str, str]]:
    s = of.plan
    counts = {
        "left out": s.left_out, "flipped": s.flipped, "added": s.added, "shifted": s.shifted,
        "with words that do not count as 1": s.masked + s.token_weighted, "with a prompt of the policy's own": s.prompted,
    }  # fmt: skip
    did = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)
    gone = ", ".join(f"{n:,} {reason}" for reason, n in of.left_out.items())
    rows = [
        ("protocol", f"{of.protocol} {markdown_line(json.dumps(of.parameters, ensure_ascii=False))}"),
        (
            "decided",
            "; ".join(markdown_line(f"{v.decision} {v.name()} (strength {v.strength:g})") for v in of.verdicts),
        ),
        ("dataset", markdown_line(f"{of.dataset}, {of.n_pairs:,} pairs (rows {of.rows_sha256[:12]})")),
        (
            "the plan",
            f"touches {s.touched:,} of {s.pairs:,} pairs{f': {did}' if did else ''} (hash {of.plan_sha256[:12]})",
        ),
        ("rows here", f"{of.n_rows:,}{f'; cannot be trained on at this length: {gone}' if gone else ''}"),
        ("start model", markdown_line(Path(of.model).name if Path(of.model).is_dir() else of.model)),
    ]
    return [row for row in rows if row[1]]


def _trl(of: Exported) -> str:
    if of.ignored:
        return "**trl's own DPOTrainer would train something else than this plan.** What a trainer has to do besides is said below."
    return f"trl's own DPOTrainer carries out all of this plan:\n\n```python\n{SCRIPT}```"


def _must(of: Exported) -> str:
    """What any trainer must do alike."""
    lines = [
        f"- The columns hold for the start model named above, its chat template (hash {of.template_hash}) and "
        f"`{json.dumps(of.trl)}`.",
        "- An answer is cut at max_length tokens from the end.",
    ]
    if of.own_template:
        lines.append(f"- The model has no chat template: set `tokenizer.chat_template` to the text of `{TEMPLATE}`.")
    if "ref_chosen_logps" in of.columns:
        lines.append(
            "- Set `trainer.precompute_ref_logps = True` and leave `precompute_ref_log_probs=False`. Without the first, trl "
            "ignores the columns in silence; with the second, it refuses them as duplicates."
        )
        if of.start_loss is not None and of.plan.shifted:
            lines.append(
                f"- The mean loss over all rows before the first step is {of.start_loss:.3f}. A first step at 0.693 means that "
                "the columns were not read."
            )
    lines.append(
        "- axolotl and open-instruct make their own tokens and their own reference: of this folder they read "
        + ("the rows, and nothing else." if _shifts(of) else "the rows, which is all of this plan.")
    )
    return "\n".join(lines)


def _shifts(of: Exported) -> bool:
    """Whether something of the plan is in other columns than the answers, or in options."""
    s = of.plan
    return bool(of.ignored or s.shifted or s.prompted or s.loss)


def _cannot(of: Exported) -> str:
    if not of.ignored:
        return f"Nothing of this plan. Of other plans: {HOOKS}; such a plan is not exported."
    lines = [f"- {reason}. {USES[reason]}" for reason in of.ignored]
    said = "trl's own DPOTrainer does not carry out, and a trainer of your own may:"
    return "\n".join([said, "", *lines, "", f"Of other plans: {HOOKS}; such a plan is not exported."])


def _table(rows: Sequence[tuple[Any, ...]]) -> str:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])
