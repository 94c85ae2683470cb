"""How long `offtarget --help` and `offtarget list` take as whole processes (limit: 0.7 s).

python tests/bench/bench_cli.py [--runs 7]
"""

import argparse
import statistics
import subprocess
import sys
import time

LIMIT = 0.7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    for argv in (["--help"], ["list"], ["list", "--json"]):
        seconds = []
        for _ in range(runs):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "offtarget", *argv], check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
        median = statistics.median(seconds)
        print(
            f"offtarget {' '.join(argv):<12} median {median:.2f} s of {runs} "
            f"(min {min(seconds):.2f}, max {max(seconds):.2f}), limit {LIMIT}: {'ok' if median < LIMIT else 'OVER'}"
        )


if __name__ == "__main__":
    main()
