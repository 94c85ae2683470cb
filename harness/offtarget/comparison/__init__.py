"""Policies held against each other sample by sample: cells, scores, or plain Inspect logs."""
