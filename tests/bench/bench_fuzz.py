"""The fuzz suite for as long as one likes: round after round of `tests/fuzz`, each with another seed.

    python tests/bench/bench_fuzz.py --minutes 60 --write results/faults/fuzz.md

A round asks `--examples` inputs of every test. A round that fails prints what it found; its seed makes it fail again:
`OFFTARGET_FUZZ=400 pytest tests/fuzz --hypothesis-seed SEED -n 0`. Exit code 1 if any round failed.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def round_of(seed: int, examples: int) -> tuple[bool, int, str]:
    """Run the suite once: whether it passed, how many tests ran, and what pytest said."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/fuzz", "-n", "0", "-q", "--timeout=0", "-p", "no:cacheprovider",
         f"--hypothesis-seed={seed}"],
        cwd=REPO, env={**os.environ, "OFFTARGET_FUZZ": str(examples)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    return done.returncode == 0, len(re.findall(r"[.F](?=[.F]* +\[)", said)), said


def main() -> int:
    """Run rounds until the time is over, and write the log."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--examples", type=int, default=400, help="inputs of every test in a round")
    options.add_argument("--seed", type=int, default=0, help="of the first round")
    options.add_argument("--write", type=Path, help="file for the log")
    given = options.parse_args()
    begun, seed, inputs, failed = time.monotonic(), given.seed, 0, []
    while time.monotonic() - begun < 60 * given.minutes:
        passed, tests, said = round_of(seed, given.examples)
        inputs += tests * given.examples
        if not passed:
            failed.append(seed)
            print(said, flush=True)
        minutes = (time.monotonic() - begun) / 60
        print(f"seed {seed}: {'passed' if passed else 'FAILED'}, {tests} tests, {minutes:.0f} minutes", flush=True)
        seed += 1
    rounds = seed - given.seed
    if given.write:
        asked = f"--minutes {given.minutes:g} --examples {given.examples} --seed {given.seed} --write {given.write}"
        told = f"seeds {', '.join(map(str, failed))}" if failed else "none"
        given.write.parent.mkdir(parents=True, exist_ok=True)
        given.write.write_text(
            f"# Fuzzing\n\nMade by `python tests/bench/bench_fuzz.py {asked}`.\n\n{rounds} rounds, up to {inputs:,} inputs to "
            f"cards, recipes, verdicts, audit folders, cells and data files, {minutes:.0f} minutes. Rounds that failed: {told}.\n"
        )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
