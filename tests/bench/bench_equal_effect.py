"""How often the interval at equal effect holds the truth, on simulated curves whose truth is known.

    python tests/bench/bench_equal_effect.py [--repeats 400]

Each sample shifts by (a + A_s + u_i)·x on the target and by (b + B_s + v_i)·x + c·x² on a side effect at scale x, with prompts
u, v and training seeds A, B drawn anew each time. The truth is the side effect at the scale where the target's mean shift is
half of a. Bends make straight lines between doses a little wrong, so c is not 0.
"""

import argparse

import numpy as np

from offtarget.curve.equal import Shifts, at_level, interval

X = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.25])
TARGET, SIDE, BEND = 0.3, 0.4, 0.1


def covered(n_seeds: int, n: int, of_seeds: float, repeats: int) -> tuple[float, float, float]:
    """Share of intervals that hold the truth, share that could not be given, and their mean width."""
    at = 0.5
    truth = SIDE * at + BEND * at * at
    ids = tuple(f"p{i}" for i in range(n))
    held, width, none = 0, [], 0
    for repeat in range(repeats):
        rng = np.random.default_rng([n_seeds, n, int(1000 * of_seeds), repeat])
        prompts = rng.normal(0, 0.5, (2, 1, n))
        seeds = rng.normal(0, of_seeds, (2, n_seeds, 1))
        noise = rng.normal(0, 0.3, (2, n_seeds, n))
        slopes = np.array([TARGET, SIDE])[:, None, None] + prompts + seeds + noise
        values = {
            "target": X[:, None, None] * slopes[0][None],
            "side": X[:, None, None] * slopes[1][None] + BEND * (X**2)[:, None, None],
        }
        found = at_level(Shifts("dpo", tuple(X), values, dict.fromkeys(values, ids)), "target", TARGET / 2, 500)
        ci = None if found is None else interval(found.drawn["side"])
        if ci is None:
            none += 1
            continue
        held += ci[0] <= truth <= ci[1]
        width.append(ci[1] - ci[0])
    given = repeats - none
    return held / given if given else float("nan"), none / repeats, float(np.mean(width)) if width else float("nan")


def main() -> None:
    """Print coverage by seeds, prompts and noise of seeds."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--repeats", type=int, default=400)
    args = ask.parse_args()
    print("seeds  prompts  noise of seeds  holds the truth  no interval  width")
    for n_seeds, n, noise in ((1, 96, 0.0), (1, 400, 0.0), (3, 96, 0.0), (3, 96, 0.05), (3, 400, 0.05), (5, 96, 0.05)):
        held, none, width = covered(n_seeds, n, noise, args.repeats)
        print(f"{n_seeds:5}  {n:7}  {noise:14}  {held:15.3f}  {none:11.3f}  {width:5.3f}")


if __name__ == "__main__":
    main()
