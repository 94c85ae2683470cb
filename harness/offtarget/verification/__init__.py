"""Predicted against observed shift: what training on a set really changed, beside what chance and length explain."""
