"""How long `offtarget demo` takes from an empty store, and its peak memory (limits: 5 minutes, 8 GiB).

python tests/bench/bench_demo.py
python tests/bench/bench_demo.py --float32      # as on a processor without bfloat16
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time

LIMIT, GIB = 300, 8
PLAIN = "from offtarget.cli.main import main; main()"
FLOAT32 = f"from offtarget import machine; machine.precision = lambda asked=None: asked or 'float32'; {PLAIN}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--float32", action="store_true", help="multiply in float32 whatever the machine can")
    asked = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", FLOAT32 if asked.float32 else PLAIN, "demo", "--out", f"{home}/out"],
            check=True,
            env={**os.environ, "OFFTARGET_HOME": f"{home}/store"},
            stdout=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    gib, busy = used.ru_maxrss / 2**20, used.ru_utime + used.ru_stime
    verdict = "ok" if seconds < LIMIT and gib < GIB else "OVER"
    print(
        f"offtarget demo on {cores} cores: {seconds:.0f} s (limit {LIMIT}), {busy:.0f} s of processor, "
        f"peak {gib:.1f} GiB (limit {GIB}): {verdict}"
    )


if __name__ == "__main__":
    main()
