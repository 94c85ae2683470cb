"""A share of a grid: which cells one of several processes makes."""

import re
from dataclasses import dataclass

from offtarget.errors import ConfigError


@dataclass(frozen=True)
class Shard:
    """The i-th of n shares, counted from 1; cells are dealt in turn, so shares are of equal size within one cell."""

    index: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """`i/n`, with i from 1 to n.

        Raises:
            ConfigError: the text is no such fraction.
        """
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip())
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise ConfigError(f"--shard {text}: write it as i/n with i from 1 to n, for instance --shard 1/4")
        return cls(int(found[1]), int(found[2]))

    def takes(self, position: int) -> bool:
        """Whether the cell at this position of the grid, counted from 0, is in the share."""
        return position % self.of == self.index - 1


ALL = Shard(1, 1)
"""The whole grid."""
