"""How long `offtarget demo` takes from an empty store, and its peak memory (limits: 10 minutes, 8 GiB).

python tests/bench/bench_demo.py
"""

import os
import resource
import subprocess
import sys
import tempfile
import time


def main() -> None:
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "offtarget", "demo", "--out", f"{home}/out"],
            check=True,
            env={**os.environ, "OFFTARGET_HOME": f"{home}/store"},
            stdout=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - start
    gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    verdict = "ok" if seconds < 600 and gib < 8 else "OVER"
    print(f"offtarget demo on {cores} cores: {seconds:.0f} s (limit 600), peak {gib:.1f} GiB (limit 8): {verdict}")


if __name__ == "__main__":
    main()
