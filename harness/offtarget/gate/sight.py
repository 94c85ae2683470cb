"""What the rows of a drop can show: the smallest change or lean, and whether what they lack is shown to be gone.

A concept that no row shows has no error, and no test finds it changed. That is blindness, not sight: what it would take to
be found counts like that of every other concept.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from offtarget.audit.diff.sums import Sums
from offtarget.audit.diff.test import POWER, detectable
from offtarget.audit.statistics.inside import MIN_ACTIVE
from offtarget.audit.statistics.means import Floats, t_interval
from offtarget.gate.changes import SHARE
from offtarget.gate.measure import Measured
from offtarget.gate.records import Change, Entry, Place, Sees, Settings
from offtarget.verdicts import Seen


def visible_share(detectable_now: Floats, factor: Floats, n: Floats) -> Floats:
    """The smallest change of a share that rows would show, with the error that they have where it is there.

    Of n rows a change δ makes δ·n others, whose variance δ(1 - δ)/n is beside that of the rows as they are:
    δ² = d² + c²·δ(1 - δ)/n. Where no row shows a concept d is 0, and δ is c²/(n + c²).

    Args:
        detectable_now: d, by the error of the rows as they are; in shares of rows, `(n_effects,)`.
        factor: c, of the error, for a test with a power of 80 %.
        n: rows.
    """
    a = factor**2 / np.maximum(n, 1)
    return np.asarray((a + np.sqrt(a**2 + 4 * (1 + a) * detectable_now**2)) / (2 * (1 + a)))


def smallest_lean(entries: Sequence[Entry], sums: Sums) -> Floats:
    """The smallest effect that the rows would show with 80 % power, as the only one of its view; `(n_effects,)`.

    (t_{1 - α/2} + t_{power}) · se with α = 0.05/m, as of changes; of a concept that is or is not in a response with the error
    that it would then have (`visible_share`). The labels of k prompts that show such a one must all agree, with 2 / 2^k ≤ α:
    no share below k / n can be found, whatever its error is.
    """
    m = max(len(entries), 1)
    df = np.maximum(sums.prompts_all - 1, 1)
    least = detectable(sums.se, df, m)
    k = 1 + np.log2(m / 0.05)
    share = np.array([e.unit.startswith(SHARE) for e in entries], dtype=bool)
    shown = np.maximum(visible_share(least, detectable(np.ones(len(df)), df, m), sums.n), k / np.maximum(sums.n, 1))
    return np.asarray(np.where(share, shown, least))


def smallest_change(entries: Sequence[Entry], sums: Sums, changes: Mapping[Place, Change]) -> Floats:
    """The smallest change of each share of rows that a drop would show with 80 % power; `(n_effects,)`, at most 1.

    Of what cannot be tested, since hardly a row shows it, at least the change that makes it testable with that power: of k rows
    that lack to ten, k + 0.84 √k are to be expected.

    Args:
        entries: effects over the whole set that are shares of rows.
        sums: theirs.
        changes: what could be tested.
    """
    from scipy import stats

    m = max(sum(view == "overall" for view, _, _ in changes), 1)
    df = np.maximum(sums.prompts_all - 1, 1)
    factor = detectable(np.ones(len(df)), df, m)
    tested = [changes.get(e.place) for e in entries]
    now = np.array([factor[k] * sums.se[k] if c is None else c.detectable for k, c in enumerate(tested)])
    lacking = np.array([c is None for c in tested], dtype=bool) * np.maximum(MIN_ACTIVE - sums.active, 0)
    needed = lacking + stats.norm.ppf(POWER) * np.sqrt(lacking)
    found = np.maximum(visible_share(now, factor, sums.n), needed / np.maximum(sums.n, 1))
    return np.asarray(np.minimum(found, 1.0))


def sees_of(now: Measured, changes: Mapping[Place, Change] | None, *, by_rows: bool = False) -> Sees | None:
    """What the rows would show of concepts that are shares of rows, over the whole set; None without such.

    The median is over all of them or over those that could be tested, whichever is larger: a concept that hardly a row shows
    has little error, and must neither be left out nor make the sight of the others better than it is.

    Args:
        now: the effects of an audit.
        changes: since a baseline; None for the leans themselves.
        by_rows: whether they were tested with the rows of both audits.
    """
    whole = [k for k, e in enumerate(now.entries) if e.view == "overall"]
    shares = [k for k in whole if now.entries[k].unit.startswith(SHARE)]
    if not shares:
        return None
    entries = [now.entries[k] for k in shares]
    if changes is not None:
        values = smallest_change(entries, now.sums.take(np.array(shares, dtype=np.int64)), changes)
        tested = [e.place in changes for e in entries]
    else:
        every = smallest_lean([now.entries[k] for k in whole], now.sums.take(np.array(whole, dtype=np.int64)))
        values = np.minimum(every[[whole.index(k) for k in shares]], 1.0)
        tested = [e.active_all > 0 for e in entries]
    medians = [np.median(values), *([np.median(values[tested])] if any(tested) else [])]
    return Sees(
        median=100 * float(max(medians)),
        low=100 * float(values.min()),
        high=100 * float(values.max()),
        of="lean" if changes is None else "change",
        by="rows" if by_rows or changes is None else "sums",
    )


def shown_gone(e: Entry, seen: Seen | None, settings: Settings, tests: int) -> bool:
    """Whether the rows show that what was seen is not there any more, because too few of them show the concept at all.

    The share of prompts that can show it still (Clopper and Pearson 1934, upper end) must be less than what was seen takes.
    Since E[u]² is at most P(u ≠ 0) · E[u²], an effect of d standard deviations needs d²/(1 + d²) of independent rows, and one
    of E points at least E % of the rows. The standard deviation is taken from the interval that was seen, so that an effect of
    few large prompts counts as that of few.

    Args:
        e: the effect now.
        seen: what was decided on; None: the least that matters.
        settings: what matters, and how sure it must be.
        tests: decisions that are tested together.
    """
    from scipy import stats

    if e.showing >= MIN_ACTIVE or (e.n_outside and e.active_all) or e.prompts <= e.showing:
        return False  # enough of them for the test of the change; or those outside show it
    most = float(stats.beta.ppf(1 - settings.q / max(tests, 1) / 2, e.showing + 1, e.prompts - e.showing))
    return most < _share_behind(e, seen, settings)


def _share_behind(e: Entry, seen: Seen | None, settings: Settings) -> float:
    """The least share of rows that must show a concept for an effect as large as was seen."""
    share = e.unit.startswith(SHARE)
    if seen is None or seen.unit not in ("", e.unit):
        d = settings.min_sd
        return settings.min_points / 100 if share else d**2 / (1 + d**2)
    n = max(seen.n, 2)
    unit = float(t_interval(np.zeros(1), np.ones(1), np.array([n - 1.0]))[0, 1])
    sd = (seen.ci[1] - seen.ci[0]) / 2 / unit * n**0.5
    of_rows = float(seen.effect**2 / max(seen.effect**2 + sd**2, 1e-300))
    return min(of_rows, abs(seen.effect)) if share else of_rows
