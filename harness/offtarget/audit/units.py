"""What is one unit to the tests: the prompt, or the template that many prompts fill.

Estimand of every test: the mean of u over a population of units, of which those of this set are a sample. Prompts
that fill one template ("Write a poem about X") may be one unit in all that matters: where labels were given template by
template, 500 of them are worth no more than the number of templates. Whether they were is asked of the rows: u is
compared between templates, and with prompts dealt out among them again. Where templates differ more than chance makes
them, the template is the unit; where they do not, the prompt is. In simulation (`tests/audit/test_units.py`) labels
drawn template by template then give no more false findings than tests of 5 % may, but for the chance 2^(1-K) that all
of a few templates, K, happen to agree: nothing in the rows tells that from a lean.

With a single template there is nothing to compare: the prompt is the unit, and what is found speaks for that template.
Where a person or a column of the set says what the groups are, templates are not looked for.

Before all that, rows that share their answers under several prompts are one unit (`data.linked`), unless a person said
what the units are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints, column_blocks, effective_groups, group_codes, indicator
from offtarget.data.linked import MIN_UNITS, Linked, alike, join, kish, linked
from offtarget.data.pairs import Pair, PairSet, prompt_group
from offtarget.data.templates import Template, of_weight
from offtarget.errors import UndecidedError

DEALS = 200
P_DIFFER = 0.01
"""Below this p templates differ. Strict, since all concepts are asked at once: a real difference lies far below."""
_NAMED = 3
_OVER = "`--columns group=prompt` takes each prompt for a unit, for findings that speak"


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a set, and what is to be said of them."""

    names: tuple[str, ...]
    """The unit of each row."""
    notes: tuple[str, ...] = ()

    def noun(self, pairs: PairSet) -> Literal["prompts", "groups", "units"]:
        """What they are to be called."""
        if self.names != tuple(p.group for p in pairs.pairs):
            return "units"
        return "groups" if pairs.unit else "prompts"


def find_units(pairs: PairSet, u: NDArray[Any], *, seed: int) -> Units:
    """The unit of each row.

    Args:
        pairs: the set.
        u: `(n_pairs, n_concepts)`: what templates are compared by.
        seed: of the dealing.

    Raises:
        UndecidedError: templates, or rows that share their answers, are the units, and they are as good as fewer than ten.
    """
    rows = pairs.pairs
    if pairs.unit_given:
        return Units(tuple(p.group for p in rows))
    link = require_answers(pairs)
    groups, said_of_answers = link.names, (link.told,) if link.told else ()
    found = [] if pairs.unit or not by_prompt(rows) else of_weight(rows)
    if not found:
        return Units(groups, said_of_answers)
    filled = sum(len(t.rows) for t in found)
    told = _told(found, filled, len(rows))
    if len(found) == 1:
        return Units(
            groups,
            (
                *said_of_answers,
                f"{told}: what is found there speaks for that template, and is one unit if labels go by it",
            ),
        )
    p = differ(u, groups, found, seed=seed)
    if p >= P_DIFFER:
        return Units(
            groups,
            (
                *said_of_answers,
                f"{told}: chosen and rejected differ no more between templates than by chance (p = {p:.2g}), so "
                f"{'no template' if link.told else 'each prompt'} is a unit; what is found there speaks for these templates",
            ),
        )
    names = list(groups)
    for t in found:
        for i in t.rows:
            names[i] = f"template: {t.frame}"
    names = join(names, alike(groups))
    effective = effective_groups(group_codes(names))
    said = (
        f"{told}, and what tells chosen from rejected goes by template (p = {p:.2g}): each template is one unit, the rows "
        f"are as good as {effective:.0f} units of equal size"
    )
    if effective < MIN_UNITS:
        raise UndecidedError(
            f"{said}, and at least {MIN_UNITS} are needed to test anything; add prompts of other kinds; {_OVER} for these "
            "templates alone"
        )
    return Units(tuple(names), (*said_of_answers, f"{said}; {_OVER} for these templates alone"))


def require_answers(pairs: PairSet) -> Linked:
    """The units of rows that share their answers, of which there must be enough.

    Raises:
        UndecidedError: they are as good as fewer than ten, though the prompts are more.
    """
    link = linked(pairs.pairs, "groups" if pairs.unit else "prompts")
    if link.effective < MIN_UNITS <= kish(p.group for p in pairs.pairs) and not pairs.unit_given:
        raise UndecidedError(
            f"{link.told}, and at least {MIN_UNITS} are needed to test anything; add rows with other answers; {_OVER} for "
            "these answers alone"
        )
    return link


def by_prompt(pairs: Sequence[Pair]) -> bool:
    """Whether the group of each row is its prompt, and was not given by a column."""
    return {p.group for p in pairs} <= {prompt_group(p.prompt) for p in pairs}


def differ(u: NDArray[Any], groups: Sequence[str], found: Sequence[Template], *, seed: int) -> float:
    """Do templates differ in u more than prompts dealt out among them at random would?

    Statistic: the sum over concepts, each in units of its sd, of Σ_t (Σ_{i∈t} (u_i - ū))² / n_t over the rows of
    templates. Under the null the prompts are exchangeable among templates, each with all its rows.

    Args:
        u: `(n_pairs, n_concepts)`.
        groups: prompt of each row.
        found: two templates or more.
        seed: of the dealing.

    Returns:
        Share of dealings with at least this statistic, the observed one counted among them.
    """
    rows = np.array([i for t in found for i in t.rows], dtype=np.int64)
    template = np.repeat(np.arange(len(found)), [len(t.rows) for t in found])
    prompts = group_codes([groups[i] for i in rows])
    n_prompts = int(prompts.max()) + 1
    home = np.zeros(n_prompts, dtype=np.int64)
    home[prompts] = template  # rows of a prompt fill one template; of rows linked by answers the last one's counts
    sizes = np.bincount(prompts, minlength=n_prompts).astype(np.float64)
    sums = np.empty((n_prompts, u.shape[1]))
    to_prompts = indicator(prompts, n_prompts)
    for cols in column_blocks(u.shape[1]):
        block = u[rows, cols].astype(np.float64)
        sd = block.std(axis=0)
        sums[:, cols] = to_prompts @ ((block - block.mean(axis=0)) / np.where(sd > 0, sd, 1.0))
    order = np.argsort(home, kind="stable")
    starts = np.searchsorted(home[order], np.arange(len(found)))
    rng = np.random.default_rng(seed)
    seen = _between(sums[order], sizes[order], starts)
    more = 0
    for _ in range(DEALS):
        dealt = rng.permutation(n_prompts)
        more += _between(sums[dealt], sizes[dealt], starts) >= seen * (1 - 1e-9)
    return (1 + more) / (1 + DEALS)


def _between(sums: Floats, sizes: Floats, starts: Ints) -> float:
    """The statistic of prompts of which those from each start on, up to the next, fill one template."""
    of_template = np.add.reduceat(sums, starts, axis=0)
    return float(((of_template**2).sum(axis=1) / np.add.reduceat(sizes, starts)).sum())


def _told(found: Sequence[Template], filled: int, n: int) -> str:
    named = ", ".join(f"“{t.frame}” {len(t.rows)}" for t in found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
    many = f"all {n:,} rows" if filled == n else f"{filled:,} of {n:,} rows"
    return f"the prompts of {many} fill {'one template' if len(found) == 1 else f'{len(found)} templates'} ({named})"
