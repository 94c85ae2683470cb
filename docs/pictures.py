"""Makes the pictures of README.md and the results again, from the committed cells and a set that ships.

    python docs/pictures.py [--only reference]      # needs chromium (`apt-get install -y chromium`) and half a minute

The report is that of `offtarget audit planted-style`, the forest that of `results/reference/board.md`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO / "harness"), str(REPO / "docs")]


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


def reference(out: Path) -> None:
    """Every protocol on every set of the reference board, with its interval."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "offtarget", "svg.fonttype": "none", "font.size": 9})
    import matplotlib.pyplot as plt
    from making.board_tables import REFERENCE, REFERENCE_SETS, board_of, protocol_name

    figure, panels = plt.subplots(2, 2, figsize=(8.2, 7.4), sharey=True, layout="constrained")
    boards = [board_of(dataset, target, REFERENCE) for dataset, target, _ in REFERENCE_SETS]
    rows = {k: [r for r in board.rows if r.kind == "protocol" and not r.provisional] for k, board in enumerate(boards)}
    names = sorted(
        {protocol_name(r) for found in rows.values() for r in found}, key=lambda n: (not n.startswith("random_"), n)
    )
    for k, (panel, (_, target, heading)) in enumerate(zip(panels.flat, REFERENCE_SETS, strict=True)):
        amplified = any(r.intent == "amplify" for r in rows[k])
        differs = amplified or not any(r.recovery.value is not None for r in rows[k])
        for r in rows[k]:
            (b,) = [b for b in r.behaviours if b.behaviour == target]
            found = b.vs_dpo if differs else r.recovery
            if found.value is None or found.ci is None:
                continue
            blind = r.protocol.startswith("random_")
            y = names.index(protocol_name(r)) + (0.3 if r.parameters.get("strength") == 4.0 and amplified else 0)
            colour = "#8a8a8a" if blind else "#1f5fa8"
            panel.plot(found.ci, (y, y), color=colour, lw=1.6, solid_capstyle="round")
            panel.plot(found.value, y, "o" if not blind else "s", color=colour, ms=5)
            if amplified and r.protocol == "reward_shaping":
                panel.text(found.ci[1], y, f" at {r.parameters['strength']:g}", va="center", fontsize=7, color=colour)
        panel.axvline(0, color="#333333", lw=0.8)
        if differs:
            why = "" if amplified else " (no clear signal: no recovery)"
            panel.set_xlabel(f"{target} minus plain DPO's{why}")
        else:
            panel.axvline(1, color="#333333", lw=0.8, ls=":")
            panel.set_xlim(-1.25, 2.0)
            panel.set_xlabel("recovery (0 plain DPO, 1 start)")
        panel.set_title(heading, fontsize=10)
        panel.set_yticks(range(len(names)), names)
        panel.grid(axis="y", color="#eeeeee")
        panel.set_axisbelow(True)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    figure.supxlabel("grey squares: blind controls; lines: 95 % intervals; an empty row was not run", fontsize=8)
    figure.savefig(out, metadata={"Date": None})
    sys.stdout.write(f"wrote {out.relative_to(REPO)} ({out.stat().st_size:,} bytes)\n")


def main() -> None:
    """Make them."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--only", choices=("reference",), help="that one alone, which needs no browser")
    only = ask.parse_args().only
    IMAGES.mkdir(exist_ok=True)
    reference(IMAGES / "reference.svg")
    if only:
        return
    with tempfile.TemporaryDirectory() as name:
        shot(report(Path(name)), IMAGES / "report.png", 1000, 760)


if __name__ == "__main__":
    main()
