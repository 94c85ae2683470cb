"""Plain trl on a folder that `offtarget plan --export` wrote."""

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
