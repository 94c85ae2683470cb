"""Directions in a model's activations that are fitted to contrastive examples; `shipped/` holds the examples."""
