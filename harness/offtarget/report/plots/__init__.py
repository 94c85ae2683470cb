"""Plots as inline SVG that follow the page's theme, one file for each kind of question."""
