"""A cell made again, from its own recipe, with nothing of what was made before."""
