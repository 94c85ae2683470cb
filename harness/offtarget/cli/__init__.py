"""The command line: one file per verb, heavy imports inside the commands."""

from offtarget.cli.main import main

__all__ = ["main"]
