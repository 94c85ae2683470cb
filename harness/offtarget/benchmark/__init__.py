"""The audit benchmark: audit methods against sets whose truth is known."""
