# open-instruct on the rows of an exported folder; it makes its own tokens and reference, so offsets, weights and masks are not carried
python - <<'PY'
from datasets import load_dataset

rows = load_dataset("shaped", split="train").select_columns(["prompt", "chosen", "rejected"])
rows = rows.map(lambda r: {"chosen": r["prompt"] + r["chosen"], "rejected": r["prompt"] + r["rejected"]})
rows.remove_columns("prompt").to_json("shaped.jsonl")  # each answer with its prompt, as open-instruct reads them
PY
torchrun --nproc_per_node 8 open_instruct/dpo.py \
    --model_name_or_path my-model --mixer_list shaped.jsonl 1.0 --mixer_list_splits train \
    --loss_type dpo --beta 0.1 --max_seq_length 512 --learning_rate 5e-7 --num_epochs 1 \
    --output_dir policy --push_to_hub False --try_launch_beaker_eval_jobs False
