"""Makes the pictures of README.md again: the report of an audit, and a frontier of the committed cells.

    python docs/pictures.py      # needs chromium (`apt-get install -y chromium`) and half a minute

The report is that of `offtarget audit planted-style`, the frontier that of planted-style on `results/board.md`.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "harness"))

from offtarget.board.folder import read_cells
from offtarget.board.page import page
from offtarget.board.rank import rank

IMAGES = REPO / "docs" / "images"
SETTINGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
LARGEST = 200_000


def shot(html: Path, out: Path, width: int, height: int) -> None:
    """A picture of the upper part of a page."""
    subprocess.run(
        ["chromium", *SETTINGS, f"--window-size={width},{height}", f"--screenshot={out}", f"file://{html}"],
        check=True, capture_output=True,
    )  # fmt: skip
    size = out.stat().st_size
    sys.stdout.write(f"wrote {out.relative_to(REPO)} ({size:,} bytes)\n")
    if size > LARGEST:
        sys.exit(f"{out.name} is larger than {LARGEST:,} bytes; show less of the page")


def report(folder: Path) -> Path:
    """The report of a planted set that ships."""
    out = folder / "audit"
    ours = {**os.environ, "PYTHONPATH": str(REPO / "harness")}
    command = [sys.executable, "-m", "offtarget", "audit", "planted-style", "--lens", "surface", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True, env=ours)
    return out / "report.html"


def frontier(folder: Path) -> Path:
    """The plot of planted-style alone, in the style of the board's page."""
    boards = rank(read_cells(REPO / "results" / "cells").cells, ())
    mine = next(b for b in boards.boards if b.dataset == "planted-style" and any(r.recovery.value for r in b.rows))
    whole = page(boards.model_copy(update={"boards": (mine,)}), "")
    found = re.search(r"<svg .*?</svg>", whole, re.S)
    assert found, "the board has no plot"
    style = "".join(re.findall(r"<style.*?</style>", whole, re.S))
    path = folder / "frontier.html"
    body = f"<body style='margin:0;padding:18px 24px 0;max-width:none'>{found[0]}</body>"
    path.write_text(f"<!doctype html><meta charset='utf-8'>{style}{body}", encoding="utf-8")
    return path


def main() -> None:
    """Make both."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        shot(report(Path(name)), IMAGES / "report.png", 1000, 760)
        shot(frontier(Path(name)), IMAGES / "frontier.png", 1000, 470)


if __name__ == "__main__":
    main()
