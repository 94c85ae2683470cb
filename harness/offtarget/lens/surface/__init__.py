"""The surface lens: rules on the text itself. `encode` reads pairs; `phrases/` and `refusals/` hold what it looks for."""

from offtarget.lens.surface.encode import COLUMNS, VERSION, encode, features

__all__ = ["COLUMNS", "VERSION", "encode", "features"]
