"""trl's DPOTrainer, driven by a plan."""
