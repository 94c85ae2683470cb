"""The surface lens: rules on the text itself. `encode` reads pairs; `phrases/` and `refusals/` hold what it looks for."""

from offtarget.lens.surface.columns import COLUMNS
from offtarget.lens.surface.encode import VERSION, encode
from offtarget.lens.surface.measures import features, features_of, read

__all__ = ["COLUMNS", "VERSION", "encode", "features", "features_of", "read"]
