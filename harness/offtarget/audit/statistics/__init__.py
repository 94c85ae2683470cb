"""Tests of means over preference pairs, clustered by prompt, with their intervals, nulls and controls."""
