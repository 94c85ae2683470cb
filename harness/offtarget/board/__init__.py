"""Cells (one immutable JSON for each run) and the boards computed from them."""
