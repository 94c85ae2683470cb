"""The hand-made cells of the boards."""

from tests.board.conftest import make_cell, three

__all__ = ["make_cell", "three"]
